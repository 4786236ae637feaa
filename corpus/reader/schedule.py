"""The schedule: which source each sequence of a lane comes from, in the exact proportions of a mixture.

A source is what one pattern of a mixture matches. V lanes take a sequence each, round after round, and a batch is some
rounds. Any sequence's source and its number among the lane's of that source are found by themselves, however far it is.
After any round, of k sources with k > 2 and weights that are whole numbers u of sum D without a common divisor:

    V D up to 655,360    each source is 1 - 1 / (2 k - 2) of a sequence off its share at most, all lanes together, and
                         each lane less than one off a V-th of what the source has had: a table (period.py). With 64
                         lanes that is any D up to 10,240, so all weights of four decimals
    longer weights       a few sequences off, a lane up to 3: formulas (divisions.py)

One or two sources take formulas whatever their weights: half a sequence off at most, a lane less than one.

Weights are fractions, the decimal numbers that they are written as, so nothing depends on a machine's floats.
"""

import functools
import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from corpus.reader.divisions import Divisions
from corpus.reader.period import Period

LARGEST: Final = 10 << 16
"""Sequences of a period that is made as a table: some seconds of a core, and as many entries of 6 bytes."""


class Schedule:
    """Sources of the sequences of V lanes, by weights: fractions of sum 1."""

    def __init__(self, weights: Sequence[Fraction], lanes: int) -> None:
        self.weights, self.lanes = list(weights), lanes
        rounds = math.lcm(*(weight.denominator for weight in weights))
        self.exact = len(weights) <= 2 or rounds * lanes <= LARGEST
        self._dealt: Period | Divisions
        if len(weights) > 2 and self.exact:
            self._dealt = period_of(tuple(int(weight * rounds) for weight in weights), lanes)
        else:
            self._dealt = Divisions(weights, lanes)

    def at(self, lane: int, sequence: int) -> tuple[int, int]:
        """Return the source of a lane's sequence, and which one of the lane's from that source it is."""
        return self._dealt.at(lane, sequence)

    def taken(self, lane: int, sequences: int) -> list[int]:
        """Return how many of a lane's first `sequences` come from each source."""
        return self._dealt.taken(lane, sequences)


@functools.lru_cache(maxsize=4)
def period_of(weights: tuple[int, ...], lanes: int) -> Period:
    """Return the table of a period, 4 MB at most; stages and readers with the same mixture share it."""
    return Period(weights, lanes)
