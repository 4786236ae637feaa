"""Ranks files written, and read again."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import StorageError
from sitegraph.cc.ranksfile import COLUMNS, RanksFile
from sitegraph.cc.ranksout import positions, write_ranks

HEADER = "\t".join(COLUMNS)


def test_ranks_are_written_as_published(tmp_path: Path) -> None:
    """By harmonic position; ties in the order of names; floats and doubles in their own shortest digits."""
    names = [pa.array(["com.a", "com.b"]), pa.array(["com.c", "com.d"])]
    harmonic = np.array([0.1, 35288830.0, 0.1, 0.0], np.float32)
    pagerank = np.array([0.25, 0.0001, 0.1, 0.25])
    write_ranks(tmp_path / "r.txt", names, harmonic, pagerank)
    assert (tmp_path / "r.txt").read_text().split("\n") == [
        HEADER,
        "1\t3.528883E7\t4\t1.0E-4\tcom.b",
        "2\t0.1\t1\t0.25\tcom.a",
        "3\t0.1\t3\t0.1\tcom.c",
        "4\t0.0\t2\t0.25\tcom.d",
        "",
    ]
    write_ranks(tmp_path / "d.txt", names[:1], np.array([0.5, -0.0]), pagerank[:2], np.array([7, 123456789]))
    assert (tmp_path / "d.txt").read_text().split("\n") == [
        HEADER + "\t#n_hosts",
        "1\t0.5\t1\t0.25\tcom.a\t7",
        "2\t0.0\t2\t1.0E-4\tcom.b\t123456789",
        "",
    ]


def test_no_nodes_are_a_header(tmp_path: Path) -> None:
    """A file of ranks of nothing has its first line."""
    write_ranks(tmp_path / "r.txt", [], np.empty(0), np.empty(0))
    assert (tmp_path / "r.txt").read_text() == HEADER + "\n"


@pytest.mark.parametrize(
    ("names", "harmonic", "pagerank", "reason"),
    [
        (["com.a"], [1.0, 2.0], [1.0, 2.0], "2 nodes have ranks and 1 or more have names"),
        (["com.a", "com.b"], [1.0], [1.0], "1 nodes have ranks and 2 or more have names"),
        (["com.a"], [1.0], [1.0, 2.0], "not every node has all its values"),
        (["com.a"], [-1.0], [1.0], "a rank is below 0 or no number"),
        (["com.a"], [1.0], [float("nan")], "a rank is below 0 or no number"),
        (["com.a"], [float("inf")], [1.0], "a rank is below 0 or no number"),
        (["com.a\tx"], [1.0], [1.0], "a name is empty or has blanks"),
        (["com.a", ""], [1.0, 1.0], [1.0, 1.0], "a name is empty or has blanks"),
    ],
)
def test_what_is_no_table_of_ranks_is_refused(
    tmp_path: Path, names: list[str], harmonic: list[float], pagerank: list[float], reason: str
) -> None:
    """The reason is said, and no file is left."""
    with pytest.raises(StorageError, match=f"r: not written, as {reason}"):
        write_ranks(tmp_path / "r", [pa.array(names)], np.array(harmonic), np.array(pagerank))
    assert list(tmp_path.iterdir()) == []


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.floats(0, 1e8, width=32), st.floats(0, 1)), max_size=20), st.integers(1, 7), st.integers(1, 6)
)
def test_ranks_come_back_whatever_the_buckets(
    tmp_path: Path, values: list[tuple[float, float]], bucket: int, size: int
) -> None:
    """The reader gets every value of every node, in the order that a plain sort gives."""
    names = [f"com.n{node:03}" for node in range(len(values))]
    harmonic, pagerank = np.array([v[0] for v in values], np.float32), np.array([v[1] for v in values], np.float64)
    blocks = [pa.array(names[i : i + size], pa.string()) for i in range(0, len(names), size)]
    write_ranks(tmp_path / "r.gz", blocks, harmonic, pagerank, bucket=bucket)
    with RanksFile(tmp_path / "r.gz") as file:
        rows = [row for table in file.tables() for row in table.to_pylist()]
    order = sorted(range(len(values)), key=lambda node: (-values[node][0], node))
    assert [row["reversed"] for row in rows] == [names[node] for node in order]
    assert [np.float32(row["harmonic"]) for row in rows] == [harmonic[node] for node in order]
    assert [row["pagerank"] for row in rows] == [values[node][1] for node in order]
    by_rank = sorted(range(len(values)), key=lambda node: (-values[node][1], node))
    assert [row["position"] for row in rows] == [by_rank.index(node) + 1 for node in order]


def test_positions() -> None:
    """The highest is 1; equal values by id."""
    assert positions(np.array([1.0, 3.0, 2.0, 3.0])).tolist() == [4, 1, 3, 2]
    assert positions(np.array([], np.float32)).tolist() == []


@pytest.mark.shared
@pytest.mark.parametrize("table", ["host-cc-main-2025-mar-apr-may", "domain-cc-main-2019-aug-sep-oct"])
def test_published_ranks_are_written_as_they_are(tmp_path: Path, shared: Path, table: str) -> None:
    """The top 1,000 of a release: order, values and hosts equal the published cells as text.

    Positions by PageRank are those among the thousand, so they only rise with the published ones.
    """
    source = shared / "data" / "linkgraph" / "cc-ranks" / f"{table}.json.gz"
    if not source.exists():
        pytest.skip(f"no published ranks at {source}")
    published = json.loads(gzip.decompress(source.read_bytes()))
    rows = sorted(published["rows"], key=lambda row: row[4].encode())
    hosts = np.array([int(row[5]) for row in rows]) if len(rows[0]) > 5 else None
    harmonic, pagerank = np.array([row[1] for row in rows], np.float32), np.array([float(row[3]) for row in rows])
    write_ranks(tmp_path / "r", [pa.array([row[4] for row in rows])], harmonic, pagerank, hosts)
    header, *lines = [line.split("\t") for line in (tmp_path / "r").read_text().splitlines()]
    assert header == published["header"]
    assert [cells[:2] + cells[3:] for cells in lines] == [row[:2] + row[3:] for row in published["rows"]]
    assert sorted(range(1000), key=lambda k: int(lines[k][2])) == sorted(
        range(1000), key=lambda k: int(published["rows"][k][2])
    )
