"""Candidate pairs, exact similarity and near-duplicates, against plain versions over all pairs."""

import re
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.dedup.minhash import MinHash
from corpus.dedup.pairs import (
    Entries,
    Pairing,
    Pairs,
    candidate_pairs,
    distinct_pairs,
    exact_pairs,
    groups,
    jaccard,
    join_sets,
    near_duplicates,
)
from corpus.dedup.shingles import shingles
from corpus.errors import SettingError

ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6), st.integers(1, 12)), max_size=40)


def entries(rows: list[tuple[int, int, int]]) -> Entries:
    """Build entries from (key, check, shingles); the place is the position."""
    key, check, size = (np.array(column, np.uint64) for column in ([r[i] for r in rows] for i in range(3)))
    return Entries(key, check, np.arange(len(rows)), size.astype(np.int32))


def as_set(pairs: Pairs) -> set[tuple[int, int]]:
    """Return the pairs as a set."""
    return set(zip(pairs.a.tolist(), pairs.b.tolist(), strict=True))


@settings(deadline=None)
@given(rows=ROWS, block=st.integers(1, 60))
def test_small_groups_give_all_pairs(rows: list[tuple[int, int, int]], block: int) -> None:
    """Below the cap: every pair of different texts with one key that sizes do not rule out, once, in any block size."""
    found = [
        pair
        for block_ in candidate_pairs(groups(entries(rows)), Pairing(cap=64), block)
        for pair in zip(*block_, strict=True)
    ]
    firsts = [i for i, (key, check, _) in enumerate(rows) if all(rows[j][:2] != (key, check) for j in range(i))]
    near = {(i, j) for i, j in combinations(firsts, 2) if rows[i][0] == rows[j][0]}
    sized = {(i, j) for i, j in near if min(rows[i][2], rows[j][2]) / max(rows[i][2], rows[j][2]) >= 0.8}
    assert len(found) == len(set(found))
    assert {(int(a), int(b)) for a, b in found} == sized


def test_large_group_is_capped_and_counted() -> None:
    """A group of 7 above the cap of 4 gives each member its next 2 by size and the first, not 21 pairs."""
    found = groups(entries([(1, i, 10) for i in range(7)] + [(2, 9, 10), (2, 10, 10)]))
    pairs = [as_set(block) for block in candidate_pairs(found, Pairing(cap=4, neighbours=2))]
    chain = {(i, j) for i in range(7) for j in (i + 1, i + 2) if j < 7}
    assert pairs == [chain | {(0, j) for j in range(3, 7)} | {(7, 8)}]
    assert found.capped(4) == (1, 7)
    assert found.capped(7) == (0, 0)


def test_pairs_of_a_huge_group_stay_linear() -> None:
    """200,000 texts with one key give about 65 pairs each, in blocks of bounded size."""
    found = groups(entries([(1, i, 10) for i in range(200_000)]))
    sizes = [len(block.a) for block in candidate_pairs(found, Pairing(), 1 << 20)]
    assert max(sizes) <= 1 << 20
    assert sum(sizes) == sum(min(64, 199_999 - i) + (i > 64) for i in range(200_000))


@settings(deadline=None)
@given(rows=ROWS)
def test_exact_pairs_are_stars(rows: list[tuple[int, int, int]]) -> None:
    """Each text that equals an earlier one is paired with the first such, and nothing else is."""
    firsts: dict[tuple[int, int], int] = {}
    wanted = set()
    for i, row in enumerate(rows):
        first = firsts.setdefault(row[:2], i)
        wanted |= {(first, i)} - {(i, i)}
    assert as_set(exact_pairs(entries(rows))) == wanted


@settings(deadline=None)
@given(sets=st.lists(st.frozensets(st.integers(0, 20)), min_size=1, max_size=6))
def test_jaccard_equals_sets(sets: list[frozenset[int]]) -> None:
    """The kernel's similarity is that of Python's sets; two empty sets have 0."""
    joined = join_sets([np.array(sorted(one), np.uint64) for one in sets])
    i, j = (side.ravel() for side in np.indices((len(sets), len(sets))))
    plain = [len(x & y) / len(x | y) if x | y else 0.0 for x in sets for y in sets]
    assert jaccard(joined, joined, i, j).tolist() == plain


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30))
def test_distinct_pairs_and_their_positions(pairs: list[tuple[int, int]]) -> None:
    """Distinct pairs come sorted, and every pair finds itself again."""
    a, b = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    found, back = distinct_pairs(Pairs(a, b))
    assert sorted(set(pairs)) == list(zip(found.a.tolist(), found.b.tolist(), strict=True))
    assert [(int(found.a[k]), int(found.b[k])) for k in back] == pairs


def variants() -> list[str]:
    """Texts of 60 words; text k of a family of 8 has its last k words replaced, so J of neighbours is high."""
    words = [f"w{i}" for i in range(60)]
    families = [[f"f{family} {word}" for word in words] for family in range(6)]
    return [" ".join(words[: 60 - k] + [f"x{k}-{i}" for i in range(k)]) for words in families for k in range(8)]


def test_near_duplicates_are_all_true_and_nearly_all_there() -> None:
    """With 112 bands of one row nothing is missed: exactly the pairs at exact Jaccard 0.8 and above."""
    texts = variants()
    grams = [{tuple(w[i : i + 5]) for i in range(len(w) - 4)} for w in (re.findall(r"\w+", t) for t in texts)]
    true = [
        (i, j)
        for i, j in combinations(range(len(texts)), 2)
        if len(grams[i] & grams[j]) >= 0.8 * len(grams[i] | grams[j])
    ]
    assert near_duplicates(texts, MinHash(bands=112, rows=1)) == true
    assert len(true) > 20


def test_near_duplicates_of_equal_texts() -> None:
    """Equal texts are paired with one another and with what is near any of them."""
    base = " ".join(f"w{i}" for i in range(50))
    assert near_duplicates([base, "", base.upper(), base + " more", "other words stand here now"]) == [
        (0, 2),
        (0, 3),
        (2, 3),
    ]
    assert len(shingles(base + " more")) == 47  # 46 of 47 shared
    assert near_duplicates([]) == []
    assert near_duplicates(["", " ", "a"]) == [(0, 1)]


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"cap": 1}, {"neighbours": 0}])
def test_bad_settings_are_refused(wrong: dict[str, float]) -> None:
    """Settings out of range are refused with the field's name."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        Pairing(**wrong)
