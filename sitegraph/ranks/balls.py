"""The balls of HyperBall: rows of the nodes that link, sizes of all, and the pass that takes them one arc further.

What is computed, and why rows are set aside, is said in hyperball.py. The pass reads blocks as sweep.py does: a chunk
of sources is decoded, `sift` leaves those whose ball must be read, and only then are rows united, without a branch per
arc.
"""

import tempfile
import threading
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel, uncounted
from corpus.storage import as_storage_error
from sitegraph.ranks.hyperloglog import LINE, Rows, add, estimate, raise_by_line, raise_by_part, rows, sigmas
from sitegraph.ranks.passes import Passes
from sitegraph.store.arcs import Block
from sitegraph.store.lists import NOWHERE, chunks_of, next_chunk, room, scratch

Flags = NDArray[np.uint8]
Sizes = NDArray[np.float32]
PIECE: Final = 1 << 16
"""Nodes that a thread takes at a time where no arcs are read."""
CODES: Final = 1 << 16
"""Class codes that a block can hold; flags of classes are as many, so that no code is out of bounds."""
ALL: Final = np.zeros(0, np.uint8)
"""In place of flags: everything is wanted."""


@kernel
def sift(chunk: Any, used: Any, codes: Any, first: Any, counted: Any, grown: Any, wanted: Any) -> Any:
    """Leave in a chunk (see next_chunk) of `used` runs the arcs to follow, in place; return runs left and arcs seen.

    Those are the arcs whose class is counted (uint8 per code), from a source that has grown (bit per source, the lowest
    first) to a target that is wanted (uint8 each); with empty arrays everything is. first: arc of ids[0].
    """
    ids, targets, ends = chunk
    coded, choosing, choosy = len(codes) > 0, len(grown) > 0, len(wanted) > 0
    at, kept, left = np.uint64(0), np.uint64(0), 0
    for r in range(used):
        t, stop, begin = targets[r], np.uint64(ends[r]), kept
        if not choosy or wanted[t]:
            for k in range(at, stop):
                s = np.uint64(ids[k])
                keep = np.uint8(1)
                if choosing:
                    keep = grown[s >> np.uint64(3)] >> np.uint8(s & np.uint64(7)) & np.uint8(1)
                if coded:
                    keep &= counted[np.uint64(codes[first + k])]
                ids[kept] = s
                kept += np.uint64(keep)
        at = stop
        if kept > begin:
            targets[left], ends[left] = t, kept
            left += 1
    return left, at


@kernel
def join(chunk: Any, used: Any, registers: Any, into: Any, met: Any) -> None:
    """Raise the rows of the targets of sifted runs by those of their sources, and set their flags in `met`."""
    ids, targets, ends = chunk
    start = np.uint64(0)
    for r in range(used):
        t, stop = np.uint64(targets[r]), np.uint64(ends[r])
        met[t] = 1
        if into.shape[1] >= LINE:
            raise_by_line(into, t, registers, ids, start, stop)
        else:
            raise_by_part(into, t, registers, ids, start, stop)
        start = stop


def unite(
    block: Any, codes: Any, counted: Any, references: Any, registers: Any, grown: Any, wanted: Any, into: Any, met: Any
) -> bool:
    """Raise the rows of a block's targets (uint8[targets, m]) by those of their sources; False where it is damaged.

    met: uint8[targets], set for targets with an arc that was followed. registers: uint8[sources, m]. The rest as in
    sift; into without rows only sets met.
    """
    work, chunk = scratch(), room(1)
    return bool(unite_chunks(block, codes, counted, references, registers, grown, wanted, into, met, work, chunk))


@uncounted
def unite_chunks(
    block: Any, codes: Any, counted: Any, references: Any, registers: Any, grown: Any, wanted: Any, into: Any, met: Any,
    work: Any, chunk: Any,
) -> Any:  # fmt: skip
    reading = NOWHERE
    first = np.uint64(0)
    for _ in range(chunks_of(block[2])):
        used, reading = next_chunk(reading, block, references, len(registers), work, chunk, np.uint64(0))
        if used == 0:
            return False
        left, seen = sift(chunk, used, codes, first, counted, grown, wanted)
        if len(into):
            join(chunk, left, registers, into, met)
        else:
            for r in range(left):
                met[chunk[1][r]] = 1
        first += seen
    return True


@kernel
def settle(into: Any, before: Any, met: Any, zero: Any, sizes: Any, harmonic: Any, distance: Any) -> Any:
    """Measure the balls that were met and differ from before; return how many, and clear the flags of the others.

    into, before: uint8[k, m]. met uint8[k]; zero as in estimate. sizes (float32[k]) and harmonic (float64[k], or empty)
    follow.
    """
    grown = 0
    for t in range(len(met)):
        if met[t]:
            different = np.uint8(0)
            for j in range(into.shape[1]):
                different |= into[t, j] ^ before[t, j]
            met[t] = different != 0
        if met[t]:
            grown += 1
            size = max(sizes[t], np.float32(estimate(into[t], zero)))
            if len(harmonic):
                harmonic[t] += (np.float64(size) - np.float64(sizes[t])) / distance
            sizes[t] = size
    return grown


def raised(before: Rows) -> Rows:
    """Return a copy of rows, to be raised."""
    into = rows(*before.shape)
    into[:] = before
    return into


class Balls:
    """Balls of a graph within `distance` arcs, 0 at first. Use it as a context manager.

    registers: uint8[sources, 2 ** log2m]. sizes: float32[n] by slot, of balls with their centre. harmonic: float64[n],
    empty without centrality. growing: linking nodes whose ball grew in the last pass, those with a flag.
    """

    def __init__(
        self, passes: Passes, log2m: int, seed: int = 0, *, centrality: bool = True, scratch: Path | None = None
    ) -> None:
        graph = passes.graph
        self._passes, self._log2m, self._seed = passes, log2m, seed
        self.distance, self.growing = 0, graph.numbering.sources
        self._counted = np.zeros(CODES, np.uint8)
        self._counted[: len(passes.weights)] = passes.weights > 0.0
        if not self._counted.any():
            self.growing = 0
        self._zero = sigmas(1 << log2m)
        self.sizes: Sizes = np.ones(graph.n, np.float32)
        self.harmonic = np.zeros(graph.n if centrality else 0)
        self._flags = np.ones(graph.numbering.sources, np.uint8)
        self.registers = rows(graph.numbering.sources, 1 << log2m)
        self._aside = Aside(scratch)
        passes.spread(range(0, len(self.registers), PIECE), self._begin)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._aside.close()

    @property
    def state(self) -> tuple[NDArray[Any], ...]:
        """Return all that a pass changes, for a file to keep."""
        return self.registers, self.sizes, self.harmonic, self._flags

    def go_on(self, distance: int) -> None:
        """Take up the state after the pass to `distance`, which `state` holds."""
        self.distance, self.growing = distance, int(self._flags.sum(dtype=np.int64))

    def _begin(self, at: int) -> None:
        part = self.registers[at : at + PIECE]
        add(self._passes.graph.numbering.ids(np.arange(at, at + len(part))), self._seed, self._log2m, part)

    def grow(self) -> None:
        """Take all balls one arc further."""
        self.distance += 1
        self._grown = np.packbits(self._flags, bitorder="little")
        self._passes.each(self._passes.loop, self._link)
        self._passes.each(self._passes.tail, self._dangle)
        self._aside.replay(self.registers)
        self.growing = int(self._flags.sum(dtype=np.int64))

    def _unite(self, block: Block, grown: Flags, wanted: Flags, into: Rows, met: Flags) -> bool:
        references, codes = block.references, self._passes.codes(block)
        followed = (block.sections, codes, self._counted, references, self.registers, grown, wanted)
        return unite(*followed, into, met)

    def _settle(self, block: Block, into: Rows, before: Rows, met: Flags) -> int:
        part = slice(block.first, block.first + block.targets)
        grew = settle(into, before, met, self._zero, self.sizes[part], self.harmonic[part], self.distance)
        return int(grew)

    def _link(self, number: int, block: Block) -> bool:
        """Do a block of linking targets."""
        part = slice(block.first, block.first + block.targets)
        before, met = self.registers[part], self._flags[part]
        into = raised(before)
        met[:] = 0
        if not self._unite(block, self._grown, ALL, into, met):
            return False
        if self._settle(block, into, before, met):
            self._aside.put(block.first, met, into)
        return True

    def _dangle(self, number: int, block: Block) -> bool:
        """Do a block of dangling targets, those of which a source grew."""
        wanted = ALL
        if 2 * self.growing < len(self.registers):
            wanted = np.zeros(block.targets, np.uint8)
            if not self._unite(block, self._grown, ALL, self.registers[:0], wanted):
                return False
            if not wanted.any():
                return True
        alone, met = rows(block.targets, 1 << self._log2m), np.zeros(block.targets, np.uint8)
        ids = self._passes.graph.numbering.ids(np.arange(block.first, block.first + block.targets))
        add(ids, self._seed, self._log2m, alone)
        into = raised(alone)
        if not self._unite(block, ALL, wanted, into, met):
            return False
        self._settle(block, into, alone, met)
        return True


class Aside:
    """Rows that grew in a pass, set aside until all have read the old ones: in memory, or in a file in `folder`."""

    def __init__(self, folder: Path | None) -> None:
        self._path, self._lock = folder / "balls" if folder else None, threading.Lock()
        self._held: list[tuple[NDArray[np.uint32], Rows | None]] = []  # None: the rows are the next in the file
        if folder and self._path:
            with as_storage_error(self._path):
                self._file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115 - lives as long as this

    def put(self, first: int, flags: Flags, into: Rows) -> None:
        """Set aside the rows of `into` that have a flag; row i is that of slot first + i. Safe for several threads."""
        at = np.flatnonzero(flags)
        slots, grown = (at + first).astype(np.uint32), into[at]
        with self._lock:
            self._held.append((slots, None if self._path else grown))
            if self._path:
                with as_storage_error(self._path):
                    left = grown.data.cast("B")
                    while left:  # a file may take a part only
                        left = left[self._file.write(left) :]

    def replay(self, registers: Rows) -> None:
        """Write the rows to their places, and hold none any more."""
        if self._path:
            self._file.seek(0)
        for slots, grown in self._held:
            registers[slots] = self._read(len(slots), registers.shape[1]) if grown is None else grown
        self._held.clear()
        if self._path:
            self._file.seek(0)

    def _read(self, count: int, width: int) -> Rows:
        grown = np.empty((count, width), np.uint8)
        if self._file.readinto(grown.data) != grown.nbytes:
            raise StorageError(f"{self._path}: it ends before the rows that were written to it; run again")
        return grown

    def close(self) -> None:
        """Delete the file."""
        if self._path:
            self._file.close()
