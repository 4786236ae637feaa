"""How far two rankings of the same things agree.

A ranking is a float64 array of values, one per item, higher is better, NaN where the ranking does not hold the item.
Two rankings share their items: place i of both arrays is item i, in whatever order the caller keeps (tables on disk:
that of reversed names). Everything works on arrays of 8 bytes an item, by sorting: 30 million items took 41 s and
2.5 GB, and there is no dict of names.

Over the items that both hold:

    Spearman's rho    Pearson's correlation of the ranks; tied items have the mean of the ranks they span
    Kendall's tau-b   (concordant - discordant) / sqrt((pairs - tied in a) (pairs - tied in b)), by Knight's merge sort
                      in n log n (Knight, JASA 61, 1966)

Over the rankings as they are, items that only one holds included:

    overlap at k      what the first k of both have in common: their number, share of k, and Jaccard index. Items with
                      equal values at the edge are taken in item order. A depth beyond the shorter ranking is left out
    RBO               rank-biased overlap, extrapolated (RBO_ext, equation 32 of Webber, Moffat, Zobel, "A similarity
                      measure for indefinite rankings", TOIS 28(4), 2010): (1 - p) times the sum of p^(d-1) A_d over
                      all depths d, A_d being the share of the first d that both have in common. p says how deep it
                      looks: with p = 0.9 the first 10 places have 86 % of the weight, with 0.99 the first 100 85 %.
                      Tied items all arrive at the first place that they span, as that paper proposes, so A_d is
                      2 common_d / (arrived_d in a + arrived_d in b). Behind the end of the shorter ranking the share
                      A had there is taken to go on for what follows in it; behind the end of the longer one A
                      stays as it is

Movers are the items that both hold whose percentile changed most. A percentile is the share of a ranking's own items
with a lower or equal value, as everywhere in this project; a position is 1 + the number of items with a higher value.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.settings import require

Values = NDArray[np.float64]
Integers = NDArray[np.int64]

NEGLIGIBLE: Final = 1e-17
"""Depths of RBO whose weights add up to less are taken together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementSettings:
    """What to look at.

    depths: the k of overlap at k, ascending. persistence: p of RBO. shared_only: leave out, before anything else,
    items that only one ranking holds. movers: how many risers, and how many fallers, to name.
    """

    depths: tuple[int, ...] = (10, 100, 1_000, 10_000, 100_000)
    persistence: float = 0.99
    shared_only: bool = False
    movers: int = 10

    def __post_init__(self) -> None:
        rising = all(a < b for a, b in zip(self.depths, self.depths[1:], strict=False))
        require(rising and all(k > 0 for k in self.depths), self, "depths", "numbers above 0, each once, ascending")
        require(0.0 < self.persistence < 1.0, self, "persistence", "a number above 0 and below 1")
        require(self.movers >= 0, self, "movers", "a number, not negative")


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the first `depth` items of both rankings have in common."""

    depth: int
    common: int

    @property
    def share(self) -> float:
        """Common items per depth."""
        return self.common / self.depth

    @property
    def jaccard(self) -> float:
        """Common items per item that either has."""
        return self.common / (2 * self.depth - self.common)


@dataclass(frozen=True, slots=True)
class Agreement:
    """Counts of items, and how far the rankings agree; spearman and kendall are NaN where they are undefined.

    They are undefined where fewer than two items are shared, or all shared items are tied in one of the rankings.
    """

    shared: int
    only_a: int
    only_b: int
    spearman: float
    kendall: float
    rbo: float
    persistence: float
    overlaps: tuple[Overlap, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """An item's place in both rankings: percentile 0 to 1, position from 1."""

    item: int
    percentile_a: float
    percentile_b: float
    position_a: int
    position_b: int

    @property
    def change(self) -> float:
        """Percentile in b minus percentile in a."""
        return self.percentile_b - self.percentile_a


def agreement(a: Values, b: Values, settings: AgreementSettings | None = None) -> Agreement:
    """Say how far two rankings agree."""
    settings = settings or AgreementSettings()
    a, b = checked(a, b)
    here, there = ~np.isnan(a), ~np.isnan(b)
    both = here & there
    shared = int(both.sum())
    only_a, only_b = int(here.sum()) - shared, int(there.sum()) - shared
    x, y = a[both], b[both]
    whole = (x, y) if settings.shared_only else (a, b)
    return Agreement(
        shared=shared,
        only_a=only_a,
        only_b=only_b,
        spearman=spearman(x, y),
        kendall=kendall(x, y),
        rbo=rank_biased_overlap(*whole, settings.persistence),
        persistence=settings.persistence,
        overlaps=overlaps(*whole, settings.depths),
    )


def checked(a: Values, b: Values) -> tuple[Values, Values]:
    """Return both as float64 arrays; raises ValueError unless they are over the same items."""
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"rankings of {a.shape} and {b.shape} values are not over the same items")
    return np.asarray(a, np.float64), np.asarray(b, np.float64)


def steps(values: Values) -> tuple[Integers, Integers]:
    """Return the items from best to worst, ties in any order, and where each run of equal values begins.

    The second array has one more entry than there are distinct values, the last one being the number of items.
    """
    order = np.argsort(-values)
    arranged = values[order]
    fresh = np.flatnonzero(arranged[1:] != arranged[:-1]) + 1
    return order, np.concatenate([np.zeros(min(len(values), 1), np.int64), fresh, [len(values)]])


def per_item(order: Integers, starts: Integers, of_run: NDArray[Any]) -> NDArray[Any]:
    """Return for each item what belongs to its run of equal values."""
    found = np.empty(len(order), of_run.dtype)
    found[order] = np.repeat(of_run, np.diff(starts))
    return found


def mean_ranks(values: Values) -> Values:
    """Return ranks from 1, best first; tied items have the mean of those they span."""
    order, starts = steps(values)
    return per_item(order, starts, (starts[:-1] + starts[1:] + 1) / 2.0)


def positions(values: Values) -> Integers:
    """Return 1 + the number of items with a higher value."""
    order, starts = steps(values)
    return per_item(order, starts, starts[:-1] + 1)


def percentiles(values: Values) -> Values:
    """Return the share of items with a lower or equal value."""
    return (len(values) + 1 - positions(values)) / max(len(values), 1)


def spearman(a: Values, b: Values) -> float:
    """Return Spearman's rank correlation of two rankings that hold all items."""
    if len(a) < 2:
        return float("nan")
    x, y = (ranks - (len(ranks) + 1) / 2.0 for ranks in (mean_ranks(a), mean_ranks(b)))
    spread = np.sqrt(float(x @ x)) * np.sqrt(float(y @ y))
    return float(x @ y) / spread if spread > 0.0 else float("nan")


def kendall(a: Values, b: Values) -> float:
    """Return Kendall's tau-b of two rankings that hold all items."""
    n = len(a)
    x, y = positions(a), positions(b)
    pairs = n * (n - 1) // 2
    tied_a, tied_b = tied_pairs(np.sort(x)), tied_pairs(np.sort(y))
    if pairs in (0, tied_a, tied_b):
        return float("nan")
    keys = x * np.int64(n + 1) + y
    keys.sort()
    discordant = inversions(keys % (n + 1))
    concordant = pairs - tied_a - tied_b + tied_pairs(keys) - discordant
    return float((concordant - discordant) / (np.sqrt(float(pairs - tied_a)) * np.sqrt(float(pairs - tied_b))))


def tied_pairs(arranged: Integers) -> int:
    """Return the pairs of equal values in a sorted array."""
    edges = np.flatnonzero(arranged[1:] != arranged[:-1]) + 1
    runs = np.diff(np.concatenate([[0], edges, [len(arranged)]])).astype(np.int64)
    return int((runs * (runs - 1) // 2).sum())


def inversions(values: Integers) -> int:
    """Return the pairs of places whose values stand in falling order; `values` is left sorted."""
    return int(count_inversions(values, np.empty_like(values)))


@kernel
def count_inversions(values: Any, spare: Any) -> Any:  # int64[n], int64[n] -> int64; sorts values
    """Merge sort from the bottom up; each value taken from the right half passes what is left of the left one."""
    n = len(values)
    found = 0
    width = 1
    while width < n:
        for low in range(0, n, 2 * width):
            middle, high = min(low + width, n), min(low + 2 * width, n)
            i, j = low, middle
            for k in range(low, high):
                if j >= high or (i < middle and values[i] <= values[j]):
                    spare[k] = values[i]
                    i += 1
                else:
                    spare[k] = values[j]
                    j += 1
                    found += middle - i
        values[:] = spare
        width *= 2
    return found


def overlaps(a: Values, b: Values, depths: tuple[int, ...]) -> tuple[Overlap, ...]:
    """Return the overlap at each depth that both rankings reach; NaN is an item that a ranking does not hold."""
    depths = tuple(k for k in depths if k <= min(held(a), held(b)))
    if not depths:
        return ()
    x, y = (first(values, depths[-1]) for values in (a, b))
    return tuple(Overlap(k, len(np.intersect1d(x[:k], y[:k], assume_unique=True))) for k in depths)


def first(values: Values, depth: int) -> Integers:
    """Return the first `depth` items, best first, ties in item order; the ranking holds as many."""
    if depth == 0:
        return np.zeros(0, np.int64)
    falling = np.where(np.isnan(values), np.inf, -values)
    if depth < len(values):
        edge = np.partition(falling, depth - 1)[depth - 1]
        among = np.flatnonzero((falling <= edge) & ~np.isnan(values))
        return among[np.argsort(falling[among], kind="stable")][:depth]
    return np.argsort(falling, kind="stable")[:depth]


def rank_biased_overlap(a: Values, b: Values, persistence: float) -> float:
    """Return RBO_ext of two rankings; NaN is an item that a ranking does not hold. Two empty rankings agree: 1."""
    short, long = sorted((held(a), held(b)))
    if short == 0:
        return float(long == 0)
    limit = min(long, 1 + int(np.log(NEGLIGIBLE) / np.log(persistence)))
    share = depth_agreement(a, b, short, limit)
    weights = persistence ** np.arange(limit, dtype=np.float64)
    return float((1.0 - persistence) * (weights @ share) + persistence**limit * share[-1])


def depth_agreement(a: Values, b: Values, short: int, limit: int) -> Values:
    """Return A_d for the depths 1 to `limit`; `short` is the length of the shorter ranking."""
    at_a, at_b = arrivals(a), arrivals(b)
    met = np.maximum(at_a, at_b)
    met[(at_a == 0) | (at_b == 0)] = 0
    common, first_a, first_b = (arrived(at, limit).astype(np.float64) for at in (met, at_a, at_b))
    if limit > short:
        ending = 2.0 * common[short - 1] / (first_a[short - 1] + first_b[short - 1])
        unseen = np.arange(1, limit - short + 1)
        common[short:] += ending * unseen
        ended = first_a if held(a) == short else first_b
        ended[short:] += unseen
    return 2.0 * common / (first_a + first_b)


def arrivals(values: Values) -> Integers:
    """Return the depth at which each item arrives: its position; 0 for an item that the ranking does not hold."""
    found = np.zeros(len(values), np.int64)
    present = ~np.isnan(values)
    found[present] = positions(values[present])
    return found


def arrived(at: Integers, limit: int) -> Integers:
    """Return how many items have arrived by each depth from 1 to `limit`."""
    return np.cumsum(np.bincount(at[(at > 0) & (at <= limit)], minlength=limit + 1)[1:])


def held(values: Values) -> int:
    """Return how many items a ranking holds."""
    return len(values) - int(np.isnan(values).sum())


def movers(a: Values, b: Values, count: int) -> tuple[list[Move], list[Move]]:
    """Return the `count` items that rose most from a to b, and the `count` that fell most; largest change first.

    Items whose percentile is the same are no movers; equal changes stand in item order.
    """
    a, b = checked(a, b)
    both = np.flatnonzero(~np.isnan(a) & ~np.isnan(b))
    at_a, at_b = (arrivals(values)[both] for values in (a, b))
    share_a, share_b = (held(a) + 1 - at_a) / max(held(a), 1), (held(b) + 1 - at_b) / max(held(b), 1)

    def most(gain: Values) -> list[Move]:
        gain = np.where(gain > 0.0, gain, np.nan)
        return [
            Move(int(both[i]), float(share_a[i]), float(share_b[i]), int(at_a[i]), int(at_b[i]))
            for i in first(gain, min(count, held(gain)))
        ]

    return most(share_b - share_a), most(share_a - share_b)
