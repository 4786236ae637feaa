"""DuckDB as the engine for joins, aggregates and sorts that do not fit in memory.

It gets a memory limit and a folder to spill to, both under the root that is written to, so a full disk is noticed where
the results go. It may return rows of a sort in batches of any size and of an unordered query in any order; what
is stored therefore comes from sorted queries over unique keys only, cut anew into row groups of a fixed size. So the
bytes depend neither on the number of threads nor on how the input was divided.
"""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import HeadwaterError, StorageError
from corpus.settings import UNMARKED, require
from corpus.storage import ShardSet, TableWriter, Written

ROWS = 1 << 18
"""Rows per row group of every table of the graph."""

MIN_MEMORY = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Limits of the engine; they change how fast it works, never its results.

    memory: bytes it may use before it spills to disk. threads: 0 is one per processor.
    """

    memory: int = field(default=2 << 30, metadata=UNMARKED)
    threads: int = field(default=0, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(self.memory >= MIN_MEMORY, self, "memory", f"bytes, at least {MIN_MEMORY:,}")
        require(0 <= self.threads <= 1024, self, "threads", "a number from 0 (one per processor) to 1024")

    def options(self, folder: Path) -> dict[str, Any]:
        """Return DuckDB's configuration: limits, spilling to `folder`, nothing fetched from anywhere."""
        options: dict[str, Any] = {
            "memory_limit": f"{self.memory}B",
            "temp_directory": str(folder),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        return options | ({"threads": self.threads} if self.threads else {})


def check_folder(folder: Path) -> None:
    """Raise StorageError when the engine cannot work below a folder of this name."""
    if "?" in str(folder):  # DuckDB takes what follows for options
        raise StorageError(f"{folder}: the engine cannot work below a path with a question mark; choose another")


@contextlib.contextmanager
def workspace(parent: Path, name: str) -> Iterator[Path]:
    """Make the folder `.name.tmp` under `parent` for the length of the block; one that a killed run left is cleared."""
    folder = parent / f".{name}.tmp"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise StorageError(
            f"{folder}: cannot be made ({error.strerror}); check the path and its permissions"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Database:
    """A DuckDB database that lives in a workspace and reads Parquet files and streams."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        check_folder(folder)
        with storage_errors(folder):
            self._connection = duckdb.connect(str(folder / "work.duckdb"), config=engine.options(folder / "spill"))

    def close(self) -> None:
        """Close it; its file goes with the workspace."""
        self._connection.close()

    def view(
        self, name: str, paths: list[Path], schema: pa.Schema, row_id: bool = False, file_name: bool = False
    ) -> None:
        """Let `name` stand for the columns of `schema` in Parquet files; no files are no rows.

        row_id: also the row number within its file, from 0, as column `id`. file_name: also `filename`.
        """
        for path in paths:
            check_table(path, schema)
        if not paths:
            paths = [self.folder / f"{name}-empty.parquet"]
            pq.write_table(schema.empty_table(), paths[0])
        files = ", ".join(quoted(path) for path in paths)
        columns = [*schema.names, *(["file_row_number AS id"] if row_id else []), *(["filename"] if file_name else [])]
        options = f"file_row_number = {str(row_id).lower()}, filename = {str(file_name).lower()}"
        source = f"read_parquet([{files}], {options})"
        self.run(f"CREATE VIEW {name} AS SELECT {', '.join(columns)} FROM {source}")

    def feed(self, name: str, schema: pa.Schema, tables: Iterator[pa.Table], statement: str) -> None:
        """Run a statement that reads the stream `tables` once, under `name`; an error of the stream comes out as is."""
        failures: list[Exception] = []

        def batches() -> Iterator[pa.RecordBatch]:
            try:
                for table in tables:
                    yield from table.to_batches()
            except Exception as error:  # Arrow and DuckDB would make text of it
                failures.append(error)
                raise

        self._connection.register(name, pa.RecordBatchReader.from_batches(schema, batches()))
        try:
            self.run(statement)
        except StorageError as error:
            raise failures[0] if failures else error from None
        finally:
            self._connection.unregister(name)

    def run(self, statement: str) -> None:
        """Run one statement."""
        with storage_errors(self.folder):
            self._connection.execute(statement)

    def row(self, query: str) -> dict[str, int]:
        """Return the only row of a query of numbers, nulls as 0."""
        with storage_errors(self.folder):
            result = self._connection.execute(query)
            names = [column[0] for column in result.description]
            return {name: int(value or 0) for name, value in zip(names, result.fetchall()[0], strict=True)}

    def stream(self, query: str, schema: pa.Schema | None = None, rows: int = ROWS) -> Iterator[pa.Table]:
        """Yield the rows of a query in tables of `rows` rows (the last has what is left), as `schema` if given."""
        # A cursor of its own: other statements may run while this one is being read.
        with contextlib.closing(self._connection.cursor()) as cursor, storage_errors(self.folder):
            relation: Any = cursor.sql(query)
            name = "to_arrow_reader" if hasattr(relation, "to_arrow_reader") else "fetch_arrow_reader"  # DuckDB 2, 1
            yield from regrouped(getattr(relation, name)(rows), schema, rows)

    def write(self, query: str, shard_set: ShardSet, schema: pa.Schema) -> Written:
        """Store the rows of a sorted query as part 0 of a shard set."""
        with TableWriter(shard_set, 0, schema) as out:
            for table in self.stream(query, schema):
                out.write(table)
        return out.written


@contextlib.contextmanager
def database(parent: Path, name: str, engine: Engine) -> Iterator[Database]:
    """Open an empty database in a workspace under `parent`; both are gone after the block."""
    with workspace(parent, name) as folder, contextlib.closing(Database(folder, engine)) as opened:
        yield opened


def regrouped(reader: pa.RecordBatchReader, schema: pa.Schema | None, rows: int) -> Iterator[pa.Table]:
    """Yield what a reader gives in tables of exactly `rows` rows, the last one shorter, each in one chunk."""
    waiting: list[pa.RecordBatch] = []
    held = 0
    for batch in reader:
        waiting.append(batch)
        held += batch.num_rows
        if held >= rows:
            table = pa.Table.from_batches(waiting)
            whole = held - held % rows
            for start in range(0, whole, rows):
                yield shaped(table.slice(start, rows), schema)
            waiting, held = table.slice(whole).to_batches(), held - whole
    if held:
        yield shaped(pa.Table.from_batches(waiting), schema)


def shaped(table: pa.Table, schema: pa.Schema | None) -> pa.Table:
    """Return the table in one chunk, cast to the schema."""
    return (table.cast(schema) if schema else table).combine_chunks()


def check_table(path: Path, schema: pa.Schema) -> None:
    """Raise StorageError unless `path` is a Parquet file that has the columns of `schema`, types included."""
    try:
        found = pq.read_schema(path)
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path}: cannot be read as Parquet ({error}); write it again") from error
    for wanted in schema:
        if wanted.name not in found.names or found.field(wanted.name).type != wanted.type:
            raise StorageError(
                f"{path}: no column {wanted.name!r} of type {wanted.type}.\nexpected:\n{schema}\ngot:\n{found}"
            )


def quoted(path: Path) -> str:
    """Return a path as an SQL string in which DuckDB sees no wildcards."""
    plain = "".join(f"[{c}]" if c in "*?[" else c for c in str(path))
    return "'" + plain.replace("'", "''") + "'"


@contextlib.contextmanager
def storage_errors(folder: Path) -> Iterator[None]:
    """Turn errors of the engine into a StorageError that says what to do; errors of our own pass."""
    try:
        yield
    except HeadwaterError:
        raise
    except duckdb.OutOfMemoryException as error:
        raise StorageError(
            f"{folder}: the memory limit is too low or the disk too full to spill to; "
            f"give the engine more `memory`, or free some space ({first_line(error)})"
        ) from error
    except (duckdb.Error, pa.ArrowException) as error:
        raise StorageError(f"{folder}: the engine failed: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return str(error).partition("\n")[0]
