"""A window on a stream that can only be read forwards: bytes stay until they are dropped.

Damage is often seen some way behind the place where it lies, so whoever unpacks must be able to go back. The window
keeps what was read since the last `drop`, and its user bounds that.
"""

import re
from typing import BinaryIO, Final

BLANK: Final = re.compile(rb"[\r\n\0 \t]*")
"""Line ends, NULs and blanks: what may stand between records."""
SECTOR: Final = 512
"""NULs in one run of blanks from which on they may stand where records were: a disk sector, the smallest piece of a
file that a disk loses. Shorter runs are separators and stray bytes that writers leave."""
SPACE: Final = 0x20
ZERO_PIECE: Final = bytes(1 << 16)


class Nuls:
    """The NULs of one run of blanks: how many, the offset of the first, the offset behind the last."""

    def __init__(self) -> None:
        self.count = 0
        self.first = 0
        self.behind = 0

    def add(self, count: int, first: int, behind: int) -> None:
        """Count further NULs of the run, `first` to `behind` in the file."""
        self.first = self.first if self.count else first
        self.count, self.behind = self.count + count, behind

    @property
    def detail(self) -> str:
        """Return what a fault says of them."""
        return f"{self.count} NUL bytes where records may have been"


def skip_blanks(data: bytes | bytearray, at: int) -> tuple[int, int]:
    """Return the index behind the blanks that stand at `at`, and how many of them are NULs.

    Long zeros are compared in pieces, ten times as fast as the pattern matches them.
    """
    end = at
    if at < len(data) and data[at] > SPACE:
        return at, 0
    while data.startswith(ZERO_PIECE, end):
        end += len(ZERO_PIECE)
    zeros, found = end - at, BLANK.match(data, end)
    behind = found.end() if found else end
    return behind, zeros + data.count(0, end, behind)


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

    def skip_blank(self, at: int) -> tuple[int, Nuls]:
        """Return the first offset from `at` on that holds something else than line ends, NULs and blanks, and the NULs
        before it; drops the bytes that are nothing else.
        """
        nuls = Nuls()
        while self.end > at or self.more():
            begin = at - self.start
            end, count = skip_blanks(self._bytes, begin)
            at = self.start + end
            if count:
                first, last = self._bytes.find(0, begin, end), self._bytes.rfind(0, begin, end)
                nuls.add(count, self.start + first, self.start + last + 1)
            if at < self.end:
                break
            self.drop(at)
        return at, nuls
