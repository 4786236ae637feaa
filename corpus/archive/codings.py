"""HTTP content codings (RFC 9110, section 8.4.1) undone, within a limit of bytes: gzip, deflate, br, zstd.

Crawls hold bodies that name a coding and are not coded (the crawler decoded them and kept the header), bodies that
end early, and bombs. So each decoder says how it went, gives what can be had, and never holds more than the limit
plus one step. "deflate" should be a zlib stream (RFC 1950) and is often bare deflate (RFC 1951): both are read.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import brotli
import zstandard

from corpus.archive.sound import unpack_sound

STEP: Final = 1 << 20
"""Unpacked bytes asked of a decoder at a time."""
FEED: Final = 16 << 10
"""Packed bytes given to zlib at a time."""
SALVAGE: Final = 1 << 10
"""Packed bytes unpacked at a time when the place of an error is looked for."""
ZSTD_FEED: Final = 1 << 10
"""Packed bytes given to zstd at a time; a block of 4 bytes gives up to 128 KiB."""
ZSTD_WINDOW: Final = 8 << 20
"""Largest zstd window for HTTP (RFC 9659)."""
GZIP_MAGIC, ZSTD_MAGIC = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
TEXT: Final = bytes(range(32, 256)) + b"\t\n\r\f"


class Oversize(Exception):  # noqa: N818 - a signal inside the package, not an error a caller meets
    """The decoded body is larger than the limit."""


class Undecodable(Exception):  # noqa: N818 - the same
    """Nothing can be had from the body."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded body; `note` is "" when all was well, else "not-coded", "truncated", "damaged" or "trailing-bytes"."""

    body: bytes
    note: str = ""


class Decoder(Protocol):
    """Part of the interface of zlib's decompression objects."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, max_length: int = 0, /) -> bytes: ...
    def copy(self) -> "Decoder": ...


class Bounded:
    """Collects decoded bytes up to `limit`; raises Oversize beyond."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self.pieces: list[bytes] = []

    def add(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self.limit:
            raise Oversize
        self.pieces.append(data)

    def done(self, note: str = "") -> Decoded:
        return Decoded(b"".join(self.pieces), note)


def decode_gzip(data: bytes, limit: int) -> Decoded:
    """Undo "gzip": all members; bytes behind the last one are left out."""
    if not data.startswith(GZIP_MAGIC):
        return Decoded(data, "not-coded")
    sound = unpack_sound((data,), limit)
    if sound and sound[1] == len(data):
        return Decoded(sound[0])
    out, note, rest = Bounded(limit), "", memoryview(data)
    while rest[:2] == GZIP_MAGIC and not note:
        note, rest = inflate(zlib.decompressobj(31), rest, out)
    if not out.size and note == "damaged":
        raise Undecodable("no byte of its gzip coding can be unpacked")
    return out.done(note or trailing(rest))


def decode_deflate(data: bytes, limit: int) -> Decoded:
    """Undo "deflate", as a zlib stream or bare; text that is neither was not coded."""
    is_zlib = len(data) > 1 and data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
    for wbits in (15, -15) if is_zlib else (-15,):
        out = Bounded(limit)
        note, rest = inflate(zlib.decompressobj(wbits), memoryview(data), out)
        if note == "damaged" and (not out.size or looks_like_text(data)):
            continue
        return out.done(note or trailing(rest))
    return not_coded(data, "deflate")


def inflate(decoder: Decoder, data: memoryview, out: Bounded) -> tuple[str, memoryview]:
    """Unpack one zlib stream into `out`; return (note, what follows it). Time is linear: zlib copies what it leaves."""
    while True:
        before, fed = decoder.copy(), data[:FEED]
        try:
            piece = decoder.decompress(fed, STEP)
        except zlib.error:
            salvage(before, fed, out)
            return "damaged", data[:0]
        out.add(piece)
        data = data[len(fed) - len(decoder.unconsumed_tail) - len(decoder.unused_data) :]
        if decoder.eof:
            return "", data
        if not piece and not data:
            return "truncated", data


def salvage(decoder: Decoder, data: memoryview, out: Bounded) -> None:
    """Unpack into `out` all that `data` gives before the error it holds: in steps, the failing one byte by byte."""
    for size in (SALVAGE, 1):
        try:
            while data:
                before = decoder.copy() if size > 1 else decoder
                out.add(decoder.decompress(data[:size]))
                data = data[size:]
        except zlib.error:
            decoder, data = before, data[:SALVAGE]


def trailing(rest: memoryview) -> str:
    """Return the note for what follows a coded body: nothing and NULs are none."""
    return "trailing-bytes" if bytes(rest).strip(b"\0") else ""


def decode_br(data: bytes, limit: int) -> Decoded:
    """Undo "br" (RFC 7932), which has no magic: text that does not decode was not coded."""
    out, decoder, feed = Bounded(limit), brotli.Decompressor(), data
    try:
        while not decoder.is_finished():
            piece = decoder.process(feed, output_buffer_limit=STEP)
            out.add(piece)
            feed = b""
            if not piece and decoder.can_accept_more_data():
                break
    except brotli.error:
        return out.done("damaged") if out.size and not looks_like_text(data) else not_coded(data, "br")
    return out.done("" if decoder.is_finished() else "truncated")


def decode_zstd(data: bytes, limit: int) -> Decoded:
    """Undo "zstd" (RFC 8878), one frame or several."""
    if not data.startswith(ZSTD_MAGIC):
        return Decoded(data, "not-coded")
    out, unpacker = Bounded(limit), zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW)
    decoder = unpacker.decompressobj()
    try:
        for piece in feeds(data):
            rest = piece
            while rest:
                decoder = unpacker.decompressobj() if decoder.eof else decoder
                out.add(decoder.decompress(rest))
                rest = decoder.unused_data if decoder.eof else b""
    except zstandard.ZstdError as error:
        if not out.size:
            raise Undecodable(f"its zstd coding cannot be unpacked: {error}") from error
        return out.done("damaged")
    return out.done("" if decoder.eof else "truncated")


def feeds(data: bytes) -> Iterator[bytes]:
    """Yield `data` in small pieces."""
    return (data[i : i + ZSTD_FEED] for i in range(0, len(data), ZSTD_FEED))


def not_coded(data: bytes, coding: str) -> Decoded:
    """Return a body that was never coded, if it looks like text; raise Undecodable if not."""
    if looks_like_text(data):
        return Decoded(data, "not-coded")
    raise Undecodable(f"no byte of its {coding} coding can be unpacked")


def looks_like_text(data: bytes) -> bool:
    """Say whether the first KiB holds no control characters but line ends and tabs."""
    return not data[:1024].translate(None, TEXT)


DECODERS: Final[dict[str, Callable[[bytes, int], Decoded]]] = {
    "gzip": decode_gzip,
    "x-gzip": decode_gzip,
    "deflate": decode_deflate,
    "br": decode_br,
    "zstd": decode_zstd,
}
"""Content codings by name."""
