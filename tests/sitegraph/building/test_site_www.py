"""Hosts named `www.` become the host without it, in the order of names, as Python's sort has it."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from releases import arcs_of, contents, files

from corpus.url import www_normalised
from sitegraph.building.importing import import_graph
from sitegraph.building.small import graph_of
from sitegraph.building.www import fold_www
from sitegraph.cli import main
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets
from sitegraph.store.names import Names, NamesWriter

NAMES = [
    "com.example",
    "com.example-shop",
    "com.example-shop.www",
    "com.example.blog",
    "com.example.www",
    "com.lone-er.www",
    "com.lone.blog",
    "com.lone.www",
    "com.www",
    "org.wiki.www",
    "org.wiki.www.www",
    "uk.co.www",
    "www",
]
AFTER = [
    "com.example",
    "com.example-shop",
    "com.example.blog",
    "com.lone",
    "com.lone-er",
    "com.lone.blog",
    "com.www",
    "org.wiki",
    "org.wiki.www",
    "uk.co",
    "www",
]


def folded(names: list[str]) -> list[str]:
    """Return what each reversed name becomes."""
    return [reverse(www_normalised(reverse(name))) for name in names]


def fold(folder: Path, names: list[str], rows: int) -> tuple[list[str], list[int], tuple[int, int]]:
    """Return the names left, the new id of each, and how many www forms were joined and renamed."""
    sets = GraphSets(folder, "")
    with NamesWriter(sets.names("domain")) as writer:
        writer.add(pa.array(names, pa.string()))
    found = fold_www(Names(sets.names("domain").path(0)), sets.names("host"), folder, rows)
    left = list(Names(sets.names("host").path(0)))
    assert len(left) == found.nodes
    assert not list((folder / "www-names").glob("*")) or not names
    return left, found.ids.tolist(), (found.joined, found.renamed)


def test_the_order_of_names_by_hand(tmp_path: Path) -> None:
    """com.lone.www moves before com.lone-er, its order with com.lone-er.www flips; com.www and www are no www forms."""
    left, ids, counts = fold(tmp_path, NAMES, 1 << 18)
    assert left == AFTER
    assert ids == [0, 1, 1, 2, 0, 4, 5, 3, 6, 7, 8, 9, 10]
    assert counts == (2, 5)


labels = st.sampled_from(["a", "a-b", "a_b", "w", "ww", "www", "www-a", "b", "-", "0"])
reversed_names = st.lists(labels, min_size=1, max_size=5).map(".".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(reversed_names, max_size=60), st.sampled_from([1, 2, 7, 32, 1000]))
@example({"a.a.www.www.www", "a.a.www.www", "a.a.www", "a.a"}, 1)
@example({"a.a.www.www.www"}, 2)
def test_any_names_in_blocks_of_any_size(tmp_path: Path, drawn: set[str], rows: int) -> None:
    """As Python folds and sorts them, by the rule of our own crawls."""
    names = sorted(drawn)
    left, ids, (joined, renamed) = fold(tmp_path, names, rows)
    expected = folded(names)
    assert left == sorted(set(expected))
    assert [left[i] for i in ids] == expected
    assert (joined, joined + renamed) == (
        len(names) - len(left),
        sum(a != b for a, b in zip(names, expected, strict=True)),
    )


def test_a_long_name_and_all_its_beginnings(tmp_path: Path) -> None:
    """As deep as the stack can be: labels of one letter, a hyphen or a dot behind each, and all www forms wait."""
    long = "a.a" + "-.a" * 82
    beginnings = [long[:k] for k in range(3, len(long)) if long[k] in "-."]
    names = sorted({long, *(f"{name}.www" for name in beginnings if not name.endswith("."))})
    names = [name for name in names if ".." not in name]
    left, ids, counts = fold(tmp_path, names, 10)
    assert left == sorted(set(folded(names)))
    assert [left[i] for i in ids] == folded(names)
    assert counts[1] == len(names) - 1


def test_edges_of_a_folded_release(tmp_path: Path) -> None:
    """Arcs of both names are those of one; what joins the two is none, what is there twice is one; none is lost."""
    edges = [(0, 3), (0, 4), (3, 0), (3, 4), (4, 3), (4, 9), (5, 7), (7, 5), (7, 5), (8, 8), (10, 9)]
    vertices, path = files(tmp_path, NAMES, edges)
    built = import_graph([vertices], [path], sets := GraphSets(tmp_path / "graph", ""))
    assert arcs_of(sets) == {
        ("com.example", "com.example.blog"),
        ("com.example.blog", "com.example"),
        ("com.example", "org.wiki"),
        ("com.lone-er", "com.lone"),
        ("com.lone", "com.lone-er"),
        ("org.wiki.www", "org.wiki"),
    }
    told = {name: built.counts[name] for name in built.counts if name.startswith(("edges", "www", "host"))}
    assert told == {
        "edges": 11,
        "edges_to_self": 1,
        "edges_doubled": 1,
        "edges_folded_to_self": 1,
        "edges_merged": 2,
        "host_arcs": 6,
        "host_arcs_to_dangling": 2,
        "hosts": 11,
        "hosts_linking": 5,
        "www_joined": 2,
        "www_renamed": 5,
    }


@pytest.mark.parametrize("seed", range(2))
def test_a_release_is_the_graph_of_its_folded_names(tmp_path: Path, seed: int) -> None:
    """File by file what arrays of the same arcs, folded by Python, become."""
    random = np.random.default_rng(seed)
    sites = [f"s{i}{('', '-x', '.a', '.a-b')[i % 4]}.{('com', 'co.uk', 'github.io')[i % 3]}" for i in range(300)]
    hosts = {*sites, *(f"www.{site}" for site in sites), *(f"b.{site}" for site in sites), "www.co.uk", "www.github.io"}
    names = sorted(reverse(host) for host in hosts)
    names = [names[i] for i in np.flatnonzero(random.random(len(names)) < 0.7)]
    pairs = np.unique(random.integers(0, len(names), (5000, 2)), axis=0)
    vertices, edges = files(tmp_path, names, [(int(s), int(t)) for s, t in pairs])
    import_graph([vertices], [edges], GraphSets(tmp_path / "imported", ""))
    place = {name: i for i, name in enumerate(sorted(set(folded(names))))}
    ids = np.array([place[name] for name in folded(names)])
    graph_of(tmp_path / "plain", [reverse(name) for name in place], *ids[pairs].T)
    assert contents(tmp_path / "imported") == contents(tmp_path / "plain")


def test_kept_names_are_those_of_the_files(tmp_path: Path) -> None:
    """Ids and arcs too; nothing is counted as folded."""
    vertices, edges = files(tmp_path, NAMES, [(0, 4), (4, 0)])
    sets = GraphSets(tmp_path / "graph", "")
    built = import_graph([vertices], [edges], sets, www="keep")
    assert list(Names(sets.names("host").path(0))) == NAMES
    assert arcs_of(sets) == {("com.example", "com.example.www"), ("com.example.www", "com.example")}
    assert "www_joined" not in built.counts
    assert built.counts["edges_folded_to_self"] == 0


def test_domains_are_not_folded(tmp_path: Path) -> None:
    """`www.co.uk` is a domain of its own in a domain release."""
    (tmp_path / "v.txt").write_text("0\tuk.co\t1\n1\tuk.co.www\t2\n")
    (tmp_path / "e.txt").write_text("0\t1\n")
    sets = GraphSets(tmp_path / "graph", "")
    import_graph([tmp_path / "v.txt"], [tmp_path / "e.txt"], sets)
    assert list(Names(sets.names("domain").path(0))) == ["uk.co", "uk.co.www"]


def test_an_import_begun_the_other_way_is_not_gone_on_with(tmp_path: Path) -> None:
    """What was done with `keep` is thrown away when the names are to be folded."""
    vertices, edges = files(tmp_path, NAMES, [(0, 4), (4, 0), (4, 9)])
    whole, sets = GraphSets(tmp_path / "whole", ""), GraphSets(tmp_path / "again", "")
    import_graph([vertices], [edges], whole)
    broken = tmp_path / "broken.txt"
    for www in ("keep", "fold"):
        broken.write_text("0\t99\n")
        with pytest.raises(Exception, match="line 1"):
            import_graph([vertices], [broken], sets, www=www)  # type: ignore[arg-type]
        assert (tmp_path / "again" / ".import").exists()
    import_graph([vertices], [edges], sets)
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


def test_the_option_of_the_command(tmp_path: Path) -> None:
    """`sitegraph import` folds unless it is told to keep; it prints what became of www forms."""
    vertices, edges = files(tmp_path, NAMES, [(0, 4), (4, 0), (4, 9)])
    given = ["import", "--vertices", str(vertices), "--edges", str(edges), "--json", "--out"]
    counts = []
    for folder, more in (("folded", []), ("kept", ["--www", "keep"])):
        done = CliRunner().invoke(main, [*given, str(tmp_path / folder), *more])
        assert done.exit_code == 0, done.output
        counts.append(json.loads(done.stdout))
    assert [found["hosts"] for found in counts] == [11, 13]
    assert [found["host_arcs"] for found in counts] == [1, 3]
    assert counts[0]["www_renamed"] == 5
