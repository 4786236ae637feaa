"""Figures of rounds: rates, and ratios of rounds taken side by side."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """Median, least and greatest of a few measurements."""

    median: float
    least: float
    greatest: float
    rounds: int


def spread(values: Sequence[float]) -> Spread:
    """Return the spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values), len(values))


def ratios(ours: Sequence[Mapping[str, Any]], peer: Sequence[Mapping[str, Any]], clock: str) -> Spread:
    """Return how many times our throughput is the peer's, by pair of rounds. `clock` is `seconds` or `cpu`.

    Both may have done a different number of items in a round (short steps are repeated), so what is compared is the
    time per item.
    """
    pairs = zip(ours, peer, strict=True)
    return spread([per_item(two, clock) / per_item(one, clock) for one, two in pairs])


def per_item(one: Mapping[str, Any], clock: str) -> float:
    """Return seconds per item of a round."""
    return float(one[clock]) / int(one["items"])


def milliseconds(rounds: Sequence[Mapping[str, Any]], clock: str) -> Spread:
    """Return milliseconds per item."""
    return spread([1e3 * per_item(one, clock) for one in rounds])


def rate(rounds: Sequence[Mapping[str, Any]], clock: str, of: str = "items") -> Spread:
    """Return items (or bytes) per second."""
    return spread([int(one[of]) / float(one[clock]) for one in rounds])


def flatness(samples: Sequence[tuple[float, int]]) -> float | None:
    """Return memory late over memory early: the medians of the last and of the second quarter of (second, bytes).

    The first quarter is start-up. None when there are fewer than eight samples.
    """
    if len(samples) < 8:
        return None
    ordered = [size for _, size in sorted(samples)]
    quarter = len(ordered) // 4
    return statistics.median(ordered[-quarter:]) / statistics.median(ordered[quarter : 2 * quarter])
