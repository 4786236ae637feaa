"""Ids and slots, against what np.flatnonzero says of the flags, and tiers against a sort."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sitegraph.store import numbering as module
from sitegraph.store.numbering import TIERS, Numbering, number_sources, number_targets, tier_limits

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
    assert numbering.by_place(np.arange(n)).tolist() == order.tolist()
    for first, count in {(0, n), (n // 3, n // 2), (n // 2, 0), (n, 0)}:
        assert numbering.of_range(first, count).tolist() == np.sort(slots[first : first + count]).tolist()
    assert numbering.references(np.arange(n + 1)).tolist() == before.tolist()
    assert numbering.flags.tolist() == flags.tolist()
    assert numbering.tiers().tolist() == flags.astype(int).tolist()
    assert (numbering.bounds.tolist(), numbering.order().tolist()) == ([len(linking)], [])


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


# Tiers


@pytest.fixture
def tiered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even few sources have tiers."""
    monkeypatch.setattr(module, "TIERED", 0)


def of(degrees: list[int]) -> Numbering:
    """Return the numbering of nodes with these out-degrees."""
    return Numbering.of_degrees(np.array(degrees, np.uint16))


def test_sources_that_link_most_come_first(tiered: None) -> None:
    """By hand: of 25 sources one is in twenty, five are in five (none in two hundred): node 3, then 1, 7, 20, 24, then
    all others, and dangling ones at the end, each by id. The first source of a list is told from the first tier."""
    degrees = [1] * 26
    degrees[3], degrees[5] = 90, 0
    for node in (1, 7, 20, 24):
        degrees[node] = 8
    numbering = of(degrees)
    others = [node for node in range(26) if node not in (1, 3, 5, 7, 20, 24)]
    assert numbering.ids(np.arange(26)).tolist() == [3, 1, 7, 20, 24, *others, 5]
    assert numbering.bounds.tolist() == [1, 5, 25]
    assert numbering.tiers()[[3, 1, 0, 5]].tolist() == [1, 2, 3, 0]
    assert numbering.references(np.array([0, 3, 4, 25])).tolist() == [0, 0, 1, 1]
    assert numbering.order().tolist()[:7] == [5, 1, 6, 0, 7, 8, 2]  # nodes 0 to 4, 6 and 7; then 5 does not link
    assert numbering.of_range(1, 6).tolist() == [1, 2, 3, 4, 5, 25]
    assert numbering.slots_of(numbering.of_range(1, 6)).tolist() == [1, 6, 0, 7, 8, 25]


@pytest.mark.parametrize(
    ("degrees", "limits"),
    [
        ([], []),
        ([0, 0], []),
        ([4] * 30, []),
        ([1] * 19 + [2], [2]),
        ([1] * 190 + [2] * 9 + [3], [3, 2]),
        ([1] * 160 + [2] * 30 + [3] * 9 + [65_535], [4, 3, 2]),
        ([1] * 160 + [2] * 30 + [3] * 7 + [65_535] * 3, [3, 2]),
    ],
)
def test_limits_are_the_least_that_leave_each_tier_its_share(degrees: list[int], limits: list[int]) -> None:
    """By hand: one of 200, of 20 and of 5 sources, fewer where that would part equal degrees; no tier is empty."""
    assert TIERS == (1 / 200, 1 / 20, 1 / 5)
    assert tier_limits(np.array(degrees, np.uint16)) == limits


def test_few_sources_have_one_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read of them lies in the cache anyhow; dangling nodes do not count."""
    assert of([1] * 200 + [9]).among is None
    monkeypatch.setattr(module, "TIERED", 201)
    assert of([1] * 199 + [9] + [0] * 100).among is None
    assert of([1] * 200 + [9]).bounds.tolist() == [1, 201]


def test_more_tiers_than_there_can_be() -> None:
    """They are an error, before a numbering is made for each."""
    assert len(Numbering.of_tiers(np.array([4, 1, 2, 3], np.uint8)).bounds) == 4
    with pytest.raises(ValueError, match="tier 255; there are at most 4"):
        Numbering.of_tiers(np.array([1, 255], np.uint8))


@given(st.lists(st.sampled_from([0, 0, 0, 1, 1, 1, 1, 2, 5, 30, 1000, 65_535]), max_size=400), st.data())
@settings(max_examples=100, deadline=None)
def test_any_degrees(degrees: list[int], data: st.DataObject) -> None:
    """As a stable sort by tier says; what is stored of it, the tiers, gives the same numbering."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "TIERED", 0)
        numbering = of(degrees)
    limits = [*tier_limits(np.array(degrees, np.uint16)), 1]
    tiers = [next(i for i, limit in enumerate(limits, 1) if degree >= limit) if degree else 9 for degree in degrees]
    order = sorted(range(len(degrees)), key=lambda node: tiers[node])
    assert numbering.ids(np.arange(len(degrees))).tolist() == order
    slots = np.argsort(order, kind="stable") if degrees else np.zeros(0, np.int64)
    assert numbering.slots(np.arange(len(degrees))).tolist() == slots.tolist()
    assert numbering.tiers().tolist() == [0 if tier == 9 else tier for tier in tiers]
    first = np.cumsum([0, *(tier == 1 for tier in tiers)])
    assert numbering.references(np.arange(len(degrees) + 1)).tolist() == first.tolist()
    linking = [node for node, degree in enumerate(degrees) if degree]
    assert numbering.places(np.array(linking, np.int64)).tolist() == list(range(len(linking)))
    if numbering.among:
        assert numbering.order().tolist() == slots[linking].tolist()
        assert numbering.mark != Numbering.of_flags(numbering.flags).mark
    again = Numbering.of_tiers(numbering.tiers())
    assert (again.mark, again.bounds.tolist()) == (numbering.mark, numbering.bounds.tolist())
    assert again.ids(np.arange(len(degrees))).tolist() == order
    start = data.draw(st.integers(0, len(degrees)))
    stop = data.draw(st.integers(start, len(degrees)))
    within = [node for node in range(start, stop) if degrees[node]]
    within += [node for node in range(start, stop) if not degrees[node]]
    places = numbering.of_range(start, stop - start)
    assert places.tolist() == numbering.places(np.array(within, np.int64)).tolist() == sorted(places.tolist())
    assert numbering.slots_of(places).tolist() == slots[within].tolist()
    assert numbering.by_place(np.arange(len(degrees)))[places].tolist() == within


@pytest.mark.parametrize("wrong", [-1, 26, 2**40])
def test_slots_that_do_not_exist_among_tiers(tiered: None, wrong: int) -> None:
    """They are told from all nodes, not from those of a tier."""
    numbering = of([1] * 25 + [9])
    for lookup in (numbering.slots, numbering.ids):
        with pytest.raises(IndexError, match=f"{wrong} is not one of 26 nodes"):
            lookup(np.array([0, wrong]))
