"""The arcs file: blocks of in-lists (lists.py), an index, and a check sum over each.

    magic | block | block ... | index | description (JSON) | lengths of both, their CRC-32 | magic

A block's sections lie one after another: degrees, escapes, control, data, then PADDING bytes, then the codes from the
next multiple of 8 on, and again up to one. The index has a row per block (INDEX): its first target's slot, how
many targets, arcs and bytes, and the CRC-32 of its bytes. A graph has one file per range of node ids, each with the
blocks of that range's linking targets first and of its dangling ones after them, so that files can be written one by
one, in one pass, and be read as if they were one.

Files are memory-mapped. A block is handed out only after its check sum was compared (once in the life of the reader),
its lengths agree, and with views of exactly its bytes; kernels check each source before they use it. So damage is a
StorageError with file, block and offset, whatever it is.
"""

import hashlib
import json
import mmap
import struct
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.storage import HashingFile, ShardSet, Written, whole_file
from sitegraph.store.lists import check_block, to_degrees, to_gaps
from sitegraph.store.vbyte import PADDING, encode

MAGIC: Final = b"HWARCS1\n"
BLOCK: Final = 1 << 12
"""Targets of a block, at most."""
GROUP: Final = 1 << 14
"""Targets of a group, at least; on fewer, sharing it out to threads takes longer than working through it."""
INDEX: Final = np.dtype(
    [
        ("offset", "<i8"),  # of the block in the file
        ("bytes", "<i8"),
        ("first", "<i8"),  # slot of its first target
        ("targets", "<i8"),
        ("arcs", "<i8"),
        ("escapes", "<i8"),  # bytes
        ("data", "<i8"),  # bytes
        ("crc", "<i8"),
    ]
)
_TAIL: Final = struct.Struct("<QQI8s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What holds for all files of a level's arcs.

    nodes, sources: how many there are, and how many of them link. links: the check sum of which ones do, as all slots
    hang on that. code_bytes: bytes per class code (0, 1, 2).
    """

    nodes: int
    sources: int
    code_bytes: int
    links: int = 0

    @property
    def sound(self) -> bool:
        """Whether there can be such a graph."""
        whole = all(type(number) is int for number in (self.nodes, self.sources, self.links, self.code_bytes))
        return whole and 0 <= self.sources <= self.nodes and self.code_bytes in (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Block:
    """A block, checked. sections: degrees, escapes, control, data (uint8); codes: uint8, uint16 or empty."""

    first: int
    targets: int
    arcs: int
    sections: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    codes: NDArray[Any]


def aligned(length: int) -> int:
    """Return the multiple of 8 from a length on."""
    return (length + 7) // 8 * 8


class ArcsWriter:
    """Write one arcs file, block by block: `with ArcsWriter(...) as out: out.write(...)`; then `out.written`."""

    def __init__(self, shard_set: ShardSet, part: int, description: Description) -> None:
        self._root, self.path = shard_set.root, shard_set.path(part)
        self._description = description
        self._rows: list[tuple[int, ...]] = []
        self.arcs = 0
        self._written: Written | None = None

    @property
    def written(self) -> Written:
        """The finished file."""
        if self._written is None:
            raise StorageError(f"{self.path}: asked for before it was finished")
        return self._written

    def __enter__(self) -> Self:
        self._whole = whole_file(self.path)
        self._file: HashingFile = self._whole.__enter__()
        self._file.write(MAGIC)
        return self

    def write(
        self, first: int, offsets: NDArray[np.int64], sources: NDArray[np.uint32], codes: NDArray[Any], references: Any
    ) -> None:
        """Write the lists of consecutive targets from slot `first` on.

        offsets int64[count + 1] from 0 on into sources (slots, ascending within a list, none twice) and codes.
        """
        count, m = len(offsets) - 1, len(sources)
        gaps = np.empty(m, np.uint32)
        to_gaps(offsets, sources, references, gaps)
        control, data = np.empty((m + 3) // 4, np.uint8), np.empty(4 * m + 16, np.uint8)
        size = int(encode(gaps, control, data))
        degrees, escapes = np.empty(count, np.uint8), np.empty(count, "<u4")
        used = int(to_degrees(offsets, degrees, escapes))
        body = b"".join([degrees.tobytes(), escapes[:used].tobytes(), control.tobytes(), data[:size].tobytes()])
        body += bytes(aligned(len(body) + PADDING) - len(body))
        body += codes.astype(f"<u{self._description.code_bytes}").tobytes() if self._description.code_bytes else b""
        body += bytes(aligned(len(body)) - len(body))
        self._rows.append((self._file.bytes, len(body), first, count, m, 4 * used, size, zlib.crc32(body)))
        self._file.write(body)
        self.arcs += m

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        try:
            if kind is None:
                self._finish()
        except BaseException as failure:
            self._whole.__exit__(type(failure), failure, failure.__traceback__)
            raise
        self._whole.__exit__(kind, *rest)
        if kind is None:
            name = self.path.relative_to(self._root).as_posix()
            self._written = Written(name, self.arcs, self._file.bytes, self._file.hash.hexdigest())

    def _finish(self) -> None:
        index = np.array(self._rows, INDEX).tobytes()
        text = json.dumps(asdict(self._description), sort_keys=True).encode()
        self._file.write(index + text + _TAIL.pack(len(index), len(text), zlib.crc32(index + text), MAGIC))


def within(index: NDArray[Any], end: int) -> bool:
    """Say whether all blocks of an index lie before byte `end` of the file, and have targets, and nothing negative."""
    least = all(bool((index[name] >= 0).all()) for name in INDEX.names or ())
    lie = bool((index["offset"] <= end).all()) and bool((index["bytes"] <= end - index["offset"]).all())
    return least and lie and bool((index["targets"] > 0).all()) and not (index["offset"] % 8).any()


class ArcsFile:
    """An arcs file, memory-mapped; `index` has a row per block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with open(path, "rb") as stream:
                self._map = np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: cannot be read ({error}); build the graph again") from error
        self.index, self.description = self._foot()
        self._seen = np.zeros(len(self.index), np.bool_)

    def _foot(self) -> tuple[NDArray[Any], Description]:
        size = len(self._map)
        if size < len(MAGIC) + _TAIL.size or self._map[: len(MAGIC)].tobytes() != MAGIC:
            raise self._damaged("it does not begin as an arcs file does")
        rows, text, crc, magic = _TAIL.unpack(self._map[size - _TAIL.size :].tobytes())
        start = size - _TAIL.size - rows - text
        if magic != MAGIC or start < len(MAGIC) or rows % INDEX.itemsize:
            raise self._damaged("it does not end as an arcs file does; it may be cut short")
        foot = self._map[start : size - _TAIL.size].tobytes()
        if zlib.crc32(foot) != crc:
            raise self._damaged("the check sum of its index is wrong")
        try:
            index, description = np.frombuffer(foot[:rows], INDEX), Description(**json.loads(foot[rows:]))
        except (ValueError, TypeError) as error:
            raise self._damaged(f"its description is wrong ({error})") from error
        if not description.sound or not within(index, start):
            raise self._damaged("its index and description speak of what cannot be")
        return index, description

    def _damaged(self, why: str) -> StorageError:
        return StorageError(f"{self.path}: {why}; build the graph again")

    def block(self, number: int) -> Block:
        """Return a block. Raises StorageError when it is damaged."""
        row = {name: int(self.index[name][number]) for name in INDEX.names or ()}
        body = self._map[row["offset"] : row["offset"] + row["bytes"]]
        place = f"block {number} at byte {row['offset']:,}"
        if not self._seen[number]:
            if len(body) != row["bytes"] or zlib.crc32(body.data) != row["crc"]:
                raise self._damaged(f"{place}: its check sum is wrong")
            self._seen[number] = True
        cuts = np.cumsum([0, row["targets"], row["escapes"], (row["arcs"] + 3) // 4, row["data"] + PADDING]).tolist()
        width = self.description.code_bytes
        start = aligned(cuts[-1])
        codes = body[start : start + width * row["arcs"]]
        degrees, escapes, control, data = (body[a:b] for a, b in pairwise(cuts))
        whole = len(data) == row["data"] + PADDING and len(codes) == width * row["arcs"]
        if not whole or not check_block(degrees, escapes, control, row["data"], row["arcs"]):
            raise self._damaged(f"{place}: its lengths do not agree")
        coded = codes.view(f"<u{width}") if width else codes
        return Block(row["first"], row["targets"], row["arcs"], (degrees, escapes, control, data), coded)


class Arcs:
    """All arcs of a level: blocks in the order of slots, over all its files. Safe for several threads.

    first, targets, arcs: int64 per block. loop: how many of the blocks have linking targets; the others' are dangling.
    classes: how many there are, which whoever knows their table sets; a block with a code beyond is damaged.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files = [ArcsFile(path) for path in paths]
        if not self._files:
            raise StorageError("a graph without arcs files; build it again")
        self.description = self._files[0].description
        for file in self._files:
            if file.description != self.description:
                raise StorageError(f"{file.path}: it belongs to another graph than {self._files[0].path.name}")
        places = [(f, b) for f, file in enumerate(self._files) for b in range(len(file.index))]
        firsts = np.array([int(self._files[f].index["first"][b]) for f, b in places], np.int64)
        order = np.argsort(firsts, kind="stable")
        self._places = [places[i] for i in order]
        self.first, self.targets, self.arcs = (self._column(name) for name in ("first", "targets", "arcs"))
        self.bytes = int(self._column("bytes").sum())
        self.loop = int(np.searchsorted(self.first, self.description.sources))
        self.classes = 1 << 8 * self.description.code_bytes
        self._check_order()
        self._lock = threading.Lock()
        self._blocks: list[Block | None] = [None] * len(places)

    def _column(self, name: str) -> NDArray[np.int64]:
        return np.array([int(self._files[f].index[name][b]) for f, b in self._places], np.int64)

    def _check_order(self) -> None:
        ends = self.first + self.targets
        whole = int(self.targets.sum()) == self.description.nodes and (ends[:-1] == self.first[1:]).all()
        within = self.loop == len(ends) or int(self.first[self.loop]) == self.description.sources
        if not whole or not within or (len(ends) and self.first[0] != 0):
            folder = self._files[0].path.parent
            raise StorageError(f"{folder}: its blocks are not those of one whole graph; build it again")

    def __len__(self) -> int:
        return len(self.first)

    @property
    def total(self) -> int:
        """Arcs in all."""
        return int(self.arcs.sum())

    def block(self, number: int) -> Block:
        """Return a block; raises StorageError when it is damaged."""
        found = self._blocks[number]
        if found is None:
            file, place = self._places[number]
            with self._lock:
                found = self._files[file].block(place)
            if len(found.codes) and int(found.codes.max()) >= self.classes:
                raise self.damaged(number, "an arc of a class")
            self._blocks[number] = found
        return found

    def groups(self) -> list[range]:
        """Return the blocks of linking targets in groups of GROUP targets or more, each those of whole files.

        Files are ranges of ids that the number of nodes alone decides, so groups do not depend on the size of blocks.
        """
        cuts, held = [0], 0
        for number in range(1, self.loop):
            held += int(self.targets[number - 1])
            if held >= GROUP and self._places[number][0] != self._places[number - 1][0]:
                cuts.append(number)
                held = 0
        return [range(a, b) for a, b in pairwise([*cuts, self.loop]) if b > a]

    def mark(self) -> bytes:
        """Return what tells these arcs from others: a digest of the indexes, check sums of blocks among them."""
        return hashlib.sha256(b"".join(file.index.tobytes() for file in self._files)).digest()

    def damaged(self, number: int, what: str = "an arc from a node") -> StorageError:
        """Return the error for a block that speaks of what does not exist: a source that a kernel met, or a class."""
        file, block = self._places[number]
        return StorageError(
            f"{self._files[file].path}: block {block}: {what} that does not exist; build the graph again"
        )

    def blocks(self) -> Iterator[Block]:
        """Yield all blocks."""
        yield from (self.block(number) for number in range(len(self)))
