"""The whole road on a Ray cluster, with a worker killed on the way, gives what the local run gives."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from raycluster import busy_worker, two_nodes
from running import outcome

from corpus.executors.ray import RayExecutor
from corpus.pipeline import Silent
from corpus.report import ledger
from corpus.stage import Stage
from pipelines.sample import sample

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("ignore"),  # Ray's own code warns of resources and deprecations
]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """A Ray cluster of two nodes on this machine, each with one processor."""
    with two_nodes() as cluster:
        yield cluster


class Killer(Silent):
    """A watcher that kills one worker process, with SIGKILL, while it is at work on a stage."""

    def __init__(self, nodes: Any, stage: str) -> None:
        self.nodes, self.stage = nodes, stage
        self.killed: list[int] = []
        self.thread = threading.Thread(target=self.kill)

    def stage_started(self, stage: Stage, units: int, reused: int) -> None:
        """Begin to look for a worker once the stage begins."""
        if stage.name == self.stage:
            self.thread.start()

    def kill(self) -> None:
        """Kill the first worker that is seen at work."""
        pid = busy_worker(self.nodes, "run_unit")
        os.kill(pid, signal.SIGKILL)
        self.killed.append(pid)


def test_two_nodes_and_a_killed_worker_give_what_one_machine_gives(root: Path, nodes: Any, tmp_path: Path) -> None:
    """Shards, checksums, dataset id and ledger are those of the local run; the killed unit is run again by itself."""
    target = tmp_path / "root"
    killer = Killer(nodes, "ingest")
    with RayExecutor(address=nodes.address) as executor:
        outcomes = sample(target).run(executor, killer)
    killer.thread.join()
    assert len(killer.killed) == 1
    assert not any(found.failures for found in outcomes)
    assert outcome(target) == outcome(root)
    assert ledger.summary(target)["buckets"] == ledger.summary(root)["buckets"]
    assert list(target.rglob("*.tmp")) == []
