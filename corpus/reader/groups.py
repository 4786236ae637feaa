"""Row groups of the chosen components: where they lie, and their ids, decoded and checked.

A row group is read whole, once for a run of batches. Page CRCs and the logical checksum of the manifest are checked on
every read, so a flipped bit, a swapped or a stale shard ends in a ShardError before a batch is handed out.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import ShardError
from corpus.tokens.layout import list_parts, logical_checksum
from corpus.tokens.manifest import Manifest

OPEN_FILES: Final = 32


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Ids of a row group (uint16 or uint32), and where each row's begin (int64, one entry more, the end)."""

    ids: npt.NDArray[Any]
    starts: npt.NDArray[np.int64]


class RowGroups:
    """The row groups of some components, numbered from 0 in the manifest's order; opens files as they are needed.

    tokens, components: how many ids each has, and which component it is of.
    """

    def __init__(self, manifest: Manifest, components: Sequence[str], *, verify: bool) -> None:
        self._verify, self._folder = verify, manifest.folder
        shards = manifest.shards()
        self._paths: list[str] = shards["path"].to_pylist()
        names = np.array([*shards["component"].to_pylist(), None], object)[:-1]
        chosen = np.flatnonzero(np.isin(names, list(components)))
        self._check_sizes(chosen, shards["bytes"].to_numpy())
        table = manifest.row_groups(["shard", "row_group", "tokens", "rows", "checksum"])
        table = table.filter(pc.is_in(table["shard"], value_set=pa.array(chosen, pa.int32())))
        self.tokens = table["tokens"].to_numpy()
        self._shard, self._index = table["shard"].to_numpy(), table["row_group"].to_numpy()
        self.components: npt.NDArray[np.object_] = names[self._shard]
        self._rows, self._checksum = table["rows"].to_numpy(), table["checksum"]
        self._files: OrderedDict[int, pq.ParquetFile] = OrderedDict()

    def _check_sizes(self, chosen: npt.NDArray[np.int64], sizes: npt.NDArray[np.int64]) -> None:
        for number in chosen:
            path = self._folder / self._paths[number]
            if not path.is_file():
                raise ShardError(f"{path}: missing; copy the whole folder again")
            if path.stat().st_size != sizes[number]:
                size, promised = path.stat().st_size, sizes[number]
                raise ShardError(f"{path}: {size:,} bytes, the manifest says {promised:,}; copy the shard again")

    def read(self, number: int) -> RowGroup:
        """Return row group `number`; ShardError when it is not what the manifest promises."""
        table = self._table(number, ["tokens"])
        try:
            lengths, ids = list_parts(table["tokens"])
        except (KeyError, AttributeError, ValueError) as error:
            raise self._error(number, f"has no column of tokens ({error})") from error
        if (len(lengths), len(ids)) != (self._rows[number], self.tokens[number]):
            raise self._error(number, f"has {len(ids):,} tokens, the manifest says {self.tokens[number]:,}")
        if self._verify and logical_checksum(lengths, ids) != self._checksum[number].as_py():
            raise self._error(number, "does not match its checksum")
        return RowGroup(ids, np.concatenate([[0], np.cumsum(lengths)]))

    def lengths(self, number: int) -> npt.NDArray[np.int64]:
        """Return the number of ids of each row of a row group, without reading the ids."""
        lengths: npt.NDArray[np.int64] = self._table(number, ["n_tokens"])["n_tokens"].to_numpy().astype(np.int64)
        if (len(lengths), int(lengths.sum())) != (self._rows[number], self.tokens[number]):
            raise self._error(number, f"has {lengths.sum():,} tokens, the manifest says {self.tokens[number]:,}")
        return lengths

    def provenance(self, number: int, row: int) -> dict[str, Any]:
        """Return every column but the tokens of one row, with the shard's path and the row group's place in it."""
        file = self._open(number)
        columns = [name for name in file.schema_arrow.names if name != "tokens"]
        found: dict[str, Any] = self._table(number, columns).slice(row, 1).to_pylist()[0]
        place = {"shard": self._paths[self._shard[number]], "row_group": int(self._index[number]), "row": row}
        return place | found

    def close(self) -> None:
        """Close the files that are open."""
        while self._files:
            self._files.popitem()[1].close()

    def _table(self, number: int, columns: list[str]) -> pa.Table:
        try:
            return self._open(number).read_row_group(int(self._index[number]), columns=columns)
        except (pa.ArrowException, OSError, IndexError, OverflowError, ValueError, MemoryError) as error:
            raise self._error(number, f"cannot be read ({error})") from error

    def _open(self, number: int) -> pq.ParquetFile:
        shard = int(self._shard[number])
        if shard not in self._files:
            while len(self._files) >= OPEN_FILES:
                self._files.popitem(last=False)[1].close()
            path: Path = self._folder / self._paths[shard]
            try:
                self._files[shard] = pq.ParquetFile(path, page_checksum_verification=True)
            except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
                raise self._error(number, f"cannot be opened ({error})") from error
        self._files.move_to_end(shard)
        return self._files[shard]

    def _error(self, number: int, cause: str) -> ShardError:
        path = self._folder / self._paths[self._shard[number]]
        return ShardError(f"{path}: row group {self._index[number]} {cause}; copy the shard again, or write it anew")
