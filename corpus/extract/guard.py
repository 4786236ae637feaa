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
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Generic, Self, TypeVar

from corpus.document import Drop
from corpus.errors import PipelineError
from corpus.extract import frames
from corpus.extract.extractors import ExtractSettings
from corpus.extract.page import Facts, Headers
from corpus.settings import UNMARKED, require
from corpus.url import Url

START_SECONDS: Final = 120.0
"""A worker that is not ready after this (wall time) does not start at all."""
CHUNK: Final = 1 << 18
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Limits of a page.

    timeout    CPU seconds for parsing, links and text
    memory     bytes of address space that the worker may take (its own code takes about 400 MB of it)
    max_page   bytes of a page after decoding; a larger one is `oversize` unseen
    wall       seconds of wall time after which a worker that does not answer is killed
    pages_in_flight, bytes_in_flight   how much is sent ahead of the answers
    recycle    pages after which the worker is replaced by a fresh one
    """

    timeout: float = 10.0
    memory: int = 2 << 30
    max_page: int = 8 << 20
    wall: float = field(default=600.0, metadata=UNMARKED)
    pages_in_flight: int = field(default=64, metadata=UNMARKED)
    bytes_in_flight: int = field(default=16 << 20, metadata=UNMARKED)
    recycle: int = field(default=20_000, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(self.timeout > 0, self, "timeout", "expected seconds above 0")
        require(self.memory >= 1 << 29, self, "memory", "expected at least 512 MiB (536870912)")
        require(self.max_page >= 1, self, "max_page", "expected at least 1 byte")
        require(self.wall >= self.timeout, self, "wall", "expected no less than the timeout")
        require(self.pages_in_flight >= 1, self, "pages_in_flight", "expected at least 1")
        require(self.bytes_in_flight >= 1, self, "bytes_in_flight", "expected at least 1 byte")
        require(self.recycle >= 1, self, "recycle", "expected at least 1")


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
        self._worker: _Worker | None = None
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

    def _ready_worker(self, waiting: list[_Entry[T]]) -> "_Worker":
        spent = self._worker and self._worker.sent >= self.limits.recycle and not any(e.sent for e in waiting)
        if spent:
            self.close()
        if self._worker is None:
            self._worker = _Worker(self.extract, self.limits)
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

    def _bury(self, worker: "_Worker", waiting: list[_Entry[T]]) -> None:
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


class _Worker:
    """One worker process and its pipes; reads and writes never block for long."""

    def __init__(self, extract: ExtractSettings, limits: GuardSettings) -> None:
        path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "corpus.extract.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=os.environ | {"PYTHONPATH": path},
        )
        self.limits = limits
        self.sent = 0
        self.ready = self.dead = self.overdue = False
        self.patience = START_SECONDS
        self._out: deque[memoryview] = deque()
        self._frames = frames.Unpacker()
        self._errors = b""
        self._selector = selectors.DefaultSelector()
        for stream in (self.process.stdout, self.process.stderr, self.process.stdin):
            os.set_blocking(fd(stream), False)
        self._selector.register(fd(self.process.stdout), selectors.EVENT_READ, "answers")
        self._selector.register(fd(self.process.stderr), selectors.EVENT_READ, "errors")
        configuration = {"extract": asdict(extract), "memory": limits.memory, "timeout": limits.timeout}
        self.send(frames.pack(frames.CONFIGURE, configuration))

    def send(self, data: bytes) -> None:
        """Put a frame in the queue for the worker."""
        if not self._out:
            self._selector.register(fd(self.process.stdin), selectors.EVENT_WRITE, "pages")
        self._out.append(memoryview(data))

    def exchange(self) -> Iterator[frames.Frame]:
        """Wait for the pipes, write and read what they take and give; yields the frames that are complete."""
        start = time.monotonic()
        events = self._selector.select(self.patience)
        self.patience = max(0.0, self.patience - (time.monotonic() - start))
        if not events and not self.patience:
            self.overdue = True
            self.process.kill()
            events = self._selector.select(START_SECONDS)
        for key, _ in events:
            if self.dead:
                return
            if key.data == "pages":
                self._write()
            elif key.data == "errors":
                self._listen()
            else:
                yield from self._answers(read(key.fd))

    def _write(self) -> None:
        try:
            written = os.write(fd(self.process.stdin), self._out[0][:CHUNK])
        except BrokenPipeError:
            self._out.clear()  # it is dead; its answers end, which is where that is dealt with
            written = 0
        if self._out:
            self._out[0] = self._out[0][written:]
            if not self._out[0]:
                self._out.popleft()
        if not self._out:
            self._selector.unregister(fd(self.process.stdin))

    def _listen(self) -> None:
        self._errors = (self._errors + (read(fd(self.process.stderr)) or b""))[-4096:]

    def _answers(self, data: bytes | None) -> Iterator[frames.Frame]:
        if data == b"":
            self._reap()
        for frame in self._frames.feed(data or b""):
            self.ready = True
            self.patience = self.limits.wall
            yield frame

    def _reap(self) -> None:
        self.dead = True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self._listen()
        self.kill()

    def kill(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._selector.close()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def verdict(self) -> Drop:
        """Return what ended a dead worker, as the drop of the page that it was at."""
        code, said = self.process.returncode, self._errors.decode("utf-8", "replace").strip()
        last = said.splitlines()[-1][-200:] if said else "no message"
        if self.overdue:
            return Drop("timeout", f"no answer in {self.limits.wall:g} s of wall time")
        if code == -signal.SIGPROF:
            return Drop("timeout", f"more than {self.limits.timeout:g} s of CPU time")
        if "memory allocation of" in said or "MemoryError" in said or code == -signal.SIGKILL:
            return Drop("oversize", f"more memory than the limit of {self.limits.memory:,} bytes")
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
        return Drop("crash", f"the page worker ended with {how}: {last}")


def page_frame(request: PageRequest | None) -> bytes:
    """Return the frame that asks for a page."""
    if request is None:
        raise PipelineError("only entries with a page are sent")
    header = {"url": request.url.href, "host": request.url.host, "headers": asdict(request.headers)}
    return frames.pack(frames.PAGE, header, request.body)


def facts_of(header: dict[str, Any]) -> Facts:
    """Return facts from their JSON form."""
    return Facts(**(header | {"links": [(host, flags) for host, flags in header["links"]]}))


def fd(stream: Any) -> int:
    """Return the file descriptor of a pipe."""
    return int(stream.fileno())


def read(descriptor: int) -> bytes | None:
    """Return what a pipe has, b"" at its end, None when it has nothing yet."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None


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
