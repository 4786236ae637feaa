"""Ratios, tables and markers of the benchmark suite: what turns measurements into a page."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.suite import report
from benchmarks.suite.comparisons import require_same
from benchmarks.suite.figures import flatness, milliseconds, rate, ratios, spread
from benchmarks.suite.serve import cpu_of, descendants, repeated, timed
from benchmarks.suite.side import SideError
from benchmarks.suite.tables import derived, number, replace_between, table

REPOSITORY = Path(__file__).resolve().parent.parent.parent


def one(seconds: float, items: int = 10, **more: Any) -> dict[str, Any]:
    """Return the figures of a round."""
    return {"seconds": seconds, "cpu": seconds / 2, "items": items, "bytes": 1000 * items, "peak": 1 << 20,
            "peak_child": 0, **more}  # fmt: skip


def test_a_ratio_is_made_of_neighbouring_rounds() -> None:
    """Rounds of 1, 2, 4 s against 8, 10, 4 s are 8, 5 and 1 times: median 5; not 8 / 2, the ratio of the medians."""
    found = ratios([one(1), one(2), one(4)], [one(8), one(10), one(4)], "seconds")
    assert found == (5, 1, 8, 3)


def test_a_ratio_compares_time_per_item() -> None:
    """20 items in 2 s against 10 items in 3 s: 0.1 s and 0.3 s each."""
    assert ratios([one(2, 20)], [one(3, 10)], "seconds").median == pytest.approx(3)


def test_rates_and_milliseconds() -> None:
    """10 items of 1000 bytes in 2 s: 200 ms each, 5 items and 5000 bytes per second; half of the time by CPU."""
    rounds = [one(2)]
    assert milliseconds(rounds, "seconds").median == 200
    assert milliseconds(rounds, "cpu").median == 100
    assert (rate(rounds, "seconds").median, rate(rounds, "seconds", "bytes").median) == (5, 5000)


def test_memory_late_over_early_leaves_start_up_out() -> None:
    """Eight samples: 1 1 | 4 4 | 5 5 | 6 6 give 6 / 4, whatever order they come in; seven are too few."""
    samples = list(enumerate([1, 1, 4, 4, 5, 5, 6, 6]))
    assert flatness([(float(t), size) for t, size in reversed(samples)]) == 1.5
    assert flatness([(float(t), size) for t, size in samples[:7]]) is None


def test_sides_that_did_different_work_are_an_error() -> None:
    """Another check on one side in one round is enough; so is none at all."""
    same = {"ours": [one(1, check=[3])], "peer": [one(1, check=[3])]}
    require_same("x", same, lambda row: row["check"])
    for other in ([4], None):
        with pytest.raises(SideError, match="did not do the same work"):
            require_same("x", {**same, "peer": [one(1, check=other)]}, lambda row: row["check"])


def test_numbers_have_three_digits() -> None:
    """Large ones are whole with thousands apart, small ones keep three decimals."""
    assert [number(value) for value in (12345.6, 23.45, 1.234, 0.0123)] == ["12,346", "23.4", "1.23", "0.012"]


def test_a_table_survives_bars_in_cells() -> None:
    """A bar in a cell does not begin a new one."""
    assert table(["a", "b"], [["x|y", 1]]).splitlines() == ["| a | b |", "|---|---|", "| x\\|y | 1 |"]


def test_a_section_is_replaced_between_its_markers_and_nowhere_else() -> None:
    """Twice gives the same page as once; a page without the markers is refused."""
    page = "before\n<!-- x begins: by the suite -->\nold\n<!-- x ends -->\nafter\n"
    once = replace_between(page, "x", "| new |")
    assert once == "before\n<!-- x begins: by the suite -->\n| new |\n<!-- x ends -->\nafter\n"
    assert replace_between(once, "x", "| new |") == once
    empty = "<!-- x begins: by the suite -->\n<!-- x ends -->\n"
    assert replace_between(empty, "x", "a\\1").splitlines()[1] == "a\\1"
    with pytest.raises(ValueError, match="no markers for 'y'"):
        replace_between(page, "y", "")


def test_facts_and_links_are_what_remains_of_a_page() -> None:
    """A page of 5 s, 1 s of it decoding and 2 s parsing, that takes 4 s without links: 1 s for facts, 1 s for links."""
    seconds = {"decode": 1, "parse": 2, "linkless page": 4, "whole page": 5}
    found = derived([one(8, profile={name: {"seconds": s, "cpu": s} for name, s in seconds.items()})])[0]["profile"]
    assert found["facts"] == found["links"] == {"seconds": 1, "cpu": 1}
    assert "linkless page" not in found
    assert "whole page" not in found


def test_results_fill_the_page_of_the_docs(tmp_path: Path) -> None:
    """Every section that results give has its markers in docs/performance.md, and every marker its section."""
    page = tmp_path / "performance.md"
    page.write_text((REPOSITORY / "docs" / "performance.md").read_text())
    made = report.sections(results())
    report.write_page(page, made)
    text = page.read_text()
    assert set(re.findall(r"<!-- (\S+) begins", text)) == set(made)
    assert "at least 4x | 4.00x (4.00 to 4.00)" in text
    assert "Two workers do 1.90 times" in text
    assert "28.6% (20.0 of 70.0 ms)" in text


def results() -> dict[str, Any]:
    """Return results as a run leaves them, through JSON."""
    steps: dict[str, Any] = {"steps": {"ingest": 0.5}, "left": {"document": 10}}
    compared = {
        "title": "pages", "target": 4.0, "unit": "pages", "names": {"ours": "headwater", "peer": "datatrove"},
        "same": False, "ours": [one(1, **steps)], "peer": [one(4, **steps)],
    }  # fmt: skip
    seconds = {"decode": 0.1, "parse": 0.2, "linkless page": 0.3, "whole page": 0.5, "text": 0.2, "text.floor": 0.1}
    profile = [one(1, profile={name: {"seconds": s, "cpu": s} for name, s in seconds.items()})]
    runs = {
        count: [{"seconds": 19 / int(count), "documents": 5, "peak": 1 << 20, "late_over_early": 1.0}] for count in "12"
    }
    found = {
        "clock": "seconds", "date": "2026-01-01", "rounds": 1,
        "crawl": {"name": "c", "pages": 10, "html": 10, "read": {"headwater": 10, "datatrove": 10, "both": 10}},
        "machine": {"processor": "p", "cores": 2, "memory_gib": 1, "cache": "c", "kernel": "k", "python": "3",
                    "ours": {}, "peers": {}},
        "comparisons": {"pages-trafilatura": compared, "pages-resiliparse": compared},
        "profiles": {"trafilatura": profile, "resiliparse": profile},
        "quality": [{"name": "n", "pages": 1, "precision": 1, "recall": 1, "f1": 1, "f1_sd": 0}],
        "extractors": {name: [one(1, **steps)] for name in ("resiliparse", "trafilatura", "adaptive")},
        "scaling": {"crawl": "c", "extractor": "e", "runs": runs, "ratio": spread([1.9])._asdict()},
        "startup": [{"ingest": 2.0}, {"ingest": 1.0}],
        "sizes": {"c": {"documents": 5, "sets": {"links": 10}}},
    }  # fmt: skip
    loaded: dict[str, Any] = json.loads(json.dumps(found))
    return loaded


def test_a_round_counts_the_time_of_children() -> None:
    """CPU that a child process used, ended or not, is in the figure of its round; its memory too."""
    code = "import sys; x = bytearray(30_000_000); sum(range(10_000_000)); print(flush=True); sys.stdin.read()"
    children: list[subprocess.Popen[bytes]] = []

    def work(wait: bool) -> dict[str, Any]:
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        children.append(child)
        if wait:
            child.communicate()
        return {"items": 1, "bytes": 1}

    try:
        living = timed(lambda: work(wait=False))
        assert children[0].pid in set(descendants(os.getpid()))
        assert cpu_of(children[0].pid) <= living["cpu"]
        ended = timed(lambda: work(wait=True))
    finally:
        children[0].communicate()
    for found in (living, ended):
        assert found["cpu"] > 0.05
        assert found["peak_child"] > 30_000_000


def test_short_steps_are_repeated_and_checked_once_the_clock_has_stopped() -> None:
    """At least the given seconds; the check is of the last result and no part of the work."""
    calls: list[int] = []
    work = repeated(lambda: calls.append(1) or len(calls), 3, 5, check=lambda last: last, least=0.01)  # type: ignore[func-returns-value]
    assert work["items"] == 3 * len(calls)
    assert work["bytes"] == 5 * len(calls)
    assert work["set"] == 3
    assert work["after"]() == len(calls) > 1
