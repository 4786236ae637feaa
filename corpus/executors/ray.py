"""The Ray executor: units of a stage as remote tasks on a cluster. The only module that imports ray (extra `ray`).

All state lies in files under the root, which every node must see at the same path (NFS, Lustre, a mounted bucket), so
a task that dies with its worker or its node is simply run again: a unit is idempotent and writes its files whole.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from corpus.errors import MissingError
from corpus.executors.local import failure
from corpus.pipeline import Failure, Unit, Watcher
from corpus.settings import require
from corpus.stage import Report, Stage, run_unit


def import_ray() -> Any:
    """Return the ray module, or say which extra brings it."""
    try:
        import ray  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingError("the Ray executor needs ray; install it with: pip install 'headwater[ray]'") from error
    return ray


@dataclass(kw_only=True)
class RayExecutor:
    """Run units on a Ray cluster.

    address: of a running cluster ("auto", "ray://HOST:PORT", "HOST:PORT"); None starts one on this machine.
    cpus: processors that a unit takes. in_flight: units submitted at a time. retries: of a unit whose worker died.
    """

    address: str | None = None
    cpus: float = 1.0
    in_flight: int = 1000
    retries: int = 4

    def __post_init__(self) -> None:
        require(self.cpus > 0, self, "cpus", "a number above 0")
        require(self.in_flight > 0, self, "in_flight", "a number above 0")
        require(self.retries >= 0, self, "retries", "0 or more")
        self._ray = import_ray()
        if not self._ray.is_initialized():
            self._ray.init(address=self.address, log_to_driver=False, include_dashboard=False, configure_logging=False)
        self._task = self._ray.remote(num_cpus=self.cpus, max_retries=self.retries)(run_unit)

    def run(self, stage: Stage, units: Sequence[Unit], watcher: Watcher) -> Iterator[Report | Failure]:
        """Run the units on the cluster; yield a report or a failure for each, as they end."""
        waiting = list(reversed(units))
        flying: dict[Any, Unit] = {}
        while waiting or flying:
            while waiting and len(flying) < self.in_flight:
                unit = waiting.pop()
                flying[self._task.remote(stage, unit.shard, unit.mark)] = unit
            done, _ = self._ray.wait(list(flying), num_returns=1, timeout=1.0)
            for reference in done:
                yield self._outcome(stage, flying.pop(reference), reference)

    def _outcome(self, stage: Stage, unit: Unit, reference: Any) -> Report | Failure:
        try:
            report: Report = self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            return failure(stage, unit, error.cause if isinstance(error.cause, Exception) else error)
        except self._ray.exceptions.RayError as error:
            return Failure(stage.name, unit.shard, "WorkerDied", f"gave up after {self.retries} retries: {error}")
        return report

    def close(self) -> None:
        """Let go of the cluster (one started here ends)."""
        with contextlib.suppress(Exception):
            self._ray.shutdown()

    def __enter__(self) -> "RayExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
