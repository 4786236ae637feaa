"""Files are written whole or not at all, and what is wrong is said in a sentence."""

import contextlib
import errno
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.errors import StorageError
from corpus.storage import (
    ShardSet,
    TableWriter,
    WholeWriter,
    open_parquet,
    read_parquet,
    remove_leftovers,
    remove_leftovers_of,
    storage_error,
    whole_file,
    write_text,
)

NUMBERS = pa.schema([pa.field("n", pa.int64(), False)])


def test_a_written_part_is_described_by_its_own_bytes(tmp_path: Path) -> None:
    """Path, rows, bytes and SHA-256 are those of the file that stands on the disk."""
    numbers = ShardSet(tmp_path, "numbers")
    with TableWriter(numbers, 3, NUMBERS) as out:
        out.write([{"n": 1}, {"n": 2}])
        out.write(pa.table({"n": [3]}, schema=NUMBERS))
    data = numbers.path(3).read_bytes()
    assert out.written.path == "numbers/part-00003.parquet"
    assert (out.written.rows, out.written.bytes) == (3, len(data))
    assert out.written.sha256 == hashlib.sha256(data).hexdigest()
    assert pq.ParquetFile(numbers.path(3)).num_row_groups == 2
    assert numbers.parts() == [3]


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """Nothing of time or place gets into a part file."""
    digests = []
    for name in ("a", "b"):
        with TableWriter(ShardSet(tmp_path / name, "numbers"), 0, NUMBERS) as out:
            out.write([{"n": i} for i in range(1000)])
        digests.append(out.written.sha256)
    assert digests[0] == digests[1]


def test_a_failing_writer_leaves_nothing(tmp_path: Path) -> None:
    """An error in the block leaves neither the file nor a temporary one."""
    with pytest.raises(RuntimeError, match="half way"), TableWriter(ShardSet(tmp_path, "numbers"), 0, NUMBERS) as out:
        out.write([{"n": 1}])
        raise RuntimeError("half way")
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


class Unfinished(WholeWriter):
    """A writer that gives up at the end."""

    @contextlib.contextmanager
    def _frame(self) -> Iterator[None]:
        self._file.write(b"begun")
        yield
        raise RuntimeError("at the end")


def test_a_writer_that_fails_while_it_finishes_leaves_nothing(tmp_path: Path) -> None:
    """Neither the file nor a temporary one, and nothing that describes it."""
    out = Unfinished(tmp_path, tmp_path / "numbers" / "part")
    with pytest.raises(RuntimeError, match="at the end"), out:
        pass
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    with pytest.raises(StorageError, match="part: asked for before it was finished"):
        _ = out.written


def test_a_failing_writer_keeps_the_older_file(tmp_path: Path) -> None:
    """What stood there before is untouched until the new file is whole."""
    write_text(tmp_path / "note", "old")
    with pytest.raises(RuntimeError), whole_file(tmp_path / "note") as out:
        out.write(b"new")
        raise RuntimeError
    assert (tmp_path / "note").read_text() == "old"


def test_a_table_that_does_not_fit_shows_both_schemas(tmp_path: Path) -> None:
    """The message has what was expected and what came."""
    with (
        pytest.raises(StorageError, match=r"expected:\nn: int64 not null\ngot:\nn: string"),
        TableWriter(ShardSet(tmp_path, "numbers"), 0, NUMBERS) as out,
    ):
        out.write(pa.table({"n": ["1"]}))


def test_a_full_disk_is_said_in_a_sentence(tmp_path: Path) -> None:
    """The message names the file, says that the disk is full and how much is free."""
    message = str(storage_error(tmp_path / "x", OSError(errno.ENOSPC, "No space left on device")))
    assert "the disk is full" in message
    assert str(tmp_path / "x") in message
    assert "bytes free" in message


FILL = """
import resource, sys
from pathlib import Path
import pyarrow as pa
from corpus.storage import ShardSet, TableWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
schema = pa.schema([pa.field("b", pa.binary(), False)])
import os
try:
    with TableWriter(ShardSet(Path(sys.argv[1]), "big"), 0, schema) as out:
        for _ in range(50):
            out.write([{"b": os.urandom(10_000)}])
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_write_that_the_system_refuses_leaves_no_half_file(tmp_path: Path) -> None:
    """With a file size limit (a stand-in for a full disk) the writer ends with StorageError and nothing on the disk."""
    done = subprocess.run([sys.executable, "-c", FILL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("StorageError")
    assert "cannot write" in done.stdout
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []


def test_a_disk_that_is_full_from_the_start_leaves_nothing_either(tmp_path: Path) -> None:
    """The very first bytes are refused: StorageError, and no temporary file even while the error is still held."""
    code = FILL.replace("(100_000, 100_000)", "(0, 0)").replace(
        "print(", "print(list(Path(sys.argv[1]).rglob('*.tmp')), "
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] StorageError")


def test_damage_to_a_stored_file_is_noticed_when_it_is_read(tmp_path: Path) -> None:
    """Whichever byte of a page is changed, reading back ends in a StorageError that names the file, never in values."""
    schema = pa.schema([pa.field("text", pa.string())])
    with TableWriter(ShardSet(tmp_path, "texts"), 0, schema, compression="none", use_dictionary=False) as out:
        out.write([{"text": f"sentence number {i}"} for i in range(20)])
    path = ShardSet(tmp_path, "texts").path(0)
    whole = path.read_bytes()
    with open_parquet(path) as file:
        assert file.read() == read_parquet(path)
    start = whole.index(b"sentence number 3")  # the first and last also stand in the statistics
    for at in range(start, start + 200, 17):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StorageError, match=r"part-00000\.parquet: cannot be read back \(.*delete this file"):
            read_parquet(path, ["text"])
        with pytest.raises(StorageError, match="cannot be read back"), open_parquet(path) as file:
            file.read_row_group(0)


@pytest.mark.parametrize("name", ["ranks.parquet", "ranks[1].parquet", "r*"])
def test_leftovers_of_one_file_are_removed(tmp_path: Path, name: str) -> None:
    """Beside it and in no folder below, and those of no other file; its name is no pattern."""
    kept = [tmp_path / name, tmp_path / ".ranks1.parquet.7.tmp", tmp_path / "below" / f".{name}.7.tmp"]
    (tmp_path / "below").mkdir()
    for path in [*kept, tmp_path / f".{name}.7.tmp", tmp_path / f".{name}.41.tmp"]:
        path.write_text("x")
    assert remove_leftovers_of(tmp_path / name) == 2
    assert all(path.exists() for path in kept)
    assert remove_leftovers_of(tmp_path / "absent" / name) == 0


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    """Temporary files go, finished files stay."""
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / ".part-00000.parquet.123.tmp").write_bytes(b"half")
    write_text(tmp_path / "numbers" / "part-00001.parquet", "whole")
    assert remove_leftovers(tmp_path) == 1
    assert [p.name for p in (tmp_path / "numbers").iterdir()] == ["part-00001.parquet"]


def test_columns_are_stored_as_was_measured(tmp_path: Path) -> None:
    """Signed integers are packed, nothing has a dictionary unless asked for; values come back the same in each way."""
    schema = pa.schema([("row", pa.int32()), ("key", pa.uint64()), ("host", pa.string()), ("score", pa.float32())])
    rows = [{"row": i, "key": i * 2**40, "host": f"h{i % 3}.example", "score": i / 8} for i in range(100)]
    ways: dict[str, dict[str, Any]] = {
        "plain": {},
        "asked": {"use_dictionary": ["host"]},
        "raw": {"compression": "none"},
    }
    encodings = {}
    for name, options in ways.items():
        with TableWriter(ShardSet(tmp_path, name), 0, schema, **options) as out:
            out.write(rows)
        assert read_parquet(ShardSet(tmp_path, name).path(0)).to_pylist() == rows
        group = pq.read_metadata(ShardSet(tmp_path, name).path(0)).row_group(0)
        encodings[name] = [set(group.column(i).encodings) - {"RLE"} for i in range(4)]
        assert group.column(0).compression == ("UNCOMPRESSED" if name == "raw" else "ZSTD")
    packed = [{"DELTA_BINARY_PACKED"}, {"PLAIN"}, {"PLAIN"}, {"PLAIN"}]
    assert encodings["plain"] == encodings["raw"] == packed
    assert "RLE_DICTIONARY" in encodings["asked"][2]
