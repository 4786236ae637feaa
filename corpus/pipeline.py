"""A pipeline is an ordered tuple of stages; running it does only what is missing or changed.

Wiring is checked at construction: names and outputs are unique, and every input is the output of an earlier stage.
Each stage is planned once the stages before it are done: its units' fingerprints are compared with the reports on
disk, finished units are reused, the rest goes to the executor. A unit that fails does not stop its neighbours. Whether
the road goes on afterwards depends on the cause: an unreadable input (InputError) is listed at the end and the road
goes on without it; anything else (a full disk, a defect) stops the road after the stage, since what follows would be
built on a hole.

Pipeline, Executor and Watcher are the only things that know about all stages; a stage knows none of them.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout

from corpus.errors import PipelineError
from corpus.stage import Report, Stage, forget, is_done, unit_fingerprint, unit_weight
from corpus.storage import ShardSet, remove_leftovers


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit of a stage that has to be run, with the fingerprint its report will carry."""

    shard: int
    mark: str


@dataclass(frozen=True, slots=True)
class Failure:
    """A unit that did not finish: the class of the error and its message."""

    stage: str
    shard: int
    kind: str
    message: str

    @property
    def tolerable(self) -> bool:
        """Whether the road may go on without this unit: only inputs that cannot be read are left out."""
        return self.kind in ("InputError", "RemoteError")


class Watcher(Protocol):
    """Is told how a run goes on; see progress.py."""

    def stage_started(self, stage: Stage, units: int, reused: int) -> None: ...

    def ticked(self, total: int, units: float) -> None: ...

    def unit_done(self, outcome: Report | Failure) -> None: ...

    def stage_done(self, outcome: "StageOutcome") -> None: ...


class Silent:
    """A watcher that says nothing."""

    def stage_started(self, stage: Stage, units: int, reused: int) -> None: ...

    def ticked(self, total: int, units: float) -> None: ...

    def unit_done(self, outcome: Report | Failure) -> None: ...

    def stage_done(self, outcome: "StageOutcome") -> None: ...


class Executor(Protocol):
    """Runs units of a stage somewhere and returns what came of each, in any order."""

    def run(self, stage: Stage, units: Sequence[Unit], watcher: Watcher) -> Iterator[Report | Failure]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOutcome:
    """What a run did with one stage."""

    stage: str
    reports: Sequence[Report]
    ran: int = 0
    reused: int = 0
    skipped: int = 0
    failures: Sequence[Failure] = ()
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[str]:
        """Counts of all units added up."""
        total: Counter[str] = Counter()
        for report in self.reports:
            total.update(report.counts)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """Stages in the order data flows, all under one root."""

    root: Path
    stages: tuple[Stage, ...]
    name: str = "pipeline"
    summary: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = Counter(stage.name for stage in self.stages)
        if doubled := [name for name, n in names.items() if n > 1]:
            raise PipelineError(f"{self.name}: stage names must be unique; twice: {', '.join(doubled)}")
        made: dict[ShardSet, str] = {}
        for stage in self.stages:
            self._check(stage, made)
            made.update(dict.fromkeys(stage.outputs, stage.name))

    def _check(self, stage: Stage, made: Mapping[ShardSet, str]) -> None:
        if stage.root != self.root:
            raise PipelineError(f"{self.name}: stage {stage.name} writes under {stage.root}, not under {self.root}")
        for shard_set in stage.inputs:
            if shard_set not in made:
                raise PipelineError(
                    f"{self.name}: stage {stage.name} reads {shard_set.name!r}, which no stage before it writes"
                )
        for shard_set in stage.outputs:
            if shard_set in made:
                raise PipelineError(f"{self.name}: {made[shard_set]} and {stage.name} both write {shard_set.name!r}")

    def run(self, executor: Executor, watcher: Watcher | None = None) -> list[StageOutcome]:
        """Do what is missing or changed; return an outcome per stage reached.

        Raises PipelineError when a stage fails in a way that the road cannot go on from.
        """
        watcher = watcher or Silent()
        outcomes: list[StageOutcome] = []
        with self.locked():
            self.check()
            self.refuse_strangers()
            remove_leftovers(self.root)
            digests: dict[str, str] = {}
            for stage in self.stages:
                outcome = run_stage(stage, executor, watcher, digests)
                outcomes.append(outcome)
                watcher.stage_done(outcome)
                stop_if_broken(stage, outcome)
        return outcomes

    def check(self) -> None:
        """Ask every stage for its settings before any work, so that a missing model or tokenizer is told at once."""
        for stage in self.stages:
            stage.settings()
            check = getattr(stage, "check", None)
            if check:
                check()

    def refuse_strangers(self) -> None:
        """Raise PipelineError when stages of another recipe left results here: no command could tell them apart."""
        names = {stage.name for stage in self.stages}
        found = {path.parent.name for path in (self.root / "reports").glob("*/*.json")}
        if strangers := sorted(found - names):
            raise PipelineError(
                f"{self.root}: holds results of stages that this recipe does not have ({', '.join(strangers)}); "
                "use another root, or delete this one first"
            )

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the root for one run at a time; the lock goes with the process, however it ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.root / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise PipelineError(f"{self.root}: another run is at work here; wait for it or use another root") from error
        try:
            yield
        finally:
            lock.release()


def run_stage(stage: Stage, executor: Executor, watcher: Watcher, digests: dict[str, str]) -> StageOutcome:
    """Plan one stage, run what must be run, drop what no unit stands for; `digests` gains the files it wrote."""
    start = time.perf_counter()
    reused, todo, skipped = plan(stage, digests)
    watcher.stage_started(stage, len(reused) + len(todo), len(reused))
    reports, failures = list(reused), []
    for done in executor.run(stage, todo, watcher):
        watcher.unit_done(done)
        if isinstance(done, Failure):
            failures.append(done)
        else:
            reports.append(done)
    reports.sort(key=lambda report: report.shard)
    prune(stage, reports)
    digests.update((written.path, written.sha256) for report in reports for written in report.files)
    failures.sort(key=lambda failure: failure.shard)
    outcome = StageOutcome(
        stage=stage.name,
        reports=reports,
        ran=len(todo) - len(failures),
        reused=len(reused),
        skipped=skipped,
        failures=failures,
        seconds=time.perf_counter() - start,
    )
    finish = getattr(stage, "finish", None)
    if finish and not failures:
        finish(reports)
    return outcome


def plan(stage: Stage, digests: Mapping[str, str]) -> tuple[list[Report], list[Unit], int]:
    """Return the reports of finished units, the units to run, and how many lack an input.

    The largest units come first, so that no worker begins on one when the others have nothing left to do.
    """
    reused, todo, skipped = [], [], 0
    units = stage.shards()
    for shard in range(units):
        if not all(path.exists() for path in stage.sources(shard)):
            forget(stage.root, stage.name, shard)
            skipped += 1
            continue
        mark = unit_fingerprint(stage, shard, digests)
        if report := is_done(stage, shard, mark):
            reused.append(report)
        else:
            todo.append(Unit(shard, mark))
    for path in sorted((stage.root / "reports" / stage.name).glob("*.json")):
        if int(path.stem) >= units:
            forget(stage.root, stage.name, int(path.stem))
    todo.sort(key=lambda unit: (-unit_weight(stage, unit.shard), unit.shard))
    return reused, todo, skipped


def prune(stage: Stage, reports: Sequence[Report]) -> None:
    """Delete part files in the stage's shard sets that no finished unit wrote (left by a killed or failed one)."""
    known = {stage.root / written.path for report in reports for written in report.files}
    for shard_set in stage.outputs:
        for path in shard_set.paths():
            if path not in known:
                path.unlink()


def stop_if_broken(stage: Stage, outcome: StageOutcome) -> None:
    """Raise when the stage failed in a way the road cannot go on from."""
    broken = [failure for failure in outcome.failures if not failure.tolerable]
    if broken:
        listed = "\n".join(f"  unit {failure.shard}: {failure.kind}: {failure.message}" for failure in broken[:10])
        raise PipelineError(
            f"stage {stage.name}: {len(broken)} of {len(broken) + len(outcome.reports)} units failed:\n{listed}\n"
            "Finished units are kept; mend the cause and run the same command again."
        )
    if outcome.failures and not outcome.reports:
        first = outcome.failures[0].message
        raise PipelineError(f"stage {stage.name}: none of its {len(outcome.failures)} inputs could be read; {first}")
