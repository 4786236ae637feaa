"""The local executor gives the same files at any width and survives workers that die."""

import hashlib
from pathlib import Path

import pytest
from toy import Count, Double, read

from corpus.errors import PipelineError, SettingError
from corpus.executors.local import LocalExecutor
from corpus.pipeline import Pipeline, Silent
from corpus.storage import ShardSet


class Counting(Silent):
    """Remembers the last tick total it heard of."""

    total = 0

    def ticked(self, total: int, units: float) -> None:
        self.total = max(self.total, total)


def digests(root: Path) -> list[str]:
    return [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(root.glob("*/part-*.parquet"))]


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path) -> None:
    """In this process, with one worker and with three, every file is the same."""
    seen = []
    for workers in (0, 1, 3):
        root = tmp_path / str(workers)
        with LocalExecutor(workers=workers) as executor:
            Pipeline(root=root, stages=(Count(root=root), Double(root=root))).run(executor)
        seen.append(digests(root))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0]) == 8


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    """The unit whose worker was killed runs again and the result is whole."""
    with LocalExecutor(workers=2) as executor:
        outcome = Pipeline(root=tmp_path, stages=(Count(root=tmp_path, deadly_once=(1,)),)).run(executor)[0]
    assert outcome.ran == 4
    assert len(read(tmp_path, "numbers")) == 40


def test_a_unit_that_always_kills_its_worker_fails_alone(tmp_path: Path) -> None:
    """It is named as the one that failed; its neighbours finish."""
    with LocalExecutor(workers=2) as executor, pytest.raises(PipelineError, match=r"unit 1: WorkerDied"):
        Pipeline(root=tmp_path, stages=(Count(root=tmp_path, deadly=(1,)),)).run(executor)
    assert ShardSet(tmp_path, "numbers").parts() == [0, 2, 3]


def test_ticks_reach_the_watcher(tmp_path: Path) -> None:
    """What units say of their progress is added up over workers."""
    watcher = Counting()
    with LocalExecutor(workers=2) as executor:
        Pipeline(root=tmp_path, stages=(Count(root=tmp_path),)).run(executor, watcher)
        assert executor._ticks.value == 40


def test_a_silly_width_is_refused() -> None:
    """The message names the field and what would be valid."""
    with pytest.raises(SettingError, match="workers = -1 is not valid"):
        LocalExecutor(workers=-1)
