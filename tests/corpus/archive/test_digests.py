"""Record digests in every spelling are compared, and say nothing about what they do not cover."""

import base64
import hashlib

import pytest
from archives import items, page, warc

from corpus.archive.digests import check_digest, compare
from corpus.archive.records import Headers, Record

BLOCK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
SHA1 = hashlib.sha1(BLOCK).digest()  # noqa: S324


@pytest.mark.parametrize(
    ("declared", "status"),
    [
        ("sha1:" + base64.b32encode(SHA1).decode(), "ok"),
        ("SHA-1:" + base64.b32encode(SHA1).decode().lower(), "ok"),
        ("sha1:" + SHA1.hex(), "ok"),
        ("sha1:" + SHA1.hex().upper(), "ok"),
        ("sha1:" + base64.b64encode(SHA1).decode(), "ok"),
        ("sha1:" + base64.urlsafe_b64encode(SHA1).decode().rstrip("="), "ok"),
        ("sha256:" + hashlib.sha256(BLOCK).hexdigest(), "ok"),
        ("sha-256: " + base64.b32encode(hashlib.sha256(BLOCK).digest()).decode(), "ok"),
        ("md5:" + hashlib.md5(BLOCK).hexdigest(), "ok"),  # noqa: S324
        ("sha1:" + hashlib.sha1(b"other").hexdigest(), "mismatch"),  # noqa: S324
        ("sha1:" + "A" * 31, "unknown"),
        ("sha1:", "unknown"),
        ("crc32:00000000", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_spellings(declared: str, status: str) -> None:
    """Base32, hexadecimal and base64 in any case and padding are the same digest."""
    assert compare(declared, (BLOCK,)) == status
    assert check_digest(Headers([("warc-block-digest", declared)]), "response", BLOCK) == status


@pytest.mark.parametrize("payload", [b"3\r\nabc\r\n0\r\n\r\n", b"abc"])
def test_payload_with_or_without_chunks(payload: bytes) -> None:
    """The payload digest may be of the body as sent or of the joined chunks."""
    headers = Headers([("WARC-Payload-Digest", "sha1:" + hashlib.sha1(payload).hexdigest())])  # noqa: S324
    assert check_digest(headers, "response", BLOCK) == "ok"
    assert check_digest(headers, "revisit", BLOCK) == "unknown"
    assert check_digest(headers, "response", None) == "unknown"
    assert check_digest(headers, "response", BLOCK + b"x") == "mismatch" or payload == b"abc"


def test_mismatch_never_loses_a_record() -> None:
    """A wrong digest on an intact record is a status, and only when asked for."""
    data = warc(1, WARC_Block_Digest="sha1:" + "0" * 40) + warc(2, digest=True) + warc(3)
    asked = items(data, check_digests=True)
    assert [r.digest for r in asked if isinstance(r, Record)] == ["mismatch", "ok", "absent"]
    plain = items(data)
    assert [(r.digest, r.block) for r in plain if isinstance(r, Record)] == [("unchecked", page(n)) for n in (1, 2, 3)]
