"""Lists by place -> lists by slot, as they are written; those of arcs that come by source do without (sorting.py).

Without tiers (numbering.py) both are the same. With tiers each list has the sources of the first tier first, then those
of the next, each tier by name as before: they are counted by tier, then put down, without a branch on which it is.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel
from sitegraph.store.merging import Lists
from sitegraph.store.numbering import MOST, Numbering, tier_of
from sitegraph.store.primitives import prefetch

Order = NDArray[np.uint32]
"""Slots by place, as Numbering.order returns them."""
AHEAD: Final = 48
"""Arcs between asking for a slot's memory and looking it up: no two lie near one another, and the table is large."""


def arranged(
    lists: Lists, places: NDArray[np.int64], numbering: Numbering, order: Order
) -> tuple[Lists, NDArray[np.int64]]:
    """Return lists by slot, and the slot of each (int64, ascending).

    places: int64 per list, of its target. Raises StorageError for an arc from a node that does not link.
    """
    if not len(order):
        return lists, places
    slots = numbering.slots_of(places)
    tier = np.searchsorted(numbering.bounds, slots, side="right")  # dangling targets are behind the last
    rows = np.argsort(tier.astype(np.uint8), kind="stable")  # in one byte: sorting slots would take a tenth of it all
    offsets, sources, index = np.zeros_like(lists.offsets), np.empty_like(lists.sources), np.empty_like(lists.index)
    arcs, room = (lists.offsets, lists.sources, lists.index), np.empty(np.diff(lists.offsets).max(initial=0), np.uint32)
    if arrange(*arcs, rows, order, padded(numbering), room, offsets, sources, index) >= len(order):
        raise no_source()
    return Lists(offsets, sources, lists.rows, index), slots[rows]


def padded(numbering: Numbering) -> NDArray[np.uint32]:
    """Return where tiers end among slots: MOST of them, of which the last ones may be empty."""
    bounds = np.full(MOST, numbering.sources, np.uint32)
    bounds[: len(numbering.bounds)] = numbering.bounds
    return bounds


def no_source() -> StorageError:
    """Return the error for an arc that cannot be one of the graph that is built."""
    return StorageError("an arc from a node that does not link; delete what is half done of the graph, build again")


@kernel
def arrange(
    offsets: Any, places: Any, index: Any, rows: Any, order: Any, bounds: Any, slots: Any,
    ends: Any, sources: Any, coded: Any,
) -> Any:  # fmt: skip
    """Put lists in order: the i-th becomes the rows[i]-th that there was, its sources by tier.

    offsets int64[width + 1], places uint32[m], index int32[m or 0]: the lists. rows int64[width]. order uint32: slots
    by place. bounds uint32[MOST]: where tiers end among slots. slots: room for the longest list, uint32. Filled in:
    ends int64[width + 1], sources uint32[m], coded int32[m or 0]. Return the largest place.
    """
    at, one, last = np.uint64(0), np.uint64(1), np.uint64(len(order)) - np.uint64(1)
    a, b, c = bounds[0], bounds[1], bounds[2]
    final = np.uint64(max(len(places), 1) - 1)
    nexts, largest = np.zeros(MOST, np.uint64), np.uint64(0)
    for i in range(np.uint64(len(rows))):
        begin = np.uint64(offsets[rows[i]])
        count = np.uint64(offsets[rows[i] + 1]) - begin
        first, second, third = np.uint64(0), np.uint64(0), np.uint64(0)
        for k in range(count):
            prefetch(order, np.uint64(places[min(begin + k + np.uint64(AHEAD), final)]))
            place = np.uint64(places[begin + k])
            largest = max(largest, place)
            slot = order[min(place, last)]
            slots[k] = slot
            first += np.uint64(slot < a)
            second += np.uint64(slot < b)
            third += np.uint64(slot < c)
        nexts[0], nexts[1], nexts[2], nexts[3] = at, at + first, at + second, at + third
        for k in range(count):
            slot = slots[k]
            tier = tier_of(slot, a, b, c)
            to = nexts[tier]
            sources[to] = slot
            if len(index) > 0:
                coded[to] = index[begin + k]
            nexts[tier] = to + one
        at += count
        ends[i + one] = at
    return largest
