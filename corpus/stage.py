"""A stage reads files, writes files and returns counts; it knows no executor, no neighbour and no pipeline.

Work is divided in units (one per `shards()`), each idempotent: it writes its files whole, and then `run_unit` writes
its report. A unit is done when its report exists, carries the right fingerprint and its files are there. The
fingerprint covers the stage's settings and code version, the unit's own `identity` and the SHA-256 of every file it
reads, so a changed threshold re-runs what depends on it, and a re-run that gives the same bytes re-runs nothing more.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

from corpus import __version__
from corpus.settings import fingerprint
from corpus.storage import ShardSet, Written, write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a unit did: files written, counts by name (they add up over units) and faults met on the way."""

    files: Sequence[Written] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    faults: Sequence[Mapping[str, Any]] = ()


class Stage(Protocol):
    """One step of the road, a frozen dataclass whose fields are its settings and shard sets."""

    @property
    def name(self) -> str:
        """Unique within a pipeline; names the folder of its reports."""

    @property
    def version(self) -> int:
        """Raised by hand when the stage's results change for the same settings and inputs."""

    @property
    def root(self) -> Path:
        """Root under which all its shard sets lie."""

    @property
    def inputs(self) -> tuple[ShardSet, ...]:
        """Shard sets it reads."""

    @property
    def outputs(self) -> tuple[ShardSet, ...]:
        """Shard sets it writes; no other stage of a pipeline may write them."""

    def settings(self) -> Any:
        """What decides its results, apart from its inputs: a value `settings.fingerprint` takes.

        Asked for every stage before any work, so it is the place to raise when a model or file is missing. A stage
        may also have `check()` (the same, for what does not belong in the fingerprint), `identity(shard)` (what
        tells a unit's outside inputs apart), `weight(shard)` (bytes of those, since the largest units run first),
        `prepare()` (load models, compile kernels: called once per process, off the clock of its units) and
        `finish(reports)` (called when all its units are done).
        """

    def shards(self) -> int:
        """Number of units; asked only once the stages before it are done, so it may look at their files."""

    def sources(self, shard: int) -> Sequence[Path]:
        """Files under the root that unit `shard` reads. A unit one of whose sources is missing is not run."""

    def run(self, shard: int) -> Result:
        """Do unit `shard`. May be called again after a crash; must give the same bytes each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The record that a unit is done."""

    stage: str
    shard: int
    fingerprint: str
    files: Sequence[Written]
    counts: Mapping[str, int]
    faults: Sequence[Mapping[str, Any]] = ()
    seconds: float = 0.0
    peak_rss: int = 0
    code: str = __version__

    def save(self, root: Path) -> None:
        """Write it to its place under `root`, whole."""
        write_text(report_path(root, self.stage, self.shard), json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")


def report_path(root: Path, stage: str, shard: int) -> Path:
    """Return where the report of a unit lies."""
    return root / "reports" / stage / f"{shard:05d}.json"


def load_report(path: Path) -> Report | None:
    """Return the report at `path`, or None when there is none that can be read."""
    try:
        found = json.loads(path.read_text())
        return Report(**(found | {"files": [Written(**w) for w in found["files"]]}))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def load_reports(root: Path, stage: str) -> list[Report]:
    """Return all readable reports of a stage, by unit number."""
    found = (load_report(path) for path in sorted((root / "reports" / stage).glob("*.json")))
    return [report for report in found if report is not None]


def unit_fingerprint(stage: Stage, shard: int, digests: Mapping[str, str]) -> str:
    """Return the fingerprint of unit `shard`; `digests` maps paths relative to the root to their SHA-256."""
    identity = getattr(stage, "identity", None)
    own = identity(shard) if identity else shard
    names = [path.relative_to(stage.root).as_posix() for path in stage.sources(shard)]
    sources = {name: digests.get(name) for name in names}
    return fingerprint(stage.name, stage.version, stage.settings(), own, sources)


def unit_weight(stage: Stage, shard: int) -> int:
    """Return the bytes that unit `shard` reads, as far as is known."""
    weight = getattr(stage, "weight", None)
    return int(weight(shard)) if weight else sum(max(size_of(path), 0) for path in stage.sources(shard))


def is_done(stage: Stage, shard: int, mark: str) -> Report | None:
    """Return the report of a finished unit, or None when it must be run (again)."""
    report = load_report(report_path(stage.root, stage.name, shard))
    if report is None or report.fingerprint != mark:
        return None
    whole = all(size_of(stage.root / written.path) == written.bytes for written in report.files)
    return report if whole else None


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, -1 when there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def run_unit(stage: Stage, shard: int, mark: str) -> Report:
    """Run one unit and write its report; this is all that an executor has to call."""
    forget(stage.root, stage.name, shard)
    prepare(stage)
    start = time.perf_counter()
    result = stage.run(shard)
    report = Report(
        stage=stage.name,
        shard=shard,
        fingerprint=mark,
        files=list(result.files),
        counts=dict(result.counts),
        faults=list(result.faults),
        seconds=round(time.perf_counter() - start, 3),
        peak_rss=peak_rss(),
    )
    report.save(stage.root)
    return report


_prepared: set[tuple[Path, str]] = set()


def prepare(stage: Stage) -> None:
    """Call the stage's `prepare`, if it has one and this process has not done so."""
    found, key = getattr(stage, "prepare", None), (stage.root, stage.name)
    if found and key not in _prepared:
        found()
        _prepared.add(key)


def forget(root: Path, stage: str, shard: int) -> None:
    """Delete the files and the report of a unit, so that nothing of an older run stands for a newer one."""
    path = report_path(root, stage, shard)
    report = load_report(path)
    for written in report.files if report else ():
        (root / written.path).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def peak_rss() -> int:
    """Return the peak resident memory of this process in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


Tick = Callable[[int, float], None]
_hook: list[Tick] = [lambda n, share: None]


def tick(n: int = 1, share: float = 0.0) -> None:
    """Say that `n` more records (documents, arcs, ...) of the running unit are done, and which share of it that was.

    Executors turn this into a rate and a time left; a unit that names no shares counts when it ends.
    """
    _hook[0](n, share)


def on_tick(hook: Tick) -> None:
    """Have `hook` called by `tick` in this process."""
    _hook[0] = hook
