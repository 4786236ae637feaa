"""Is it HTML? By Content-Type, by what the crawler identified, and by the first bytes (WHATWG MIME Sniffing, 7.1).

A declared HTML type is believed unless the body begins like a well-known binary format. A missing, malformed or
catch-all type is settled by what the crawler identified (WARC-Identified-Payload-Type), else by sniffing. Plain text
stays plain text, as in browsers, unless the crawler identified it as HTML.
"""

import re
from typing import Final

HTML: Final = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_VAGUE: Final = frozenset(
    {"application/octet-stream", "application/x-unknown", "unknown/unknown", "application/unknown", "*/*"}
)
_OFTEN_HTML: Final = frozenset({"text/plain", "text/xml", "application/xml"})
_BINARY: Final = (
    b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"PK\x03\x04", b"\x1f\x8b", b"RIFF", b"wOFF", b"wOF2",
    b"OggS", b"\x00\x00\x01\x00", b"\xd0\xcf\x11\xe0", b"Rar!", b"7z\xbc\xaf", b"\x7fELF", b"%!PS",
)  # fmt: skip
_TAG: Final = re.compile(
    rb"(?:\xef\xbb\xbf)?[\t\n\f\r ]*<(?:(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body"
    rb"|br|p|meta)[ >]|!--)",
    re.IGNORECASE,
)


def is_html(body: bytes, declared: str, identified: str | None = None) -> bool:
    """Say whether a payload is an HTML page; `declared` and `identified` are media types without parameters."""
    declared, identified = declared.strip().lower(), (identified or "").strip().lower()
    if declared in HTML:
        return not body.startswith(_BINARY)
    if identified in HTML:
        return declared in _VAGUE | _OFTEN_HTML or "/" not in declared
    if identified and identified not in _VAGUE | _OFTEN_HTML:
        return False
    return (declared in _VAGUE or "/" not in declared) and _TAG.match(body) is not None
