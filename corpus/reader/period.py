"""A period of a schedule as a table: which source each lane takes a sequence from in which round.

Weights are whole numbers u of sum D, and V lanes take a sequence each in a round. After D rounds every lane has had u
sequences of each source, and the table begins anew. Within it two things hold at once:

Sources are on time. Sequences go to sources one by one as chairmen are appointed by Tijdeman's rule ("The chairman
assignment problem", Discrete Mathematics 32, 1980): of the sources whose next sequence is due, the one that would
soonest be late. No source is ever more than 1 - 1 / (2 k - 2) of a sequence off its share, which is the least that
any rule can promise for all weights.

Lanes are even. Each source's sequences are cut into runs of V; a run is to come to each lane once, as a round does.
Let rounds and runs be nodes, and sequences edges between them: each node has V edges, so by König's theorem (1916) V
colours are enough for no two edges of a node to be alike, and the colours are the lanes. A lane's n-th sequence of a
source is then one of its n-th run: at any time it is less than one off a V-th of what the source has had.

As long as nodes have an even number of edges, these are parted into halves that leave each node as many (Gabow, "Using
Euler partitions to edge color bipartite multigraphs", International Journal of Computer and Information Sciences 5,
1976), all of a table at once; an odd number of colours above one is then found edge by edge.
"""

import heapq
import math
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

NONE: Final = -1
ROUND, RUN = 0, 1


class Period:
    """Sources of the sequences of V lanes, by weights: positive whole numbers, whose sum is the rounds of a period."""

    def __init__(self, weights: Sequence[int], lanes: int) -> None:
        self._weights, self._rounds = list(weights), sum(weights)
        firsts = np.cumsum([0, *weights[:-1]])
        runs = dealt(runs_of(chairmen(weights, self._rounds * lanes), firsts, lanes), self._rounds, lanes)
        sources = np.repeat(np.arange(len(weights)), weights)[runs]
        self._sources = sources.astype(np.int16 if len(weights) <= 1 << 15 else np.int32)
        self._numbers = (runs - firsts[sources]).astype(np.int32)

    def at(self, lane: int, sequence: int) -> tuple[int, int]:
        """Return the source of a lane's sequence, and which one of the lane's from that source it is."""
        periods, within = divmod(sequence, self._rounds)
        source = int(self._sources[lane, within])
        return source, periods * self._weights[source] + int(self._numbers[lane, within])

    def taken(self, lane: int, sequences: int) -> list[int]:
        """Return how many of a lane's first `sequences` come from each source."""
        periods, within = divmod(sequences, self._rounds)
        rest = np.bincount(self._sources[lane, :within], minlength=len(self._weights)).tolist()
        return [periods * weight + count for weight, count in zip(self._weights, rest, strict=True)]


def chairmen(weights: Sequence[int], sequences: int) -> npt.NDArray[np.int32]:
    """Return the source of each sequence in the order of time; two sources at least.

    With sum D and k sources, sequence m of a source of weight u is due from (m + e) D / u sequences on, e being
    1 / (2 k - 2), and late after (m + 1 - e) D / u. Times are multiplied by what makes them whole.
    """
    total, parts = sum(weights), 2 * len(weights) - 2
    common = math.lcm(*weights)
    steps = [common // weight * total for weight in weights]
    waiting = sorted((step, source) for source, step in enumerate(steps))  # by when they are due
    ready: list[tuple[int, int]] = []  # due, by when they are late
    found = np.empty(sequences, np.int32)
    for n in range(sequences):
        now = (n + 1) * parts * common
        while waiting and waiting[0][0] <= now:
            due, source = heapq.heappop(waiting)
            heapq.heappush(ready, (due + (parts - 2) * steps[source], source))
        late, chosen = heapq.heappop(ready)
        found[n] = chosen
        heapq.heappush(waiting, (late + 2 * steps[chosen], chosen))
    return found


def runs_of(sources: npt.NDArray[np.int32], firsts: npt.NDArray[np.int64], lanes: int) -> npt.NDArray[np.int64]:
    """Return the run of each sequence; firsts: the number of the first run of each source."""
    found = np.empty(len(sources), np.int64)
    for source, first in enumerate(firsts):
        those = np.flatnonzero(sources == source)
        found[those] = first + np.arange(len(those)) // lanes
    return found


def dealt(runs: npt.NDArray[np.int64], rounds: int, lanes: int) -> npt.NDArray[np.int64]:
    """Return the run that each lane takes its sequence of each round from: an array of lanes by rounds."""
    rows = np.repeat(np.arange(rounds), lanes)
    colours, degree = np.zeros(len(runs), np.int64), lanes
    while degree % 2 == 0:
        colours = 2 * colours + halves(pairs(rows, colours), pairs(runs, colours))
        degree //= 2
    parts = runs[np.argsort(colours, kind="stable")].reshape(-1, rounds, degree)
    return np.concatenate([part.T if degree == 1 else coloured(part) for part in parts])


def coloured(runs: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the runs of rounds (an array of rounds by edges) by colour and round."""
    colouring = Colouring(*runs.shape)
    for this, some in enumerate(runs.tolist()):
        for run in some:
            colouring.add(this, run)
    return np.array(colouring.at[ROUND], np.int64).T


def pairs(nodes: npt.NDArray[np.int64], colours: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return for each edge another one of its node and colour, so that they are pairs; each has an even number."""
    order = np.lexsort((colours, nodes))
    found = np.empty(len(order), np.int64)
    found[order[0::2]], found[order[1::2]] = order[1::2], order[0::2]
    return found


def halves(left: npt.NDArray[np.int64], right: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return a half for each edge, other than that of its partners in two pairings.

    Partners, left and right in turn, make cycles. Every other edge of a cycle is found by going left, then right; the
    least number of an edge among these names them, found by steps that double.
    """
    step = right[left]
    least, ahead = np.minimum(np.arange(len(step)), step), step
    while not (least == least[step]).all():
        ahead = ahead[ahead]
        least = np.minimum(least, least[ahead])
    found: npt.NDArray[np.bool_] = least > least[left]
    return found


class Colouring:
    """Colours of the edges between rounds and runs, no two alike at a node; edges are added one by one.

    at: by side, node and colour the node at the edge's other end, or NONE.
    """

    def __init__(self, nodes: int, colours: int) -> None:
        self.at = [[[NONE] * colours for _ in range(nodes)] for _ in (ROUND, RUN)]
        self._free = [[(1 << colours) - 1] * nodes for _ in (ROUND, RUN)]

    def add(self, this: int, run: int) -> None:
        """Add an edge between a round and a run. With no colour free at both, one that is free at the round is made
        free at the run: along the path of that colour and one free at the run, which never ends at the round, the two
        are exchanged."""
        both = self._free[ROUND][this] & self._free[RUN][run]
        colour = lowest(both or self._free[ROUND][this])
        if not both:
            other = lowest(self._free[RUN][run])
            path = list(self._path(run, colour, other))
            for edge in path:
                self._take(*edge)
            for one, another, was in path:
                self._put(one, another, other if was == colour else colour)
        self._put(this, run, colour)

    def _path(self, run: int, colour: int, other: int) -> Iterator[tuple[int, int, int]]:
        """Yield (round, run, colour) of the edges that alternate between two colours from a run on."""
        while (this := self.at[RUN][run][colour]) != NONE:
            yield this, run, colour
            if (run := self.at[ROUND][this][other]) == NONE:
                return
            yield this, run, other

    def _put(self, this: int, run: int, colour: int) -> None:
        self.at[ROUND][this][colour], self.at[RUN][run][colour] = run, this
        self._free[ROUND][this] &= ~(1 << colour)
        self._free[RUN][run] &= ~(1 << colour)

    def _take(self, this: int, run: int, colour: int) -> None:
        self.at[ROUND][this][colour] = self.at[RUN][run][colour] = NONE
        self._free[ROUND][this] |= 1 << colour
        self._free[RUN][run] |= 1 << colour


def lowest(bits: int) -> int:
    """Return the place of the lowest bit."""
    return (bits & -bits).bit_length() - 1
