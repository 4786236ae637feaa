"""A window on a stream that can only be read forwards: bytes stay until they are dropped.

Damage is often seen some way behind the place where it lies, so whoever unpacks must be able to go back. The window
keeps what was read since the last `drop`, and its user bounds that.
"""

import re
from typing import BinaryIO, Final

BLANK: Final = re.compile(rb"[\r\n\0 \t]*")
"""Line ends, NULs and blanks: what may stand between records."""


class Window:
    """Bytes `start` to `end` (offsets in the file) of a stream, in memory."""

    def __init__(self, stream: BinaryIO, offset: int = 0, read_size: int = 1 << 18) -> None:
        self.stream = stream
        self.start = offset
        self.read_size = read_size
        self.ended = False
        self._bytes = bytearray()

    @property
    def end(self) -> int:
        return self.start + len(self._bytes)

    def more(self) -> bool:
        """Read on; return False at the end of the stream."""
        data = b"" if self.ended else self.stream.read(self.read_size)
        self.ended = not data
        self._bytes += data
        return not self.ended

    def read(self, at: int, size: int) -> bytearray:
        """Return up to `size` bytes from offset `at` on; fewer only where the stream ends."""
        while self.end < at + size and self.more():
            pass
        return self._bytes[at - self.start : at - self.start + size]

    def piece(self, at: int) -> bytearray:
        """Return what there is from offset `at` on, having read at least one byte unless the stream ends there."""
        while self.end <= at and self.more():
            pass
        return self._bytes[at - self.start :]

    def drop(self, before: int) -> None:
        """Forget the bytes before offset `before`."""
        if before > self.start:
            gone = min(before - self.start, len(self._bytes))
            del self._bytes[:gone]
            self.start += gone

    def find(self, pattern: re.Pattern[bytes], at: int, overlap: int) -> int:
        """Return the offset of the first match at or after `at`, -1 for none; drops the bytes it has searched.

        `overlap` is the length of the longest match that may be split between two reads.
        """
        while True:
            found = pattern.search(self._bytes, max(at - self.start, 0))
            if found:
                return self.start + found.start()
            at = max(at, self.end - overlap)
            self.drop(at)
            if not self.more():
                return -1

    def skip_blank(self, at: int) -> int:
        """Return the first offset from `at` on that holds something else than line ends, NULs and blanks."""
        while self.end > at or self.more():
            found = BLANK.match(self._bytes, at - self.start)
            at = self.start + (found.end() if found else 0)
            if at < self.end:
                return at
            self.drop(at)
        return at
