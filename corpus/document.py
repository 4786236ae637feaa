"""A document, and the reasons for not having one: the two things a processor may return.

A processor is any callable `Document -> Document | Drop`. It fills in its own field and hands the document on, or
says with a `Drop` why the document ends here. A drop is ordinary: it is counted in the ledger, never raised.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Document:
    """One page of text and where it came from. Column meanings and units stand in schema.py (DOCUMENTS)."""

    id: bytes
    url: str
    host: str
    registered_domain: str | None
    title: str | None = None
    text: str = ""
    declared_language: str | None = None
    charset: str | None = None
    charset_source: str | None = None
    http_robots: str | None = None
    meta_robots: str | None = None
    canonical_url: str | None = None
    licences: list[str] = field(default_factory=list)
    date: str | None = None
    payload_digest: str = ""
    extractor: str = ""
    warc_file: str = ""
    warc_offset: int = 0
    warc_length: int = 0


@dataclass(frozen=True, slots=True)
class Drop:
    """Why a record did not become a document. `reason` is a ledger bucket; `detail` is for a person to read."""

    reason: str
    detail: str = ""


Processor = Callable[[Document], Document | Drop]


def document_id(target_uri: str, date: str, payload_digest: str) -> bytes:
    """Return the 128-bit id (16 bytes): BLAKE2b over target URI, WARC-Date and payload digest, NUL between them.

    Stable across runs and machines: the same capture always has the same id, two captures never share one.
    """
    key = "\0".join((target_uri, date, payload_digest)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(key, digest_size=16).digest()
