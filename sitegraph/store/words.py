"""Arcs of one range of targets in words of four bytes: what a spill keeps of them until the range is sorted.

    | gap | target within the range |     32 bits; the target has the lower `bits` of them, at most 24

A gap is what the source of an arc is above that of the arc before. Where that is too much for its bits, or negative,
they are all set, and the next word is the source itself. Arcs that come by source, as in published graphs, take one
word each nearly always, and arcs in no order take two, which is what a pair of ids takes.

A call's stretch of a range begins with a source in full, so stretches lie one behind another, and the last can be cut
off.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import inlined, kernel

WORST: Final = 2
"""Words that an arc takes at most."""
NOTHING: Final = 1 << 40
"""Stands for the source before the first: no id's gap from it fits."""


@inlined
def full_gap(bits: Any) -> Any:  # uint64 -> uint64: the gap whose bits are all set
    return (np.uint64(1) << (np.uint64(32) - bits)) - np.uint64(1)


@kernel
def pack(source: Any, target: Any, bits: Any, nexts: Any, words: Any) -> None:  # uint32[m] both, uint32[WORST * m]
    """Put each arc into its range's stretch of words.

    nexts int64[ranges]: where the next word of a range goes, advanced here; room for WORST words an arc lies behind it.
    Arcs of a range keep their order.
    """
    shift = np.uint64(bits)
    mask, full = (np.uint64(1) << shift) - np.uint64(1), full_gap(shift)
    befores = np.full(len(nexts), NOTHING, np.uint64)
    last, at, before = np.uint64(0), np.uint64(nexts[0]), befores[0]
    for i in range(np.uint64(len(source))):
        s, t = np.uint64(source[i]), np.uint64(target[i])
        r = t >> shift
        if r != last:  # what belongs to a range that goes on is kept at hand
            nexts[last], befores[last] = at, before
            last, at, before = r, np.uint64(nexts[r]), befores[r]
        gap = s - before
        before = s
        if gap < full:
            words[at] = gap << shift | t & mask
        else:
            words[at] = full << shift | t & mask
            at += np.uint64(1)
            words[at] = s
        at += np.uint64(1)
    nexts[last] = at


@inlined
def next_arc(words: Any, i: Any, source: Any, shift: Any, full: Any) -> Any:  # -> target, source, place behind the arc
    """Read the arc at words[i]; source: that of the arc before. shift, full: the bits of targets, and `full_gap`."""
    word, after = np.uint64(words[i]), i + np.uint64(1)
    if word >> shift == full:
        source = np.uint64(words[after]) if after < np.uint64(len(words)) else np.uint64(0)
        after += np.uint64(1)
    else:
        source += word >> shift
    return word & ((np.uint64(1) << shift) - np.uint64(1)), source, after


@kernel
def unpack(words: Any, bits: Any, width: Any, keys: Any) -> Any:
    """Write the arcs of words into keys (uint64[m]): target in the upper half, source in the lower.

    Return how many arcs with targets below `width` the words hold, those beyond m are not written; and the largest
    source.
    """
    shift, full = np.uint64(bits), full_gap(np.uint64(bits))
    i, at, n, m = np.uint64(0), np.uint64(0), np.uint64(len(words)), np.uint64(len(keys))
    source, largest, within = np.uint64(0), np.uint64(0), np.uint64(width)
    while i < n:
        target, source, i = next_arc(words, i, source, shift, full)
        largest = max(largest, source)
        if at < m:
            keys[at] = target << np.uint64(32) | source & np.uint64(0xFFFFFFFF)
        at += np.uint64(target < within)
    return at, largest


@dataclass(frozen=True, slots=True)
class Packed:
    """The arcs of a range: uint32 words, how many arcs they hold, how many targets there are, and where they lie."""

    words: NDArray[np.uint32]
    bits: int
    arcs: int
    width: int
    path: Path

    def keys(self, sources: int) -> NDArray[np.uint64]:
        """Return the arcs as numbers in the order in which they came: target within the range, source below it.

        Raises StorageError where there are more or fewer than were written, or a source is none of the `sources`.
        """
        keys = np.empty(self.arcs, np.uint64)
        found, largest = unpack(self.words, self.bits, self.width, keys)
        self.check(int(found), int(largest), sources)
        return keys

    def check(self, found: int, largest: int, sources: int) -> None:
        """Raise StorageError unless as many arcs as there should be were found, from and into nodes that there are."""
        if found != self.arcs:
            told = f"{found:,} arcs where {self.arcs:,} were written"
        elif found and largest >= sources:
            told = f"an arc from {largest:,}, which is none of {sources:,} nodes"
        else:
            return
        raise StorageError(f"{self.path}: {told}; delete its folder and build again")
