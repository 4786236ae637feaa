"""The two stages, seeds, and the authority table they end in."""

import gzip
import json
import pickle
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError, PipelineError
from corpus.executors.local import LocalExecutor
from corpus.pipeline import Pipeline
from corpus.schema import AUTHORITY, LINKS
from corpus.stage import Result, load_reports
from corpus.storage import ShardSet, TableWriter
from sitegraph.build import Built
from sitegraph.convert import to_networkx
from sitegraph.graph import Weights, read_arcs, read_names
from sitegraph.layout import GraphSets
from sitegraph.pagerank import PageRank
from sitegraph.ranking import Ranking, rank
from sitegraph.seeds import preferences, read_seeds
from sitegraph.stages import BuildGraph, RankSites

Links = Sequence[tuple[str, str, int, int]]
Build = Callable[[Path, Sequence[Links]], tuple[GraphSets, Built]]
WriteLinks = Callable[[Path, Sequence[Links]], ShardSet]

SITE: Links = [
    ("a.com", "b.com", 0, 1),
    ("b.com", "a.com", 0, 1),
    ("x.c.org", "y.c.org", 0, 1),
    ("d.net", "a.com", 0, 1),
]


def table(shard_set: ShardSet) -> list[dict[str, object]]:
    """Return the rows of part 0."""
    found: list[dict[str, object]] = pq.read_table(shard_set.path(0)).to_pylist()
    return found


def stages_at(root: Path, links: ShardSet, ranking: Ranking | None = None) -> tuple[BuildGraph, RankSites]:
    """Return both stages under a root."""
    graph = GraphSets(root)
    return (
        BuildGraph(links=links, graph=graph),
        RankSites(graph=graph, authority=ShardSet(root, "authority"), ranking=ranking or Ranking()),
    )


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


def test_the_table_of_the_hand_made_graph(hand_made: tuple[GraphSets, Built]) -> None:
    """One row per domain and host, sorted by (level, name); ranks sum to 1 per level; positions are all different."""
    graph, _ = hand_made
    out = ShardSet(graph.root, "authority")
    written, counts = rank(graph, out, Ranking())
    rows = table(out)
    assert pq.read_schema(out.path(0)).equals(AUTHORITY)
    assert [(row["level"], row["name"]) for row in rows] == sorted((row["level"], row["name"]) for row in rows)
    assert written.rows == len(rows) == 15
    for level, nodes in (("domain", 7), ("host", 8)):
        of_level = [row for row in rows if row["level"] == level]
        assert sum(row["pagerank"] for row in of_level) == pytest.approx(1)
        assert sorted(row["position"] for row in of_level) == list(range(1, nodes + 1))
        assert {row["source"] for row in of_level} == {"crawl"}
    by_name = {row["name"]: row for row in rows if row["level"] == "host"}
    assert by_name["alpha.com"]["in_domains"] == 2
    assert {by_name[name]["percentile"] for name in ("alpha.de", "lonely.net", "u1.github.io")} == {5 / 8}
    assert (counts["hosts"], counts["host_arcs"], counts["host_dangling"]) == (8, 6, 3)
    assert (counts["domains"], counts["domain_arcs"], counts["domain_dangling"]) == (7, 4, 3)


def test_ranks_of_hosts_equal_networkx(hand_made: tuple[GraphSets, Built]) -> None:
    """The stored ranks are those that networkx has for the graph with these weights and this damping."""
    graph, _ = hand_made
    out = ShardSet(graph.root, "authority")
    weights = Weights(nofollow=0.3, sponsored=0.2)
    rank(graph, out, Ranking(pagerank=PageRank(damping=0.7), weights=weights))
    arcs = read_arcs(graph, "host", weights)
    oracle = nx.pagerank(
        to_networkx(read_names(graph, "host"), arcs.offsets, arcs.sources, arcs.weights), 0.7, tol=1e-12
    )
    got = {row["name"]: row["pagerank"] for row in table(out) if row["level"] == "host"}
    assert got == pytest.approx(oracle, abs=1e-9)


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


def test_a_changed_seeds_file_ranks_again(write_links: WriteLinks, tmp_path: Path) -> None:
    """The content of the files that the settings name belongs to what marks a unit as done, their place does not."""
    seeds = tmp_path / "seeds.txt"
    seeds.write_text("a.com\n")
    _, stage = stages_at(tmp_path, write_links(tmp_path, [SITE]), Ranking(seeds=seeds))
    first = stage.identity(0)
    moved = tmp_path / "elsewhere.txt"
    moved.write_text("a.com\n")
    assert replace(stage, ranking=Ranking(seeds=moved)).identity(0) == first
    seeds.write_text("b.com\n")
    assert stage.identity(0) != first


def test_stages_travel_to_other_processes(tmp_path: Path) -> None:
    """Both can be pickled, as executors do, and come back equal."""
    stages = stages_at(tmp_path, ShardSet(tmp_path, "links"))
    assert pickle.loads(pickle.dumps(stages)) == stages  # noqa: S301  # our own bytes


def test_no_links_give_an_empty_table(tmp_path: Path) -> None:
    """A crawl without links ends in an authority table without rows, with seeds too."""
    seeds = tmp_path / "seeds.txt"
    seeds.write_text("a.com\n")
    build, ranks = stages_at(tmp_path, ShardSet(tmp_path, "links"), Ranking(seeds=seeds))
    assert [file.rows for file in build.run(0).files] == [0] * 5
    assert ranks.run(0).counts["hosts"] == 0
    assert table(ranks.authority) == []


def test_ranks_do_not_depend_on_threads(hand_made: tuple[GraphSets, Built]) -> None:
    """The same bytes for any number of threads."""
    graph, _ = hand_made
    engines = [replace(Ranking().engine, threads=threads) for threads in (1, 2, 5)]
    out = ShardSet(graph.root, "authority")
    assert len({rank(graph, out, Ranking(engine=engine))[0].sha256 for engine in engines}) == 1


def test_seeds_are_hosts_or_domains(build_graph: Build, tmp_path: Path) -> None:
    """A host has mass 1, a domain that is no host shares 1 among its hosts, a domain counts once, the unknown none."""
    graph, _ = build_graph(tmp_path, [SITE])
    path = tmp_path / "seeds.txt"
    path.write_text("# good sites\nwww.A.com\na.com  # again\nc.org\nx.c.org\n\nnowhere.example\nlocalhost\n")
    assert read_seeds(path) == ["a.com", "c.org", "localhost", "nowhere.example", "x.c.org"]
    got = preferences(graph, path)
    assert (got.seeds, got.unknown) == (5, 2)
    assert read_names(graph, "host") == ["a.com", "b.com", "d.net", "x.c.org", "y.c.org"]
    assert got.by_level["host"].tolist() == [1.0, 0.0, 0.0, 1.5, 0.5]
    assert read_names(graph, "domain") == ["a.com", "b.com", "d.net", "c.org"]
    assert got.by_level["domain"].tolist() == [1.0, 0.0, 0.0, 1.0]


def test_a_seed_draws_rank_to_what_it_links(build_graph: Build, tmp_path: Path) -> None:
    """Only what can be reached from the seeds has rank; unknown seeds are counted."""
    graph, _ = build_graph(tmp_path, [SITE])
    path = tmp_path / "seeds.txt"
    path.write_text("d.net\nnowhere.example\n")
    out = ShardSet(tmp_path, "authority")
    _, counts = rank(graph, out, Ranking(seeds=path))
    by_name = {row["name"]: row["pagerank"] for row in table(out) if row["level"] == "host"}
    assert by_name["x.c.org"] == by_name["y.c.org"] == 0.0
    # d has 1 - a; a = a d + a b and b = a a, hence a = a d / (1 - a a)
    assert by_name["d.net"] == pytest.approx(0.15)
    assert by_name["a.com"] == pytest.approx(0.85 * 0.15 / (1 - 0.85**2))
    assert (counts["seeds"], counts["seeds_unknown"]) == (2, 1)


def test_seeds_none_of_which_is_known_are_an_error(build_graph: Build, tmp_path: Path) -> None:
    """A preference of nothing has no rank; so is a file that is not there."""
    graph, _ = build_graph(tmp_path, [SITE])
    path = tmp_path / "seeds.txt"
    path.write_bytes(b"nowhere.example\n\xff\xfe\n")
    with pytest.raises(InputError, match=r"seeds\.txt: none of its 2 seeds is in the graph"):
        rank(graph, ShardSet(tmp_path, "authority"), Ranking(seeds=path))
    with pytest.raises(InputError, match="cannot read the seeds"):
        rank(graph, ShardSet(tmp_path, "authority"), Ranking(seeds=tmp_path / "absent.txt"))


def test_a_rank_that_does_not_converge_is_an_error(build_graph: Build, tmp_path: Path) -> None:
    """The level is named, and no table is written."""
    graph, _ = build_graph(tmp_path, [SITE])
    out = ShardSet(tmp_path, "authority")
    with pytest.raises(PipelineError, match="host level: PageRank: error bound"):
        rank(graph, out, Ranking(pagerank=PageRank(max_sweeps=1)))
    assert not out.parts()


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
    names = read_names(graph, "host")
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
    order = sorted(names, key=lambda name: (-float(f"{expected[name]:.8e}"), name))
    top = [name for name in order if expected[name] > 1.01 * min(expected.values())]
    assert sorted(names, key=lambda name: rows[name]["position"])[: len(top)] == top
