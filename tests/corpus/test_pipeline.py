"""A pipeline runs what is missing or changed, and nothing else."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from toy import Count, Double, read

from corpus.errors import PipelineError
from corpus.executors.local import LocalExecutor
from corpus.pipeline import Pipeline
from corpus.stage import Result, load_reports, unit_weight
from corpus.storage import ShardSet

HERE = LocalExecutor(workers=0)


def road(root: Path, factor: int = 2, **options: object) -> Pipeline:
    return Pipeline(root=root, stages=(Count(root=root, **options), Double(root=root, factor=factor)))  # type: ignore[arg-type]


def ran(outcomes: list) -> dict[str, int]:  # type: ignore[type-arg]
    return {outcome.stage: outcome.ran for outcome in outcomes}


def test_a_first_run_does_everything(tmp_path: Path) -> None:
    """Every unit of every stage runs, and the last set holds what it should."""
    assert ran(road(tmp_path).run(HERE)) == {"count": 4, "double": 4}
    assert read(tmp_path, "doubles") == [2 * (shard * 100 + i) for shard in range(4) for i in range(10)]


def test_a_second_run_does_nothing(tmp_path: Path) -> None:
    """Finished units are recognised by their reports."""
    road(tmp_path).run(HERE)
    assert ran(road(tmp_path).run(HERE)) == {"count": 0, "double": 0}


def test_a_changed_setting_reruns_only_what_depends_on_it(tmp_path: Path) -> None:
    """A setting of the second stage leaves the first alone."""
    road(tmp_path).run(HERE)
    assert ran(road(tmp_path, factor=3).run(HERE)) == {"count": 0, "double": 4}
    assert read(tmp_path, "doubles")[:3] == [0, 3, 6]


def test_a_rerun_with_the_same_bytes_stops_there(tmp_path: Path) -> None:
    """When a lost report makes a unit run again and its bytes are the same, nothing after it runs."""
    road(tmp_path).run(HERE)
    (tmp_path / "reports" / "count" / "00002.json").unlink()
    assert ran(road(tmp_path).run(HERE)) == {"count": 1, "double": 0}


def test_a_missing_file_is_made_again(tmp_path: Path) -> None:
    """A report whose file is gone or cut does not count."""
    road(tmp_path).run(HERE)
    ShardSet(tmp_path, "numbers").path(1).write_bytes(b"cut")
    assert ran(road(tmp_path).run(HERE)) == {"count": 1, "double": 0}


def test_another_recipe_is_refused_a_root_with_stages_it_does_not_have(tmp_path: Path) -> None:
    """Results of two recipes are never mixed, and none are deleted unasked: the stages are named and all stays."""
    road(tmp_path).run(HERE)
    with pytest.raises(PipelineError, match=r"stages that this recipe does not have \(double\); use another root"):
        Pipeline(root=tmp_path, stages=(Count(root=tmp_path),)).run(HERE)
    assert len(read(tmp_path, "doubles")) == 40
    assert ran(road(tmp_path).run(HERE)) == {"count": 0, "double": 0}


def test_fewer_units_leave_nothing_behind(tmp_path: Path) -> None:
    """Parts and reports of units that no longer exist are removed."""
    road(tmp_path, units=4).run(HERE)
    road(tmp_path, units=2).run(HERE)
    assert ShardSet(tmp_path, "doubles").parts() == [0, 1]
    assert [report.shard for report in load_reports(tmp_path, "double")] == [0, 1]


def test_an_unreadable_input_does_not_stop_the_others(tmp_path: Path) -> None:
    """The road goes on without it, its parts are absent everywhere, and the failure is in the outcome."""
    outcomes = road(tmp_path, unreadable=(1,)).run(HERE)
    assert [failure.message for failure in outcomes[0].failures] == ["crawl-1.warc.gz: no such file"]
    assert ShardSet(tmp_path, "doubles").parts() == [0, 2, 3]
    assert outcomes[1].skipped == 1


def test_an_input_that_became_unreadable_takes_its_old_results_along(tmp_path: Path) -> None:
    """Nothing of an earlier run stands for an input that cannot be read any more."""
    road(tmp_path).run(HERE)
    road(tmp_path, unreadable=(1,), size=11).run(HERE)
    assert ShardSet(tmp_path, "doubles").parts() == [0, 2, 3]


def test_no_readable_input_stops_the_road(tmp_path: Path) -> None:
    """With no input at all there is nothing to go on with."""
    with pytest.raises(PipelineError, match="none of its 4 inputs could be read"):
        road(tmp_path, unreadable=(0, 1, 2, 3)).run(HERE)


def test_a_defect_stops_the_road_after_its_stage(tmp_path: Path) -> None:
    """The neighbours finish and are kept; nothing is built on the hole."""
    with pytest.raises(PipelineError, match="unit 2: ValueError: a defect"):
        road(tmp_path, defect=(2,)).run(HERE)
    assert ShardSet(tmp_path, "numbers").parts() == [0, 1, 3]
    assert ran(road(tmp_path).run(HERE)) == {"count": 1, "double": 4}


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    """A root belongs to one run at a time."""
    with road(tmp_path).locked(), pytest.raises(PipelineError, match="another run is at work"):
        road(tmp_path).run(HERE)


def test_wiring_is_checked_when_a_pipeline_is_made(tmp_path: Path) -> None:
    """Reading what nobody writes, writing twice and doubled names fail at construction, by name."""
    with pytest.raises(PipelineError, match="reads 'numbers', which no stage before it writes"):
        Pipeline(root=tmp_path, stages=(Double(root=tmp_path),))
    with pytest.raises(PipelineError, match="names must be unique; twice: count"):
        Pipeline(root=tmp_path, stages=(Count(root=tmp_path), Count(root=tmp_path)))
    with pytest.raises(PipelineError, match="not under"):
        Pipeline(root=tmp_path, stages=(Count(root=tmp_path / "other"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared(Count):
    """Counts, and notes when it is prepared and which units run, in order; later units weigh more."""

    def prepare(self) -> None:
        self._note("prepare")

    def weight(self, shard: int) -> int:
        return shard // 2

    def run(self, shard: int) -> Result:
        self._note(str(shard))
        return Count.run(self, shard)

    def _note(self, what: str) -> None:
        with open(self.root / "notes", "a", encoding="utf-8") as notes:
            notes.write(what + "\n")


def test_a_stage_is_prepared_once_and_its_largest_units_run_first(tmp_path: Path) -> None:
    """In one process: before the first unit only, then by size (2, 3 and 0, 1 are alike) and number."""
    with LocalExecutor(workers=0) as executor:
        Pipeline(root=tmp_path, stages=(Prepared(root=tmp_path),)).run(executor)
    assert (tmp_path / "notes").read_text().split() == ["prepare", "2", "3", "0", "1"]


def test_a_stage_without_a_weight_goes_by_the_files_it_reads(tmp_path: Path) -> None:
    """The sum of its sources; a file that is gone counts nothing."""
    root, numbers = tmp_path, ShardSet(tmp_path, "numbers")
    for part, size in ((0, 10), (1, 1000)):
        Count(root=root, size=size).run(part)
        assert unit_weight(Double(root=root), part) == numbers.path(part).stat().st_size
    assert unit_weight(Double(root=root), 1) > unit_weight(Double(root=root), 0)
    assert unit_weight(Double(root=root), 2) == 0
