"""A schedule by formulas, for weights of any length: sources divided in two again and again.

The sources are divided into two parts of about equal weight, each of these again, down to single sources. Of the first
j sequences of lane l of V the first part gets floor(j w + (l + 1/2) / V), w being its share of the weight, and the
other part the rest. So counts add up, none ever falls, and nothing is stored.

Over all lanes the first part of all gets floor(V j w + 1/2), by Hermite's identity: half a sequence off at most, for
any w and V. So two sources are exact. Further down, lanes that are one sequence ahead are not spread evenly over those
that are next to get one; each division takes them in the order l t mod V, with the t out of some that leaves the least
deviation over the first rounds. Measured over all lanes, with random weights, 3 sources are 3 sequences off at most, 5
are 5 and 8 are 7 (docs/reader.md); for exact counts of more than two there is period.py.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Final

import numpy as np
import numpy.typing as npt

TURNS: Final = 32
"""Orders of lanes that are tried for a division, at most."""
TRIED: Final = 1 << 14
"""Sequences of all lanes that they are tried over; 16 rounds at least, 256 at most."""
SHORT: Final = 1 << 16
"""Denominator of shares while orders are tried, so that 64 bits hold all numbers."""


@dataclass(frozen=True, slots=True)
class Division:
    """Sources divided in two: the first part's share, and the order of the lanes (a multiplier of their numbers)."""

    share: Fraction
    turn: int
    first: "Division | int"
    rest: "Division | int"


class Divisions:
    """Sources of the sequences of V lanes, by weights: fractions of sum 1."""

    def __init__(self, weights: Sequence[Fraction], lanes: int) -> None:
        self._weights, self._lanes = list(weights), lanes
        rounds = min(256, max(16, TRIED // lanes))
        counts = np.repeat(np.arange(1, rounds + 1)[:, None], lanes, axis=1)
        self._root = self._divided(list(range(len(self._weights))), counts, [1])

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
        found = [0] * len(self._weights)
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
        """Return how many of a lane's sequences the first part of a division gets."""
        up, down = node.share.numerator, node.share.denominator
        phase = 2 * (lane * node.turn % self._lanes) + 1
        return (2 * sequences * up * self._lanes + phase * down) // (2 * down * self._lanes)

    def _divided(self, sources: list[int], counts: npt.NDArray[np.int64], turns: Sequence[int]) -> Division | int:
        """Return a division of some sources, which have had `counts` (by round and lane) together."""
        if len(sources) == 1:
            return sources[0]
        sums = list(accumulate(self._weights[source] for source in sources))
        off = [abs(2 * part - sums[-1]) for part in sums[:-1]]
        cut = off.index(min(off)) + 1
        share = sums[cut - 1] / sums[-1]
        tried = [(turn, self._firsts(counts, share, turn)) for turn in turns]
        turn, first = min(tried, key=lambda one: deviation(one[1], counts, share))
        further = turns_of(self._lanes)
        rest = self._divided(sources[cut:], counts - first, further)
        return Division(share, turn, self._divided(sources[:cut], first, further), rest)

    def _firsts(self, counts: npt.NDArray[np.int64], share: Fraction, turn: int) -> npt.NDArray[np.int64]:
        """Return how many of `counts` the first part gets; for shares of many digits by one near to them."""
        near, lanes = share.limit_denominator(SHORT), self._lanes
        phases = 2 * (np.arange(lanes) * turn % lanes) + 1
        found: npt.NDArray[np.int64] = (2 * lanes * near.numerator * counts + phases * near.denominator) // (
            2 * lanes * near.denominator
        )
        return found


def turns_of(lanes: int) -> list[int]:
    """Return some multipliers that permute the numbers of the lanes."""
    coprime = [turn for turn in range(1, lanes) if math.gcd(turn, lanes) == 1] or [1]
    return coprime[:: -(-len(coprime) // TURNS)]


def deviation(first: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], share: Fraction) -> int:
    """Return how far the first part is off its share over all lanes, at most, in units of the share's denominator."""
    near = share.limit_denominator(SHORT)
    return int(np.abs(first.sum(axis=1) * near.denominator - counts.sum(axis=1) * near.numerator).max())
