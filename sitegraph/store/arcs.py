"""The arcs file: blocks of in-lists (lists.py), an index, and a check sum over each.

    magic | block | block ... | index | description (JSON) | lengths of both, their CRC-32 | magic

A block's sections lie one after another: degrees, escapes, control, data, then PADDING bytes, then the codes from the
next multiple of 8 on, and again up to one. The index has a row per block (INDEX): its first target's slot, how many
targets, arcs and bytes, what its lists are relative to, and the CRC-32 of its bytes. A graph has one file per range of
node ids, each with the blocks of that range's linking targets first, tier by tier, and of its dangling ones after them,
so that files can be written one by one, in one pass, and be read as if they were one.

A block is handed out only after its check sum was compared (checkedfile.py), its lengths agree, and with views of
exactly its bytes; kernels check each source before they use it. So damage is a StorageError with file, block and
offset, whatever it is.
"""

import hashlib
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel
from corpus.storage import ShardSet, WholeWriter
from sitegraph.store.checkedfile import TAIL, CheckedFile
from sitegraph.store.lists import check_block, encode_lists, to_degrees
from sitegraph.store.vbyte import PADDING

MAGIC: Final = b"HWARCS2\n"
BLOCK: Final = 1 << 12
"""Targets of a block, at most."""
GROUP: Final = 1 << 14
"""Targets of a group, at least; on fewer, sharing it out to threads takes longer than working through it."""
LARGE: Final = 1 << 18
"""Targets that are enough for a group, however many there are: its sums stay in the cache."""
GROUPS: Final = 32
"""Groups that are enough for a graph. At the end of each threads wait for one another: a group of nine blocks on two
threads takes a tenth longer than it need. And with four times as many groups a rank converges one sweep sooner."""
INDEX: Final = np.dtype(
    [
        ("offset", "<i8"),  # of the block in the file
        ("bytes", "<i8"),
        ("first", "<i8"),  # slot of its first target
        ("targets", "<i8"),
        ("arcs", "<i8"),
        ("escapes", "<i8"),  # bytes
        ("data", "<i8"),  # bytes
        ("low", "<i8"),  # reference of its first target
        ("high", "<i8"),  # of its last
        ("crc", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What holds for all files of a level's arcs.

    nodes, sources: how many there are, and how many of them link. links: the check sum of which ones do, and of what
    tiers they are, as all slots hang on that. code_bytes: bytes per class code (0, 1, 2).
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
    """A block, checked. ends: the references of its first and last target. sections: degrees, escapes, control, data
    (uint8); codes: uint8, uint16 or empty."""

    first: int
    targets: int
    arcs: int
    ends: tuple[int, int]
    sections: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
    codes: NDArray[Any]

    @property
    def references(self) -> NDArray[np.int64]:
        """What each of its lists is relative to."""
        return references(*self.ends, self.targets)


def references(low: int, high: int, targets: int) -> NDArray[np.int64]:
    """Return the references of consecutive targets, of which those of the first and the last are given.

    Between them they lie on a line, rounded: as good as what a walk over the nodes would find, for a first gap takes
    whole bytes, and a reader need not know which nodes link. Numbers below 2**31 with 32 bits behind the point, as a
    division for each would take a fiftieth of a sweep.
    """
    found = np.empty(targets, np.int64)
    fill_line(low, (high - low << 32) // max(targets - 1, 1), found)
    return found


@kernel
def fill_line(low: Any, step: Any, out: Any) -> None:  # int64 both, 32 bits of a step behind the point; int64[n]
    for i in range(len(out)):
        out[i] = low + (i * step + (1 << 31) >> 32)


def aligned(length: int) -> int:
    """Return the multiple of 8 from a length on."""
    return (length + 7) // 8 * 8


class ArcsWriter(WholeWriter):
    """Write one arcs file, block by block: `with ArcsWriter(...) as out: out.write(...)`; then `out.written`."""

    def __init__(self, shard_set: ShardSet, part: int, description: Description) -> None:
        super().__init__(shard_set.root, shard_set.path(part))
        self._description = description
        self._index: list[tuple[int, ...]] = []
        self._room = np.empty(0, np.uint8)

    @contextmanager
    def _frame(self) -> Iterator[None]:
        self._file.write(MAGIC)
        yield
        index = np.array(self._index, INDEX).tobytes()
        text = json.dumps(asdict(self._description), sort_keys=True).encode()
        self._file.write(index + text + TAIL.pack(len(index), len(text), isal_zlib.crc32(index + text), MAGIC))

    def write(
        self,
        first: int,
        offsets: NDArray[np.int64],
        sources: NDArray[np.uint32],
        codes: NDArray[Any],
        ends: tuple[int, int],
    ) -> None:
        """Write the lists of consecutive targets from slot `first` on.

        offsets int64[count + 1] from 0 on into sources (slots, ascending within a list, none twice) and codes (a class
        each; none where the graph has one). ends: references of the first and last target, numbers up to that of
        sources.
        """
        count, m, width = len(offsets) - 1, len(sources), self._description.code_bytes
        degrees, escapes = np.empty(count, np.uint8), np.empty(count, "<u4")
        used = 4 * int(to_degrees(offsets, degrees, escapes))
        control = count + used
        data = control + (m + 3) // 4
        body = self._body(data + 4 * m + 2 * PADDING + width * m)
        body[:count], body[count:control] = degrees, escapes.view(np.uint8)[:used]
        size = int(encode_lists(offsets, sources, references(*ends, count), body[control:data], body[data:]))
        coded = aligned(data + size + PADDING)
        end = coded + width * m
        body[data + size : coded], body[end : aligned(end)] = 0, 0
        if width:
            body[coded:end] = codes.astype(f"<u{width}").view(np.uint8)
        block = body[: aligned(end)].data
        self._index.append((self._file.bytes, len(block), first, count, m, used, size, *ends, isal_zlib.crc32(block)))
        self._file.write(block)
        self.rows += m

    def _body(self, size: int) -> NDArray[np.uint8]:
        """Return room for a block, kept for the next."""
        if len(self._room) < size:
            self._room = np.empty(size, np.uint8)
        return self._room


def within(index: NDArray[Any], end: int, sources: int) -> bool:
    """Say whether all blocks of an index lie before byte `end` of the file, have targets, refer to sources that there
    are, and nothing is negative."""
    least = all(bool((index[name] >= 0).all()) for name in INDEX.names or ())
    lie = bool((index["offset"] <= end).all()) and bool((index["bytes"] <= end - index["offset"]).all())
    refer = bool((index["low"] <= sources).all()) and bool((index["high"] <= sources).all())
    return least and lie and refer and bool((index["targets"] > 0).all()) and not (index["offset"] % 8).any()


class ArcsFile(CheckedFile):
    """An arcs file; `index` has a row per block."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, MAGIC, "an arcs file")
        rows, text = self._numbers
        if rows % INDEX.itemsize:
            raise self._cut_short()
        start, found = self._foot(rows + text)
        foot = found.tobytes()
        try:
            self.index, self.description = np.frombuffer(foot[:rows], INDEX), Description(**json.loads(foot[rows:]))
        except (ValueError, TypeError) as error:
            raise self._damaged(f"its description is wrong ({error})") from error
        if not self.description.sound or not within(self.index, start, self.description.sources):
            raise self._damaged("its index and description speak of what cannot be")

    def block(self, number: int) -> Block:
        """Return a block. Raises StorageError when it is damaged."""
        row = {name: int(self.index[name][number]) for name in INDEX.names or ()}
        start, place = row["offset"], f"block {number} at byte {row['offset']:,}"
        body = self._part(number, start, start + row["bytes"], row["crc"], f"{place}: its check sum is wrong")
        cuts = np.cumsum([0, row["targets"], row["escapes"], (row["arcs"] + 3) // 4, row["data"] + PADDING]).tolist()
        width = self.description.code_bytes
        at = aligned(cuts[-1])
        codes = body[at : at + width * row["arcs"]]
        degrees, escapes, control, data = (body[a:b] for a, b in pairwise(cuts))
        whole = len(data) == row["data"] + PADDING and len(codes) == width * row["arcs"]
        if not whole or not check_block(degrees, escapes, control, row["data"], row["arcs"]):
            raise self._damaged(f"{place}: its lengths do not agree")
        coded = codes.view(f"<u{width}") if width else codes
        ends = row["low"], row["high"]
        return Block(row["first"], row["targets"], row["arcs"], ends, (degrees, escapes, control, data), coded)


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

    def slots(self, numbers: Sequence[int]) -> tuple[int, int]:
        """Return the first slot of the targets of consecutive blocks, one or more, and the slot behind the last."""
        return int(self.first[numbers[0]]), int(self.first[numbers[-1]] + self.targets[numbers[-1]])

    def groups(self) -> list[range]:
        """Return the blocks of linking targets in about GROUPS groups: fewer where these would have less than GROUP
        targets, more where they would have more than LARGE.

        Each is what whole files, ranges of ids that the number of nodes alone decides, have of a tier, or several:
        so groups do not depend on the size of blocks.
        """
        least = max(GROUP, min(self.description.sources // GROUPS, LARGE))
        cuts, held = [0], 0
        for number in range(1, self.loop):
            held += int(self.targets[number - 1])
            if held >= least and self._places[number][0] != self._places[number - 1][0]:
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
