"""Text files, plain or gzip, as blocks of whole lines."""

import gzip
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import InputError
from sitegraph.cc.textblocks import MAX_LINE, TextFile, ahead, newlines, parts_of, text_blocks

LINES = b"".join(b"%d\tline %d\n" % (i, i * i) for i in range(3000))


def written(path: Path, data: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(data)
    return path


def read(path: Path, block: int = 1 << 20) -> bytes:
    """Return all text of a file; each block is checked to hold the whole lines it says, under their numbers."""
    text = b""
    for found in text_blocks(path, "edges", block):
        data = found.data.tobytes()
        assert data.endswith(b"\n")
        assert (found.first, found.lines) == (text.count(b"\n") + 1, data.count(b"\n"))
        text += data
    return text


@pytest.mark.parametrize("block", [1, 7, 1000, 1 << 20])
@pytest.mark.parametrize("members", [0, 1, 2, 5])
def test_gives_all_lines_in_blocks_of_any_size(tmp_path: Path, members: int, block: int) -> None:
    """Plain and gzip, of one member or more, wherever the blocks and the members are cut."""
    lines = LINES[: 60 if block < 100 else None]
    step = len(lines) // max(members, 1) + 1
    parts = [lines[i : i + step] for i in range(0, len(lines), step)]
    data = b"".join(map(gzip.compress, parts)) if members else lines
    ended = lines if lines.endswith(b"\n") else lines + b"\n"
    assert read(written(tmp_path / "edges.txt", data), block) == ended


def test_the_last_line_gets_its_newline(tmp_path: Path) -> None:
    """A file may end without one."""
    assert read(written(tmp_path / "a", b"1\n2"), 3) == b"1\n2\n"
    assert read(written(tmp_path / "a", gzip.compress(b"1"))) == b"1\n"


@pytest.mark.parametrize("data", [b"", gzip.compress(b""), gzip.compress(b"") * 3], ids=["plain", "gzip", "members"])
def test_nothing_is_no_block(tmp_path: Path, data: bytes) -> None:
    """Empty parts are files without lines."""
    assert list(text_blocks(written(tmp_path / "a", data), "edges")) == []


def test_a_first_line_is_read_apart(tmp_path: Path) -> None:
    """The blocks go on behind it, and so do the numbers of their lines."""
    with TextFile(written(tmp_path / "a", gzip.compress(LINES)), "ranks", 100) as file:
        assert file.line() == b"0\tline 0\n"
        blocks = list(file.blocks())
    assert blocks[0].first == 2
    assert b"".join(block.data.tobytes() for block in blocks) == LINES.partition(b"\n")[2]


ZIPPED = gzip.compress(LINES, mtime=0)


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (ZIPPED[:-1], "ended before the end-of-stream marker"),
        (ZIPPED[:3000], "ended before the end-of-stream marker"),
        (ZIPPED[:12], "ended before the end-of-stream marker"),
        (b"\x1f\x8b", "ended before the end-of-stream marker"),
        (ZIPPED[:-6] + bytes([ZIPPED[-6] ^ 1]) + ZIPPED[-5:], "CRC"),
        (ZIPPED[:-2] + bytes([ZIPPED[-2] ^ 1]) + ZIPPED[-1:], "length"),
        (ZIPPED + b"<html>not found</html>", "[Nn]ot a gzip"),
        (ZIPPED + ZIPPED[:-1], "ended before the end-of-stream marker"),
        (ZIPPED + bytes(512), "ends in zeros"),
        (b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 40, "Error|Invalid"),
    ],
)
@pytest.mark.parametrize("block", [500, 1 << 20])
def test_a_damaged_gzip_file_is_an_error(tmp_path: Path, data: bytes, cause: str, block: int) -> None:
    """Cut short, changed, or gone on with something else: nothing passes for a shorter file."""
    with pytest.raises(InputError, match=rf"a\.gz, after line [\d,]+: damaged or cut short \(.*({cause})"):
        read(written(tmp_path / "a.gz", data), block)


@pytest.mark.parametrize("zipped", [False, True])
def test_an_endless_line_is_an_error(tmp_path: Path, zipped: bool) -> None:
    """Memory stays bounded on a file that is one line, and the line is named."""
    data = b"first\n" + b"x" * 3_000_000
    path = written(tmp_path / "a", gzip.compress(data) if zipped else data)
    with pytest.raises(InputError, match=r"a, line 2: longer than 65,536 bytes; not an edges file"):
        read(path, 1 << 16)


@pytest.mark.parametrize("block", [1, 2, 5, 1 << 20])
@pytest.mark.parametrize("lost", [2, 200_000])
def test_a_nul_is_named_with_its_line(tmp_path: Path, block: int, lost: int) -> None:
    """A lost piece of a plain file reads as zeros, also where it is longer than a line may be."""
    with pytest.raises(InputError, match=r"a, line 3: a NUL byte"):
        read(written(tmp_path / "a", b"1\n2\n3" + bytes(lost) + b"\n4\n"), block)


@pytest.mark.parametrize("block", [7, 1 << 20])
def test_a_line_may_be_as_long_as_the_bound(tmp_path: Path, block: int) -> None:
    """Wherever a block ends within it."""
    lines = b"a\n" + b"x" * (MAX_LINE - 1) + b"\n"
    assert read(written(tmp_path / "a", lines), block) == lines


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """The error says what was wanted, and why it cannot be had."""
    with pytest.raises(InputError, match=r"absent: cannot read the vertices \(No such file.*check the path"):
        list(text_blocks(tmp_path / "absent", "vertices"))
    with pytest.raises(InputError, match=r"cannot read the vertices \(Is a directory"):
        list(text_blocks(tmp_path, "vertices"))


def test_a_reader_that_stops_leaves_no_thread(tmp_path: Path) -> None:
    """Closing the iterator ends the thread that makes the blocks."""
    before = threading.active_count()
    blocks = text_blocks(written(tmp_path / "a", gzip.compress(LINES)), "edges", 100)
    assert isinstance(blocks, Iterator)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_ahead_hands_on_items_and_errors() -> None:
    """Items come in order; what the maker raises comes behind the items it made."""

    def made() -> Iterator[int]:
        yield 1
        yield 2
        raise InputError("broken")

    found = []
    with pytest.raises(InputError, match="broken"):
        for item in ahead(made()):
            found.append(item)
    assert found == [1, 2]
    assert list(ahead(iter(()))) == []


@settings(deadline=None)
@given(st.lists(st.sampled_from([10, 9, 0, 65, 255]), max_size=700))
def test_newlines_counts_like_bytes(data: list[int]) -> None:
    """The counting in runs equals bytes.count, whatever the length."""
    assert newlines(np.array(data, np.uint8)) == bytes(data).count(b"\n")


def test_a_folder_stands_for_its_parts(tmp_path: Path) -> None:
    """By name, as a release is read; what a writer left beside them is no part; a file stands for itself."""
    for name in ("part-00001.gz", "part-00000.gz", "_SUCCESS", ".part-00000.gz.crc", "part-00010.gz"):
        written(tmp_path / name, b"")
    (tmp_path / "deeper").mkdir()
    names = ["part-00000.gz", "part-00001.gz", "part-00010.gz"]
    assert [path.name for path in parts_of(tmp_path, "edges")] == names
    assert parts_of(tmp_path / names[0], "edges") == [tmp_path / names[0]]
    with pytest.raises(InputError, match="deeper: a folder without edges files"):
        parts_of(tmp_path / "deeper", "edges")
