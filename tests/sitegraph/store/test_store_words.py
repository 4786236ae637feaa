"""Arcs in words of four bytes: words by hand, round trips in any order, and a file that lacks some."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus.errors import StorageError
from sitegraph.store import numbering as numbering_module
from sitegraph.store.arranging import arranged
from sitegraph.store.classes import COLUMNS
from sitegraph.store.merging import Lists, plain_lists, rising_lists
from sitegraph.store.numbering import Numbering, number_sources, number_targets
from sitegraph.store.spill import Spill
from sitegraph.store.words import WORST, Packed, pack

Arc = tuple[int, int]


def packed(arcs: list[Arc], bits: int, ranges: int) -> list[NDArray[np.uint32]]:
    """Return the words of each range of arcs (source, target)."""
    source, target = (np.array([arc[end] for arc in arcs], np.uint32) for end in (0, 1))
    sizes = np.bincount(target >> bits, minlength=ranges)
    starts = WORST * (np.cumsum(sizes) - sizes)
    ends, words = starts.copy(), np.zeros(WORST * len(arcs), np.uint32)
    pack(source, target, bits, ends, words)
    return [words[a:b] for a, b in zip(starts, ends, strict=True)]


def unpacked(words: NDArray[np.uint32], bits: int, arcs: int) -> list[Arc]:
    """Return the arcs of a range, targets within it."""
    keys = Packed(words, bits, arcs, 1 << bits, Path("00000.words")).keys(1 << 32).tolist()
    return [(key & 0xFFFFFFFF, key >> 32) for key in keys]


def test_words_by_hand() -> None:
    """With 24 bits for targets a gap has 8: 255 stands for a source in full, which the first is, 5; then come gaps 0
    and 254; 255 is too much; so is a step back."""
    arcs = [(5, 7), (5, 9), (259, 1), (514, 2), (513, 3)]
    full = 255 << 24
    expected = [full | 7, 5, 0 << 24 | 9, 254 << 24 | 1, full | 2, 514, full | 3, 513]
    (words,) = packed(arcs, 24, 1)
    assert words.tolist() == expected
    assert unpacked(words, 24, 5) == arcs


def test_each_range_has_a_stretch_that_begins_with_a_source_in_full() -> None:
    """Ranges of 4,096 targets; gaps of 20 bits go from one arc of a range to the next, whatever lies between."""
    arcs = [(10, 0), (10, 4096), (11, 4097), (12, 1)]
    full = (2**20 - 1) << 12
    first, second = packed(arcs, 12, 2)
    assert first.tolist() == [full | 0, 10, 2 << 12 | 1]
    assert second.tolist() == [full | 0, 10, 1 << 12 | 1]


@pytest.mark.parametrize("bits", [12, 17, 24])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_arcs_come_back_in_their_order(bits: int, data: st.DataObject) -> None:
    """Any arcs, sorted or not, in any number of calls: each range has its own, in the order in which they came."""
    sources = st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1))
    arcs = data.draw(st.lists(st.tuples(sources, st.integers(0, (3 << bits) - 1)), max_size=60))
    arcs = sorted(arcs) if data.draw(st.booleans()) else arcs
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arcs)), max_size=3)))
    calls = [packed(arcs[a:b], bits, 3) for a, b in pairwise([0, *cuts, len(arcs)]) if b > a]
    for number in range(3):
        words = np.concatenate([np.zeros(0, np.uint32), *(call[number] for call in calls)])
        mine = [(s, t - (number << bits)) for s, t in arcs if t >> bits == number]
        assert unpacked(words, bits, len(mine)) == mine
        assert len(words) <= WORST * len(mine)


@pytest.mark.parametrize("left", [0, 1, 2, 3])
def test_words_that_lack_an_arc_are_told(left: int) -> None:
    """Named with the file, and how many there should be."""
    (words,) = packed([(1, 1), (2, 1), (2, 3)], 12, 1)
    assert len(words) == 4
    with pytest.raises(StorageError, match=r"00000\.words: \d arcs where 3 were written"):
        unpacked(words[:left], 12, 3)


def lists_of(words: NDArray[np.uint32], arcs: int, width: int, numbering: Numbering, rising: bool) -> Lists:
    """Return the lists of a range that begins with node 0, sorted either way."""
    packed = Packed(words, 12, arcs, width, Path("00000.words"))
    if rising:
        return rising_lists(packed, 0, numbering)
    keys = packed.keys(numbering.nodes)
    number_sources(keys, numbering.directory)
    number_targets(keys, 0, width, numbering.directory)
    return plain_lists(keys, width)


@pytest.mark.parametrize("rising", [True, False])
def test_lists_come_by_name_and_are_written_by_slot(rising: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By hand: of the sources 0 to 4, which are their places, 3 links most and has slot 0; so 0 to 2 have 1 to 3."""
    monkeypatch.setattr(numbering_module, "TIERED", 0)
    numbering = Numbering.of_degrees(np.array([1, 1, 1, 2, 1, 0], np.uint16))
    (words,) = packed([(0, 5), (2, 1), (2, 5), (3, 1), (3, 5), (4, 1)], 12, 1)
    lists = lists_of(words, 6, 6, numbering, rising)
    assert [lists.sources[a:b].tolist() for a, b in pairwise(lists.offsets)] == [[], [2, 3, 4], [], [], [], [0, 2, 3]]
    found, slots = arranged(lists, numbering.of_range(0, 6), numbering, numbering.order())
    assert slots.tolist() == [0, 1, 2, 3, 4, 5]
    assert [found.sources[a:b].tolist() for a, b in pairwise(found.offsets)] == [[], [], [0, 3, 4], [], [], [0, 1, 3]]


LINKS = Numbering.of_flags(np.array([False, True, False, False, False, True, False, False]))


@pytest.mark.parametrize("rising", [True, False])
def test_lists_are_sorted_and_have_no_source_twice(rising: bool) -> None:
    """By hand: 1 and 5 link to 0, 5 to 2 (twice) and 1; the range, nodes 0 to 2, is narrower than its words could name.
    Their slots are 0 and 1, and 1, which links, comes before 0 and 2."""
    (words,) = packed([(1, 0), (5, 0), (5, 1), (5, 2), (5, 2)], 12, 1)
    lists = lists_of(words, 5, 3, LINKS, rising)
    assert lists.offsets.tolist() == [0, 1, 3, 4]
    assert lists.sources.tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize(("arcs", "width"), [(3, 4), (5, 4), (4, 2)])
def test_damaged_words_are_told_before_lists_are_made_of_them(rising: bool, arcs: int, width: int) -> None:
    """Too few or too many, or one into a node beyond the range."""
    (words,) = packed([(1, 0), (5, 0), (5, 2), (5, 3)], 12, 1)
    with pytest.raises(StorageError, match=r"00000\.words: \d arcs where \d were written"):
        lists_of(words, arcs, width, LINKS, rising)


@pytest.mark.parametrize("rising", [True, False])
@pytest.mark.parametrize("source", [8, 2**31, 2**32 - 1])
def test_an_arc_from_no_node_is_told(rising: bool, source: int) -> None:
    """With its number, before anything is looked up by it."""
    (words,) = packed([(1, 0), (5, 0), (source, 2)], 12, 1)
    with pytest.raises(StorageError, match=f"00000.words: an arc from {source:,}, which is none of 8 nodes"):
        lists_of(words, 3, 4, LINKS, rising)


def test_a_spill_in_words_of_another_kind_is_not_taken_up(tmp_path: Path) -> None:
    """One that was written down without how many words its ranges take, or their check sums, is none."""
    with Spill(tmp_path, 10) as spill:
        spill.add(np.array([1], np.uint32), np.array([2], np.uint32))
        spill.save()
    assert Spill(tmp_path, 10).restore()
    whole = tmp_path / "whole.json"
    text = whole.read_text()
    for name in ("words", "checks", "degrees"):
        whole.write_text(text.replace(f'"{name}"', '"other"'))
        assert not Spill(tmp_path, 10).restore()


@pytest.mark.parametrize("kind", ["words", "counts"])
@pytest.mark.parametrize("restored", [False, True])
def test_any_flipped_bit_of_a_spill_is_told(tmp_path: Path, kind: str, restored: bool) -> None:
    """Also one that makes another arc of it, between nodes that there are; whoever wrote it, in however many steps."""
    with Spill(tmp_path, 10, counted=True) as spill:
        for source in (1, 2, 3):
            spill.add(
                np.array([source, source], np.uint32),
                np.array([2, 7], np.uint32),
                np.ones((2, len(COLUMNS)), np.int64),
            )
        spill.save()
    if restored:
        spill = Spill(tmp_path, 10, counted=True)
        assert spill.restore()
    packed, counts = spill.read(0)
    assert (packed.arcs, counts is not None and counts.sum()) == (6, 6 * len(COLUMNS))
    path = spill.path(0, kind)
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        path.write_bytes(whole[: bit // 8] + bytes([whole[bit // 8] ^ 1 << bit % 8]) + whole[bit // 8 + 1 :])
        with pytest.raises(StorageError, match="not what was written to it"):
            spill.read(0)


@pytest.mark.parametrize("wrong", [np.zeros(11, np.uint16), np.zeros(10, np.uint16), np.eye(10)[9].astype(np.int16)])
def test_degrees_that_were_not_written_are_told(tmp_path: Path, wrong: NDArray[np.uint16]) -> None:
    """One too many, another number, and numbers of another kind."""
    with Spill(tmp_path, 10) as spill:
        spill.add(np.array([9], np.uint32), np.array([2], np.uint32))
        spill.save()
    assert spill.degrees.tolist() == [0] * 9 + [1]
    assert Spill(tmp_path, 10).restore()
    np.save(tmp_path / "degrees.npy", wrong)
    with pytest.raises(StorageError, match=r"degrees\.npy: not what was written to it"):
        Spill(tmp_path, 10).restore()


def test_degrees_are_counted_up_to_the_most(tmp_path: Path) -> None:
    """In one call or in several, in order or not; those that are relabelled as their labels."""
    with Spill(tmp_path / "a", 5) as spill:
        for sources in ([1] * 65_000 + [3], [1] * 500, [1, 3, 1, 3, 3]):
            spill.add(np.array(sources, np.uint32), np.full(len(sources), 4, np.uint32))
    assert spill.degrees.tolist() == [0, 65_502, 0, 4, 0]
    with spill:
        spill.add(np.full(70_000, 3, np.uint32), np.full(70_000, 4, np.uint32))
        spill.add(np.full(40, 1, np.uint32), np.full(40, 4, np.uint32))
    assert spill.degrees.tolist() == [0, 65_535, 0, 65_535, 0]
    with Spill(tmp_path / "b", 5, relabelled=True) as folded:
        folded.add(np.array([0] * 65_537 + [1, 2, 2], np.uint32), np.full(65_540, 4, np.uint32))
    folded.count_relabelled(np.array([3, 0, 0], np.int32))
    assert folded.degrees.tolist() == [3, 0, 0, 65_535, 0]
