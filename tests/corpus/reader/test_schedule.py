"""The schedule of sources: how far off shares are at most, random access equal to walking, no sequence too far."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import corpus.reader.schedule
from corpus.reader.schedule import LARGEST, Schedule


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
    """1, 1 and 2 of 4, one lane. Due are a, b and c; c would be late first. c is not due again; a, b; then c."""
    schedule = Schedule(weights_of([1, 1, 2]), 1)
    assert [schedule.at(0, j)[0] for j in range(8)] == [2, 0, 1, 2, 2, 0, 1, 2]
    assert schedule.taken(0, 8) == [2, 2, 4]


def test_one_source_has_them_all() -> None:
    """Each sequence is of it, numbered as the lane's."""
    schedule = Schedule([Fraction(1)], 4)
    assert [schedule.at(3, j) for j in (0, 70, 10**12)] == [(0, 0), (0, 70), (0, 10**12)]


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)), st.integers(1, 12), st.integers(0, 10**6))
@settings(max_examples=200, deadline=None)
def test_two_sources_are_half_a_sequence_off_at_any_step(parts: tuple[int, int], lanes: int, j: int) -> None:
    """Over all lanes, after any number of sequences of each; a lane's counts add up and are within one of its share."""
    weights = weights_of(list(parts))
    schedule = Schedule(weights, lanes)
    taken = [schedule.taken(lane, j) for lane in range(lanes)]
    for source, weight in enumerate(weights):
        assert abs(sum(counts[source] for counts in taken) - lanes * j * weight) <= Fraction(1, 2)
        assert all(abs(counts[source] - j * weight) <= 1 for counts in taken)
    assert all(sum(counts) == j for counts in taken)


@given(st.lists(st.integers(1, 30), min_size=3, max_size=12), st.integers(1, 24), st.integers(0, 10**9))
@settings(max_examples=200, deadline=None)
def test_more_sources_are_less_than_a_sequence_off_at_any_step(parts: list[int], lanes: int, j: int) -> None:
    """Tijdeman's bound over all lanes; a lane is less than one off a V-th of what the source has had."""
    weights = weights_of(parts)
    schedule = Schedule(weights, lanes)
    assert schedule.exact
    taken = [schedule.taken(lane, j) for lane in range(lanes)]
    for source, weight in enumerate(weights):
        had = sum(counts[source] for counts in taken)
        assert abs(had - lanes * j * weight) <= 1 - Fraction(1, 2 * len(parts) - 2)
        assert all(abs(counts[source] - Fraction(had, lanes)) < 1 for counts in taken)
    assert all(sum(counts) == j for counts in taken)


@pytest.mark.parametrize("lanes", [1, 6, 64, 192])
@pytest.mark.parametrize("parts", [[90, 5, 3, 2], [6, 3, 1], [97, 1, 1, 1], [670, 150, 45, 45, 45, 25, 20]])
def test_common_mixtures_are_exact_after_every_round(parts: list[int], lanes: int) -> None:
    """All rounds of a period: all lanes together and each by itself, counted sequence by sequence."""
    weights = weights_of(parts)
    schedule, rounds = Schedule(weights, lanes), math.lcm(*(weight.denominator for weight in weights))
    found = np.array([[schedule.at(lane, j)[0] for j in range(rounds)] for lane in range(lanes)])
    had = np.cumsum(found == np.arange(len(parts))[:, None, None], axis=2)
    share = np.arange(1, rounds + 1) * np.array(parts)[:, None] / sum(parts)
    assert np.abs(had.sum(axis=1) - lanes * share).max() < 1
    assert np.abs(had - share[:, None]).max() < 1 + 1 / lanes


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.integers(1, 9), st.booleans(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_sequence_is_found_as_by_walking(parts: list[int], lanes: int, long: bool, data: st.DataObject) -> None:
    """Source and number of each sequence are those of counting from the beginning, and counts are of what came."""
    schedule = Schedule(weights_of([part * LARGEST + long for part in parts]), lanes)
    assert schedule.exact or len(parts) > 2
    lane = data.draw(st.integers(0, lanes - 1))
    counts = [0] * len(parts)
    for j in range(300):
        if j % 50 == 0:
            assert schedule.taken(lane, j) == counts
        source, number = schedule.at(lane, j)
        assert number == counts[source]
        counts[source] += 1


@pytest.mark.parametrize("parts", [[1, 2], [1, 1, 1], [1, LARGEST, LARGEST]])
def test_far_sequences_are_found_at_once(parts: list[int]) -> None:
    """Past 2^40 sequences of a lane, exactly: no float in between, and nothing is stored for them."""
    weights = weights_of(parts)
    schedule, j = Schedule(weights, 64), 2**40 * 3
    taken = schedule.taken(5, j)
    assert all(abs(count - j * weight) < 2 for count, weight in zip(taken, weights, strict=True))
    source, number = schedule.at(5, j)
    assert number == taken[source]
    assert schedule.taken(5, j + 1)[source] == number + 1


def test_weights_that_are_too_long_for_a_table_are_said_not_to_be_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for 131,072 sequences, a period of 2,048 rounds of 64 lanes is one, of 2,049 not; two sources are exact
    whatever their weights."""
    monkeypatch.setattr(corpus.reader.schedule, "LARGEST", 1 << 17)
    assert Schedule(weights_of([1, 1, 2046]), 64).exact
    assert not Schedule(weights_of([1, 1, 2047]), 64).exact
    assert Schedule(weights_of([1, 10**15]), 64).exact
