"""Numbering: dictionaries say the same, tables grow, and equality is that of the things, not of their hashes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.quality.numbering import SEED, number, repeats, span_key
from corpus.quality.words import code_points


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 5), max_size=200))
def test_numbers_are_those_of_a_dictionary(keys: list[int]) -> None:
    """Numbers in order of first occurrence, how often each occurs, the different keys at the front."""
    expected: dict[int, int] = {}
    wanted = [expected.setdefault(key, len(expected)) for key in keys]
    array, ids, counts = np.array(keys, np.uint64), np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    assert number(array, len(keys), SEED, ids, counts) == len(expected)
    assert ids.tolist() == wanted
    assert counts[: len(expected)].tolist() == [keys.count(key) for key in expected]
    assert array[: len(expected)].tolist() == list(expected)


def test_tables_grow() -> None:
    """A hundred thousand keys, each twice: more than any table begins with."""
    keys = np.tile(np.arange(100_000, dtype=np.uint64), 2)
    ids, counts = np.empty(len(keys), np.int32), np.empty(len(keys), np.int32)
    assert number(keys, len(keys), SEED, ids, counts) == 100_000
    assert (ids == np.tile(np.arange(100_000), 2)).all()
    assert (counts[:100_000] == 2).all()


def count(parts: list[str], keyed: bool) -> list[int]:
    """Return what `repeats` fills for spans of a text; without keys all spans have the same hash."""
    codes = code_points("".join(parts))
    ends = np.cumsum([len(part) for part in parts], dtype=np.int32)
    spans = np.stack([ends - np.array([len(part) for part in parts], np.int32), ends], 1).astype(np.int32)
    keys = np.array([span_key(codes, start, end, SEED) if keyed else 7 for start, end in spans], np.uint64)
    out = np.zeros(4, np.int64)
    repeats(codes, spans, keys, len(parts), SEED, out)
    return out.tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab\U0010ffff", min_size=1, max_size=5), min_size=1, max_size=60), st.booleans())
def test_spans_are_compared_and_not_their_hashes(parts: list[str], keyed: bool) -> None:
    """Later occurrences and all occurrences of what comes twice are right even when every hash collides."""
    again = [part for part in parts if parts.count(part) > 1]
    later = [part for at, part in enumerate(parts) if part in parts[:at]]
    assert count(parts, keyed) == [len(later), len("".join(later)), len(again), len("".join(again))]


def test_hash_of_a_span() -> None:
    """Equal spans have one hash wherever they stand; another order, another length and another seed give another."""
    codes = code_points("abcd abcd abdc abc\0")
    places = (0, 4), (5, 9), (10, 14), (15, 18), (15, 19)
    keys = [int(span_key(codes, start, end, SEED)) for start, end in places]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 4
    assert int(span_key(codes, 0, 4, np.uint64(int(SEED) ^ 2))) != keys[0]
