"""Packed arcs into lists by slot: against lists made of Python's sorted, in buckets narrow and wide; and by hand."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus.errors import StorageError
from sitegraph.store import sorting
from sitegraph.store.merging import Lists
from sitegraph.store.numbering import Numbering
from sitegraph.store.sorting import Sorter
from sitegraph.store.words import WORST, Packed, pack

Arc = tuple[int, int]
BITS = 4
"""Of the targets of a range here."""


def packed(arcs: list[Arc], width: int) -> Packed:
    """Return arcs (source, target within the range) as a spill keeps them, in two calls."""
    words: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
    for part in (arcs[: len(arcs) // 2], arcs[len(arcs) // 2 :]):
        source, target = (np.array([arc[end] for arc in part], np.uint32) for end in (0, 1))
        room, ends = np.zeros(WORST * len(part), np.uint32), np.zeros(1, np.int64)
        if part:
            pack(source, target, BITS, ends, room)
        words.append(room[: ends[0]])
    return Packed(np.concatenate(words), BITS, len(arcs), width, Path("00000.words"))


def lists_of(lists: Lists) -> list[list[int]]:
    """Return lists as lists."""
    return [lists.sources[a:b].tolist() for a, b in pairwise(lists.offsets.tolist())]


def sorter(numbering: Numbering, domains: list[int] | None = None) -> Sorter:
    """Return a sorter; domains by place."""
    return Sorter(numbering, numbering.order(), None if domains is None else np.array(domains, np.int32))


@pytest.mark.parametrize("least", [1, 3, 10])
@given(tier=st.lists(st.integers(0, 4), min_size=1, max_size=40), data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_arcs_become_sorted_lists(least: int, tier: list[int], data: st.DataObject) -> None:
    """Nodes of up to four tiers and dangling ones; any arcs from those that link, some twice, into any range."""
    known = sorted({one for one in tier if one})
    numbering = Numbering.of_tiers(np.array([known.index(one) + 1 if one else 0 for one in tier], np.uint8))
    linking = [node for node, one in enumerate(tier) if one]
    first = data.draw(st.integers(0, len(tier) - 1))
    width = data.draw(st.integers(1, min(1 << BITS, len(tier) - first)))
    arc = st.tuples(st.sampled_from(linking), st.integers(0, width - 1)) if linking else st.nothing()
    arcs = sorted(data.draw(st.lists(arc, max_size=60 if linking else 0)), key=lambda one: one[0])
    assume(numbering.among is not None)
    domains = data.draw(st.none() | st.lists(st.integers(0, 3), min_size=len(tier), max_size=len(tier)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "LEAST_BITS", min(least, BITS))
        patch.setattr(sorting, "BUCKET_BITS", 2)
        found = sorter(numbering, domains).sort(packed(arcs, width), first)
    nodes = np.arange(first, first + width)
    slots, places = (number(nodes).tolist() for number in (numbering.slots, numbering.places))
    of = {t: sorted({s for s, target in arcs if target == t}) for t in range(width)}
    by_slot, by_place = (sorted(range(width), key=numbers.__getitem__) for numbers in (slots, places))
    assert found.slots.tolist() == sorted(slots)
    assert lists_of(found.lists) == [sorted(numbering.slots(np.array(of[t], np.int64)).tolist()) for t in by_slot]
    place = numbering.places(np.arange(len(tier))).tolist()
    domain = [node if domains is None else domains[place[node]] for node in range(len(tier))]
    others = [{domain[s] for s in of[t]} - ({domain[first + t]} if domains else set()) for t in by_place]
    assert found.in_domains.tolist() == [len(some) for some in others]


TIERS = Numbering.of_tiers(np.array([2, 2, 0, 1, 2, 0], np.uint8))
"""Of six nodes 0, 1, 3 and 4 link, with the places 0 to 3; 3 links most: the slots are 1, 2, 0 and 3."""


def test_lists_by_hand() -> None:
    """The range of nodes 2 to 5: by slot it is 3, 4, 2, 5, with 3 and 4 linking. Node 3 is linked by 0 and 4, node 5 by
    all, 0 twice."""
    arcs = [(0, 1), (0, 3), (0, 3), (1, 3), (3, 3), (4, 1), (4, 3)]
    found = sorter(TIERS).sort(packed(arcs, 4), 2)
    assert found.slots.tolist() == [0, 3, 4, 5]
    assert lists_of(found.lists) == [[1, 3], [], [], [0, 1, 2, 3]]
    assert found.in_domains.tolist() == [2, 0, 0, 4]


def test_distinct_domains_by_hand() -> None:
    """The domains of nodes 0, 1, 3, 4, which link, are 7, 5, 7, 5, of 2 and 5: 9 and 7. So 7 falls to 5 and comes again
    in the list of node 2: two domains; the list of node 5, which is of domain 7 itself, has one other."""
    every = [(source, target) for source in (0, 1, 3, 4) for target in (0, 3)]
    found = sorter(TIERS, [7, 5, 7, 5, 9, 7]).sort(packed(every, 4), 2)
    assert found.in_domains.tolist() == [0, 0, 2, 1]


def test_room_is_used_again() -> None:
    """A sorter that sorted a large range before sorts a small one all the same."""
    again = sorter(TIERS, [0, 1, 0, 1, 0, 1])
    again.sort(packed([(node, t) for node in (0, 1, 3, 4) for t in range(4)], 4), 0)
    found = again.sort(packed([(4, 0)], 2), 0)
    assert (lists_of(found.lists), found.in_domains.tolist()) == ([[3], []], [1, 0])
    assert lists_of(again.sort(packed([], 2), 0).lists) == [[], []]


@pytest.mark.parametrize(("arcs", "width"), [(3, 4), (5, 4), (4, 2), (3, 3)])
def test_damaged_words_are_told(arcs: int, width: int) -> None:
    """Too few or too many, or one into a node beyond the range."""
    words = packed([(0, 0), (0, 1), (1, 1), (4, 3)], 4).words
    with pytest.raises(StorageError, match=r"00000\.words: \d arcs where \d were written"):
        sorter(TIERS).sort(Packed(words, BITS, arcs, width, Path("00000.words")), 0)


@pytest.mark.parametrize("source", [6, 2**31, 2**32 - 1])
def test_an_arc_from_no_node_is_told(source: int) -> None:
    """With its number, before anything is looked up by it."""
    with pytest.raises(StorageError, match=f"00000.words: an arc from {source:,}, which is none of 6 nodes"):
        sorter(TIERS).sort(packed([(0, 0), (source, 2)], 4), 0)


@pytest.mark.parametrize("source", [2, 5])
def test_an_arc_from_a_node_that_does_not_link_is_told(source: int) -> None:
    """Node 2 lies among those that do, node 5 behind the last of them."""
    with pytest.raises(StorageError, match="an arc from a node that does not link"):
        sorter(TIERS).sort(packed([(0, 0), (source, 2)], 4), 0)


def test_words_that_end_before_a_source_are_told_or_safe() -> None:
    """The last word says that a source follows, and none does: it is taken for node 0, a CRC having failed before."""
    words = packed([(0, 0), (4, 1)], 4).words[:-1]
    found = sorter(TIERS).sort(Packed(words, BITS, 2, 4, Path("00000.words")), 0)
    assert lists_of(found.lists) == [[], [1], [1], []]


def test_a_numbering_without_tiers_is_refused() -> None:
    """There is no table of slots then, and nothing may be looked up in it."""
    numbering = Numbering.of_flags(np.array([True, False, True]))
    with pytest.raises(ValueError, match="a numbering without tiers"):
        sorter(numbering)
