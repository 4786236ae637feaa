"""How many distinct registered domains link to each node of a range: in-degree by owners, not by hosts.

Hosts of a domain mostly lie together by name, so runs of equal ones are counted; where a domain falls behind the one
before (fold.py), the runs of that list are sorted. Sources come in lists by place, or as the entries of sorting.py.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import inlined, kernel
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
    return distinct(held)


@kernel
def distinct(held: Any) -> Any:  # int32[m], sorted in place -> how many distinct ones there are, at least one
    held.sort()
    found = 1
    for i in range(1, len(held)):
        found += held[i] != held[i - 1]
    return found


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


def domains_of_entries(
    entries: NDArray[np.uint64], below: int, domains: NDArray[np.int32], own: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return how many distinct domains other than its own link to each target, int64[width].

    entries: in their lower halves, above `below` bits, the targets; those of one target by place of their sources.
    domains int32 per entry: of the sources. own int32[width]: of the targets.
    """
    found, fallen = np.zeros(len(own), np.int64), np.zeros(len(own), np.bool_)
    count_runs(entries, below, domains, own, np.full(len(own), -1, np.int32), found, fallen)
    if fallen.any():
        runs = np.where(fallen, found, 0)
        ends = np.cumsum(runs)
        held = np.empty(int(ends[-1]), np.int32)
        hold_runs(entries, below, domains, own, fallen, ends - runs, held)
        count_distinct(held, ends, fallen, found)
    return found


@inlined
def target_of(entry: Any, below: Any) -> Any:  # uint64, bits below the target -> uint64: within the range
    return (entry & np.uint64(0xFFFFFFFF)) >> np.uint64(below)


@kernel
def count_runs(entries: Any, below: Any, domains: Any, own: Any, last: Any, found: Any, fallen: Any) -> None:
    """Count the runs of equal domains of each target's sources, those of its own left out.

    domains int32[m]: of the sources of entries. Per target: own int32, its domain; last int32, -1 to begin with; found
    int64, to which runs are added; fallen bool: whether a run's domain was below that of the run before.
    """
    for i in range(np.uint64(len(entries))):
        target, domain = target_of(entries[i], below), domains[i]
        before, other = last[target], domain != own[target]
        found[target] += other & (domain != before)
        fallen[target] |= other & (domain < before)
        last[target] = domain if other else before


@kernel
def hold_runs(entries: Any, below: Any, domains: Any, own: Any, fallen: Any, nexts: Any, held: Any) -> None:
    """Write the domains of the runs that count_runs counts into held (int32), of targets that are `fallen`.

    nexts int64 per target: where those of a target begin, advanced here.
    """
    last = np.full(len(own), np.int32(-1), np.int32)
    for i in range(np.uint64(len(entries))):
        target = target_of(entries[i], below)
        domain = domains[i]
        if fallen[target] and domain != own[target] and domain != last[target]:
            held[np.uint64(nexts[target])] = last[target] = domain
            nexts[target] += 1


@kernel
def count_distinct(held: Any, ends: Any, fallen: Any, found: Any) -> None:
    """Put into found the distinct ones of held[ends[t] - found[t] : ends[t]] for each target t that is `fallen`."""
    for t in range(np.uint64(len(ends))):
        if fallen[t]:
            found[t] = distinct(held[ends[t] - found[t] : ends[t]])
