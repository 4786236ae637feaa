"""Histograms: what is drawn is what was counted."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.report.figures import BOTTOM, HEIGHT, LEFT, TICKS, TOP, histogram, label, ticks


def test_bars_are_as_high_as_their_counts() -> None:
    """By hand: of 0, 5, 10 the second bar ends half way, the third at the top, each a third of the width."""
    svg = histogram([0, 5, 10], 0.0, 3.0)
    drawn = ElementTree.fromstring(svg)  # noqa: S314 - ours
    bars = drawn[0].get("d") or ""
    floor, middle = HEIGHT - BOTTOM, (HEIGHT - BOTTOM + TOP) / 2
    assert [float(y) for y in re.findall(r"V([\d.]+)h", bars)] == [floor, middle, TOP]
    assert bars.startswith(f"M{LEFT} {floor}")
    texts = [element.text for element in drawn if element.tag.endswith("text")]
    assert texts == ["0", "1", "2", "3", "0", "5", "10"]


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_ticks_are_few_round_and_inside(low: float, width: float) -> None:
    """Every axis has two to TICKS + 1 labels or so, within its range."""
    high = low + width
    if high == low:
        return
    found = ticks(low, high)
    assert len(found) <= TICKS + 1
    slack = 1e-6 * max(abs(low), abs(high), width)
    assert all(low - slack <= value <= high + slack for value in found)


def test_nothing_counted_is_drawn_flat() -> None:
    """All bins empty: no division by zero, bars on the floor."""
    assert f"V{HEIGHT - BOTTOM:.2f}h" in histogram([0, 0], 0.0, 1.0)


@pytest.mark.parametrize(("value", "text"), [(0.25, "0.25"), (40, "40"), (1500, "1.5k"), (2e6, "2M"), (-3e9, "-3G")])
def test_labels_are_short(value: float, text: str) -> None:
    """Three digits and a unit."""
    assert label(value) == text
