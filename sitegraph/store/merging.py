"""A range of spilled arcs -> sorted lists, equal arcs made one: the middle of an external sort.

Arcs without counts are sorted as 64-bit keys (target, source); where their sources never fell when they were spilled,
their words (words.py) are put down by target as they come, once it is counted how many each has. Arcs with counts are
sorted with them, and those of equal arcs are added up.

From here on nodes are told by place (numbering.py), linking ones first, each group by name. Where sources come in order
the words that number them lie at hand, and what is looked up by source later lies in a quarter of the memory; and hosts
of one domain lie together, so they are counted and folded where they lie. Slots come last (arranging.py); where there
are tiers and sources never fell, they come at once (sorting.py).
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from sitegraph.store.classes import (
    HOSTS,
    NOFOLLOW,
    OWNER,
    PAGES,
    SITEWIDE,
    SPONSORED,
    TECHNICAL,
    Counts,
    as_keys,
    real,
)
from sitegraph.store.numbering import Numbering, links, rank
from sitegraph.store.relabelling import coded, relabelled_runs
from sitegraph.store.words import Packed, full_gap, next_arc

LEAST_PAGES: Final = 4
"""Pages of a source from which a link on half of them is one of its template; on fewer it may be chance."""


@dataclass(frozen=True, slots=True)
class Lists:
    """Arcs of a range: those into its i-th node by place are sources[offsets[i]:offsets[i + 1]] (places, ascending).

    offsets int64[width + 1], sources uint32[m]. Arc k has the counts rows[index[k]] (int64[r, 7]; int32[m]); without
    counts there is one row for all and index is empty.
    """

    offsets: NDArray[np.int64]
    sources: NDArray[np.uint32]
    rows: Counts
    index: NDArray[np.int32]


ALONE: Final = np.array([[1, 0, 0, 1, 0, 0, 0]], np.int64)
"""The counts of an arc of which nothing is known but that it is there."""


@kernel
def sort_stable(words: Any, bits: Any, first: Any, width: Any, nodes: Any, directory: Any) -> Any:
    """Sort packed arcs (uint32 words, words.py) whose sources rise, by counting their targets, and number the sources.

    Targets are the `width` nodes from id `first` on. -> (offsets int64[width + 1], places uint32[m], whether a list has
    a source twice, largest id of a source)
    """
    shift, one, n = np.uint64(bits), np.uint64(1), np.uint64(len(words))
    room, within = one << shift, np.uint64(width)
    mask, full = room - one, full_gap(shift)
    counts, met = np.zeros(room, np.uint32), np.zeros(1, np.uint32)
    i = np.uint64(0)
    while i < n:
        word = np.uint64(words[i])
        i += one
        counts[word & mask] += np.uint32(1)
        if word >> shift == full:  # with a write of its own it stays a branch: added up, i would be waited for
            met[0] += np.uint32(1)
            i += one
    offsets, state = np.zeros(within + one, np.int64), np.empty(room, np.uint64)
    row, at = one, np.uint64(0)
    for linking in (True, False):
        for t in range(within):
            if links(np.uint64(first) + t, directory) == linking:
                state[t] = np.uint64(0xFFFFFFFF) << np.uint64(32) | at
                at += np.uint64(counts[t])
                offsets[row] = at
                row += one
    for t in range(within, room):  # without arcs, unless words are damaged
        state[t] = at
        at += np.uint64(counts[t])
    places = np.empty(at, np.uint32)
    twice, top, largest = np.uint32(0), np.uint64(nodes) - one, np.uint64(0)
    i, source = np.uint64(0), np.uint64(0)
    while i < n:
        target, source, i = next_arc(words, i, source, shift, full)
        largest = max(largest, source)
        place = np.uint64(rank(min(source, top), directory))
        last = state[target]  # of the list: the place put down last, and where the next one goes
        at = last & np.uint64(0xFFFFFFFF)
        twice |= np.uint32(last >> np.uint64(32) == place)
        places[at] = place
        state[target] = place << np.uint64(32) | (at + one)
    return offsets, places, twice > 0, largest


@kernel
def split_keys(keys: Any, width: Any) -> Any:  # sorted uint64[m] -> (offsets int64[width + 1], sources uint32[m])
    offsets = np.zeros(width + 1, np.int64)
    sources = np.empty(len(keys), np.uint32)
    for i in range(np.uint64(len(keys))):
        offsets[(keys[i] >> np.uint64(32)) + np.uint64(1)] += 1
        sources[i] = keys[i] & np.uint64(0xFFFFFFFF)
    for t in range(width):
        offsets[t + 1] += offsets[t]
    return offsets, sources


@kernel
def repeats(offsets: Any, sources: Any) -> Any:
    """Return whether a list has a source twice: whether more equal ones follow on one another than at ends of lists."""
    found, one, m = np.uint32(0), np.uint64(1), np.uint64(len(sources))
    for i in range(one, m):
        found += np.uint32(sources[i] == sources[i - one])
    for t in range(np.uint64(len(offsets) - 1)):
        start = np.uint64(offsets[t])
        begins = (start > 0) & (start < np.uint64(offsets[t + one]))  # without a branch on whether a list is empty
        at = start if begins else one
        if m > one:
            found -= np.uint32(begins & (sources[at] == sources[at - one]))
    return found > 0


@kernel
def drop_repeats(offsets: Any, sources: Any) -> Any:
    """Keep one of equal sources in each list, in place; offsets change; return how many are left."""
    at, start = 0, offsets[0]
    for t in range(len(offsets) - 1):
        end = offsets[t + 1]
        offsets[t] = at
        for i in range(start, end):
            if i == start or sources[i] != sources[i - 1]:
                sources[at] = sources[i]
                at += 1
        start = end
    offsets[len(offsets) - 1] = at
    return at


def rising_lists(packed: Packed, first: int, numbering: Numbering) -> Lists:
    """Return the lists of arcs without counts whose sources, ids of a numbering, never fell when they were added.

    first: id of the range's first node.
    """
    nodes, directory = numbering.nodes, numbering.directory
    offsets, places, twice, largest = sort_stable(packed.words, packed.bits, first, packed.width, nodes, directory)
    packed.check(int(offsets[-1]), int(largest), nodes)
    return alone(offsets, places, twice)


def plain_lists(keys: NDArray[np.uint64], width: int) -> Lists:
    """Return the lists of arcs without counts in any order; keys are sorted in place."""
    keys.sort()
    offsets, sources = split_keys(keys, width)
    return alone(offsets, sources, repeats(offsets, sources))


def alone(offsets: NDArray[np.int64], sources: NDArray[np.uint32], twice: bool) -> Lists:
    """Return lists without counts; `twice`: one of them has a source twice."""
    left = drop_repeats(offsets, sources) if twice else len(sources)
    return Lists(offsets, sources[:left], ALONE, np.zeros(0, np.int32))


def counted_lists(keys: NDArray[np.uint64], counts: Counts, width: int, only_real: bool = True) -> Lists:
    """Return the lists of arcs with counts: those of equal arcs are added up (owner: or-ed, hosts: the largest)."""
    order = np.argsort(keys, kind="stable")
    keys, counts = keys[order], counts[order]
    return merge(keys, counts, np.maximum.reduceat, width, only_real)


def merge(keys: NDArray[np.uint64], counts: Counts, hosts: Any, width: int, only_real: bool = True) -> Lists:
    """Return the lists of sorted arcs, equal ones made one; `hosts` is the ufunc method that merges the hosts.

    only_real: without pairs of which only the other direction says that they have one owner.
    """
    starts = np.flatnonzero(np.concatenate([[len(keys) > 0], keys[1:] != keys[:-1]]))
    found = np.zeros((len(starts), counts.shape[1]), np.int64)
    if len(starts):
        found[:, :HOSTS] = np.add.reduceat(counts[:, :HOSTS], starts, axis=0)
        found[:, HOSTS] = hosts(counts[:, HOSTS], starts)
        found[:, TECHNICAL] = np.add.reduceat(counts[:, TECHNICAL], starts)
        found[:, OWNER] = np.bitwise_or.reduceat(counts[:, OWNER], starts)
    kept = real(found) if only_real else slice(None)
    offsets, sources = split_keys(keys[starts][kept], width)
    return indexed(offsets, sources, found[kept])


def indexed(offsets: NDArray[np.int64], sources: NDArray[np.uint32], counts: Counts) -> Lists:
    """Return lists whose counts are stored once per distinct row."""
    _, first, index = np.unique(row_keys(counts), return_index=True, return_inverse=True)
    return Lists(offsets, sources, counts[first], index.astype(np.int32).ravel())


def row_keys(counts: Counts) -> NDArray[Any]:
    """Return a value for each row, equal where rows are: a number, which sorts fast, if the largest counts allow it."""
    sizes = [1 + int(largest) for largest in counts.max(axis=0, initial=0)]
    if math.prod(sizes) >= 1 << 63:
        return as_keys(counts)
    found: NDArray[np.int64] = np.ravel_multi_index(tuple(counts.T), sizes)
    return found


def relabelled(lists: Lists, relabel: NDArray[np.int32]) -> Lists:
    """Return the lists with sources relabelled; arcs that become equal are merged, and their hosts counted."""
    if len(lists.index):
        width = len(lists.offsets) - 1
        target = np.repeat(np.arange(width, dtype=np.uint64), np.diff(lists.offsets))
        keys = target << np.uint64(32) | relabel[lists.sources].astype(np.uint64)
        order = np.argsort(keys, kind="stable")
        counts = lists.rows[lists.index[order]]
        counts[:, HOSTS] = counts[:, :HOSTS].sum(axis=1) > 0
        return merge(keys[order], counts, np.add.reduceat, width)
    offsets, labels, hosts = relabelled_runs(lists.offsets, lists.sources, relabel)
    distinct, index = coded(hosts)
    rows = np.repeat(ALONE, len(distinct), axis=0)
    rows[:, PAGES] = rows[:, HOSTS] = distinct
    return Lists(offsets, labels, rows, index)


def with_sitewide(lists: Lists, pages: NDArray[np.int64]) -> Lists:
    """Return the lists with the mark `sitewide` where a link stands on half of its source's pages or more."""
    if not len(lists.index):
        return lists
    linking = lists.rows[:, [PAGES, NOFOLLOW, SPONSORED]].sum(axis=1)[lists.index]
    total = pages[lists.sources]
    sitewide = (total >= LEAST_PAGES) & (2 * linking >= total)
    pairs, index = coded((2 * lists.index + sitewide).astype(np.uint32))
    rows = lists.rows[pairs >> 1]
    rows[:, SITEWIDE] = pairs & 1
    return Lists(lists.offsets, lists.sources, rows, index)
