"""Lists by place -> lists by slot, as they are written.

Without tiers (numbering.py) both are the same. With tiers each list has the sources of the first tier first, then those
of the next, each tier by name as before: a list is read once per tier, for what is taken from it goes on where the last
one stopped, without a branch; there are four tiers at most.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.kernels import kernel
from sitegraph.store.merging import Lists
from sitegraph.store.numbering import Numbering

Order = NDArray[np.uint32]
"""Slots by place, as Numbering.order returns them."""


def arranged(
    lists: Lists, places: NDArray[np.int64], numbering: Numbering, order: Order
) -> tuple[Lists, NDArray[np.int64]]:
    """Return lists by slot, and the slot of each (int64, ascending).

    places: int64 per list, of its target. Raises StorageError for an arc from a node that does not link.
    """
    if not len(order):
        return lists, places
    slots, linking = places.copy(), places < len(order)
    slots[linking] = order[places[linking]]
    rows = np.argsort(slots)
    offsets, sources = np.zeros_like(lists.offsets), np.empty(len(lists.sources) + 1, np.uint32)
    index = np.empty(len(lists.index) + 1 if len(lists.index) else 0, np.int32)
    arrange(lists.offsets, numbered(lists.sources, order), lists.index, rows, numbering.bounds, offsets, sources, index)
    if offsets[-1] != len(lists.sources):
        raise StorageError("an arc from a node that does not link; delete what is half done of the graph, build again")
    return Lists(offsets, sources[:-1], lists.rows, index[:-1]), slots[rows]


@kernel
def numbered(places: Any, order: Any) -> Any:  # uint32[m], slots by place -> uint32[m]; their number for what is none
    slots, sources = np.empty(len(places), np.uint32), np.uint64(len(order))
    for k in range(np.uint64(len(places))):
        place = np.uint64(places[k])
        slots[k] = order[place] if place < sources else sources
    return slots


@kernel
def arrange(offsets: Any, sources: Any, index: Any, rows: Any, bounds: Any, ends: Any, out: Any, places: Any) -> None:
    """Put lists in order: the i-th becomes the rows[i]-th that there was, its sources by tier.

    offsets int64[width + 1], sources uint32[m], index int32[m or 0], rows int64[width], bounds uint32[tiers], where
    tiers end. Filled in: ends int64[width + 1], out uint32[m + 1], places int32[m + 1 or 0], of which the last number
    means nothing. Sources of no tier are left out.
    """
    at, coded, one = np.uint64(0), len(index) > 0, np.uint64(1)
    for i in range(np.uint64(len(rows))):
        begin, end = np.uint64(offsets[rows[i]]), np.uint64(offsets[rows[i] + 1])
        low = np.uint32(0)
        for high in bounds:
            for k in range(begin, end):
                source = sources[k]
                out[at] = source
                if coded:
                    places[at] = index[k]
                at += np.uint64(source - low < high - low)  # below `low` it wraps around
            low = high
        ends[i + one] = at
