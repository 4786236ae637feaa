"""One gzip member (RFC 1952) to unpacked parts; after damage, what it gave before and where to go on.

The damage of a member is often seen behind its true end (a length that swallows the next member), so the search for
the next member begins right behind the head of the damaged one. zlib checks the checksum and the length in the
trailer. When exactly one byte of the stored checksum differs, or only the stored length, the trailer is what was
damaged (a changed content changes all four bytes but for one case in millions), and the content counts as checked.

Every member is first taken for sound (`corpus.archive.sound`); where it is not, unpacking begins anew here.
"""

import itertools
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

from corpus.archive.heads import is_head
from corpus.archive.records import CHECKSUM, DAMAGED, MIB, TRUNCATED, ArchiveSettings, Trust
from corpus.archive.sound import unpack_sound
from corpus.archive.spool import Gap, Part, Spool
from corpus.archive.window import Window

MAGIC: Final = b"\x1f\x8b"
FEED: Final = 16 << 10
"""Packed bytes given to zlib at a time; deflate packs at most 1032:1, so one step gives at most 17 MB."""
FEED_SOUND: Final = 32 << 10
"""Packed bytes read at a time of a member that may be sound; most have less."""
LARGEST_SOUND: Final = 8 * MIB
"""Most bytes, packed or unpacked, of a member that is first taken for sound; bounds the work that is done twice."""
LOOKBACK: Final = MIB
"""Packed bytes of a streamed member that stay in the window, to search for the next member after damage."""
HEAD_BYTES: Final = 1024
"""Unpacked bytes first asked of a candidate, enough to see whether a record begins there."""


@dataclass(frozen=True, slots=True)
class Wreck:
    """Where a member stopped unpacking: offset in the file, cause, trust in what came before, and what to do next.

    `resume` is the offset behind the member when only its trailer is damaged, else None.
    """

    at: int
    reason: str
    detail: str
    trust: Trust
    resume: int | None = None


def unpack_member(
    window: Window, at: int, settings: ArchiveSettings, spool: Spool
) -> Generator[Part, None, int | Wreck]:
    """Unpack the member at offset `at`; return the offset behind it, or the Wreck (the spool then holds the rest)."""
    pieces = (window.read(start, FEED_SOUND) for start in itertools.count(at, FEED_SOUND))
    if sound := unpack_sound(pieces, min(settings.spool, LARGEST_SOUND)):
        data, packed = sound
        yield Part(data, at, at + packed, Trust.CHECKED, True, True)
        return at + packed
    inflate, position = zlib.decompressobj(31), at
    while not inflate.eof:
        chunk = window.read(position, FEED)
        if not chunk:
            return Wreck(position, TRUNCATED, f"the file ends inside the gzip member at {at}", Trust.CUT)
        before = inflate.copy() if position > at else None
        try:
            data = inflate.decompress(chunk)
        except zlib.error:
            return salvage(window, before or zlib.decompressobj(31), position, spool)
        position += len(chunk) - len(inflate.unused_data)
        yield from spool.add(data, position)
        if spool.streaming:
            window.drop(max(at, position - LOOKBACK))
    yield from spool.finish(Trust.OPEN if spool.streaming else Trust.CHECKED, position)
    return position


def salvage(window: Window, inflate: "zlib._Decompress", position: int, spool: Spool) -> Wreck:
    """Unpack byte by byte from `position` up to the damage, into the spool; say what is damaged."""
    chunk, good, error = window.read(position, FEED), [], ""
    for i in range(len(chunk)):
        try:
            good.append(inflate.decompress(chunk[i : i + 1]))
        except zlib.error as problem:
            error, position = str(problem), position + i
            break
    data = b"".join(good)
    spool.held.append(data)
    spool.size += len(data)
    if "incorrect data check" in error:
        return judge_checksum(window, position, spool)
    if "incorrect length check" in error:
        detail = f"the length in the trailer of the gzip member at {spool.at} is wrong, its checksum is right"
        return Wreck(position, CHECKSUM, detail, Trust.CHECKED, position + 1)
    cause = error.partition(": ")[2] or error
    return Wreck(position, DAMAGED, f"the gzip member at {spool.at} does not unpack: {cause}", Trust.DAMAGED)


def judge_checksum(window: Window, position: int, spool: Spool) -> Wreck:
    """Tell a damaged trailer from damaged content; `position` is that of the last byte of the stored checksum."""
    trailer, crc = window.read(position - 3, 8), 0
    for data in spool.held:  # all that the member gave, unless it is streamed, and then its records are out already
        crc = zlib.crc32(data, crc)
    differing = sum(a != b for a, b in zip(trailer[:4], crc.to_bytes(4, "little"), strict=False))
    if differing == 1 and trailer[4:] == (spool.size & 0xFFFFFFFF).to_bytes(4, "little"):
        detail = f"the checksum in the trailer of the gzip member at {spool.at} is damaged, its content is not"
        return Wreck(position, CHECKSUM, detail, Trust.CHECKED, position + 5)
    return Wreck(position, CHECKSUM, f"the gzip member at {spool.at} has a wrong checksum", Trust.SPOILED)


def accept(window: Window, at: int, limit: int) -> tuple[bool, int]:
    """Say whether a member really begins at `at`, and the bytes of work that took.

    Yes when it unpacks whole with a right checksum, or when it begins with a record head; `limit` bounds the output.
    """
    inflate, position, size, head = zlib.decompressobj(31), at, 0, b""
    while size < limit:
        chunk = window.read(position, FEED if size else HEAD_BYTES)
        if not chunk:
            return False, size
        try:
            data = inflate.decompress(chunk, HEAD_BYTES if size < HEAD_BYTES else MIB)
        except zlib.error:
            return False, size + FEED
        position += len(chunk) - len(inflate.unconsumed_tail)
        size += len(data)
        head = head if len(head) >= HEAD_BYTES else head + data
        if inflate.eof or begins_record(head):
            return True, size
    return False, size


def begins_record(data: bytes) -> bool:
    """Say whether unpacked bytes begin like a record: a WARC version line, or an ARC line."""
    return (data.startswith(b"WARC/") and data[5:6].isdigit()) or is_head(data, 0, len(data) + 1)


def gap(wreck: Wreck, start: int, end: int) -> Gap:
    """Return the gap that a wreck leaves, from the start of its member to where reading goes on."""
    return Gap(start, end, wreck.reason, f"{wreck.detail} (seen at {wreck.at})")
