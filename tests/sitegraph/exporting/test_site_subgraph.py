"""Subgraphs: whom to take, and the arcs among them."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus.errors import InputError, SettingError
from sitegraph.exporting.subgraph import ego, first, listed, neighbours, taken, top
from sitegraph.hosts import reverse

Arc = tuple[int, int]


class Graph:
    """A graph and its names in memory; the class of arc (s, t) is (s + t) % 3."""

    n = 10

    def __init__(self, arcs: list[Arc], names: list[str] | None = None) -> None:
        self.arcs = sorted(set(arcs))
        self.names = names or []
        self.asked: list[int] = []
        self.passes = 0

    def in_arcs(self, node: int) -> tuple[NDArray[np.int64], NDArray[np.uint16]]:
        """Return sources and classes."""
        self.asked.append(node)
        ends = [s for s, t in self.arcs if t == node]
        return np.array(ends, np.int64), np.array([(end + node) % 3 for end in ends], np.uint16)

    def chunks(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]:
        """Yield all arcs, two at a time."""
        self.passes += 1
        for start in range(0, len(self.arcs), 2):
            source, target = np.array(self.arcs[start : start + 2], np.int64).T
            yield source, target, ((source + target) % 3).astype(np.uint8)

    def __getitem__(self, node: int) -> str:
        return self.names[node]

    def find(self, names: list[str]) -> NDArray[np.int64]:
        """Return ids of names."""
        return np.array([self.names.index(name) if name in self.names else -1 for name in names], np.int64)


PATH = Graph([(0, 1), (1, 2), (2, 3), (3, 4)])


def test_an_ego_network_follows_links_either_way() -> None:
    """In a path of five, from the middle: up to the depth, with the distances."""
    for direction, ids, distance in (
        ("both", [1, 2, 3], [1, 0, 1]),
        ("in", [1, 2], [1, 0]),
        ("out", [2, 3], [0, 1]),
    ):
        found = ego(PATH, 2, depth=1, direction=direction)  # type: ignore[arg-type]
        assert (found.ids.tolist(), found.distance.tolist(), found.left_out) == (ids, distance, 0)
    assert ego(PATH, 2, depth=9).distance.tolist() == [2, 1, 0, 1, 2]
    assert ego(PATH, 2, depth=0).ids.tolist() == [2]


def test_links_to_a_node_need_no_pass_over_the_graph() -> None:
    """Only nodes nearer than the depth are asked for what links to them."""
    graph = Graph([(0, 1), (1, 2), (2, 3), (3, 4)])
    ego(graph, 3, depth=2, direction="in")
    assert (graph.asked, graph.passes) == ([3, 2], 0)


def test_the_limit_keeps_the_highest_ranks_of_the_last_ring() -> None:
    """Those left out are counted; without ranks the lowest ids stay; nothing beyond the ring is asked for."""
    star = Graph([(leaf, 0) for leaf in range(1, 6)] + [(9, leaf) for leaf in range(1, 6)])
    rank = np.array([0.0, 0.1, 0.5, np.nan, 0.5, 0.3, 0.0, 0.0, 0.0, 0.0])
    found = ego(star, 0, depth=2, limit=3, rank=rank)
    assert (found.ids.tolist(), found.distance.tolist(), found.left_out) == ([0, 2, 4], [0, 1, 1], 3)
    assert (star.asked, star.passes) == ([0], 1)
    assert ego(star, 0, depth=2, limit=3).ids.tolist() == [0, 1, 2]
    assert ego(star, 0, depth=1, limit=1).left_out == 5


@pytest.mark.parametrize(("depth", "limit"), [(-1, 5), (1, 0)])
def test_wrong_bounds_are_refused(depth: int, limit: int) -> None:
    """The setting is named."""
    with pytest.raises(SettingError, match="depth from 0, limit from 1"):
        ego(PATH, 0, depth=depth, limit=limit)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda arc: arc[0] != arc[1]), max_size=20),
    st.integers(0, 3),
    st.sampled_from(["in", "out", "both"]),
)
def test_ego_networks_are_those_of_networkx(arcs: list[Arc], depth: int, direction: str) -> None:
    """The same nodes at the same distances, and the same arcs among them."""
    graph: nx.DiGraph[int] = nx.DiGraph(arcs)
    graph.add_nodes_from(range(9))
    seen = {"in": graph.reverse(), "out": graph, "both": graph.to_undirected()}[direction]
    expected = nx.single_source_shortest_path_length(seen, 0, cutoff=depth)
    ours = Graph(arcs, [f"n{node}" for node in range(9)])
    found = ego(ours, 0, depth=depth, direction=direction)  # type: ignore[arg-type]
    assert dict(zip(found.ids.tolist(), found.distance.tolist(), strict=True)) == expected
    part = taken(ours, ours, found.ids)
    at = found.ids.tolist()
    ends = [(at[s], at[t]) for s, t in zip(part.source.tolist(), part.target.tolist(), strict=True)]
    assert ends == sorted(graph.subgraph(expected).edges, key=lambda arc: arc[::-1])


def test_neighbours_are_folded_as_they_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A set is made whenever enough were gathered; the result is the same."""
    monkeypatch.setattr("sitegraph.exporting.subgraph.FOLD", 1)
    assert neighbours(PATH, np.array([1, 2, 3]), "both").tolist() == [0, 1, 2, 3, 4]


@settings(deadline=None)
@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, float("nan")]), max_size=12), st.integers(-1, 13))
def test_top_is_what_a_sort_says(rank: list[float], k: int) -> None:
    """The highest first, NaN last, equal ones by id; given back in the order of ids."""
    order = sorted(range(len(rank)), key=lambda node: (np.isnan(rank[node]), -np.nan_to_num(rank[node]), node))
    assert top(np.array(rank, np.float64), k).tolist() == sorted(order[: max(k, 0)])


def test_first_takes_all_that_fit() -> None:
    """Nothing is chosen where there is room."""
    assert first(np.array([3, 5]), 2, None).tolist() == [3, 5]
    assert first(np.array([3, 5, 7]), 1, np.array([0.0] * 7 + [1.0])).tolist() == [7]


NAMES = Graph([], ["com.alpha", "com.alpha.blog", "de.xn--bcher-kva", "org.beta"])


@pytest.mark.parametrize("zipped", [False, True])
def test_sites_listed_in_a_file(tmp_path: Path, zipped: bool) -> None:
    """In any spelling of a host, once each; comments and blank lines are passed; unknown ones are told in order."""
    text = "\ufeff# all\nwww.Beta.org.\n\n bücher.de # ü\r\nnowhere.net\nBLOG.alpha.com\nbeta.org\nelse.net".encode()
    path = tmp_path / "sites.txt"
    path.write_bytes(gzip.compress(text) if zipped else text)
    found = listed(path, NAMES)
    assert found.ids.tolist() == [1, 2, 3]
    assert found.unknown == ["nowhere.net", "else.net"]


@pytest.mark.parametrize("line", ["two words.com", "192.0.2.1", "https://", "\udcff.com"])
def test_a_line_that_is_no_site_is_named(tmp_path: Path, line: str) -> None:
    """File and line; nothing is guessed."""
    path = tmp_path / "sites.txt"
    path.write_bytes(b"beta.org\n" + line.encode("utf-8", "surrogateescape") + b"\n")
    with pytest.raises(InputError, match=r"sites\.txt, line 2: no host or domain"):
        listed(path, NAMES)


def test_taken_weighs_arcs_by_class() -> None:
    """The weight of an arc is that of its class; what weighs nothing is no arc; names are as people write them."""
    graph = Graph([(0, 1), (1, 2), (2, 0), (3, 0)], ["com.a", "com.a.b", "org.c", "org.d"])
    part = taken(graph, graph, np.array([0, 1, 2]), weights=np.array([0.0, 2.0, 0.5]))
    assert part.names == [reverse(name) for name in graph.names[:3]]
    arcs = zip(part.source.tolist(), part.target.tolist(), strict=True)
    assert part.weight is not None
    assert dict(zip(arcs, part.weight.tolist(), strict=True)) == {(2, 0): 0.5, (0, 1): 2.0}  # (1, 2) weighs 0
    assert taken(graph, graph, np.array([0, 3])).weight is None
    assert taken(graph, graph, np.array([], np.int64)).names == []
