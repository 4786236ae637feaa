"""A worker process and its pipes, as its parent has them: limits, frames in and out, and what it died of."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from corpus.document import Drop
from corpus.extract import frames
from corpus.extract.extractors import ExtractSettings
from corpus.settings import UNMARKED, require

START_SECONDS: Final = 120.0
"""A worker that is not ready after this (wall time) does not start at all."""
CHUNK: Final = 1 << 18


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


class Worker:
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


def fd(stream: Any) -> int:
    """Return the file descriptor of a pipe."""
    return int(stream.fileno())


def read(descriptor: int) -> bytes | None:
    """Return what a pipe has, b"" at its end, None when it has nothing yet."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
