"""Passes over row groups: lanes share nothing and miss nothing, windows say how many sequences they have."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from corpus.reader.passes import Pass, Source, window_starts
from corpus.reader.settings import PACKINGS, Packing

UNITS = st.lists(st.integers(0, 50), min_size=1, max_size=30).filter(lambda units: sum(units) > 0)


def a_pass(units: list[int], lanes: int, window: int, length: int, packing: Packing) -> Pass:
    """Return a pass over row groups 100, 101, ... in that order."""
    return Pass(100 + np.arange(len(units)), np.array(units), lanes, window, length, packing)


def test_a_pass_by_hand() -> None:
    """10, 4 and 6 tokens for two lanes: the second group is cut; lane 1 has 4 of it and the third."""
    made = a_pass([10, 4, 6], 2, 1, 5, "concat")
    assert [made.stretch(lane) for lane in (0, 1)] == [(0, 10), (10, 20)]
    assert [(p.group, p.low, p.high) for p in made.parts(0, 0)] == [(100, 0, 10)]
    assert [[(p.group, p.low, p.high) for p in made.parts(1, w)] for w in (0, 1)] == [[(101, 0, 4)], [(102, 0, 6)]]
    assert made.sequences == 2
    assert [(p.window, p.start) for p in made.places(1, 0)] == [(0, 0), (1, 0)]
    assert [(p.window, p.start) for p in made.places(1, 1)] == [(1, 1)]


@pytest.mark.parametrize(
    ("count", "window", "starts"),
    [
        (5, 1, [0, 1, 2, 3, 4]),
        (9, 3, [0, 1, 3, 6]),
        (30, 8, [0, 1, 3, 7, 15, 23]),
        (6, 8, [0, 1, 3]),
        (1, 8, [0]),
    ],
)
def test_windows_grow_to_their_size(count: int, window: int, starts: list[int]) -> None:
    """1, 2, 4 row groups, as long as that is less than a window; so the first batch waits for little."""
    assert window_starts(count, window).tolist() == starts


def test_best_fit_counts_a_windows_sequences_from_its_tokens() -> None:
    """Windows of 7 and 8 tokens in sequences of 5 have two each, whatever their documents."""
    made = a_pass([7, 8], 1, 1, 5, "best_fit")
    assert made.windows(0)[1].tolist() == [0, 2, 4]
    assert made.sequences == 4
    assert [(p.window, p.start) for n in range(4) for p in made.places(0, n)] == [(0, 0), (0, 1), (1, 0), (1, 1)]


@given(UNITS, st.integers(1, 8), st.integers(1, 5), st.integers(1, 9), st.sampled_from(PACKINGS))
@settings(max_examples=300, deadline=None)
def test_windows_of_all_lanes_are_the_whole_line_once(
    units: list[int], lanes: int, window: int, length: int, packing: Packing
) -> None:
    """Each unit of each row group is in one part of one window of one lane, in windows of so many groups at most."""
    made = a_pass(units, lanes, window, length, packing)
    seen = [np.zeros(size, int) for size in units]
    for lane in range(lanes):
        edges, before = made.windows(lane)
        for number in range(len(edges) - 1):
            parts = made.parts(lane, number)
            assert len(parts) <= window
            for part in parts:
                seen[part.group - 100][part.low : part.high] += 1
        assert before[-1] >= made.sequences or packing == "concat"
    assert all((one == 1).all() for one in seen)


@given(UNITS, st.integers(1, 4), st.integers(1, 4), st.integers(1, 9), st.sampled_from(PACKINGS))
@example([1, 0, 1], 1, 1, 2, "concat")  # a window of nothing within a sequence
@settings(max_examples=200, deadline=None)
def test_every_sequence_of_a_pass_has_its_place(
    units: list[int], lanes: int, window: int, length: int, packing: Packing
) -> None:
    """No two sequences share a place, and with concat the stretches of a sequence are its length."""
    made = a_pass(units, lanes, window, length, packing)
    for lane in range(lanes):
        edges, before = made.windows(lane)
        seen = set()
        for number in range(made.sequences):
            left = length
            for place in made.places(lane, number):
                size = int(edges[place.window + 1] - edges[place.window])
                limit = size if packing == "concat" else int(before[place.window + 1] - before[place.window])
                assert 0 <= place.start < limit
                seen.add((place.window, place.start))
                left -= min(left, size - place.start) if packing == "concat" else left
            assert left == 0
        assert len(seen) >= made.sequences


@pytest.mark.parametrize("packing", PACKINGS)
def test_passes_follow_one_another(packing: Packing) -> None:
    """A sequence is in the pass that its number says; passes have the same groups in other orders."""
    units = np.array([40, 20, 30, 10, 25, 35, 15, 45])
    source = Source("*", np.arange(8), units, 2, 3, 7, packing, 1)
    ends = [source.sequences(n) for n in range(6)]
    assert ends[0] == 0
    assert all(b > a for a, b in itertools.pairwise(ends))
    for number in range(5):
        assert source.locate(ends[number]) == (number, 0)
        assert source.locate(ends[number + 1] - 1) == (number, ends[number + 1] - ends[number] - 1)
    orders = [tuple(source.pass_at(number).groups) for number in range(5)]
    assert len(set(orders)) == 5
    assert all(sorted(order) == list(range(8)) for order in orders)
