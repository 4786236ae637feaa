"""Counts of arcs stored once per distinct row; lists with a source twice are told from others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sitegraph.store.merging import indexed, repeats, row_keys


@pytest.mark.parametrize(("largest", "kind"), [(3, "i"), (2**12, "V"), (2**40, "V")])
def test_equal_rows_are_one(largest: int, kind: str) -> None:
    """By numbers where six counts fit in one, by bytes where they do not."""
    random = np.random.default_rng(largest)
    counts = random.integers(0, 3, (500, 6)) * (largest // 2 + 1)
    counts[0] = largest
    assert row_keys(counts).dtype.kind == kind
    lists = indexed(np.array([0, 500]), np.arange(500, dtype=np.uint32), counts)
    assert np.array_equal(lists.rows[lists.index], counts)
    assert len(lists.rows) == len({tuple(row) for row in counts.tolist()})


def test_no_rows() -> None:
    """An empty range has none."""
    lists = indexed(np.zeros(1, np.int64), np.zeros(0, np.uint32), np.zeros((0, 6), np.int64))
    assert (len(lists.rows), len(lists.index)) == (0, 0)


@given(st.lists(st.lists(st.integers(0, 3), max_size=4).map(sorted), max_size=8))
def test_a_source_twice_in_a_list_is_told(lists: list[list[int]]) -> None:
    """Not one that ends a list and begins the next, whatever empty lists lie between."""
    offsets = np.cumsum([0, *map(len, lists)]).astype(np.int64)
    sources = np.array([source for some in lists for source in some], np.uint32)
    assert repeats(offsets, sources) == any(len(set(some)) < len(some) for some in lists)
