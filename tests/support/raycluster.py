"""A Ray cluster of two nodes on this machine, and its worker processes."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


@contextlib.contextmanager
def two_nodes() -> Iterator[Any]:
    """Start two nodes with one processor each, whose workers can import what lies beside this file."""
    pytest.importorskip("ray", reason="the extra `ray` is not installed")
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - optional extra

    with pytest.MonkeyPatch.context() as patch:
        paths = [str(Path(__file__).resolve().parent), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": 100_000_000})
        try:
            nodes.add_node(num_cpus=1, object_store_memory=100_000_000)
            nodes.wait_for_nodes()
            yield nodes
        finally:
            nodes.shutdown()


def busy_worker(nodes: Any, task: str, seconds: float = 60) -> int:
    """Return the process id of a worker of this cluster that is at work on `task`; waits until there is one."""
    raylets = {info.process.pid for node in nodes.list_all_nodes() for info in node.all_processes["raylet"]}
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, IndexError):
                title = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                if parent in raylets and title.startswith(f"ray::{task}"):
                    return int(folder.name)
        time.sleep(0.05)
    raise AssertionError(f"no worker was seen at work on {task} in {seconds} s")
