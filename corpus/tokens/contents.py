"""What finished shards hold, in order, for the tools beside the trainer: a row group in memory at a time, checked.

Page CRCs are verified on every read, and the logical checksum of the manifest whenever the ids are read, so no tool
shows, compares, rewrites or exports what the manifest does not promise.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import MissingError, ShardError
from corpus.tokens.layout import footer, list_parts, logical_checksum
from corpus.tokens.manifest import ROW_GROUPS, Manifest


class Shard:
    """An open shard: `row` is its row of the shards table, `groups` its rows of the row-groups table."""

    def __init__(self, path: Any, file: pq.ParquetFile, row: Mapping[str, Any], groups: pa.Table) -> None:
        self.path, self.row, self.groups = path, row, groups
        self._file = file
        self.schema: pa.Schema = file.schema_arrow
        self.block = footer(self.schema, path)
        if file.num_row_groups != groups.num_rows:
            raise ShardError(
                f"{path}: {file.num_row_groups} row groups, the manifest says {groups.num_rows}; copy the shard again"
            )

    def read(self, group: int, columns: Sequence[str] | None = None) -> pa.Table:
        """Return a row group, or some of its columns."""
        where = f"{self.path}: row group {group}"
        table = self._file.read_row_group(group, columns=None if columns is None else list(columns))
        if table.num_rows != self.groups["rows"][group].as_py():
            raise ShardError(f"{where} has {table.num_rows:,} rows, not those of the manifest; copy the shard again")
        if "tokens" in table.column_names:
            checksum = logical_checksum(*list_parts(table["tokens"]))
            if checksum != self.groups["checksum"][group].as_py():
                raise ShardError(f"{where} does not match its checksum; copy the shard again")
        return table

    def each(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the row groups in order."""
        for group in range(self.groups.num_rows):
            yield self.read(group, columns)


class Contents:
    """The shards of a manifest, in its order. `shards` are the rows of the shards table."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.shards: list[dict[str, Any]] = manifest.shards().to_pylist()
        self._groups = manifest.row_groups(ROW_GROUPS.names).cast(ROW_GROUPS)
        counts = [shard["row_groups"] for shard in self.shards]
        self._first: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        if not np.array_equal(self._groups["shard"].to_numpy(), np.repeat(np.arange(len(counts)), counts)):
            raise ShardError(f"{manifest.folder}: the manifest's tables do not fit together; write the shards again")

    def numbers(self, component: str | None = None) -> list[int]:
        """Return the numbers of the shards of a component, or of all; MissingError when there is no such component."""
        self.require(component)
        return [n for n, shard in enumerate(self.shards) if component in (None, shard["component"])]

    def require(self, component: str | None) -> None:
        """Raise MissingError unless there is such a component."""
        known = self.manifest.components
        if component is not None and component not in known:
            there = ", ".join(sorted(known))
            raise MissingError(f"{self.manifest.folder}: no component {component!r}; there are {there}")

    def groups(self, number: int) -> pa.Table:
        """Return the rows of the row-groups table of shard `number`."""
        first, end = int(self._first[number]), int(self._first[number + 1])
        return self._groups.slice(first, end - first)

    @contextlib.contextmanager
    def open(self, number: int) -> Iterator[Shard]:
        """Open shard `number`; damage found in the block is a ShardError that names the file."""
        row = self.shards[number]
        path = self.manifest.folder / row["path"]
        if not path.is_file():
            raise ShardError(f"{path}: missing; copy the whole folder again")
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                yield Shard(path, file, row, self.groups(number))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            cause = str(error).strip().partition("\n")[0]
            raise ShardError(f"{path}: cannot be read ({cause}); copy the shard again") from error
