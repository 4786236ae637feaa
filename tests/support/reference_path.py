"""The page path in its plain form: what becomes of the records of intact archives, step by step.

warcio reads, every element of a page is visited, trafilatura is as its authors made it. Run as a program on archives,
it prints one JSON object for each: the documents in order, the pages, and the votes of each. As a program, because in
the process of a test trafilatura may have been set up already.
"""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import zstandard
from plain_page import plain_clean, plain_page
from warcio.archiveiterator import ArchiveIterator
from warcio.bufferedreaders import ChunkedDataReader

from corpus.charset import header_charset
from corpus.document import document_id
from corpus.extract.media import is_html
from corpus.extract.page import Headers
from corpus.stages.ingest_records import digest
from corpus.url import Url, normalise

SAME_OWNER = 8
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.decompress,
    "deflate": lambda payload: zlib.decompress(payload, 15 if payload[:1] == b"\x78" else -15),  # both are sent
    "br": brotli.decompress,
    "zstd": lambda payload: zstandard.ZstdDecompressor().decompress(payload, max_output_size=1 << 25),
}


def payloads(path: Path) -> list[bytes]:
    """Return what follows the HTTP head of each record of an archive, as it is stored."""
    with open(path, "rb") as stream:
        return [record.raw_stream.read() for record in ArchiveIterator(stream, arc2warc=True)]


def reference(path: Path) -> dict[str, Any]:
    """Return the documents of an archive, its pages as (page, host), and their votes as (page, host, target, flags)."""
    found: dict[str, Any] = {"records": 0, "documents": [], "pages": [], "votes": []}
    stored = payloads(path)
    with open(path, "rb") as stream:
        for record, payload in zip(ArchiveIterator(stream, arc2warc=True), stored, strict=True):
            found["records"] += 1
            url = normalise(record.rec_headers.get_header("WARC-Target-URI") or "")
            if record.rec_type == "response" and record.http_headers and url:
                visit(found, record, url, payload)
    return found


def visit(found: dict[str, Any], record: Any, url: Url, payload: bytes) -> None:
    """Add what becomes of a response."""
    status, fields = int(record.http_headers.get_statuscode()), record.http_headers
    if 300 <= status < 400:
        target = normalise((fields.get_header("Location") or "").strip() or "#", url.href)
        found["votes"] += [(url.href, url.host, target.host, SAME_OWNER)] if target and target.host != url.host else []
    declared = (fields.get_header("Content-Type") or "").partition(";")[0].strip().lower()
    identified = (record.rec_headers.get_header("WARC-Identified-Payload-Type") or "").partition(";")[0]
    body = decoded(payload, fields)
    if status != 200 or not body or not is_html(body, declared, identified):
        return
    robots = [value for name, value in fields.headers if name.lower() == "x-robots-tag"]
    headers = Headers(
        charset=header_charset(fields.get_header("Content-Type")),
        language=fields.get_header("Content-Language"),
        robots=robots,
    )
    html, _, facts = plain_page(body, url, headers)
    found["pages"].append((url.href, url.host))
    found["votes"] += [(url.href, url.host, target, flags) for target, flags in facts.links]
    text = plain_clean(main_text(html))
    if text:
        uri, date = (record.rec_headers.get_header(name) or "" for name in ("WARC-Target-URI", "WARC-Date"))
        found["documents"].append(
            {
                "id": document_id(uri, date, digest(payload)).hex(),
                "url": url.href,
                "text": text,
                "title": facts.title,
                "declared_language": facts.declared_language,
                "meta_robots": facts.meta_robots,
                "canonical_url": facts.canonical_url,
                "licences": list(facts.licences),
                "charset": facts.charset,
            }
        )


def decoded(payload: bytes, fields: Any) -> bytes:
    """Return a payload without its transfer and content codings; nothing when they cannot be undone."""
    if "chunked" in (fields.get_header("Transfer-Encoding") or "").lower():
        payload = ChunkedDataReader(io.BytesIO(payload)).read()
    try:
        for coding in (fields.get_header("Content-Encoding") or "").lower().split(","):
            payload = DECODERS.get(coding.strip(), bytes)(payload)
    except (OSError, EOFError, zlib.error, brotli.error, zstandard.ZstdError):
        return b""
    return payload


def main_text(html: str) -> str:
    """Return the main text of a page as trafilatura finds it by itself."""
    import trafilatura  # noqa: PLC0415 - loaded when the first page needs it

    return trafilatura.extract(html, favor_precision=True, include_comments=False, deduplicate=False) or ""


if __name__ == "__main__":
    for name in sys.argv[1:]:
        print(json.dumps(reference(Path(name))))
