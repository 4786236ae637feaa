"""A file that grows at its end, in few writes: what is added waits in memory until there is enough of it.

An external sort adds some 40 KB to each of hundreds of files, again and again. Written as they come, a byte takes the
kernel three times as long as in writes of 256 KB, and that is half of what setting an arc down takes.

To add is to make room first, which may write what waits, and then to put down, which cannot fail: so a call that adds
to many files adds to all of them or, when the disk is full, to none.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.storage import as_storage_error

ENOUGH: Final = 1 << 18
"""Bytes that may wait; more only where as many are put down at once."""


class GrowingFile:
    """The file `path`, of which only the first `written` bytes count, and what waits behind them.

    Whatever else the file holds, left by a killed process or a full disk, is cut off when it is opened, which the first
    write does.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.written = path, 0
        self._held, self._waiting = np.empty(0, np.uint8), 0
        self._file: BinaryIO | None = None

    def make_room(self, size: int) -> None:
        """Have room for so many bytes. Raises StorageError when the disk is full; nothing is lost then."""
        if self._waiting + size > len(self._held):
            self.write()
            if size > len(self._held):
                self._held = np.empty(max(size, ENOUGH), np.uint8)

    def put(self, values: NDArray[Any]) -> None:
        """Put an array behind what there is, for which room was made."""
        self._held[self._waiting : self._waiting + values.nbytes] = values.view(np.uint8).ravel()
        self._waiting += values.nbytes

    def write(self) -> None:
        """Write what waits. Raises StorageError when the disk is full; it waits still then, to be written again."""
        left = self._held[: self._waiting].data
        try:
            with as_storage_error(self.path):
                while left:
                    left = left[self._opened().write(left) :]
            self.written, self._waiting = self.written + self._waiting, 0
        except BaseException:
            with suppress(StorageError):
                self.close()  # so that what was written of it is cut off
            raise
        if len(self._held) > ENOUGH:  # of many files each gets its large part some time
            self._held = np.empty(0, np.uint8)

    def rewind(self, size: int) -> None:
        """Have `size` bytes of the file count, and nothing wait."""
        self.written, self._waiting = size, 0
        self.close()

    def close(self) -> None:
        """Close the file, without writing what waits. Raises StorageError when what was written cannot be kept."""
        if not self._waiting:
            self._held = np.empty(0, np.uint8)
        file, self._file = self._file, None
        if file:
            with as_storage_error(self.path):
                file.close()

    def missing(self) -> StorageError:
        """Return the error for a file that has fewer bytes than count."""
        return StorageError(f"{self.path}: shorter than it was; delete its folder and build again")

    def _opened(self) -> BinaryIO:
        if not self._file:
            self._file = open(self.path, "ab", buffering=0)  # noqa: SIM115 - `close` closes it
            if self._file.tell() < self.written:
                raise self.missing()
            self._file.truncate(self.written)
        return self._file
