"""Documents by authority: bands and tenths by hand, and against plain Python on drawn documents."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rootmaker import limit, make
from site_ranks import site, write_ranks

from corpus.report import page, standing
from corpus.report.standing import STEPS, UNKNOWN, Tally, steps_of


def tally(rows: list[tuple[float | None, int, str | None, float | None]]) -> Tally:
    """Return the tally of documents: percentile, characters, reason of a drop (None: kept), words."""
    values, sizes, reasons, words = (list(column) for column in zip(*rows, strict=True))
    verdicts = pa.table({"kept": [r is None for r in reasons], "reason": pa.array(reasons, pa.string())})
    numbers = {name: np.array([math.nan if x is None else float(x) for x in column])
               for name, column in (("value", values), ("characters", sizes), ("words", words))}  # fmt: skip
    made = Tally()
    made.add(numbers.pop("value"), verdicts, numbers)
    return made


def test_bands_are_ten_ranges_and_those_without_a_value() -> None:
    """A value at an edge belongs to the range above it, 1 to the last; documents and kept text are added up."""
    made = tally([(0.0, 5, None, 1), (0.3, 7, "short", 1), (0.29, 9, None, 1), (1.0, 11, None, 1), (None, 2, None, 1)])
    bands = made.bands()
    assert [(b.low, b.documents, b.kept, b.kept_characters) for b in bands if b.documents] == [
        (0.0, 1, 1, 5),
        (0.2, 1, 1, 9),
        (0.3, 1, 0, 0),
        (0.9, 1, 1, 11),
        (None, 1, 1, 2),
    ]
    assert len(bands) == 11


def test_tenths_hold_equal_text_and_tell_rates_and_means() -> None:
    """Twenty sites of one document each: two per tenth; drops, duplicates and words of the lowest by hand."""
    ends = [None, "short", "duplicate", "quota"] + [None] * 16
    made = tally([(n / 20, 100, ends[n], None if n == 1 else n) for n in range(20)])
    parts, rows = made.tenths()
    assert [(round(part.low or 0, 2), part.documents, part.characters) for part in parts] == [
        (n / 10, 2, 200) for n in range(10)
    ]
    found = dict(rows)
    assert found["dropped by rules"][:3] == [0.5, 0, 0]
    assert (found["duplicates"][:3], found["over quota"][:3]) == ([0, 0.5, 0], [0, 0.5, 0])
    assert found["kept"] == [0.5, 0, *[1] * 8]
    assert found["words"][:3] == [0, 2.5, 4.5]


def test_one_large_site_is_one_part() -> None:
    """Where a site has more than a tenth of all text there are fewer parts, and none is empty."""
    parts, rows = tally([(0.999999, 1000, None, 1), (0.1, 10, None, None)]).tenths()
    assert [part.documents for part in parts] == [1, 1]
    assert dict(rows)["words"] == [None, 1]
    assert Tally().tenths() == ([], [])
    assert not Tally().known


documents = st.tuples(
    st.none() | st.floats(0, 1), st.integers(1, 50), st.sampled_from([None, "short", "duplicate"]), st.integers(0, 9)
)


@given(st.lists(documents, min_size=1, max_size=60))
def test_plain_oracle(rows: list[tuple[float | None, int, str | None, int]]) -> None:
    """Every document is in one band and one part; each mean is that of the documents between the part's edges."""
    made = tally(list(rows))
    assert sum(band.documents for band in made.bands()) == len(rows)
    parts, means = made.tenths()
    known = [row for row in rows if row[0] is not None]
    assert sum(part.documents for part in parts) == len(known)
    for place, part in enumerate(parts):
        low, high = part.low or 0.0, 2.0 if part.high == 1.0 else part.high or 0.0
        inside = [row for row in known if low <= (row[0] or 0.0) < high]
        assert (part.documents, part.characters) == (len(inside), sum(row[1] for row in inside))
        assert dict(means)["words"][place] == pytest.approx(np.mean([row[3] for row in inside]))


def test_steps_are_ascending_and_fine_near_one() -> None:
    """From 0 to 1, hundredths exactly, ever finer towards 1; a value of no number has a step of its own."""
    assert (STEPS[0], STEPS[-1]) == (0.0, 1.0)
    assert np.all(np.diff(STEPS) > 0)
    assert np.isin([0.1, 0.3, 0.7, 0.99], STEPS).all()
    assert steps_of(np.array([0.0, 1.0, math.nan])).tolist() == [0, UNKNOWN - 1, UNKNOWN]
    assert len({*steps_of(np.array([0.9999, 0.99999, 0.999999])).tolist()}) == 3


def test_the_page_shows_documents_by_authority_and_the_best_sites(tmp_path: Path) -> None:
    """Bands, equal budget, and the ranks of a site; trust is shown only where a document has some."""
    root = make(tmp_path)
    values: dict[str, Any] = {"in_domains": 9, "position": 1, "spam_mass": -0.25} | {
        "robust_percentile": 0.875,
        "truncated_percentile": 0.75,
    }
    write_ranks(root, [site("domain", "best.example", 1.0, **values), site("host", "best.example", 1.0, position=1)])
    text = " ".join(re.sub(r"<[^>]+>", " ", page.render(root)).split())
    assert "By authority" in text
    assert "By trust" not in text
    assert "0.5 to 0.6 4 2 50%" in text
    assert "At equal budget" in text
    assert "1 best.example 1.000 9 0.875 0.750 -0.250" in text


def test_documents_over_the_quota_are_told_apart(tmp_path: Path) -> None:
    """Of four documents one is kept, one too short, one a copy and one over the quota."""
    root = make(tmp_path)
    limit(root)
    rows = dict(standing.shown(root)["first"])
    assert [rows[name] for name in standing.RATES] == [[0.25]] * 4


def test_a_root_before_select_has_no_such_view(tmp_path: Path) -> None:
    """Nothing is shown where nothing is known."""
    assert standing.shown(make(tmp_path, selected=False)) == {"axes": {}, "tenths": [], "first": [], "rest": []}
