"""What a record is to become: its bucket, or the page that has to be parsed, or (WET) its document at once."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Final

from corpus.archive.http import HttpHead, HttpProblem, HttpResponse, HttpSettings, parse_head, read_body
from corpus.archive.records import Fault, Record
from corpus.archive.records import Headers as Fields
from corpus.charset import header_charset
from corpus.document import Document, Drop, document_id
from corpus.extract.cleaning import clean, one_line
from corpus.extract.media import is_html
from corpus.extract.page import Headers
from corpus.extract.request import PageRequest, PageResult
from corpus.links import Flag
from corpus.url import Url, normalise

PAGELESS: Final = frozenset({"request", "metadata", "warcinfo", "revisit", "continuation"})
PROBLEMS: Final = {"oversize": "oversize"}
"""Buckets of HTTP problems by their reason; the others are `undecodable`."""
NO_BYTES: Final = memoryview(b"")


@dataclass(slots=True, kw_only=True)
class Entry:
    """A record or fault on its way to its bucket. `request` is the page to parse, `document` what it became.

    `links` are distinct (target host, flags); `parsed` says that they are those of a parsed page; `payload` is what the
    digest of a document is of, the payload as stored (hashed once it is a document: that takes as long as all else
    here); `robots` the X-Robots-Tag.
    """

    file: str
    offset: int
    length: int
    record_type: str
    target_uri: str | None
    bucket: str = ""
    detail: str | None = None
    url: Url | None = None
    date: str | None = None
    payload: memoryview = NO_BYTES
    robots: str | None = None
    links: list[tuple[str, int]] = field(default_factory=list)
    parsed: bool = False
    request: PageRequest | None = None
    document: Document | None = None
    replaced: int = 0
    fault: Fault | None = None

    def drop(self, bucket: str, detail: str | None = None) -> "Entry":
        """Settle that this does not become a document."""
        self.bucket, self.detail, self.request, self.document = bucket, detail, None, None
        return self


def judge(item: Record | Fault, http: HttpSettings, keep_truncated: bool) -> Entry:
    """Return the entry of an archive's item, as far as it can be settled without parsing a page."""
    if isinstance(item, Fault):
        return damaged(item)
    entry = Entry(
        file=item.file,
        offset=item.offset,
        length=item.length,
        record_type=item.record_type,
        target_uri=item.target_uri,
        date=item.date,
    )
    if item.record_type in PAGELESS:
        if item.record_type == "revisit" and item.block:
            entry.url = normalise(item.target_uri or "")
            redirect(entry, parse_head(item.block, http))
        return entry.drop(item.record_type)
    if item.record_type not in ("response", "resource", "conversion"):
        return entry.drop("unknown_type", f"WARC-Type {item.record_type[:100]!r}")
    entry.url = normalise(item.target_uri or "")
    if entry.url is None:
        return entry.drop("resource" if item.record_type == "resource" else "url")
    if item.block is None:
        return entry.drop("oversize", f"record of {item.size:,} bytes")
    cut = item.headers.get("WARC-Truncated")
    if cut:
        entry.detail = f"truncated: {cut[:100]}"
        if not keep_truncated:
            return entry.drop("truncated", entry.detail)
    return {"response": response, "resource": resource, "conversion": conversion}[item.record_type](
        entry, item, item.block, http, keep_truncated
    )


def damaged(fault: Fault) -> Entry:
    """Return the entry of a fault."""
    return Entry(
        file=fault.file,
        offset=fault.offset,
        length=fault.length,
        record_type="fault",
        target_uri=fault.target_uri,
        fault=fault,
    ).drop("damaged", f"{fault.reason}: {fault.detail}" if fault.detail else fault.reason)


def response(entry: Entry, record: Record, block: bytes, http: HttpSettings, keep_truncated: bool) -> Entry:
    """Settle a response: status, then coding, then media type."""
    head = parse_head(block, http)
    if isinstance(head, HttpProblem):
        return entry.drop("undecodable", f"{head.reason}: {head.detail}")
    redirect(entry, head)
    if head.status != 200:
        return entry.drop("status", str(head.status))
    entry.payload = memoryview(block)[head.size :]
    entry.robots = one_line(", ".join(head.headers.get_all("X-Robots-Tag")), 1000)
    declared = media_type(head.headers)
    identified = (record.headers.get("WARC-Identified-Payload-Type") or "").partition(";")[0]
    if "/" in declared and not is_html(b"<html>", declared, identified):
        return entry.drop("not_html", declared[:200])  # no need to decode it
    found = read_body(head, block, http)
    if isinstance(found, HttpProblem):
        return entry.drop(PROBLEMS.get(found.reason, "undecodable"), f"{found.reason}: {found.detail}")
    if found.truncated:
        entry.detail = entry.detail or f"truncated: the body ends early ({', '.join(found.notes)})"
        if not keep_truncated:
            return entry.drop("truncated", entry.detail)
    return page(entry, found, declared, identified)


def resource(entry: Entry, record: Record, block: bytes, http: HttpSettings, keep_truncated: bool) -> Entry:
    """Settle a resource: its block is the payload, its Content-Type the media type."""
    entry.payload = memoryview(block)
    fields = Fields([("Content-Type", record.content_type)] if record.content_type else [])
    identified = (record.headers.get("WARC-Identified-Payload-Type") or "").partition(";")[0]
    if len(block) > http.max_body:
        return entry.drop("oversize", f"block of {len(block):,} bytes")
    found = HttpResponse(status=200, headers=fields, body=block)
    return page(entry, found, media_type(fields), identified)


def conversion(entry: Entry, record: Record, block: bytes, http: HttpSettings, keep_truncated: bool) -> Entry:
    """Settle a conversion: plain text (a WET record) is a document at once."""
    declared = (record.content_type or "").partition(";")[0].strip().lower()
    if declared and declared != "text/plain":
        return entry.drop("not_html", declared[:200])
    if len(block) > http.max_body:
        return entry.drop("oversize", f"block of {len(block):,} bytes")
    entry.payload = memoryview(block)
    raw = block.decode("utf-8", "replace")
    text = clean(raw)
    if not text:
        return entry.drop("empty", "no text")
    entry.replaced = raw.count("\ufffd")
    entry.bucket = "document"
    entry.document = document(entry, text, "wet")
    entry.document.charset, entry.document.charset_source = "utf-8", "warc"
    return entry


def page(entry: Entry, found: HttpResponse, declared: str, identified: str) -> Entry:
    """Settle an HTTP payload: ask for its page to be parsed, if it is one."""
    if not found.body:
        return entry.drop("empty", "no payload")
    if not is_html(found.body, declared, identified):
        return entry.drop("not_html", declared[:200] or "no media type, and it does not look like HTML")
    headers = Headers(
        charset=header_charset(found.headers.get("Content-Type")),
        language=found.headers.get("Content-Language"),
        robots=[value[:1000] for value in found.headers.get_all("X-Robots-Tag")[:16]],
    )
    if entry.url:
        entry.request = PageRequest(body=found.body, url=entry.url, headers=headers)
    return entry


def redirect(entry: Entry, head: HttpHead | HttpProblem) -> None:
    """Note where a redirect leads: to another address of the same owner."""
    if isinstance(head, HttpProblem) or not 300 <= head.status < 400 or entry.url is None:
        return
    target = normalise((head.headers.get("Location") or "").strip() or "#", entry.url.href)
    if target and target.host != entry.url.host:
        entry.links.append((target.host, int(Flag.SAME_OWNER)))


def page_document(entry: Entry, result: PageResult) -> None:
    """Settle a parsed page."""
    facts = result.facts
    if facts:
        entry.replaced = facts.replaced
    if result.drop or not facts:
        drop = result.drop or Drop("crash", "no answer")
        entry.drop(drop.reason, drop.detail or None)
        return
    entry.bucket = "document"
    entry.document = found = document(entry, result.text, result.extractor)
    found.title, found.declared_language = facts.title, facts.declared_language
    found.charset, found.charset_source = facts.charset, facts.charset_source
    found.meta_robots, found.canonical_url = facts.meta_robots, facts.canonical_url
    found.licences = list(facts.licences)


def document(entry: Entry, text: str, extractor: str) -> Document:
    """Return the document of an entry, with what its record says."""
    if entry.url is None:
        raise ValueError(f"{entry.file} at {entry.offset}: a document without URL")
    payload_digest = digest(entry.payload)
    return Document(
        id=document_id(entry.target_uri or "", entry.date or "", payload_digest),
        url=entry.url.href,
        host=entry.url.host,
        registered_domain=entry.url.registered_domain,
        text=text,
        date=entry.date[:100] if entry.date else None,
        payload_digest=payload_digest,
        http_robots=entry.robots,
        extractor=extractor,
        warc_file=entry.file,
        warc_offset=entry.offset,
        warc_length=entry.length,
    )


def media_type(headers: Fields) -> str:
    """Return the media type of Content-Type in lower case, "" when there is none."""
    return (headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def digest(payload: memoryview) -> str:
    """Return the payload digest as archives write it: sha1: and base32."""
    return "sha1:" + base64.b32encode(hashlib.sha1(payload, usedforsecurity=False).digest()).decode()
