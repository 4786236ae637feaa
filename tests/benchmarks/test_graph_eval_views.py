"""The tables of docs/graph-evaluation.md: what is shown of a run, and that the page has a place for each."""

from pathlib import Path

import pytest

from benchmarks.graph_eval.lab import Rows
from benchmarks.graph_eval.report import Section, read, rewrite, write
from benchmarks.graph_eval.views import VIEWS, across, ends, turned, views

REPOSITORY = Path(__file__).resolve().parents[2]


def test_ranks_stand_side_by_side() -> None:
    """One row per kind, the ranks in their usual order, whatever that of the rows."""
    rows: Rows = [
        {"farms": "star", "rank": "trust", "auc": 0.9},
        {"farms": "star", "rank": "pagerank", "auc": 0.1},
        {"farms": "ring", "rank": "trust", "auc": 0.8},
    ]
    found = across(rows, ("farms",), "auc")
    assert found == [{"farms": "star", "pagerank": 0.1, "trust": 0.9}, {"farms": "ring", "trust": 0.8}]
    assert list(found[0]) == ["farms", "pagerank", "trust"]


def test_a_wide_table_is_turned_round() -> None:
    """The first column becomes the heads."""
    rows: Rows = [{"release": "a", "x": 1, "y": 2}, {"release": "b", "x": 3, "y": 4}]
    assert turned(rows) == [{"": "x", "a": 1, "b": 3}, {"": "y", "a": 2, "b": 4}]


def test_drift_is_told_by_its_ends_and_its_middle() -> None:
    """Each measure has its own order."""
    pairs = [(1, 0.3), (2, 0.1), (3, 0.2)]
    rows: Rows = [
        {"from": "r", "to": "s", "in both": n, "spearman": x, "kendall": x, "RBO": x} for n, x in [*pairs, (9, 0.0)]
    ]
    found = ends(rows)
    assert [(row["in both"], row["RBO"]) for row in found] == [(1, 0.1), (2, 0.2), (3, 0.3), (9, 0.0)]
    assert found[-1]["releases"] == "r to s"


def test_tables_of_a_run_go_into_a_page(tmp_path: Path) -> None:
    """What is undefined is null in the file and an empty cell in the page; the text around a table stays."""
    rows: Rows = [{"measure": "dangling", "planted": 0.74, "published": float("nan")}]
    write(tmp_path, [Section("shape", "Shape", "Of a web.", rows, 0.1)], {"sites": 5})
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- shape begins -->\nold\n<!-- shape ends -->\nafter\n")
    rewrite(page, views(read(tmp_path)))
    text = page.read_text()
    assert "| dangling | 0.740 |  |" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text


def test_sections_that_were_not_run_keep_their_figures(tmp_path: Path) -> None:
    """A second run of another section leaves the first one's rows, with its own options."""
    for name, sites in (("shape", 5), ("spam", 6)):
        write(tmp_path, [Section(name, name, "Text.", [{"sites": sites}], 1.0)], {"sites": sites})
    assert read(tmp_path) == {"shape": [{"sites": 5}], "spam": [{"sites": 6}]}
    assert "Text. (sites 5; 1 s)" in (tmp_path / "graph-eval.md").read_text()


@pytest.mark.parametrize("name", list(VIEWS))
def test_the_page_has_a_place_for_every_table(name: str) -> None:
    """Two comments with its name."""
    text = (REPOSITORY / "docs" / "graph-evaluation.md").read_text()
    assert text.count(f"<!-- {name} begins") == text.count(f"<!-- {name} ends -->") == 1
