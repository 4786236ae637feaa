"""The HTTP response in a record's block (RFC 9110 and 9112), read as crawls store it.

Servers lie and crawlers tidy up: a status line without reason phrase, folded headers, a Content-Length that is wrong,
"chunked" bodies that are not, a coding that is named and was undone (Common Crawl then renames the header to
X-Crawler-Content-Encoding). What can be read is read, and every departure is noted by name in `notes`.
"""

import re
from dataclasses import dataclass
from typing import Final

from corpus.archive.chunks import dechunk
from corpus.archive.codings import DECODERS, Oversize, Undecodable
from corpus.archive.heads import HEAD_END
from corpus.archive.records import KIB, MIB, Headers, Record, decode_head, parse_fields
from corpus.settings import require

STATUS_LINE: Final = re.compile(
    rb"[\r\n]{0,8}(HTTP|ICY)(?:/([0-9.]{1,8}))?[ \t]+(\d{3})(?:[ \t]+([^\r\n]*))?[ \t]*\r*\n?"
)
MOST_CODINGS: Final = 8
"""More stacked codings than this are hostile."""
IDENTITY: Final = ("", "identity", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Limits in bytes: a larger decoded body ends as problem "oversize", a larger head as "bad-head"."""

    max_body: int = 32 * MIB
    max_head: int = 256 * KIB

    def __post_init__(self) -> None:
        require(self.max_body >= 1, self, "max_body", "it must be at least 1 byte")
        require(self.max_head >= KIB, self, "max_head", "it must be at least 1 KiB (1024)")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpHead:
    """Status line and headers; `size` is the bytes they take in the block, up to where the body begins."""

    status: int
    phrase: str
    version: str
    headers: Headers
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """A response with its body de-chunked and decoded. `truncated`: the body ends early, this is what there is."""

    status: int
    phrase: str = ""
    version: str = ""
    headers: Headers
    body: bytes
    truncated: bool = False
    notes: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, lower case; "" when there is none."""
        return (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProblem:
    """Why there is no response: "not-http", "bad-head", "oversize" or "undecodable". `head` is what was read of it."""

    reason: str
    detail: str
    head: HttpHead | None = None


def parse_head(block: bytes, settings: HttpSettings | None = None) -> HttpHead | HttpProblem:
    """Return status and headers of the response in `block`; interim (1xx) heads before it are passed."""
    settings = settings or HttpSettings()
    start = 0
    while True:
        head = parse_head_at(block, start, settings)
        interim = isinstance(head, HttpHead) and head.status < 200 and STATUS_LINE.match(block, head.size)
        if not interim or not isinstance(head, HttpHead):
            return head
        start = head.size


def parse_head_at(block: bytes, start: int, settings: HttpSettings) -> HttpHead | HttpProblem:
    """Return the head at index `start`."""
    line = STATUS_LINE.match(block, start)
    if line is None:
        return HttpProblem(reason="not-http", detail=f"the block begins with {block[start : start + 24]!r}")
    end = HEAD_END.search(block, line.end() - 1, start + settings.max_head)
    if end is None and len(block) - start > settings.max_head:
        return HttpProblem(reason="bad-head", detail=f"HTTP head of more than {settings.max_head} bytes")
    fields = block[line.end() : end.start() if end else len(block)]
    return HttpHead(
        status=int(line[3]),
        phrase=decode_head(line[4] or b"").strip(),
        version=decode_head(line[2] or b""),
        headers=Headers(parse_fields(decode_head(fields))),
        size=end.end() if end else len(block),
    )


def parse_response(block: bytes, settings: HttpSettings | None = None) -> HttpResponse | HttpProblem:
    """Return the response in `block`, its body de-chunked and decoded, or what is wrong with it."""
    settings = settings or HttpSettings()
    head = parse_head(block, settings)
    return head if isinstance(head, HttpProblem) else read_body(head, block, settings)


def parse_payload(record: Record, settings: HttpSettings | None = None) -> HttpResponse | HttpProblem:
    """Return what a record with a block holds: its HTTP response, or for a resource or conversion the block as a
    response of status 200 with the record's Content-Type (note "no-http").
    """
    block = record.block or b""
    kind = (record.content_type or "").lower()
    if record.record_type in ("response", "revisit") or kind.startswith("application/http"):
        return parse_response(block, settings)
    if len(block) > (settings or HttpSettings()).max_body:
        return HttpProblem(reason="oversize", detail=f"block of {len(block)} bytes")
    headers = Headers([("Content-Type", record.content_type)] if record.content_type else [])
    return HttpResponse(status=200, headers=headers, body=block, notes=("no-http",))


def read_body(head: HttpHead, block: bytes, settings: HttpSettings) -> HttpResponse | HttpProblem:
    """Return the response of `block` whose head has been read."""
    body, notes = block[head.size :], []
    transfer = coding_names(head.headers, "Transfer-Encoding")
    if "chunked" in transfer:
        joined = dechunk(body)
        body = joined.body
        notes += [joined.note] if joined.note else []
    else:
        notes += length_notes(head.headers, len(body))
    codings = coding_names(head.headers, "Content-Encoding") + [name for name in transfer if name != "chunked"]
    try:
        body = undo_codings(body, codings, settings.max_body, notes)
    except Oversize:
        return HttpProblem(reason="oversize", detail=f"body of more than {settings.max_body} bytes", head=head)
    except Undecodable as error:
        return HttpProblem(reason="undecodable", detail=str(error), head=head)
    return HttpResponse(
        status=head.status,
        phrase=head.phrase,
        version=head.version,
        headers=head.headers,
        body=body,
        truncated="truncated" in notes or "damaged" in notes,
        notes=tuple(notes),
    )


def coding_names(headers: Headers, name: str) -> list[str]:
    """Return the codings that a header names, lower case, in the order they were applied."""
    values = ",".join(headers.get_all(name)).split(",")
    return [value.strip().strip("\"'").lower() for value in values]


def length_notes(headers: Headers, got: int) -> list[str]:
    """Return a note when Content-Length is not the length of the body; the body is taken as it is."""
    value = headers.get("Content-Length") or ""
    if not value.isascii() or not value.isdigit() or len(value) > 19:
        return ["bad-content-length"] if value else []
    return [] if int(value) == got else ["short-body" if got < int(value) else "long-body"]


def undo_codings(body: bytes, names: list[str], limit: int, notes: list[str]) -> bytes:
    """Undo codings, last applied first; raises Oversize or Undecodable. What no decoder knows is left as it is."""
    names = [name for name in names if name not in IDENTITY]
    if len(names) > MOST_CODINGS:
        raise Undecodable(f"{len(names)} content codings on one body")
    for name in reversed(names):
        decoder = DECODERS.get(name)
        if decoder is None:
            notes.append("unknown-coding")
            continue
        decoded = decoder(body, limit) if body else None
        body = decoded.body if decoded else body
        notes += [decoded.note] if decoded and decoded.note else []
    if len(body) > limit:
        raise Oversize
    return body
