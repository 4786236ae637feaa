"""The local executor: a pool of spawned processes on this machine, as wide as asked.

Spawned, not forked: workers start clean, whatever threads the parent has. A worker ignores Ctrl-C (the parent decides)
and ends when its parent is gone, so kill -9 on a run leaves nothing behind. When a worker dies (out of memory, a crash
in a library), the units that were in flight are run again one at a time; the one that kills its worker again is
reported as failed, and the others go on.

`workers=0` runs the units in this process, for debugging.
"""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from corpus.pipeline import Failure, Unit, Watcher
from corpus.settings import require
from corpus.stage import Report, Stage, on_tick, run_unit

POLL_SECONDS = 0.2
"""How often the watcher hears of progress and a worker looks whether its parent lives."""


def failure(stage: Stage, unit: Unit, error: BaseException) -> Failure:
    """Describe an error raised by a unit."""
    return Failure(stage.name, unit.shard, type(error).__name__, str(error) or repr(error))


@dataclass(kw_only=True)
class LocalExecutor:
    """Run units on this machine, `workers` at a time (default: one per processor)."""

    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    _pool: ProcessPoolExecutor | None = None

    def __post_init__(self) -> None:
        require(0 <= self.workers <= 4096, self, "workers", "a number from 0 (in this process) to 4096")
        self._context = multiprocessing.get_context("spawn")
        self._ticks: Synchronized[int] = self._context.Value("q", 0)
        self._shares: Synchronized[float] = self._context.Value("d", 0.0)

    def run(self, stage: Stage, units: Sequence[Unit], watcher: Watcher) -> Iterator[Report | Failure]:
        """Run the units; yield a report or a failure for each, as they end."""
        if not units:
            return
        if self.workers == 0:
            yield from run_here(stage, units, watcher)
            return
        with self._ticks.get_lock():
            self._ticks.value, self._shares.value = 0, 0.0
        suspects: list[Unit] = []
        yield from self._run_wide(stage, units, watcher, self.workers, suspects)
        for unit in suspects:
            killers: list[Unit] = []
            yield from self._run_wide(stage, [unit], watcher, 1, killers)
            if killers:
                yield Failure(stage.name, unit.shard, "WorkerDied", "its process was killed twice (out of memory?)")

    def _run_wide(
        self, stage: Stage, units: Sequence[Unit], watcher: Watcher, width: int, suspects: list[Unit]
    ) -> Iterator[Report | Failure]:
        """Keep `width` units in flight. When the pool breaks, those in flight go to `suspects`, the rest goes on."""
        waiting = list(reversed(units))
        flying: dict[Future[Report], Unit] = {}
        while waiting or flying:
            while waiting and len(flying) < width:
                unit = waiting.pop()
                flying[self._submit(stage, unit)] = unit
            done, _ = wait(flying, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            watcher.ticked(self._ticks.value, self._shares.value)
            broken = False
            for future in done:
                unit = flying.pop(future)
                error = future.exception()
                if isinstance(error, BrokenProcessPool):
                    broken = True
                    suspects.append(unit)
                else:
                    yield failure(stage, unit, error) if error else future.result()
            if broken:
                wait(flying)
                suspects.extend(flying.values())
                flying.clear()
                self.close()

    def _submit(self, stage: Stage, unit: Unit) -> Future[Report]:
        try:
            return self._open().submit(run_unit, stage, unit.shard, unit.mark)
        except BrokenProcessPool:
            self.close()
            return self._open().submit(run_unit, stage, unit.shard, unit.mark)

    def _open(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.workers, self._context, initializer=start_worker, initargs=(os.getpid(), self._ticks, self._shares)
            )
        return self._pool

    def close(self) -> None:
        """End the pool and its processes, finished or not."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        processes = list((pool._processes or {}).values())
        pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with contextlib.suppress(OSError, ValueError):
                process.terminate()
        for process in processes:
            process.join(5)

    def __enter__(self) -> "LocalExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_here(stage: Stage, units: Sequence[Unit], watcher: Watcher) -> Iterator[Report | Failure]:
    """Run units in this process, one after the other."""
    total, units_done = 0, 0.0

    def count(n: int, share: float) -> None:
        nonlocal total, units_done
        total, units_done = total + n, units_done + share
        watcher.ticked(total, units_done)

    on_tick(count)
    for unit in units:
        try:
            yield run_unit(stage, unit.shard, unit.mark)
        except Exception as error:
            yield failure(stage, unit, error)


def start_worker(parent: int, ticks: Any, shares: Any) -> None:
    """Set up a worker process: Ctrl-C is the parent's business, ticks are counted, a dead parent ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def count(n: int, share: float) -> None:
        with ticks.get_lock():
            ticks.value += n
            shares.value += share

    on_tick(count)
    threading.Thread(target=end_with, args=(parent,), daemon=True).start()


def end_with(parent: int) -> None:
    """End this process as soon as `parent` is no longer its parent."""
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)
