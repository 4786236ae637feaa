"""The row groups of some components by number: tokens and component of all are at hand, the rest is looked up.

Row groups are numbered from 0 in the manifest's order, those of other components left out. 15 trillion tokens are 15
million row groups, so no more is held of each than the plan needs (10 bytes); where it lies and its checksum are read
from the row-groups table when it is read itself, a block of the table at a time, the last blocks being kept.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from corpus.errors import ShardError
from corpus.tokens.manifest import Manifest

HELD_ROWS: Final = 1 << 20
"""Rows of the table that are kept (56 bytes each), if a block has no more."""
NUMBERS: Final = ("rows", "offset", "bytes", "lengths_offset", "lengths_bytes")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row group: its shard (number, path, size), its number in it, and its row of the row-groups table."""

    number: int
    shard: int
    path: str
    shard_size: int
    row_group: int
    tokens: int
    rows: int
    offset: int
    size: int
    lengths_offset: int
    lengths_bytes: int
    checksum: bytes

    @property
    def place(self) -> str:
        """What it is called in an error."""
        return f"row group {self.row_group}"


class Index:
    """Row groups of `components`.

    tokens: of each (int64); codes: its component, as a place in `components` (int16).
    """

    def __init__(self, manifest: Manifest, components: Sequence[str]) -> None:
        self._place = manifest.place
        shards = manifest.shards()
        self.paths: list[str] = shards["path"].to_pylist()
        self.sizes: npt.NDArray[np.int64] = shards["bytes"].to_numpy()
        of = {name: code for code, name in enumerate(components)}
        codes = np.array([of.get(name, -1) for name in shards["component"].to_pylist()], np.int16)
        counts = shards["row_groups"].to_numpy().astype(np.int64)
        self._ends = np.cumsum(counts)  # of each shard's rows in the table
        self.shards: npt.NDArray[np.int64] = np.flatnonzero(codes >= 0)
        self._chosen_ends = np.cumsum(counts[self.shards])
        self.codes: npt.NDArray[np.int16] = np.repeat(codes[self.shards], counts[self.shards])
        self._table = manifest.open_row_groups()
        sizes = [self._table.metadata.row_group(i).num_rows for i in range(self._table.metadata.num_row_groups)]
        self._blocks = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._held: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self.tokens = self._tokens(codes)

    def __len__(self) -> int:
        return len(self.tokens)

    def _tokens(self, codes: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
        """Return the tokens of each row group, having seen that the table is in the order of the shards."""
        found, at = np.empty(len(self.codes), np.int64), 0
        rows = int(self._ends[-1]) if len(self._ends) else 0
        sound = int(self._blocks[-1]) == rows
        for block in range(len(self._blocks) - 1) if sound else ():
            table = self._read(block, ["shard", "row_group", "tokens"])
            number = np.arange(self._blocks[block], self._blocks[block + 1])
            shard = np.searchsorted(self._ends, number, side="right")
            within = number - np.concatenate([[0], self._ends])[shard]
            sound = sound and np.array_equal(table["shard"].to_numpy(), shard)
            sound = sound and np.array_equal(table["row_group"].to_numpy(), within)
            some = table["tokens"].to_numpy()[codes[shard] >= 0]
            found[at : at + len(some)] = some
            at += len(some)
        if not sound:
            raise ShardError(f"{self._place}: its row-groups table is not that of its shards; write the shards again")
        return found

    def shard_of(self, number: int) -> tuple[int, int]:
        """Return the shard of a row group, and which of the shard's it is."""
        chosen = int(np.searchsorted(self._chosen_ends, number, side="right"))
        before = int(self._chosen_ends[chosen - 1]) if chosen else 0
        return int(self.shards[chosen]), number - before

    def entry(self, number: int) -> Entry:
        """Return all that the manifest says of a row group."""
        shard, within = self.shard_of(number)
        row = (int(self._ends[shard - 1]) if shard else 0) + within
        block = int(np.searchsorted(self._blocks, row, side="right")) - 1
        columns, at = self._block(block), row - int(self._blocks[block])
        numbers = {name: int(columns[name][at]) for name in NUMBERS}
        numbers["size"] = numbers.pop("bytes")
        checksum: bytes = columns["checksum"][at].as_py()
        return Entry(
            number=number, shard=shard, path=self.paths[shard], shard_size=int(self.sizes[shard]), row_group=within,
            tokens=int(self.tokens[number]), checksum=checksum, **numbers,
        )  # fmt: skip

    def _block(self, number: int) -> dict[str, Any]:
        with self._lock:
            if number not in self._held:
                table = self._read(number, [*NUMBERS, "checksum"])
                columns: dict[str, Any] = {name: table[name].to_numpy() for name in NUMBERS}
                self._held[number] = columns | {"checksum": table["checksum"].combine_chunks()}
                while len(self._held) > 1 and sum(len(held["rows"]) for held in self._held.values()) > HELD_ROWS:
                    self._held.popitem(last=False)
            self._held.move_to_end(number)
            return self._held[number]

    def _read(self, block: int, columns: list[str]) -> pa.Table:
        try:
            return self._table.read_row_group(block, columns=columns)
        except (pa.ArrowException, OSError) as error:
            raise ShardError(
                f"{self._place}: its row-groups table cannot be read ({error}); copy the whole folder again"
            ) from error
