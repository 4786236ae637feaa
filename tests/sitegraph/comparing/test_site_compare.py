"""Comparing rank tables on disk: every kind of table, what is counted, what is refused; statistics tables are read."""

import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import InputError
from sitegraph.comparing.agreement import AgreementSettings
from sitegraph.comparing.cctables import Lookup, TopTable, read_statistics
from sitegraph.comparing.compare import Comparison, as_json, compare, compare_command_rows, drift, drift_rows, move_rows
from sitegraph.comparing.ranktables import RankTable

SETTINGS = AgreementSettings(depths=(1, 2, 3), persistence=0.5, movers=2)
HEADER = ["#harmonicc_pos", "#harmonicc_val", "#pr_pos", "#pr_val", "#host_rev"]
Rows = list[tuple[str, float | None]]


def authority(path: Path, hosts: Rows, domains: Rows | None = None, **columns: list[Any]) -> RankTable:
    """Write a Parquet table with the columns that a comparison reads."""
    rows = [("domain", *row) for row in domains or []] + [("host", *row) for row in hosts]
    names = {"level": [r[0] for r in rows], "reversed": [r[1] for r in rows], "pagerank": [r[2] for r in rows]}
    pq.write_table(pa.table(names | columns), path)
    return RankTable(path=path)


def ranks(path: Path, rows: list[tuple[float, float, str]], domains: bool = False) -> RankTable:
    """Write a ranks file of (harmonic, PageRank, reversed name); positions are by PageRank in the given order."""
    head = "\t".join([*HEADER, *(["#n_hosts"] if domains else [])])
    lines = [f"{i}\t{h}\t{i}\t{p}\t{name}" + ("\t1" if domains else "") for i, (h, p, name) in enumerate(rows, 1)]
    path.write_bytes(gzip.compress("\n".join([head, *lines, ""]).encode()))
    return RankTable(path=path)


def top(path: Path, rows: list[list[str]], header: list[str] | None = None) -> RankTable:
    """Write a table of the first nodes of a release."""
    path.write_bytes(gzip.compress(json.dumps({"header": header or HEADER, "rows": rows}).encode()))
    return RankTable(path=path)


LOOKUP = {
    "releases": ["one", "two"],
    "labels": ["1", "2"],
    "domains": {
        "com.a": [[3.0, 1], [0.5, 0.1]],
        "com.b": [[2.0, 2.0], [0.2, 0.3]],
        "org.c": [[None, 4.0], [None, 0.2]],
    },
}


@pytest.fixture
def write_lookup(tmp_path: Path) -> Callable[[Any], Path]:
    """A function that writes a lookup."""

    def write(value: Any) -> Path:
        path = tmp_path / "lookup.json"
        path.write_text(json.dumps(value))
        return path

    return write


def test_tables_are_joined_by_name(tmp_path: Path) -> None:
    """a, b, d are in both, c in one, e in the other; a and b change places: rho = 1 - 6 * 2 / (3 * 8)."""
    a = authority(tmp_path / "a.parquet", [("com.a", 9.0), ("com.b", 8.0), ("com.c", 7.0), ("com.d", 1.0)])
    b = authority(tmp_path / "b.parquet", [("com.e", 5.0), ("com.b", 4.0), ("com.a", 3.0), ("com.d", 2.0)])
    found = compare(a, b, tmp_path, settings=SETTINGS)
    assert (found.agreement.shared, found.agreement.only_a, found.agreement.only_b) == (3, 1, 1)
    assert found.agreement.spearman == pytest.approx(0.5)
    assert found.agreement.kendall == pytest.approx(1 / 3)
    assert [overlap.common for overlap in found.agreement.overlaps] == [0, 1, 2]


def test_movers_have_their_names(tmp_path: Path) -> None:
    """a falls from first of three to last."""
    a = authority(tmp_path / "a.parquet", [("com.a", 3.0), ("com.b", 2.0), ("com.c", 1.0)])
    b = authority(tmp_path / "b.parquet", [("com.a", 1.0), ("com.b", 3.0), ("com.c", 2.0)])
    found = compare(a, b, tmp_path, settings=SETTINGS)
    assert [(m.name, m.position_a, m.position_b) for m in found.fell] == [("com.a", 1, 3)]
    assert [m.name for m in found.rose] == ["com.b", "com.c"]
    assert move_rows(found)[-1] == ("com.a", "1.0000", "0.3333", "1 to 3")


def test_ties_stand_in_the_byte_order_of_reversed_names(tmp_path: Path) -> None:
    """`com.a-x` comes before `com.a.x`: of the two, tied, the first one is the one with the dash."""
    a = authority(tmp_path / "a.parquet", [("com.a.x", 1.0), ("com.a-x", 1.0)])
    b = authority(tmp_path / "b.parquet", [("com.a-x", 2.0), ("com.a.x", 1.0)])
    assert compare(a, b, tmp_path, settings=SETTINGS).agreement.overlaps[0].common == 1


def test_rows_are_of_one_level_and_without_value_are_counted(tmp_path: Path) -> None:
    """Of the three hosts one has no value and one has NaN; the domain is of another level."""
    a = authority(tmp_path / "a.parquet", [("com.a", 3.0), ("com.b", None), ("com.c", math.nan)], [("com.d", 1.0)])
    found = compare(a, a, tmp_path, settings=SETTINGS)
    assert (found.a.rows, found.a.unranked, found.a.nodes) == (3, 2, 1)
    assert compare(a, a, tmp_path, "domain", SETTINGS).a.nodes == 1


def test_columns_may_differ_and_low_positions_are_good(tmp_path: Path) -> None:
    """PageRank of one against the position of the other, which says the same."""
    rows: Rows = [("com.a", 3.0), ("com.b", 2.0), ("com.c", 1.0)]
    a = authority(tmp_path / "a.parquet", rows, position=[1, 2, 3])
    found = compare(a, RankTable(path=a.path, column="position"), tmp_path, settings=SETTINGS)
    assert found.agreement.kendall == pytest.approx(1.0)
    assert found.b.column == "position"


def test_a_ranks_file_sets_the_level_and_folds_www(tmp_path: Path) -> None:
    """com.b has a row of its own, which counts though its www form ranks higher; com.c has only its www form."""
    cc = ranks(
        tmp_path / "ranks.gz", [(5, 0.9, "com.b.www"), (4, 0.5, "com.a"), (3, 0.2, "com.c.www"), (2, 0.1, "com.b")]
    )
    ours = authority(tmp_path / "a.parquet", [("com.a", 3.0), ("com.c", 2.0), ("com.b", 1.0)])
    found = compare(ours, cc, tmp_path, settings=SETTINGS)
    assert (found.level, found.b.rows, found.b.folded, found.b.nodes) == ("host", 4, 1, 3)
    assert found.agreement.kendall == pytest.approx(1.0)


def test_a_domain_ranks_file_is_compared_at_its_level(tmp_path: Path) -> None:
    """Its names are left as they are."""
    cc = ranks(tmp_path / "ranks.gz", [(5, 0.9, "com.a.www"), (4, 0.5, "com.a")], domains=True)
    ours = authority(tmp_path / "a.parquet", [("com.z", 1.0)], [("com.a", 3.0)])
    found = compare(ours, cc, tmp_path, settings=SETTINGS)
    assert (found.level, found.agreement.shared, found.agreement.only_b) == ("domain", 1, 1)


def test_tables_of_two_levels_are_refused(tmp_path: Path) -> None:
    """Hosts are not domains."""
    hosts, domains = ranks(tmp_path / "h.gz", [(1, 1, "com.a")]), ranks(tmp_path / "d.gz", [(1, 1, "com.a")], True)
    with pytest.raises(InputError, match="ranks domains, not hosts"):
        compare(hosts, domains, tmp_path)


def test_statistics_tables_are_compared_by_any_column(tmp_path: Path) -> None:
    """The order by harmonic centrality is the reverse of that by PageRank here."""
    table = top(
        tmp_path / "host.json.gz", [["1", "9.0E7", "7", "1.0E-7", "com.a"], ["2", "8.0E7", "3", "0.1", "com.b"]]
    )
    harmonic = RankTable(path=table.path, column="harmonic")
    assert compare(harmonic, table, tmp_path).agreement.kendall == pytest.approx(-1.0)
    by_place = RankTable(path=table.path, column="harmonic_position")
    assert compare(harmonic, by_place, tmp_path).agreement.kendall == pytest.approx(1.0)


def test_a_release_of_the_lookup_is_a_table_of_domains(tmp_path: Path, write_lookup: Callable[[Any], Path]) -> None:
    """Release one has two domains, release two three."""
    path = write_lookup(LOOKUP)
    one, two = (RankTable(path=path, column="harmonic", release=name) for name in ("one", "two"))
    found = compare(one, two, tmp_path, settings=SETTINGS)
    assert (found.level, found.a.title, found.a.nodes, found.b.nodes) == ("domain", "one", 2, 3)
    assert found.agreement.kendall == pytest.approx(-1.0)


def test_drift_compares_neighbours_and_ends(tmp_path: Path) -> None:
    """Three releases: the second is the first turned round, the third is the first again."""
    up: Rows = [("com.a", 1.0), ("com.b", 2.0)]
    down: Rows = [("com.a", 2.0), ("com.b", 1.0)]
    tables = [authority(tmp_path / f"{i}.parquet", rows) for i, rows in enumerate((up, down, up))]
    found = drift(tables, tmp_path, settings=SETTINGS)
    assert [pair.agreement.kendall for pair in found.pairs] == [-1.0, -1.0]
    assert found.ends.agreement.kendall == 1.0
    assert [row[:2] for row in drift_rows(found)][-1] == ("0.parquet", "2.parquet")
    json.dumps(as_json(found), allow_nan=False)


def test_a_comparison_prints_and_is_json(tmp_path: Path) -> None:
    """Undefined correlations are null; counts, measures and titles have their rows."""
    a = authority(tmp_path / "a.parquet", [("com.a", 3.0)])
    found = compare(a, a, tmp_path, settings=SETTINGS)
    told = json.loads(json.dumps(as_json(found), allow_nan=False))
    assert told["agreement"]["kendall"] is None
    assert told["agreement"]["overlaps"][0]["jaccard"] == 1.0
    rows = {row[0]: row[1:] for row in compare_command_rows(found)}
    assert rows["nodes"] == ("1", "1")
    assert rows["Kendall tau-b, in both"] == ("undefined", "")
    assert rows["first 1"] == ("1 in both", "Jaccard 1.000")


def test_the_scratch_folder_is_left_as_it_was(tmp_path: Path) -> None:
    """Nothing stays in it."""
    a = authority(tmp_path / "a.parquet", [("com.a", 3.0)])
    (scratch := tmp_path / "scratch").mkdir()
    assert isinstance(compare(a, a, scratch), Comparison)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (RankTable(path=Path("a.parquet"), column="trust"), "no column trust"),
        (RankTable(path=Path("a.parquet"), column="level"), "cannot rank by 'level'"),
        (RankTable(path=Path("a.parquet"), release="one"), "one release only"),
        (RankTable(path=Path("absent")), "cannot be read"),
        (RankTable(path=Path("lookup.json")), "say which one"),
        (RankTable(path=Path("lookup.json"), release="three"), "no release 'three'"),
        (RankTable(path=Path("empty")), "not the header"),
        (RankTable(path=Path("broken.parquet")), "cannot be read as Parquet"),
        (RankTable(path=Path("nulls.parquet")), "no host has a value"),
    ],
)
def test_a_table_that_cannot_be_compared_says_why(
    tmp_path: Path, write_lookup: Callable[[Any], Path], table: RankTable, told: str
) -> None:
    """The file, what is wrong with it, what to do."""
    write_lookup(LOOKUP)
    authority(tmp_path / "a.parquet", [("com.a", 3.0)], [("com.a", 3.0)])
    authority(tmp_path / "nulls.parquet", [("com.a", None), ("com.b", math.nan)])
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 and nothing else")
    table = RankTable(path=tmp_path / table.path, column=table.column, release=table.release)
    with pytest.raises(InputError, match=told):
        compare(table, table, tmp_path)


def test_one_table_cannot_be_compared(tmp_path: Path) -> None:
    """It takes two."""
    with pytest.raises(InputError, match="name two or more"):
        drift([RankTable(path=tmp_path)], tmp_path)


def test_the_first_nodes_of_a_release_are_read(tmp_path: Path) -> None:
    """Cells are strings; the header of domains has one column more."""
    path = top(tmp_path / "d.json.gz", [["1", "2.5E7", "4", "0.25", "com.a", "12"]], [*HEADER, "#n_hosts"]).path
    found = read_statistics(path)
    assert isinstance(found, TopTable)
    assert found.level == "domain"
    row = {"harmonic_position": 1, "harmonic": 2.5e7, "position": 4, "pagerank": 0.25, "reversed": "com.a"}
    assert found.table.to_pylist() == [row]


def test_the_lookup_keeps_what_a_release_lacks(write_lookup: Callable[[Any], Path]) -> None:
    """org.c has no row in release one."""
    found = read_statistics(write_lookup(LOOKUP))
    assert isinstance(found, Lookup)
    assert found.releases == ("one", "two")
    assert found.release("one").column("reversed").to_pylist() == ["com.a", "com.b"]
    assert found.release("two").column("harmonic").to_pylist() == [1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ([], "no statistics table"),
        ({"header": ["a"], "rows": []}, "the header is not"),
        ({"header": HEADER, "rows": 1}, "rows is no list"),
        ({"header": HEADER, "rows": [["1", "2", "3", "4"]]}, "row 1: not a list of 5 cells"),
        ({"header": HEADER, "rows": [["1", "2", "3", "4", "com.a"], ["x", "2", "3", "4", "b"]]}, "row 2: invalid lit"),
        ({"header": HEADER, "rows": [["1", "nan", "3", "4", "com.a"]]}, "row 1: a value that no rank can be"),
        ({"header": HEADER, "rows": [["1", "2", "-3", "4", "com.a"]]}, "row 1: a value that no rank can be"),
        ({"header": HEADER, "rows": [["9" * 30, "2", "3", "4", "com.a"]]}, "row 1: a value that no rank can be"),
        ({"header": HEADER, "rows": [["1", "2", "3", "4", ""]]}, "row 1: no name"),
        ({"releases": [1], "domains": {}}, "releases is no list"),
        ({"releases": ["a"], "domains": []}, "domains is no object"),
        ({"releases": ["a"], "domains": {"x": [[1.0], [1.0, 2.0]]}}, "domain 'x': not two lists of 1 values"),
        ({"releases": ["a"], "domains": {"\x1b": [[-1.0], [1.0]]}}, r"domain '\\x1b': not two lists"),
    ],
)
def test_a_statistics_table_that_is_none_says_why(write_lookup: Callable[[Any], Path], value: Any, told: str) -> None:
    """The row, and what is wrong with it."""
    with pytest.raises(InputError, match=told):
        read_statistics(write_lookup(value))


@pytest.mark.parametrize("data", [b"{", b"\x1f\x8b\x08\x00", b"[" * 200_000])
def test_a_damaged_statistics_table_is_an_input_error(tmp_path: Path, data: bytes) -> None:
    """No JSON, a gzip member cut short, nesting without end."""
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(InputError):
        read_statistics(tmp_path / "x")


@pytest.mark.shared
def test_the_published_statistics_tables_are_read(shared: Path) -> None:
    """1,000 nodes by harmonic centrality each; the lookup has 1,000 domains in each release but the first three."""
    folder = shared / "data" / "linkgraph" / "cc-ranks"
    if not folder.is_dir():
        pytest.skip(f"no rank tables at {folder}")
    for path in sorted(folder.glob("*-cc-main-*.json.gz")):
        found = read_statistics(path)
        assert isinstance(found, TopTable)
        assert found.level == path.name.split("-")[0]
        assert found.table["harmonic_position"].to_pylist() == list(range(1, 1001))
    lookup = read_statistics(folder / "domain-lookup.json.gz")
    assert isinstance(lookup, Lookup)
    assert [lookup.release(name).num_rows for name in lookup.releases] == [0, 0, 0] + [1000] * 48
