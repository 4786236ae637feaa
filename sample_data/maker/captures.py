"""What a crawler saw: an HTTP exchange with the label that says what it is and what ingest must do with it."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

CRAWL_START = datetime(2025, 10, 6, 4, 0, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Label:
    """Ground truth of one record; empty fields are left out of the labels file."""

    kind: str
    expect: str = "document"
    language: str = ""
    charset: str = ""
    of: str = ""
    jaccard: float | None = None
    shingles: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One fetched URL. `extra` holds HTTP headers beside content type and length."""

    url: str
    body: bytes
    label: Label
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    extra: tuple[tuple[str, str], ...] = ()
    file: str = ""
    chunked: bool = False
    warc_extra: tuple[tuple[str, str], ...] = field(default=())


def hashed(*parts: str) -> int:
    """A fixed number for some strings, the generator's only source of variety."""
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:8], "big")


def crawl_date(url: str) -> str:
    """When the crawler fetched this URL: a fixed moment within ten days of the crawl's start."""
    moment = CRAWL_START + timedelta(seconds=hashed("fetched", url) % (10 * 86_400))
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
