"""Vertices files as Arrow arrays of names, against a plain parser."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.errors import InputError
from sitegraph.cc.textblocks import TextBlock, newlines
from sitegraph.cc.vertices import MAX_NODES, name_fault, parse, read_vertices

LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def written(path: Path, data: bytes) -> Path:
    """Write a file, gzip when it is named so, and return its path."""
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def read(paths: Sequence[Path], block: int = 1 << 20) -> tuple[list[str], list[int] | None]:
    """Return all names of vertices files, and the numbers of hosts where there are any."""
    names: list[str] = []
    hosts: list[int] = []
    for found in read_vertices(paths, block=block):
        found.names.validate(full=True)
        assert found.names.type == pa.string()
        assert found.first == len(names)
        names += found.names.to_pylist()
        if found.hosts is not None:
            assert found.hosts.dtype == np.int64
            hosts += found.hosts.tolist()
    return names, hosts or None


@pytest.mark.parametrize("block", [1, 9, 1 << 20])
def test_reads_parts_in_their_order(tmp_path: Path, block: int) -> None:
    """Ids go on from part to part, and so does the order of names: `-` before `.`, and that before letters."""
    paths = [
        written(tmp_path / "a.txt", b"0\tcom.a\n1\tcom.a-b\n2\tcom.a.b\n"),
        written(tmp_path / "b.gz", b""),
        written(tmp_path / "c.gz", b"3\tcom.ab\r\n4\torg._x_.xn--bcher-kva"),
    ]
    assert read(paths, block) == (["com.a", "com.a-b", "com.a.b", "com.ab", "org._x_.xn--bcher-kva"], None)


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_domain_files_tell_how_many_hosts(tmp_path: Path, block: int) -> None:
    """The third column comes as numbers."""
    path = written(tmp_path / "d.gz", b"0\tcom.a\t1\n1\tcom.b\t4294967295\r\n2\tde.c\t0\n")
    assert read([path], block) == (["com.a", "com.b", "de.c"], [1, 4294967295, 0])


def test_no_lines_are_no_nodes(tmp_path: Path) -> None:
    """An empty file is read as such; a graph without nodes is for others to refuse."""
    assert read([]) == ([], None)
    assert read([written(tmp_path / "a", b""), written(tmp_path / "b.gz", b"")]) == ([], None)


GOOD = b"".join(b"%d\tcom.s%02d\n" % (i, i) for i in range(10))


@pytest.mark.parametrize("block", [1, 50, 1 << 20])
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "1 columns, not 2 (id, reversed name)"),
        (b"10", "1 columns, not 2"),
        (b"10 com.x", "1 columns, not 2"),
        (b"10\tcom.x\t3", "3 columns, not 2"),
        (b"\tcom.x", "no id: ''"),
        (b"010\tcom.x", "no id: '010'"),
        (b"+10\tcom.x", "no id: '+10'"),
        (b"18446744073709551626\tcom.x", "no id: '18446744073709551626'"),  # 2**64 + 10
        (b"9\tcom.x", "id 9 where 10 is due; ids number the lines, from 0"),
        (b"11\tcom.x", "id 11 where 10 is due"),
        (b"10\t", "no name"),
        (b"10\t\r", "no name"),
        (b"10\t.com.x", "no name"),
        (b"10\tcom.x.", "no name"),
        (b"10\tcom..x", "no name"),
        (b"10\tcom.x y", "no name (labels of letters, digits, - and _ with a dot between two): 'com.x y'"),
        (b"10\tcom.x/", "no name"),
        (b"10\tcom.x\r\r", "no name"),
        (b"10\tcom." + b"x" * 250, "the name has 254 bytes, over 253"),
        (b"10\tcom.b\xc3\xbccher", r"the name is not ASCII (punycode is due): 'com.b\xfccher'"),
        (b"10\tcom.\xff", r"the name is not UTF-8: 'com.\ufffd'"),
        (b"10\tcom.s09", "the name 'com.s09' occurs twice"),
        (b"10\tcom.s08.x", "'com.s08.x' behind 'com.s09': names ascend by their bytes"),
        (b"10\tcom.s0", "'com.s0' behind 'com.s09'"),
        (b"10\tcom.S9", "'com.S9' behind 'com.s09'"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: bytes, reason: str, block: int) -> None:
    """File, line number and reason, wherever the line lies among good ones."""
    path = written(tmp_path / "v.gz", GOOD + line + b"\n11\tcom.z\n")
    with pytest.raises(InputError) as caught:
        read([path], block)
    assert f"v.gz, line 11: {reason}" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1\tcom.b", "2 columns, not 3 (id, reversed name, n_hosts)"),
        (b"1\tcom.b\t", "no number of hosts: ''"),
        (b"1\tcom.b\t-1", "no number of hosts: '-1'"),
        (b"1\tcom.b\t1.5", "no number of hosts: '1.5'"),
        (b"1\tcom.b\t01", "no number of hosts: '01'"),
        (b"1\tcom.b\t12345678901", "no number of hosts: '12345678901'"),
        (b"1\tcom.b\t1\t1", "4 columns, not 3"),
    ],
)
def test_all_lines_are_of_the_kind_of_the_first(tmp_path: Path, line: bytes, reason: str) -> None:
    """A file begun as one of domains goes on as one."""
    with pytest.raises(InputError) as caught:
        read([written(tmp_path / "d", b"0\tcom.a\t1\n" + line + b"\n")])
    assert f"d, line 2: {reason}" in str(caught.value)


def test_the_second_part_is_named(tmp_path: Path) -> None:
    """Parts given in another order than that of their ids are refused at the first line."""
    paths = [written(tmp_path / "b", b"1\tcom.b\n"), written(tmp_path / "a", b"0\tcom.a\n")]
    with pytest.raises(InputError, match="b, line 1: id 1 where 0 is due"):
        read(paths)
    with pytest.raises(InputError, match=r"b, line 1: 'com\.b' behind 'com\.c'"):
        read([written(tmp_path / "c", b"0\tcom.c\n"), paths[0]])


def test_ids_end_with_32_bits() -> None:
    """The line of node 4,294,967,295 is refused."""
    text = np.frombuffer(b"4294967294\tcom.y\n4294967295\tcom.z\n", np.uint8)
    with pytest.raises(InputError, match="line 2: a graph has at most 4,294,967,295 nodes"):
        parse(TextBlock(Path("v"), 1, 2, text), MAX_NODES - 1, b"com.x", 2)


def plain(line: bytes, number: int, previous: bytes, columns: int) -> tuple[bytes, int] | None:
    """Return name and number of hosts (or 0) of a line, or None when it is wrong: the oracle."""
    cells = (line[:-1] if line.endswith(b"\r") else line).split(b"\t")
    if len(cells) != columns or cells[0] != b"%d" % number:
        return None
    name = cells[1]
    if not set(name) <= LETTERS or b"" in name.split(b".") or len(name) > 253 or name <= previous:
        return None
    hosts = cells[2] if columns == 3 else b"0"
    if not (hosts.isdigit() and len(hosts) <= 10 and hosts == b"%d" % int(hosts)):
        return None
    return name, int(hosts)


NAMES = st.one_of(
    st.lists(st.text("ab-_Z9", min_size=1, max_size=2), min_size=1, max_size=3).map(lambda x: ".".join(x).encode()),
    st.text("ab.-\xff \r", max_size=4).map(lambda x: x.encode("latin-1")),
    st.text("ab.\t", max_size=6).map(lambda x: b"com.much-in-common." + x.encode()),
    st.sampled_from([b"a" * 253, b"b" * 254, b"a.b\xc3\xa9", b"a.b\xff"]),
)
HOSTS = st.one_of(st.integers(0, 10**11).map(lambda i: b"%d" % i), st.sampled_from([b"", b"01", b"+1", b"1 "]))


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[bytes], int, int]:
    """Lines that are mostly a vertices file, the id of the first, and the number of columns."""
    columns, first = draw(st.sampled_from([2, 3])), draw(st.sampled_from([0, 7, 99]))
    names = draw(st.lists(NAMES, min_size=1, max_size=6))
    if draw(st.booleans()):
        names = sorted(set(names))
    made = []
    for number, name in enumerate(names, first):
        shift = draw(st.sampled_from([0] * 20 + [1]))
        cells = [b"%d" % (number + shift), name, draw(HOSTS)][:columns]
        made.append(b"\t".join(cells) + draw(st.sampled_from([b"", b"", b"\r", b"\t"])))
    return made, first, columns


@settings(deadline=None, max_examples=200)
@example(([b"0\ta", b"1\tab", b"2\tab.a"], 0, 2))
@example(([b"0\tb", b"1\ta"], 0, 2))
@given(lines())
def test_the_kernel_takes_and_refuses_the_lines_that_a_plain_parser_does(made: tuple[list[bytes], int, int]) -> None:
    """The same names and numbers; or the first wrong line, with a reason."""
    rows, first, columns = made
    text = np.frombuffer(b"".join(row + b"\n" for row in rows), np.uint8)
    block = TextBlock(Path("v"), 1, newlines(text), text)
    previous, expected = b"a", []
    for place, row in enumerate(rows):
        found = plain(row, first + place, previous, columns)
        if found is None:
            with pytest.raises(InputError, match=f"v, line {place + 1}: (?!not understood)"):
                parse(block, first, b"a", columns)
            return
        expected.append(found)
        previous = found[0]
    result = parse(block, first, b"a", columns)
    assert [name.encode() for name in result.names.to_pylist()] == [name for name, _ in expected]
    assert (result.hosts is None) == (columns == 2)
    if result.hosts is not None:
        assert result.hosts.tolist() == [hosts for _, hosts in expected]


@pytest.mark.parametrize(("name", "sound"), [(b"com", True), (b"_.-", True), (b"a" * 253, True), (b"a" * 254, False)])
def test_name_fault_knows_names(name: bytes, sound: bool) -> None:
    """A name may be one label, of any of the characters."""
    assert (name_fault(name) is None) == sound
