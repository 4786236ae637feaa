"""Node ids and slots: the same nodes, numbered twice.

An id is a node's place by reversed name, as in the Common Crawl web graphs. A slot is its place when the nodes that
link come first and dangling ones after them, each group in the order of ids. Three nodes in four are dangling, and what
a rank reads at random belongs to linking ones; with slots it lies in a quarter of the memory, without gaps.

A bitmap of linking nodes and a count at every word answer both ways: 2 bits per node, where a table would take 32.
"""

import zlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Numbering:
    """nodes: how many there are. bits: uint64 words, bit i of word i // 64 is set when node i links. before: int64 per
    word, and one more: linking nodes in the words before it."""

    nodes: int
    bits: NDArray[np.uint64]
    before: NDArray[np.int64]

    @classmethod
    def of_bits(cls, nodes: int, bits: NDArray[np.uint64]) -> Self:
        """Return the numbering of a bitmap of (nodes + 63) // 64 words."""
        before = np.zeros(len(bits) + 1, np.int64)
        np.cumsum(np.bitwise_count(bits) if hasattr(np, "bitwise_count") else popcounts(bits), out=before[1:])
        return cls(nodes, bits, before)

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
        return int(self.before[-1])

    @property
    def mark(self) -> int:
        """What tells it from others: the CRC-32 of its bits."""
        return zlib.crc32(self.bits.astype("<u8", copy=False).data)

    def slots(self, ids: NDArray[Any]) -> Ids:
        """Return the slot of each id. Raises IndexError for one that is no node."""
        return self._whole(_slots(ids, self.bits, self.before, self.nodes), ids)

    def ids(self, slots: NDArray[Any]) -> Ids:
        """Return the id of each slot. Raises IndexError for one that is no node's."""
        return self._whole(_ids(slots, self.bits, self.before, self.nodes), slots)

    def _whole(self, found: Any, asked: NDArray[Any]) -> Ids:
        if len(found) < len(asked):
            raise IndexError(f"{asked[len(found)]} is not one of {self.nodes:,} nodes")
        return np.asarray(found)

    def references(self, first: int, count: int) -> Ids:
        """Return for `count` slots from `first` on how many linking nodes come before each by name (lists.py)."""
        if first + count <= self.sources:
            return np.arange(first, first + count)
        start = int(self.ids(np.array([first]))[0])
        return np.asarray(_references(start, count, self.bits, self.before))

    def by_id(self, values: NDArray[Any], start: int, stop: int) -> NDArray[Any]:
        """Return values[slot] of the ids from `start` to `stop`."""
        taken: NDArray[Any] = values[self.slots(np.arange(start, stop))]
        return taken


@kernel
def popcounts(words: Any) -> Any:  # uint64[w] -> int64[w], for numpy before 2
    counts = np.zeros(len(words), np.int64)
    for i in range(len(words)):
        counts[i] = popcount(words[i])
    return counts


@inlined
def popcount(word: Any) -> Any:  # uint64 -> int64; Hacker's Delight, figure 5-2
    x = word - (word >> np.uint64(1) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + (x >> np.uint64(2) & np.uint64(0x3333333333333333))
    x = x + (x >> np.uint64(4)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64(x * np.uint64(0x0101010101010101) >> np.uint64(56))


@inlined
def rank(node: Any, bits: Any, before: Any) -> Any:  # uint64 -> linking nodes with a lower id
    word = node >> np.uint64(6)
    below = bits[word] & ((np.uint64(1) << (node & np.uint64(63))) - np.uint64(1))
    return before[word] + popcount(below)


@inlined
def links(node: Any, bits: Any) -> Any:  # uint64 -> whether the node links
    return bits[node >> np.uint64(6)] >> (node & np.uint64(63)) & np.uint64(1) == np.uint64(1)


# Both stop before the first number that is none of a node: behind the bitmap lies other memory.


@kernel
def _slots(ids: Any, bits: Any, before: Any, nodes: Any) -> Any:
    out = np.empty(len(ids), np.int64)
    sources = before[-1]
    for i in range(len(ids)):
        if ids[i] < 0 or ids[i] >= nodes:
            return out[:i]
        node = np.uint64(ids[i])
        place = rank(node, bits, before)
        out[i] = place if links(node, bits) else sources + np.int64(node) - place
    return out


@kernel
def _ids(slots: Any, bits: Any, before: Any, nodes: Any) -> Any:
    out = np.empty(len(slots), np.int64)
    sources = before[-1]
    for i in range(len(slots)):
        if slots[i] < 0 or slots[i] >= nodes:
            return out[:i]
        linking = slots[i] < sources
        place = slots[i] if linking else slots[i] - sources
        low, high = 0, len(bits) - 1
        while low < high:  # the last word with at most `place` nodes of this kind before it
            middle = (low + high + 1) // 2
            seen = before[middle] if linking else 64 * middle - before[middle]
            if seen <= place:
                low = middle
            else:
                high = middle - 1
        left = place - (before[low] if linking else 64 * low - before[low])
        word = bits[low] if linking else ~bits[low]
        for _ in range(left):
            word &= word - np.uint64(1)
        out[i] = 64 * low + popcount((word & -word) - np.uint64(1))
    return out


@kernel
def _references(start: Any, count: Any, bits: Any, before: Any) -> Any:
    """Walk over dangling nodes from the id `start` on."""
    out = np.empty(count, np.int64)
    node = np.uint64(start)
    place = rank(node, bits, before)
    for i in range(count):
        while links(node, bits):
            place += 1
            node += np.uint64(1)
        out[i] = place
        node += np.uint64(1)
    return out
