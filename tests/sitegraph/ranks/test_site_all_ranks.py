"""Every rank of the table: reversed graph, capped supporters, spam mass, and the files that ask for them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import plain_ranks
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

import sitegraph.ranks.checkpoint
import sitegraph.store.numbering
from corpus.errors import InputError, PipelineError, SettingError
from corpus.storage import ShardSet
from sitegraph.building.small import graph_of
from sitegraph.hosts import domain_of, reverse
from sitegraph.layout import GraphSets
from sitegraph.ranks.hyperball import HyperBallSettings
from sitegraph.ranks.inverse import inverse_ranks
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.ranks.robust import robust
from sitegraph.sites.preferences import Preference
from sitegraph.store.classes import Weights
from sitegraph.store.opened import Graph, open_graph

HOSTS = 220
EXACT = PageRank(tolerance=1e-12)


@dataclass(frozen=True)
class Made:
    """A random graph on disk, and the same as a matrix of weights by host id."""

    sets: GraphSets
    host: Graph
    matrix: object
    names: list[str]

    @property
    def weights(self) -> NDArray[np.float64]:
        return Weights().of(self.host.classes)

    def ids(self, *names: str) -> NDArray[np.int64]:
        return np.sort(self.host.names.find([reverse(name) for name in names]))


@pytest.fixture(scope="module", params=["one tier", "tiers"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """220 hosts of 60 domains; hyphens part the hosts of a domain, some arcs weigh nothing, a third of hosts dangle."""
    random = np.random.default_rng(11)
    names = [f"h{i}.site{i % 30}{'-shop' if i % 2 else ''}.{('com', 'de')[i % 3 == 0]}" for i in range(HOSTS)]
    source, target = random.integers(0, HOSTS * 2 // 3, 1500), random.integers(0, HOSTS, 1500)
    counts = np.zeros((1500, 7), np.int64)
    counts[:, 0], counts[:, 1], counts[:, 2] = random.geometric(0.4, 1500) - 1, random.integers(0, 3, 1500), 1
    counts[:, 3] = 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.numbering, "TIERED", 0 if request.param == "tiers" else HOSTS)
        sets = graph_of(tmp_path_factory.mktemp("graph"), names, source, target, counts)
    host = open_graph(sets)["host"]
    assert (host.numbering.among is not None) == (request.param == "tiers")
    weights = Weights().of(host.classes)
    arcs = [(s, t, weights[c]) for s, t, c in host.chunks()]
    s, t, w = (np.concatenate(part) for part in zip(*arcs, strict=True))
    return Made(sets, host, plain_ranks.matrix(HOSTS, s, t, w), [reverse(name) for name in host.names])


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_inverse_rank_and_anti_trust_are_ranks_of_the_reversed_graph(made: Made, threads: int) -> None:
    """Both at once, against a dense solve; the same bits for any number of threads."""
    bad = np.array([3, 50, 199])
    with Passes(made.host, made.weights, threads) as passes:
        found = inverse_ranks(passes, [None, Preference(bad, np.full(3, 1 / 3))], EXACT)
    inverse, anti = (rank.by_id(made.host.numbering) for rank in found)
    assert np.abs(inverse - plain_ranks.inverse(made.matrix)).sum() < 1e-10
    assert np.abs(anti - plain_ranks.anti_trust(made.matrix, bad)).sum() < 1e-10
    with Passes(made.host, made.weights, 1) as passes:
        alone = inverse_ranks(passes, [None], EXACT)[0]
    assert (alone.by_id(made.host.numbering) == inverse).all() or alone.sweeps != found[0].sweeps


def test_the_bound_on_an_inverse_rank_holds(made: Made) -> None:
    """A loose tolerance: the true error is below what is told."""
    with Passes(made.host, made.weights) as passes:
        found = inverse_ranks(passes, [None], PageRank(tolerance=1e-3))[0]
    error = np.abs(found.by_id(made.host.numbering) - plain_ranks.inverse(made.matrix)).sum()
    assert 0 < error <= found.error <= 1e-3


def test_an_inverse_rank_goes_on_where_it_was_stopped(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in sweep 5 by an exception, it ends with the same bits, and fewer sweeps are done again."""
    state = tmp_path / "state"
    monkeypatch.setattr(sitegraph.ranks.checkpoint, "SHARE", 0)  # a state after every sweep

    def stop(sweeps: int, error: float) -> None:
        if sweeps == 5:
            raise KeyboardInterrupt

    seen: list[int] = []
    with Passes(made.host, made.weights) as passes:
        whole = inverse_ranks(passes, [None], EXACT)[0]
        with pytest.raises(KeyboardInterrupt):
            inverse_ranks(passes, [None], EXACT, watch=stop, checkpoint=state)
        again = inverse_ranks(passes, [None], EXACT, watch=lambda n, e: seen.append(n), checkpoint=state)[0]
    assert seen[0] == 5
    assert (again.values == whole.values).all()
    assert not state.exists()


def test_leaves_of_one_domain_are_one_supporter(tmp_path: Path) -> None:
    """By hand: hosts a1, a2, a3 of one domain link to a hub that links to a1. With a = 0.85 and n = 4 the leaves give
    flow = x_hub - 0.15 / 4; capped at half of x_hub, the hub keeps x_hub - (flow - x_hub / 2)."""
    names = ["a1.farm.com", "a2.farm.com", "a3.farm.com", "hub.org"]
    host = open_graph(graph_of(tmp_path, names, np.array([0, 1, 2, 3]), np.array([3, 3, 3, 0])))["host"]
    numbering = host.numbering
    with Passes(host, np.ones(1)) as passes:
        found = pageranks(passes, [None], EXACT)[0]
        domains = host.column("domain")[numbering.ids(np.arange(numbering.sources))]
        values = robust(passes, found, passes.out_weights(), 0.85, 0.5, domains)
    hub = int(host.names.find(["org.hub"])[0])
    x = float(found.by_id(numbering)[hub])
    flow = x - 0.15 / 4
    assert numbering.by_id(values, 0, 4)[hub] == pytest.approx(x - (flow - x / 2), abs=1e-12)


@pytest.mark.parametrize("cap", [0.001, 0.05, 0.3, 1.0])
def test_no_supporter_gives_more_than_its_cap(made: Made, cap: float) -> None:
    """Supporters are registered domains, also where another domain's hosts lie between theirs."""
    owner = {name: place for place, name in enumerate(sorted({domain_of(name) for name in made.names}))}
    groups = np.array([owner[domain_of(name)] for name in made.names])
    numbering = made.host.numbering
    with Passes(made.host, made.weights) as passes:
        found = pageranks(passes, [None], EXACT)[0]
        sources = numbering.ids(np.arange(numbering.sources))
        domains = made.host.column("domain")[sources]
        values = robust(passes, found, passes.out_weights(), 0.85, cap, domains)
    taken = plain_ranks.robust(made.matrix, groups, 1.0) - plain_ranks.robust(made.matrix, groups, cap)
    expected = plain_ranks.pagerank(made.matrix) - taken
    assert np.abs(numbering.by_id(values, 0, HOSTS) - expected).max() < 1e-12


def table(made: Made, folder: Path, **settings: object) -> tuple[pa.Table, dict[str, int], list[str]]:
    out = ShardSet(folder, "authority")
    _, counts, notes = rank(made.sets, out, Ranking(pagerank=EXACT, **settings))  # type: ignore[arg-type]
    return pq.read_table(out.path(0)), counts, notes


def at_hosts(found: pa.Table, column: str) -> NDArray[np.float64]:
    rows = found.filter(pa.compute.equal(found["level"], "host"))
    return rows[column].to_numpy(zero_copy_only=False).astype(np.float64)


def test_the_table_holds_every_rank(made: Made, tmp_path: Path) -> None:
    """Trust, spam mass, anti-trust, inverse and robust rank of hosts against the plain ones; both levels are there."""
    seeds, bad = [made.names[5], made.names[80]], [made.names[120]]
    (tmp_path / "seeds.txt").write_text("\n".join([*seeds, "nobody.example"]))
    (tmp_path / "bad.txt").write_text("\n".join(bad))
    found, counts, notes = table(made, tmp_path, seeds=tmp_path / "seeds.txt", bad=tmp_path / "bad.txt")
    good, spam = made.ids(*seeds), made.ids(*bad)
    for column, expected in {
        "pagerank": plain_ranks.pagerank(made.matrix),
        "trust": plain_ranks.trust(made.matrix, good, 0.5),
        "anti_trust": plain_ranks.anti_trust(made.matrix, spam),
        "inverse": plain_ranks.inverse(made.matrix),
        "spam_mass": plain_ranks.spam_mass(made.matrix, good),
    }.items():
        assert np.abs(at_hosts(found, column) - expected).max() < 1e-8, column
    assert set(found["level"].to_pylist()) == {"host", "domain"}
    assert counts["seeds"] == 3
    assert counts["seeds_unknown"] == 1
    assert counts["host_arcs"] == made.host.m
    assert len(notes) == 1
    assert "nobody.example" in notes[0]


def test_without_files_their_columns_are_null(made: Made, tmp_path: Path) -> None:
    """Trust and its kin are unknown, not zero; robust, truncated and inverse rank need no file."""
    found, _, notes = table(made, tmp_path)
    for name in ("trust", "trust_percentile", "spam_mass", "spam_mass_percentile", "anti_trust", "quality", "harmonic"):
        assert found[name].null_count == found.num_rows, name
    for name in ("pagerank", "robust", "robust_percentile", "truncated", "truncated_percentile", "inverse"):
        assert found[name].null_count == 0, name
    assert notes == []


def test_rows_are_sorted_and_a_row_group_has_one_level(made: Made, tmp_path: Path) -> None:
    """By (level, reversed), bytes ascending; names are the reversed ones turned round."""
    found, _, _ = table(made, tmp_path, inverse=False)
    keys = list(zip(found["level"].to_pylist(), found["reversed"].to_pylist(), strict=True))
    assert keys == sorted(keys, key=lambda key: (key[0].encode(), key[1].encode()))
    assert found["name"].to_pylist() == [reverse(name) for _, name in keys]
    with pq.ParquetFile(ShardSet(tmp_path, "authority").path(0)) as file:
        for group in range(file.num_row_groups):
            assert len(set(file.read_row_group(group, ["level"])["level"].to_pylist())) == 1


def test_quality_starts_the_rank_where_text_is_good(made: Made, tmp_path: Path) -> None:
    """Two sites of measured quality 3 and 1 on many pages: a personalised rank with these masses."""
    first, second = made.names[7], made.names[90]
    (tmp_path / "quality.csv").write_text(f"name,quality,pages\n{first},3,1000000000\n{second},1,1000000000\n")
    found, _, _ = table(made, tmp_path, quality=tmp_path / "quality.csv")
    v = np.zeros(HOSTS)
    v[made.ids(first)], v[made.ids(second)] = 0.75, 0.25
    expected = plain_ranks.pagerank(made.matrix, v=v)
    assert np.abs(at_hosts(found, "quality") - expected).max() < 1e-7


def test_a_rank_that_does_not_converge_names_its_level(made: Made, tmp_path: Path) -> None:
    """Two sweeps are not enough."""
    out = ShardSet(tmp_path, "authority")
    with pytest.raises(PipelineError, match=r"domain level: PageRank: error bound .* after 2 sweeps"):
        rank(made.sets, out, Ranking(pagerank=PageRank(max_sweeps=2)))
    assert out.parts() == []


def test_a_missing_seeds_file_is_told(made: Made, tmp_path: Path) -> None:
    """Before any rank is made."""
    with pytest.raises(InputError, match="seeds"):
        Ranking(seeds=tmp_path / "seeds.txt").mark()


@pytest.mark.parametrize("links", [-1, 101])
def test_links_of_the_truncated_rank_are_checked(links: int) -> None:
    """From 0 to 100."""
    with pytest.raises(SettingError, match="truncate"):
        Ranking(truncate=links)


def test_a_truncated_rank_that_is_not_asked_for_is_null(made: Made, tmp_path: Path) -> None:
    """Truncated at 0 it would be PageRank; so 0 leaves it out."""
    found, _, _ = table(made, tmp_path, truncate=0)
    for name in ("truncated", "truncated_percentile"):
        assert found[name].null_count == found.num_rows, name


def test_the_passes_of_a_truncated_rank_are_heard_of(made: Made, tmp_path: Path) -> None:
    """As many at each level as links are set, each with the level and what is ranked."""
    heard: list[tuple[str, int]] = []
    out = ShardSet(tmp_path, "authority")
    rank(made.sets, out, Ranking(truncate=3), watch=lambda what, sweeps, _: heard.append((what, sweeps)))
    for level in ("host", "domain"):
        assert [done for what, done in heard if what == f"{level} level, truncated"] == [1, 2, 3]


@pytest.mark.parametrize("field", ["cap", "good_share"])
def test_shares_are_checked(field: str) -> None:
    """Names the field and what would be valid."""
    with pytest.raises(SettingError, match=field):
        Ranking(**{field: 0.0})  # type: ignore[arg-type]


def test_supporters_and_centrality_are_columns(made: Made, tmp_path: Path) -> None:
    """Within what HyperLogLog errs by: exact supporters by breadth-first search, on average over the hosts."""
    found, counts, _ = table(made, tmp_path, balls=HyperBallSettings(log2m=12))
    rows = found.filter(pa.compute.equal(found["level"], "host"))
    near = np.array(rows["supporters"].to_pylist(), np.float64)
    exact = plain_ranks.supporters(made.matrix)
    assert near.shape == exact.shape == (HOSTS, 4)
    assert np.abs(near - exact).max() <= 0.05 * exact.max()
    assert np.abs(at_hosts(found, "harmonic") / np.maximum(plain_ranks.harmonic(made.matrix), 1) - 1).mean() < 0.05
    assert counts["host_balls_unfinished"] == 0
    none, _, _ = table(made, tmp_path, balls=None)
    assert none["supporters"].null_count == none.num_rows
