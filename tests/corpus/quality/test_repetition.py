"""N-gram repetition: numbers derived by hand, and plain Python over lists of words."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_signals import plain_repetition

from corpus.quality.signals import measure


def test_by_hand() -> None:
    """ "aa bb aa bb cc": of 10 characters "aa bb" takes 8; no 3-gram comes twice."""
    found = measure("aa bb aa bb cc")
    assert (found["top_2_gram"], found["top_3_gram"]) == (0.8, 0.0)


def test_later_and_all_occurrences_by_hand() -> None:
    """ "a b c d e" twice and "f" between: 5 of 11 characters are a later occurrence, 10 lie in repeated ones."""
    found = measure("a b c d e f a b c d e")
    assert (found["duplicate_5_gram"], found["repeated_5_gram"]) == (5 / 11, 10 / 11)
    assert (found["duplicate_6_gram"], found["repeated_6_gram"]) == (0.0, 0.0)


def test_longest_of_equally_frequent() -> None:
    """ "a b" and "long word" come twice each; the longer one (8 characters of 22) is the top one."""
    assert measure("a b x long word y a b z long word w")["top_2_gram"] == 2 * 8 / 24


def test_overlap_is_at_most_the_whole() -> None:
    """In "a a a a" the pair occurs three times, overlapping: 6 characters of 4 are reported as 1."""
    assert measure("a a a a")["top_2_gram"] == 1.0


def test_later_occurrences_do_not_overlap() -> None:
    """Twelve times "a": the 5-gram at the second word is a later one, and so is that at the seventh: 10 of 12."""
    found = measure("a " * 12)
    assert (found["duplicate_5_gram"], found["repeated_5_gram"]) == (10 / 12, 1.0)


@pytest.mark.parametrize("text", ["one", "one two", "1 !!!"])
def test_too_few_words(text: str) -> None:
    """Nothing can repeat."""
    found = measure(text)
    assert not any(value for name, value in found.items() if name.endswith("_gram"))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), min_size=1, max_size=60))
def test_plain_oracle(words: list[str]) -> None:
    """The kernel gives what plain Python gives, for every n."""
    found = measure(" ".join(words))
    for n in range(2, 11):
        expected = plain_repetition(words, n)
        for name in ["top"] if n < 5 else ["duplicate", "repeated"]:
            assert found[f"{name}_{n}_gram"] == expected[name]
