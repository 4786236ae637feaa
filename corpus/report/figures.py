"""Histograms as SVG, drawn here: a page holds fifty, and a plotting library takes 40 ms for each and a second to load.

The same numbers give the same bytes. Text stays text, in the page's own font.
"""

import math
from collections.abc import Sequence

WIDTH, HEIGHT = 260, 108
LEFT, RIGHT, TOP, BOTTOM = 42, 6, 5, 17
TICKS = 4


def histogram(heights: Sequence[int], low: float, high: float) -> str:
    """Return the SVG of a histogram: `heights` of bins of equal width from `low` to `high` (low < high)."""
    top = max(*heights, 1)
    across, up = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    step = across / len(heights)
    bars = "".join(f"V{_y(n / top, up)}h{step:.2f}" for n in heights)
    drawn = [f'<path d="M{LEFT} {HEIGHT - BOTTOM}{bars}V{HEIGHT - BOTTOM}z" fill="#2a6f97"/>']
    drawn.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}h{across}" fill="none" stroke="#5c6b7a"/>')
    for value in ticks(low, high):
        x = LEFT + across * (value - low) / (high - low)
        drawn.append(f'<text x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="middle">{label(value)}</text>')
    for value in ticks(0, top):
        drawn.append(f'<text x="{LEFT - 4}" y="{_y(value / top, up, 3)}" text-anchor="end">{label(value)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="9" fill="#1b2733">'
        f"{''.join(drawn)}</svg>"
    )


def _y(share: float, up: int, below: float = 0) -> str:
    return f"{HEIGHT - BOTTOM - up * share + below:.2f}"


def ticks(low: float, high: float) -> list[float]:
    """Return at most TICKS + 1 round values from `low` to `high`: multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in (1, 2, 5, 10) if power * one >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def label(value: float) -> str:
    """Return a tick's text, three digits at most: 0.25, 40, 1.5k, 2M."""
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"
