"""What the arcs file (arcs.py) and the names file (names.py) share: every byte of them is under a check sum.

    magic | part | part ... | foot | two numbers that tell the length of the foot, CRC-32 of the foot | magic

A reader maps the file and begins at its end: the foot has the place and the check sum of every part. A part is held
against its own when something of it is first asked for, once in the life of the reader, so nobody gets anything from
a damaged file, and nobody waits for all of a large one to be read. Whatever is wrong is a StorageError with the path.
"""

import mmap
import struct
from pathlib import Path
from typing import Final

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from corpus.errors import StorageError

TAIL: Final = struct.Struct("<QQI8s")
"""What a file ends in: the two numbers, the check sum, the magic."""


class CheckedFile:
    """A file of this kind, memory-mapped; `kind` is what errors call it."""

    def __init__(self, path: Path, magic: bytes, kind: str) -> None:
        self.path, self._kind, self._begin = path, kind, len(magic)
        try:
            with open(path, "rb") as stream:
                self._data = np.frombuffer(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ), np.uint8)
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: cannot be read ({error}); build the graph again") from error
        self._end = len(self._data) - TAIL.size
        if self._end < len(magic) or self._data[: len(magic)].tobytes() != magic:
            raise self._damaged(f"it does not begin as {kind} does")
        *self._numbers, self._crc, last = TAIL.unpack(self._data[self._end :].tobytes())
        if last != magic:
            raise self._cut_short()
        self._checked: set[int] = set()

    def _damaged(self, why: str) -> StorageError:
        return StorageError(f"{self.path}: {why}; build the graph again")

    def _cut_short(self) -> StorageError:
        return self._damaged(f"it does not end as {self._kind} does; it may be cut short")

    def _foot(self, size: int, more: bytes = b"") -> tuple[int, NDArray[np.uint8]]:
        """Return where the foot begins, and its `size` bytes; `more` is what else their check sum is over."""
        start = self._end - size
        if start < self._begin:
            raise self._cut_short()
        foot = self._data[start : self._end]
        if isal_zlib.crc32(more, isal_zlib.crc32(foot.data)) != self._crc:
            raise self._damaged("the check sum of its index is wrong")
        return start, foot

    def _part(self, number: int, start: int, end: int, crc: int, otherwise: str) -> NDArray[np.uint8]:
        """Return part `number`, bytes `start` to `end`; raise `otherwise` when it has another check sum."""
        part = self._data[start:end]
        if number not in self._checked:
            if len(part) != end - start or isal_zlib.crc32(part.data) != crc:
                raise self._damaged(otherwise)
            self._checked.add(number)
        return part
