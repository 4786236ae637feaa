"""A period as a table: chairmen by hand, sources on time, lanes even, colours proper."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.reader.period import RUN, Colouring, Period, chairmen, dealt, halves, lowest, pairs, runs_of


def test_chairmen_by_hand() -> None:
    """3, 2 and 1 of 6: late after 1.5, 2.25 and 4.5 sequences, due from 0.5, 0.75 and 1.5 on, then every 2, 3 and 6.

    1: a (due: a, b). 2: b (c too). 3: a, late after 3.5. 4: c, late after 4.5 (b too, after 5.25). 5: b. 6: a.
    """
    assert chairmen([3, 2, 1], 6).tolist() == [0, 1, 0, 2, 1, 0]


@given(st.lists(st.integers(1, 60), min_size=2, max_size=12), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_no_source_is_further_off_than_tijdeman_says(weights: list[int], periods: int) -> None:
    """After every sequence, in whole numbers; at the end of a period all have what they should."""
    total, parts = sum(weights), 2 * len(weights) - 2
    had = np.zeros(len(weights), np.int64)
    for n, source in enumerate(chairmen(weights, periods * total).tolist(), 1):
        had[source] += 1
        assert (parts * np.abs(had * total - n * np.array(weights)) <= (parts - 1) * total).all()
    assert (had == periods * np.array(weights)).all()


def test_runs_of_a_source_are_its_sequences_by_the_number_of_lanes() -> None:
    """With two lanes the first two sequences of a source are its first run; the second source's begin at run 2."""
    sources = np.array([0, 1, 0, 0, 1, 0], np.int32)
    assert runs_of(sources, np.array([0, 2]), 2).tolist() == [0, 2, 0, 1, 2, 1]


def test_a_colour_is_made_free_along_a_path() -> None:
    """Round 0 has run 0 in colour 0, round 1 run 1 in colour 0 and run 0 in 1; no colour is free at round 0 and run 1
    but colour 1: so it is taken. Then round 0 is full."""
    colouring = Colouring(2, 2)
    for this, run in ((0, 0), (1, 1), (1, 0), (0, 1)):
        colouring.add(this, run)
    assert colouring.at[0] == [[0, 1], [1, 0]]


@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_regular_graph_takes_as_many_colours_as_a_node_has_edges(nodes: int, colours: int, random: object) -> None:
    """Edges of random permutations, in random order: each node has each colour once, and the edges are those given."""
    edges = [edge for _ in range(colours) for edge in enumerate(random.sample(range(nodes), nodes))]  # type: ignore[attr-defined]
    random.shuffle(edges)  # type: ignore[attr-defined]
    colouring = Colouring(nodes, colours)
    for this, run in edges:
        colouring.add(this, run)
    found = [(this, run) for this, runs in enumerate(colouring.at[0]) for run in runs]
    assert Counter(found) == Counter(edges)
    for colour in range(colours):
        assert sorted(runs[colour] for runs in colouring.at[0]) == list(range(nodes))
        assert all(colouring.at[0][rounds[colour]][colour] == run for run, rounds in enumerate(colouring.at[RUN]))


def test_edges_are_parted_along_cycles() -> None:
    """Left partners 0-1, 2-3, 4-5 and right ones 1-2, 3-0, 4-5: edges 0, 1, 2, 3 are one cycle, 4 and 5 another."""
    left, right = np.array([1, 0, 3, 2, 5, 4]), np.array([3, 2, 1, 0, 5, 4])
    assert halves(left, right).tolist() == [False, True, False, True, False, True]


def test_pairs_are_of_one_node_and_one_colour() -> None:
    """Edges 0, 2 and 3, 5 at node 0 have colours 0 and 1; 1 and 4 are node 1's."""
    nodes, colours = np.array([0, 1, 0, 0, 1, 0]), np.array([0, 1, 0, 1, 1, 1])
    assert pairs(nodes, colours).tolist() == [2, 4, 0, 5, 1, 3]


@given(st.integers(1, 9), st.sampled_from([1, 2, 3, 4, 6, 8, 12, 16]), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_lanes_have_each_run_and_each_round_once(rounds: int, lanes: int, random: object) -> None:
    """Of any runs, each a number of lanes often: a lane has one of each, and rounds have what they were given."""
    given = np.array([run for run in range(rounds) for _ in range(lanes)])
    random.shuffle(given)  # type: ignore[attr-defined]
    found = dealt(given, rounds, lanes)
    assert found.shape == (lanes, rounds)
    assert (np.sort(found, axis=1) == np.arange(rounds)).all()
    assert (np.sort(found.T, axis=1) == np.sort(given.reshape(rounds, lanes), axis=1)).all()


@pytest.mark.parametrize("lanes", [1, 2, 7, 24])
@pytest.mark.parametrize("weights", [[6, 3, 1], [9, 4, 2, 2, 1, 1, 1], [1] * 5, [40, 30, 20, 9, 1]])
def test_every_lane_has_each_run_once(weights: list[int], lanes: int) -> None:
    """So its numbers of a source go up by one, period after period, and after a period it has had the weights."""
    period = Period(weights, lanes)
    for lane in range(lanes):
        counts = [0] * len(weights)
        for j in range(3 * sum(weights)):
            source, number = period.at(lane, j)
            assert number == counts[source]
            counts[source] += 1
        assert counts == period.taken(lane, 3 * sum(weights)) == [3 * weight for weight in weights]


def test_the_lowest_bit() -> None:
    """Of 1, 12 and 2^70."""
    assert [lowest(bits) for bits in (1, 12, 1 << 70)] == [0, 2, 70]
