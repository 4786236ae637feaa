"""Packing documents into sequences: by hand, and what holds for any lengths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.reader.packing import Piece, best_fit, pad, sequences_of

LENGTHS = st.lists(st.integers(1, 70), min_size=1, max_size=60)


def tokens_of(sequences: list[list[Piece]]) -> list[tuple[int, int]]:
    """Return (document, token) of all places, in order of documents."""
    return sorted((document, first + k) for one in sequences for document, first, n in one for k in range(n))


def test_best_fit_by_hand() -> None:
    """6, 5, 4, 3, 2 into sequences of 10: 6 + 4, 5 + 3 + 2, as each goes where it leaves the least room."""
    assert best_fit([6, 5, 4, 3, 2], 10, 2).sequences == [[(0, 0, 6), (2, 0, 4)], [(1, 0, 5), (3, 0, 3), (4, 0, 2)]]


def test_a_long_document_is_cut_into_whole_sequences_and_a_rest() -> None:
    """25 tokens are two sequences of 10 and 5 tokens beside another document."""
    assert best_fit([25, 4], 10, 3).sequences == [[(0, 0, 10)], [(0, 10, 10)], [(0, 20, 5), (1, 0, 4)]]


def test_what_finds_no_room_is_split_over_what_is_left() -> None:
    """Three documents of 6 take two sequences of 10 with 2 left over: the third is cut into 4 and 2."""
    assert best_fit([6, 6, 6], 10, 2).sequences == [[(0, 0, 6), (2, 4, 2)], [(1, 0, 6), (2, 0, 4)]]


@given(LENGTHS, st.integers(1, 32))
@settings(max_examples=300, deadline=None)
def test_best_fit_holds_every_token_once(lengths: list[int], length: int) -> None:
    """In the number of sequences that the tokens fill, rounded up: so padding is less than one sequence."""
    count = -(-sum(lengths) // length)
    packed = best_fit(lengths, length, count)
    assert len(packed.sequences) == count
    assert all(sum(n for _, _, n in one) <= length for one in packed.sequences)
    assert tokens_of(packed.sequences) == [(d, k) for d, size in enumerate(lengths) for k in range(size)]


@given(st.lists(st.integers(1, 64), min_size=20, max_size=200))
@settings(max_examples=60, deadline=None)
def test_best_fit_hardly_cuts_what_would_fit(lengths: list[int]) -> None:
    """Of documents of up to a quarter of a sequence no more are cut than there are sequences with a rest of one."""
    count = -(-sum(lengths) // 256)
    packed = best_fit(lengths, 256, count)
    pieces = [document for one in packed.sequences for document, _, _ in one]
    assert len(pieces) - len(set(pieces)) <= count


@pytest.mark.parametrize(
    ("too_long", "sequences", "dropped"),
    [
        ("split", [[(0, 0, 3)], [(1, 0, 4)], [(1, 4, 4)], [(1, 8, 1)], [(2, 0, 4)]], 0),
        ("truncate", [[(0, 0, 3)], [(1, 0, 4)], [(2, 0, 4)]], 5),
        ("drop", [[(0, 0, 3)], [(2, 0, 4)]], 9),
    ],
)
def test_pad_does_with_long_documents_as_asked(too_long: str, sequences: list[list[Piece]], dropped: int) -> None:
    """3, 9 and 4 tokens in sequences of 4."""
    packed = pad([3, 9, 4], 4, too_long)  # type: ignore[arg-type]
    assert packed.sequences == sequences
    assert packed.dropped == dropped
    assert sum(sequences_of(size, 4, too_long) for size in (3, 9, 4)) == len(sequences)  # type: ignore[arg-type]
