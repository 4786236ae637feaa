"""Blocks of in-lists: bytes by hand, degrees that take an escape, chunks, and what must never be followed."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from vbytes import packed_numbers

from corpus.kernels import kernel
from sitegraph.store.lists import (
    CHUNK,
    NOWHERE,
    ROOM,
    check_block,
    chunks_of,
    encode_lists,
    next_chunk,
    scratch,
    to_degrees,
)
from sitegraph.store.opened import decode_block
from sitegraph.store.vbyte import PADDING, SIZES, data_size

Sections = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]
MANY = 2**31
"""More sources than any list here names."""


def offsets_of(lists: list[list[int]]) -> NDArray[np.int64]:
    """Return where each list begins, and where the last ends."""
    return np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int64)


def packed(lists: list[list[int]], references: list[int]) -> Sections:
    """Return degrees, escapes, control and data of lists, PADDING behind them that no decoder may take for numbers."""
    offsets = offsets_of(lists)
    sources = np.array([source for one in lists for source in one], np.uint32)
    control, data = np.zeros((len(sources) + 3) // 4, np.uint8), np.zeros(4 * len(sources) + 16, np.uint8)
    size = int(encode_lists(offsets, sources, np.array(references, np.int64), control, data))
    degrees, escapes = np.zeros(len(lists), np.uint8), np.zeros(len(lists), "<u4")
    used = int(to_degrees(offsets, degrees, escapes))
    return degrees, escapes[:used].view(np.uint8), control, padded(data[:size])


def padded(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return data with what no decoder may take for numbers behind it."""
    return np.concatenate([data, np.full(PADDING, 0xEE, np.uint8)])


def unpacked(sections: Sections, references: list[int], arcs: int, limit: int = MANY) -> list[list[int]] | None:
    """Return the lists of a block, None where it is damaged."""
    offsets, sources = np.zeros(len(references) + 1, np.int64), np.zeros(arcs, np.uint32)
    if not decode_block(sections, np.array(references, np.int64), limit, offsets, sources):
        return None
    return [sources[a:b].tolist() for a, b in pairwise(offsets)]


@kernel
def read_runs(sections: Any, references: Any, numbers: Any, targets: Any, ends: Any, work: Any) -> None:
    """Write the number of runs of each chunk, and chunk by chunk the target and the end of each."""
    reading, ids = NOWHERE, np.empty(ROOM, np.uint32)
    for number in range(chunks_of(sections[2])):
        chunk = ids, targets[number], ends[number]
        numbers[number], reading = next_chunk(reading, sections, references, MANY, work, chunk, np.uint64(0))


def chunks(sections: Sections, references: list[int]) -> list[list[tuple[int, int]]]:
    """Return the runs of each chunk: target, and how many ids are its."""
    count = -(-len(sections[2]) // (CHUNK // 4))
    numbers = np.zeros(count, np.int64)
    targets, ends = np.zeros((count, ROOM), np.uint32), np.zeros((count, ROOM), np.uint32)
    read_runs(sections, np.array(references), numbers, targets, ends, scratch())
    parts = zip(numbers.tolist(), targets.tolist(), ends.tolist(), strict=True)
    return [list(zip(t[:used], np.diff([0, *e[:used]]).tolist(), strict=True)) for used, t, e in parts]


def sound(sections: Sections, arcs: int) -> bool:
    """Say what check_block says."""
    degrees, escapes, control, data = sections
    return bool(check_block(degrees, escapes, control, len(data) - PADDING, arcs))


def test_bytes_of_a_small_block() -> None:
    """Targets 10, 11, 12 with sources (9, 12, 13), none, (12, 1000): -1, +3 - 1, +1 - 1; 0, +988 - 1."""
    degrees, escapes, control, data = packed([[9, 12, 13], [], [12, 1000]], [10, 11, 12])
    assert degrees.tolist() == [3, 0, 2]
    assert escapes.tolist() == []
    assert control.tolist() == [0b00_00_00_00, 0b00_00_00_01]
    assert data[:-PADDING].tolist() == [1, 2, 0, 0, 987 & 255, 987 >> 8, 0, 0, 0]


@pytest.mark.parametrize(("source", "stored"), [(50, 0), (49, 1), (51, 2), (48, 3), (52, 4), (0, 99), (305, 510)])
def test_a_first_source_left_and_right_of_its_reference(source: int, stored: int) -> None:
    """0, -1, 1, -2, 2 are 0, 1, 2, 3, 4: 2 d to the right, -2 d - 1 to the left."""
    sections = packed([[source]], [50])
    gap = int.from_bytes(sections[3][:-PADDING][: 1 + (sections[2][0] & 3)].tobytes(), "little")
    assert gap == stored
    assert unpacked(sections, [50], 1) == [[source]]


@pytest.mark.parametrize("degree", [0, 1, 253, 254, 255, 256, 65_535, 65_536, 70_001])
def test_degrees_around_the_escape(degree: int) -> None:
    """254 is the last that fits in its byte; 255 stands for a number of four bytes behind."""
    lists = [[3], list(range(7, 7 + 2 * degree, 2)), [5, 6]]
    sections = packed(lists, [0, 1, 2])
    assert sections[0].tolist() == [1, min(degree, 255), 2]
    assert sections[1].view("<u4").tolist() == ([degree] if degree > 254 else [])
    assert sound(sections, degree + 3)
    assert unpacked(sections, [0, 1, 2], degree + 3) == lists


@pytest.mark.parametrize("lists", [[[]], [[], [], []], [[], [4], [], [], [1, 2], []], [[0]], [[MANY - 1]]])
def test_empty_lists(lists: list[list[int]]) -> None:
    """At the beginning, in the middle, at the end, and nothing but them."""
    references, arcs = list(range(len(lists))), sum(map(len, lists))
    sections = packed(lists, references)
    assert sound(sections, arcs)
    assert unpacked(sections, references, arcs) == lists


@pytest.mark.parametrize("arcs", [*range(1, 10), *range(CHUNK - 1, CHUNK + 3), *range(2 * CHUNK - 1, 2 * CHUNK + 2)])
def test_zeros_that_fill_the_last_group_are_no_arcs(arcs: int) -> None:
    """Neither with targets of no arcs behind the last list, nor with none, and whatever the padding holds."""
    for behind in (0, 3):
        lists = [list(range(0, 3 * arcs, 3)), *[[]] * behind]
        references = [0] * len(lists)
        assert unpacked(packed(lists, references), references, arcs) == lists


@pytest.mark.parametrize("before", [0, 1, CHUNK - 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK])
@pytest.mark.parametrize("size", [1, 2, 255, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 1])
def test_lists_across_the_borders_of_chunks(before: int, size: int) -> None:
    """A list that begins or ends on a border, lies across one or several; each run says whose sources they are."""
    lists = [list(range(before)), [], list(range(1000, 1000 + 7 * size, 7)), [1, 2, 3]]
    references = [5, 6, 7, 8]
    sections = packed(lists, references)
    assert unpacked(sections, references, before + size + 3) == lists
    for runs in chunks(sections, references):
        assert min(count for _, count in runs) >= 1
        assert sum(count for _, count in runs) <= CHUNK
    seen = [target for runs in chunks(sections, references) for target, count in runs for _ in range(count)]
    assert seen == [target for target, one in enumerate(lists) for _ in one]


def test_a_chunk_full_of_lists_of_one() -> None:
    """As many runs as there are gaps in a chunk."""
    lists = [[i] for i in range(CHUNK + 3)]
    references = list(range(CHUNK + 3))
    assert unpacked(packed(lists, references), references, CHUNK + 3) == lists


@st.composite
def blocks(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
    """Draw lists of a block and their references, some of them long enough for an escape."""
    lists = draw(st.lists(st.sets(st.integers(0, 2**31 - 1), max_size=9).map(sorted), max_size=12))
    if draw(st.booleans()):
        start, step, size = draw(st.tuples(st.integers(0, 999), st.integers(1, 300), st.integers(250, 700)))
        lists.insert(draw(st.integers(0, len(lists))), list(range(start, start + step * size, step)))
    references = draw(st.lists(st.integers(0, 2**31 - 1), min_size=len(lists), max_size=len(lists)))
    return lists, references


@given(blocks())
@settings(max_examples=150, deadline=None)
def test_round_trip_of_blocks(block: tuple[list[list[int]], list[int]]) -> None:
    """What was packed comes back, for sources and references of up to 2^31 - 1."""
    lists, references = block
    arcs = sum(map(len, lists))
    sections = packed(lists, references)
    assert sound(sections, arcs)
    assert unpacked(sections, references, arcs) == lists


# Blocks that lie

LISTS, REFERENCES = [[9, 12, 13], [], list(range(300)), [12, 1000]], [10, 11, 12, 13]
ARCS = 305


def changed(number: int, change: Any) -> Sections:
    """Return the sections of LISTS, one of them changed."""
    sections = list(packed(LISTS, REFERENCES))
    sections[number] = change(sections[number].copy())
    return tuple(sections)  # type: ignore[return-value]


def with_value(place: int, value: int) -> Any:
    """Return a change that sets one byte."""

    def change(section: NDArray[np.uint8]) -> NDArray[np.uint8]:
        section[place] = value
        return section

    return change


@pytest.mark.parametrize(
    ("number", "change"),
    [
        pytest.param(0, with_value(0, 2), id="degrees too small"),
        pytest.param(0, with_value(1, 1), id="degrees too large"),
        pytest.param(0, with_value(0, 255), id="an escape too few"),
        pytest.param(0, with_value(2, 254), id="an escape too many"),
        pytest.param(1, lambda escapes: escapes[:3], id="escapes cut"),
        pytest.param(1, lambda escapes: escapes[:0], id="no escapes"),
        pytest.param(1, lambda escapes: np.concatenate([escapes, escapes[:1]]), id="escapes too long"),
        pytest.param(1, with_value(3, 255), id="a degree of billions"),
        pytest.param(2, lambda control: control[:-1], id="control cut"),
        pytest.param(2, lambda control: np.append(control, np.uint8(0)), id="control too long"),
        pytest.param(2, with_value(0, 255), id="control that wants more data"),
        pytest.param(2, with_value(76, 0), id="control that leaves data"),
        pytest.param(3, lambda data: data[:-1], id="data cut"),
    ],
)
def test_lengths_that_do_not_agree(number: int, change: Any) -> None:
    """Each is refused before anything is decoded."""
    assert sound(packed(LISTS, REFERENCES), ARCS)
    assert not sound(changed(number, change), ARCS)


@pytest.mark.parametrize("degree", [0, 5, 254])
def test_an_escape_for_a_degree_that_needs_none_is_refused(degree: int) -> None:
    """No writer writes one, and a list of 0 would have no first source to be relative to."""
    degrees = np.array([255, 1], np.uint8)
    escapes = np.array([degree], "<u4").view(np.uint8)
    control, data = packed_numbers([0] * (degree + 1))
    assert not sound((degrees, escapes, control, padded(data)), degree + 1)


def test_arcs_that_are_not_as_many_as_was_said() -> None:
    """One more or one less."""
    assert not sound(packed(LISTS, REFERENCES), ARCS - 1)
    assert not sound(packed(LISTS, REFERENCES), ARCS + 1)


@pytest.mark.parametrize(("limit", "expected"), [(1001, LISTS), (1000, None), (13, None), (0, None)])
def test_a_source_that_does_not_exist(limit: int, expected: Any) -> None:
    """The largest is 1000: one source fewer, and the block is damaged."""
    assert unpacked(packed(LISTS, REFERENCES), REFERENCES, ARCS, limit) == expected


def test_a_source_before_the_first() -> None:
    """The first list begins one to the left of its reference: -1 for the reference 0."""
    assert unpacked(packed([[9, 12]], [10]), [1], 2) == [[0, 3]]
    assert unpacked(packed([[9, 12]], [10]), [0], 2) is None


@pytest.mark.parametrize("gap", [2**31, 2**32 - 1])
def test_gaps_that_would_wrap_around(gap: int) -> None:
    """A gap of 2^31 or more leads to no source, whatever its sum is modulo 2^32."""
    degrees = np.array([3], np.uint8)
    control, data = packed_numbers([0, gap, gap])
    sections = degrees, np.zeros(0, np.uint8), control, padded(data)
    assert sound(sections, 3)
    assert unpacked(sections, [0], 3, 2**31 - 1) is None


@given(st.binary(min_size=1, max_size=8), st.binary(max_size=40), st.binary(max_size=200), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_any_bytes_that_pass_the_check_stay_within_bounds(raw: bytes, control: bytes, data: bytes, limit: int) -> None:
    """Whatever they hold, each source is below the limit, and each list has the length that its degree says."""
    degrees = np.minimum(np.frombuffer(raw, np.uint8), 254)
    arcs = int(degrees.sum())
    wanted = np.resize(np.frombuffer(control or b"\0", np.uint8), (arcs + 3) // 4)
    size = int(data_size(wanted, SIZES))
    sections = degrees, np.zeros(0, np.uint8), wanted, np.resize(np.frombuffer(data + b"\0", np.uint8), size + PADDING)
    assert sound(sections, arcs)
    found = unpacked(sections, [3] * len(degrees), arcs, limit)
    if found is not None:
        assert [len(one) for one in found] == degrees.tolist()
        assert all(0 <= source < limit for one in found for source in one)
