"""Seconds that a worker takes to start: its first unit of a stage, less the same unit once more in the same worker.

    python -m benchmarks.suite.startup CRAWL ROOT

A new pool of one worker per stage, so each stage pays for its process, its imports, its compiled kernels, its models
and (ingest) its page worker. Prints JSON.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.suite.ours import after_ingest, ingest
from corpus.executors.local import LocalExecutor
from corpus.pipeline import Failure, Unit
from corpus.stage import Stage


class Silent:
    """A watcher that shows nothing."""

    def stage_started(self, stage: Stage, units: int, reused: int) -> None: ...

    def ticked(self, total: int, units: float) -> None: ...

    def unit_done(self, outcome: Any) -> None: ...

    def stage_done(self, outcome: Any) -> None: ...


def unit(engine: LocalExecutor, stage: Stage) -> float:
    """Return the seconds that the first unit of a stage takes."""
    start = time.perf_counter()
    for outcome in engine.run(stage, [Unit(0, "startup")], Silent()):
        if isinstance(outcome, Failure):
            raise SystemExit(f"{outcome.stage}: {outcome.message}")
    return time.perf_counter() - start


def main() -> None:
    """Run each stage's first unit twice in a new worker."""
    crawl, root = sys.argv[1], Path(sys.argv[2])
    shutil.rmtree(root, ignore_errors=True)
    found = {}
    for stage in (ingest(crawl, root, "trafilatura"), *after_ingest(root)):
        with LocalExecutor(workers=1) as engine:
            first = unit(engine, stage)
            found[stage.name] = first - unit(engine, stage)
    shutil.rmtree(root)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
