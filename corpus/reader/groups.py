"""Row groups: their ids, fetched, decoded and checked, whatever they come from.

Of a row group only the columns of tokens and of their numbers are read, which lie in one piece: the manifest says where
it is, and plain.py decodes it. What is encoded otherwise is made a file that Arrow decodes without the shard's footer
(chunks.py). Page CRCs and the logical checksum of the manifest are checked on every read, so a flipped bit, a swapped
or a stale shard is found before a batch is handed out. What is not as the manifest says is fetched again twice, past
the cache; then it is damaged (DamageError), and the reader's `on_damage` decides (reader.py).
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import ShardError
from corpus.reader.cache import Cache
from corpus.reader.chunks import CODECS, ZSTD, as_file
from corpus.reader.index import Entry, Index
from corpus.reader.plain import plain_values
from corpus.reader.reading import Counts, ReadingSettings
from corpus.reader.sources import Source
from corpus.tokens.layout import list_parts, logical_checksum
from corpus.tokens.manifest import Manifest

FETCHES: Final = 3
"""Times that a row group is fetched before it counts as damaged."""
LENGTHS: Final = np.dtype(np.uint32)


class DamageError(ShardError):
    """Row groups that are not what the manifest says, however often they are fetched: `groups`, by number."""

    def __init__(self, message: str, groups: Sequence[int]) -> None:
        super().__init__(message)
        self.groups = list(groups)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (str(self), self.groups)


class UnsoundError(Exception):
    """A chunk that does not hold what it should; never seen by callers."""


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Ids of a row group (uint16 or uint32), where each row's begin (int64, one entry more, the end), and its bytes in
    the shard."""

    ids: npt.NDArray[Any]
    starts: npt.NDArray[np.int64]
    size: int = 0


class RowGroups:
    """The row groups of some components, numbered from 0 in the manifest's order; any thread may read.

    tokens, codes: how many ids each has, and its component as a place in `components`. quarantined: those that others
    stand in for.
    """

    def __init__(
        self,
        source: Source,
        manifest: Manifest,
        components: Sequence[str],
        settings: ReadingSettings,
        counts: Counts,
        cache: Cache | None = None,
        *,
        verify: bool,
    ) -> None:
        self._source, self._counts, self._cache, self._verify = source, counts, cache, verify
        self._place = manifest.place
        self.dtype = np.dtype(str(manifest.root["dtype"]))
        self._index = Index(manifest, components)
        for shard in self._index.shards.tolist():
            source.check(self._index.paths[shard], int(self._index.sizes[shard]))
        self.tokens, self.codes = self._index.tokens, self._index.codes
        self.quarantined: frozenset[int] = frozenset()
        self._codec, self._learnt, self._lock = ZSTD, False, threading.Lock()
        self._requests = settings.requests if source.remote and settings.threads else 0
        self._pool: ThreadPoolExecutor | None = None

    def place(self, number: int) -> str:
        """Return the shard of a row group and which of the shard's it is, for people."""
        entry = self._index.entry(number)
        return f"{self._place}/{entry.path}: {entry.place}"

    def read_all(self, numbers: Iterable[int]) -> dict[int, RowGroup]:
        """Return row groups by number, from a server several at a time; DamageError names all that are damaged."""
        chosen, found = list(numbers), {}
        damaged: list[DamageError] = []
        for number, read in zip(chosen, self._reads(chosen), strict=True):
            try:
                found[number] = read()
            except DamageError as error:
                damaged.append(error)
        if damaged:
            raise DamageError(str(damaged[0]), sorted({group for error in damaged for group in error.groups}))
        return found

    def _reads(self, numbers: Sequence[int]) -> list[Any]:
        if not self._requests:
            return [lambda number=number: self.read(number) for number in numbers]
        with self._lock:
            self._pool = self._pool or ThreadPoolExecutor(self._requests, "headwater-fetch")
        return [self._pool.submit(self.read, number).result for number in numbers]

    def stand_in(self, number: int) -> int:
        """Return the row group that is read for a quarantined one: the next of its component that is none, in a ring;
        of any other row group, itself."""
        if number not in self.quarantined:
            return number
        same = np.flatnonzero(self.codes == self.codes[number])
        at = int(np.searchsorted(same, number))
        for other in (*same[at:].tolist(), *same[:at].tolist()):
            if other not in self.quarantined:
                return int(other)
        raise ShardError(f"{self._place}: every row group of a component is in quarantine; copy the shards again")

    def read(self, number: int) -> RowGroup:
        """Return row group `number`; DamageError when it is damaged."""
        entry, causes = self._index.entry(number), []
        for _ in range(FETCHES):
            chunk, kept = self._chunk(entry)
            try:
                group = self._decoded(entry, chunk)
            except UnsoundError as error:
                causes.append(str(error))
                self._counts.add(damaged=1)
                if self._cache:
                    self._cache.drop(entry.checksum.hex())
                continue
            if self._cache and self._source.remote and not kept:
                self._cache.put(entry.checksum.hex(), chunk)
            return group
        raise DamageError(self._message(entry, f"{causes[-1]}, read {FETCHES} times"), [number])

    def _chunk(self, entry: Entry) -> tuple[bytes, bool]:
        """Return the bytes of a row group's tokens, and whether they come from the cache."""
        kept = self._cache.get(entry.checksum.hex()) if self._cache and self._source.remote else None
        if kept is not None:
            self._counts.add(cache_hits=1)
            return kept, True
        return self._fetched(entry, entry.offset, _bytes_of(entry)), False

    def _fetched(self, entry: Entry, offset: int, size: int) -> bytes:
        if not 0 <= offset <= offset + size <= entry.shard_size:
            raise ShardError(self._message(entry, "lies beyond the shard"))
        return self._source.read(entry.path, offset, size, entry.shard_size, entry.place)

    def _decoded(self, entry: Entry, chunk: bytes) -> RowGroup:
        if len(chunk) != _bytes_of(entry):
            raise UnsoundError(f"has {len(chunk):,} bytes, the manifest says {_bytes_of(entry):,}")
        lengths, ids = self._columns(entry, chunk)
        if (len(lengths), int(lengths.sum()), len(ids)) != (entry.rows, entry.tokens, entry.tokens):
            raise UnsoundError(f"has {len(ids):,} tokens, the manifest says {entry.tokens:,}")
        if self._verify and logical_checksum(lengths, ids) != entry.checksum:
            raise UnsoundError("does not match its checksum")
        return RowGroup(ids, np.concatenate([[0], np.cumsum(lengths)]), len(chunk))

    def _columns(self, entry: Entry, chunk: bytes) -> tuple[npt.NDArray[np.int64], npt.NDArray[Any]]:
        """Return the length of each row, and all ids."""
        size = entry.lengths_offset - entry.offset
        lengths = plain_values(memoryview(chunk)[size:], entry.rows, LENGTHS)
        ids = plain_values(memoryview(chunk)[:size], entry.tokens, self.dtype, levels=2)
        if lengths is None or ids is None:
            return list_parts(self._column(entry, chunk[:size], "tokens", self.dtype, entry.tokens))
        return lengths.astype(np.int64), ids

    def _column(self, entry: Entry, chunk: bytes, name: str, dtype: np.dtype[Any], values: int) -> pa.ChunkedArray:
        """Return a decoded column; what cannot be decoded may be of another codec, which one footer tells."""
        for _ in range(2):
            codec = self._codec
            file = pa.BufferReader(as_file(chunk, name, dtype, entry.rows, values, codec))
            try:
                return pq.ParquetFile(file, page_checksum_verification=True).read_row_group(0).column(0)
            except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
                cause = f"cannot be read ({error})"
            if self._learn_codec(entry) == codec:
                break
        raise UnsoundError(cause)

    def _learn_codec(self, entry: Entry) -> int:
        with self._lock:
            if not self._learnt:
                try:
                    metadata = self._whole(entry).metadata
                    self._codec = CODECS[metadata.row_group(entry.row_group).column(0).compression]
                    self._learnt = True
                except (ShardError, KeyError, IndexError):
                    pass
            return self._codec

    def each_lengths(self) -> Iterator[npt.NDArray[np.int64]]:
        """Yield the number of ids of each row of every row group in turn, without reading the ids."""
        numbers = range(len(self.tokens))
        if not self._requests:
            yield from map(self.lengths, numbers)
            return
        with ThreadPoolExecutor(self._requests, "headwater-fetch") as pool:
            yield from pool.map(self.lengths, numbers)

    def lengths(self, number: int) -> npt.NDArray[np.int64]:
        """Return the number of ids of each row of a row group, without reading the ids."""
        entry = self._index.entry(number)
        try:
            chunk = self._fetched(entry, entry.lengths_offset, entry.lengths_bytes)
            plain = plain_values(memoryview(chunk), entry.rows, LENGTHS)
            found = self._column(entry, chunk, "n_tokens", LENGTHS, entry.rows).to_numpy() if plain is None else plain
        except UnsoundError as error:
            raise ShardError(self._message(entry, str(error))) from error
        lengths: npt.NDArray[np.int64] = found.astype(np.int64)
        if (len(lengths), int(lengths.sum())) != (entry.rows, entry.tokens):
            raise ShardError(self._message(entry, f"has {lengths.sum():,} tokens, the manifest says {entry.tokens:,}"))
        return lengths

    def provenance(self, number: int, row: int) -> dict[str, Any]:
        """Return every column but the tokens of one row, with the shard's path and the row group's place in it."""
        entry = self._index.entry(number)
        file = self._whole(entry)
        columns = [name for name in file.schema_arrow.names if name != "tokens"]
        try:
            table = file.read_row_group(entry.row_group, columns=columns)
        except (pa.ArrowException, OSError, IndexError, OverflowError, ValueError, MemoryError) as error:
            raise ShardError(self._message(entry, f"cannot be read ({error})")) from error
        found: dict[str, Any] = table.slice(row, 1).to_pylist()[0]
        return {"shard": entry.path, "row_group": entry.row_group, "row": row} | found

    def _whole(self, entry: Entry) -> pq.ParquetFile:
        try:
            source = self._source.open(entry.path, entry.shard_size)
            return pq.ParquetFile(source, page_checksum_verification=True)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise ShardError(self._message(entry, f"cannot be opened ({error})")) from error

    def close(self) -> None:
        """End threads and connections; row groups can be read again."""
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._source.close()

    def _message(self, entry: Entry, cause: str) -> str:
        return f"{self.place(entry.number)} {cause}; copy the shard again, or write it anew"


def _bytes_of(entry: Entry) -> int:
    """Return the bytes of a row group's tokens and of their numbers."""
    return entry.lengths_offset + entry.lengths_bytes - entry.offset


def repeated(group: RowGroup, tokens: int) -> RowGroup:
    """Return the rows of a row group again and again, the last one cut, `tokens` ids in all."""
    times = -(-tokens // len(group.ids))
    ids = np.tile(group.ids, times)[:tokens]
    starts = (group.starts[:-1] + len(group.ids) * np.arange(times)[:, None]).reshape(-1)
    return RowGroup(ids, np.append(starts[starts < tokens], tokens), group.size)
