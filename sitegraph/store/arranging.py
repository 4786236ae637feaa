"""Lists in the order of names -> lists in the order of slots, as they are written.

Where there are no tiers (numbering.py) both are the same. With tiers each list has the sources of the first tier first,
then those of the next, each tier by name as before: a list is read once per tier, for what is taken from it goes on
where the last one stopped, without a branch; there are four tiers at most.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from sitegraph.store.merging import Lists


def arranged(lists: Lists, slots: NDArray[np.int64], bounds: NDArray[np.uint32]) -> tuple[Lists, NDArray[np.int64]]:
    """Return lists and their slots, in the order of slots.

    slots: int64 per list, of its target. bounds: uint32, where tiers end among the slots of sources.
    """
    if len(bounds) == 1:
        return lists, slots
    order = np.argsort(slots)
    offsets, sources = np.zeros_like(lists.offsets), np.empty(len(lists.sources) + 1, np.uint32)
    index = np.empty(len(lists.index) + 1 if len(lists.index) else 0, np.int32)
    arrange(lists.offsets, lists.sources, lists.index, order, bounds, offsets, sources, index)
    return Lists(offsets, sources[:-1], lists.rows, index[:-1]), slots[order]


@kernel
def arrange(
    offsets: Any, sources: Any, index: Any, order: Any, bounds: Any, ends: Any, out: Any, places: Any
) -> None:  # fmt: skip
    """Put lists in order: the i-th becomes the order[i]-th that there was, its sources by tier.

    offsets int64[width + 1], sources uint32[m], index int32[m or 0], order int64[width], bounds uint32[tiers]; filled
    in: ends int64[width + 1], out uint32[m + 1], places int32[m + 1 or 0], of which the last number means nothing.
    """
    at, coded, one = np.uint64(0), len(index) > 0, np.uint64(1)
    for t in range(len(order)):
        begin, end = np.uint64(offsets[order[t]]), np.uint64(offsets[order[t] + 1])
        low = np.uint32(0)
        for high in bounds:
            for k in range(begin, end):
                source = sources[k]
                out[at] = source
                if coded:
                    places[at] = index[k]
                at += np.uint64(source - low < high - low)  # below `low` it wraps around
            low = high
        ends[t + one] = at
