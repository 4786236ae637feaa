"""Ids and slots, against what np.flatnonzero says of the flags."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sitegraph.store.numbering import Numbering, number_sources, number_targets

SIZES = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1000]


def check(flags: NDArray[np.bool_]) -> None:
    """Compare everything a numbering says with plain searches."""
    numbering, n = Numbering.of_flags(flags), len(flags)
    linking, dangling = np.flatnonzero(flags), np.flatnonzero(~flags)
    order = np.concatenate([linking, dangling]).astype(np.int64)
    slots = np.empty(n, np.int64)
    slots[order] = np.arange(n)
    assert (numbering.nodes, numbering.sources) == (n, len(linking))
    assert numbering.slots(np.arange(n)).tolist() == slots.tolist()
    assert numbering.ids(np.arange(n)).tolist() == order.tolist()
    before = np.concatenate([[0], np.cumsum(flags)])
    assert numbering.by_slot(np.arange(n)).tolist() == order.tolist()
    for first, count in {(0, n), (n // 3, n // 2), (n // 2, 0), (n, 0)}:
        assert numbering.of_range(first, count).tolist() == np.sort(slots[first : first + count]).tolist()
    if len(linking):
        assert numbering.references(0, len(linking)).tolist() == list(range(len(linking)))
    for first in {0, len(dangling) // 2, max(len(dangling) - 1, 0)}:
        count = len(dangling) - first
        found = numbering.references(len(linking) + first, count) if count else np.zeros(0)
        assert found.tolist() == before[dangling[first:]].tolist()


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("share", [0.0, 0.03, 0.5, 0.97, 1.0])
def test_all_none_and_some_linking(n: int, share: float) -> None:
    """On and around the borders of words, for none, few, half, most and all linking."""
    check(np.random.default_rng(n).random(n) < share)


@pytest.mark.parametrize("node", [0, 1, 62, 63, 64, 65, 126, 127, 128, 191])
@pytest.mark.parametrize("links", [True, False])
def test_one_that_differs_from_all_others(node: int, links: bool) -> None:
    """The only linking, and the only dangling one, at the borders of words."""
    flags = np.full(192, not links)
    flags[node] = links
    check(flags)


@given(st.lists(st.booleans(), max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_flags(flags: list[bool]) -> None:
    """The two answers are inverses, and those of the searches."""
    check(np.array(flags, np.bool_))


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
@settings(max_examples=50, deadline=None)
def test_counts_of_bits(words: list[int]) -> None:
    """As Python counts them, and the bitmap is the one that was given."""
    numbering = Numbering.of_bits(64 * len(words), np.array(words, np.uint64))
    assert numbering.sources == sum(word.bit_count() for word in words)
    assert numbering.bits.tolist() == words


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint32])
def test_ids_of_any_kind(dtype: Any) -> None:
    """Ids and slots come as they are stored, and go as int64."""
    numbering = Numbering.of_flags(np.array([False, True, False, True]))
    found = numbering.slots(np.array([0, 1, 2, 3], dtype))
    assert found.dtype == np.int64
    assert found.tolist() == [2, 0, 3, 1]
    assert numbering.ids(np.array([0, 1, 2, 3], dtype)).tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize("first", [0, 1, 40, 64, 99])
def test_arcs_by_slot(first: int) -> None:
    """Sources become their slots, dangling ones too; targets of a range their places in the order of its slots."""
    flags = np.random.default_rng(first).random(100) < 0.4
    numbering, ids = Numbering.of_flags(flags), np.arange(first, 100)
    targets = np.arange(len(ids), dtype=np.uint64)
    keys = targets << np.uint64(32) | (ids[::-1]).astype(np.uint64)
    number_sources(keys, numbering.directory)
    assert (keys & np.uint64(0xFFFFFFFF)).tolist() == numbering.slots(ids[::-1]).tolist()
    assert (keys >> np.uint64(32)).tolist() == targets.tolist()
    number_targets(keys, first, len(ids), numbering.directory)
    places = (keys >> np.uint64(32)).astype(np.int64)
    assert numbering.of_range(first, len(ids))[places].tolist() == numbering.slots(ids).tolist()
    assert (keys & np.uint64(0xFFFFFFFF)).tolist() == numbering.slots(ids[::-1]).tolist()


def test_values_by_id() -> None:
    """A part of a vector by slots, put in the order of ids."""
    numbering = Numbering.of_flags(np.array([False, True, False, True, True]))
    assert numbering.by_id(np.array([10, 11, 12, 13, 14]), 0, 5).tolist() == [13, 10, 14, 11, 12]
    assert numbering.by_id(np.array([10, 11, 12, 13, 14]), 2, 4).tolist() == [14, 11]
    assert numbering.by_id(np.array([10, 11, 12, 13, 14]), 3, 3).tolist() == []


@pytest.mark.parametrize("wrong", [[-1], [4], [0, 70], [2**40], [-(2**40)]])
def test_ids_and_slots_that_do_not_exist(wrong: list[int]) -> None:
    """They are an IndexError: the kernels would read behind the bitmap."""
    numbering = Numbering.of_flags(np.array([False, True, False, True]))
    with pytest.raises(IndexError, match="4 nodes"):
        numbering.slots(np.array(wrong))
    with pytest.raises(IndexError, match="4 nodes"):
        numbering.ids(np.array(wrong))
