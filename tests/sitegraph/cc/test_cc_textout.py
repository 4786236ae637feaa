"""Vertices and edges written, and read again."""

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import StorageError
from corpus.storage import Written
from sitegraph.cc.edges import MAX_NODES, read_edges
from sitegraph.cc.textout import ROWS, text_out, write_edges, write_vertices
from sitegraph.cc.vertices import read_vertices

Arc = tuple[int, int]


def arrays(arcs: list[Arc]) -> tuple[np.ndarray, np.ndarray]:
    """Return sources and targets."""
    return np.array([s for s, _ in arcs], np.uint32), np.array([t for _, t in arcs], np.uint32)


def text_of(path: Path) -> bytes:
    """Return the text of a file."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@pytest.mark.parametrize("name", ["edges.txt", "edges.txt.gz"])
def test_edges_are_written_as_published(tmp_path: Path, name: str) -> None:
    """One arc per line, a tab between, over all blocks; the result says lines, bytes and digest of the file."""
    path = tmp_path / name
    done = write_edges(path, [arrays([(0, 1), (0, 10)]), arrays([]), arrays([(4294967294, 0)])], MAX_NODES)
    assert text_of(path) == b"0\t1\n0\t10\n4294967294\t0\n"
    assert (done.path, done.rows, done.bytes) == (name, 3, path.stat().st_size)


@pytest.mark.parametrize("name", ["v.txt", "v.txt.gz"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_vertices_are_written_as_published(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    """Ids count on over the arrays, slices among them; the hosts of domains are a third column."""
    names = [
        pa.array(["x", "com.a", "com.a-b"], kind).slice(1),
        pa.array([], kind),
        pa.chunked_array([["com.a.b"]], kind),
    ]
    write_vertices(tmp_path / name, names)
    assert text_of(tmp_path / name) == b"0\tcom.a\n1\tcom.a-b\n2\tcom.a.b\n"
    write_vertices(tmp_path / name, names, np.array([3, 10_000_000_00, 1]))
    assert text_of(tmp_path / name) == b"0\tcom.a\t3\n1\tcom.a-b\t1000000000\n2\tcom.a.b\t1\n"


def test_nothing_is_an_empty_file(tmp_path: Path) -> None:
    """No arcs and no names give files that read as such, gzip included."""
    for name in ("a.txt", "a.txt.gz"):
        assert write_edges(tmp_path / name, [], 5).rows == 0
        assert list(read_edges([tmp_path / name], 5)) == []
        assert write_vertices(tmp_path / name, []).rows == 0
        assert list(read_vertices([tmp_path / name])) == []


@pytest.mark.parametrize(
    "arcs", [[(0, 1), (0, 1)], [(0, 2), (0, 1)], [(1, 0), (0, 1)], [(0, 0)], [(0, 1), (1, 1), (1, 2)]]
)
@pytest.mark.parametrize("apart", [False, True])
def test_arcs_that_do_not_ascend_are_refused(tmp_path: Path, arcs: list[Arc], apart: bool) -> None:
    """In one block or over two; no file is left."""
    blocks = [arrays([arc]) for arc in arcs] if apart else [arrays(arcs)]
    with pytest.raises(StorageError, match="do not ascend or one leads to its own node"):
        write_edges(tmp_path / "e", blocks, 3)
    assert list(tmp_path.iterdir()) == []


def test_an_arc_to_no_node_is_refused(tmp_path: Path) -> None:
    """The line that it would have been is named."""
    with pytest.raises(StorageError, match=r"e: not written.*\(line 2: id 3 is not below 3, the number of vertices\)"):
        write_edges(tmp_path / "e", [arrays([(0, 1), (0, 3)])], 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["com.b", "com.a"], r"line 2: 'com\.a' behind 'com\.b'"),
        (["com.a", "com.a"], r"line 2: the name 'com\.a' occurs twice"),
        (["com.ü"], "line 1: the name is not ASCII"),
        (["com..a"], "line 1: no name"),
    ],
)
@pytest.mark.parametrize("apart", [False, True])
def test_names_that_would_not_be_read_are_refused(tmp_path: Path, names: list[str], reason: str, apart: bool) -> None:
    """In one array or over two; no file is left."""
    blocks = [pa.array([name]) for name in names] if apart else [pa.array(names)]
    with pytest.raises(StorageError, match=rf"v: not written, as it could not be read again \({reason}"):
        write_vertices(tmp_path / "v", blocks)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["com.a\n1\tcom.b", "com.a\r", "com.a\t5", " com.a", ""])
def test_a_name_that_would_not_stay_in_its_column_is_refused(tmp_path: Path, name: str) -> None:
    """Though the lines it makes may be sound ones."""
    with pytest.raises(StorageError, match="v: not written, as a name is empty or has blanks"):
        write_vertices(tmp_path / "v", [pa.array(["aero.x", name])])


def test_hosts_are_due_for_every_domain(tmp_path: Path) -> None:
    """More names than numbers are refused."""
    with pytest.raises(StorageError, match="1 numbers of hosts and more names"):
        write_vertices(tmp_path / "v", [pa.array(["com.a", "com.b"])], np.array([1]))


def test_what_fails_in_the_block_leaves_no_file(tmp_path: Path) -> None:
    """The error comes out as it is, after the thread has ended."""
    with pytest.raises(ValueError, match="broken"), text_out(tmp_path / "a.gz") as out:
        out.write(np.frombuffer(b"0\t1\n", np.uint8), 1)
        raise ValueError("broken")
    assert list(tmp_path.iterdir()) == []


def test_large_arrays_are_written_in_pieces(tmp_path: Path) -> None:
    """More rows than are formatted at a time come out whole, and equal input gives an equal file."""
    target = np.arange(1, 2 * ROWS + 4, dtype=np.uint32)
    arcs = [(np.zeros(len(target), np.uint32), target)]
    one, two = (write_edges(tmp_path / name, arcs, 2**31) for name in ("a.gz", "b.gz"))
    assert (one.rows, one.sha256) == (len(target), two.sha256)
    found = [block.target for block in read_edges([tmp_path / "a.gz"], 2**31)]
    np.testing.assert_array_equal(np.concatenate(found), target)


IDS = st.one_of(st.integers(0, 12), st.integers(0, MAX_NODES - 1), st.integers(0, 9).map(lambda k: 10**k))
NAMES = st.lists(st.text("ab-_Z09", min_size=1, max_size=3), min_size=1, max_size=4).map(".".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.tuples(IDS, IDS), max_size=12), st.integers(1, 5), st.sampled_from(["e", "e.gz"]))
def test_edges_come_back(tmp_path: Path, arcs: set[Arc], size: int, name: str) -> None:
    """Read what was written, and write what was read: the same arcs, the same text."""
    rows = sorted(arc for arc in arcs if arc[0] != arc[1])
    blocks = [arrays(rows[i : i + size]) for i in range(0, len(rows), size)]
    done = write_edges(tmp_path / name, blocks, MAX_NODES)
    assert text_of(tmp_path / name) == b"".join(b"%d\t%d\n" % arc for arc in rows)
    read = [(block.source, block.target) for block in read_edges([tmp_path / name], MAX_NODES, block=20)]
    assert write_edges(tmp_path / name, read, MAX_NODES) == done


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(NAMES, max_size=12), st.integers(1, 5), st.booleans())
def test_vertices_come_back(tmp_path: Path, names: set[str], size: int, domains: bool) -> None:
    """Read what was written, and write what was read: the same names, the same text."""
    rows = sorted(names)
    hosts = np.array([len(name) ** 5 for name in rows], np.int64) if domains else None
    blocks = [pa.array(rows[i : i + size], pa.string()) for i in range(0, len(rows), size)]
    done: Written = write_vertices(tmp_path / "v.gz", blocks, hosts)
    read = list(read_vertices([tmp_path / "v.gz"], block=20))
    assert [name for block in read for name in block.names.to_pylist()] == rows
    if hosts is not None and rows:
        assert np.concatenate([block.hosts for block in read if block.hosts is not None]).tolist() == hosts.tolist()
    assert write_vertices(tmp_path / "v.gz", [block.names for block in read], hosts) == done
