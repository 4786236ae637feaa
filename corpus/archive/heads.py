"""Record heads of WARC (0.9 to 1.1) and ARC (versions 1 and 2), read strictly enough to be found again after damage.

WARC head: "WARC/1.0" and a line end, named fields, an empty line; bare line feeds are tolerated.
ARC head, one line: URL, IP address, 14-digit date, content type, [result code, checksum, location, offset, file name,]
length. Old crawlers wrote raw spaces in the URL, so the line is read from its end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import merge
from typing import Final

from corpus.archive.records import Headers, Record, Trust, decode_head, parse_fields
from corpus.archive.window import SECTOR

VERSION: Final = re.compile(rb"WARC/\d{1,2}\.\d{1,4}[ \t]*\r*\n")
NUL_VERSION: Final = re.compile(rb"[\n\0]" + VERSION.pattern)
HEAD_END: Final = re.compile(rb"\n\r*\n")
NEWLINE: Final = 0x0A
ARC_MARK: Final = re.compile(rb"(?m)^(?:filedesc|https?|ftps?|dns|whois|gopher|metadata|warcinfo|screenshot):")
SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]{0,31}:")
FIELD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9-]{0,63}:")
ARC_DATE: Final = re.compile(rb"\d{14}")
ADDRESS: Final = re.compile(rb"[0-9A-Fa-f.:]+|-")

MORE: Final = "more"
"""Answer of `read_head`: what is there may be the beginning of a head, and the rest has not been read yet."""
ARC_LINE: Final = 1 << 16
"""Longest ARC head line, in bytes."""
V2_FIELDS: Final = 6
"""Fields between date and length in an ARC version 2 line."""

Buffer = bytes | bytearray


@dataclass(slots=True)
class Head:
    """A record head that ends at index `end` of its buffer. `length` is None when Content-Length is no number."""

    end: int
    headers: Headers
    record_type: str
    length: int | None
    is_arc: bool


def read_head(data: Buffer, at: int, limit: int) -> Head | str:
    """Return the head at index `at`, or MORE, or a sentence that says why there is none."""
    if data.startswith(b"WARC/", at):
        return read_warc_head(data, at, limit)
    left = len(data) - at
    if left < len(b"WARC/") and b"WARC/".startswith(data[at:]):
        return MORE
    return read_arc_head(data, at, limit)


def read_warc_head(data: Buffer, at: int, limit: int) -> Head | str:
    """Return the WARC head at index `at`, which begins with "WARC/"."""
    end = HEAD_END.search(data, at, at + limit)
    if end is None:
        return MORE if len(data) - at < limit else f"record head of more than {limit} bytes"
    version = VERSION.match(data, at)
    if version is None:
        return "record head without a WARC version"
    nuls = data.count(0, at, end.start())
    if nuls >= SECTOR or (nuls and NUL_VERSION.search(data, version.end(), end.start())):
        return f"record head with {nuls} NUL bytes; it may go on as that of another record"
    headers = Headers(parse_fields(decode_head(data[version.end() : end.start()])))
    first = headers.first
    return Head(end.end(), headers, first.get("warc-type") or "unknown", number(first.get("content-length")), False)


def number(value: str | None) -> int | None:
    """Return a Content-Length as a number, None when it is none (missing, negative, not digits, over 19 digits)."""
    return int(value) if value and value.isascii() and value.isdigit() and len(value) < 20 else None


def read_arc_head(data: Buffer, at: int, limit: int) -> Head | str:
    """Return the ARC head line at index `at`."""
    end = data.find(b"\n", at, at + min(limit, ARC_LINE))
    if end >= 0:
        return parse_arc_line(bytes(data[at:end]), end + 1) or "no record head here"
    left = len(data) - at
    unfinished = SCHEME.match(data, at) if left > 32 else data[at : at + 1].isalpha()
    return MORE if unfinished and left < min(limit, ARC_LINE) else "no record head here"


def parse_arc_line(line: bytes, end: int) -> Head | None:
    """Return the head that an ARC line gives, None when it is no such line, or one that runs on over lost bytes."""
    if not SCHEME.match(line) or line.count(0) >= SECTOR:
        return None
    words = line.rstrip(b"\r").split(b" ")
    for i in range(len(words) - 2, max(len(words) - 13, 1), -1):
        if ARC_DATE.fullmatch(words[i]) and ADDRESS.fullmatch(words[i - 1]) and words[-1].isdigit():
            return arc_head(words, i, end)
    return None


def arc_head(words: list[bytes], date: int, end: int) -> Head:
    """Return the head for the words of an ARC line, the date being word number `date`."""
    uri, day = decode_head(b" ".join(words[: date - 1])), words[date].decode()
    between = [decode_head(word) for word in words[date + 1 : -1]]
    kind = between[0] if len(between) == V2_FIELDS else " ".join(between)
    is_http = uri.lower().startswith(("http:", "https:"))
    record_type = "warcinfo" if uri.startswith("filedesc:") else "response"
    fields = [
        ("WARC-Type", record_type),
        ("WARC-Target-URI", uri),
        ("WARC-Date", f"{day[:4]}-{day[4:6]}-{day[6:8]}T{day[8:10]}:{day[10:12]}:{day[12:]}Z"),
        ("WARC-IP-Address", words[date - 1].decode()),
        ("Content-Type", "application/http; msgtype=response" if is_http else kind),
        ("ARC-Content-Type", kind),
        ("Content-Length", words[-1].decode()),
    ]
    return Head(end, Headers(fields), record_type, number(words[-1].decode()), True)


def find_head(
    data: Buffer, at: int, limit: int, final: bool, is_arc: bool | None, end: int | None = None
) -> tuple[int, int]:
    """Search `data` from index `at` to `end` for a whole, sound head; return (index or -1, index to keep bytes from).

    `is_arc` restricts the search to the format of the file (None: either). Unless `final`, bytes at the end that may
    be the beginning of a head are to be kept and searched again with what follows. Time is linear in the bytes.
    """
    end = len(data) if end is None else end
    for place in head_places(data, at, end, limit, is_arc):
        head = read_head(data, place, limit)
        if isinstance(head, Head) and head.length is not None and head.record_type != "unknown":
            return place, place
        if head == MORE and not final:
            return -1, place
    line = data.rfind(b"\n", at, end) if is_arc is not False else -1
    near = max(at, end - 16)
    return -1, line if line >= 0 and end - line < ARC_LINE else near


def head_places(data: Buffer, at: int, end: int, limit: int, is_arc: bool | None) -> Iterator[int]:
    """Yield, in order, where a record head may begin."""
    warc = iter(()) if is_arc else warc_places(data, at, end, limit)
    arc = iter(()) if is_arc is False else (found.start() for found in ARC_MARK.finditer(data, at, end))
    return merge(warc, arc)


def warc_places(data: Buffer, at: int, stop: int, limit: int) -> Iterator[int]:
    """Yield where WARC heads may begin: per empty line the last version line before it, and one that has none yet."""
    place, end = -1, -1
    for mark in VERSION.finditer(data, at, stop):
        if mark.start() >= end:
            if place >= 0 and end - place <= limit:
                yield place
            place = mark.start()
            found = HEAD_END.search(data, place)
            end = found.end() if found else len(data) + 1
        elif data[mark.start() - 1] in (NEWLINE, 0):
            place = mark.start()
    if place >= 0 and end - place <= limit:
        yield place


def is_nearly_head(data: bytes) -> bool:
    """Say whether `data` begins with a WARC head whose version line is damaged: a byte or two off, fields behind it."""
    line, _, rest = data.partition(b"\n")
    line = line.strip()
    if line.startswith((b"WARC/0.", b"WARC/1.")):
        return True
    alike = len(line) <= 12 and SequenceMatcher(None, line, b"WARC/1.0", autojunk=False).ratio() >= 0.75
    return alike and FIELD.match(rest) is not None


def is_head(data: Buffer, at: int, limit: int) -> bool:
    """Say whether a whole record head stands at index `at`."""
    return isinstance(read_head(data, at, limit), Head)


def record_of(
    head: Head, block: bytes | None, digest: str, trust: Trust, *, file: str, offset: int, length: int
) -> Record:
    """Return the record of `head` and `block` that lies at `offset`."""
    first = head.headers.first
    return Record(
        file=file,
        offset=offset,
        length=length,
        record_type=head.record_type,
        headers=head.headers,
        target_uri=bare_uri(first.get("warc-target-uri")),
        date=first.get("warc-date"),
        content_type=first.get("content-type"),
        size=head.length or 0,
        block=block,
        digest=digest,
        checked=trust == Trust.CHECKED,
    )


def bare_uri(value: str | None) -> str | None:
    """Return a target URI without the angle brackets that old crawlers wrote around it."""
    return value[1:-1].strip() if value and value.startswith("<") and value.endswith(">") else value
