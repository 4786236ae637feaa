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
from sitegraph.store.merging import Lists, alone, repeats
from sitegraph.store.numbering import MOST, Numbering, links, rank
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
    until it is called again. It is 12 bytes an arc, with domains 16 (and 4 more of arcs whose domains do not rise), and
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
        found = np.zeros(len(targets), np.int64)
        if self.domains is None:
            found[targets] = np.diff(lists.offsets)
        else:
            own = self.domains[places]
            last, fallen = np.full(len(own), -1, np.int32), np.zeros(len(own), np.bool_)
            count_runs(entries, domains, own, last, found, fallen)
            if fallen.any():
                self._count_fallen(entries, domains, own, fallen, found)
        linking = places < self.numbering.sources
        return np.concatenate([found[linking], found[~linking]])

    def _count_fallen(
        self,
        entries: NDArray[np.uint64],
        domains: NDArray[np.int32],
        own: NDArray[np.int32],
        fallen: NDArray[np.bool_],
        found: Ids,
    ) -> None:
        """Make of runs distinct domains where a domain falls: see count_runs."""
        runs = np.where(fallen, found, 0)
        ends = np.cumsum(runs)
        held = self._some("held", int(ends[-1]), np.int32)
        hold_runs(entries, domains, own, fallen, ends - runs, held)
        count_distinct(held, ends, fallen, found)

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
        tier = np.uint64(slot >= a) + np.uint64(slot >= b) + np.uint64(slot >= c)
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
            tiers[t], numbers[t] = (slot >= a) + (slot >= b) + (slot >= c), slot
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


# Distinct domains: hosts of one mostly lie together by name, so runs of equal ones are counted; where a domain falls
# behind the one before (fold.py), the runs of that list are sorted.


@inlined
def target_of(entry: Any) -> Any:  # uint64 -> uint64: within the range
    return (entry & np.uint64(0xFFFFFFFF)) >> np.uint64(TIER_BITS)


@kernel
def count_runs(entries: Any, domains: Any, own: Any, last: Any, found: Any, fallen: Any) -> None:
    """Count the runs of equal domains of each target's sources, those of its own left out.

    domains int32[m]: of the sources of entries. Per target: own int32, its domain; last int32, -1 to begin with; found
    int64, to which runs are added; fallen bool: whether a run's domain was below that of the run before.
    """
    for i in range(np.uint64(len(entries))):
        target, domain = target_of(entries[i]), domains[i]
        before, other = last[target], domain != own[target]
        found[target] += other & (domain != before)
        fallen[target] |= other & (domain < before)
        last[target] = domain if other else before


@kernel
def hold_runs(entries: Any, domains: Any, own: Any, fallen: Any, nexts: Any, held: Any) -> None:
    """Write the domains of the runs that count_runs counts into held (int32), of targets that are `fallen`.

    nexts int64 per target: where those of a target begin, advanced here.
    """
    last = np.full(len(own), np.int32(-1), np.int32)
    for i in range(np.uint64(len(entries))):
        target = target_of(entries[i])
        domain = domains[i]
        if fallen[target] and domain != own[target] and domain != last[target]:
            held[np.uint64(nexts[target])] = last[target] = domain
            nexts[target] += 1


@kernel
def count_distinct(held: Any, ends: Any, fallen: Any, found: Any) -> None:
    """Put into found the distinct ones of held[ends[t] - found[t] : ends[t]] for each target t that is `fallen`."""
    for t in range(np.uint64(len(ends))):
        if fallen[t]:
            mine = held[ends[t] - found[t] : ends[t]]
            mine.sort()
            distinct = 1
            for i in range(np.uint64(1), np.uint64(len(mine))):
                distinct += mine[i] != mine[i - np.uint64(1)]
            found[t] = distinct
