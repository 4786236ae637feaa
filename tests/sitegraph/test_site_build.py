"""Links to a graph on disk."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.errors import MissingError, SettingError, StorageError
from corpus.storage import ShardSet
from sitegraph import stages
from sitegraph.build import Built, build, with_ids
from sitegraph.engine import Engine, database, regrouped
from sitegraph.graph import Weights, count_nodes, read_arcs, read_names
from sitegraph.layout import ARCS, GraphSets

Links = Sequence[tuple[str, str, int, int]]
BuildGraph = Callable[[Path, Sequence[Links]], tuple[GraphSets, Built]]
WriteLinks = Callable[[Path, Sequence[Links]], ShardSet]


def rows(shard_set: ShardSet) -> list[tuple[object, ...]]:
    """Return the rows of part 0."""
    return [tuple(row.values()) for row in pq.read_table(shard_set.path(0)).to_pylist()]


def test_nodes_of_the_hand_made_graph(hand_made: tuple[GraphSets, Built]) -> None:
    """Names sorted by their reversed form, folded; domain, linking domains and crawled flag as worked out by hand."""
    graph, _ = hand_made
    assert rows(graph.nodes("host")) == [
        ("alpha.com", 0, 2, True),  # linked by bücher.de and beta.org
        ("alpha.de", 1, 0, False),  # only a same-owner link
        ("xn--bcher-kva.de", 2, 0, True),
        ("u1.github.io", 3, 0, True),
        ("u2.github.io", 4, 1, False),
        ("lonely.net", 5, 0, True),  # only in the documents
        ("beta.org", 6, 1, True),  # its own blog does not count
        ("blog.beta.org", 6, 0, True),
    ]
    assert rows(graph.nodes("domain")) == [
        ("alpha.com", 1, 2),
        ("alpha.de", 1, 0),
        ("xn--bcher-kva.de", 1, 0),
        ("u1.github.io", 1, 0),
        ("u2.github.io", 1, 1),
        ("lonely.net", 1, 0),
        ("beta.org", 2, 1),
    ]


def test_arcs_of_the_hand_made_graph(hand_made: tuple[GraphSets, Built]) -> None:
    """Sorted by (target, source); plain, nofollow and sponsored pages apart; pages add up over files and www."""
    graph, _ = hand_made
    assert rows(graph.arcs("host")) == [
        (2, 0, 2, 0, 0),
        (6, 0, 0, 2, 0),
        (7, 0, 1, 0, 0),
        (3, 4, 1, 0, 0),
        (0, 6, 15, 4, 1),
        (7, 6, 7, 0, 0),
    ]
    assert rows(graph.arcs("domain")) == [(2, 0, 2, 0, 0), (6, 0, 1, 2, 0), (3, 4, 1, 0, 0), (0, 6, 15, 4, 1)]
    assert rows(graph.same_owner) == [(0, 1, 3)]


def test_every_link_is_counted_once(hand_made: tuple[GraphSets, Built]) -> None:
    """The four kinds add up to the links read; unusable hosts are counted by cause."""
    _, built = hand_made
    assert built.counts == {
        "links": 18,
        "links_endorsing": 11,
        "links_same_owner": 1,
        "links_self": 2,
        "links_unusable": 4,
        "hosts_crawled": 6,
        "hosts_ip": 2,
        "hosts_malformed": 2,
        "host_arcs": 6,
        "domain_arcs": 4,
        "same_owner_arcs": 1,
        "hosts": 8,
        "domains": 7,
    }


def test_names_sort_by_the_bytes_of_their_reversed_form(build_graph: BuildGraph, tmp_path: Path) -> None:
    """`-` comes before `.`, so a longer name may lie between a domain and its hosts, as in Common Crawl's graphs."""
    graph, _ = build_graph(
        tmp_path, [[("b.a.com", "a.com", 0, 1), ("a-z.com", "a.com", 0, 1), ("ab.com", "a.b", 0, 1)]]
    )
    assert read_names(graph, "host") == ["a.b", "a.com", "a-z.com", "b.a.com", "ab.com"]


def test_no_links_give_an_empty_graph(tmp_path: Path) -> None:
    """Five files without rows, all counts 0."""
    graph = GraphSets(tmp_path)
    built = build([], [], graph)
    assert [file.rows for file in built.files] == [0, 0, 0, 0, 0]
    assert not any(built.counts.values())
    assert count_nodes(graph, "host") == 0
    arcs = read_arcs(graph, "host", Weights())
    assert (arcs.offsets.tolist(), len(arcs.sources), len(arcs.weights)) == ([0], 0, 0)


def random_links(count: int) -> list[tuple[str, str, int, int]]:
    """Return links among 300 hosts, some written with www, with all flags."""
    random = np.random.default_rng(5)
    hosts = [f"{'www.' * (i % 3 == 0)}h{i % 200}.d{i % 40}.{'com' if i % 2 else 'co.uk'}" for i in range(300)]
    hosts += ["10.0.0.1", "x"]
    ends = random.integers(0, len(hosts), (count, 2))
    flags, pages = random.integers(0, 16, count), random.integers(1, 1000, count)
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
    assert len(marks) == 1


def test_a_plain_count_gives_the_same_graph(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Arcs and linking domains agree with dictionaries and sets filled link by link."""
    links = random_links(2500)
    graph, _ = build_graph(tmp_path, [links[:1000], links[1000:]])
    names, domains = read_names(graph, "host"), read_names(graph, "domain")
    expected: dict[tuple[str, str], list[int]] = {}
    linking: dict[str, set[str]] = {}
    for source, target, flags, pages in links:
        s, t = source.removeprefix("www."), target.removeprefix("www.")
        if flags & 8 or s == t or not {s, t}.isdisjoint({"x", "10.0.0.1"}):
            continue
        kind = 2 if flags & 4 else 1 if flags & 3 else 0
        expected.setdefault((s, t), [0, 0, 0])[kind] += pages
        if s.partition(".")[2] != t.partition(".")[2]:
            linking.setdefault(t, set()).add(s.partition(".")[2])
    got = {(names[s], names[t]): pages for s, t, *pages in rows(graph.arcs("host"))}  # type: ignore[index]
    assert got == expected
    nodes = rows(graph.nodes("host"))
    assert {name: n for name, _, n, _ in nodes if n} == {name: len(found) for name, found in linking.items()}
    assert all(domains[domain] == str(name).partition(".")[2] for name, domain, _, _ in nodes)  # type: ignore[index]


def test_weights_by_preset(hand_made: tuple[GraphSets, Built]) -> None:
    """log-pages adds discounted logarithms; distinct and cc give every arc 1."""
    graph, _ = hand_made
    arcs = read_arcs(graph, "host", Weights(nofollow=0.5, sponsored=0.25))
    assert arcs.offsets.tolist() == [0, 3, 3, 3, 3, 4, 4, 6, 6]
    assert arcs.sources.tolist() == [2, 6, 7, 3, 0, 7]
    beta = np.log(16) + 0.5 * np.log(5) + 0.25 * np.log(2)
    assert arcs.weights == pytest.approx([np.log(3), 0.5 * np.log(3), np.log(2), np.log(2), beta, np.log(8)])
    for preset in ("distinct", "cc"):
        assert read_arcs(graph, "host", Weights(preset=preset)).weights.tolist() == [1.0] * 6


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


@pytest.mark.parametrize("arcs", [[(0, 9)], [(9, 0)], [(-1, 0)], [(0, 1), (1, 0)]])
def test_refuses_arcs_that_do_not_fit_the_nodes(
    hand_made: tuple[GraphSets, Built], arcs: list[tuple[int, int]]
) -> None:
    """Ids out of range or out of order are an error that names the file, never a wrong rank."""
    graph, _ = hand_made
    table = pa.Table.from_pylist([dict(zip(ARCS.names, (s, t, 1, 0, 0), strict=True)) for s, t in arcs], schema=ARCS)
    pq.write_table(table, graph.arcs("host").path(0))
    with pytest.raises(StorageError, match=r"host-arcs/part-00000\.parquet: .*build the graph again"):
        read_arcs(graph, "host", Weights())


def test_says_what_is_wrong_with_a_file(hand_made: tuple[GraphSets, Built], tmp_path: Path) -> None:
    """A file that is no Parquet, that lacks a column, or that is absent is named with what to do."""
    graph, _ = hand_made
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(b"PAR1 nonsense")
    with pytest.raises(StorageError, match=r"bad\.parquet: cannot be read as Parquet"):
        build([bad], [], GraphSets(tmp_path / "new"))
    pq.write_table(pa.table({"source_host": ["a.b"]}), bad)
    with pytest.raises(StorageError, match=r"bad\.parquet: no column 'target_host' of type string"):
        build([bad], [], GraphSets(tmp_path / "new"))
    with pytest.raises(MissingError, match="build the graph first"):
        count_nodes(GraphSets(tmp_path / "new"), "host")
    data = bytearray(graph.arcs("host").path(0).read_bytes())
    data[20] ^= 1
    graph.arcs("host").path(0).write_bytes(data)
    with pytest.raises(StorageError, match="damaged"):
        read_arcs(graph, "host", Weights())


def test_what_a_killed_build_left_is_cleared(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Leftovers of a work folder neither disturb the next build nor survive it."""
    left = tmp_path / "graph" / ".build.tmp" / "work.duckdb"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a database")
    graph, _ = build_graph(tmp_path, [[("a.com", "b.com", 0, 1)]])
    assert read_names(graph, "host") == ["a.com", "b.com"]
    assert not left.parent.exists()


def test_paths_with_wildcards_and_quotes(build_graph: BuildGraph, tmp_path: Path) -> None:
    """Characters that mean something to the engine are only characters in a path."""
    root = tmp_path / "it's [1] * root"
    graph, _ = build_graph(root, [[("a.com", "b.com", 0, 1)]])
    assert read_names(graph, "domain") == ["a.com", "b.com"]
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
