"""The schedule of sources: counts by hand, exact over lanes, random access equal to walking."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.reader.schedule import Schedule


def weights_of(parts: list[int]) -> list[Fraction]:
    """Return weights in the ratio of whole numbers."""
    return [Fraction(part, sum(parts)) for part in parts]


def test_one_to_one_by_hand() -> None:
    """Every other sequence; lane 1 of 2 is half a turn ahead, so in each step one lane has the one, one the other."""
    schedule = Schedule(weights_of([1, 1]), 2)
    assert [schedule.at(0, j) for j in range(4)] == [(1, 0), (0, 0), (1, 1), (0, 1)]
    assert [schedule.at(1, j) for j in range(4)] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [schedule.taken(lane, 65) for lane in (0, 1)] == [[32, 33], [33, 32]]


def test_three_sources_by_hand() -> None:
    """1, 1 and 2 of 4, one lane: the first two together have every other sequence, and take turns in it."""
    schedule = Schedule(weights_of([1, 1, 2]), 1)
    assert [schedule.at(0, j)[0] for j in range(8)] == [2, 1, 2, 0, 2, 1, 2, 0]
    assert schedule.taken(0, 8) == [2, 2, 4]


def test_one_source_has_them_all() -> None:
    """Each sequence is of it, numbered as the lane's."""
    schedule = Schedule([Fraction(1)], 4)
    assert [schedule.at(3, j) for j in (0, 70, 10**12)] == [(0, 0), (0, 70), (0, 10**12)]


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_two_sources_are_less_than_a_sequence_off_at_any_step(parts: tuple[int, int], lanes: int, j: int) -> None:
    """Over all lanes, after any number of sequences of each; a lane's counts add up and are within one of its share."""
    weights = weights_of(list(parts))
    schedule = Schedule(weights, lanes)
    taken = [schedule.taken(lane, j) for lane in range(lanes)]
    for source, weight in enumerate(weights):
        assert abs(sum(counts[source] for counts in taken) - lanes * j * weight) < 1
        assert all(abs(counts[source] - j * weight) <= 1 for counts in taken)
    assert all(sum(counts) == j for counts in taken)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.integers(1, 9), st.data())
@settings(max_examples=60, deadline=None)
def test_any_sequence_is_found_as_by_walking(parts: list[int], lanes: int, data: st.DataObject) -> None:
    """Source and number of each sequence are those of counting from the beginning, and counts are of what came."""
    schedule = Schedule(weights_of(parts), lanes)
    lane = data.draw(st.integers(0, lanes - 1))
    counts = [0] * len(parts)
    for j in range(300):
        if j % 50 == 0:
            assert schedule.taken(lane, j) == counts
        source, number = schedule.at(lane, j)
        assert number == counts[source]
        counts[source] += 1


@pytest.mark.parametrize("lanes", [1, 8, 12, 16, 64])
@pytest.mark.parametrize("parts", [[6, 3, 1], [90, 5, 5], [1, 1, 1], [5, 4, 3, 2, 1]])
def test_more_sources_are_a_few_sequences_off_at_most(parts: list[int], lanes: int) -> None:
    """All lanes together, after any number of sequences of each."""
    weights = weights_of(parts)
    schedule = Schedule(weights, lanes)
    for j in range(300):
        taken = np.array([schedule.taken(lane, j) for lane in range(lanes)]).sum(axis=0)
        off = [abs(int(count) - lanes * j * weight) for count, weight in zip(taken, weights, strict=True)]
        assert max(off) < len(parts) - 1


def test_far_sequences_are_found_at_once() -> None:
    """Past 2^40 sequences of a lane, exactly: a third of them, no float in between."""
    schedule = Schedule(weights_of([1, 2]), 64)
    j = 2**40 * 3
    assert abs(schedule.taken(5, j)[0] - 2**40) <= 1
    source, number = schedule.at(5, j)
    assert number in (schedule.taken(5, j)[source], schedule.taken(5, j)[source] - 1)
