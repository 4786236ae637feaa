"""Figures of results: rates with their spread, steps by name, when a bound was reached."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.suite.figures import Spread, spread
from benchmarks.suite.tables import number

Results = Mapping[str, Any]


def millions(value: float) -> str:
    """Return a number of things: 6.00 M, 600 M, 6.32 G."""
    return f"{number(value / 1e9)} G" if value >= 1e9 else f"{number(value / 1e6)} M"


def rates(step: Mapping[str, Any], name: str, clock: str) -> Spread:
    """Return M/s of a sweep or a gather."""
    count = step["arcs"] if name == "sweep" else step["gathered"]
    return spread([count / took[clock] / 1e6 for took in step[name]])


def against(step: Mapping[str, Any], clock: str) -> Spread:
    """Return the rates of sweeps over those of the gathers beside them."""
    pairs = zip(step["sweep"], step["gather"], strict=True)
    return spread([step["arcs"] / a[clock] / (step["gathered"] / b[clock]) for a, b in pairs])


def named(found: Results, word: str) -> list[tuple[list[str], Mapping[str, Any]]]:
    """Return the steps whose name begins with a word: the other words of the name, and the step."""
    return [(name.split()[1:], step) for name, step in found.items() if name.split()[0] == word]


def reached(trace: Sequence[Sequence[float]], tolerance: float) -> tuple[int, float] | None:
    """Return after how many sweeps and seconds the bound was at a tolerance."""
    for number_of, (seconds, error) in enumerate(trace, 1):
        if error <= tolerance:
            return number_of, seconds
    return None
