"""Lists in the order of slots, against sorted lists; the stretches and references of their blocks by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sitegraph.store.builder
from corpus.errors import StorageError
from sitegraph.store.arcs import references
from sitegraph.store.arranging import arranged
from sitegraph.store.builder import stretches
from sitegraph.store.merging import ALONE, Lists
from sitegraph.store.numbering import Numbering


def of_tiers(tier: list[int]) -> Numbering:
    """Return the numbering of linking nodes of these tiers, each from 1 on there."""
    known = sorted(set(tier))
    return Numbering.of_tiers(np.array([known.index(one) + 1 for one in tier], np.uint8))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=60), st.booleans(), st.data())
@settings(deadline=None)
def test_any_lists_become_sorted_ones(tier: list[int], counted: bool, data: st.DataObject) -> None:
    """Lists by slot, the sources of each ascending, and every arc with the counts that it had."""
    numbering = of_tiers(tier)
    drawn = [sorted(some) for some in data.draw(st.lists(st.sets(st.integers(0, len(tier) - 1)), max_size=8))]
    places = numbering.of_range(0, len(tier))[: len(drawn)]
    named, slots = drawn[: len(places)], numbering.slots_of(places)
    flat = np.array([source for some in named for source in some], np.uint32)
    index = np.arange(len(flat), dtype=np.int32) if counted else np.zeros(0, np.int32)
    lists = Lists(np.cumsum([0, *map(len, named)]), flat, ALONE, index)
    found, order = arranged(lists, places, numbering, numbering.order())
    assert order.tolist() == sorted(slots.tolist())
    wanted = {
        slot: numbering.slots_of(np.array(some, np.int64)).tolist()
        for slot, some in zip(slots.tolist(), named, strict=True)
    }
    assert found.sources.tolist() == [source for slot in order.tolist() for source in sorted(wanted[slot])]
    assert np.diff(found.offsets).tolist() == [len(wanted[slot]) for slot in order.tolist()]
    assert (numbering.slots_of(flat[found.index].astype(np.int64)) == found.sources[: len(found.index)]).all()
    assert len(found.index) == len(index)


@pytest.mark.parametrize("source", [3, 4, 2**32 - 1])
def test_an_arc_from_a_node_that_does_not_link_is_not_lost(source: int) -> None:
    """Of three places only those below 3 link: an error, where an arc would be left out without a word."""
    numbering = of_tiers([2, 1, 3])
    lists = Lists(np.array([0, 2]), np.array([0, source], np.uint32), ALONE, np.zeros(0, np.int32))
    with pytest.raises(StorageError, match="an arc from a node that does not link"):
        arranged(lists, np.zeros(1, np.int64), numbering, numbering.order())


def test_blocks_are_of_one_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand, blocks of at most 3: tiers end at slots 4 and 20, and 30 nodes link."""
    monkeypatch.setattr(sitegraph.store.builder, "BLOCK", 3)
    slots = np.array([2, 3, 12, 13, 14, 15, 25, 33, 34], np.int64)
    bounds = np.array([4, 20, 30], np.uint32)
    assert list(stretches(slots, bounds)) == [(0, 2), (2, 5), (5, 6), (6, 7), (7, 9)]
    assert list(stretches(slots[:0], bounds)) == []


@pytest.mark.parametrize(
    ("low", "high", "targets", "expected"),
    [
        (7, 11, 5, [7, 8, 9, 10, 11]),
        (7, 7, 3, [7, 7, 7]),
        (7, 9, 1, [7]),
        (0, 10, 4, [0, 3, 7, 10]),
        (0, 2, 6, [0, 0, 1, 1, 2, 2]),
        (5, 2, 4, [5, 4, 3, 2]),
        (0, 2**31 - 1, 2, [0, 2**31 - 1]),
        (2**31, 0, 3, [2**31, 2**30, 0]),
    ],
)
def test_references_lie_on_a_line(low: int, high: int, targets: int, expected: list[int]) -> None:
    """By hand; those of sources that follow on one another are their slots."""
    assert references(low, high, targets).tolist() == expected
