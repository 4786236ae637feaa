"""Pieces: the kernel's merges against plain Python, its table of pieces, and what it gives back."""

import itertools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.tokens import pieces as module
from corpus.tokens.cuts import compile_pattern
from corpus.tokens.pieces import Pieces, first_wrong, merge_table

PROGRAM = compile_pattern(r"\s+|\S+")
MERGES = {(97, 98): 256, (98, 99): 257, (256, 99): 258, (99, 99): 259, (259, 259): 260, (258, 258): 261}


def plain(text: bytes, merges: Mapping[tuple[int, int], int]) -> list[int]:
    """The oracle: the listed pair of lowest rank, leftmost first, until none is left."""
    ids, order = list(text), list(merges)
    while found := [(order.index(pair), at) for at, pair in enumerate(itertools.pairwise(ids)) if pair in merges]:
        rank, at = min(found)
        ids[at : at + 2] = [merges[order[rank]]]
    return ids


@given(st.text("abc", max_size=60), st.permutations(list(MERGES)))
@settings(max_examples=200, deadline=None)
def test_merges_are_taken_in_listed_order(word: str, order: list[tuple[int, int]]) -> None:
    """For any order of the merges the kernel gives what plain Python gives."""
    merges = {pair: MERGES[pair] for pair in order}
    (ids,) = Pieces(PROGRAM, merge_table(range(256), merges)).encode([word])
    assert ids is not None
    assert ids.tolist() == plain(word.encode(), merges)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], max_codepoint=0x33FFF), max_size=30), max_size=6))
@settings(max_examples=100, deadline=None)
def test_without_merges_ids_are_bytes(texts: list[str]) -> None:
    """Any text comes out as its bytes, each document on its own."""
    found = Pieces(PROGRAM, merge_table(range(256), {})).encode(texts)
    assert [ids.tolist() if ids is not None else None for ids in found] == [list(text.encode()) for text in texts]


def test_more_pieces_than_the_table_holds() -> None:
    """The table is emptied when it is full, by entries and by bytes; ids stay right, also for pieces met before."""
    table = merge_table(range(256), MERGES)
    pieces = Pieces(PROGRAM, table)
    many = " ".join(f"abc{number}" for number in range(module.ENTRIES + 1_000))
    long = " ".join(f"{number:0>900}" for number in range(module.ARENA // 900 + 10))
    for text in (many, long, many):
        (ids,) = pieces.encode([text])
        assert ids is not None
        assert bytes(np.array([*range(256)], np.uint8)[ids[ids < 256]]) == text.replace("abc", "").encode()
        assert int((ids == 258).sum()) == text.count("abc")
        assert pieces.held() <= module.ENTRIES


def test_threads_share_an_encoder() -> None:
    """The kernel runs without the GIL and writes to the table: several threads get the ids that one gets alone."""
    texts = [" ".join(f"abc{(number * step) % 70_001}" for number in range(20_000)) for step in range(1, 13)]
    table = merge_table(range(256), MERGES)
    alone = [Pieces(PROGRAM, table).encode([text]) for text in texts]
    pieces = Pieces(PROGRAM, table)
    with ThreadPoolExecutor(4) as threads:
        for (one,), (other,) in zip(alone, threads.map(lambda text: pieces.encode([text]), texts), strict=True):
            assert one is not None
            assert np.array_equal(one, other)


def test_a_document_given_up_does_not_touch_its_neighbours() -> None:
    """Ids begun for it are taken back."""
    pieces = Pieces(PROGRAM, merge_table(range(256), MERGES))
    one, two, three = pieces.encode(["abc", "abc " + "a" * (module.LONGEST_PIECE + 1), "cc"])
    assert one is not None
    assert one.tolist() == [258]
    assert two is None
    assert three is not None
    assert three.tolist() == [259]
    assert pieces.encode([]) == []


def test_the_first_token_that_does_not_merge_to_its_id_is_found() -> None:
    """By hand: abc is 258; that it should be 259 is wrong, and ba merges to nothing."""
    table = merge_table(range(256), MERGES)
    assert first_wrong([b"a", b"abc", b"cccc"], [97, 258, 260], table) is None
    assert first_wrong([b"a", b"abc"], [97, 259], table) == 1
    assert first_wrong([b"ba"], [256], table) == 0
