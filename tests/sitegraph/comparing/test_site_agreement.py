"""Rank agreement: hand calculations, scipy as oracle, and RBO from its definition with sets."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from corpus.errors import SettingError
from sitegraph.comparing.agreement import (
    Agreement,
    AgreementSettings,
    Overlap,
    agreement,
    inversions,
    kendall,
    mean_ranks,
    movers,
    overlaps,
    percentiles,
    positions,
    rank_biased_overlap,
    spearman,
)

NAN = math.nan
Values = NDArray[np.float64]

tied = st.lists(st.integers(-4, 4), min_size=0, max_size=60)
"""Values with many ties."""
partial = st.lists(st.one_of(st.integers(-6, 6), st.just(NAN)), min_size=1, max_size=40)
"""Values with ties, some absent."""


def values(found: list[float] | list[int]) -> Values:
    """Return a list as an array of values."""
    return np.array(found, np.float64)


def ranked(items: str, universe: str = "abcdefgh") -> Values:
    """Return the ranking that holds these letters, the first one best; letters in brackets are tied."""
    found = dict.fromkeys(universe, NAN)
    value = float(len(items))
    inside = False
    for letter in items:
        if letter in "()":
            inside = letter == "("
            value -= letter == ")"
            continue
        found[letter] = value
        value -= not inside
    return values(list(found.values()))


def plain_rbo(a: Values, b: Values, p: float, depths: int = 5_000) -> float:
    """RBO_ext by its definition, depth by depth with sets, cut where weights vanish."""
    runs = []
    for ranking in (a, b):
        held = [i for i in range(len(ranking)) if not math.isnan(ranking[i])]
        runs.append({i: 1 + sum(ranking[j] > ranking[i] for j in held) for i in held})
    one, two = sorted(runs, key=len)
    if not one:
        return float(not two)
    total = last = ending = 0.0
    for d in range(1, depths):
        here, there = ({i for i, at in run.items() if at <= d} for run in (one, two))
        common, in_one, in_two = float(len(here & there)), float(len(here)), float(len(there))
        if d == len(one):
            ending = 2 * common / (in_one + in_two)
        if d > len(one):
            common += (d - len(one)) * ending
            in_one = d
        if d <= len(two):
            last = 2 * common / (in_one + in_two)
        total += (1 - p) * p ** (d - 1) * last
    return total


def test_tied_items_share_the_mean_of_their_ranks() -> None:
    """9 is first, the two 5s are second and third, 1 is last."""
    assert mean_ranks(values([5, 9, 1, 5])).tolist() == [2.5, 1.0, 4.0, 2.5]


def test_positions_and_percentiles_of_tied_items() -> None:
    """Both 5s are at place 2; three of four have a value of 5 or less."""
    assert positions(values([5, 9, 1, 5])).tolist() == [2, 1, 4, 2]
    assert percentiles(values([5, 9, 1, 5])).tolist() == [0.75, 1.0, 0.25, 0.75]


def test_rank_correlations_by_hand() -> None:
    """One exchange of neighbours among four: rho = 1 - 6 * 2 / (4 * 15), tau = (5 - 1) / 6."""
    a, b = values([4, 3, 2, 1]), values([4, 2, 3, 1])
    assert spearman(a, b) == pytest.approx(1 - 12 / 60)
    assert kendall(a, b) == pytest.approx(4 / 6)


@pytest.mark.parametrize(("a", "b"), [([], []), ([1], [2]), ([3, 3, 3], [1, 2, 3]), ([1, 2], [7, 7])])
def test_correlations_are_undefined_without_order(a: list[int], b: list[int]) -> None:
    """Fewer than two items, or all tied in one ranking."""
    assert math.isnan(spearman(values(a), values(b)))
    assert math.isnan(kendall(values(a), values(b)))


@settings(deadline=None, max_examples=150)
@given(tied, st.randoms())
def test_correlations_equal_scipys(a: list[int], random: st.DataObject) -> None:
    """Spearman and tau-b with many ties, against scipy.stats."""
    b = [random.choice([x, -3, 0, 3]) for x in a]  # type: ignore[attr-defined]
    if len(set(a)) < 2 or len(set(b)) < 2:
        return
    assert spearman(values(a), values(b)) == pytest.approx(stats.spearmanr(a, b).statistic, abs=1e-12)
    assert kendall(values(a), values(b)) == pytest.approx(stats.kendalltau(a, b, variant="b").statistic, abs=1e-12)


def test_kendall_of_many_items_equals_scipys() -> None:
    """More than one level of the merge sort, floats with ties."""
    random = np.random.default_rng(5)
    a = np.round(random.normal(size=20_001), 2)
    b = np.round(a + random.normal(size=a.size), 2)
    assert kendall(a, b) == pytest.approx(stats.kendalltau(a, b).statistic, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(tied)
def test_inversions_are_the_pairs_in_falling_order(found: list[int]) -> None:
    """Against counting every pair; the array is left sorted."""
    array = np.array(found, np.int64)
    assert inversions(array) == sum(x > y for i, x in enumerate(found) for y in found[i + 1 :])
    assert array.tolist() == sorted(found)


def test_overlap_at_k_counts_what_the_first_have_in_common() -> None:
    """First three: abc and acd share two of three, of four in all; nothing is said of depths beyond four items."""
    found = overlaps(ranked("abcde"), ranked("acdb"), (1, 3, 4, 5))
    assert found == (Overlap(1, 1), Overlap(3, 2), Overlap(4, 4))
    assert found[1].share == pytest.approx(2 / 3)
    assert found[1].jaccard == pytest.approx(2 / 4)


def test_overlap_takes_tied_items_in_item_order() -> None:
    """Of b, c, d, tied behind a, the first two are a and b."""
    assert overlaps(ranked("a(bcd)e"), ranked("abcde"), (2,)) == (Overlap(2, 2),)


def test_overlap_with_infinite_values() -> None:
    """An item of value -inf is held, and last; one that is absent never counts."""
    a = values([-math.inf, NAN, 1.0])
    assert overlaps(a, values([1.0, 2.0, 3.0]), (1, 2)) == (Overlap(1, 1), Overlap(2, 1))


def test_rbo_of_two_exchanged_items() -> None:
    """A = 0, then 1 for good: (1 - p) p + p^2 = p."""
    assert rank_biased_overlap(ranked("ab", "ab"), ranked("ba", "ab"), 0.5) == pytest.approx(0.5)


def test_rbo_of_uneven_rankings_by_equation_32() -> None:
    """S = a, L = b a: (1 - p) / p * (1 / 2) p^2 + (1 / 2) p^2 = 1 / 4 for p = 1 / 2."""
    assert rank_biased_overlap(ranked("a"), ranked("ba"), 0.5) == pytest.approx(0.25)


def test_rbo_of_equal_and_of_disjoint_rankings() -> None:
    """1 and 0, and 1 for two empty ones."""
    assert rank_biased_overlap(ranked("abcd"), ranked("abcd"), 0.9) == pytest.approx(1.0)
    assert rank_biased_overlap(ranked("abcd"), ranked("efgh"), 0.9) == 0.0
    assert rank_biased_overlap(ranked(""), ranked(""), 0.9) == 1.0
    assert rank_biased_overlap(ranked("a"), ranked(""), 0.9) == 0.0


def test_tied_items_arrive_together() -> None:
    """(ab) against ab: 2 * 1 / (2 + 1) at depth 1, then 1: 2/3 (1 - p) + p."""
    assert rank_biased_overlap(ranked("(ab)"), ranked("ab"), 0.5) == pytest.approx(2 / 3 * 0.5 + 0.5)


@settings(deadline=None, max_examples=60)
@given(partial, st.randoms(), st.sampled_from([0.3, 0.8, 0.95]))
def test_rbo_is_that_of_its_definition(a: list[float], random: st.DataObject, p: float) -> None:
    """Ties, absent items and uneven lengths, against sets."""
    b = [random.choice([x, NAN, 0.0, 7.0]) for x in a]  # type: ignore[attr-defined]
    found = rank_biased_overlap(values(a), values(b), p)
    assert found == pytest.approx(plain_rbo(values(a), values(b), p, 1_000), abs=1e-9)
    assert found == pytest.approx(rank_biased_overlap(values(b), values(a), p))


def test_rbo_of_long_rankings_looks_no_deeper_than_its_weights() -> None:
    """200,000 items that agree in the first 5,000: with p = 0.9 they agree."""
    a = np.arange(200_000, 0.0, -1.0)
    b = a.copy()
    b[5_000:] = b[5_000:][::-1]
    assert rank_biased_overlap(a, b, 0.9) == pytest.approx(1.0)


def test_counts_of_items_that_only_one_ranking_holds() -> None:
    """abc against bcde shares b and c; of what is shared all agree."""
    found = agreement(ranked("abc"), ranked("bcde"), AgreementSettings(depths=(1, 2, 3), persistence=0.9))
    assert (found.shared, found.only_a, found.only_b) == (2, 1, 2)
    assert (found.spearman, found.kendall) == (pytest.approx(1.0), pytest.approx(1.0))
    assert found.overlaps == (Overlap(1, 0), Overlap(2, 1), Overlap(3, 2))


def test_shared_only_forgets_what_one_ranking_holds() -> None:
    """Then bc against bc agrees everywhere."""
    found = agreement(ranked("abc"), ranked("bcde"), AgreementSettings(depths=(1, 2, 3), shared_only=True))
    assert found.overlaps == (Overlap(1, 1), Overlap(2, 2))
    assert found.rbo == pytest.approx(1.0)


def test_rankings_of_nothing_are_no_error() -> None:
    """No items at all."""
    found = agreement(values([]), values([]))
    assert isinstance(found, Agreement)
    assert (found.shared, found.overlaps, found.rbo) == (0, (), 1.0)


def test_movers_are_the_largest_changes_of_percentile() -> None:
    """abcd against bcda: a fell from 4/4 to 1/4, the others rose by 1/4 each and stand in item order."""
    rose, fell = movers(ranked("abcd", "abcd"), ranked("bcda", "abcd"), 2)
    assert [(move.item, move.change) for move in rose] == [(1, 0.25), (2, 0.25)]
    assert [(move.item, move.percentile_a, move.percentile_b) for move in fell] == [(0, 1.0, 0.25)]
    assert (fell[0].position_a, fell[0].position_b) == (1, 4)


def test_movers_measure_percentiles_in_the_whole_ranking() -> None:
    """a is first of two in one and third of four in the other: 2/2 to 2/4; items of one ranking only do not move."""
    rose, fell = movers(ranked("ab"), ranked("cdab"), 5)
    assert rose == []
    assert [(move.item, move.percentile_a, move.percentile_b) for move in fell] == [(0, 1.0, 0.5), (1, 0.5, 0.25)]


def test_no_movers_are_asked_for() -> None:
    """Zero of them."""
    assert movers(ranked("ab"), ranked("ba"), 0) == ([], [])


@pytest.mark.parametrize(
    "wrong", [{"depths": (10, 10)}, {"depths": (0,)}, {"persistence": 1.0}, {"persistence": 0.0}, {"movers": -1}]
)
def test_wrong_settings_fail_at_construction(wrong: dict[str, object]) -> None:
    """Depths that do not rise, p outside of (0, 1), a negative number of movers."""
    with pytest.raises(SettingError):
        AgreementSettings(**wrong)  # type: ignore[arg-type]


def test_rankings_over_other_items_are_refused() -> None:
    """Arrays of two lengths."""
    with pytest.raises(ValueError, match="same items"):
        agreement(values([1]), values([1, 2]))
