"""Chunked transfer coding (RFC 9112, section 7.1), read as crawls store it.

Many archives hold bodies that say "chunked" and are not, because the crawler joined the chunks and kept the header.
So a body whose first chunk does not parse is given back as it is, and one that breaks later gives what came before.
"""

import re
from dataclasses import dataclass
from typing import Final

CHUNK_SIZE: Final = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")


@dataclass(frozen=True, slots=True)
class Joined:
    """A body without chunk sizes. `note` is "" when all was well, "not-chunked", "bad-chunk" or "truncated"."""

    body: bytes
    note: str = ""


def dechunk(data: bytes) -> Joined:
    """Return the joined chunks of `data`."""
    parts: list[bytes] = []
    at = 0
    while found := CHUNK_SIZE.match(data, at):
        size, start = int(found[1], 16), found.end()
        if size == 0:
            return Joined(b"".join(parts))
        if start + size > len(data) and not parts and size > len(data):
            break
        parts.append(data[start : start + size])
        at = start + size
        if at >= len(data):
            return Joined(b"".join(parts), "truncated")
        ending = 2 if data.startswith(b"\r\n", at) else 1 if data.startswith(b"\n", at) else 0
        if not ending:
            break
        at += ending
    return broken(data, parts, at)


def broken(data: bytes, parts: list[bytes], at: int) -> Joined:
    """Return what there is when no chunk size stands at index `at`: nothing there, no chunks at all, or a bad size."""
    if parts and not data[at:].strip():
        return Joined(b"".join(parts), "truncated")
    if len(parts) <= 1 and not (parts and CHUNK_SIZE.match(data) and data[at - 1 : at] == b"\n"):
        return Joined(data, "not-chunked")
    return Joined(b"".join(parts) + data[at:], "bad-chunk")
