"""Ids, places and slots: the same nodes, numbered three times.

An id is a node's rank by reversed name, as in the Common Crawl web graphs. A place is its number when the nodes that
link come first and dangling ones after them, each group by name. Three nodes in four are dangling, and what a rank
reads at random belongs to linking ones; by place it lies in a quarter of the memory, without gaps.

Where that is still more than a cache holds, those that link most come first of all: the first tier, then the next one,
each by name. That number is the slot, by which arcs and ranks are stored; without tiers it is the place. Out-degrees
are so skewed that the sources of two thirds of all arcs are one in twenty; put together they share cache lines, and lie
in lists next to one another. While a graph is built its nodes are told by place, as hosts of a domain lie together.

A bitmap of linking nodes and a count at every 32 of them answer both ways: 2 bits per node, where a table would take
32. Bitmap and count lie in one word, so an answer is one read, of memory that mostly is in no near cache. Tiers are a
numbering of the same kind among linking nodes: a bitmap of all but the last tier's, and so on within these.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel

PER_WORD: Final = 32
"""Nodes of a word of the directory; kernels shift by 5 and 32 for it."""
TIERS: Final = (1 / 200, 1 / 20, 1 / 5)
"""Shares of the linking nodes in the first tier, the first two, and so on; the last one has the others."""
MOST: Final = len(TIERS) + 1
"""There are no more tiers than this."""
TIERED: Final = 1 << 21
"""Linking nodes from which on there are tiers: what is read at random of fewer lies in the cache, or nearly."""
PIECE: Final = 1 << 22
"""Nodes whose degrees are looked at together."""

Ids = NDArray[np.int64]
Degrees = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Numbering:
    """nodes: how many there are. directory: uint64 per 32 nodes, and one more: bit i of word i // 32 is set when node i
    links, and the upper half is how many link in the words before. among: of linking nodes among themselves, their
    places there being ids; what "links" in it are those of all tiers but the last. None where there are no tiers."""

    nodes: int
    directory: NDArray[np.uint64]
    among: "Numbering | None" = None

    @classmethod
    def of_flags(cls, links: NDArray[np.bool_], among: "Numbering | None" = None) -> Self:
        """Return the numbering of nodes of which links[i] says whether node i links."""
        directory = np.zeros((len(links) + PER_WORD - 1) // PER_WORD + 1, "<u4")
        packed = np.packbits(links, bitorder="little")
        directory.view(np.uint8)[: len(packed)] = packed
        words = directory.astype(np.uint64)
        fill_counts(words)
        return cls(len(links), words, among)

    @classmethod
    def of_degrees(cls, degrees: Degrees) -> Self:
        """Return the numbering of nodes by how many arcs leave each (uint16, the largest number: that many or more)."""
        numbering = cls.of_flags(degrees > 0)
        if numbering.sources < TIERED:
            return numbering
        return cls(numbering.nodes, numbering.directory, cls._of_limits(degrees[degrees > 0], tier_limits(degrees)))

    @classmethod
    def _of_limits(cls, degrees: Degrees, limits: Sequence[int]) -> "Numbering | None":
        """Number sources by degree: limits are the least ones of the tiers but the last, falling."""
        if not limits:
            return None
        first = degrees >= limits[-1]
        return cls.of_flags(first, cls._of_limits(degrees[first], limits[:-1]))

    @classmethod
    def of_tiers(cls, tier: NDArray[np.uint8]) -> Self:
        """Return the numbering that has these tiers: what `tiers` returned. Raises ValueError for more than MOST."""
        last = int(tier.max(initial=0))
        if last > MOST:
            raise ValueError(f"tier {last}; there are at most {MOST}")
        return cls.of_flags(tier > 0, cls._within(tier[tier > 0], last))

    @classmethod
    def _within(cls, tier: NDArray[np.uint8], last: int) -> "Numbering | None":
        if last <= 1:
            return None
        first = tier < last
        return cls.of_flags(first, cls._within(tier[first], last - 1))

    @property
    def sources(self) -> int:
        """How many nodes link: the slots below are theirs."""
        return int(self.directory[-1] >> np.uint64(32))

    @property
    def bounds(self) -> NDArray[np.uint32]:
        """Return where tiers end among the slots, ascending; the last at `sources`."""
        return np.array([*(self.among.bounds if self.among else ()), self.sources], np.uint32)

    @property
    def flags(self) -> NDArray[np.bool_]:
        """Whether each node links."""
        words = (self.directory[:-1] & np.uint64(0xFFFFFFFF)).astype("<u4")
        return np.unpackbits(words.view(np.uint8), bitorder="little", count=self.nodes).astype(np.bool_)

    def tiers(self, others: int = 0) -> NDArray[np.uint8]:
        """Return the tier of each node, from 1 on; `others` for dangling ones."""
        found, flags = np.full(self.nodes, others, np.uint8), self.flags
        found[flags] = self.among.tiers(len(self.bounds)) if self.among else 1
        return found

    @property
    def mark(self) -> int:
        """What tells it from others: a CRC-32 of its bits."""
        return zlib.crc32(self.directory.astype("<u8", copy=False).data, self.among.mark if self.among else 0)

    def slots(self, ids: NDArray[Any]) -> Ids:
        """Return the slot of each id. Raises IndexError for one that is no node."""
        return self.slots_of(self.places(ids))

    def slots_of(self, places: Ids) -> Ids:
        """Return the slot of each place."""
        if not self.among:
            return places
        slots, linking = places.copy(), places < self.sources
        slots[linking] = self.among.slots(places[linking])
        return slots

    def places(self, ids: NDArray[Any]) -> Ids:
        """Return the place of each id. Raises IndexError for one that is no node."""
        return self._whole(_places(ids, self.directory, self.nodes), ids)

    def ids(self, slots: NDArray[Any]) -> Ids:
        """Return the id of each slot. Raises IndexError for one that is no node's."""
        if self.among:
            linking = (slots >= 0) & (slots < self.sources)
            slots = np.array(slots, np.int64)
            slots[linking] = self.among.ids(slots[linking])
        return self._whole(_ids(slots, self.directory, self.nodes), slots)

    def _whole(self, found: Any, asked: NDArray[Any]) -> Ids:
        if len(found) < len(asked):
            raise IndexError(f"{asked[len(found)]} is not one of {self.nodes:,} nodes")
        return np.asarray(found)

    def order(self) -> NDArray[np.uint32]:
        """Return the slots of linking nodes by place; empty where these are the same."""
        found = np.empty(self.sources if self.among else 0, np.uint32)
        for start in range(0, len(found), PIECE):
            part = found[start : start + PIECE]
            part[:] = self.slots_of(np.arange(start, start + len(part)))
        return found

    def references(self, ids: Ids) -> Ids:
        """Return how many nodes of the first tier come before each id: what a list is relative to (lists.py)."""
        before = np.asarray(_ranks(ids, self.directory))
        return self.among.references(before) if self.among else before

    def of_range(self, first: int, count: int) -> Ids:
        """Return the places of the `count` nodes from id `first` on, ascending: linking ones first."""
        begin, end = (rank(np.uint64(node), self.directory) for node in (first, first + count))
        dangling = self.sources + first - begin
        return np.concatenate([np.arange(begin, end), np.arange(dangling, dangling + count - (end - begin))])

    def by_id(self, values: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return values[slot] of the ids from `start` to `stop`."""
        taken: NDArray[Any] = values[self.slots(np.arange(start, stop))]
        return taken

    def by_place(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values, one per id, in the order of places."""
        found = np.empty_like(values)
        _by_place(values, self.directory, found)
        return found


def tier_limits(degrees: Degrees) -> list[int]:
    """Return the least degree of each tier but the last, falling; none for tiers that would be empty, or all there is.

    Sources of equal degree are of one tier, so a tier may have fewer than TIERS say.
    """
    times = np.zeros(1 << 16, np.int64)
    for start in range(0, len(degrees), PIECE):
        times += np.bincount(degrees[start : start + PIECE], minlength=len(times))
    times[0] = 0
    above = np.cumsum(times[::-1])[::-1]  # sources of this degree or more
    limits = [int(np.argmax(above <= share * above[0])) for share in TIERS]
    return sorted({limit for limit in limits if 0 < above[limit] < above[0]}, reverse=True)


@kernel
def fill_counts(directory: Any) -> None:  # words of bits: put into each how many are set before it
    before = np.uint64(0)
    for i in range(len(directory)):
        directory[i] |= before << np.uint64(32)
        before += np.uint64(popcount(directory[i] & np.uint64(0xFFFFFFFF)))


@inlined
def popcount(word: Any) -> Any:  # uint64 -> int64; Hacker's Delight, figure 5-2
    x = word - (word >> np.uint64(1) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    x = x + (x >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64(x * np.uint64(0x0101010101010101) >> np.uint64(56))


@inlined
def rank(node: Any, directory: Any) -> Any:  # uint64 -> int64: linking nodes with a lower id
    word = directory[node >> np.uint64(5)]
    below = word & ((np.uint64(1) << (node & np.uint64(31))) - np.uint64(1))
    return np.int64(word >> np.uint64(32)) + popcount(below)


@inlined
def tier_of(slot: Any, a: Any, b: Any, c: Any) -> Any:  # -> uint64, from 0 on; a, b, c: where tiers but the last end
    return np.uint64(slot >= a) + np.uint64(slot >= b) + np.uint64(slot >= c)


@inlined
def links(node: Any, directory: Any) -> Any:  # uint64 -> whether the node links
    return directory[node >> np.uint64(5)] >> (node & np.uint64(31)) & np.uint64(1) == np.uint64(1)


@inlined
def place(node: Any, directory: Any, sources: Any) -> Any:  # uint64, uint64 words, int64 -> int64
    before = rank(node, directory)
    return before if links(node, directory) else sources + np.int64(node) - before


# Both stop before the first number that is none of a node: behind the bitmap lies other memory.


@kernel
def _places(ids: Any, directory: Any, nodes: Any) -> Any:
    out = np.empty(len(ids), np.int64)
    sources = np.int64(directory[-1] >> np.uint64(32))
    for i in range(len(ids)):
        if ids[i] < 0 or ids[i] >= nodes:
            return out[:i]
        out[i] = place(np.uint64(ids[i]), directory, sources)
    return out


@kernel
def _by_place(values: Any, directory: Any, out: Any) -> None:
    sources = np.int64(directory[-1] >> np.uint64(32))
    for i in range(np.uint64(len(values))):
        out[np.uint64(place(i, directory, sources))] = values[i]


@kernel
def number_sources(keys: Any, directory: Any) -> None:
    """Put places in place of the ids of sources, the lower halves of keys (uint64[m]), each that of a node."""
    sources, ones = np.int64(directory[-1] >> np.uint64(32)), np.uint64(0xFFFFFFFF)
    for i in range(np.uint64(len(keys))):
        keys[i] = keys[i] & ~ones | np.uint64(place(keys[i] & ones, directory, sources))


@kernel
def number_targets(keys: Any, first: Any, count: Any, directory: Any) -> None:
    """Put in place of targets, the upper halves of keys, where node first + target comes in Numbering.of_range."""
    half, ones, start = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(first)
    before = rank(start, directory)
    linking = rank(start + np.uint64(count), directory) - before
    for i in range(np.uint64(len(keys))):
        target = keys[i] >> half
        row = rank(start + target, directory) - before
        row = row if links(start + target, directory) else linking + np.int64(target) - row
        keys[i] = np.uint64(row) << half | keys[i] & ones


@inlined
def seen(word: Any, linking: Any, directory: Any) -> Any:  # -> int64: nodes of a kind before a word of the directory
    before = np.int64(directory[word] >> np.uint64(32))
    return before if linking else 32 * word - before


@inlined
def word_of(number: Any, linking: Any, directory: Any) -> Any:  # -> int64: where the number-th node of a kind lies
    low, high = 0, len(directory) - 2
    while low < high:  # the last word with at most `number` nodes of this kind before it
        middle = (low + high + 1) // 2
        if seen(middle, linking, directory) <= number:
            low = middle
        else:
            high = middle - 1
    return low


@kernel
def _ids(places: Any, directory: Any, nodes: Any) -> Any:
    out = np.empty(len(places), np.int64)
    ones, sources, at = np.uint64(0xFFFFFFFF), np.int64(directory[-1] >> np.uint64(32)), 0
    for i in range(len(places)):
        if places[i] < 0 or places[i] >= nodes:
            return out[:i]
        linking = places[i] < sources
        number = places[i] if linking else places[i] - sources
        # places that follow on one another mostly lie in one word
        if not seen(at, linking, directory) <= number < seen(at + 1, linking, directory):
            at = word_of(number, linking, directory)
        left = number - seen(at, linking, directory)
        word = (directory[at] if linking else ~directory[at]) & ones
        for _ in range(left):
            word &= word - np.uint64(1)
        out[i] = 32 * at + popcount((word & -word) - np.uint64(1))
    return out


@kernel
def _ranks(ids: Any, directory: Any) -> Any:  # int64[m], up to the number of nodes -> int64[m]
    out = np.empty(len(ids), np.int64)
    for i in range(len(ids)):
        out[i] = rank(np.uint64(ids[i]), directory)
    return out
