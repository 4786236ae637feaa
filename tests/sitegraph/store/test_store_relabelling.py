"""Lists whose sources become those of another level, against dictionaries."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from sitegraph.store.merging import ALONE, Lists, relabelled
from sitegraph.store.relabelling import coded

Rows = list[list[tuple[int, int]]]
"""Per list, labels and how many sources have each."""


def lists_of(sources: list[list[int]]) -> Lists:
    """Return lists without counts."""
    offsets = np.cumsum([0, *map(len, sources)])
    flat = np.array([s for some in sources for s in some], np.uint32)
    return Lists(offsets, flat, ALONE, np.zeros(0, np.int32))


def rows_of(lists: Lists) -> Rows:
    """Return labels and hosts of each list, and see that pages say the same."""
    counts = lists.rows[lists.index]
    assert (counts[:, 0] == counts[:, 3]).all()
    assert not counts[:, [1, 2, 4, 5]].any()
    pairs = list(zip(lists.sources.tolist(), counts[:, 3].tolist(), strict=True))
    return [pairs[start:stop] for start, stop in zip(lists.offsets[:-1], lists.offsets[1:], strict=True)]


def test_a_domain_that_falls_behind_by_hand() -> None:
    """Hosts 0 and 3 are of domain 7, between them 1 of 8 and 2 of 9; a list of one host, and an empty one."""
    relabel = np.array([7, 8, 9, 7], np.int32)
    found = relabelled(lists_of([[0, 1, 2, 3], [2], [], [0, 3], [1, 3]]), relabel)
    assert rows_of(found) == [[(7, 2), (8, 1), (9, 1)], [(9, 1)], [], [(7, 2)], [(7, 1), (8, 1)]]
    assert found.rows[:, 3].tolist() == [1, 2]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.lists(st.sets(st.integers(0, 59), max_size=60), max_size=6),
)
def test_any_labels(labels: list[int], drawn: list[set[int]]) -> None:
    """Labels ascend, none comes twice, and each knows its sources: as a Counter says."""
    sources = [sorted(s % len(labels) for s in {s % len(labels) for s in some}) for some in drawn]
    found = relabelled(lists_of(sources), np.array(labels, np.int32))
    assert rows_of(found) == [sorted(Counter(labels[s] for s in some).items()) for some in sources]


@pytest.mark.parametrize("kind", ["falling", "random", "nearly"])
def test_long_lists(kind: str) -> None:
    """Those in which nothing is in order, and those in which little is not."""
    random = np.random.default_rng(3)
    orders = {"falling": np.arange(5000)[::-1], "random": random.permutation(5000), "nearly": np.arange(5000)}
    relabel = orders[kind].astype(np.int32) // 2
    if kind == "nearly":
        relabel[10::97] -= 5
    sources = list(range(5000))
    found = relabelled(lists_of([sources, sources[::3]]), relabel)
    assert rows_of(found) == [sorted(Counter(relabel[some].tolist()).items()) for some in (sources, sources[::3])]


@given(st.lists(st.one_of(st.integers(1, 4), st.integers(1, 3000)), max_size=80))
def test_values_as_places_among_the_distinct(values: list[int]) -> None:
    """As numpy says."""
    array: NDArray[np.uint32] = np.array(values, np.uint32)
    distinct, index = coded(array)
    expected = np.unique(array, return_inverse=True)
    assert distinct.tolist() == expected[0].tolist()
    assert index.tolist() == expected[1].tolist()
