"""Unpacked parts to records: where one ends and the next begins, and what is said about the rest.

A record is whole when its Content-Length leads to a border: the end of its member, the end of the file, or the next
record head, with nothing but line ends, blanks and NULs between, or a head that lost its first bytes to NULs behind an
empty line. Otherwise it is a fault, and reading goes on at the next sound head behind its own. NULs between records are
a fault of their own from a disk sector on, since a lost piece of a file reads as zeros and may have held records.
A record may spread over members, unless the next member begins with a head of its own. What damaged members give is
judged in `_deliver`.
"""

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from corpus.archive.digests import check_digest
from corpus.archive.heads import (
    ARC_LINE,
    ARC_MARK,
    MORE,
    VERSION,
    Head,
    bare_uri,
    find_head,
    is_head,
    is_nearly_head,
    read_head,
    read_warc_head,
    record_of,
)
from corpus.archive.records import (
    BAD_HEAD,
    BAD_LENGTH,
    CHECKSUM,
    DAMAGED,
    JUNK,
    START,
    TRUNCATED,
    ZEROS,
    ArchiveSettings,
    Fault,
    Mark,
    Record,
    Trust,
)
from corpus.archive.spool import Gap, Part
from corpus.archive.window import BLANK, SECTOR, Nuls, skip_blanks

Item = Record | Fault
NEAR: Final = 512
"""Bytes behind a block that are looked at to tell a damaged head from a wrong Content-Length."""
HASHING: Final = 4
"""Most bytes hashed to rescue records without border, as a multiple of the bytes read."""
ZEROED_HEAD: Final = re.compile(rb"\r\n\r\n(?:W(?:A(?:R(?:C(?:/[\d.\r]*)?)?)?)?)?\0")
"""The end of a WARC record and a head whose first bytes, or all but these, are NULs: the next record is damaged."""
LONGEST_BLANK: Final = 64 << 10
"""A longer run of blanks counts as the end of a record, so that it need not be held."""
MOST_PARTS: Final = 1 << 16
"""Most parts that one record may lie in; a record in more members than this is hostile, not spread."""
RECORD_END: Final = b"\r\n\r\n"
SPREAD: Final = f"the record is spread over more than {MOST_PARTS:,} members"


class Framer:
    """Takes parts in order (`feed`), gaps (`interrupt`) and the end (`close`); each yields records and faults."""

    def __init__(self, file: str, settings: ArchiveSettings, mark: Mark = START) -> None:
        self.file = file
        self.settings = settings
        self.data: bytes | bytearray = b""
        self.pos = 0  # index in data up to which everything is settled
        self.base = mark.unpacked  # unpacked bytes before data
        self.parts: deque[tuple[int, Part]] = deque()  # (unpacked bytes before it, part)
        self.head: Head | None = None
        self.begin = 0  # unpacked bytes before the head
        self.folded = Trust.CHECKED  # worst trust of members that the present record lies in and parts holds no more
        self.place = (0, 0)  # file offset of the head, index in its member
        self.lost: Fault | None = None  # being searched past
        self.skipped: int | None = None  # bytes of an oversize block already passed
        self.is_arc = mark.is_arc
        self.nuls = Nuls()  # of the run of blanks that is being passed
        self.later: list[Fault] = []  # zeros between the members of the present record
        self.after = 0  # index behind the blanks that follow the present block
        self.index = mark.index
        self.hashed = mark.hashed  # bytes of blocks without border whose digest was asked for
        self.told = -1  # offset of the last damaged member that a fault of one of its records tells of
        self.cause = (TRUNCATED, "the file ends")
        self.gap = -1  # offset of the gap that is being settled

    def feed(self, part: Part) -> Iterator[Item]:
        """Take the next unpacked bytes."""
        if part.first and part.last and (record := self._sole(part)):
            yield record
            return
        if part.first:
            if self._unsettled() and is_head(part.data, 0, self.settings.max_head):
                yield from self.close((BAD_LENGTH, "its gzip member or zstd frame ends"))
            self.index = 0
        self._append(part)
        yield from self._run(final=False)

    @property
    def place_behind(self) -> int | None:
        """The file offset, in a plain file, from which all that is still to be told can be read; None while what is
        read is part of something that began before.
        """
        if self.head is not None or self.lost is not None or self.nuls.count or self.later or not self.parts:
            return None
        return self._offset(self.pos)

    @property
    def settled(self) -> bool:
        """Whether nothing of what was taken is still to be told."""
        return not (self._unsettled() or self.nuls.count or self.later)

    def _sole(self, part: Part) -> Record | None:
        """Return the record of a member that holds one WARC record, sound and whole, and nothing else (most do).

        All others go the long way, which gives the same for these.
        """
        if part.trust > Trust.OPEN or part.note or not self.settled:
            return None
        data = part.data
        head = read_warc_head(data, 0, self.settings.max_head) if data.startswith(b"WARC/") else MORE
        if isinstance(head, str) or head.length is None or head.length > self.settings.max_block:
            return None
        end = head.end + head.length
        if len(data) != end + len(RECORD_END) or not data.endswith(RECORD_END):
            return None
        self.base += len(self.data) + len(data)
        self.data, self.pos, self.index, self.is_arc = b"", 0, 1, False
        self.parts.clear()
        block = data[head.end : end]
        digest = check_digest(head.headers, head.record_type, block) if self.settings.check_digests else "unchecked"
        return record_of(
            head, block, digest, part.trust, file=self.file, offset=part.offset, length=part.end - part.offset
        )

    def interrupt(self, gap: Gap) -> Iterator[Item]:
        """Settle what came before a gap in the file; the gap itself is a fault unless one of its records was.

        Zeros between members settle nothing: a record may go on behind them. They are told unless a fault covers them.
        """
        if gap.reason == ZEROS:
            yield from self._zeros()
            self.later += [self._fault(gap)] if self.lost is None else []
            if not self._unsettled():
                yield from self._told_later()
            return
        if self.lost is not None and self.lost.reason in (JUNK, BAD_HEAD) and self.lost.offset >= gap.offset:
            # No fault of its own making, but what a damaged member gave.
            self.lost, self.pos, self.told = None, len(self.data), -1
        yield from self.close((gap.reason, gap.detail), gap.offset)
        if self.told != gap.offset:
            yield self._fault(gap)

    def close(self, cause: tuple[str, str] = (TRUNCATED, "the file ends"), gap: int = -1) -> Iterator[Item]:
        """Settle everything: no byte follows, for the reason and in the words of `cause`, the gap at offset `gap`."""
        self.cause, self.gap = cause, gap
        yield from self._run(final=True)
        self.base += len(self.data)
        self.data, self.pos = b"", 0

    def _told_later(self) -> list[Fault]:
        """Return the zeros that were met inside a record, which comes first."""
        later, self.later = self.later, []
        return later

    def _fault(self, gap: Gap) -> Fault:
        """Return the fault that tells of a gap."""
        length = gap.end - gap.offset
        return Fault(file=self.file, offset=gap.offset, length=length, reason=gap.reason, detail=gap.detail)

    def _zeros(self) -> tuple[Fault, ...]:
        """Return the fault that tells of the NULs passed since the last record, where they are enough for one."""
        nuls, self.nuls = self.nuls, Nuls()
        return (self._fault(Gap(nuls.first, nuls.behind, ZEROS, nuls.detail)),) if nuls.count >= SECTOR else ()

    def _unsettled(self) -> bool:
        return self.head is not None or self.lost is not None or self.pos < len(self.data)

    def _append(self, part: Part) -> None:
        """Add the part's bytes behind what is not settled yet."""
        start = self.base + len(self.data)
        if self.pos == len(self.data):
            self.base += self.pos
            self.data = part.data
        else:
            self._join(part)
        self.pos = 0
        self.parts.append((start, part))
        while len(self.parts) > 1 and self.parts[1][0] <= self.base:
            if self.head and self.parts[1][0] > self.begin:
                self.folded = max(self.folded, self.parts[0][1].trust)
            self.parts.popleft()

    def _join(self, part: Part) -> None:
        """Add the part's bytes to those that are not settled; parts need not hold their bytes any longer."""
        if isinstance(self.data, bytes):
            self.data = bytearray(self.data[self.pos :])
            for _, earlier in self.parts:
                earlier.data = b""
        else:
            del self.data[: self.pos]
        self.base += self.pos
        self.data += part.data
        part.data = b""

    def _part(self, index: int) -> tuple[int, Part]:
        """Return the part that holds the byte at `index` of data."""
        at = self.base + index
        for start, part in reversed(self.parts):
            if start <= at:
                return start, part
        return self.parts[0]

    def _offset(self, index: int) -> int:
        """Return the file offset of what stands at `index`: of its member, or of the byte itself in plain files."""
        start, part = self._part(index)
        return part.offset + self.base + index - start if part.plain else part.offset

    def _end(self, index: int) -> int:
        """Return the file offset behind the bytes that hold data up to `index`."""
        start, part = self._part(max(index - 1, 0))
        return part.offset + self.base + index - start if part.plain else part.end

    def _run(self, final: bool) -> Iterator[Item]:
        """Take steps until more bytes are needed; `final`: there are none."""
        while True:
            if self.lost is not None:
                step = self._search(final)
            elif self.head is None:
                step = self._between(final)
            elif self.skipped is not None:
                step = self._skip(self.head, final)
            else:
                step = self._block(self.head, final)
            if step is None:
                return
            yield from step
            if step and self.later:
                yield from self._told_later()

    def _between(self, final: bool) -> tuple[Item, ...] | None:
        """Read a head, past blanks."""
        self._pass_blanks()
        if self.pos == len(self.data):
            return self._zeros() or None if final else None
        if zeros := self._zeros():
            return zeros
        head = read_head(self.data, self.pos, self.settings.max_head)
        if head == MORE and not final and len(self.parts) > MOST_PARTS:
            head = SPREAD
        if head == MORE:
            return self._lose(*self.cause_of("a record head")) if final else None
        if isinstance(head, str):
            return self._lose(BAD_HEAD if self.data.startswith(b"WARC/", self.pos) else JUNK, head)
        return self._begin(head)

    def _pass_blanks(self) -> None:
        """Move `pos` behind the blanks that stand there, and count their NULs."""
        end, count = skip_blanks(self.data, self.pos)
        if count:
            first, last = self.data.find(0, self.pos, end), self.data.rfind(0, self.pos, end)
            self.nuls.add(count, self._offset(first), self._end(last + 1))
        self.pos = end

    def _begin(self, head: Head) -> tuple[Item, ...] | None:
        """Take the head that stands at `pos`."""
        self.begin, self.place = self.base + self.pos, (self._offset(self.pos), self.index)
        self.index += 1
        self.is_arc = head.is_arc
        self.head, self.skipped, self.folded = head, None, Trust.CHECKED
        self.pos = head.end
        if head.length is None or head.length > self.settings.max_length:
            return self._lose(BAD_LENGTH, f"Content-Length is {head.headers.get('Content-Length')!r}")
        if head.length > self.settings.max_block:
            self.skipped = 0
        return ()

    def cause_of(self, what: str) -> tuple[str, str]:
        """Return reason and detail for `what` being cut short by the present cause."""
        self.told = self.gap
        return self.cause[0], f"{self.cause[1]}; {what} is cut short"

    def _lose(self, reason: str, detail: str) -> tuple[Item, ...]:
        """Begin to search for the next head: behind the present one, or behind `pos` where none could be read."""
        head, headers = self.head, self.head.headers if self.head else None
        if self.parts[-1][1].trust >= Trust.CUT:
            self.told = self.parts[-1][1].offset
        self.lost = Fault(
            file=self.file,
            offset=self.place[0] if head else self._offset(self.pos),
            length=0,
            reason=reason,
            detail=detail,
            record_type=head.record_type if head else None,
            target_uri=bare_uri(headers.get("WARC-Target-URI")) if headers else None,
        )
        self.pos += 0 if head else 1
        self.head = self.skipped = None
        return ()

    def _search(self, final: bool) -> tuple[Item, ...] | None:
        """Look for the next head; the fault that is being passed ends there."""
        found, keep = find_head(self.data, self.pos, self.settings.max_head, final, self.is_arc)
        if found < 0 and not final:
            self.pos = keep
            return None
        self.pos = found if found >= 0 else len(self.data)
        return (self._passed(),)

    def _passed(self) -> Fault:
        """Return the fault that ends at `pos`."""
        lost, self.lost = self.lost, None
        assert lost is not None  # noqa: S101 - the caller has seen it
        end = self._offset(self.pos) if self.pos < len(self.data) else self._end(self.pos)
        end = end if end > lost.offset else self._end(self.pos)
        return replace(lost, length=end - lost.offset)

    def _block(self, head: Head, final: bool) -> tuple[Item, ...] | None:
        """Wait for the block and the border behind it."""
        end = self.pos + (head.length or 0)
        if len(self.data) < end:
            if not final and len(self.parts) > MOST_PARTS:
                return self._lose(BAD_LENGTH, SPREAD)
            return self._cut(len(self.data) - self.pos, head) if final else None
        border = self._border(end, final)
        if border is None:
            return None
        if border == "junk" and not self._digest_vouches(head, end):
            return self._lose(BAD_LENGTH, f"Content-Length {head.length} does not lead to the end of the record")
        return self._deliver(head, bytes(memoryview(self.data)[self.pos : end]), end, border)

    def _digest_vouches(self, head: Head, end: int) -> bool:
        """Say whether a digest proves that the block ends at `end`, where no border stands.

        The work is bounded by the bytes read, since overlapping blocks of a hostile file could be without end.
        """
        self.hashed += end - self.pos
        if "WARC-Block-Digest" not in head.headers or self.hashed > HASHING * (self.base + end):
            return False
        return check_digest(head.headers, head.record_type, bytes(memoryview(self.data)[self.pos : end])) == "ok"

    def _cut(self, got: int, head: Head) -> tuple[Item, ...]:
        """Give up a record whose block is not all there: cut short, or with a Content-Length past the next head."""
        found, _ = find_head(self.data, self.pos, self.settings.max_head, True, self.is_arc)
        if found >= 0:
            return self._lose(BAD_LENGTH, f"Content-Length {head.length} runs past the next record head")
        return self._lose(*self.cause_of(f"the record ({got} of {head.length} bytes)"))

    def _skip(self, head: Head, final: bool) -> tuple[Item, ...] | None:
        """Pass an oversize block; a sound head inside it ends the record, since it may be the length that is wrong."""
        length, passed = head.length or 0, self.skipped or 0
        stop = min(len(self.data), self.pos + length - passed)
        found, keep = find_head(self.data, self.pos, self.settings.max_head, final, self.is_arc, stop)
        if found >= 0 and (found > self.pos or passed > 0):
            self.pos = found
            return self._lose(BAD_LENGTH, f"Content-Length {length} runs past the next record head")
        if passed + stop - self.pos < length:
            if final:
                return self._cut(passed + stop - self.pos, head)
            self.skipped, self.pos = passed + keep - self.pos, keep
            return None
        border = self._border(stop, final)
        if border is None:
            self.skipped, self.pos = length - (stop - self.pos), self.pos
            return None
        if border == "junk":
            self.pos = stop
            return self._lose(BAD_LENGTH, f"Content-Length {length} does not lead to the end of the record")
        return self._deliver(head, None, stop, border)

    def _border(self, end: int, final: bool) -> str | None:
        """Say what follows a block that ends at `end`: "end", "head", "junk", or None while that is not known."""
        blank = BLANK.match(self.data, end)
        self.after = after = blank.end() if blank else end
        if after == len(self.data):
            ended = final or self.parts[-1][1].last or after - end > LONGEST_BLANK
            return "end" if ended else None
        ended = final or self.parts[-1][1].last
        if VERSION.match(self.data, after) or (self.is_arc and self._is_arc_head(after)):
            return "head"
        near = bytes(self.data[after : after + NEAR])
        if self._may_become_head(near, len(self.data) - after):
            return "head" if final else None
        if len(near) < NEAR and not ended:
            return None
        swallowed = VERSION.search(self.data, max(end - 10, 0), after + 16)
        damaged = is_nearly_head(near) or ZEROED_HEAD.match(self.data, end)
        return "damaged head" if damaged and not swallowed else "junk"

    def _is_arc_head(self, index: int) -> bool:
        return is_head(self.data, index, self.settings.max_head)

    def _may_become_head(self, near: bytes, left: int) -> bool:
        """Say whether the last `left` bytes there are, which begin with `near`, begin a head still to be completed."""
        if self.is_arc:
            line_is_open = left < ARC_LINE and self.data.find(b"\n", len(self.data) - left) < 0
            return line_is_open and ARC_MARK.match(near) is not None
        return b"\n" not in near and (near.startswith((b"WARC/0.", b"WARC/1.")) or b"WARC/1.".startswith(near))

    def _deliver(self, head: Head, block: bytes | None, end: int, border: str) -> tuple[Item, ...]:
        """Return the record as whole, or as a fault where its member is damaged and nothing vouches for it.

        The file ends in the member: what came before is sound. It stops unpacking: a record is used when its digest
        is right, or it has none and another head follows it, so the damage lies behind. Its checksum is wrong: when
        the block digest is right and the member holds other records, which must be the damaged ones (in a member of
        one record whose block is right, the damage lies in the head).
        """
        trust = max(self.folded, self.parts[0][1].trust if len(self.parts) == 1 else self._trust(end))
        check = self.settings.check_digests or trust >= Trust.DAMAGED
        digest = check_digest(head.headers, head.record_type, block) if check else "unchecked"
        sound = trust < Trust.DAMAGED
        if trust == Trust.DAMAGED:
            sound = digest == "ok" or (digest != "mismatch" and border == "head")
        elif trust == Trust.SPOILED:
            others = self.place[1] > 0 or border == "head"
            sound = digest == "ok" and others and "WARC-Block-Digest" in head.headers
        if not sound:
            self.pos = end
            reason = DAMAGED if trust == Trust.DAMAGED else CHECKSUM
            return self._lose(reason, f"its gzip member or zstd frame is damaged, and its digest is {digest}")
        record = self._record(head, block, end, digest, trust)
        self.head = self.skipped = None
        self.pos = end
        return (record,)

    def _trust(self, end: int) -> Trust:
        """Return the worst trust of the members that the record lies in."""
        inside = [part.trust for start, part in self.parts if start < self.base + end]
        before = [start for start, _ in self.parts if start <= self.begin]
        return max(inside[max(len(before) - 1, 0) :], default=Trust.CHECKED)

    def _record(self, head: Head, block: bytes | None, end: int, digest: str, trust: Trust) -> Record:
        offset, index = self.place
        length = self._end(min(self.after, end + 4)) - offset
        record = record_of(head, block, digest, trust, file=self.file, offset=offset, length=length)
        record.index, record.notes = index, self._notes(end)
        return record

    def _notes(self, end: int) -> tuple[str, ...]:
        """Return what is odd about the record that ends at `end` and was tolerated."""
        notes = tuple(part.note for _, part in self.parts if part.note)
        if self.after - end > 4 or self.data[end : self.after].strip(b"\r\n"):
            return (*notes, f"{self.after - end} stray blanks, NULs or line ends behind the block")
        return notes
