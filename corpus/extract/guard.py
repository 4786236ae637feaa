"""Pages are parsed in a process of their own, so that a page which hangs, explodes or crashes costs itself alone.

A Guard keeps one page worker (worker.py) and feeds it many pages at a time. When the worker dies, the page it was at
becomes a Drop ("timeout", "oversize" or "crash"), a new worker starts and goes on with the pages after it. What the
page had said before (facts, links) is kept. Results come in the order of the pages, and do not depend on how many are
in flight. The worker is a plain child process and not a daemonic one, so it can be had in pool workers and cluster
workers alike; it ends with its parent because its standard input does.

Limits are CPU seconds (the kernel ends the worker), address space (the kernel refuses more) and, should both fail, wall
time (the guard kills it).
"""

import atexit
import contextlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from corpus.document import Drop
from corpus.errors import PipelineError
from corpus.extract import frames
from corpus.extract.extractors import ExtractSettings
from corpus.extract.page import Facts, Headers
from corpus.extract.process import GuardSettings, Worker
from corpus.url import Url

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """A page to be parsed: its decoded body, where it is from, and its HTTP headers."""

    body: bytes
    url: Url
    headers: Headers = field(default_factory=Headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageResult:
    """What came of a page: what it says (None when not even that could be read), and its text or why it has none."""

    facts: Facts | None
    text: str = ""
    extractor: str = ""
    drop: Drop | None = None


@dataclass(slots=True)
class _Entry(Generic[T]):
    item: T
    request: PageRequest | None
    size: int
    sent: bool = False
    begun: bool = False
    retried: bool = False
    facts: Facts | None = None
    result: PageResult | None = None

    @property
    def done(self) -> bool:
        return self.request is None or self.result is not None


class Guard:
    """A supervised page worker: `with Guard(...) as guard: for item, result in guard.map(items): ...`."""

    def __init__(self, extract: ExtractSettings, limits: GuardSettings) -> None:
        self.extract, self.limits = extract, limits
        self._worker: Worker | None = None
        self.workers_started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the worker."""
        if self._worker:
            self._worker.kill()
            self._worker = None

    def map(self, items: Iterable[tuple[T, PageRequest | None]]) -> Iterator[tuple[T, PageResult | None]]:
        """Yield every item in order, with the result of its page; items without a page pass with None."""
        source = iter(items)
        queue: deque[_Entry[T]] = deque()
        more = True
        try:
            while True:
                while more and self._has_room(queue):
                    pulled = next(source, None)
                    more = pulled is not None
                    if pulled:
                        queue.append(self._entry(*pulled))
                while queue and queue[0].done:
                    entry = queue.popleft()
                    yield entry.item, entry.result
                if queue:
                    self._advance(queue)
                elif not more:
                    return
        finally:
            if any(not entry.done for entry in queue):
                self.close()  # answers to pages that nobody waits for would be taken for those of the next

    def _has_room(self, queue: deque[_Entry[T]]) -> bool:
        size = sum(entry.size for entry in queue)
        return len(queue) < self.limits.pages_in_flight and (not queue or size < self.limits.bytes_in_flight)

    def _entry(self, item: T, request: PageRequest | None) -> _Entry[T]:
        size = len(request.body) if request else 0
        entry = _Entry(item, request, size)
        if size > self.limits.max_page:
            drop = Drop("oversize", f"page of {size:,} bytes, more than {self.limits.max_page:,}")
            entry.result = PageResult(facts=None, drop=drop)
        return entry

    def _advance(self, queue: deque[_Entry[T]]) -> None:
        """Send what can be sent, take what comes, and replace a worker that died or has served its time."""
        waiting = [entry for entry in queue if not entry.done]
        worker = self._ready_worker(waiting)
        for entry in waiting:
            if not entry.sent and worker.sent < self.limits.recycle:
                worker.send(page_frame(entry.request))
                worker.sent += 1
                entry.sent = True
        for frame in worker.exchange():
            self._take(frame, waiting)
        if worker.dead:
            self._bury(worker, waiting)

    def _ready_worker(self, waiting: list[_Entry[T]]) -> Worker:
        spent = self._worker and self._worker.sent >= self.limits.recycle and not any(e.sent for e in waiting)
        if spent:
            self.close()
        if self._worker is None:
            self._worker = Worker(self.extract, self.limits)
            self.workers_started += 1
        return self._worker

    def _take(self, frame: frames.Frame, waiting: list[_Entry[T]]) -> None:
        kind, header, payload = frame
        if kind == frames.READY:
            return
        entry = next(entry for entry in waiting if not entry.done)
        if kind == frames.BEGUN:
            entry.begun = True
        elif kind == frames.FACTS:
            entry.facts = facts_of(header)
        elif kind == frames.TEXT:
            entry.result = PageResult(facts=entry.facts, text=payload.decode(), extractor=self.extract.extractor)
        elif kind == frames.DROP:
            entry.result = PageResult(facts=entry.facts, drop=Drop(header["reason"], header["detail"]))

    def _bury(self, worker: Worker, waiting: list[_Entry[T]]) -> None:
        """Blame the page that the worker was at, and have the rest sent again. A page not begun has a second chance."""
        self._worker = None
        drop = worker.verdict()
        if not worker.ready:
            raise PipelineError(f"the page worker does not start: {drop.detail}")
        left = [entry for entry in waiting if not entry.done]
        if left and left[0].sent and (left[0].begun or left[0].retried):
            left[0].result = PageResult(facts=left[0].facts, drop=drop)
        elif left:
            left[0].retried = True
        for entry in left:
            entry.sent = entry.begun = False


def page_frame(request: PageRequest | None) -> bytes:
    """Return the frame that asks for a page."""
    if request is None:
        raise PipelineError("only entries with a page are sent")
    header = {"url": request.url.href, "host": request.url.host, "headers": asdict(request.headers)}
    return frames.pack(frames.PAGE, header, request.body)


def facts_of(header: dict[str, Any]) -> Facts:
    """Return facts from their JSON form."""
    return Facts(**(header | {"links": [(host, flags) for host, flags in header["links"]]}))


_KEPT: Final[list[tuple[int, Guard]]] = []


@contextlib.contextmanager
def borrow(extract: ExtractSettings, limits: GuardSettings) -> Iterator[Guard]:
    """Lend a guard of this process, kept for the next borrower: a worker takes half a second to start."""
    kept = [guard for pid, guard in _KEPT if pid == os.getpid()]
    guard = next((g for g in kept if (g.extract, g.limits) == (extract, limits)), None)
    _KEPT[:] = [(os.getpid(), g) for g in kept if g is not guard]
    guard = guard or Guard(extract, limits)
    try:
        yield guard
    except BaseException:
        guard.close()
        raise
    _KEPT.append((os.getpid(), guard))


@atexit.register
def _close_kept() -> None:
    for pid, guard in _KEPT:
        if pid == os.getpid():
            guard.close()
