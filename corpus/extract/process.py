"""A worker process and its pipes, as its parent has them: limits, frames in and out, and what it died of."""

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from corpus.document import Drop
from corpus.extract import frames
from corpus.extract.note import READING, Note
from corpus.settings import UNMARKED, require

START_SECONDS: Final = 120.0
"""A worker that is not ready after this (wall time) does not start at all."""
LOOK_SECONDS: Final = 5.0
"""How often a worker that says nothing is looked at."""
PIPE_BYTES: Final = 1 << 20
"""How far a worker may be ahead of its parent: a pipe of this size, where the system grants it."""
CHUNK: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """Limits of a page, and how its worker is kept.

    timeout    CPU seconds for parsing, links and text
    memory     bytes of address space that the worker may take in a page (its own code takes about 140 MB of it)
    max_page   bytes of a page after decoding; a larger one is `oversize` unseen
    wall       seconds of wall time in one page after which the worker is killed
    recycle    pages after which the worker is replaced by a fresh one
    batch      bytes of results that a worker sends at a time
    """

    timeout: float = 10.0
    memory: int = 2 << 30
    max_page: int = 8 << 20
    wall: float = field(default=600.0, metadata=UNMARKED)
    recycle: int = field(default=20_000, metadata=UNMARKED)
    batch: int = field(default=256 << 10, metadata=UNMARKED)

    def __post_init__(self) -> None:
        require(self.timeout > 0, self, "timeout", "expected seconds above 0")
        require(self.memory >= 1 << 29, self, "memory", "expected at least 512 MiB (536870912)")
        require(self.max_page >= 1, self, "max_page", "expected at least 1 byte")
        require(self.wall >= self.timeout, self, "wall", "expected no less than the timeout")
        require(self.recycle >= 1, self, "recycle", "expected at least 1")
        require(self.batch >= 1, self, "batch", "expected at least 1 byte")


class Worker:
    """One process that runs `python -m MODULE`, which calls `worker.serve`; its pipes and its note."""

    def __init__(self, module: str, configuration: Mapping[str, Any], limits: GuardSettings) -> None:
        path = os.pathsep.join(part or str(Path.cwd()) for part in sys.path)
        self.note = Note.create()
        self.process = subprocess.Popen(  # noqa: S603 - a module of the project's own
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=os.environ | {"PYTHONPATH": path},
            pass_fds=(self.note.descriptor,),
        )
        self.limits = limits
        self.ready = self.dead = self.overdue = False
        self._frames = frames.Unpacker()
        self._errors = b""
        self._interval = min(LOOK_SECONDS, limits.wall / 4)
        self._seen, self._looked, self._waited = (-1, READING), time.monotonic(), 0.0
        self._selector = selectors.DefaultSelector()
        for stream in (self.process.stdout, self.process.stderr):
            os.set_blocking(fd(stream), False)
            self._selector.register(fd(stream), selectors.EVENT_READ)
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(fd(self.process.stdout), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        numbers = {name: getattr(limits, name) for name in ("timeout", "memory", "recycle", "batch")}
        self.send(frames.pack(frames.CONFIGURE, numbers | {"note": self.note.descriptor, "work": dict(configuration)}))

    def send(self, data: bytes) -> None:
        """Send a frame; the worker always listens."""
        left = memoryview(data)
        with contextlib.suppress(BrokenPipeError):  # it is dead; its answers end, which is where that is dealt with
            while left:
                left = left[os.write(fd(self.process.stdin), left) :]

    def exchange(self) -> Iterator[frames.Frame]:
        """Wait for what the worker says, for some seconds at the most; yields the frames that are complete."""
        events = self._selector.select(self._interval)
        if not events and self.process.poll() is not None:  # a process that it has left behind holds its pipes open
            self._reap()
            return
        for key, _ in events:
            if key.fd == fd(self.process.stderr):
                self._listen()
            else:
                data = read(key.fd)
                if data == b"":
                    self._reap()
                for frame in self._frames.feed(data or b""):
                    self.ready = True
                    yield frame
            if self.dead:
                return
        self._look()

    def _look(self) -> None:
        """Kill a worker that does not become ready, or that has been in one page for too long.

        No look counts for more than its interval: both processes may have been stopped (Ctrl-Z, a sleeping machine).
        """
        now, at = time.monotonic(), self.note.read()
        self._waited = self._waited + min(now - self._looked, self._interval) if at == self._seen else 0.0
        self._seen, self._looked = at, now
        if self._waited >= self.limits.wall and at[1] != READING:
            self.overdue = True
            self.process.kill()
        elif self._waited >= START_SECONDS and not self.ready:
            self.process.kill()

    def _listen(self) -> None:
        self._errors = (self._errors + (read(fd(self.process.stderr)) or b""))[-4096:]

    def _reap(self) -> None:
        self.dead = True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self._listen()
        self.at = self.note.read()
        self.kill()

    def kill(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        self.process.wait()
        self._selector.close()
        self.note.close()
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
