"""Passes over a source: its row groups in a new order each time, dealt to lanes, and cut into windows.

A pass permutes the row groups of a source with a keyed permutation of (seed, source, number of the pass) and joins them
to one line, which is cut into V stretches of equal length, one for each lane. So no lane reads what another one does,
but for the row groups on which a cut falls, V - 1 at most; a document there is cut in two. Within its stretch a lane
goes on window by window: 1, 2, 4 ... row groups, then `window` each, so that the first batch waits for one row group of
each lane. The documents of a window are shuffled and packed together (window.py); what that needs is one window, so any
sequence can be had without those before it.

Lengths are in units: tokens, or, where a sequence holds one document, sequences. How many sequences a window gives
follows from them alone:

    concat     its tokens are part of the lane's stream, sequence i of which is tokens i S to (i + 1) S
    best_fit   as many sequences as its tokens fill, rounded up
    pad        as many as it has units

A pass gives each lane the same number of sequences: as many as the lane that has the fewest. What is left over is
counted; in the next pass it is another part of the data. With concat and pad that number is the same in every pass, so
any pass is found at once; with best_fit it follows from the order, so passes are counted up to the one asked for.

Numbers of row groups take 32 bits where they fit, so 15 M row groups cost 60 MB, and a pass over them 180 MB.
"""

import functools
import threading
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.reader.permutation import Permutation
from corpus.reader.settings import Packing
from corpus.settings import fingerprint

ALGORITHM = 6
"""Raised when the same settings give another order."""
PIECE = 1 << 16
"""Places permuted at a time: what fits a core's cache, so that little memory is needed beside the result."""
Ints = npt.NDArray[np.int64] | npt.NDArray[np.int32]


def numbers(size: int) -> npt.DTypeLike:
    """Return the dtype for 0 .. size - 1: int32 where it will do."""
    return np.int32 if size <= 1 << 31 else np.int64


def permuted(size: int, *key: Any) -> Ints:
    """Return 0 .. size - 1 in the order that a key names."""
    permutation = Permutation(size, fingerprint(ALGORITHM, *key).encode())
    found: Ints = np.empty(size, numbers(size))
    for at in range(0, size, PIECE):
        found[at : at + PIECE] = permutation(np.arange(at, min(at + PIECE, size)))
    return found


def window_starts(count: int, window: int) -> npt.NDArray[np.int64]:
    """Return which of `count` row groups begin a window: windows double until they have `window` row groups."""
    growing = [0]
    while 1 << len(growing) - 1 < window:
        growing.append(2 * growing[-1] + 1)
    starts = np.concatenate([growing[:-1], np.arange(growing[-1], max(count, growing[-1]), window)]).astype(np.int64)
    return starts[starts < count]


@dataclass(frozen=True, slots=True)
class Part:
    """Units `low` to `high` of a row group."""

    group: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Place:
    """Sequence `number` of window `window` of a lane in a pass, or, with concat, units from `start` on of it."""

    window: int
    start: int


class Pass:
    """One pass over the row groups of a source.

    groups: their numbers in the order of the pass; starts: where each begins on the line (one entry more, the end).
    """

    def __init__(self, groups: Ints, units: Ints, lanes: int, window: int, length: int, packing: Packing) -> None:
        self.groups = groups
        self.starts = np.zeros(len(units) + 1, np.int64)
        np.cumsum(units, out=self.starts[1:])
        self._lanes, self._window, self._length, self._packing = lanes, window, length, packing
        self._windows = functools.lru_cache(maxsize=256)(self._make_windows)

    @property
    def units(self) -> int:
        """Length of the line."""
        return int(self.starts[-1])

    def stretch(self, lane: int) -> tuple[int, int]:
        """Return where a lane's stretch of the line begins and ends."""
        return lane * self.units // self._lanes, (lane + 1) * self.units // self._lanes

    @functools.cached_property
    def sequences(self) -> int:
        """Sequences of each lane."""
        if self._packing == "best_fit":
            return min(int(self.windows(lane)[1][-1]) for lane in range(self._lanes))
        shortest = self.units // self._lanes
        return shortest // self._length if self._packing == "concat" else shortest

    def windows(self, lane: int) -> tuple[Ints, Ints]:
        """Return where a lane's windows begin on the line, and how many sequences came before each; the ends too."""
        found: tuple[Ints, Ints] = self._windows(lane)
        return found

    def _make_windows(self, lane: int) -> tuple[Ints, Ints]:
        begin, end = self.stretch(lane)
        first = int(np.searchsorted(self.starts, begin, side="right")) - 1
        last = int(np.searchsorted(self.starts, end, side="left"))
        places = window_starts(max(last - first, 1), self._window)
        edges = np.append(self.starts[first + places], end)
        edges[0] = begin
        sizes = np.diff(edges)
        counts = sizes if self._packing == "pad" else -(-sizes // self._length)
        return edges, np.concatenate([[0], np.cumsum(counts)])

    def parts(self, lane: int, window: int) -> list[Part]:
        """Return the parts of row groups that make up a window."""
        edges, _ = self.windows(lane)
        begin, end = int(edges[window]), int(edges[window + 1])
        at = int(np.searchsorted(self.starts, begin, side="right")) - 1
        found = []
        while begin < end:
            base, stop = int(self.starts[at]), min(end, int(self.starts[at + 1]))
            if stop > begin:
                found.append(Part(int(self.groups[at]), begin - base, stop - base))
            begin, at = stop, at + 1
        return found

    def places(self, lane: int, sequence: int) -> list[Place]:
        """Return where a lane's sequence lies: one place, or with concat as many as there are windows that it spans."""
        edges, before = self.windows(lane)
        if self._packing != "concat":
            window = int(np.searchsorted(before, sequence, side="right")) - 1
            return [Place(window, sequence - int(before[window]))]
        start = int(edges[0]) + sequence * self._length
        window = int(np.searchsorted(edges, start, side="right")) - 1
        found, end = [], start + self._length
        while start < end:
            if edges[window + 1] > start:  # else all its row groups are empty
                found.append(Place(window, start - int(edges[window])))
            window += 1
            start = int(edges[window])
        return found


class Source:
    """The endless stream of a source: pass after pass. Members: numbers of its row groups; units of each of those."""

    def __init__(self, name: str, members: Ints, units: Ints, lanes: int, window: int, length: int, packing: Packing,
                 seed: int) -> None:  # fmt: skip
        self.name, self.members, self.units = name, members, units
        self._shape = (lanes, window, length, packing)
        self._seed = seed
        self._passes = functools.lru_cache(maxsize=2)(self._make)
        self._ends: list[int] = [0]
        self._counting = threading.Lock()

    def pass_at(self, number: int) -> Pass:
        """Return a pass."""
        found: Pass = self._passes(number)
        return found

    def _make(self, number: int) -> Pass:
        order = permuted(len(self.members), "pass", self._seed, self.name, number)
        return Pass(self.members[order], self.units[order], *self._shape)

    @functools.cached_property
    def total(self) -> int:
        """Its units."""
        return int(self.units.sum(dtype=np.int64))

    @functools.cached_property
    def _each(self) -> int | None:
        """Sequences of each lane in any pass; None where that depends on the pass."""
        lanes, _, length, packing = self._shape
        shortest = self.total // lanes
        return {"concat": shortest // length, "pad": shortest, "best_fit": None if shortest else 0}[packing]

    def sequences(self, passes: int) -> int:
        """Return how many sequences each lane has in so many passes."""
        if self._each is not None:
            return passes * self._each
        with self._counting:  # threads that read ahead ask too
            while len(self._ends) <= passes:
                self._ends.append(self._ends[-1] + self.pass_at(len(self._ends) - 1).sequences)
        return self._ends[passes]

    def locate(self, sequence: int) -> tuple[int, int]:
        """Return the pass that a lane's sequence of this source is in, and its number there."""
        if self._each is not None:
            return divmod(sequence, self._each)
        number = max(0, bisect_right(self._ends, sequence) - 1)
        while self.sequences(number + 1) <= sequence:
            number += 1
        return number, sequence - self.sequences(number)

    def passes(self, sequences: int) -> float:
        """Return how many passes the first `sequences` of each lane take: 2.5 are two and the half of a third."""
        if not sequences:
            return 0.0
        number, within = self.locate(sequences - 1)
        return number + (within + 1) / (self.sequences(number + 1) - self.sequences(number))
