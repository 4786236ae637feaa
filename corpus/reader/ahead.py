"""Reading ahead: windows made in threads while batches are handed out, the most urgent first.

It is execution only: a window is the same whoever makes it and when, so threads and depth cannot change the stream.
An error is kept and raised for the batch that needs the window. There are no processes, nothing is shared by name and
nothing stays behind: threads end with `close`, or with the program.
"""

import heapq
import itertools
import threading
from collections.abc import Callable, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from corpus.errors import ShardError

Made = TypeVar("Made")
NOW: Final = -1
"""Urgency of what a batch waits for."""


@dataclass(slots=True, eq=False)
class _Task:
    job: Callable[[], Any]
    size: int
    future: "Future[Any]" = field(default_factory=Future)
    claimed: bool = False


class Ahead(Generic[Made]):
    """Jobs by key, done by `threads`; waiting for one ends with a ShardError after `deadline` seconds."""

    def __init__(self, threads: int, deadline: float) -> None:
        self._threads, self._deadline = threads, deadline
        self._tasks: dict[Hashable, _Task] = {}
        self._queue: list[tuple[int, int, _Task]] = []
        self._order = itertools.count()
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None

    @property
    def size(self) -> int:
        """Of all jobs whose results were not taken."""
        return sum(task.size for task in self._tasks.values())

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return all(task.future.done() for task in self._tasks.values())

    def __contains__(self, key: Hashable) -> bool:
        return key in self._tasks

    def order(self, key: Hashable, job: Callable[[], Made], size: int, urgency: int) -> None:
        """Have a job done, the lowest urgency first; one that waits already is only made more urgent."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = _Task(job, size)
        elif task.claimed or urgency != NOW:
            return
        with self._lock:
            heapq.heappush(self._queue, (urgency, next(self._order), task))
        self._pool = self._pool or ThreadPoolExecutor(self._threads, "headwater-ahead")
        self._pool.submit(self._work)

    def take(self, key: Hashable, what: Callable[[], str]) -> Made:
        """Return the result of a job that was ordered, waiting for it; raises what it raised. what: named in errors."""
        task = self._tasks.pop(key)
        try:
            made: Made = task.future.result(self._deadline)
        except TimeoutError as error:
            if task.future.done():  # the job's own
                raise
            raise ShardError(
                f"{what()}: not read within {self._deadline:g} s; look at the disk or the server"
            ) from error
        return made

    def keep(self, keys: Iterable[Hashable]) -> None:
        """Forget all jobs but some."""
        wanted = set(keys)
        with self._lock:
            for key in [key for key in self._tasks if key not in wanted]:
                self._tasks.pop(key).claimed = True

    def close(self) -> None:
        """Forget all jobs and end the threads; jobs that run are waited for."""
        self.keep(())
        if self._pool:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._queue.clear()

    def _work(self) -> None:
        task = self._claimed()
        if task is None or not threading.main_thread().is_alive():  # at the end of the program nobody waits
            return
        try:
            task.future.set_result(task.job())
        except BaseException as error:
            task.future.set_exception(error)

    def _claimed(self) -> _Task | None:
        """Return the most urgent job that nobody does yet."""
        with self._lock:
            while self._queue:
                _, _, task = heapq.heappop(self._queue)
                if not task.claimed:
                    task.claimed = True
                    return task
        return None
