"""From spilled arcs to files: merged, counted, folded, against plain dictionaries; and the same bytes however added."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from built_graphs import (
    draw_arcs,
    draw_hosts,
    files_of,
    linking_domains,
    nodes_of,
    plain_domains,
    plain_hosts,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from site_graphs import arcs_of

import sitegraph.building.assemble
import sitegraph.store.builder
import sitegraph.store.numbering
import sitegraph.store.spill
from sitegraph.building.assemble import Hosts, assemble, slices
from sitegraph.building.small import graph_of
from sitegraph.hosts import domain_of, reverse
from sitegraph.layout import LEVELS, GraphSets
from sitegraph.store.names import NamesWriter
from sitegraph.store.opened import Graph, open_graph
from sitegraph.store.spill import Spill, range_bits

Counted = tuple[list[str], Any, Any, Any]


@pytest.fixture(autouse=True, params=["one tier", "tiers"])
def narrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of 64 nodes and blocks of 16, so that small graphs have several of each; with and without tiers."""
    if request.param == "tiers":
        monkeypatch.setattr(sitegraph.store.numbering, "TIERED", 0)
    monkeypatch.setattr(sitegraph.store.spill, "NARROWEST", 64)
    monkeypatch.setattr(sitegraph.store.builder, "BLOCK", 16)


def drawn(seed: int) -> Counted:
    """Return hosts and arcs with counts."""
    names = draw_hosts(seed, 60, 300)
    return names, *draw_arcs(seed, names, 4000)


@pytest.mark.parametrize("seed", range(3))
def test_counted_arcs_of_both_levels(tmp_path: Path, seed: int) -> None:
    """Equal arcs added up, arcs to itself gone, owners joined, hosts per domain arc counted; as a dictionary says."""
    names, source, target, counts = drawn(seed)
    sets = graph_of(tmp_path, names, source, target, counts)
    hosts = plain_hosts(names, source, target, counts)
    assert len(hosts) < np.count_nonzero(source != target)
    assert arcs_of(sets, "host") == {arc: tuple(row) for arc, row in hosts.items()}
    assert arcs_of(sets, "domain") == {arc: tuple(row) for arc, row in plain_domains(hosts).items()}


@pytest.mark.parametrize("seed", range(3))
def test_what_is_known_of_nodes(tmp_path: Path, seed: int) -> None:
    """Linking domains and linking nodes at both levels, the hosts of a domain, and the domain of a host."""
    names, source, target, counts = drawn(seed)
    sets = graph_of(tmp_path, names, source, target, counts)
    hosts = plain_hosts(names, source, target, counts)
    arcs = {"host": hosts, "domain": plain_domains(hosts)}
    for level in LEVELS:
        assert nodes_of(sets, level, "in_domains") == linking_domains(hosts, names, level)
        linking = {s for s, _ in arcs[level]}
        assert {name for name, links in nodes_of(sets, level, "links").items() if links} == linking
    domains = list(nodes_of(sets, "domain", "hosts"))
    assert {name: domains[i] for name, i in nodes_of(sets, "host", "domain").items()} == {
        name: domain_of(name) for name in names
    }
    assert nodes_of(sets, "domain", "hosts") == {d: [domain_of(n) for n in names].count(d) for d in domains}


@pytest.mark.parametrize("seed", range(2))
def test_arcs_without_counts(tmp_path: Path, seed: int) -> None:
    """An arc between hosts is there or not; one between domains knows how many hosts it is made of."""
    names, source, target, _ = drawn(seed)
    sets = graph_of(tmp_path, names, source, target)
    ones = np.zeros((len(source), 7), np.int64)
    ones[:, 0] = ones[:, 3] = 1
    hosts = {arc: [1, 0, 0, 1, 0, 0, 0] for arc in plain_hosts(names, source, target, ones)}
    assert arcs_of(sets, "host") == {arc: tuple(row) for arc, row in hosts.items()}
    domains: dict[tuple[str, str], set[str]] = {}
    for s, t in hosts:
        if domain_of(s) != domain_of(t):
            domains.setdefault((domain_of(s), domain_of(t)), set()).add(s)
    assert arcs_of(sets, "domain") == {arc: (len(some), 0, 0, len(some), 0, 0, 0) for arc, some in domains.items()}
    for level in LEVELS:
        assert nodes_of(sets, level, "in_domains") == linking_domains(hosts, names, level)


@pytest.mark.parametrize("rising", [False, True])
def test_the_hyphen_trap(tmp_path: Path, rising: bool) -> None:
    """`-` sorts before `.`, so com.example-shop lies between com.example and com.example.www; its link is foreign.

    In any order, and by source, as published graphs come: then x.example-shop.com is before www.example.com.
    """
    names = ["example.com", "example-shop.com", "www.example.com", "x.example-shop.com", "other.org"]
    arcs = [(1, 0), (2, 0), (3, 0), (4, 0), (0, 1), (0, 3), (1, 3), (1, 2), (4, 2), (2, 4), (0, 4)]
    arcs = sorted(arcs, key=lambda arc: [0, 1, 3, 2, 4].index(arc[0])) if rising else arcs
    sets = graph_of(tmp_path, names, *np.array(arcs).T)
    assert nodes_of(sets, "host", "in_domains") == {
        "example.com": 2,  # example-shop.com, once for two of its hosts, and other.org; not its own www
        "example-shop.com": 1,
        "www.example.com": 2,
        "x.example-shop.com": 1,
        "other.org": 1,
    }
    assert nodes_of(sets, "domain", "in_domains") == {"example.com": 2, "example-shop.com": 1, "other.org": 1}
    assert arcs_of(sets, "domain")["example-shop.com", "example.com"] == (2, 0, 0, 2, 0, 0, 0)


def test_hosts_per_domain_arc_by_hand(tmp_path: Path) -> None:
    """Two hosts link to two hosts of b.com: pages add up over all four arcs, hosts count those with endorsing links."""
    names = ["a.com", "x.a.com", "y.a.com", "b.com", "z.b.com"]
    arcs = {
        (0, 3): (5, 0, 0, 1, 0, 0, 0),
        (0, 4): (2, 1, 0, 1, 0, 0, 0),
        (1, 3): (0, 0, 3, 1, 0, 0, 0),
        (2, 4): (0, 0, 0, 0, 0, 1, 0),  # a redirect
        (2, 3): (0, 0, 0, 0, 6, 0, 0),  # a script
        (1, 4): (0, 0, 0, 0, 3, 0, 0),
        (3, 0): (0, 0, 0, 0, 1, 0, 0),
    }
    sets = graph_of(tmp_path, names, *np.array(list(arcs)).T, np.array(list(arcs.values())))
    assert arcs_of(sets, "domain") == {
        ("a.com", "b.com"): (7, 1, 3, 2, 9, 1, 0),
        ("b.com", "a.com"): (0, 0, 0, 0, 1, 2, 0),
    }
    assert nodes_of(sets, "domain", "in_domains") == {"a.com": 0, "b.com": 1}
    assert nodes_of(sets, "domain", "links") == {"a.com": True, "b.com": True}


def test_owners_by_hand(tmp_path: Path) -> None:
    """A mark for the other direction alone is no arc, nor does it make a node link; beside a link it marks the arc."""
    names = ["a.com", "b.com", "c.com"]
    arcs = {
        (0, 1): (0, 0, 0, 0, 0, 1, 0),
        (1, 0): (0, 0, 0, 0, 0, 2, 0),
        (2, 1): (4, 0, 0, 1, 0, 2, 0),
        (1, 2): (0, 0, 0, 0, 0, 1, 0),
    }
    sets = graph_of(tmp_path, names, *np.array(list(arcs)).T, np.array(list(arcs.values())))
    expected = {
        ("a.com", "b.com"): (0, 0, 0, 0, 0, 1, 0),
        ("c.com", "b.com"): (4, 0, 0, 1, 0, 2, 0),
        ("b.com", "c.com"): (0, 0, 0, 0, 0, 1, 0),
    }
    for level in LEVELS:
        assert arcs_of(sets, level) == expected
        assert nodes_of(sets, level, "links") == {"a.com": True, "b.com": True, "c.com": True}
        assert nodes_of(sets, level, "in_domains") == {"a.com": 0, "b.com": 1, "c.com": 0}
    only = graph_of(tmp_path / "only", names, np.array([1]), np.array([0]), np.array([(0, 0, 0, 0, 0, 2, 0)]))
    assert not any(nodes_of(only, "host", "links").values())
    assert Graph(only, "host").m == Graph(only, "domain").m == 0


@pytest.mark.parametrize(
    ("pages", "linking", "expected"),
    [(10, 5, 1), (10, 4, 0), (11, 5, 0), (11, 6, 1), (4, 2, 1), (4, 4, 1), (3, 3, 0), (1, 1, 0), (0, 9, 0), (9, 20, 1)],
)
def test_sitewide_links(tmp_path: Path, pages: int, linking: int, expected: int) -> None:
    """On half of the source's pages or more, of four at least; unknown page counts and technical links say nothing."""
    counts = np.array([[linking - 1, 1, 0, 1, 99, 0, 0]])
    sets = graph_of(tmp_path, ["a.com", "b.com"], np.array([0]), np.array([1]), counts, pages=np.array([pages, 0]))
    for level in LEVELS:
        assert [row[6] for row in arcs_of(sets, level).values()] == [expected]


def test_pages_of_a_domain(tmp_path: Path) -> None:
    """They add up over its hosts, and are unknown when those of one that links are; who does not link has none."""
    names = ["a.com", "x.a.com", "y.a.com", "b.com"]
    source, target = np.array([0, 1]), np.array([3, 3])
    counts = np.array([[6, 0, 0, 1, 0, 0, 0], [2, 0, 0, 1, 0, 0, 0]])
    for pages, expected in (([10, 4, 0, 0], 1), ([10, 10, 0, 0], 0), ([10, 0, 0, 0], 0), ([6, 2, 9, 0], 0)):
        sets = graph_of(tmp_path / str(pages), names, source, target, counts, pages=np.array(pages))
        assert [row[6] for row in arcs_of(sets, "domain").values()] == [expected], pages


def test_an_empty_graph(tmp_path: Path) -> None:
    """No hosts at all, with counts and without."""
    for number, counts in enumerate((None, np.zeros((0, 7), np.int64))):
        sets = graph_of(tmp_path / str(number), [], np.zeros(0), np.zeros(0), counts)
        for graph in open_graph(sets).values():
            assert (graph.n, graph.m, len(graph.names)) == (0, 0, 0)
            assert graph.csr().offsets.tolist() == [0]
            assert list(graph.chunks()) == []


@pytest.mark.parametrize("counted", [False, True])
def test_hosts_without_arcs(tmp_path: Path, counted: bool) -> None:
    """All dangling, in several ranges."""
    names = [f"n{i:03d}.com" for i in range(200)]
    counts = np.zeros((0, 7), np.int64) if counted else None
    for graph in open_graph(graph_of(tmp_path, names, np.zeros(0), np.zeros(0), counts)).values():
        assert (graph.n, graph.m, graph.numbering.sources) == (200, 0, 0)
        assert graph.in_arcs(150)[0].tolist() == graph.out_arcs(150)[0].tolist() == []


def test_arcs_of_one_node_at_a_time(tmp_path: Path) -> None:
    """In and out, with classes, for every node; and all of them in memory."""
    names, source, target, counts = drawn(5)
    graph = Graph(graph_of(tmp_path, names, source, target, counts), "host")
    arcs = {
        (s, t): code
        for ss, ts, codes in graph.chunks()
        for s, t, code in zip(ss.tolist(), ts.tolist(), codes.tolist(), strict=True)
    }
    csr = graph.csr()
    assert len(arcs) == graph.m == len(csr.sources) == csr.offsets[-1]
    for node in range(0, graph.n, 7):
        into = sorted((s, c) for (s, t), c in arcs.items() if t == node)
        out = sorted((t, c) for (s, t), c in arcs.items() if s == node)
        assert sorted(zip(*(side.tolist() for side in graph.in_arcs(node)), strict=True)) == into
        assert list(zip(*(side.tolist() for side in graph.out_arcs(node)), strict=True)) == out
        part = slice(csr.offsets[node], csr.offsets[node + 1])
        assert list(zip(csr.sources[part].tolist(), csr.codes[part].tolist(), strict=True)) == into


@pytest.mark.parametrize("node", [-1, 300, 2**40])
def test_nodes_that_do_not_exist(tmp_path: Path, node: int) -> None:
    """They are an IndexError."""
    graph = Graph(graph_of(tmp_path, ["a.com", "b.com"], np.array([0]), np.array([1])), "host")
    with pytest.raises(IndexError, match="2 nodes"):
        graph.in_arcs(node)
    with pytest.raises(IndexError, match="2 nodes"):
        graph.out_arcs(node)


# The same bytes


def built(folder: Path, names: Sequence[str], arcs: Sequence[tuple[Any, Any, Any]]) -> dict[str, bytes]:
    """Build a graph of arcs (host ids, counts or None) added call by call; return its files."""
    out = GraphSets(folder, "")
    with NamesWriter(out.names("host")) as writer:
        writer.add(pa.array(sorted((reverse(name) for name in names), key=str.encode), pa.string()))
    counted = any(counts is not None for _, _, counts in arcs)
    with Spill(folder / "work" / "host-arcs", len(names), counted=counted) as spill:
        for source, target, counts in arcs:
            spill.add(source.astype(np.uint32), target.astype(np.uint32), counts)
        assemble(out, spill, Hosts(), folder / "work")
    shutil.rmtree(folder / "work")
    return files_of(out)


@pytest.mark.parametrize("counted", [False, True])
def test_neither_order_nor_division_changes_a_byte(tmp_path: Path, counted: bool) -> None:
    """Sorted by source (as published graphs are), by target, or not; in one call, in many, empty ones between."""
    names, source, target, counts = drawn(9)
    kept = source != target
    source, target, counts = source[kept], target[kept], counts[kept]
    random = np.random.default_rng(1)
    by_source, by_target = np.lexsort((target, source)), np.lexsort((source, target))
    orders = {"source": by_source, "target": by_target, "any": random.permutation(len(source))}
    found = []
    for name, order in orders.items():
        for pieces in (1, 2, 13, 400):
            cuts = np.sort(random.integers(0, len(order), pieces - 1))
            parts = [order, *[order[:0]] * 2] if pieces == 1 else np.split(order, cuts)
            arcs = [(source[part], target[part], counts[part] if counted else None) for part in parts]
            found.append(built(tmp_path / f"{name}{pieces}", names, arcs))
    assert len(found[0]) == 2 * 3 + sum("arcs" in name for name in found[0])
    assert sum("host-arcs" in name for name in found[0]) == 5
    assert all(files == found[0] for files in found[1:])


def test_sorted_input_is_told_from_unsorted(tmp_path: Path) -> None:
    """Only where no source is below the one before it, over calls too, is the sort left out."""
    for number, (calls, expected) in enumerate(
        [([[1, 1, 2], [2, 5]], True), ([[1, 2], [1]], False), ([[2, 1]], False), ([[], [3], []], True), ([], True)]
    ):
        with Spill(tmp_path / str(number), 100) as spill:
            for sources in calls:
                spill.add(np.array(sources, np.uint32), np.zeros(len(sources), np.uint32))
            assert spill.sorted_by_source is expected


def test_a_smaller_graph_replaces_a_larger_one(tmp_path: Path) -> None:
    """Parts of the larger one do not stay behind."""
    graph_of(tmp_path, [f"n{i:03d}.com" for i in range(300)], np.array([1]), np.array([299]))
    sets = graph_of(tmp_path, ["a.com", "b.com"], np.array([0]), np.array([1]))
    for graph in open_graph(sets).values():
        assert (graph.n, graph.m) == (2, 1)


# Ranges


@pytest.mark.parametrize(
    ("nodes", "bits", "ranges"),
    [
        (0, 12, 1),
        (1, 12, 1),
        (4096, 12, 1),
        (4097, 12, 2),
        (1 << 20, 12, 256),
        ((1 << 20) + 1, 13, 129),
        (3 * 10**8, 21, 144),
    ],
)
def test_ranges_depend_on_the_number_of_nodes_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nodes: int, bits: int, ranges: int
) -> None:
    """At least 4,096 nodes, a power of two, at most 256 ranges."""
    monkeypatch.setattr(sitegraph.store.spill, "NARROWEST", 4096)
    assert range_bits(nodes) == bits
    assert Spill(tmp_path, nodes).ranges == ranges


def test_ranges_of_the_width_that_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """9,000 nodes are three files of 4,096; arcs at their borders are where they should be."""
    monkeypatch.setattr(sitegraph.store.spill, "NARROWEST", 4096)
    monkeypatch.setattr(sitegraph.store.builder, "BLOCK", 4096)
    names = [f"n{i:05d}.com" for i in range(9000)]
    arcs = [(s, t) for s in (0, 4095, 4096, 8191, 8192, 8999) for t in (0, 1, 4095, 4096, 8191, 8192, 8999) if s != t]
    sets = graph_of(tmp_path, names, *np.array(arcs).T)
    assert sets.arcs("host").parts() == [0, 1, 2]
    assert set(arcs_of(sets, "host")) == {(names[s], names[t]) for s, t in arcs}


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 12))
@settings(max_examples=100, deadline=None)
def test_slices_of_lists(sizes: list[int], size: int) -> None:
    """In order, nothing twice and nothing left out, at most `size` arcs each unless one list alone has more."""
    offsets = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    found = list(slices(offsets, size))
    assert [i for start, stop in found for i in range(start, stop)] == list(range(len(sizes)))
    for start, stop in found:
        assert stop == start + 1 or offsets[stop] - offsets[start] <= size


def test_folding_by_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few arcs are folded at a time, the domain level is the same."""
    monkeypatch.setattr(sitegraph.building.assemble, "SLICE", 7)
    names, source, target, counts = drawn(2)
    sets = graph_of(tmp_path, names, source, target, counts)
    expected = plain_domains(plain_hosts(names, source, target, counts))
    assert arcs_of(sets, "domain") == {arc: tuple(row) for arc, row in expected.items()}


def test_folding_of_sorted_arcs_by_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same of arcs that come by source, some of them twice, and are folded as they come where there are tiers."""
    names, source, target, _ = drawn(3)
    kept = source != target
    order = np.lexsort((target[kept], source[kept]))
    arcs = [(source[kept][order], target[kept][order], None)]
    expected = built(tmp_path / "unsorted", names, [(source[kept], target[kept], None)])
    monkeypatch.setattr(sitegraph.building.assemble, "SLICE", 7)
    assert built(tmp_path / "slices", names, arcs) == expected
