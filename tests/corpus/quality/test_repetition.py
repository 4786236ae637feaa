"""N-gram repetition: numbers derived by hand, and a plain oracle over word lists."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.quality.repetition import repetition
from corpus.quality.words import segment


def oracle(words: list[str], n: int) -> tuple[float, float, float]:
    """Top, duplicate and repeated shares as the module's docstring defines them."""
    grams = [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    counts = Counter(grams)
    total = len("".join(words))
    most = max(counts.values(), default=0)
    if most < 2:
        return 0.0, 0.0, 0.0
    longest = max(len("".join(gram)) for gram, number in counts.items() if number == most)
    later, at, seen = 0, 0, set()
    while at < len(grams):
        if grams[at] in seen:
            later += len("".join(grams[at]))
            at += n
        else:
            seen.add(grams[at])
            at += 1
    covered = {i + k for i, gram in enumerate(grams) if counts[gram] > 1 for k in range(n)}
    return min(1.0, most * longest / total), later / total, sum(len(words[i]) for i in covered) / total


def test_by_hand() -> None:
    """ "aa bb aa bb cc": of 10 characters "aa bb" takes 8, its second occurrence 4; no 3-gram comes twice."""
    shares = repetition(segment("aa bb aa bb cc"))
    assert shares[2].tolist() == [0.8, 0.4, 0.8]
    assert shares[3].tolist() == [0.0, 0.0, 0.0]


def test_longest_of_equally_frequent() -> None:
    """ "a b" and "long word" come twice each; the longer one (8 characters of 22) is the top one."""
    shares = repetition(segment("a b x long word y a b z long word w"))
    assert shares[2][0] == pytest.approx(2 * 8 / 24)


def test_overlap_is_at_most_the_whole() -> None:
    """In "a a a a" the pair occurs three times, overlapping: 6 characters of 4 are reported as 1."""
    assert repetition(segment("a a a a"))[2].tolist() == [1.0, 0.5, 1.0]


@pytest.mark.parametrize("text", ["", "one", "one two", "!!!"])
def test_too_few_words(text: str) -> None:
    """Nothing can repeat."""
    assert not repetition(segment(text)).any()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), max_size=60))
def test_plain_oracle(words: list[str]) -> None:
    """The kernel gives what plain Python gives, for every n."""
    shares = repetition(segment(" ".join(words)))
    for n in range(2, 11):
        assert shares[n].tolist() == pytest.approx(oracle(words, n)) if words else True
