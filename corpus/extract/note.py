"""What a worker is at, kept where its death cannot lose it: two numbers in memory that its parent shares.

Writing them takes no system call, so a worker may do it for every record; a frame per record would cost two.
"""

import contextlib
import mmap
import os
import tempfile
from typing import Final, Self

READING, JUDGING, PARSING, EXTRACTING = range(4)
"""Phases of an item. In the first the worker has not got it yet; in the last two it is in a page."""
SIZE: Final = 16


class Note:
    """The number of the item that a worker is at, and the phase of it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, SIZE)
        self._values = memoryview(self._map).cast("q")

    @classmethod
    def create(cls) -> Self:
        """Return a new note; its descriptor is what the worker inherits."""
        if hasattr(os, "memfd_create"):
            descriptor = os.memfd_create("headwater-note")
        else:  # a system without them: a file without a name serves as well
            with tempfile.TemporaryFile() as file:
                descriptor = os.dup(file.fileno())
        os.ftruncate(descriptor, SIZE)
        return cls(descriptor)

    def write(self, item: int, phase: int) -> None:
        """Say what the worker is at."""
        values = self._values
        values[0], values[1] = item, phase

    def read(self) -> tuple[int, int]:
        """Return item and phase."""
        return self._values[0], self._values[1]

    def close(self) -> None:
        """Let go of the memory."""
        self._values.release()
        self._map.close()
        with contextlib.suppress(OSError):
            os.close(self.descriptor)
