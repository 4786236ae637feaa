"""A file to unpacked parts: gzip members, zstd frames or plain bytes, and gaps where it is neither.

Every place in the file is judged by what stands there, not by the file's name. After damage the next member is
searched behind the head of the damaged one: each "1f 8b 08" (gzip) or "28 b5 2f fd" (zstd) is tried, and taken only
when it really unpacks (`gzipped.accept`), since such bytes also occur by chance inside members. The work on
candidates is bounded, so a hostile file costs linear time.
"""

import re
from collections.abc import Generator, Iterator
from typing import Final

import zstandard

from corpus.archive import gzipped, zstandards
from corpus.archive.gzipped import Wreck
from corpus.archive.heads import ARC_LINE, ARC_MARK, read_head
from corpus.archive.records import DAMAGED, JUNK, KIB, MIB, START, TRUNCATED, ZEROS, ArchiveSettings, Mark, Trust
from corpus.archive.spool import Gap, Part, Spool
from corpus.archive.window import BLANK, SECTOR, Window

CANDIDATE: Final = {
    "gzip": re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"),
    "zstd": re.compile(rb"\x28\xb5\x2f\xfd"),
    None: re.compile(
        rb"\x1f\x8b\x08[\x00-\x1f]|\x28\xb5\x2f\xfd|WARC/\d|" + ARC_MARK.pattern.removeprefix(b"(?m)"), re.MULTILINE
    ),
}
OVERLAP: Final = 16
TRIAL: Final = 8 * MIB
"""Unpacked bytes looked at in one candidate for a member."""
SMALL_TRIAL: Final = 4 * KIB
TRIALS: Final = 512 * MIB
"""Unpacked bytes looked at in all candidates of a file; once they are spent, each gets a SMALL_TRIAL only."""


class Unpacker:
    """Unpacks one file; iterate over `parts()` once. `dictionary` is for zstd frames read from the middle of a file.

    `border` is (offset, kind, offset of the dictionary frame, work) of the member, or other thing, that is being read.
    """

    def __init__(
        self, window: Window, settings: ArchiveSettings, dictionary: bytes | None = None, mark: Mark = START
    ) -> None:
        self.window = window
        self.settings = settings
        self.kind = mark.kind
        self.plain = mark.plain
        self.unpacker = zstandards.decompressor(dictionary)
        self._dictionary_at = mark.dictionary
        self._work = mark.tried
        self.border = (window.start, self.kind, self._dictionary_at, self._work)

    def parts(self) -> Iterator[Part | Gap]:
        """Yield all of the file: parts with unpacked bytes, gaps for what does not unpack."""
        at = self.window.start
        if self.plain:
            yield from self._plain(at, first=False)
            return
        while True:
            self.window.drop(at)
            self.border = (at, self.kind, self._dictionary_at, self._work)
            found = self.window.read(at, 4)
            if not found:
                return
            if BLANK.fullmatch(found, 0, 1):
                at = yield from self._blanks(at)
            elif found.startswith(gzipped.MAGIC):
                at = yield from self._member(at, "gzip")
            elif found == zstandards.MAGIC:
                at = yield from self._member(at, "zstd")
            elif zstandards.skippable(found):
                at = yield from self._skippable(at)
            elif self.kind is None and self._begins_plain(at):
                self.plain = True
                yield from self._plain(at, first=True)
                return
            else:
                at = yield from self._between(at)

    def _member(self, at: int, kind: str) -> Generator[Part | Gap, None, int]:
        """Unpack a member; after damage yield what it gave and the gap, and return where the next one begins."""
        spool = Spool(at, self.settings.spool)
        if kind == "gzip":
            end = yield from gzipped.unpack_member(self.window, at, self.settings, spool)
        else:
            end = yield from zstandards.unpack_frame(self.window, at, spool, self.unpacker)
        if isinstance(end, int):
            self.kind = kind
            return end
        return (yield from self._after_damage(end, at, spool, kind))

    def _after_damage(self, wreck: Wreck, at: int, spool: Spool, kind: str) -> Generator[Part | Gap, None, int]:
        """Yield what a damaged member gave, then the gap; return where the next member begins."""
        if wreck.resume is not None:
            self.kind = kind
            yield from spool.finish(Trust.CHECKED, wreck.resume, wreck.detail)
            return self._behind_trailer(wreck.resume)
        following = self.hunt(max(at + 1, self.window.start), self.kind or kind)
        if wreck.trust == Trust.CUT and following < self.window.end:
            detail = f"the member at {at} runs into the next one"
            wreck = Wreck(wreck.at, DAMAGED, detail, Trust.DAMAGED)
        yield from spool.finish(wreck.trust, following)
        yield Gap(at, following, wreck.reason, wreck.detail)
        return following

    def _behind_trailer(self, end: int) -> int:
        """Return where the next member begins behind a damaged trailer that should end at `end` (bytes may be gone)."""
        near = (at for at in range(max(end - 8, self.window.start), end) if self.window.read(at, 3) == b"\x1f\x8b\x08")
        return next((at for at in near if self._accept(at)), end)

    def _skippable(self, at: int) -> Generator[Part | Gap, None, int]:
        """Pass a skippable zstd frame; one that holds a dictionary is put to use."""
        size = int.from_bytes(self.window.read(at + 4, 4), "little")
        is_dictionary = zstandards.skippable(self.window.read(at, 4)) == zstandards.DICTIONARY
        if is_dictionary and size <= zstandards.MAX_DICTIONARY:
            try:
                dictionary = zstandards.unpack_dictionary(bytes(self.window.read(at + 8, size)))
                self.unpacker = zstandards.decompressor(dictionary)
                self._dictionary_at = at
            except zstandard.ZstdError as error:
                yield Gap(at, at + 8 + size, DAMAGED, f"the zstd dictionary at {at} cannot be used: {error}")
        end = self._pass_by(at, at + 8 + size)
        if end < at + 8 + size:
            yield Gap(at, end, TRUNCATED, f"the file ends inside the skippable zstd frame at {at}")
        self.kind = "zstd"
        return end

    def _pass_by(self, at: int, end: int) -> int:
        """Move the window to `end` without keeping what is passed; return `end`, or where the file ends before it."""
        while self.window.end < end and self.window.more():
            self.window.drop(self.window.end)
        return min(end, self.window.end)

    def _begins_plain(self, at: int) -> bool:
        """Say whether a record head stands at `at` in plain bytes."""
        limit = self.settings.max_head if self._work < TRIALS else SMALL_TRIAL
        self._work += limit
        return not isinstance(read_head(self.window.read(at, limit), 0, limit), str)

    def _plain(self, at: int, *, first: bool) -> Iterator[Part]:
        """Yield the rest of the file as it is, in pieces."""
        piece = bytes(self.window.piece(at))
        while piece:
            self.window.drop(at + len(piece))
            following = bytes(self.window.piece(at + len(piece)))
            yield Part(piece, at, at + len(piece), Trust.CHECKED, first, not following, plain=True)
            at, piece, first = at + len(piece), following, False

    def _blanks(self, at: int) -> Generator[Part | Gap, None, int]:
        """Pass blanks quietly, unless they hold so many NULs that these may have been members."""
        end, nuls = self.window.skip_blank(at)
        if nuls.count >= SECTOR:
            yield Gap(nuls.first, nuls.behind, ZEROS, nuls.detail)
        return end

    def _between(self, at: int) -> Generator[Part | Gap, None, int]:
        """Pass bytes that begin no member as a gap."""
        first = bytes(self.window.read(at, 4))
        end = self.hunt(at, self.kind)
        if end - at < 4 and (gzipped.MAGIC.startswith(first) or zstandards.MAGIC.startswith(first)):
            yield Gap(at, end, TRUNCATED, "the file ends inside the first bytes of a member")
            return end
        reason = "these bytes are no record, gzip member or zstd frame"
        yield Gap(at, end, JUNK, f"{reason}; they begin with {first.hex(' ')}")
        return end

    def hunt(self, at: int, kind: str | None) -> int:
        """Return the offset of the next member (or plain record) at or behind `at`, the end of the file for none."""
        while True:
            found = self.window.find(CANDIDATE[kind], at, ARC_LINE if kind is None else OVERLAP)
            if found < 0:
                return self.window.end
            if self._accept(found):
                return found
            at = found + 1

    def _accept(self, at: int) -> bool:
        """Say whether what looks like a member or record at `at` is one."""
        found = self.window.read(at, 4)
        limit = TRIAL if self._work < TRIALS else SMALL_TRIAL
        if found.startswith(gzipped.MAGIC):
            good, work = gzipped.accept(self.window, at, limit)
        elif found == zstandards.MAGIC:
            good, work = zstandards.accept(self.window, at, limit, self.unpacker)
        else:
            return self._begins_plain(at)
        self._work += work
        return good
