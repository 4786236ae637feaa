"""Shard sets: named, numbered Parquet files under one root, written whole or not at all.

A file is written under a temporary name beside its place, synced, then renamed, so a reader sees the whole file or
none; what a killed writer leaves behind is a `*.tmp` that nobody reads and the next run removes. Each written file
comes back as a `Written` with its SHA-256, which later units use to tell whether their inputs changed.
"""

import abc
import contextlib
import errno
import glob
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import StorageError


@dataclass(frozen=True, slots=True)
class ShardSet:
    """A partitioned set of files: ROOT/name/part-00000.parquet and so on; what is no Parquet has another suffix."""

    root: Path
    name: str
    suffix: str = ".parquet"

    def path(self, part: int) -> Path:
        """Return the place of part file number `part`."""
        return self.root / self.name / f"part-{part:05d}{self.suffix}"

    def parts(self) -> list[int]:
        """Return the numbers of the part files that exist, ascending."""
        found = (self.root / self.name).glob(f"part-*{self.suffix}")
        return sorted(int(path.stem.removeprefix("part-")) for path in found)

    def span(self) -> int:
        """Return the number behind the last part: the units of a stage with one per part, absent ones included."""
        return max(self.parts(), default=-1) + 1

    def paths(self) -> list[Path]:
        """Return the part files that exist, in order."""
        return [self.path(part) for part in self.parts()]


@dataclass(frozen=True, slots=True)
class Written:
    """A finished file: path relative to the root, rows, bytes and SHA-256 (hex)."""

    path: str
    rows: int
    bytes: int
    sha256: str


class HashingFile:
    """A binary file for writing that hashes what passes through it; pyarrow writes to it sequentially."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self.stream = stream
        self.path = path
        self.hash = hashlib.sha256()
        self.bytes = 0
        self.discarding = False

    @property
    def closed(self) -> bool:
        return self.stream.closed

    def write(self, data: Any) -> int:
        if self.discarding:
            return len(data)
        self.hash.update(data)
        self.bytes += len(data)
        try:
            left = memoryview(data).cast("B")
            while left:  # an unbuffered file may take a part only
                left = left[self.stream.write(left) :]
            return len(data)
        except OSError as error:
            self.discarding = True
            raise storage_error(self.path, error) from error

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self.stream.flush()

    def close(self) -> None:
        """Left to the owner of the stream, which must sync it first."""

    def readable(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[HashingFile]:
    """Open a temporary file that becomes `path` when the block ends well, and vanishes when it does not.

    Raises StorageError with the path and the free space when the disk is full.
    """
    with as_storage_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb", buffering=0) as stream:
            yield HashingFile(stream, path)
            with as_storage_error(path):
                os.fsync(stream.fileno())
        with as_storage_error(path):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def as_storage_error(path: Path) -> Iterator[None]:
    """Turn an OSError into a StorageError about `path`."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """Return the error to raise for an OSError while writing `path`, in a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        with contextlib.suppress(OSError):
            free = shutil.disk_usage(path.parent).free
            return StorageError(f"{path}: the disk is full ({free:,} bytes free); free some space and run again")
    return StorageError(f"{path}: cannot write ({error.strerror or error}); check the path and its permissions")


def write_text(path: Path, text: str) -> None:
    """Write a small text file, whole or not at all."""
    with whole_file(path) as out:
        out.write(text.encode())


WRITING: Final[dict[str, Any]] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": False,
    "write_page_checksum": True,
}
"""How shard sets are written, chosen by bytes and CPU time per document over all of them (docs/performance.md).

Level 3 of zstd stores texts in 10 to 18 % fewer bytes than level 1 for 0.01 ms a document; 6 and 9 give another 8 to
10 % for 2.4 to 4 times the writing time. Dictionaries cost all but a few columns: most values do not repeat within
a row group, and zstd finds those that do.
"""


def encodings(schema: pa.Schema) -> dict[str, str] | None:
    """Return the encoding of columns that are better not stored plain: signed integers (counts, rows, offsets)."""
    signed = [f.name for f in schema if f.type in (pa.int32(), pa.int64())]
    return dict.fromkeys(signed, "DELTA_BINARY_PACKED") or None


class WholeWriter(abc.ABC):
    """Write one part file: `with` a subclass `as out`, hand it rows; then `out.written` describes the file.

    Leaving the block by an exception leaves no file, and so does one while the file is begun or finished. A subclass
    says what lies around its rows (`_frame`), writes them to `_file` and counts them in `rows`.
    """

    def __init__(self, root: Path, path: Path) -> None:
        self.root, self.path = root, path
        self.rows = 0
        self._written: Written | None = None

    @property
    def written(self) -> Written:
        """The finished file."""
        if self._written is None:
            raise StorageError(f"{self.path}: asked for before it was finished")
        return self._written

    @abc.abstractmethod
    def _frame(self) -> AbstractContextManager[None]:
        """Begin the file, and finish it when the block ends well."""

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._file = stack.enter_context(whole_file(self.path))
            stack.enter_context(self._frame())
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if kind is None:
            name = self.path.relative_to(self.root).as_posix()
            self._written = Written(name, self.rows, self._file.bytes, self._file.hash.hexdigest())


class TableWriter(WholeWriter):
    """Write one Parquet part file row group by row group: `with TableWriter(...) as out: out.write(table)`.

    Rows are handed over as Arrow tables or as lists of dicts; a table that does not fit shows both schemas. How
    columns are stored is `WRITING` and `encodings`, unless `options` (of pyarrow's ParquetWriter) say otherwise.
    """

    def __init__(
        self,
        shard_set: ShardSet,
        part: int,
        schema: pa.Schema,
        *,
        path: Path | None = None,
        **options: Any,
    ) -> None:
        super().__init__(shard_set.root, path or shard_set.path(part))
        self.schema = schema
        self._options: dict[str, Any] = WRITING | {"column_encoding": encodings(schema)} | options
        if self._options["use_dictionary"]:
            self._options["column_encoding"] = None  # a dictionary takes its place
        if "compression" in options:
            self._options["compression_level"] = options.get("compression_level")

    @contextlib.contextmanager
    def _frame(self) -> Iterator[None]:
        with as_storage_error(self.path):
            self._writer = pq.ParquetWriter(cast("Any", self._file), self.schema, **self._options)
        try:
            yield
        except BaseException:
            self._file.discarding = True
            raise
        finally:
            with as_storage_error(self.path):
                self._writer.close()

    def write(self, rows: pa.Table | list[dict[str, Any]], row_group_size: int | None = None) -> None:
        """Write rows as one row group (or several of `row_group_size` rows); no rows write nothing."""
        table = pa.Table.from_pylist(rows, schema=self.schema) if isinstance(rows, list) else rows
        if not table.schema.equals(self.schema):
            raise StorageError(f"{self.path}: schema differs.\nexpected:\n{self.schema}\ngot:\n{table.schema}")
        if table.num_rows:
            with as_storage_error(self.path):
                self._writer.write_table(table, row_group_size or table.num_rows)
            self.rows += table.num_rows


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a Parquet file of ours; the checksum of every page is verified as it is read.

    Damage found inside the block is a StorageError that names the file.
    """
    with as_damage(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield file


def read_parquet(path: Path, columns: list[str] | None = None, filters: Any = None) -> pa.Table:
    """Return a Parquet file of ours, or some of it, as `open_parquet` reads it."""
    with as_damage(path):
        return pq.read_table(path, columns=columns, filters=filters, page_checksum_verification=True)


@contextlib.contextmanager
def as_damage(path: Path) -> Iterator[None]:
    """Turn an error of reading `path` into a StorageError."""
    try:
        yield
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        cause = str(error).strip().partition("\n")[0]
        raise StorageError(f"{path}: cannot be read back ({cause}); delete this file and run again") from error


def remove_leftovers(root: Path) -> int:
    """Delete temporary files that killed writers left under `root`; return how many."""
    return _removed(root.rglob(".*.tmp"))


def remove_leftovers_of(path: Path) -> int:
    """Delete temporary files that killed writers of one file left beside it; return how many."""
    return _removed(path.parent.glob(f".{glob.escape(path.name)}.*.tmp"))


def _removed(paths: Iterable[Path]) -> int:
    found = [path for path in paths if path.is_file()]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
