"""The journal of a root: ROOT/run.json says which recipe was run with which settings, and how each stage stands.

It is written whole after every stage, so a run that was killed leaves the state it had reached. The reports beside it
hold the counts; the journal only says what there should be.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from corpus import __version__
from corpus.errors import MissingError
from corpus.pipeline import Failure, Pipeline, StageOutcome
from corpus.storage import write_text

RUNNING, DONE, INCOMPLETE, STOPPED, FAILED = "running", "done", "incomplete", "stopped", "failed"
"""States of a run. incomplete: went through, but some inputs could not be read. stopped: Ctrl-C. failed: an error."""


@dataclass(kw_only=True)
class Journal:
    """What is known of the latest run under a root."""

    root: Path
    recipe: str
    settings: Mapping[str, Any]
    stages: Sequence[str]
    state: str = RUNNING
    message: str = ""
    done: dict[str, dict[str, Any]] = field(default_factory=dict)
    code: str = __version__
    at: dict[str, Any] = field(default_factory=dict)
    """The stage that the run is at, or ended at, and its units."""

    def save(self) -> None:
        """Write it to its place."""
        values = asdict(self)
        del values["root"]
        write_text(place(self.root), json.dumps(values, indent=1, default=str) + "\n")

    def started(self, stage: str, units: int) -> None:
        """Say that a stage is at work on this many units, and save."""
        self.at = {"stage": stage, "units": units}
        self.save()

    def note(self, outcome: StageOutcome) -> None:
        """Add the outcome of a stage and save."""
        self.done[outcome.stage] = {
            "units": len(outcome.reports) + len(outcome.failures) + outcome.skipped,
            "ran": outcome.ran,
            "reused": outcome.reused,
            "skipped": outcome.skipped,
            "seconds": round(outcome.seconds, 3),
            "failures": [asdict(failure) for failure in outcome.failures],
        }
        self.save()

    def end(self, state: str, message: str = "") -> None:
        """Say how the run ended and save."""
        self.state, self.message = state, message
        self.save()

    @property
    def failures(self) -> list[Failure]:
        """Units that failed, of all stages."""
        return [Failure(**found) for stage in self.done.values() for found in stage["failures"]]


def place(root: Path) -> Path:
    """Return where the journal of a root lies."""
    return root / "run.json"


def begin(pipeline: Pipeline, recipe: str, settings: Mapping[str, Any]) -> Journal:
    """Start the journal of a run."""
    journal = Journal(
        root=pipeline.root, recipe=recipe, settings=settings, stages=[stage.name for stage in pipeline.stages]
    )
    journal.save()
    return journal


def load(root: Path) -> Journal:
    """Return the journal of `root`; MissingError when there is none."""
    try:
        return Journal(root=root, **json.loads(place(root).read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise MissingError(
            f"{root}: no run here (no readable run.json); start one: corpus run web --root {root}"
        ) from error
