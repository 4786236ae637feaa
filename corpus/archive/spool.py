"""Unpacked bytes on their way from members to records, held back while a member's checksum is not known.

A member of up to `limit` unpacked bytes is held until it ends, so that its records can be judged by its checksum. A
larger one cannot be held in bounded memory: from the limit on its bytes go out as they come, marked `Trust.OPEN`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from corpus.archive.records import Trust


@dataclass(slots=True)
class Part:
    """Unpacked bytes of one member: `offset` is where the member begins in the file, `end` where what was read of it
    ends. `first` and `last` mark the borders of a member. In a plain file `offset` is that of `data` itself.
    """

    data: bytes
    offset: int
    end: int
    trust: Trust
    first: bool
    last: bool
    plain: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes `offset` to `end` of the file could not be unpacked to their end, or are no member: reason and detail."""

    offset: int
    end: int
    reason: str
    detail: str


class Spool:
    """Holds back the unpacked bytes of the member at offset `at`."""

    def __init__(self, at: int, limit: int) -> None:
        self.at = at
        self.limit = limit
        self.held: list[bytes] = []
        self.size = 0
        self.streaming = False
        self._first = True

    def add(self, data: bytes, end: int) -> Iterator[Part]:
        """Take `data`, unpacked from bytes before offset `end`; yield what is no longer held back."""
        self.size += len(data)
        if data:
            self.held.append(data)
        if self.streaming or self.size > self.limit or end - self.at > self.limit:
            self.streaming = True
            yield from self._release(Trust.OPEN, end, last=False)

    def finish(self, trust: Trust, end: int, note: str = "") -> Iterator[Part]:
        """Yield the rest, the last of it marked as the end of the member."""
        if not self.held:
            self.held.append(b"")
        return self._release(trust, end, last=True, note=note)

    def _release(self, trust: Trust, end: int, *, last: bool, note: str = "") -> Iterator[Part]:
        held, self.held = self.held[::-1], []
        while held:
            data = held.pop()
            yield Part(data, self.at, end, trust, self._first, last and not held, note=note)
            self._first = False
