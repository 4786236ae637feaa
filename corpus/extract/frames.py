"""The messages between a process and its worker: a kind, a JSON header, bytes.

Both ends are ours, but what passes between them comes from crawls, so it is plain values only: nothing on this wire
can make code run. A frame is one byte of kind, two lengths (big-endian, 4 bytes each), the header and the payload.

    parent to worker   C configuration
                       U unit: what to read, the item to begin with, the mark of its place, verdicts on items
    worker to parent   H ready
                       B batch: the rows of the next items, the mark of what follows them; payload: their texts
                       D done: complete (or to be gone on with by a fresh worker), spent
                       X failed: kind, message
"""

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, Final

from corpus.errors import PipelineError

HEAD: Final = struct.Struct(">cII")
MOST: Final = 1 << 30
"""Longest header or payload in bytes; more means that the stream is out of step."""

CONFIGURE, UNIT, READY, BATCH, DONE, FAILED = b"C", b"U", b"H", b"B", b"D", b"X"

Frame = tuple[bytes, dict[str, Any], bytes]


def pack(kind: bytes, header: Mapping[str, Any] | None = None, payload: bytes = b"") -> bytes:
    """Return a frame as bytes."""
    head = json.dumps(header, separators=(",", ":")).encode() if header else b""
    return b"".join((HEAD.pack(kind, len(head), len(payload)), head, payload))


def unpack(kind: bytes, head: bytes, payload: bytes) -> Frame:
    """Return the frame of a kind, its encoded header and its payload."""
    return kind, json.loads(head) if head else {}, payload


def lengths(head: bytes) -> tuple[bytes, int, int]:
    """Return kind, header length and payload length; raises PipelineError when they cannot be."""
    kind, header, payload = HEAD.unpack(head)
    if max(header, payload) > MOST:
        raise PipelineError(f"worker: a frame of {max(header, payload):,} bytes; its stream is out of step")
    return kind, header, payload


def read_frame(stream: BinaryIO) -> Frame | None:
    """Return the next frame of a blocking stream, None at its end."""
    head = stream.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    kind, header, payload = lengths(head)
    encoded, body = stream.read(header), stream.read(payload)
    return unpack(kind, encoded, body) if len(body) == payload and len(encoded) == header else None


class Unpacker:
    """Frames from bytes as they come."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Take bytes and yield the frames that are complete."""
        self._buffer += data
        while len(self._buffer) >= HEAD.size:
            kind, header, payload = lengths(bytes(self._buffer[: HEAD.size]))
            middle, end = HEAD.size + header, HEAD.size + header + payload
            if len(self._buffer) < end:
                return
            frame = unpack(kind, bytes(self._buffer[HEAD.size : middle]), bytes(self._buffer[middle:end]))
            del self._buffer[:end]
            yield frame
