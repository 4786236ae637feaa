"""Packing documents into sequences: by hand, and what holds for any lengths."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.reader.packing import Packed, best_fit, pad, sequences_of
from corpus.reader.settings import TooLong

Piece = tuple[int, int, int]
"""(document, first token in it, tokens)"""
LENGTHS = st.lists(st.integers(1, 70), min_size=1, max_size=60)


def packed(lengths: list[int], length: int, count: int) -> list[list[Piece]]:
    """Return the pieces of each sequence as best_fit packs them, in order."""
    return by_sequence(best_fit(np.array(lengths), length, count), count)


def by_sequence(found: Packed, count: int) -> list[list[Piece]]:
    """Return the pieces of each sequence, in order."""
    sequences: list[list[Piece]] = [[] for _ in range(count)]
    columns = found.sequence, found.document, found.first, found.tokens
    for sequence, document, first, tokens in zip(*(column.tolist() for column in columns), strict=True):
        sequences[sequence].append((document, first, tokens))
    return sequences


def tokens_of(sequences: list[list[Piece]]) -> list[tuple[int, int]]:
    """Return (document, token) of all places, in order of documents."""
    return sorted((document, first + k) for one in sequences for document, first, n in one for k in range(n))


def test_best_fit_by_hand() -> None:
    """6, 5, 4, 3, 2 into sequences of 10: 6 + 4, 5 + 3 + 2, as each goes where it leaves the least room."""
    assert packed([6, 5, 4, 3, 2], 10, 2) == [[(0, 0, 6), (2, 0, 4)], [(1, 0, 5), (3, 0, 3), (4, 0, 2)]]


def test_a_long_document_is_cut_into_whole_sequences_and_a_rest() -> None:
    """25 tokens are two sequences of 10 and 5 tokens beside another document."""
    assert packed([25, 4], 10, 3) == [[(0, 0, 10)], [(0, 10, 10)], [(0, 20, 5), (1, 0, 4)]]


def test_what_finds_no_room_is_split_over_what_is_left() -> None:
    """Three documents of 6 take two sequences of 10 with 2 left over: the third is cut into 4 and 2."""
    assert packed([6, 6, 6], 10, 2) == [[(0, 0, 6), (2, 4, 2)], [(1, 0, 6), (2, 0, 4)]]


@given(LENGTHS, st.integers(1, 32))
@settings(max_examples=300, deadline=None)
def test_best_fit_holds_every_token_once(lengths: list[int], length: int) -> None:
    """In the number of sequences that the tokens fill, rounded up: so padding is less than one sequence."""
    count = -(-sum(lengths) // length)
    sequences = packed(lengths, length, count)
    assert all(sum(n for _, _, n in one) <= length for one in sequences)
    assert tokens_of(sequences) == [(d, k) for d, size in enumerate(lengths) for k in range(size)]


@given(st.lists(st.integers(1, 64), min_size=20, max_size=200))
@settings(max_examples=60, deadline=None)
def test_best_fit_hardly_cuts_what_would_fit(lengths: list[int]) -> None:
    """Of documents of up to a quarter of a sequence no more are cut than there are sequences with a rest of one."""
    count = -(-sum(lengths) // 256)
    found = best_fit(np.array(lengths), 256, count)
    assert len(found.document) - len(set(found.document.tolist())) <= count


@pytest.mark.parametrize(
    ("too_long", "sequences"),
    [
        ("split", [[(0, 0, 3)], [(1, 0, 4)], [(1, 4, 4)], [(1, 8, 1)], [(2, 0, 4)]]),
        ("truncate", [[(0, 0, 3)], [(1, 0, 4)], [(2, 0, 4)]]),
        ("drop", [[(0, 0, 3)], [(2, 0, 4)]]),
    ],
)
def test_pad_does_with_long_documents_as_asked(too_long: TooLong, sequences: list[list[Piece]]) -> None:
    """3, 9 and 4 tokens in sequences of 4."""
    lengths = np.array([3, 9, 4])
    assert by_sequence(pad(lengths, 4, too_long), len(sequences)) == sequences
    assert sequences_of(lengths, 4, too_long).sum() == len(sequences)
