"""How many distinct registered domains link to each node of a range: in-degree by owners, not by hosts.

Counted here in sorted lists; sorting.py counts them where lists are sorted by slot.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from sitegraph.store.classes import HOSTS
from sitegraph.store.merging import Lists


@kernel
def count_domains(offsets: Any, sources: Any, endorsing: Any, domains: Any, own: Any) -> Any:
    """Return per list the distinct domains[source] other than own[i], over arcs with endorsing[k] (all, if empty)."""
    found = np.zeros(len(offsets) - 1, np.int64)
    for t in range(np.uint64(len(found))):
        start, stop = np.uint64(offsets[t]), np.uint64(offsets[t + np.uint64(1)])
        mine, last = own[t], np.int32(-1)
        used, fallen = 0, np.uint32(0)
        for k in range(start, stop):
            domain = domains[np.uint64(sources[k])]
            if domain == mine:
                continue
            if domain != last and (len(endorsing) == 0 or endorsing[k]):
                fallen |= np.uint32(domain < last)
                used += 1
                last = domain
        if fallen:
            used = distinct_of(start, stop, sources, endorsing, domains, mine, used)
        found[t] = used
    return found


@kernel
def distinct_of(start: Any, stop: Any, sources: Any, endorsing: Any, domains: Any, mine: Any, most: Any) -> Any:
    """Return what count_domains counts for the list of arcs from `start` on, in any order; at most `most`."""
    held = np.empty(most, np.int32)
    used, last = 0, np.int32(-1)
    for k in range(start, stop):
        domain = domains[np.uint64(sources[k])]
        if domain == mine:
            continue
        if domain != last and (len(endorsing) == 0 or endorsing[k]):
            held[used] = last = domain
            used += 1
    held.sort()
    used = 1
    for i in range(1, len(held)):
        used += held[i] != held[i - 1]
    return used


def endorsing(lists: Lists) -> NDArray[np.bool_]:
    """Return which arcs endorse (bool[m]); empty where all do."""
    some = lists.rows[:, :HOSTS].sum(axis=1) > 0
    return np.zeros(0, np.bool_) if some.all() else some[lists.index]


def linking_domains(lists: Lists, places: NDArray[np.int64], domains: NDArray[np.int32] | None) -> NDArray[np.int64]:
    """Return how many distinct domains link to the nodes of some places, a list each.

    domains: int32 per place, None where nodes are domains.
    """
    some = endorsing(lists)
    if domains is not None:
        return np.asarray(count_domains(lists.offsets, lists.sources, some, domains, domains[places]))
    if not len(some):
        return np.diff(lists.offsets)
    return np.diff(np.concatenate([[0], np.cumsum(some)])[lists.offsets])
