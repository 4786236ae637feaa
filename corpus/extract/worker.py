"""The worker's side of a guard: what a program that reads pages, and that may die of one, builds upon.

`serve` takes units from standard input and has them worked off; results go to standard output in large frames. For
each page the worker arms a timer of CPU time whose signal ends the process in the kernel, so even a loop inside a C
library ends, and a busy machine does not change what ends; memory is limited by the kernel as well, and neither limit
holds outside pages. When the parent is gone, standard input ends and so does the worker.
"""

import contextlib
import gc
import logging
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Final

from corpus.document import Drop
from corpus.errors import HeadwaterError
from corpus.extract import frames
from corpus.extract.note import READING, Note

FLUSH_SECONDS: Final = 1.0
"""Results are not held back for longer: after a death no more work than this is done again."""

NO_MEMORY: Final = b"MemoryError\n"
"""What a worker says when it ends for want of memory."""

Work = Callable[[Mapping[str, Any], "Desk"], None]
"""Reads a unit: takes what it is and the desk, puts a row for each item from `desk.start` on."""


class Spent(Exception):  # noqa: N818 - says that a fresh worker shall go on, which is no error
    """The worker has served its time."""


class Desk:
    """Where a worker notes which item it is at, sets the limits of a page, and puts rows.

    `start` is the first item of the unit to give a row for, and `mark` what the worker before said of the place where
    that item begins (None: the beginning of the unit). `marker`, set by the work, says where the next item begins.
    `verdicts` tell of items that ended a worker: the drop, and the phase it ended in.
    """

    def __init__(self, sink: BinaryIO, configuration: Mapping[str, Any]) -> None:
        self._sink = sink
        self._timeout, self._memory = configuration["timeout"], configuration["memory"]
        self._recycle, self._batch = configuration["recycle"], configuration["batch"]
        self._hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        self._note = Note(configuration["note"])
        self._rows: list[Any] = []
        self._texts: list[bytes] = []
        self._size, self._flushed = 0, time.monotonic()
        self.spent = False
        self.mark: Any = None
        self.marker: Callable[[], Any] = nothing
        self.start = self.item = self.pages = 0
        self.verdicts: dict[int, tuple[Drop, int]] = {}

    def begin(self, start: int, mark: Any, verdicts: Mapping[str, tuple[str, str, int]]) -> None:
        """Begin a unit with its item number `start`, at the place `mark`."""
        self.start = self.item = start
        self.mark, self.marker = mark, nothing
        self.verdicts = {int(item): (Drop(reason, detail), phase) for item, (reason, detail, phase) in verdicts.items()}

    def at(self, phase: int) -> None:
        """Note the phase of the present item; raises Spent when that is for a fresh worker."""
        if self.spent:
            raise Spent
        self._note.write(self.item, phase)

    def arm(self, phase: int) -> None:
        """Enter a page: from here on its limits hold."""
        self._note.write(self.item, phase)
        with contextlib.suppress(OSError, ValueError):  # some systems know no such limit; the other limits remain
            resource.setrlimit(resource.RLIMIT_AS, (self._memory, self._hard))
        signal.setitimer(signal.ITIMER_PROF, self._timeout)

    def disarm(self) -> None:
        """Leave a page."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (self._hard, self._hard))
        self.pages += 1
        self.spent = self.spent or self.pages >= self._recycle

    def put(self, row: list[Any], text: bytes = b"") -> None:
        """Put the row of the present item, and go on to the next."""
        self.item += 1
        self._note.write(self.item, READING)
        self._rows.append(row)
        self._texts.append(text)
        self._size += len(text) + 500
        if self._size >= self._batch or self.spent or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush(self.marker())

    def flush(self, mark: Any) -> None:
        """Send the rows that are held, and where the item after them begins."""
        if self._rows:
            self.send(frames.pack(frames.BATCH, {"rows": self._rows, "mark": mark}, b"".join(self._texts)))
        self._rows, self._texts, self._size, self._flushed = [], [], 0, time.monotonic()

    def send(self, frame: bytes) -> None:
        """Write a frame; without anybody to read it the worker ends."""
        try:
            self._sink.write(frame)
            self._sink.flush()
        except BrokenPipeError:
            os._exit(0)


def serve(prepare: Callable[[Mapping[str, Any]], Work]) -> None:
    """Work off units until standard input ends; `prepare` makes the work from its configuration."""
    source, sink = claim_streams()
    first = frames.read_frame(source)
    if first is None:
        return
    logging.disable(logging.CRITICAL)
    desk = Desk(sink, first[1])
    try:
        work = prepare(first[1]["work"])
    except HeadwaterError as wrong:
        sys.exit(str(wrong))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    inbox: queue.SimpleQueue[frames.Frame] = queue.SimpleQueue()
    threading.Thread(target=listen, args=(source, inbox), daemon=True).start()
    gc.collect()
    gc.freeze()  # modules need not be looked at again
    desk.send(frames.pack(frames.READY))
    while True:
        desk.send(serve_unit(work, inbox.get()[1], desk))


def listen(source: BinaryIO, inbox: "queue.SimpleQueue[frames.Frame]") -> None:
    """Take in frames; when they end, so does the process, whatever it is at."""
    while (frame := frames.read_frame(source)) is not None:
        inbox.put(frame)
    os._exit(0)


def serve_unit(work: Work, header: Mapping[str, Any], desk: Desk) -> bytes:
    """Work off a unit; return the frame that says how it ended."""
    desk.begin(header["start"], header["mark"], header["verdicts"])
    try:
        work(header["unit"], desk)
        desk.flush(desk.marker())
    except Spent:
        return frames.pack(frames.DONE, {"complete": False, "spent": True})
    except MemoryError:  # nothing more can be relied upon; the note says whose doing it is
        os.write(2, NO_MEMORY)
        os._exit(1)
    except Exception as error:  # the parent raises it
        desk.flush(desk.marker())
        return frames.pack(frames.FAILED, {"kind": type(error).__name__, "message": str(error)})
    return frames.pack(frames.DONE, {"complete": True, "spent": desk.spent})


def nothing() -> None:
    """Say that there is no way into a unit but from its beginning."""


def claim_streams() -> tuple[BinaryIO, BinaryIO]:
    """Return the streams of frames, and point standard output elsewhere, so that no library can print into them."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return source, sink
