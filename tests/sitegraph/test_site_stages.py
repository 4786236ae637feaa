"""The stages of the site graph, and the authority table they end in."""

import contextlib
import gzip
import json
import pickle
import resource
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import networkx as nx
import numpy as np
import plain_ranks
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray
from site_graphs import arcs_of, names_of, weights_of

from corpus.errors import InputError, MissingError, PipelineError, SettingError, StorageError
from corpus.executors.local import LocalExecutor
from corpus.pipeline import Pipeline
from corpus.schema import AUTHORITY, LINKS
from corpus.stage import Result, load_reports
from corpus.storage import ShardSet, TableWriter
from corpus.url import Suffixes
from sitegraph.building.assemble import Built
from sitegraph.building.small import graph_of
from sitegraph.hosts import domain_of, reverse
from sitegraph.layout import LEVELS, GraphSets, Level
from sitegraph.ranks import shelf
from sitegraph.ranks.pagerank import PageRank
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.stages import BuildGraph, RankSites
from sitegraph.store.classes import Weights

Links = Sequence[tuple[str, str, int, int]]
Build = Callable[[Path, Sequence[Links]], tuple[GraphSets, Built]]
WriteLinks = Callable[[Path, Sequence[Links]], ShardSet]
Row = dict[str, Any]

SITE: Links = [
    ("a.com", "b.com", 0, 1),
    ("b.com", "a.com", 0, 1),
    ("x.c.org", "y.c.org", 0, 1),
    ("d.net", "a.com", 0, 1),
]


def table(shard_set: ShardSet) -> list[Row]:
    """Return the rows of part 0."""
    found: list[Row] = pq.read_table(shard_set.path(0)).to_pylist()
    return found


def ranked(graph: GraphSets, settings: Ranking | None = None) -> dict[tuple[str, str], Row]:
    """Rank a graph; return the rows by level and name."""
    out = ShardSet(graph.root, "authority")
    rank(graph, out, settings or Ranking())
    return {(row["level"], row["name"]): row for row in table(out)}


def column(rows: dict[tuple[str, str], Row], level: str, name: str) -> dict[str, Any]:
    """Return the values of a column at a level by the name of the site."""
    return {site: row[name] for (at, site), row in rows.items() if at == level}


def stages_at(root: Path, links: ShardSet, ranking: Ranking | None = None) -> tuple[BuildGraph, RankSites]:
    """Return both stages under a root."""
    graph = GraphSets(root)
    return (
        BuildGraph(links=links, graph=graph),
        RankSites(graph=graph, authority=ShardSet(root, "authority"), ranking=ranking or Ranking()),
    )


def written(path: Path, text: str) -> Path:
    """Return a file with this text."""
    path.write_text(text)
    return path


@dataclass(frozen=True, kw_only=True)
class GiveLinks:
    """A stage that stands for whatever writes the links."""

    root: Path
    links: Links
    name: str = "give"
    version: int = 1
    inputs: tuple[ShardSet, ...] = ()

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        return (ShardSet(self.root, "links"),)

    def settings(self) -> Links:
        return self.links

    def shards(self) -> int:
        return 1

    def sources(self, shard: int) -> list[Path]:
        return []

    def run(self, shard: int) -> Result:
        with TableWriter(self.outputs[0], shard, LINKS) as out:
            out.write([dict(zip(LINKS.names, (*link, 0), strict=True)) for link in self.links])
        return Result(files=[out.written])


# The table


def test_the_table_of_the_hand_made_graph(hand_made: tuple[GraphSets, Built]) -> None:
    """One row per domain and host, sorted by level and reversed name; ranks sum to 1 per level; places all differ."""
    graph, _ = hand_made
    out = ShardSet(graph.root, "authority")
    written, counts, notes = rank(graph, out, Ranking())
    rows = table(out)
    assert pq.read_schema(out.path(0)).equals(AUTHORITY)
    assert [(row["level"], row["reversed"]) for row in rows] == sorted((row["level"], row["reversed"]) for row in rows)
    assert all(row["reversed"] == reverse(row["name"]) for row in rows)
    assert written.rows == len(rows) == 15
    for level, nodes in (("domain", 7), ("host", 8)):
        of_level = [row for row in rows if row["level"] == level]
        for name in ("pagerank", "inverse"):
            assert sum(row[name] for row in of_level) == pytest.approx(1)
        assert sorted(row["position"] for row in of_level) == list(range(1, nodes + 1))
        assert {row["source"] for row in of_level} == {"crawl"}
    by_name = {row["name"]: row for row in rows if row["level"] == "host"}
    assert by_name["alpha.com"]["in_domains"] == 2
    least = {"alpha.de", "lonely.net", "u1.github.io", "xn--bcher-kva.de", "blog.beta.org"}
    assert {by_name[name]["percentile"] for name in least} == {5 / 8}
    assert by_name["alpha.de"]["position"] == 4  # the first of these by its reversed name
    assert notes == []
    assert {name for name, value in rows[0].items() if value is None} == {
        *("harmonic", "trust", "trust_percentile", "anti_trust", "spam_mass", "spam_mass_percentile"),
        *("quality", "quality_percentile", "good"),
    }
    assert by_name["alpha.com"]["supporters"] == [3, 3, 3, 3]  # bücher.de, beta.org and its blog
    assert {name: value for name, value in counts.items() if not name.endswith(("sweeps", "passes"))} == {
        "hosts": 8,
        "host_arcs": 7,
        "host_dangling": 3,
        "host_balls_unfinished": 0,
        "domains": 7,
        "domain_arcs": 5,
        "domain_dangling": 3,
        "domain_balls_unfinished": 0,
    }
    assert min(counts[f"{level}_{name}"] for level in LEVELS for name in ("sweeps", "inverse_sweeps")) > 0


def test_ranks_of_hosts_equal_networkx(hand_made: tuple[GraphSets, Built]) -> None:
    """The stored ranks are those that networkx has for the graph with these weights and this damping."""
    graph, _ = hand_made
    weights = Weights(nofollow=0.3, sponsored=0.2)
    oracle = nx.DiGraph()
    oracle.add_nodes_from(names_of(graph, "host"))
    oracle.add_weighted_edges_from((s, t, w) for (s, t), w in weights_of(graph, "host", weights).items())
    rows = ranked(graph, Ranking(pagerank=PageRank(damping=0.7), weights=weights))
    assert column(rows, "host", "pagerank") == pytest.approx(nx.pagerank(oracle, 0.7, tol=1e-12), abs=1e-9)


HOSTS = [f"{'abc'[i % 3]}{i}.d{i % 17}.com" for i in range(60)]
SEEDS, BAD = ["a0.d0.com", "b1.d1.com", "c5.d5.com"], ["c2.d2.com", "a9.d9.com"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> GraphSets:
    """A graph of 60 hosts in 17 domains, a third of them dangling."""
    random = np.random.default_rng(7)
    source, target = random.integers(0, 40, 300), random.integers(0, 60, 300)
    counts = np.zeros((300, 7), np.int64)
    counts[:, 0], counts[:, 1], counts[:, 3] = random.integers(0, 50, 300), random.integers(1, 4, 300), 1
    return graph_of(tmp_path_factory.mktemp("drawn"), HOSTS, source, target, counts)


@pytest.fixture
def settings(tmp_path: Path) -> Ranking:
    """A ranking that asks for every column."""
    quality = "".join(f"{name},{i % 7}\n" for i, name in enumerate(HOSTS))
    return Ranking(
        pagerank=PageRank(tolerance=1e-12),
        seeds=written(tmp_path / "seeds.txt", "\n".join(SEEDS)),
        bad=written(tmp_path / "bad.txt", "\n".join(BAD)),
        quality=written(tmp_path / "quality.csv", quality),
        shrinking=replace(Ranking().shrinking, strength=0),
        cap=0.2,
        truncate=2,
    )


def matrix_of(graph: GraphSets, level: Level) -> tuple[list[str], Any]:
    """Return the names of a level, and its weights as a sparse matrix."""
    names, weights = names_of(graph, level), weights_of(graph, level, Weights())
    place = {name: i for i, name in enumerate(names)}
    ends = np.array([(place[s], place[t]) for s, t in weights]).T
    return names, plain_ranks.matrix(len(names), ends[0], ends[1], list(weights.values()))


@pytest.mark.parametrize("level", LEVELS)
def test_every_rank_is_what_its_definition_says(drawn: GraphSets, settings: Ranking, level: Level) -> None:
    """Columns of a graph against plain solves: trust, quality, spam mass, inverse, anti-trust, parts of PageRank."""
    names, w = matrix_of(drawn, level)
    place = {name: i for i, name in enumerate(names)}

    def nodes(hosts: Sequence[str]) -> list[int]:
        return [place[name if level == "host" else domain_of(name)] for name in hosts]

    quality = np.zeros(len(names))
    if level == "host":
        quality[nodes(HOSTS)] = [i % 7 for i in range(60)]
    else:
        sums, pages = np.zeros(len(names)), np.zeros(len(names))
        np.add.at(sums, nodes(HOSTS), [i % 7 for i in range(60)])
        np.add.at(pages, nodes(HOSTS), 1)
        quality = sums / pages
    owners = [i if level == "domain" else hash(domain_of(name)) % (1 << 20) for i, name in enumerate(names)]
    groups = np.unique(owners, return_inverse=True)[1]
    x = plain_ranks.pagerank(w)
    capped = plain_ranks.robust(w, groups, settings.cap) - plain_ranks.robust(w, groups, 1e9)
    expected: dict[str, NDArray[np.float64]] = {
        "pagerank": x,
        "trust": plain_ranks.trust(w, nodes(SEEDS), settings.trust_damping),
        "quality": plain_ranks.pagerank(w, v=quality / quality.sum()),
        "spam_mass": plain_ranks.spam_mass(w, nodes(SEEDS)),
        "inverse": plain_ranks.inverse(w),
        "anti_trust": plain_ranks.anti_trust(w, nodes(BAD)),
        "robust": x + capped,
        "truncated": plain_ranks.truncated(w, settings.truncate) / plain_ranks.pagerank(w, dangling="pseudo").sum(),
    }
    rows = ranked(drawn, settings)
    for name, values in expected.items():
        assert column(rows, level, name) == pytest.approx(dict(zip(names, values, strict=True)), abs=1e-8), name
    for name, of in [("", "pagerank"), *((f"{of}_", of) for of in ("trust", "quality", "robust", "truncated"))]:
        key = {site: float(f"{value:.9e}") for site, value in column(rows, level, of).items()}
        lower = {site: sum(other <= value for other in key.values()) / len(key) for site, value in key.items()}
        assert column(rows, level, f"{name}percentile") == pytest.approx(lower), of


@pytest.mark.parametrize("dangling", ["strong", "weak", "pseudo"])
@pytest.mark.parametrize("share", [0.85, 0.4])
def test_spam_mass_is_that_of_pseudo_ranks_in_every_mode(
    drawn: GraphSets, settings: Ranking, dangling: Literal["strong", "weak", "pseudo"], share: float
) -> None:
    """Where dangling mass goes makes another PageRank and trust, but no other estimate."""
    names, w = matrix_of(drawn, "host")
    chosen = replace(settings, pagerank=PageRank(dangling=dangling, tolerance=1e-12), good_share=share)
    rows = ranked(drawn, chosen)
    seeds = [names.index(name) for name in SEEDS]
    expected = plain_ranks.spam_mass(w, seeds, share)
    assert column(rows, "host", "spam_mass") == pytest.approx(dict(zip(names, expected, strict=True)), abs=1e-8)
    trust = plain_ranks.trust(w, seeds, settings.trust_damping, dangling)
    assert column(rows, "host", "trust") == pytest.approx(dict(zip(names, trust, strict=True)), abs=1e-8)


def test_ranks_do_not_depend_on_threads(drawn: GraphSets, settings: Ranking) -> None:
    """The same bytes for any number of threads."""
    out = ShardSet(drawn.root, "authority")
    assert len({rank(drawn, out, replace(settings, threads=threads))[0].sha256 for threads in (1, 2, 5)}) == 1


def test_the_table_holds_its_settings(drawn: GraphSets, settings: Ranking, tmp_path: Path) -> None:
    """As JSON in the metadata; files by what is in them, so the same seeds elsewhere give the same bytes."""
    out = ShardSet(drawn.root, "authority")
    first = rank(drawn, out, settings)[0]
    told = json.loads(pq.read_schema(out.path(0)).metadata[b"sitegraph.ranking"])
    assert (told["settings"]["cap"], told["settings"]["truncate"]) == (0.2, 2)
    assert set(told["files"]) == {"seeds", "bad", "quality"}
    assert str(tmp_path) not in json.dumps(told)
    moved = written(tmp_path / "moved.txt", "\n".join(SEEDS))
    assert rank(drawn, out, replace(settings, seeds=moved))[0].sha256 == first.sha256


# Seeds


def test_seeds_leave_pagerank_as_it_is(build_graph: Build, tmp_path: Path) -> None:
    """They give columns of their own; in the pseudo and weak modes as well."""
    graph, _ = build_graph(tmp_path, [SITE])
    seeds = written(tmp_path / "seeds.txt", "d.net\n")
    for dangling in ("strong", "weak", "pseudo"):
        settings = Ranking(pagerank=PageRank(dangling=dangling, tolerance=1e-12))  # type: ignore[arg-type]
        plain, with_seeds = ranked(graph, settings), ranked(graph, replace(settings, seeds=seeds))
        for name in ("pagerank", "percentile", "position", "robust", "inverse"):
            for level in LEVELS:
                assert column(with_seeds, level, name) == pytest.approx(column(plain, level, name), abs=1e-11)


def test_a_seed_gives_trust_to_what_it_links(build_graph: Build, tmp_path: Path) -> None:
    """Only what can be reached from the seeds has trust; unknown seeds are counted, and named in a note."""
    graph, _ = build_graph(tmp_path, [SITE])
    path = written(tmp_path / "seeds.txt", "d.net\nnowhere.example\n10.0.0.1\n")
    out = ShardSet(tmp_path, "authority")
    _, counts, notes = rank(graph, out, Ranking(seeds=path))
    rows = {row["name"]: row for row in table(out) if row["level"] == "host"}
    assert rows["x.c.org"]["trust"] == rows["y.c.org"]["trust"] == 0.0
    # d has 1 - a; a = a d + a b and b = a a, hence a = a d / (1 - a a), with the damping of trust
    assert rows["d.net"]["trust"] == pytest.approx(0.5)
    assert rows["a.com"]["trust"] == pytest.approx(0.25 / (1 - 0.25))
    assert [rows[name]["trust_percentile"] for name in ("d.net", "a.com", "b.com", "x.c.org")] == [1.0, 0.8, 0.6, 0.4]
    rank(graph, out, Ranking(seeds=path, trust_damping=0.85))  # that of PageRank
    rows = {row["name"]: row for row in table(out) if row["level"] == "host"}
    assert rows["d.net"]["trust"] == pytest.approx(0.15)
    assert rows["a.com"]["trust"] == pytest.approx(0.85 * 0.15 / (1 - 0.85**2))
    # nothing of what x.c.org has comes from a seed; a.com has more of it than its share of the web
    assert rows["x.c.org"]["spam_mass"] == 1.0
    assert rows["a.com"]["spam_mass"] < 0.5
    percentiles = [rows[name]["spam_mass_percentile"] for name in ("d.net", "a.com", "b.com", "x.c.org", "y.c.org")]
    assert percentiles == [1.0, 0.8, 0.6, 0.4, 0.4]
    assert (counts["seeds"], counts["seeds_unknown"]) == (3, 2)
    assert notes == ["2 of 3 sites are not in the graph: '10.0.0.1', 'nowhere.example'"]


def test_each_file_is_counted_by_its_name(build_graph: Build, tmp_path: Path) -> None:
    """Sites and unknown ones of seeds, bad sites and quality, with a note for each file that has some."""
    graph, _ = build_graph(tmp_path, [SITE])
    settings = Ranking(
        seeds=written(tmp_path / "seeds.txt", "d.net\n"),
        bad=written(tmp_path / "bad.txt", "a.com\nb.com\ngone.example\n"),
        quality=written(tmp_path / "quality.csv", "name,quality\na.com,1\nc.org,2\nlost.example,3\nmore.example,4\n"),
    )
    _, counts, notes = rank(graph, ShardSet(tmp_path, "authority"), settings)
    assert {name: counts[name] for name in counts if name.startswith(("seeds", "bad", "quality"))} == {
        "seeds": 1,
        "seeds_unknown": 0,
        "bad": 3,
        "bad_unknown": 1,
        "quality": 4,
        "quality_unknown": 2,
    }
    assert [note.partition(":")[2] for note in notes] == [" 'gone.example'", " 'lost.example', 'more.example'"]


def test_bad_sites_alone_give_anti_trust(build_graph: Build, tmp_path: Path) -> None:
    """Who links to them has it; the reversed graph is ranked for it although the inverse rank was not asked for."""
    graph, _ = build_graph(tmp_path, [SITE])
    bad = written(tmp_path / "bad.txt", "y.c.org\n")
    rows = ranked(graph, Ranking(bad=bad, inverse=False))
    anti = column(rows, "host", "anti_trust")
    # y has 1 - a and a of what x has, for x links nowhere else and is itself not linked; x has a of y
    assert anti == pytest.approx({"y.c.org": 1 / 1.85, "x.c.org": 0.85 / 1.85, "a.com": 0, "b.com": 0, "d.net": 0})
    assert column(ranked(graph, Ranking(inverse=False)), "host", "inverse")["a.com"] is None


def test_seeds_none_of_which_is_known_are_an_error(build_graph: Build, tmp_path: Path) -> None:
    """A preference of nothing has no rank, nor has a file that is not there; no table and no work is left of it."""
    graph, _ = build_graph(tmp_path, [SITE])
    out = ShardSet(tmp_path, "authority")
    path = written(tmp_path / "sites.txt", "nowhere.example\nlocalhost\n")
    for name in ("seeds", "bad"):
        with pytest.raises(InputError, match=r"sites\.txt: none of its 2 sites is in the graph"):
            rank(graph, out, Ranking(**{name: path}))  # type: ignore[arg-type]
    for name in ("seeds", "bad", "quality", "labels"):
        with pytest.raises(InputError, match=r"absent: cannot be read"):
            rank(graph, out, Ranking(**{name: tmp_path / "absent"}))  # type: ignore[arg-type]
    assert not list((tmp_path / "authority").glob("*"))


# A graph without hosts, without links, damaged


def test_a_graph_of_domains_alone_is_ranked(drawn: GraphSets, settings: Ranking, tmp_path: Path) -> None:
    """As an import of a domain graph gives it; seeds are then domains, and the rows are those of the whole graph."""
    shutil.copytree(drawn.folder, tmp_path / "domains", ignore=shutil.ignore_patterns("host-*", "authority"))
    seeds = written(tmp_path / "domains.txt", "d0.com\nd1.com\nd5.com\nwww.d1.com\nx.d1.com\n")
    bad = written(tmp_path / "bad_domains.txt", "d2.com\nd9.com\n")
    chosen = replace(settings, seeds=seeds, bad=bad, quality=None)
    found = ranked(GraphSets(tmp_path / "domains", ""), chosen)
    whole = ranked(drawn, replace(chosen, seeds=written(tmp_path / "s.txt", "d0.com\nd1.com\nd5.com\n")))
    assert found == {key: row for key, row in whole.items() if key[0] == "domain"}


def test_no_links_give_an_empty_table(tmp_path: Path) -> None:
    """A crawl without links ends in an authority table without rows, with seeds too."""
    seeds = written(tmp_path / "seeds.txt", "a.com\n")
    build, ranks = stages_at(tmp_path, ShardSet(tmp_path, "links"), Ranking(seeds=seeds, bad=seeds))
    build.run(0)
    assert ranks.run(0).counts["hosts"] == 0
    assert table(ranks.authority) == []


def test_a_rank_that_does_not_converge_is_an_error(build_graph: Build, tmp_path: Path) -> None:
    """The level is named, and no table is written."""
    graph, _ = build_graph(tmp_path, [SITE])
    out = ShardSet(tmp_path, "authority")
    with pytest.raises(PipelineError, match="domain level: PageRank: error bound"):
        rank(graph, out, Ranking(pagerank=PageRank(max_sweeps=1)))
    assert not out.parts()


def test_what_a_stopped_ranking_left_does_no_harm(drawn: GraphSets, settings: Ranking) -> None:
    """States of another ranking are passed over, and gone when this one is done; so is half a table."""
    out = ShardSet(drawn.root, "authority")
    expected = rank(drawn, out, settings)[0]
    with pytest.raises(PipelineError):
        rank(drawn, out, replace(settings, pagerank=PageRank(max_sweeps=3)))
    left = out.path(0).with_name(".part-00000.parquet.ranking")
    (left / "host").mkdir(parents=True, exist_ok=True)
    (left / "host" / "sweeps").write_bytes(b"HWSWEEP1 and no more")
    out.path(0).with_name(".part-00000.parquet.123.tmp").write_bytes(b"PAR1")
    assert rank(drawn, out, settings)[0] == expected
    assert [path.name for path in out.path(0).parent.iterdir()] == ["part-00000.parquet"]


@pytest.mark.parametrize("part", ["names", "arcs"])
def test_a_damaged_graph_is_not_ranked(hand_made: tuple[GraphSets, Built], part: str) -> None:
    """A flipped bit in names or arcs is told by file; no wrong table is written."""
    graph, _ = hand_made
    path = getattr(graph, part)("host").path(0)
    data = bytearray(path.read_bytes())
    data[20] ^= 1
    path.write_bytes(data)
    out = ShardSet(graph.root, "authority")
    with pytest.raises(StorageError, match=rf"host-{part}/part-00000\.{part}: .*build the graph again"):
        rank(graph, out, Ranking())
    assert not out.parts()


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: a stand-in for a full disk."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize(("size", "file"), [(60, r"\.vector: cannot write"), (300, r"balls: cannot write")])
def test_vectors_that_do_not_fit_on_the_disk_are_said(
    drawn: GraphSets, settings: Ranking, size: int, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Large vectors lie in files; their room is taken beforehand, for a process cannot catch it later."""
    expected = rank(drawn, ShardSet(drawn.root, "authority"), settings)[0]
    monkeypatch.setattr(shelf, "SHELVED", 0)
    assert rank(drawn, ShardSet(drawn.root, "authority"), settings)[0] == expected
    monkeypatch.setattr("sitegraph.ranks.checkpoint.Checkpoint.save", lambda *_: None)  # or that is what does not fit
    with largest_file(size), pytest.raises(StorageError, match=file):
        rank(drawn, ShardSet(drawn.root, f"again{size}"), settings)


@pytest.mark.parametrize("wrong", [{"cap": 0.0}, {"trust_damping": 1.0}, {"good_share": 1.1}, {"threads": -1}])
def test_refuses_wrong_settings(wrong: dict[str, Any]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Ranking(**wrong)


# As stages


def test_a_pipeline_builds_and_ranks_once(tmp_path: Path) -> None:
    """A second run does nothing, another damping ranks again, more links build and rank again."""

    def go(links: Links, damping: float) -> list[int]:
        give = GiveLinks(root=tmp_path, links=links)
        stages = stages_at(tmp_path, give.outputs[0], Ranking(pagerank=PageRank(damping=damping)))
        outcomes = Pipeline(root=tmp_path, stages=(give, *stages)).run(LocalExecutor(workers=0))
        return [outcome.ran for outcome in outcomes[1:]]

    assert go(SITE, 0.85) == [1, 1]
    assert go(SITE, 0.85) == [0, 0]
    assert go(SITE, 0.5) == [0, 1]
    counts = load_reports(tmp_path, "rank")[0].counts
    assert (counts["hosts"], counts["domains"]) == (5, 4)
    assert go([*SITE, ("e.com", "a.com", 0, 1)], 0.5) == [1, 1]


def test_counts_and_notes_are_in_the_reports(tmp_path: Path) -> None:
    """What the build and the ranking counted, and a sentence about unknown seeds."""
    give = GiveLinks(root=tmp_path, links=[*SITE, ("a.com", "10.0.0.1", 0, 1), ("a.com", "c.org", 8, 1)])
    seeds = written(tmp_path / "seeds.txt", "a.com\nunheard.example\n")
    stages = stages_at(tmp_path, give.outputs[0], Ranking(seeds=seeds))
    Pipeline(root=tmp_path, stages=(give, *stages)).run(LocalExecutor(workers=0))
    counts = load_reports(tmp_path, "graph")[0].counts
    assert (counts["links"], counts["links_endorsing"], counts["links_same_owner"]) == (6, 4, 1)
    assert (counts["links_unusable"], counts["host_arcs"], counts["domain_arcs"]) == (1, 5, 4)
    report = load_reports(tmp_path, "rank")[0]
    assert (report.counts["seeds"], report.counts["seeds_unknown"]) == (2, 1)
    assert report.counts["host_sweeps"] > 0
    assert list(report.faults) == [{"note": "1 of 2 sites are not in the graph: 'unheard.example'"}]


@pytest.mark.parametrize("name", ["seeds", "bad", "quality", "labels"])
def test_a_changed_file_ranks_again(write_links: WriteLinks, tmp_path: Path, name: str) -> None:
    """The content of the files that the settings name belongs to what marks a unit as done, their place does not."""
    path = written(tmp_path / "sites.txt", "a.com,1\n")
    _, stage = stages_at(tmp_path, write_links(tmp_path, [SITE]), Ranking(**{name: path}))  # type: ignore[arg-type]
    first = stage.identity(0)
    moved = written(tmp_path / "elsewhere.txt", "a.com,1\n")
    elsewhere = replace(stage, ranking=Ranking(**{name: moved}))  # type: ignore[arg-type]
    assert (elsewhere.identity(0), elsewhere.settings()) != (first, None)
    assert elsewhere.identity(0) == first
    assert replace(stage, ranking=Ranking()).identity(0) != first
    path.write_text("b.com,1\n")
    assert stage.identity(0) != first


@pytest.mark.parametrize("name", ["seeds", "bad", "quality"])
def test_a_missing_file_is_told_before_any_work(tmp_path: Path, name: str) -> None:
    """The pipeline stops before its first stage."""
    give = GiveLinks(root=tmp_path, links=SITE)
    ranking = Ranking(**{name: tmp_path / "absent.txt"})  # type: ignore[arg-type]
    stages = stages_at(tmp_path, give.outputs[0], ranking)
    with pytest.raises(InputError, match=r"absent\.txt: cannot be read .*check the path"):
        Pipeline(root=tmp_path, stages=(give, *stages)).run(LocalExecutor(workers=0))
    assert not (tmp_path / "links").exists()


@pytest.mark.parametrize("dangling", ["strong", "weak", "pseudo"])
def test_kernels_are_loaded_beforehand(tmp_path: Path, dangling: Literal["strong", "weak", "pseudo"]) -> None:
    """By a graph of its own: no input is needed for it, no file of the settings is read, and nothing is left."""
    absent = tmp_path / "absent"
    ranking = Ranking(pagerank=PageRank(dangling=dangling), seeds=absent, bad=absent, quality=absent, labels=absent)
    for stage in stages_at(tmp_path / "root", ShardSet(tmp_path, "links"), ranking):
        stage.prepare()
    assert list((tmp_path / "root").iterdir()) == []


def test_what_a_suffix_is_belongs_to_the_settings_of_a_graph(write_links: WriteLinks, tmp_path: Path) -> None:
    """Another level, or a platform more, builds again; limits of the engine do not."""
    stage, _ = stages_at(tmp_path, write_links(tmp_path, [SITE]))
    for suffixes in (Suffixes("icann"), Suffixes(extra=frozenset({"c.org"}))):
        assert replace(stage, suffixes=suffixes).settings() != stage.settings()
    folded = replace(stage, suffixes=Suffixes(extra=frozenset({"c.org"})))
    folded.run(0)
    assert names_of(stage.graph, "domain") == ["a.com", "b.com", "d.net", "x.c.org", "y.c.org"]
    assert ("x.c.org", "y.c.org") in arcs_of(stage.graph, "domain")


def test_stages_travel_to_other_processes(tmp_path: Path) -> None:
    """Both can be pickled, as executors do, and come back equal."""
    stages = stages_at(tmp_path, ShardSet(tmp_path, "links"))
    assert pickle.loads(pickle.dumps(stages)) == stages  # noqa: S301  # our own bytes


def test_ranks_of_a_graph_that_is_not_there(tmp_path: Path) -> None:
    """It says how to build one."""
    with pytest.raises(MissingError, match="no graph here; build one first"):
        rank(GraphSets(tmp_path), ShardSet(tmp_path, "authority"), Ranking())


@pytest.mark.shared
def test_a_real_site_graph(build_graph: Build, tmp_path: Path, shared: Path) -> None:
    """1,372 sites of Canadian politics: every site is a node or counted, order and values are those of networkx."""
    path = shared / "data" / "linkgraph" / "canadian-politics-2009-host-graph.json.gz"
    if not path.exists():
        pytest.skip(f"no site graph at {path}")
    data = json.loads(gzip.decompress(path.read_bytes()))
    links = [(link["src"], link["dst"], 0, link["count"]) for link in data["links"]]
    graph, built = build_graph(tmp_path, [links])
    assert built.counts["links"] == len(links) == 1539
    # Five IP addresses, and "", "http", "canadiancrc", "UN_CRC_webpage" and three names with a no-break space in them.
    assert (built.counts["hosts_ip"], built.counts["hosts_malformed"], built.counts["links_unusable"]) == (5, 7, 14)
    names = names_of(graph, "host")
    ends = {name.lower().removeprefix("www.") for source, target, *_ in links for name in (source, target)}
    assert len(ends) - len(names) == 5 + 7
    assert set(names) < ends
    out = ShardSet(tmp_path, "authority")
    rank(graph, out, Ranking())
    rows = {row["name"]: row for row in table(out) if row["level"] == "host"}
    weights: dict[tuple[str, str], int] = {}
    for source, target, _, pages in links:
        arc = (source.lower().removeprefix("www."), target.lower().removeprefix("www."))
        if arc[0] != arc[1] and {*arc} <= set(names):
            weights[arc] = weights.get(arc, 0) + pages
    oracle = nx.DiGraph()
    oracle.add_nodes_from(names)
    oracle.add_weighted_edges_from((s, t, float(np.log1p(pages))) for (s, t), pages in weights.items())
    expected = nx.pagerank(oracle, tol=1e-13, max_iter=1000)
    assert sum(abs(rows[name]["pagerank"] - expected[name]) for name in names) < 1e-8
    order = sorted(names, key=lambda name: (-float(f"{expected[name]:.8e}"), reverse(name)))
    top = [name for name in order if expected[name] > 1.01 * min(expected.values())]
    assert sorted(names, key=lambda name: rows[name]["position"])[: len(top)] == top
