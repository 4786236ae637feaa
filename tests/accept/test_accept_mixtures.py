"""How far off their shares sources and lanes are: many mixtures, whole periods (docs/reader.md has the figures)."""

import random
from fractions import Fraction

import numpy as np
import pytest

from corpus.reader.schedule import LARGEST, Schedule

pytestmark = [pytest.mark.accept, pytest.mark.timeout(3600)]

LANES = (1, 2, 6, 8, 24, 64, 192)
MIXTURES = 12
LONG = {2: 0.5, 3: 4, 4: 6, 5: 7, 8: 9, 12: 11}
"""How far off all lanes may be at most with weights that are too long for a table, by the number of sources."""


def drawn(chosen: random.Random, sources: int, total: int, power: int) -> list[int]:
    """Return positive weights of a sum, even with power 1, skewed with a higher one."""
    sizes = [chosen.random() ** power for _ in range(sources)]
    parts = [1 + int((total - sources) * size / sum(sizes)) for size in sizes]
    parts[0] += total - sum(parts)
    return parts


def deviations(schedule: Schedule, rounds: int) -> tuple[float, float]:
    """Return how far all lanes together, and a lane by itself, are off their shares after a round, at most."""
    weights = [float(weight) for weight in schedule.weights]
    taken = np.array([[schedule.at(lane, j)[0] for j in range(rounds)] for lane in range(schedule.lanes)])
    together, alone = 0.0, 0.0
    for source, weight in enumerate(weights):
        had, share = np.cumsum(taken == source, axis=1), weight * np.arange(1, rounds + 1)
        together = max(together, float(np.abs(had.sum(axis=0) - schedule.lanes * share).max()))
        alone = max(alone, float(np.abs(had - share).max()))
    return together, alone


@pytest.mark.parametrize("sources", [3, 4, 5, 8, 12])
def test_mixtures_that_a_table_holds(sources: int) -> None:
    """After each round of a period: Tijdeman's bound for all lanes, less than a sequence and a V-th for one."""
    chosen, found = random.Random(7), []
    for number in range(MIXTURES):
        total = chosen.choice((20, 100, 200, 1000, 10_000))
        parts = drawn(chosen, sources, total, 1 + 3 * (number % 2))
        for lanes in LANES:
            if total * lanes <= LARGEST:
                schedule = Schedule([Fraction(part, total) for part in parts], lanes)
                found.append((*deviations(schedule, total), lanes))
    together, alone = max(one for one, _, _ in found), max(one for _, one, _ in found)
    print(f"{sources} sources, {len(found)} mixtures: {together:.3f} together, {alone:.3f} alone")
    assert together <= 1 - 1 / (2 * sources - 2) + 1e-9
    assert all(one < 1 + 1 / lanes for _, one, lanes in found)


@pytest.mark.parametrize("sources", sorted(LONG))
def test_mixtures_that_are_too_long_for_one(sources: int) -> None:
    """Weights of seven digits over 2,000 rounds: two sources are exact, others a few sequences off."""
    chosen, found = random.Random(5), []
    for number in range(MIXTURES):
        parts = drawn(chosen, sources, 9_999_991, 1 + 3 * (number % 2))
        for lanes in LANES:
            schedule = Schedule([Fraction(part, sum(parts)) for part in parts], lanes)
            assert schedule.exact is (sources == 2)
            found.append(deviations(schedule, 2000))
    together, alone = max(one for one, _ in found), max(one for _, one in found)
    print(f"{sources} sources, {len(found)} long mixtures: {together:.2f} together, {alone:.2f} alone")
    assert together <= LONG[sources] + 1e-6
    assert alone < 3
