"""Sorted lists of arcs without counts, their sources relabelled: hosts become the registered domains they are of.

Hosts ascend within a list, and places of those that link, as those of domains, are in the order of names, so the hosts
of a domain mostly lie together and domains ascend: one pass finds the runs of a list and their lengths. Where a domain
falls behind the one before (com.example-shop lies between com.example and com.example.blog), the runs of that list are
put in order: by insertion, as long as none moves far, else by a sort.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel

MOVES: Final = 8
"""Steps that a run may be moved by on average before its list is sorted as a whole."""
_U: Any = np.uint64


@kernel
def relabel_lists(offsets: Any, sources: Any, relabel: Any, ends: Any, labels: Any, sizes: Any) -> Any:
    """Fill in the lists of labels, ascending, none twice in a list; return how many labels there are.

    offsets int64[width + 1], sources uint32[m], relabel int32 per source. ends int64[width + 1], labels uint32[m]:
    the lists that are made; sizes uint32[m]: how many sources of the list have the label.
    """
    at = _U(0)
    ends[0] = 0
    for t in range(_U(len(offsets) - 1)):
        first = at
        last, size, fallen = np.int32(-1), np.uint32(0), np.uint32(0)
        at -= _U(1)
        for k in range(_U(offsets[t]), _U(offsets[t + _U(1)])):
            label = relabel[_U(sources[k])]
            if label != last:
                fallen |= np.uint32(label < last)
                at += _U(1)
                labels[at] = label
                last, size = label, np.uint32(0)
            size += np.uint32(1)
            sizes[at] = size
        at += _U(1)
        if fallen:
            at = first + _U(order_runs(labels[first:at], sizes[first:at]))
        ends[t + _U(1)] = at
    return at


@kernel
def order_runs(labels: Any, sizes: Any) -> Any:
    """Sort runs by label, those of one label made one, in place; return how many are left."""
    runs = np.empty(len(labels), np.uint64)
    left = MOVES * len(runs)
    for i in range(len(runs)):
        run = _U(labels[i]) << _U(32) | _U(sizes[i])
        j = i
        while left > 0 and j > 0 and runs[j - 1] > run:
            runs[j] = runs[j - 1]
            j -= 1
            left -= 1
        runs[j] = run
    if left == 0:
        runs.sort()
    used = 0
    for i in range(len(runs)):
        label, size = np.uint32(runs[i] >> _U(32)), np.uint32(runs[i] & _U(0xFFFFFFFF))
        if used and labels[used - 1] == label:
            sizes[used - 1] += size
        else:
            labels[used], sizes[used] = label, size
            used += 1
    return used


@kernel
def tally(values: Any) -> Any:  # uint32[m] -> how often each value from 0 to the largest occurs, int64
    largest = np.uint32(1)
    for value in values:
        largest = max(largest, value)
    found = np.zeros(np.int64(largest) + 1, np.int64)
    ones = 0  # most values are 1, and a counter in memory waits for itself
    for value in values:
        if value == 1:
            ones += 1
        else:
            found[_U(value)] += 1
    found[1] += ones
    return found


@kernel
def looked_up(values: Any, places: Any, out: Any) -> None:  # uint32[m], int32 per value -> int32[m]
    for i in range(_U(len(values))):
        out[i] = places[_U(values[i])]


def relabelled_runs(
    offsets: NDArray[np.int64], sources: NDArray[np.uint32], relabel: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.uint32], NDArray[np.uint32]]:
    """Return lists with their sources relabelled, ascending: offsets, labels, and how many sources had each."""
    ends = np.empty(len(offsets), np.int64)
    labels, sizes = np.empty(len(sources), np.uint32), np.empty(len(sources), np.uint32)
    used = relabel_lists(offsets, sources, relabel, ends, labels, sizes)
    return ends, labels[:used], sizes[:used]


def coded(values: NDArray[np.uint32]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the distinct values, ascending, and the place of each value among them.

    It takes 12 bytes for each number up to the largest; values that are numbers of arcs are no larger than those are
    many.
    """
    times = tally(values)
    distinct = np.flatnonzero(times)
    places = np.zeros(len(times), np.int32)
    places[distinct] = np.arange(len(distinct), dtype=np.int32)
    index = np.empty(len(values), np.int32)
    looked_up(values, places, index)
    return distinct, index
