"""The funnel adds up the reports."""

from pathlib import Path

from rootmaker import limit, make

from corpus.report.funnel import Step, funnel


def test_each_step_says_what_is_left_and_what_was_lost(tmp_path: Path) -> None:
    """Six records, four documents, three that pass the rules, two kept."""
    assert funnel(make(tmp_path)) == [
        Step("records", 6, {}),
        Step("documents", 4, {"damaged": 1, "warcinfo": 1}),
        Step("pass the rules", 3, {"too_short": 1}),
        Step("kept", 2, {"duplicate": 1}),
    ]


def test_the_quota_takes_what_select_kept(tmp_path: Path) -> None:
    """Its counts go before those of select: one document of two that were kept is over its site's quota."""
    root = make(tmp_path)
    limit(root)
    assert funnel(root)[2:] == [
        Step("pass the rules", 3, {"too_short": 1}),
        Step("kept", 1, {"duplicate": 1, "quota": 1}),
    ]


def test_a_run_half_done_shows_its_half(tmp_path: Path) -> None:
    """Before select the funnel ends with the documents; an empty root has none."""
    assert [step.name for step in funnel(make(tmp_path, selected=False))] == ["records", "documents"]
    assert funnel(tmp_path / "nothing") == []
