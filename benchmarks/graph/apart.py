"""A step in a process of its own, so that its peak memory and its CPU time are its own.

    python -m benchmarks.graph.apart module:function '{"option": 1}'

calls the function with the options, and prints a line of JSON: what it returned, wall and CPU seconds (all threads),
and memory. peak: most resident memory, pages of memory-mapped files among it (VmHWM); anonymous: most of it without
those (looked at 20 times a second), which is what the process needs: the system takes the others back when it has to.
"""

import importlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.suite.side import REPOSITORY


class StepError(Exception):
    """A step failed; the text says which, and its last words."""


def apart(
    step: str, *, python: str = sys.executable, cores: Sequence[int] = (), limit: float | None = None, **options: Any
) -> dict[str, Any]:
    """Run a step; return its line. cores: the cores that it may run on, all when empty. limit: seconds it may take."""
    pinned = ["taskset", "-c", ",".join(map(str, cores))] if cores else []
    command = [*pinned, python, "-m", "benchmarks.graph.apart", step, json.dumps(options, default=str)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    if len(cores) == 1:
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    try:
        done = subprocess.run(  # noqa: S603 - our own modules
            command, capture_output=True, text=True, cwd=REPOSITORY, env=environment, check=False, timeout=limit
        )
    except subprocess.TimeoutExpired as error:
        raise StepError(f"{step}: not done within {limit:.0f} s") from error
    if done.returncode:
        raise StepError(f"{step}: ended with {done.returncode}\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def status(name: str) -> int:
    """Return a size of this process in bytes, from /proc."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(name + ":")), 0)


class Watch(threading.Thread):
    """Looks at the anonymous memory of this process until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self._end = 0, threading.Event()

    def run(self) -> None:
        while not self._end.wait(0.05):
            self.most = max(self.most, status("RssAnon"))

    def stop(self) -> int:
        """Return the most that was seen."""
        self._end.set()
        self.join()
        return max(self.most, status("RssAnon"))


def main() -> None:
    """Do one step."""
    module, _, function = sys.argv[1].partition(":")
    options = json.loads(sys.argv[2])
    watch = Watch()
    watch.start()
    work = getattr(importlib.import_module(module), function)
    wall, cpu = time.perf_counter(), time.process_time()
    value = work(**options)
    took = {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({"value": value, **took, "anonymous": watch.stop(), "peak": status("VmHWM")}))


if __name__ == "__main__":
    main()
