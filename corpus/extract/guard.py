"""Pages are read in a process of their own, so that a page which hangs, explodes or crashes costs itself alone.

A Guard keeps one worker (worker.py), which reads a whole unit by itself: it opens the input, reads its items, parses
and extracts. What comes back is small (a row per item and its text) and comes many items at a time, so the good pages
pay nothing for the guard. The worker notes in shared memory which item it is at, and in which phase of it. When it
dies, that item is the culprit: it gets its Drop ("timeout", "oversize" or "crash"), and a new worker goes on with the
first item whose row has not arrived. It reads some items for the second time, so none is lost and none comes twice,
and it does with the culprit only what the culprit has survived: what the page had said before its end is kept.

The worker is a plain child process and not a daemonic one, so it can be had in pool workers and cluster workers alike;
it ends with its parent because its standard input does.

Limits are CPU seconds of a page (the kernel ends the worker), address space (the kernel refuses more) and, should both
fail, wall time (the guard kills it).
"""

import atexit
import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from corpus import errors
from corpus.document import Drop
from corpus.errors import HeadwaterError, InputError, PipelineError, SettingError
from corpus.extract import frames
from corpus.extract.note import JUDGING, READING
from corpus.extract.process import GuardSettings, Worker

Batch = tuple[list[Any], bytes]
"""The rows of consecutive items, and the texts that they speak of."""


@dataclass(slots=True)
class _Course:
    """How far a unit has come: items whose rows have arrived, where the next begins (None: no word of it), verdicts on
    culprits, items that a worker died at."""

    name: str
    settled: int = 0
    mark: Any = None
    verdicts: dict[int, tuple[Drop, int]] = field(default_factory=dict)
    strikes: set[int] = field(default_factory=set)

    def advance(self, items: int, mark: Any) -> None:
        """Take note that the rows of so many further items have arrived, and where the next item begins."""
        self.settled, self.mark = self.settled + items, mark
        if self.strikes or self.verdicts:
            self.verdicts = {item: verdict for item, verdict in self.verdicts.items() if item >= self.settled}
            self.strikes = {item for item in self.strikes if item >= self.settled}

    def blame(self, item: int, phase: int, drop: Drop) -> None:
        """Settle what a worker died of. An item that is not in a page has a second chance.

        The second time in reading there is no way to what follows, nor when an item kills although less is done with
        it than before: InputError.
        """
        known, again = self.verdicts.get(item), item in self.strikes
        if phase <= JUDGING:
            self.strikes.add(item)
        if (again and phase == READING) or (known and phase >= known[1]):
            raise InputError(f"{self.name}: cannot be read on behind {item} records ({drop.detail}, again and again)")
        if phase > JUDGING or (again and phase == JUDGING):
            self.verdicts[item] = known[0] if known else drop, phase

    def frame(self, unit: Mapping[str, Any]) -> bytes:
        """Return the frame that has the rest of the unit read."""
        verdicts = {item: (drop.reason, drop.detail, phase) for item, (drop, phase) in self.verdicts.items()}
        return frames.pack(
            frames.UNIT, {"unit": dict(unit), "start": self.settled, "mark": self.mark, "verdicts": verdicts}
        )


class Guard:
    """A supervised worker: `with Guard(module, configuration, limits) as guard: for rows, texts in guard.read(...)`.

    `module` is run as a program and calls `worker.serve`; `configuration` and units are JSON values.
    """

    def __init__(self, module: str, configuration: Mapping[str, Any], limits: GuardSettings) -> None:
        self.module, self.configuration, self.limits = module, configuration, limits
        self._worker: Worker | None = None
        self._course: _Course | None = None
        self.workers_started = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Say whether a unit is being read."""
        return self._course is not None

    def close(self) -> None:
        """End the worker, whatever it is at."""
        self._course = None
        if self._worker:
            self._worker.kill()
            self._worker = None

    def read(self, unit: Mapping[str, Any], name: str) -> Iterator[Batch]:
        """Have a unit read; yields the rows of its items in order, and raises what its reading raises.

        `name` is what errors call the unit.
        """
        self._course = course = _Course(name)
        try:
            while self._course is course:
                yield from self._read_on(unit, course)
        finally:
            if self._course is course:
                self.close()  # rows that nobody waits for would be taken for those of the next unit

    def _read_on(self, unit: Mapping[str, Any], course: _Course) -> Iterator[Batch]:
        """Have the rest of a unit read by one worker, until it is done, spent or dead."""
        worker = self._ready_worker()
        worker.note.write(course.settled, READING)
        worker.send(course.frame(unit))
        while not worker.dead:
            for kind, header, payload in worker.exchange():
                if kind == frames.BATCH:
                    course.advance(len(header["rows"]), header["mark"])
                    yield header["rows"], payload
                elif kind == frames.DONE:
                    self._finish(header)
                    return
                elif kind == frames.FAILED:
                    self._course = None
                    raise error_of(header)
        self._worker = None
        drop = worker.verdict()
        if not worker.ready:
            raise PipelineError(f"the page worker does not start: {drop.detail}")
        course.blame(*worker.at, drop)

    def _ready_worker(self) -> Worker:
        if self._worker is None:
            self._worker = Worker(self.module, self.configuration, self.limits)
            self.workers_started += 1
        return self._worker

    def _finish(self, header: Mapping[str, Any]) -> None:
        """Take note that a worker is done with its unit, or has served its time."""
        if header["complete"]:
            self._course = None
        if header["spent"] and self._worker:
            self._worker.kill()
            self._worker = None


def error_of(header: Mapping[str, Any]) -> HeadwaterError:
    """Return the error that a worker met while it read."""
    found = getattr(errors, header["kind"], None)
    if isinstance(found, type) and issubclass(found, HeadwaterError) and not issubclass(found, SettingError):
        return found(header["message"])
    return PipelineError(f"{header['kind']}: {header['message']}")


_KEPT: Final[list[tuple[int, Guard]]] = []


@contextlib.contextmanager
def borrow(module: str, configuration: Mapping[str, Any], limits: GuardSettings) -> Iterator[Guard]:
    """Lend a guard of this process, kept for the next borrower: a worker takes a third of a second to start."""
    wanted = module, configuration, limits
    kept = [guard for pid, guard in _KEPT if pid == os.getpid()]
    guard = next((g for g in kept if (g.module, g.configuration, g.limits) == wanted), None)
    _KEPT[:] = [(os.getpid(), g) for g in kept if g is not guard]
    guard = guard or Guard(*wanted)
    try:
        yield guard
    finally:
        if guard.busy:
            guard.close()
        _KEPT.append((os.getpid(), guard))


@atexit.register
def _close_kept() -> None:
    for pid, guard in _KEPT:
        if pid == os.getpid():
            guard.close()
