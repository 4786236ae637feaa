"""The schedule: which source each sequence of a lane comes from, in the exact proportions of a mixture.

A source is what one pattern of a mixture matches. The sources are divided in two again and again, each time into parts
of about equal weight. Of the first j sequences of lane l of V, the first part gets floor(j w + l / V), w being its
share of the weight, and the other part the rest; within a part its sequences are divided in the same way. So counts add
up, none ever falls, and any sequence's source and its number among those of its source are computed by themselves:
nothing is stored, and no sequence is too far.

Over all lanes the first part of all gets floor(V j w), by Hermite's identity: less than one sequence off, at any step
and whatever V. Further down, lanes are taken in another order at each division, so that deviations do not add up; with
five sources they stay below four sequences of all lanes together (test_schedule.py).

Weights are fractions, the decimal numbers that they are written as, so nothing depends on a machine's floats.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Final

GOLDEN: Final = (5**0.5 - 1) / 2


@dataclass(frozen=True, slots=True)
class Division:
    """Sources divided in two: the first part's share, and which lanes are ahead (a multiplier of the lane)."""

    share: Fraction
    turn: int
    first: "Division | int"
    rest: "Division | int"


class Schedule:
    """Sources of the sequences of V lanes, by weights: fractions of sum 1."""

    def __init__(self, weights: Sequence[Fraction], lanes: int) -> None:
        self.weights, self.lanes = list(weights), lanes
        self._root = self._divided(list(range(len(self.weights))), 0)

    def at(self, lane: int, sequence: int) -> tuple[int, int]:
        """Return the source of a lane's sequence, and which one of the lane's from that source it is."""
        node, number = self._root, sequence
        while isinstance(node, Division):
            before = self._first(node, lane, number)
            if self._first(node, lane, number + 1) > before:
                node, number = node.first, before
            else:
                node, number = node.rest, number - before
        return node, number

    def taken(self, lane: int, sequences: int) -> list[int]:
        """Return how many of a lane's first `sequences` come from each source."""
        found = [0] * len(self.weights)
        for source, count in self._counts(self._root, lane, sequences):
            found[source] = count
        return found

    def _counts(self, node: Division | int, lane: int, sequences: int) -> Iterator[tuple[int, int]]:
        if isinstance(node, Division):
            first = self._first(node, lane, sequences)
            yield from self._counts(node.first, lane, first)
            yield from self._counts(node.rest, lane, sequences - first)
        else:
            yield node, sequences

    def _first(self, node: Division, lane: int, sequences: int) -> int:
        """Return how many of a lane's sequences the first part of a division gets: floor(j w + phase / V)."""
        up, down = node.share.numerator, node.share.denominator
        phase = lane * node.turn % self.lanes
        return (sequences * up * self.lanes + phase * down) // (down * self.lanes)

    def _divided(self, sources: list[int], depth: int) -> Division | int:
        if len(sources) == 1:
            return sources[0]
        sums = list(accumulate(self.weights[source] for source in sources))
        off = [abs(2 * part - sums[-1]) for part in sums[:-1]]
        cut = off.index(min(off)) + 1
        first, rest = self._divided(sources[:cut], depth + 1), self._divided(sources[cut:], depth + 1)
        return Division(sums[cut - 1] / sums[-1], self._turn(depth), first, rest)

    def _turn(self, depth: int) -> int:
        """Return a multiplier that takes the lanes in another order at each depth: coprime to their number."""
        turn = max(1, round(self.lanes * (GOLDEN * depth % 1))) if depth else 1
        while math.gcd(turn, self.lanes) != 1:
            turn += 1
        return turn
