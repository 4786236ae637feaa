"""Percentiles and positions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitegraph.authority import comparable, percentiles, positions, scores

RANKS = st.lists(st.one_of(st.sampled_from([0.0, 1e-12, 0.25]), st.floats(0, 1)), min_size=1, max_size=30)


def test_scores_of_five_nodes() -> None:
    """The best has percentile 1; two that tie share theirs and are placed by name."""
    rank = np.array([0.1, 0.3, 0.1, 0.4, 0.1 + 1e-17])
    by_name = np.array([4, 2, 3, 1, 0], np.int32)  # the names of nodes 4 and 2 come first
    got = scores(rank, by_name)
    assert got.percentile.tolist() == [0.6, 0.8, 0.6, 1.0, 0.6]
    assert got.position.tolist() == [5, 2, 4, 1, 3]
    assert got.source == "crawl"
    assert got.harmonic is None


def test_ranks_that_differ_by_rounding_tie() -> None:
    """Ten significant digits decide, at any magnitude; the eleventh does not."""
    key = comparable(np.array([0.1 + 0.2, 0.3, 1.00000000001e-9, 1e-9, 1.0000000011e-9, 0.0]))
    assert key[0] == key[1]
    assert key[2] == key[3] < key[4]
    assert key[5] == 0.0


@given(RANKS)
def test_percentiles_count_what_ranks_lower_or_equal(ranks: list[float]) -> None:
    """Equal to counting pair by pair."""
    key = comparable(np.array(ranks))
    expected = [sum(other <= one for other in key) / len(key) for one in key]
    assert percentiles(key) == pytest.approx(expected)


@given(RANKS, st.randoms(use_true_random=False))
def test_positions_are_a_sort_by_rank_then_name(ranks: list[float], random: object) -> None:
    """Equal to sorting pairs; every place from 1 to n is taken once."""
    key = comparable(np.array(ranks))
    by_name = list(range(len(key)))
    random.shuffle(by_name)  # type: ignore[attr-defined]
    place_of_name = {node: place for place, node in enumerate(by_name)}
    order = sorted(range(len(key)), key=lambda node: (-key[node], place_of_name[node]))
    assert positions(key, np.array(by_name, np.int32))[order].tolist() == list(range(1, len(key) + 1))
