"""Node ids and slots: the same nodes, numbered twice.

An id is a node's place by reversed name, as in the Common Crawl web graphs. A slot is its place when the nodes that
link come first and dangling ones after them, each group in the order of ids. Three nodes in four are dangling, and what
a rank reads at random belongs to linking ones; with slots it lies in a quarter of the memory, without gaps.

A bitmap of linking nodes and a count at every 32 of them answer both ways: 2 bits per node, where a table would take
32. Bitmap and count lie in one word, so an answer is one read, of memory that mostly is in no near cache.
"""

import zlib
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel

PER_WORD: Final = 32
"""Nodes of a word of the directory; kernels shift by 5 and 32 for it."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Numbering:
    """nodes: how many there are. directory: uint64 per 32 nodes, and one more: bit i of word i // 32 is set when node i
    links, and the upper half is how many link in the words before."""

    nodes: int
    directory: NDArray[np.uint64]

    @classmethod
    def of_bits(cls, nodes: int, bits: NDArray[np.uint64]) -> Self:
        """Return the numbering of a bitmap of (nodes + 63) // 64 words."""
        directory = np.zeros((nodes + PER_WORD - 1) // PER_WORD + 1, np.uint64)
        directory[:-1] = bits.astype("<u8", copy=False).view("<u4")[: len(directory) - 1]
        fill_counts(directory)
        return cls(nodes, directory)

    @classmethod
    def of_flags(cls, links: NDArray[np.bool_]) -> Self:
        """Return the numbering of nodes of which links[i] says whether node i links."""
        words = (len(links) + 63) // 64
        packed = np.zeros(words * 8, np.uint8)
        packed[: (len(links) + 7) // 8] = np.packbits(links, bitorder="little")
        return cls.of_bits(len(links), packed.view("<u8").astype(np.uint64, copy=False))

    @property
    def sources(self) -> int:
        """How many nodes link: the slots below are theirs."""
        return int(self.directory[-1] >> np.uint64(32))

    @property
    def bits(self) -> NDArray[np.uint64]:
        """The bitmap: bit i of word i // 64 is set when node i links."""
        halves = np.zeros((self.nodes + 63) // 64 * 2, "<u4")
        halves[: len(self.directory) - 1] = self.directory[:-1] & np.uint64(0xFFFFFFFF)
        return halves.view("<u8").astype(np.uint64, copy=False)

    @property
    def mark(self) -> int:
        """What tells it from others: the CRC-32 of its bits."""
        return zlib.crc32(self.bits.astype("<u8", copy=False).data)

    def slots(self, ids: NDArray[Any]) -> Ids:
        """Return the slot of each id. Raises IndexError for one that is no node."""
        return self._whole(_slots(ids, self.directory, self.nodes), ids)

    def ids(self, slots: NDArray[Any]) -> Ids:
        """Return the id of each slot. Raises IndexError for one that is no node's."""
        return self._whole(_ids(slots, self.directory, self.nodes), slots)

    def _whole(self, found: Any, asked: NDArray[Any]) -> Ids:
        if len(found) < len(asked):
            raise IndexError(f"{asked[len(found)]} is not one of {self.nodes:,} nodes")
        return np.asarray(found)

    def references(self, first: int, count: int) -> Ids:
        """Return for `count` slots from `first` on how many linking nodes come before each by name (lists.py)."""
        if first + count <= self.sources:
            return np.arange(first, first + count)
        start = int(self.ids(np.array([first]))[0])
        return np.asarray(_references(start, count, self.directory))

    def of_range(self, first: int, count: int) -> Ids:
        """Return the slots of the `count` nodes from id `first` on, ascending: linking ones first."""
        begin, end = (rank(np.uint64(node), self.directory) for node in (first, first + count))
        dangling = self.sources + first - begin
        return np.concatenate([np.arange(begin, end), np.arange(dangling, dangling + count - (end - begin))])

    def by_id(self, values: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return values[slot] of the ids from `start` to `stop`."""
        taken: NDArray[Any] = values[self.slots(np.arange(start, stop))]
        return taken

    def by_slot(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values, one per id, in the order of slots."""
        found = np.empty_like(values)
        _by_slot(values, self.directory, found)
        return found


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
def links(node: Any, directory: Any) -> Any:  # uint64 -> whether the node links
    return directory[node >> np.uint64(5)] >> (node & np.uint64(31)) & np.uint64(1) == np.uint64(1)


@inlined
def slot(node: Any, directory: Any, sources: Any) -> Any:  # uint64, uint64 words, int64 -> int64
    place = rank(node, directory)
    return place if links(node, directory) else sources + np.int64(node) - place


# Both stop before the first number that is none of a node: behind the bitmap lies other memory.


@kernel
def _slots(ids: Any, directory: Any, nodes: Any) -> Any:
    out = np.empty(len(ids), np.int64)
    sources = np.int64(directory[-1] >> np.uint64(32))
    for i in range(len(ids)):
        if ids[i] < 0 or ids[i] >= nodes:
            return out[:i]
        out[i] = slot(np.uint64(ids[i]), directory, sources)
    return out


@kernel
def _by_slot(values: Any, directory: Any, out: Any) -> None:
    sources = np.int64(directory[-1] >> np.uint64(32))
    for i in range(np.uint64(len(values))):
        out[np.uint64(slot(i, directory, sources))] = values[i]


@kernel
def number_sources(keys: Any, directory: Any) -> None:
    """Put slots in place of the ids of sources, the lower halves of keys (uint64[m]), each that of a node."""
    sources, ones = np.int64(directory[-1] >> np.uint64(32)), np.uint64(0xFFFFFFFF)
    for i in range(np.uint64(len(keys))):
        keys[i] = keys[i] & ~ones | np.uint64(slot(keys[i] & ones, directory, sources))


@kernel
def number_targets(keys: Any, first: Any, count: Any, directory: Any) -> None:
    """Put places in place of targets, the upper halves of keys: of node first + target among Numbering.of_range."""
    half, ones, start = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(first)
    before = rank(start, directory)
    linking = rank(start + np.uint64(count), directory) - before
    for i in range(np.uint64(len(keys))):
        target = keys[i] >> half
        place = rank(start + target, directory) - before
        place = place if links(start + target, directory) else linking + np.int64(target) - place
        keys[i] = np.uint64(place) << half | keys[i] & ones


@kernel
def _ids(slots: Any, directory: Any, nodes: Any) -> Any:
    out = np.empty(len(slots), np.int64)
    half, ones = np.uint64(32), np.uint64(0xFFFFFFFF)
    sources = np.int64(directory[-1] >> half)
    for i in range(len(slots)):
        if slots[i] < 0 or slots[i] >= nodes:
            return out[:i]
        linking = slots[i] < sources
        place = slots[i] if linking else slots[i] - sources
        low, high = 0, len(directory) - 2
        while low < high:  # the last word with at most `place` nodes of this kind before it
            middle = (low + high + 1) // 2
            before = np.int64(directory[middle] >> half)
            seen = before if linking else 32 * middle - before
            if seen <= place:
                low = middle
            else:
                high = middle - 1
        before = np.int64(directory[low] >> half)
        left = place - (before if linking else 32 * low - before)
        word = (directory[low] if linking else ~directory[low]) & ones
        for _ in range(left):
            word &= word - np.uint64(1)
        out[i] = 32 * low + popcount((word & -word) - np.uint64(1))
    return out


@kernel
def _references(start: Any, count: Any, directory: Any) -> Any:
    """Walk over the nodes from the dangling id `start` on, until there are `count` dangling ones.

    A linking node writes what the next one writes over: as good as every fourth is one, and a branch on that would be
    mispredicted.
    """
    out = np.empty(count, np.int64)
    node, used, end = np.uint64(start), np.uint64(0), np.uint64(count)
    place = rank(node, directory)
    while used < end:
        linking = links(node, directory)
        out[used] = place
        place += np.int64(linking)
        used += np.uint64(not linking)
        node += np.uint64(1)
    return out
