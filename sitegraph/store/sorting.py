"""A range of spilled arcs whose sources rise -> lists by slot at once, where there are tiers (numbering.py).

In two steps, as a radix sort does it, for what is written at random is larger than the cache: arcs are dealt out to
buckets, each of targets that follow on one another, then set down list by list, which for a bucket touches what fits.
Both keep the order in which arcs came, so sources rise within each tier of a list. As they rise over the whole range,
their slots are looked up in the order in which they lie; for lists by place (arranging.py) that is at random, and takes
as long as all of this.

A stable sort by target first, lists put in order after it, takes twice as long. Setting arcs down by target and tier
without buckets takes longer still: there are as many ends of lists as there are tiers, and none stays in the cache.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
from sitegraph.store.arranging import Order, no_source, padded
from sitegraph.store.merging import Lists, alone, repeats
from sitegraph.store.numbering import MOST, Numbering, links, rank
from sitegraph.store.primitives import prefetch
from sitegraph.store.words import Packed, full_gap, next_arc

BUCKET_BITS: Final = 7
"""There are at most so many buckets: each has a line of its own in the nearest cache, where its next arc goes."""
NARROWEST: Final = 10
"""Bits of the targets of a bucket, at least."""
TIER_BITS: Final = 2
"""Bits of a tier, for MOST tiers; an entry has those of the target above them, and the slot in its upper half."""
LINE: Final = 8
"""Entries of a cache line."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The lists of a range: by slot, and the slots of their targets (int64, ascending); and by place, whose sources are
    empty unless they were asked for."""

    by_slot: Lists
    slots: NDArray[np.int64]
    by_place: Lists


@dataclass(slots=True)
class Sorter:
    """Sorts ranges of arcs into the nodes of a numbering with tiers; order: as Numbering.order returns it.

    Its room is kept from range to range, as memory that is new costs a tenth of it all: what `lists` returned is good
    until it is called again. It is 12 bytes an arc, 20 where lists by place are asked for, and 32 a target; and up to a
    quarter more.
    """

    numbering: Numbering
    order: Order
    _last: int = field(init=False)  # the id of the last node that links
    _ranked: tuple[NDArray[np.uint64], Order, NDArray[np.uint32]] = field(init=False)
    _room: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = int(self.numbering.ids(self.numbering.slots_of(np.array([self.numbering.sources - 1])))[0])
        self._ranked = self.numbering.directory, self.order, padded(self.numbering)

    def lists(self, packed: Packed, first: int, by_place: bool) -> Sorted:
        """Return the lists of arcs without counts whose sources, ids of the numbering, never fell when they were added.

        first: id of the range's first node. Raises StorageError where the arcs are not those that were written.
        """
        entries, places, largest = self._dealt(packed, by_place)
        counts = self._some("counts", MOST << packed.bits, np.uint32)
        counts[:] = 0
        count(entries, counts)
        packed.check(int(counts[: MOST * packed.width].sum()), largest, self.numbering.nodes)
        if largest > self._last:
            raise no_source()
        offsets, slots = np.zeros(packed.width + 1, np.int64), np.empty(packed.width, np.int64)
        sources = self._by_slot(entries, counts, first, offsets, slots)
        twice = bool(repeats(offsets, sources))
        state = self._some("state", len(counts), np.uint32)
        named, found = np.zeros_like(offsets), self._some("found", len(places), np.uint32)
        lay_out_places(counts, first, self.numbering.directory, named, state)
        set_down_places(entries, places, state, found)
        return Sorted(alone(offsets, sources, twice), slots, alone(named, found, twice and by_place))

    def _dealt(self, packed: Packed, by_place: bool) -> tuple[NDArray[np.uint64], NDArray[np.uint32], int]:
        """Return the arcs in buckets as entries, the places of their sources if wanted, and the largest source."""
        bucket = min(max(packed.bits - BUCKET_BITS, NARROWEST), packed.bits)
        sizes = bucket_sizes(packed.words, packed.bits, bucket)
        entries = self._some("entries", int(sizes.sum()), np.uint64)
        places = self._some("places", len(entries) * by_place, np.uint32)
        nexts = (np.cumsum(sizes) - sizes).astype(np.uint64)
        largest = deal(packed.words, packed.bits, bucket, self._last, *self._ranked, nexts, entries, places)
        return entries, places, int(largest)

    def _by_slot(
        self,
        entries: NDArray[np.uint64],
        counts: NDArray[np.uint32],
        first: int,
        offsets: NDArray[np.int64],
        slots: NDArray[np.int64],
    ) -> NDArray[np.uint32]:
        """Return the sources of lists by slot, and fill in offsets and slots (see lay_out)."""
        state, sources = self._some("state", len(counts), np.uint32), self._some("sources", len(entries), np.uint32)
        lay_out(counts, first, *self._ranked, offsets, slots, state)
        set_down(entries, state, sources)
        return sources

    def _some(self, name: str, size: int, dtype: Any) -> NDArray[Any]:
        """Return room for `size` numbers, what is in them being of no account."""
        held = self._room.get(name)
        if held is None or len(held) < size:
            self._room[name] = held = np.empty(size + size // 4, dtype)
        return held[:size]


@kernel
def bucket_sizes(words: Any, bits: Any, bucket: Any) -> Any:  # uint32[n], bits of targets, and of those of a bucket
    """Return how many arcs of packed words go into each bucket (int64), counted in two rows in turn (spill.py)."""
    shift, one, n, i = np.uint64(bits), np.uint64(1), np.uint64(len(words)), np.uint64(0)
    mask, full = (one << shift) - one, full_gap(shift)
    rows, met = np.zeros((2, 1 << (bits - bucket)), np.int64), np.zeros(1, np.int64)
    while i < n:
        word = np.uint64(words[i])
        rows[i & one, (word & mask) >> np.uint64(bucket)] += 1
        i += one
        if word >> shift == full:  # with a write of its own it stays a branch: added up, i would be waited for
            met[0] += 1
            i += one
    return rows[0] + rows[1]


@kernel
def deal(
    words: Any, bits: Any, bucket: Any, last: Any, directory: Any, order: Any, bounds: Any, nexts: Any, entries: Any,
    places: Any,
) -> Any:  # fmt: skip
    """Put packed arcs into the buckets of their targets; return the largest source, by id.

    last: the id of the last node that links. order uint32: slots by place. bounds uint32[MOST]: where tiers end. nexts
    uint64 per bucket: where its next arc goes. Filled in: entries uint64[m], and places (of sources) uint32[m or 0].
    """
    shift, one, n, i = np.uint64(bits), np.uint64(1), np.uint64(len(words)), np.uint64(0)
    full, top, placed = full_gap(shift), np.uint64(last), len(places) > 0
    a, b, c = np.uint64(bounds[0]), np.uint64(bounds[1]), np.uint64(bounds[2])
    source, largest = np.uint64(0), np.uint64(0)
    while i < n:
        target, source, i = next_arc(words, i, source, shift, full)
        largest = max(largest, source)
        place = np.uint64(rank(min(source, top), directory))
        slot = np.uint64(order[place])
        tier = np.uint64(slot >= a) + np.uint64(slot >= b) + np.uint64(slot >= c)
        at = nexts[target >> np.uint64(bucket)]
        prefetch(entries, at + np.uint64(LINE))  # beyond the last one is no harm
        entries[at] = slot << np.uint64(32) | target << np.uint64(TIER_BITS) | tier
        if placed:
            prefetch(places, at + np.uint64(2 * LINE))
            places[at] = place
        nexts[target >> np.uint64(bucket)] = at + one
    return largest


@kernel
def count(entries: Any, counts: Any) -> None:  # uint64[m]; uint32[MOST per target]: arcs by target and tier
    for i in range(np.uint64(len(entries))):
        counts[entries[i] & np.uint64(0xFFFFFFFF)] += np.uint32(1)


@kernel
def lay_out(
    counts: Any, first: Any, directory: Any, order: Any, bounds: Any, offsets: Any, slots: Any, state: Any
) -> None:
    """Say where lists by slot go.

    counts, directory, order, bounds: as above; first: the id of the first target. Filled in: offsets int64[width + 1],
    slots int64[width], and state uint32[MOST per target]: where the next source of this tier goes.
    """
    one, width, sources = np.uint64(1), np.uint64(len(slots)), np.int64(directory[-1] >> np.uint64(32))
    a, b, c = bounds[0], bounds[1], bounds[2]
    tiers, numbers, place = np.empty(width, np.uint8), np.empty(width, np.int64), rank(np.uint64(first), directory)
    for t in range(width):
        node = np.uint64(first) + t
        if links(node, directory):
            slot = order[np.uint64(place)]
            tiers[t], numbers[t] = (slot >= a) + (slot >= b) + (slot >= c), slot
            place += 1
        else:
            tiers[t], numbers[t] = MOST, sources + np.int64(node) - place
    row, at = np.uint64(0), np.uint64(0)
    for tier in range(MOST + 1):
        for t in range(width):
            if tiers[t] == tier:
                slots[row] = numbers[t]
                at = lay_out_list(counts, t, at, state)
                row += one
                offsets[row] = at


@inlined
def lay_out_list(counts: Any, t: Any, at: Any, state: Any) -> Any:  # -> where the list of target t, from `at` on, ends
    for k in range(t << np.uint64(TIER_BITS), (t + np.uint64(1)) << np.uint64(TIER_BITS)):
        state[k] = at
        at += np.uint64(counts[k])
    return at


@kernel
def set_down(entries: Any, state: Any, sources: Any) -> None:
    """Put the slots of entries where `state` says (see lay_out)."""
    for i in range(np.uint64(len(entries))):
        key = entries[i] & np.uint64(0xFFFFFFFF)
        at = state[key]
        sources[np.uint64(at)] = entries[i] >> np.uint64(32)
        state[key] = at + np.uint32(1)


@kernel
def lay_out_places(counts: Any, first: Any, directory: Any, offsets: Any, state: Any) -> None:
    """Say where lists by place go, those of targets that link first.

    Filled in: offsets int64[width + 1], and state uint32[width]: where the next source of a target goes.
    """
    row, at = np.uint64(0), np.uint64(0)
    for linking in (True, False):
        for t in range(np.uint64(len(offsets) - 1)):
            if links(np.uint64(first) + t, directory) == linking:
                state[t] = at
                for k in range(t << np.uint64(TIER_BITS), (t + np.uint64(1)) << np.uint64(TIER_BITS)):
                    at += np.uint64(counts[k])
                row += np.uint64(1)
                offsets[row] = at


@kernel
def set_down_places(entries: Any, places: Any, state: Any, sources: Any) -> None:
    """Put places (uint32[m or 0]), those of the sources of entries, where `state` says (see lay_out_places)."""
    for i in range(np.uint64(len(places))):
        target = (entries[i] & np.uint64(0xFFFFFFFF)) >> np.uint64(TIER_BITS)
        at = state[target]
        sources[np.uint64(at)] = places[i]
        state[target] = at + np.uint32(1)
