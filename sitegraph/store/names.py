"""The names file: all reversed names of a level in byte order, front-coded, memory-mapped.

Names lie in groups of GROUP. The first of a group is whole, each other one is stored as how many of its first bytes are
those of the name before it, and the rest. So a name of a web graph takes about a third of its length, any name is found
by its id after at most GROUP steps, and an id by its name in a binary search over the heads of groups.

    magic | group | group ... | offset of each group and of their end (uint64), CRC-32 of each page | names, groups,
    CRC-32 of what lies behind the groups | magic

A page is PAGE groups, the last one shorter; it is what has a check sum of its own (checkedfile.py).

A name is at most 255 bytes long: one byte each for the shared prefix and for the rest of a name.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from isal import isal_zlib
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.kernels import kernel
from corpus.storage import ShardSet, WholeWriter
from sitegraph.store.checkedfile import TAIL, CheckedFile

MAGIC: Final = b"HWNAMES2"
GROUP: Final = 32
LONGEST: Final = 255
_COUNTS: Final = struct.Struct("<QQ")
PAGE: Final = 1 << 12
"""Groups that have one check sum: about a megabyte."""
ROWS: Final = 1 << 16


@kernel
def front_code(data: Any, offsets: Any, last: Any, last_size: Any, done: Any, out: Any, starts: Any) -> Any:
    """Front-code names behind `done` others. -> (bytes written, groups begun, bad name or -1)

    data uint8, offsets int64[k + 1]: the names; last uint8[LONGEST], last_size: the name before them; out uint8[>=
    bytes + 2 k]; starts int64[k]: where in `out` each group begins. A name that is not behind the one before, or too
    long, is bad.
    """
    at, groups = 0, 0
    for i in range(len(offsets) - 1):
        start, size = offsets[i], offsets[i + 1] - offsets[i]
        if size > LONGEST or size == 0:
            return at, groups, i
        shared = 0
        while shared < size and shared < last_size and data[start + shared] == last[shared]:
            shared += 1
        ordered = shared < size and (shared == last_size or data[start + shared] > last[shared])
        if (done + i > 0) and not ordered:
            return at, groups, i
        for j in range(shared, size):
            last[j] = data[start + j]
        last_size = size
        if (done + i) % GROUP == 0:
            starts[groups] = at
            groups += 1
            shared = 0
        out[at] = shared
        out[at + 1] = size - shared
        at += 2
        for j in range(shared, size):
            out[at] = data[start + j]
            at += 1
    return at, groups, -1


@kernel
def next_name(data: Any, at: Any, end: Any, name: Any, size: Any) -> Any:
    """Read the name at data[at:end] into `name`, which holds the one before; return (byte behind it, size or -1)."""
    if at + 2 > end:
        return at, -1
    shared, rest = np.int64(data[at]), np.int64(data[at + 1])
    if shared > size or shared + rest > LONGEST or at + 2 + rest > end:
        return at, -1
    for j in range(rest):
        name[shared + j] = data[at + 2 + j]
    return at + 2 + rest, shared + rest


@kernel
def compare(name: Any, size: Any, data: Any, start: Any, end: Any) -> Any:
    """Return -1, 0 or 1: the order of name[:size] and data[start:end], by bytes."""
    for j in range(min(size, end - start)):
        if name[j] != data[start + j]:
            return -1 if name[j] < data[start + j] else 1
    return (size > end - start) - (size < end - start)


@kernel
def find_names(data: Any, starts: Any, names: Any, wanted: Any, offsets: Any, out: Any, groups: Any) -> Any:
    """Write the id of each wanted name, -1 where there is none; return False where the file is damaged.

    data uint8: the file; starts int64[groups + 1]; names: how many; wanted uint8, offsets int64[k + 1]; out int64[k];
    groups int64[k]: the last group whose head is not behind the name (or 0). That head and the next one were looked at,
    so where both are right, the answer is, whatever other heads said on the way.
    """
    name = np.empty(LONGEST, np.uint8)
    for i in range(len(offsets) - 1):
        low, high = 0, len(starts) - 2
        out[i], groups[i] = -1, 0
        while low < high:  # the last group whose head is not behind the name
            middle = (low + high + 1) // 2
            at, size = next_name(data, starts[middle], starts[middle + 1], name, 0)
            if size < 0:
                return False
            if compare(name, size, wanted, offsets[i], offsets[i + 1]) <= 0:
                low = middle
            else:
                high = middle - 1
        if high < 0:
            continue
        groups[i] = low
        at, size = starts[low], np.int64(0)
        for place in range(low * GROUP, min((low + 1) * GROUP, names)):
            at, size = next_name(data, at, starts[low + 1], name, size)
            if size < 0:
                return False
            order = compare(name, size, wanted, offsets[i], offsets[i + 1])
            if order == 0:
                out[i] = place
            if order >= 0:
                break
    return True


@kernel
def unpack_groups(data: Any, starts: Any, first: Any, groups: Any, names: Any, out: Any, offsets: Any) -> Any:
    """Write the names of some groups in full: out uint8[>= names * LONGEST], offsets int64[names + 1]; -> soundness."""
    name = np.empty(LONGEST, np.uint8)
    done, at_out = 0, 0
    offsets[0] = 0
    for g in range(first, first + groups):
        at, size = starts[g], np.int64(0)
        for _ in range(g * GROUP, min((g + 1) * GROUP, names)):
            at, size = next_name(data, at, starts[g + 1], name, size)
            if size < 0:
                return False
            for j in range(size):
                out[at_out + j] = name[j]
            at_out += size
            done += 1
            offsets[done] = at_out
    return True


def string_parts(names: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes and offsets (int64[k + 1]) of an Arrow array of strings without nulls."""
    plain = names.cast(pa.large_binary())
    _, offsets, data = plain.buffers()
    cuts = np.frombuffer(offsets, np.int64, len(plain) + 1, plain.offset * 8) if offsets else np.zeros(1, np.int64)
    return np.frombuffer(data, np.uint8) if data and data.size else np.zeros(0, np.uint8), cuts


class NamesWriter(WholeWriter):
    """Write a names file: `with NamesWriter(shard_set) as out: out.add(names)`; then `out.written`."""

    def __init__(self, shard_set: ShardSet, part: int = 0) -> None:
        super().__init__(shard_set.root, shard_set.path(part))
        self._last, self._size = np.zeros(LONGEST, np.uint8), 0
        self._starts: list[NDArray[np.int64]] = []
        self._groups, self._crc, self._crcs = 0, 0, list[int]()

    @property
    def names(self) -> int:
        """How many names there are by now."""
        return self.rows

    @contextmanager
    def _frame(self) -> Iterator[None]:
        self._file.write(MAGIC)
        yield
        starts = np.concatenate([*self._starts, np.array([self._file.bytes])]).astype("<i8")
        crcs = np.array([*self._crcs, self._crc][: (self._groups + PAGE - 1) // PAGE], "<u4")
        table = starts.tobytes() + crcs.tobytes()
        crc = isal_zlib.crc32(_COUNTS.pack(self.names, self._groups), isal_zlib.crc32(table))
        self._file.write(table + TAIL.pack(self.names, self._groups, crc, MAGIC))

    def add(self, names: pa.Array) -> None:
        """Append reversed names (Arrow strings). Raises InputError for one that is not behind the name before it."""
        data, offsets = string_parts(names)
        count = len(names)
        starts = np.empty(count, np.int64)
        out = np.empty(int(offsets[-1] - offsets[0]) + 2 * count, np.uint8)
        size, groups, bad = front_code(data, offsets, self._last, self._size, self.names, out, starts)
        if bad >= 0:
            name = names[int(bad)].as_py()
            shown = ascii(name and name[:80])
            raise InputError(
                f"name {self.names + bad:,}, {shown}, does not come behind the name before it in byte order, or is "
                f"empty or over {LONGEST} bytes; names must be sorted and distinct"
            )
        if count:
            self._size = int(offsets[-1] - offsets[-2])
        self._starts.append(starts[:groups] + self._file.bytes)
        self._put(out[:size], starts[:groups])
        self.rows += count

    def _put(self, data: NDArray[np.uint8], starts: NDArray[np.int64]) -> None:
        """Write groups; starts: where in `data` each begins."""
        at = 0
        for place in starts[-self._groups % PAGE :: PAGE].tolist():  # heads of pages
            self._crc = isal_zlib.crc32(data[at:place].data, self._crc)
            if self._groups or place:
                self._crcs.append(self._crc)
            at, self._crc = place, 0
        self._crc = isal_zlib.crc32(data[at:].data, self._crc)
        self._groups += len(starts)
        self._file.write(data.data)


class Names(CheckedFile, Sequence[str]):
    """The reversed names of a level by id: `names[id]`, `names.find([...])`, `names.tables()`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, MAGIC, "a names file")
        self._count, groups = self._numbers
        if groups != (self._count + GROUP - 1) // GROUP:
            raise self._cut_short()
        pages = (groups + PAGE - 1) // PAGE
        start, table = self._foot(8 * (groups + 1) + 4 * pages, _COUNTS.pack(self._count, groups))
        self._starts = np.frombuffer(table.data, "<i8", groups + 1).astype(np.int64, copy=False)
        self._crcs = np.frombuffer(table.data, "<u4", pages, 8 * (groups + 1))
        if self._starts[0] != len(MAGIC) or self._starts[-1] != start or (np.diff(self._starts) < 0).any():
            raise self._damaged("its groups do not follow one another")

    def verify(self) -> None:
        """Raise StorageError unless all check sums are right."""
        self._check(np.arange(0, len(self._starts) - 1, PAGE))

    def _check(self, groups: NDArray[np.int64]) -> None:
        """Hold the pages of some groups against their check sums, those that were not yet."""
        for page in np.unique(groups // PAGE).tolist():
            first, behind = page * PAGE, min((page + 1) * PAGE, len(self._starts) - 1)
            wrong = f"the check sum of the names from {first * GROUP:,} on is wrong"
            self._part(page, int(self._starts[first]), int(self._starts[behind]), int(self._crcs[page]), wrong)

    def __len__(self) -> int:
        return int(self._count)

    def __getitem__(self, node: Any) -> Any:
        if isinstance(node, slice):
            return [self[i] for i in range(*node.indices(len(self)))]
        if not -len(self) <= node < len(self):
            raise IndexError(node)
        return self.of(np.array([node % len(self)]))[0]

    def of(self, ids: NDArray[np.integer[Any]]) -> list[str]:
        """Return the names of ids."""
        found = []
        for node in np.asarray(ids, np.int64).tolist():
            group = node // GROUP
            found.append(self._unpacked(group, 1)[node - group * GROUP].as_py())
        return found

    def find(self, names: Sequence[str] | pa.Array) -> NDArray[np.int64]:
        """Return the id of each reversed name, -1 where it is unknown."""
        array = names if isinstance(names, pa.Array) else pa.array(list(names), pa.large_string())
        wanted, offsets = string_parts(array)
        out, groups = np.empty(len(array), np.int64), np.empty(len(array), np.int64)
        if not find_names(self._data, self._starts, len(self), wanted, offsets, out, groups):
            raise self._damaged("a name in it is wrong")
        if len(self):
            self._check(np.concatenate([groups, np.minimum(groups + 1, len(self._starts) - 2)]))
        return out

    def tables(self, start: int = 0, stop: int | None = None, rows: int = ROWS) -> Iterator[pa.Array]:
        """Yield the names from id `start` up to `stop` as Arrow arrays of at most `rows` strings, in order."""
        stop = len(self) if stop is None else min(stop, len(self))
        while start < stop:
            end = min(start + rows, stop)
            group = start // GROUP
            groups = (end - 1) // GROUP - group + 1
            yield self._unpacked(group, groups).slice(start - group * GROUP, end - start)
            start = end

    def _unpacked(self, first: int, groups: int) -> pa.Array:
        """Return the names of some groups."""
        self._check(np.arange(first, first + groups))
        count = min(groups * GROUP, len(self) - first * GROUP)
        out, offsets = np.empty(count * LONGEST, np.uint8), np.empty(count + 1, np.int64)
        if not unpack_groups(self._data, self._starts, first, groups, len(self), out, offsets):
            raise self._damaged("a name in it is wrong")
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(out[: offsets[-1]].tobytes())]
        found = pa.Array.from_buffers(pa.large_string(), count, buffers)
        try:
            found.validate(full=True)
        except pa.ArrowInvalid as error:
            raise self._damaged(f"a name in it is wrong ({error})") from error
        return found.cast(pa.string())
