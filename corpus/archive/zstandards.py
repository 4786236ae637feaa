"""One zstd frame (RFC 8878) to unpacked parts, and the dictionary convention of .warc.zst files.

The frame is walked block by block: each block states its packed size and gives at most 128 KiB, so a frame of any
size is unpacked in bounded memory and its end is known exactly. A .warc.zst file may begin with a skippable frame of
magic 0x184D2A5D that holds the dictionary of all frames behind it, plain or itself a zstd frame
(https://iipc.github.io/warc-specifications/specifications/warc-zstd/). Frames may go without a checksum; their
records are then marked as not checked.
"""

import io
from collections.abc import Generator
from typing import Any, Final

import zstandard

from corpus.archive.gzipped import HEAD_BYTES, LOOKBACK, Wreck, begins_record
from corpus.archive.records import CHECKSUM, DAMAGED, MIB, TRUNCATED, Trust
from corpus.archive.spool import Part, Spool
from corpus.archive.window import Window

MAGIC: Final = b"\x28\xb5\x2f\xfd"
DICTIONARY: Final = 0x184D2A5D
SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
MAX_DICTIONARY: Final = 64 * MIB
MAX_WINDOW: Final = 128 * MIB
"""Memory that a frame may ask for; zstd itself refuses more than this by default."""
LONGEST_HEADER: Final = 18
LARGEST_BLOCK: Final = 128 << 10
RLE, RESERVED = 1, 3

Decompressor = zstandard.ZstdDecompressor


def decompressor(dictionary: bytes | None) -> Decompressor:
    """Return what unpacks frames, with the dictionary of the file if it has one."""
    data = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
    return zstandard.ZstdDecompressor(dict_data=data, max_window_size=MAX_WINDOW)


def unpack_dictionary(data: bytes) -> bytes:
    """Return the dictionary held by a dictionary frame's content; raises ZstdError when it is damaged."""
    if not data.startswith(MAGIC):
        return data
    unpack, out, size = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj(), [], 0
    walk = blocks(Window(io.BytesIO(data)), 0)
    while size <= MAX_DICTIONARY:
        try:
            out.append(unpack.decompress(bytes(next(walk)[0])))
            size += len(out[-1])
        except StopIteration as end:
            if end.value:
                raise zstandard.ZstdError(end.value) from None
            return b"".join(out)
    raise zstandard.ZstdError(f"it is larger than {MAX_DICTIONARY} bytes")


def blocks(window: Window, at: int) -> Generator[tuple[bytearray, int, bool], None, str]:
    """Yield (bytes, offset behind them, whether they are the checksum) of a frame: its header, then each block.

    Returns "" after the whole frame, else what is wrong with it; DAMAGED or TRUNCATED stand before a colon.
    """
    header = window.read(at, LONGEST_HEADER)
    try:
        size = zstandard.frame_header_size(header)
        has_checksum = zstandard.get_frame_parameters(header).has_checksum
    except zstandard.ZstdError as error:
        return f"{DAMAGED if len(header) == LONGEST_HEADER else TRUNCATED}:{error}"
    yield header[:size], at + size, False
    position, is_last = at + size, False
    while not is_last:
        head = int.from_bytes(window.read(position, 3), "little")
        is_last, kind, size = bool(head & 1), head >> 1 & 3, head >> 3
        if kind == RESERVED or size > LARGEST_BLOCK:
            return f"{DAMAGED}:bad block header"
        block = window.read(position, 3 + (1 if kind == RLE else size))
        if len(block) < 3 + (1 if kind == RLE else size):
            return f"{TRUNCATED}:"
        position += len(block)
        yield block, position, False
    if has_checksum:
        checksum = window.read(position, 4)
        if len(checksum) < 4:
            return f"{TRUNCATED}:"
        yield checksum, position + 4, True
    return ""


def unpack_frame(window: Window, at: int, spool: Spool, unpacker: Decompressor) -> Generator[Part, None, int | Wreck]:
    """Unpack the frame at offset `at`; return the offset behind it, or the Wreck (the spool then holds the rest)."""
    unpack, position, has_checksum = unpacker.decompressobj(), at, False
    walk = blocks(window, at)
    while True:
        try:
            packed, behind, has_checksum = next(walk)
        except StopIteration as end:
            if end.value:
                return wreck(at, position, *end.value.split(":", 1))
            break
        try:
            data = unpack.decompress(bytes(packed))
        except zstandard.ZstdError as error:
            return wreck(at, position, CHECKSUM if has_checksum else DAMAGED, str(error))
        position = behind
        yield from spool.add(data, position)
        if spool.streaming:
            window.drop(max(at, position - LOOKBACK))
    yield from spool.finish(Trust.CHECKED if has_checksum and not spool.streaming else Trust.OPEN, position)
    return position


def wreck(start: int, at: int, reason: str, cause: str) -> Wreck:
    """Return the wreck of the frame at `start`, seen at offset `at`."""
    trust = {TRUNCATED: Trust.CUT, DAMAGED: Trust.DAMAGED, CHECKSUM: Trust.SPOILED}[reason]
    what = {
        TRUNCATED: f"the file ends inside the zstd frame at {start}",
        DAMAGED: f"the zstd frame at {start} does not unpack: {cause}",
        CHECKSUM: f"the zstd frame at {start} has a wrong checksum",
    }
    return Wreck(at, reason, what[reason], trust)


def accept(window: Window, at: int, limit: int, unpacker: Decompressor) -> tuple[bool, int]:
    """Say whether a frame really begins at `at` (as `gzipped.accept`), and the bytes of work that took."""
    unpack, walk, head, size = unpacker.decompressobj(), blocks(window, at), b"", 0
    while size < limit:
        try:
            packed, _, is_checksum = next(walk)
            data = unpack.decompress(bytes(packed))
        except StopIteration as end:
            return end.value == "" and is_checksum, size
        except zstandard.ZstdError:
            return False, size + LARGEST_BLOCK
        size += len(data)
        head = head if len(head) >= HEAD_BYTES else head + data[:HEAD_BYTES]
        if begins_record(head):
            return True, size
    return False, size


def skippable(data: bytes | bytearray) -> Any:
    """Return the magic number when `data` begins a skippable frame, else None."""
    magic = int.from_bytes(data[:4], "little")
    return magic if len(data) >= 4 and magic in SKIPPABLE else None
