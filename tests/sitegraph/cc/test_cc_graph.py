"""A graph of this project and the published files: out and in again, ranks merged, parts taken."""

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from sitegraph.building.small import graph_of
from sitegraph.cc.edges import EdgeCounts, read_edges
from sitegraph.cc.merge import merge_ranks
from sitegraph.cc.ranksfile import ImportedRanks
from sitegraph.cc.ranksout import write_ranks
from sitegraph.cc.textout import write_edges, write_vertices
from sitegraph.cc.vertices import read_vertices
from sitegraph.exporting.export import export
from sitegraph.exporting.subgraph import ego, listed, taken, top
from sitegraph.hosts import reverse
from sitegraph.store.opened import Graph

HOSTS = ["a.com", "blog.a.com", "a-b.com", "b.org", "xn--bcher-kva.de", "c.net", "d.net", "e.net"]
ARCS = [(0, 1), (0, 3), (2, 0), (3, 0), (3, 4), (4, 5), (5, 6), (6, 5), (5, 0)]


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    """The host level of a graph of eight hosts, one of them alone."""
    source, target = np.array(ARCS).T
    return Graph(graph_of(tmp_path / "graph", HOSTS, source, target), "host")


def test_a_graph_is_written_and_read_again(graph: Graph, tmp_path: Path) -> None:
    """Names in the order of ids, arcs in order: what the readers ask for."""
    write_vertices(tmp_path / "v.gz", graph.names.tables())
    (vertices,) = read_vertices([tmp_path / "v.gz"])
    assert vertices.names.to_pylist() == sorted(map(reverse, HOSTS))
    source, target = (np.concatenate(part) for part in list(zip(*graph.chunks(), strict=True))[:2])
    order = np.lexsort((target, source))
    write_edges(tmp_path / "e.gz", [(source[order].astype(np.uint32), target[order].astype(np.uint32))], graph.n)
    counts = EdgeCounts()
    (edges,) = read_edges([tmp_path / "e.gz"], graph.n, counts)
    names = [reverse(name) for name in vertices.names.to_pylist()]
    found = {(names[s], names[t]) for s, t in zip(edges.source.tolist(), edges.target.tolist(), strict=True)}
    assert found == {(HOSTS[s], HOSTS[t]) for s, t in ARCS}
    assert counts == EdgeCounts(lines=9, arcs=9)


def test_ranks_written_are_merged_again(graph: Graph, tmp_path: Path) -> None:
    """Every node gets its own values back, with the position that they give it."""
    harmonic, pagerank = np.linspace(1, 2, graph.n), np.linspace(0.3, 0.1, graph.n)
    write_ranks(tmp_path / "r.gz", graph.names.tables(), harmonic, pagerank)
    found = merge_ranks(graph.names, graph.n, ImportedRanks(path=tmp_path / "r.gz"))
    np.testing.assert_array_equal(found.harmonic, harmonic)
    np.testing.assert_array_equal(found.pagerank, pagerank)
    assert found.position.tolist() == list(range(1, graph.n + 1))
    assert found.percentile().tolist() == [1 - k / 8 for k in range(8)]


@pytest.mark.parametrize("direction", ["in", "out", "both"])
def test_a_part_of_the_graph_is_taken_and_exported(graph: Graph, tmp_path: Path, direction: str) -> None:
    """The surroundings of a host, as networkx finds them, come out of the file by name."""
    whole = nx.DiGraph((HOSTS[s], HOSTS[t]) for s, t in ARCS)
    seen = {"in": whole.reverse(), "out": whole, "both": whole.to_undirected()}[direction]
    expected = nx.ego_graph(seen, "a.com", radius=2)
    (centre,) = graph.names.find(["com.a"])
    found = ego(graph, int(centre), depth=2, direction=direction)  # type: ignore[arg-type]
    export(taken(graph, graph.names, found.ids), tmp_path / "g.graphml")
    read = nx.read_graphml(tmp_path / "g.graphml")
    assert set(read) == set(expected)
    assert set(read.edges) == set(whole.subgraph(expected).edges)


def test_top_and_listed_hosts(graph: Graph, tmp_path: Path) -> None:
    """By a column of the graph, and by a file."""
    degree = graph.column("in_domains").astype(np.float64)
    assert [reverse(graph.names[int(node)]) for node in top(degree, 1)] == ["a.com"]
    (tmp_path / "sites").write_text("www.e.net\nBücher.de\nnone.example\n")
    found = listed(tmp_path / "sites", graph.names)
    assert [reverse(graph.names[int(node)]) for node in found.ids] == ["xn--bcher-kva.de", "e.net"]
    assert found.unknown == ["none.example"]
