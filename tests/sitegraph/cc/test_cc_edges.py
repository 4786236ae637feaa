"""Edges files as arrays of ids, against a plain parser."""

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.errors import InputError
from sitegraph.cc.edges import MAX_NODES, EdgeCounts, edge_fault, parse, read_edges
from sitegraph.cc.textblocks import TextBlock, newlines

Arc = tuple[int, int]
NUMBER = r"(0|[1-9][0-9]{0,9})"
LINE = re.compile(rf"{NUMBER}\t{NUMBER}\r?".encode())


def plain(line: bytes, n: int) -> Arc | None:
    """Return the arc of a line, or None when it is none: the oracle."""
    found = LINE.fullmatch(line)
    arc = found and (int(found[1]), int(found[2]))
    return arc if arc and max(arc) < n else None


def written(path: Path, data: bytes) -> Path:
    """Write a file, gzip when it is named so, and return its path."""
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(paths: Sequence[Path], n: int, block: int = 1 << 20) -> tuple[list[Arc], EdgeCounts]:
    """Return all arcs of edges files, and what was counted."""
    counts = EdgeCounts()
    arcs: list[Arc] = []
    for found in read_edges(paths, n, counts, block=block):
        assert (found.source.dtype, found.target.dtype) == (np.uint32, np.uint32)
        arcs += zip(found.source.tolist(), found.target.tolist(), strict=True)
        assert counts.arcs == len(arcs)
    return arcs, counts


@pytest.mark.parametrize("block", [1, 6, 1 << 20])
def test_reads_parts_in_their_order(tmp_path: Path, block: int) -> None:
    """Plain and gzip parts, an empty one, and one without last newline are read as one sequence."""
    paths = [
        written(tmp_path / "a.txt", b"0\t1\n0\t4294967294\n1\t0\n"),
        written(tmp_path / "b.gz", b""),
        written(tmp_path / "c.gz", b"1\t2\n4294967294\t0"),
    ]
    arcs, counts = read(paths, MAX_NODES, block)
    assert arcs == [(0, 1), (0, 4294967294), (1, 0), (1, 2), (4294967294, 0)]
    assert counts == EdgeCounts(lines=5, arcs=5)


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_loops_and_duplicates_are_left_out_and_counted(tmp_path: Path, block: int) -> None:
    """Neither changes whether the arcs are in order; equal arcs may lie in two blocks or parts."""
    paths = [written(tmp_path / "a", b"0\t0\n0\t1\n0\t1\n1\t1\n2\t1\n"), written(tmp_path / "b", b"2\t1\n2\t2\n2\t3\n")]
    arcs, counts = read(paths, 4, block)
    assert arcs == [(0, 1), (2, 1), (2, 3)]
    assert counts == EdgeCounts(lines=8, arcs=3, loops=3, duplicates=2, in_order=True)


@pytest.mark.parametrize("text", [b"1\t0\n0\t1\n", b"0\t2\n0\t1\n", b"2\t1\n1\t2\n", b"0\t1\n0\t2\n0\t1\n"])
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_disorder_is_told(tmp_path: Path, text: bytes, block: int) -> None:
    """Arcs in another order are given on as they are, and equal ones apart are."""
    arcs, counts = read([written(tmp_path / "a", text)], 3, block)
    assert len(arcs) == counts.arcs == text.count(b"\n")
    assert not counts.in_order


def test_parts_that_are_sorted_each_by_itself_are_out_of_order(tmp_path: Path) -> None:
    """As the parts of a release are: each sorted, over all nodes."""
    arcs, counts = read([written(tmp_path / name, b"0\t1\n2\t1\n") for name in "ab"], 3)
    assert arcs == [(0, 1), (2, 1)] * 2
    assert not counts.in_order


@pytest.mark.parametrize("block", [1, 25, 1 << 20])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "1 columns, not 2"),
        (b"7", "1 columns, not 2"),
        (b"7 8", "1 columns, not 2"),
        (b"7\t8\t9", "3 columns, not 2"),
        (b"7\t8\t", "3 columns, not 2"),
        (b"\t8", "no id: ''"),
        (b"7\t", "no id: ''"),
        (b"7\t\r", "no id: ''"),
        (b"+7\t8", "no id: '\\+7'"),
        (b"7\t-8", "no id: '-8'"),
        (b"07\t8", "no id: '07'"),
        (b"7\t00", "no id: '00'"),
        (b"7\t8 ", "no id: '8 '"),
        (b"7\t8\r\r", r"no id: '8\\r'"),
        (b"\r7\t8", r"no id: '\\r7'"),
        (b"7.0\t8", "no id: '7.0'"),
        (b"7\t\xd9\xa3", r"no id: '\\u0663'"),
        (b"7\t8\xff", r"no id: '8\\ufffd'"),
        (b"7\t10", "id 10 is not below 10, the number of vertices"),
        (b"9999999999\t8", "id 9,999,999,999 is not below 10"),
        (b"7\t18446744073709551619", "no id: '18446744073709551619'"),  # 2**64 + 3
        (b"7\t99999999999", "no id: '99999999999'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, reason: str, block: int) -> None:
    """File, line number and reason, wherever the line lies among good ones."""
    path = written(tmp_path / "e.gz", b"0\t1\n1\t2\n" * 5 + line + b"\n8\t9\n")
    with pytest.raises(InputError, match=rf"e\.gz, line 11: {reason}"):
        read([path], 10, block)


def test_returns_before_the_newline_are_let_pass(tmp_path: Path) -> None:
    """Text that went through another system means the same arcs; the last line may end in a return alone."""
    assert read([written(tmp_path / "a", b"0\t1\r\n1\t2\n2\t0\r")], 3)[0] == [(0, 1), (1, 2), (2, 0)]


def test_a_file_cut_short_is_an_error(tmp_path: Path) -> None:
    """What the gzip layer finds comes through the threads as it is."""
    path = written(tmp_path / "e.gz", b"0\t1\n" * 1000)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"e\.gz, after line .*damaged or cut short"):
        read([path], 10)


def test_a_number_of_nodes_beyond_32_bits_is_refused() -> None:
    """The 5.1 G hosts of 2017 do not fit; there is no file to name."""
    with pytest.raises(InputError, match="5,111,300,000 nodes: a graph has at most 4,294,967,295"):
        list(read_edges([], 5_111_300_000))
    assert read([], 0) == ([], EdgeCounts())


IDS = st.one_of(st.integers(0, 12), st.integers(0, MAX_NODES - 1), st.integers(0, 10).map(lambda k: 10**k % MAX_NODES))
CELLS = st.one_of(
    IDS.map(lambda i: b"%d" % i),
    st.binary(max_size=3),
    st.sampled_from([b"", b"0", b"00", b"01", b"4294967295", b"4294967296", b"18446744073709551617", b"+1", b" 1"]),
)
LINES = st.one_of(
    st.tuples(IDS, IDS).map(lambda arc: b"%d\t%d" % arc),
    st.tuples(CELLS, st.sampled_from([b"\t", b"\t\t", b" ", b""]), CELLS, st.sampled_from([b"", b"\r", b"\t"])).map(
        b"".join
    ),
    st.text("0123456789\t\r", max_size=12).map(str.encode),
)


@settings(deadline=None, max_examples=150)
@example([b"0\t0", b"1\t1"], 1)
@given(st.lists(LINES, min_size=1, max_size=8), st.sampled_from([0, 1, 5, MAX_NODES]))
def test_the_kernel_takes_and_refuses_the_lines_that_a_plain_parser_does(lines: list[bytes], n: int) -> None:
    """The same arcs, counts and order; or the first line that is no arc, with a reason."""
    lines = [part for line in lines for part in line.split(b"\n")]  # a hostile cell may hold a newline
    arcs = [plain(line, n) for line in lines]
    text = np.frombuffer(b"".join(line + b"\n" for line in lines), np.uint8)
    block = TextBlock(Path("e"), 1, newlines(text), text)
    assert [edge_fault(line, n) is None for line in lines] == [arc is not None for arc in arcs]
    if None in arcs:
        with pytest.raises(InputError, match=f"e, line {arcs.index(None) + 1}: (?!not understood)"):
            parse(block, n, (0, 0))
        return
    kept: list[Arc] = []
    for arc in arcs:
        if arc and arc[0] != arc[1] and kept[-1:] != [arc]:
            kept.append(arc)
    found, last = parse(block, n, (0, 0))
    assert list(zip(found.source.tolist(), found.target.tolist(), strict=True)) == kept
    assert found.loops == sum(arc is not None and arc[0] == arc[1] for arc in arcs)
    assert found.loops + found.duplicates + len(kept) == len(arcs)
    assert found.in_order == (kept == sorted(set(kept)))
    assert last == (kept[-1] if kept else (0, 0))
