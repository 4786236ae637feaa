"""Links to a graph on disk."""

import contextlib
import resource
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_graphs import arcs_of, names_of, nodes_of, weights_of

from corpus.errors import MissingError, SettingError, StorageError
from corpus.storage import ShardSet
from corpus.url import Suffixes
from sitegraph import stages
from sitegraph.building.assemble import Built
from sitegraph.building.build import build, with_ids
from sitegraph.building.small import graph_of
from sitegraph.engine import Engine, database, regrouped
from sitegraph.hosts import domain_of
from sitegraph.layout import LEVELS, GraphSets, Level
from sitegraph.store.classes import Weights
from sitegraph.store.kept import keep
from sitegraph.store.merging import ALONE, Lists
from sitegraph.store.opened import Graph, open_graph

Links = Sequence[tuple[Any, ...]]
BuildGraph = Callable[[Path, Sequence[Links]], tuple[GraphSets, Built]]
WriteLinks = Callable[[Path, Sequence[Links]], ShardSet]


def test_nodes_of_the_hand_made_graph(hand_made: tuple[GraphSets, Built]) -> None:
    """Names sorted by their reversed form, folded; domain, linking domains, flags and tier as worked out by hand."""
    graph, _ = hand_made
    assert nodes_of(graph, "host") == [
        ("alpha.com", 0, 2, True, True, 1),  # linked by bücher.de and beta.org
        ("alpha.de", 1, 0, False, False, 0),  # only a same-owner link
        ("xn--bcher-kva.de", 2, 0, True, True, 1),
        ("u1.github.io", 3, 0, True, True, 1),
        ("u2.github.io", 4, 1, False, False, 0),
        ("lonely.net", 5, 0, True, False, 0),  # only in the documents
        ("beta.org", 6, 1, True, True, 1),  # its own blog does not count
        ("blog.beta.org", 6, 0, True, True, 1),
    ]
    assert nodes_of(graph, "domain") == [
        ("alpha.com", 1, 2, False, True, 1),
        ("alpha.de", 1, 0, False, False, 0),
        ("xn--bcher-kva.de", 1, 0, False, True, 1),
        ("u1.github.io", 1, 0, False, True, 1),
        ("u2.github.io", 1, 1, False, False, 0),
        ("lonely.net", 1, 0, False, False, 0),
        ("beta.org", 2, 1, False, True, 1),
    ]


def test_arcs_of_the_hand_made_graph(hand_made: tuple[GraphSets, Built]) -> None:
    """Plain, nofollow and sponsored pages apart; pages add up over files and www; hosts count at domain level."""
    graph, _ = hand_made
    assert arcs_of(graph, "host") == {
        ("xn--bcher-kva.de", "alpha.com"): (2, 0, 0, 1, 0, 0, 0),
        ("beta.org", "alpha.com"): (0, 2, 0, 1, 0, 0, 0),
        ("blog.beta.org", "alpha.com"): (1, 0, 0, 1, 0, 0, 0),
        ("alpha.com", "alpha.de"): (0, 0, 0, 0, 0, 1, 0),
        ("u1.github.io", "u2.github.io"): (1, 0, 0, 1, 0, 0, 0),
        ("alpha.com", "beta.org"): (15, 4, 1, 1, 0, 0, 0),
        ("blog.beta.org", "beta.org"): (7, 0, 0, 1, 0, 0, 0),
    }
    assert arcs_of(graph, "domain") == {
        ("xn--bcher-kva.de", "alpha.com"): (2, 0, 0, 1, 0, 0, 0),
        ("beta.org", "alpha.com"): (1, 2, 0, 2, 0, 0, 0),
        ("alpha.com", "alpha.de"): (0, 0, 0, 0, 0, 1, 0),
        ("u1.github.io", "u2.github.io"): (1, 0, 0, 1, 0, 0, 0),
        ("alpha.com", "beta.org"): (15, 4, 1, 1, 0, 0, 0),
    }


def test_every_link_is_counted_once(hand_made: tuple[GraphSets, Built]) -> None:
    """The five kinds add up to the links read; unusable hosts are counted by cause; nodes and arcs of both levels."""
    _, built = hand_made
    assert built.counts == {
        "links": 18,
        "links_endorsing": 11,
        "links_technical": 0,
        "links_same_owner": 1,
        "links_self": 2,
        "links_unusable": 4,
        "hosts_crawled": 6,
        "hosts_ip": 2,
        "hosts_malformed": 2,
        "host_arcs": 7,
        "host_arcs_to_dangling": 2,
        "hosts": 8,
        "hosts_linking": 5,
        "domain_arcs": 5,
        "domain_arcs_to_dangling": 2,
        "domains": 7,
        "domains_linking": 4,
    }


def test_names_sort_by_the_bytes_of_their_reversed_form(build_graph: BuildGraph, tmp_path: Path) -> None:
    """`-` comes before `.`, so a longer name may lie between a domain and its hosts, as in Common Crawl's graphs."""
    graph, _ = build_graph(
        tmp_path, [[("b.a.com", "a.com", 0, 1), ("a-z.com", "a.com", 0, 1), ("ab.com", "a.b", 0, 1)]]
    )
    assert names_of(graph, "host") == ["a.b", "a.com", "a-z.com", "b.a.com", "ab.com"]
    assert [row[:2] for row in nodes_of(graph, "host")][1:4] == [("a.com", 1), ("a-z.com", 2), ("b.a.com", 1)]


def test_no_links_give_an_empty_graph(tmp_path: Path) -> None:
    """Files without rows, all counts 0; it opens."""
    graph = GraphSets(tmp_path)
    built = build([], [], graph)
    assert {file.rows for file in built.files if "classes" not in file.path} == {0}
    assert not any(built.counts.values())
    for level in open_graph(graph).values():
        assert (level.n, level.m, level.csr().offsets.tolist()) == (0, 0, [0])


# Owners, templates, platforms


def test_one_owner_marks_both_directions(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Bit 1: a same-owner link leads this way, 2: the other way; without a link of any kind there is no arc."""
    graph, built = build_graph(
        tmp_path,
        [
            [("a.com", "b.com", 8, 3), ("www.c.com", "d.com", 8, 1), ("e.com", "f.com", 8, 1)],
            [("b.com", "a.com", 0, 2), ("d.com", "c.com", 8, 1), ("e.com", "f.com", 1, 5), ("e.com", "a.com", 0, 1)],
        ],
    )
    expected = {
        ("a.com", "b.com"): (0, 0, 0, 0, 0, 1, 0),
        ("b.com", "a.com"): (2, 0, 0, 1, 0, 2, 0),
        ("c.com", "d.com"): (0, 0, 0, 0, 0, 3, 0),
        ("d.com", "c.com"): (0, 0, 0, 0, 0, 3, 0),
        ("e.com", "f.com"): (0, 5, 0, 1, 0, 1, 0),
        ("e.com", "a.com"): (1, 0, 0, 1, 0, 0, 0),
    }
    assert arcs_of(graph, "host") == arcs_of(graph, "domain") == expected
    assert (built.counts["links_same_owner"], built.counts["links_endorsing"]) == (4, 3)
    assert weights_of(graph, "host", Weights()) == {("e.com", "a.com"): pytest.approx(np.log(2))}
    kept = weights_of(graph, "host", Weights(fold=False, nofollow=0.5))
    assert set(kept) == {("b.com", "a.com"), ("e.com", "f.com"), ("e.com", "a.com")}
    assert kept["e.com", "f.com"] == pytest.approx(0.5 * np.log(6))


def test_technical_links_are_arcs_that_endorse_nothing(build_graph: BuildGraph, tmp_path: Path) -> None:
    """They are counted apart, beside other links of the same pair, and in no in-degree; `cc` alone counts them."""
    graph, built = build_graph(
        tmp_path,
        [
            [("a.com", "cdn.net", 16, 8, 9), ("a.com", "b.com", 0, 2, 9), ("a.com", "b.com", 16, 9, 9)],
            [("b.com", "cdn.net", 16, 1), ("x.b.com", "s.cdn.net", 16, 3), ("c.com", "a.com", 8, 1)],
            [("c.com", "a.com", 16, 4), ("a.com", "a.com", 16, 5), ("a.com", "10.0.0.1", 16, 5)],
        ],
    )
    assert arcs_of(graph, "host") == {
        ("a.com", "cdn.net"): (0, 0, 0, 0, 8, 0, 0),
        ("a.com", "b.com"): (2, 0, 0, 1, 9, 0, 0),
        ("b.com", "cdn.net"): (0, 0, 0, 0, 1, 0, 0),
        ("x.b.com", "s.cdn.net"): (0, 0, 0, 0, 3, 0, 0),
        ("c.com", "a.com"): (0, 0, 0, 0, 4, 1, 0),
    }
    assert arcs_of(graph, "domain")["b.com", "cdn.net"] == (0, 0, 0, 0, 4, 0, 0)
    counts = {name: count for name, count in built.counts.items() if name.startswith("links")}
    assert counts == {
        "links": 9,
        "links_endorsing": 1,
        "links_technical": 5,
        "links_same_owner": 1,
        "links_self": 1,
        "links_unusable": 1,
    }
    for level in LEVELS:
        opened = Graph(graph, level)
        linked = dict(zip(names_of(graph, level), opened.column("in_domains").tolist(), strict=True))
        assert {name: count for name, count in linked.items() if count} == {"b.com": 1}
        assert opened.column("links").sum() == len({source for source, _ in arcs_of(graph, level)})
        for preset in ("log-pages", "distinct-hosts"):
            assert set(weights_of(graph, level, Weights(preset=preset))) == {("a.com", "b.com")}  # type: ignore[arg-type]
        assert set(weights_of(graph, level, Weights(preset="cc"))) == set(arcs_of(graph, level))


def test_hosts_of_one_owner_make_their_domains_so(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Between other hosts of the same two domains, in the other direction too, a link is one of the owner."""
    graph, _ = build_graph(tmp_path, [[("x.g.com", "y.h.com", 8, 1), ("z.h.com", "w.g.com", 0, 1)]])
    assert arcs_of(graph, "host") == {
        ("x.g.com", "y.h.com"): (0, 0, 0, 0, 0, 1, 0),
        ("z.h.com", "w.g.com"): (1, 0, 0, 1, 0, 0, 0),
    }
    assert arcs_of(graph, "domain") == {
        ("g.com", "h.com"): (0, 0, 0, 0, 0, 1, 0),
        ("h.com", "g.com"): (1, 0, 0, 1, 0, 2, 0),
    }


def test_only_what_links_is_said_to_link(build_graph: BuildGraph, tmp_path: Path) -> None:
    """A domain that a same-owner link reaches and that links nowhere itself is dangling at both levels."""
    graph, built = build_graph(tmp_path, [[("x.g.com", "y.h.com", 8, 1)]])
    assert [(row[0], row[-1]) for row in nodes_of(graph, "domain")] == [("g.com", True), ("h.com", False)]
    assert (built.counts["hosts_linking"], built.counts["domains_linking"]) == (1, 1)


def test_a_link_on_half_of_the_pages_is_one_of_the_template(build_graph: BuildGraph, tmp_path: Path) -> None:
    """From four pages on, over files, www and kinds of links; a host with a file that does not say has no template."""
    graph, _ = build_graph(
        tmp_path,
        [
            [
                ("a.com", "half.org", 0, 3, 6),
                ("a.com", "less.org", 0, 2, 6),
                ("few.com", "all.org", 0, 3, 3),
                ("unknown.com", "all.org", 0, 9, 0),
                ("kinds.com", "all.org", 1, 2, 8),
                ("kinds.com", "all.org", 4, 2, 8),
                ("part.com", "all.org", 0, 5, 5),
            ],
            [("www.a.com", "half.org", 0, 1, 2), ("www.a.com", "less.org", 0, 1, 2), ("part.com", "all.org", 0, 5, 0)],
        ],
    )
    arcs = {arc: counts[-1] for arc, counts in arcs_of(graph, "host").items()}
    assert arcs == {
        ("a.com", "half.org"): 1,  # 4 of 8
        ("a.com", "less.org"): 0,  # 3 of 8
        ("few.com", "all.org"): 0,
        ("unknown.com", "all.org"): 0,
        ("kinds.com", "all.org"): 1,
        ("part.com", "all.org"): 0,
    }
    weights = weights_of(graph, "host", Weights(nofollow=0.5, sponsored=0.25))
    assert weights["a.com", "half.org"] == pytest.approx(np.log(2))
    assert weights["kinds.com", "all.org"] == pytest.approx(0.75 * np.log(2))
    assert weights["a.com", "less.org"] == pytest.approx(np.log(4))
    plain = weights_of(graph, "host", Weights(collapse=False))
    assert plain["a.com", "half.org"] == pytest.approx(np.log(5))


def test_a_template_of_a_domain_stands_on_half_of_its_pages(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Over all hosts of it that link; unknown where one of them is, for that one's pages are not in the sum."""
    graph, _ = build_graph(
        tmp_path,
        [
            [
                ("x.a.com", "most.org", 0, 10, 10),
                ("y.a.com", "most.org", 0, 1, 10),
                ("x.a.com", "one.org", 0, 9, 10),
                ("x.b.com", "most.org", 0, 10, 10),
                ("y.b.com", "most.org", 0, 1, 0),
            ]
        ],
    )
    hosts = {arc: counts[-1] for arc, counts in arcs_of(graph, "host").items()}
    assert [arc for arc, mark in hosts.items() if mark] == [
        ("x.a.com", "most.org"),
        ("x.b.com", "most.org"),
        ("x.a.com", "one.org"),
    ]
    assert arcs_of(graph, "domain") == {
        ("a.com", "most.org"): (11, 0, 0, 2, 0, 0, 1),
        ("a.com", "one.org"): (9, 0, 0, 1, 0, 0, 0),
        ("b.com", "most.org"): (11, 0, 0, 2, 0, 0, 0),
    }


@pytest.mark.parametrize(
    ("suffixes", "domains"),
    [
        (Suffixes("icann"), {"github.io": (3, False), "weebly.com": (3, False), "example.com": (2, False)}),
        (
            Suffixes("private"),
            {
                "github.io": (1, True),
                "u1.github.io": (1, False),
                "u2.github.io": (1, False),
                "weebly.com": (3, False),
                "example.com": (2, False),
            },
        ),
        (
            Suffixes(),
            {
                "github.io": (1, True),
                "u1.github.io": (1, False),
                "u2.github.io": (1, False),
                "weebly.com": (1, True),
                "u1.weebly.com": (1, False),
                "u2.weebly.com": (1, False),
                "example.com": (2, False),
            },
        ),
        (
            Suffixes("icann", frozenset({"example.com"})),
            {
                "github.io": (3, False),
                "weebly.com": (3, False),
                "u1.example.com": (1, False),
                "u2.example.com": (1, False),
            },
        ),
    ],
)
def test_what_a_suffix_is_decides_the_domains(
    write_links: WriteLinks, tmp_path: Path, suffixes: Suffixes, domains: dict[str, tuple[int, bool]]
) -> None:
    """Hosts of a platform are sites of their own and vote for one another; it is marked where it is a host itself."""
    links = [(f"u1.{name}", f"u2.{name}", 0, 1) for name in ("github.io", "weebly.com", "example.com")]
    links += [("www.weebly.com", "github.io", 0, 1)]
    graph = GraphSets(tmp_path)
    build(write_links(tmp_path, [links]).paths(), [], graph, suffixes=suffixes)
    rows = nodes_of(graph, "domain")
    assert {row[0]: (row[1], row[3]) for row in rows} == domains
    in_domains = {name: linked for name, _, linked, *_ in nodes_of(graph, "host")}
    assert in_domains["u2.github.io"] == ("u2.github.io" in domains)
    assert in_domains["u2.example.com"] == ("u2.example.com" in domains)


# The same graph, however it came


def random_links(count: int) -> list[tuple[str, str, int, int]]:
    """Return links among 300 hosts, some written with www, with all flags."""
    random = np.random.default_rng(5)
    hosts = [f"{'www.' * (i % 3 == 0)}h{i % 200}.d{i % 40}.{'com' if i % 2 else 'co.uk'}" for i in range(300)]
    hosts += ["10.0.0.1", "x"]
    ends = random.integers(0, len(hosts), (count, 2))
    flags, pages = random.integers(0, 32, count), random.integers(1, 1000, count)
    return [(hosts[s], hosts[t], int(f), int(p)) for (s, t), f, p in zip(ends, flags, pages, strict=True)]


def test_the_bytes_depend_on_the_links_alone(write_links: WriteLinks, tmp_path: Path) -> None:
    """Any split of the links over files, any order, thread count and memory limit give the same files."""
    links = random_links(4000)
    splits = [[links], [links[::-1]], [links[:7], [], links[7:]], [links[i::5] for i in range(5)]]
    engines = [Engine(threads=1), Engine(threads=4), Engine(memory=64 << 20, threads=2), Engine(threads=3)]
    marks = set()
    for i, (split, engine) in enumerate(zip(splits, engines, strict=True)):
        root = tmp_path / str(i)
        built = build(write_links(root, split).paths(), [], GraphSets(root), engine)
        marks.add(tuple((file.path, file.sha256) for file in built.files))
        assert not list(root.rglob(".*tmp"))
        names = {file.path for file in built.files}
        assert names == {path.relative_to(root).as_posix() for path in (root / "graph").rglob("*") if path.is_file()}
    assert len(marks) == 1


def plain(links: Links, level: Level) -> tuple[dict[tuple[str, str], tuple[int, ...]], Counter[str]]:
    """Return counts by arc, and linking domains by node, filled link by link."""
    pages: dict[tuple[str, str], list[int]] = {}
    hosts: dict[tuple[str, str], set[str]] = {}
    owner, linking = set(), set()
    for source, target, flags, count in links:
        ends = source.removeprefix("www."), target.removeprefix("www.")
        s, t = ends if level == "host" else (domain_of(ends[0]), domain_of(ends[1]))
        if s == t or not {*ends}.isdisjoint({"x", "10.0.0.1"}):
            continue
        sums = pages.setdefault((s, t), [0, 0, 0, 0])
        if flags & 8:
            owner.add((s, t))
            continue
        if flags & 16:
            sums[3] += count
            continue
        sums[2 if flags & 4 else 1 if flags & 3 else 0] += count
        hosts.setdefault((s, t), set()).add(ends[0])
        if domain_of(ends[0]) != domain_of(ends[1]):
            linking.add((domain_of(ends[0]), t))
    arcs = {
        (s, t): (*sums[:3], len(hosts.get((s, t), ())), sums[3], ((s, t) in owner) + 2 * ((t, s) in owner), 0)
        for (s, t), sums in pages.items()
    }
    return arcs, Counter(t for _, t in linking)


@pytest.mark.parametrize("level", LEVELS)
def test_a_plain_count_gives_the_same_graph(build_graph: BuildGraph, tmp_path: Path, level: Level) -> None:
    """Arcs, their counts and linking domains agree with dictionaries and sets filled link by link."""
    links = random_links(2500)
    graph, _ = build_graph(tmp_path, [links[:1000], links[1000:]])
    expected, linking = plain(links, level)
    assert arcs_of(graph, level) == expected
    nodes = nodes_of(graph, level)
    assert {row[0]: row[2] for row in nodes if row[2]} == linking
    assert {row[0] for row in nodes if row[-1]} == {source for source, _ in expected}
    if level == "host":
        domains = names_of(graph, "domain")
        assert all(domains[row[1]] == domain_of(str(row[0])) for row in nodes)  # type: ignore[call-overload]


# Weights


def test_weights_by_preset(hand_made: tuple[GraphSets, Built]) -> None:
    """log-pages adds discounted logarithms; distinct-hosts counts hosts that endorse; cc gives every arc 1."""
    graph, _ = hand_made
    arcs = weights_of(graph, "domain", Weights(nofollow=0.5, sponsored=0.25))
    assert arcs == pytest.approx(
        {
            ("xn--bcher-kva.de", "alpha.com"): np.log(3),
            ("beta.org", "alpha.com"): np.log(2) + 0.5 * np.log(3),
            ("u1.github.io", "u2.github.io"): np.log(2),
            ("alpha.com", "beta.org"): np.log(16) + 0.5 * np.log(5) + 0.25 * np.log(2),
        }
    )
    distinct = weights_of(graph, "domain", Weights(preset="distinct-hosts"))
    assert distinct == {arc: 2.0 if arc == ("beta.org", "alpha.com") else 1.0 for arc in arcs}
    assert set(weights_of(graph, "domain", Weights(preset="cc")).values()) == {1.0}
    assert len(weights_of(graph, "domain", Weights(preset="cc"))) == 5


@pytest.mark.parametrize("wrong", [{"preset": "log"}, {"nofollow": 1.5}, {"sponsored": -1.0}])
def test_refuses_wrong_weights(wrong: dict[str, object]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Weights(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", [{"memory": 1000}, {"threads": -1}])
def test_refuses_wrong_limits(wrong: dict[str, int]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Engine(**wrong)


# What goes wrong


@pytest.mark.parametrize("part", ["names", "arcs", "nodes", "classes"])
def test_a_damaged_graph_is_never_taken_for_a_whole_one(
    build_graph: BuildGraph, hand_made: tuple[GraphSets, Built], tmp_path: Path, part: str
) -> None:
    """A file cut short, overwritten, or of another graph is told by name, with what to do."""
    graph, _ = hand_made
    other, _ = build_graph(tmp_path / "other", [[("a.com", "b.com", 0, 1), ("c.com", "b.com", 0, 2)]])
    path = getattr(graph, part)("host").path(0)
    whole = path.read_bytes()
    for data in (whole[:-1], whole[: len(whole) // 2], bytes(len(whole)), b"", getattr(other, part)("host").path(0)):
        path.write_bytes(data if isinstance(data, bytes) else data.read_bytes())
        with pytest.raises(StorageError, match=r"build (the graph|it) again|damaged|cut short"):
            Graph(graph, "host").csr()
    path.unlink()
    with pytest.raises(MissingError, match="build one first"):
        Graph(graph, "host")


def test_a_flipped_bit_in_the_arcs_is_found(hand_made: tuple[GraphSets, Built]) -> None:
    """Wherever it lies, before a rank is made of it."""
    graph, _ = hand_made
    path = graph.arcs("host").path(0)
    whole = path.read_bytes()
    padding = set()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            Graph(graph, "host").csr()
            padding.add(place)
        except StorageError as error:
            assert "host-arcs/part-00000.arcs" in str(error)  # noqa: PT017 - most of many
    assert padding == set()


def test_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    """A file that is no Parquet, that lacks a column, or that is absent is named with what to do."""
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 nonsense")
    with pytest.raises(StorageError, match=r"bad\.parquet: cannot be read as Parquet"):
        build([bad], [], GraphSets(tmp_path / "new"))
    pq.write_table(pa.table({"source_host": ["a.b"]}), bad)
    with pytest.raises(StorageError, match=r"bad\.parquet: no column 'target_host' of type string"):
        build([bad], [], GraphSets(tmp_path / "new"))
    with pytest.raises(MissingError, match="build one first"):
        open_graph(GraphSets(tmp_path / "new"))


def test_what_a_killed_build_left_is_cleared(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Leftovers of a work folder neither disturb the next build nor survive it."""
    left = tmp_path / "graph" / ".build.tmp" / "work.duckdb"
    spilled = left.parent / "arcs" / "host-arcs" / "00000.words"
    spilled.parent.mkdir(parents=True)
    left.write_bytes(b"half a database")
    spilled.write_bytes(b"half an arc")
    graph, _ = build_graph(tmp_path, [[("a.com", "b.com", 0, 1)]])
    assert arcs_of(graph, "host") == {("a.com", "b.com"): (1, 0, 0, 1, 0, 0, 0)}
    assert not left.parent.exists()


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


@pytest.mark.parametrize("size", [1000, 100_000])
def test_a_full_disk_stops_a_build(hand_made: object, write_links: WriteLinks, tmp_path: Path, size: int) -> None:
    """It is a StorageError; nothing of the work is left, and what is there of the graph does not pass for one."""
    links = write_links(tmp_path, [random_links(2500)]).paths()
    graph = GraphSets(tmp_path / "full")
    with largest_file(size), pytest.raises(StorageError, match="full/graph"):
        build(links, [], graph)
    assert not list(graph.folder.rglob(".*"))
    with pytest.raises(MissingError):
        open_graph(graph)


def test_a_full_disk_is_said_at_every_step(tmp_path: Path) -> None:
    """Names, spilled arcs, sorted arcs, arcs: the error names the file, and with room again the graph is built."""
    random = np.random.default_rng(1)
    names = [f"h{i}.d{i % 700}.com" for i in range(3000)]
    source, target = random.integers(0, 3000, (2, 20_000))
    graph_of(tmp_path / "warm", names[:3], np.array([0, 1]), np.array([2, 2]))  # kernels are compiled and kept
    for size, file in ((100, r"part-00000\.names"), (30_000, r"host-arcs/00000\.words")):
        with largest_file(size), pytest.raises(StorageError, match=f"{file}: cannot write"):
            graph_of(tmp_path / "g", names, source, target)
    lists = Lists(np.arange(3001), np.arange(3000, dtype=np.uint32), ALONE, np.zeros(3000, np.int32))
    with largest_file(30_000), pytest.raises(StorageError, match=r"00000\.lists: cannot write"):
        keep(tmp_path / "00000.lists", lists)
    assert not (tmp_path / "00000.lists").exists()
    assert open_graph(graph_of(tmp_path / "g", names, source, target))["host"].n == 3000


def test_paths_with_wildcards_and_quotes(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Characters that mean something to the engine are only characters in a path."""
    root = tmp_path / "it's [1] * root"
    graph, _ = build_graph(root, [[("a.com", "b.com", 0, 1)]])
    assert names_of(graph, "domain") == ["a.com", "b.com"]
    with pytest.raises(StorageError, match="question mark"):
        build([], [], GraphSets(tmp_path / "root?"))
    graph = GraphSets(tmp_path / "root?")
    with pytest.raises(StorageError, match="question mark"):
        stages.BuildGraph(links=ShardSet(graph.root, "links"), graph=graph).check()


def test_too_little_memory_is_said_in_a_sentence(tmp_path: Path) -> None:
    """An aggregate that cannot spill ends as a StorageError that names the setting."""
    with database(tmp_path, "small", Engine(memory=64 << 20)) as db, pytest.raises(StorageError, match="`memory`"):
        db.run("CREATE TABLE t AS SELECT list(i) FROM range(100_000_000) r(i)")


@given(st.lists(st.integers(0, 9), max_size=12), st.integers(1, 7))
def test_tables_are_cut_anew_into_equal_sizes(sizes: list[int], size: int) -> None:
    """Whatever the batches, all tables but the last have the size asked for, and no row is lost or moved."""
    schema = pa.schema([("n", pa.int64())])
    total = sum(sizes)
    starts = np.cumsum([0, *sizes])[:-1]
    batches = [pa.record_batch([list(range(s, s + n))], schema=schema) for s, n in zip(starts, sizes, strict=True)]
    tables = list(regrouped(pa.RecordBatchReader.from_batches(schema, batches), schema, size))
    assert [table.num_rows for table in tables] == [size] * (total // size) + [total % size] * (total % size > 0)
    assert [n for table in tables for n in table["n"].to_pylist()] == list(range(total))
    numbered = [n for table in with_ids(iter(tables)) for n in table["id"].to_pylist()]
    assert numbered == list(range(total))
