"""How many distinct registered domains link to each node of a range: in-degree by owners, not by hosts."""

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
    held = np.empty(1024, np.int32)
    for t in range(len(found)):
        size = offsets[t + 1] - offsets[t]
        if size > len(held):
            held = np.empty(2 * size, np.int32)
        used, rising = 0, True
        for k in range(offsets[t], offsets[t + 1]):
            domain = domains[sources[k]]
            if domain == own[t] or (len(endorsing) > 0 and not endorsing[k]):
                continue
            if used and domain == held[used - 1]:
                continue
            rising = rising and (used == 0 or domain > held[used - 1])
            held[used] = domain
            used += 1
        if not rising:
            some = np.sort(held[:used])
            used = 1
            for i in range(1, len(some)):
                used += some[i] != some[i - 1]
        found[t] = used
    return found


def endorsing(lists: Lists) -> NDArray[np.bool_]:
    """Return which arcs endorse (bool[m]); empty where all do."""
    some = lists.rows[:, :HOSTS].sum(axis=1) > 0
    return np.zeros(0, np.bool_) if some.all() else some[lists.index]


def linking_domains(lists: Lists, first: int, domains: NDArray[np.int32] | None) -> NDArray[np.int64]:
    """Return per node of a range the distinct domains that link to it; `first` is the id of its first node."""
    some = endorsing(lists)
    if domains is not None:
        own = domains[first : first + len(lists.offsets) - 1]
        return np.asarray(count_domains(lists.offsets, lists.sources, some, domains, own))
    if not len(some):
        return np.diff(lists.offsets)
    return np.diff(np.concatenate([[0], np.cumsum(some)])[lists.offsets])
