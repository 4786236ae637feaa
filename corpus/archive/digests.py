"""Digests that records carry: WARC-Block-Digest and WARC-Payload-Digest, "algorithm:value".

The standard leaves the spelling open. Seen in archives: base32 (the custom), hexadecimal, base64 and URL-safe base64,
with and without padding. A payload is the block without its HTTP head; some writers hash a chunked body as it was
sent, others after joining the chunks, so either is right.
"""

import base64
import binascii
import hashlib
from typing import Final

from corpus.archive.chunks import dechunk
from corpus.archive.records import Headers

ALGORITHMS: Final = {
    name: name.replace("-", "") if name.startswith("sha-") else name
    for name in (
        "md5",
        "sha1",
        "sha-1",
        "sha224",
        "sha-224",
        "sha256",
        "sha-256",
        "sha384",
        "sha-384",
        "sha512",
        "sha-512",
    )
}


def check_digest(headers: Headers, record_type: str, block: bytes | None) -> str:
    """Return "ok", "mismatch", "absent" or "unknown"; the block digest decides where there is one."""
    declared = headers.get("WARC-Block-Digest")
    if declared is not None:
        return "unknown" if block is None else compare(declared, (block,))
    declared = headers.get("WARC-Payload-Digest")
    if declared is None:
        return "absent"
    if block is None or record_type in ("revisit", "continuation") or "WARC-Truncated" in headers:
        return "unknown"  # the digest is that of a payload which is not, or not wholly, in this record
    return compare(declared, payloads(block))


def payloads(block: bytes) -> tuple[bytes, ...]:
    """Return what may count as the payload of a block."""
    if not block.startswith(b"HTTP/"):
        return (block,)
    body = block.partition(b"\r\n\r\n")[2]
    joined = dechunk(body)
    return (body,) if joined.body == body else (body, joined.body)


def compare(declared: str, contents: tuple[bytes, ...]) -> str:
    """Return "ok" when `declared` is the digest of one of `contents`, "mismatch", or "unknown"."""
    algorithm, _, value = declared.strip().partition(":")
    name = ALGORITHMS.get(algorithm.strip().lower())
    if name is None:
        return "unknown"
    found = [hashlib.new(name, content, usedforsecurity=False).digest() for content in contents]
    spellings = readings(value.strip(), len(found[0]))
    if not spellings:
        return "unknown"
    return "ok" if any(digest in spellings for digest in found) else "mismatch"


def readings(value: str, size: int) -> list[bytes]:
    """Return each way to read `value` as a digest of `size` bytes."""
    bare = value.rstrip("=")
    base32 = bare.upper() + "=" * (-len(bare) % 8)
    base64_value = bare.replace("-", "+").replace("_", "/") + "=" * (-len(bare) % 4)
    found = []
    for decode, text in ((bytes.fromhex, bare), (base64.b32decode, base32), (base64.b64decode, base64_value)):
        try:
            found.append(decode(text))
        except (ValueError, binascii.Error):
            continue
    return [digest for digest in found if len(digest) == size]
