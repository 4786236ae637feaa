"""A range of spilled arcs whose sources rise -> lists by slot at once, where there are tiers (numbering.py).

In two steps, as a radix sort does it, for what is written at random is larger than the cache: arcs are dealt out to
buckets, each of targets that follow on one another, then set down list by list, which for a bucket touches what fits.
Both keep the order in which arcs came, so sources rise within each tier of a list. As they rise over the whole range,
their slots and domains are looked up in the order in which they lie; for lists by place (arranging.py, linking.py) that
is at random, and takes as long as all of this.

A stable sort by target first, lists put in order after it, takes twice as long. Setting arcs down by target and tier
without buckets takes longer still: there are as many ends of lists as there are tiers, and none stays in the cache.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import inlined, kernel
from sitegraph.store.arranging import Order, no_source, padded
from sitegraph.store.linking import domains_of_entries
from sitegraph.store.merging import Lists, alone, repeats
from sitegraph.store.numbering import MOST, Numbering, links, rank, tier_of
from sitegraph.store.primitives import prefetch
from sitegraph.store.words import Packed, full_gap, next_arc

BUCKET_BITS: Final = 7
"""Of a bucket's number, at most: each bucket has a line of its own in the nearest cache, where its next arc goes."""
LEAST_BITS: Final = 10
"""Of the targets of a bucket, at least, where a range has as many."""
TIER_BITS: Final = 2
"""Bits of a tier, for MOST tiers; an entry has those of the target above them, and the slot in its upper half."""
LINE: Final = 8
"""Entries of a cache line."""
MOST_ARCS: Final = (1 << 32) - 1
"""Of a range: where a source goes is told in 32 bits."""

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sorted:
    """The lists of a range by slot, the slots of their targets (int64, ascending), and how many distinct domains link
    to each target (int64, by place)."""

    lists: Lists
    slots: Ids
    in_domains: Ids


@dataclass(slots=True)
class Sorter:
    """Sorts ranges of arcs into the nodes of a numbering with tiers; order: as Numbering.order returns it.

    domains: int32 per place, the registered domain of a node; None where nodes are domains.

    Its room is kept from range to range, as memory that is new costs a tenth of it all: what `sort` returned is good
    until it is called again. It is 12 bytes an arc, with domains 16 (20 while domains are counted), and
    32 a target; and up to a quarter more.
    """

    numbering: Numbering
    order: Order
    domains: NDArray[np.int32] | None = None
    _last: int = field(init=False)
    _ranked: tuple[NDArray[np.uint64], Order, NDArray[np.uint32]] = field(init=False)
    _room: dict[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.order) != self.numbering.sources or not len(self.order):
            raise ValueError("a numbering without tiers; its lists are sorted by place (merging.py)")
        self._last = int(np.flatnonzero(self.numbering.flags)[-1])  # the id of the last node that links
        self._ranked = self.numbering.directory, self.order, padded(self.numbering)

    def sort(self, packed: Packed, first: int) -> Sorted:
        """Return the lists of arcs without counts whose sources, ids of the numbering, never fell when they were added.

        first: id of the range's first node. Raises StorageError where the arcs are not those that were written.
        """
        entries, domains, largest, whole = self._dealt(packed)
        counts = self._counted(packed, entries, largest)
        if not whole:
            raise no_source()
        offsets = np.zeros(packed.width + 1, np.int64)
        slots, targets = np.empty(packed.width, np.int64), np.empty(packed.width, np.int64)
        state, sources = self._some("state", len(counts), np.uint32), self._some("sources", len(entries), np.uint32)
        lay_out(counts, first, *self._ranked, offsets, slots, targets, state)
        set_down(entries, state, sources)
        lists = alone(offsets, sources, bool(repeats(offsets, sources)))
        return Sorted(lists, slots, self._in_domains(lists, targets, first, entries, domains))

    def _dealt(self, packed: Packed) -> tuple[NDArray[np.uint64], NDArray[np.int32], int, bool]:
        """Return the arcs in buckets as entries, the domains of their sources if there are, the largest source, and
        whether all of them link."""
        bucket = min(max(packed.bits - BUCKET_BITS, LEAST_BITS), packed.bits)
        sizes = bucket_sizes(packed.words, packed.bits, bucket)
        if sizes.sum() > MOST_ARCS:
            raise StorageError(f"{packed.path}: {sizes.sum():,} arcs into a range; there is room for {MOST_ARCS:,}")
        entries = self._some("entries", int(sizes.sum()), np.uint64)
        table = self.domains if self.domains is not None else np.zeros(0, np.int32)
        domains = self._some("domains", len(entries) if len(table) else 0, np.int32)
        nexts = (np.cumsum(sizes) - sizes).astype(np.uint64)
        into = nexts, entries, domains
        largest, missing = deal(packed.words, packed.bits, bucket, self._last, *self._ranked, table, *into)
        return entries, domains, int(largest), largest <= self._last and not missing

    def _counted(self, packed: Packed, entries: NDArray[np.uint64], largest: int) -> NDArray[np.uint32]:
        """Return how many arcs there are by target and tier. Raises StorageError unless all are what was written."""
        counts = self._some("counts", MOST << packed.bits, np.uint32)
        counts[:] = 0
        count(entries, counts)
        within = int(counts[: MOST * packed.width].sum())
        packed.check(within if len(entries) == packed.arcs else len(entries), largest, self.numbering.nodes)
        return counts

    def _in_domains(
        self, lists: Lists, targets: Ids, first: int, entries: NDArray[np.uint64], domains: NDArray[np.int32]
    ) -> Ids:
        """Return how many distinct domains other than its own link to each target, by place. targets: of each list."""
        places = self.numbering.places(np.arange(first, first + len(targets)))
        if self.domains is None:
            found = np.empty(len(targets), np.int64)
            found[targets] = np.diff(lists.offsets)
        else:
            found = domains_of_entries(entries, TIER_BITS, domains, self.domains[places])
        linking = places < self.numbering.sources
        return np.concatenate([found[linking], found[~linking]])

    def _some(self, name: str, size: int, dtype: Any) -> NDArray[Any]:
        """Return room for `size` numbers, what is in them being of no account."""
        held = self._room.get(name)
        if held is None or len(held) < size:
            self._room[name] = held = np.empty(size + size // 4, dtype)
        return held[:size]


@kernel
def bucket_sizes(words: Any, bits: Any, bucket: Any) -> Any:  # uint32[n], bits of targets, and of those of a bucket
    """Return how many arcs of packed words go into each bucket (int64).

    They are counted in two rows in turn: a number that was written just now is waited for.
    """
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
    words: Any, bits: Any, bucket: Any, last: Any, directory: Any, order: Any, bounds: Any, table: Any, nexts: Any,
    entries: Any, domains: Any,
) -> Any:  # fmt: skip
    """Put packed arcs into the buckets of their targets; return the largest source (an id), and if one does not link.

    last: the id of the last node that links. order uint32: slots by place. bounds uint32[MOST]: where tiers end. table
    int32: domains by place. nexts uint64 per bucket: where its next arc goes. Filled in: entries uint64[m], and domains
    (of sources) int32[m or 0].
    """
    shift, one, n, i = np.uint64(bits), np.uint64(1), np.uint64(len(words)), np.uint64(0)
    full, top, named = full_gap(shift), np.uint64(last), len(domains) > 0
    a, b, c = np.uint64(bounds[0]), np.uint64(bounds[1]), np.uint64(bounds[2])
    source, largest, missing = np.uint64(0), np.uint64(0), np.uint64(0)
    while i < n:
        target, source, i = next_arc(words, i, source, shift, full)
        largest = max(largest, source)
        node = min(source, top)
        missing |= np.uint64(not links(node, directory))
        place = np.uint64(rank(node, directory))
        slot = np.uint64(order[place])
        tier = tier_of(slot, a, b, c)
        at = nexts[target >> np.uint64(bucket)]
        prefetch(entries, at + np.uint64(LINE))  # beyond the last one is no harm
        entries[at] = slot << np.uint64(32) | target << np.uint64(TIER_BITS) | tier
        if named:
            prefetch(domains, at + np.uint64(2 * LINE))
            domains[at] = table[place]
        nexts[target >> np.uint64(bucket)] = at + one
    return largest, missing > 0


@kernel
def count(entries: Any, counts: Any) -> None:  # uint64[m]; uint32[MOST per target]: arcs by target and tier
    for i in range(np.uint64(len(entries))):
        counts[entries[i] & np.uint64(0xFFFFFFFF)] += np.uint32(1)


@kernel
def lay_out(
    counts: Any, first: Any, directory: Any, order: Any, bounds: Any, offsets: Any, slots: Any, targets: Any, state: Any
) -> None:
    """Say where lists by slot go.

    counts, directory, order, bounds: as above; first: the id of the first target. Filled in, of each list: offsets
    int64[width + 1], slots and targets int64[width]; and state uint32[MOST per target]: where the next source goes.
    """
    one, width, sources = np.uint64(1), np.uint64(len(slots)), np.int64(directory[-1] >> np.uint64(32))
    a, b, c = bounds[0], bounds[1], bounds[2]
    tiers, numbers, place = np.empty(width, np.uint8), np.empty(width, np.int64), rank(np.uint64(first), directory)
    for t in range(width):
        node = np.uint64(first) + t
        if links(node, directory):
            slot = order[np.uint64(place)]
            tiers[t], numbers[t] = tier_of(slot, a, b, c), slot
            place += 1
        else:
            tiers[t], numbers[t] = MOST, sources + np.int64(node) - place
    row, at = np.uint64(0), np.uint64(0)
    for tier in range(MOST + 1):
        for t in range(width):
            if tiers[t] == tier:
                slots[row], targets[row] = numbers[t], t
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
