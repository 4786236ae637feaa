"""Ways from a site to the seeds of a rank, against the flow: those over which most of it came.

A rank that starts again at seeds only (trust, and anti-trust on the reversed graph) flows from them over links. Of what
a node has, each of its neighbours gave a share; the product of the shares along a way is the share of the site's rank
that took this way from there on. The search follows the largest product first (Dijkstra, "A note on two problems in
connexion with graphs", 1959, with products in place of sums), so the first way it finds to a seed is the best one, and
no node is on a way twice. It ends with the seeds it wants, or when it has looked at `EXPANDED` nodes: then ways of
small shares may be missing, and what it found is right.
"""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sitegraph.explaining.flows import Flows
from sitegraph.ranks.passes import Vector

LONGEST: Final = 12
"""Links of a way."""
BREADTH: Final = 32
"""Neighbours of a node that are followed, those with the largest shares."""
EXPANDED: Final = 256
"""Nodes whose neighbours are looked at."""
SEED_SHARE: Final = 1e-3
"""A node which at least this share of its rank reaches without a link is a seed, where the seeds are not known."""
SEED_RANK: Final = 1e-8
"""... and which has at least so much that way: above what the error of a rank can be."""


@dataclass(frozen=True, slots=True)
class Way:
    """Nodes from a seed to the site, and for each but the last the share of the next one's rank that it gave."""

    nodes: tuple[int, ...]
    shares: tuple[float, ...]

    @property
    def share(self) -> float:
        """Share of the site's rank that came this way."""
        return float(np.prod(self.shares))


Expand = Callable[[int], tuple[Flows, float]]
"""Returns what flows into a node, and its rank."""


def ways(
    start: int,
    expand: Expand,
    seeds: NDArray[np.int64] | None,
    most: int = 3,
    expanded: int = EXPANDED,
) -> list[Way]:
    """Return the best ways from seeds to a node, at most `most`, each from another seed; its own first, if it is one.

    seeds: ids, ascending; None tells them by what reaches them without a link.
    """
    found: list[Way] = []
    waiting: list[tuple[float, tuple[int, ...], tuple[float, ...]]] = [(-1.0, (start,), ())]
    done: set[int] = set()
    while waiting and len(found) < most and len(done) < expanded:
        product, nodes, shares = heapq.heappop(waiting)
        if (node := nodes[0]) in done:
            continue
        done.add(node)
        known = seeds is not None and has(seeds, node)
        if known and node != start:
            found.append(Way(nodes, shares))
            continue
        flows, rank = expand(node)
        if known or (seeds is None and is_seed(flows, rank)):
            found.append(Way(nodes, shares))
            if node != start:
                continue
        if len(shares) < LONGEST and rank > 0.0:
            for other, share in largest(flows.ids, flows.values / rank):
                heapq.heappush(waiting, (product * share, (other, *nodes), (share, *shares)))
    return found


def has(ids: NDArray[np.int64], node: int) -> bool:
    """Say whether a node is among ids, ascending."""
    place = int(np.searchsorted(ids, node))
    return place < len(ids) and int(ids[place]) == node


def is_seed(flows: Flows, rank: float) -> bool:
    """Say whether a part of a node's rank came over no link."""
    own = rank - float(flows.values.sum())
    return own > SEED_RANK and own > SEED_SHARE * rank


def largest(ids: NDArray[np.int64], shares: Vector, most: int = BREADTH) -> Iterator[tuple[int, float]]:
    """Yield the nodes with the largest shares above 0, largest first, equal ones by id."""
    if len(ids) > most:
        edge = np.partition(shares, len(shares) - most)[len(shares) - most]
        some = np.flatnonzero(shares >= edge)
        ids, shares = ids[some], shares[some]
    order: Sequence[int] = np.lexsort((ids, -shares))[:most].tolist()
    for i in order:
        if shares[i] > 0.0:
            yield int(ids[i]), float(shares[i])
