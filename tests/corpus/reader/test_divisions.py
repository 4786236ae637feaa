"""A schedule by formulas: counts by hand, and how far off shares they are measured to be."""

import random
from fractions import Fraction

import numpy as np
import pytest

from corpus.reader.divisions import Division, Divisions, turns_of


def weights_of(parts: list[int]) -> list[Fraction]:
    """Return weights in the ratio of whole numbers."""
    return [Fraction(part, sum(parts)) for part in parts]


def test_three_sources_by_hand() -> None:
    """1, 1 and 2 of 4, one lane: the first two together have every other sequence, and take turns in it."""
    divisions = Divisions(weights_of([1, 1, 2]), 1)
    assert [divisions.at(0, j)[0] for j in range(8)] == [0, 2, 1, 2, 0, 2, 1, 2]
    assert divisions.taken(0, 8) == [2, 2, 4]


def test_a_lane_is_as_far_ahead_as_its_place() -> None:
    """A third of a hundred sequences of lane l of 4 is floor(100 / 3 + (l + 1/2) / 4): 33 for 0, 1 and 2, then 34."""
    divisions = Divisions(weights_of([1, 2]), 4)
    assert [divisions.taken(lane, 100) for lane in range(4)] == [[33, 67], [33, 67], [33, 67], [34, 66]]


@pytest.mark.parametrize(("sources", "most"), [(2, 0.5), (3, 4), (5, 7), (8, 9)])
def test_deviations_are_a_few_sequences(sources: int, most: float) -> None:
    """Random weights of four digits, even and skewed: all lanes together, and a lane by itself, over 600 rounds."""
    chosen = random.Random(5)
    for power in (1, 4, 1, 4):
        weights = weights_of([int(10_000 * chosen.random() ** power) + 1 for _ in range(sources)])
        for lanes in (1, 6, 8, 24, 64):
            taken = counts_of(Divisions(weights, lanes), weights, lanes, 600)
            share = np.arange(1, 601) * np.array([float(weight) for weight in weights])[:, None]
            assert np.abs(taken.sum(axis=2) - lanes * share).max() <= most + 1e-6
            assert np.abs(taken - share[:, :, None]).max() < 3


def counts_of(divisions: Divisions, weights: list[Fraction], lanes: int, rounds: int) -> np.ndarray:  # type: ignore[type-arg]
    """Return what has been taken by source, round and lane, found sequence by sequence."""
    found = np.empty((len(weights), rounds, lanes), np.int64)
    for lane in range(lanes):
        walked = np.array([divisions.at(lane, j)[0] for j in range(rounds)])
        found[:, :, lane] = np.cumsum(walked == np.arange(len(weights))[:, None], axis=1)
        assert found[:, -1, lane].tolist() == divisions.taken(lane, rounds)
    return found


def test_orders_of_lanes_are_permutations_and_few() -> None:
    """Multipliers without a common divisor with the number of lanes, 32 at most, and one for a lane alone."""
    assert turns_of(8) == [1, 3, 5, 7]
    assert turns_of(1) == [1]
    assert len(turns_of(1024)) == 32


def test_shares_of_any_length_are_divided_exactly() -> None:
    """Sixteen decimals: orders are tried with near shares, counts are of the written ones."""
    third = Fraction("0.3333333333333333")
    divisions = Divisions([third, third, 1 - 2 * third], 6)
    assert isinstance(divisions._root, Division)
    assert sum(divisions.taken(lane, 10**16)[0] for lane in range(6)) == pytest.approx(6 * 10**16 * third, abs=3)
