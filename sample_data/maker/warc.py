"""Write archive records byte by byte: WARC, ARC, gzip members, zstd frames.

The bytes are written here, and not by a library, because the crawl must come out the same under every library version,
and because the damaged files need to know exactly where each member lies.
"""

import base64
import hashlib
import uuid
import zlib
from dataclasses import dataclass

from maker.captures import Capture, crawl_date

REASONS = {200: "OK", 301: "Moved Permanently", 302: "Found", 404: "Not Found", 410: "Gone", 503: "Service Unavailable"}


@dataclass(frozen=True)
class Record:
    """One record ready to be stored, with what its label needs."""

    type: str
    url: str
    data: bytes
    id: str


def digest(data: bytes) -> str:
    return "sha1:" + base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()


def record_id(*parts: bytes) -> str:
    """A record id that follows from the content."""
    raw = hashlib.sha256(b"\x1f".join(parts)).digest()[:16]
    return f"<urn:uuid:{uuid.UUID(bytes=raw, version=5)}>"


def warc_record(
    kind: str,
    url: str,
    date: str,
    content_type: str,
    block: bytes,
    extra: tuple[tuple[str, str], ...] = (),
    version: str = "1.0",
) -> Record:
    """One WARC record: version line, headers, block, two empty lines."""
    ident = record_id(kind.encode(), url.encode(), date.encode(), repr(extra).encode(), block)
    headers = [("WARC-Type", kind), ("WARC-Record-ID", ident), ("WARC-Date", date)]
    if url:
        headers.append(("WARC-Target-URI", url))
    headers += [
        *extra,
        ("WARC-Block-Digest", digest(block)),
        ("Content-Type", content_type),
        ("Content-Length", str(len(block))),
    ]
    head = f"WARC/{version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    return Record(kind, url, head.encode() + block + b"\r\n\r\n", ident)


def chunk(body: bytes, size: int = 1500) -> bytes:
    """A body in the chunked transfer coding, one chunk with an extension as the grammar allows."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    lines = [b"%x%s\r\n%s\r\n" % (len(piece), b";q=1" if n == 0 else b"", piece) for n, piece in enumerate(pieces)]
    return b"".join(lines) + b"0\r\n\r\n"


def http_response(capture: Capture) -> tuple[bytes, bytes]:
    """HTTP head and body of a capture as they came over the wire."""
    body = chunk(capture.body) if capture.chunked else capture.body
    headers = [("Server", "sample"), ("Date", "Mon, 06 Oct 2025 04:00:00 GMT")]
    if capture.content_type:
        headers.append(("Content-Type", capture.content_type))
    headers += capture.extra
    headers.append(("Transfer-Encoding", "chunked") if capture.chunked else ("Content-Length", str(len(body))))
    head = f"HTTP/1.1 {capture.status} {REASONS[capture.status]}\r\n"
    return (head + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n").encode(), body


def response(capture: Capture, version: str = "1.0") -> Record:
    head, body = http_response(capture)
    extra = (("WARC-IP-Address", "192.0.2.10"), ("WARC-Payload-Digest", digest(body)), *capture.warc_extra)
    return warc_record(
        "response",
        capture.url,
        crawl_date(capture.url),
        "application/http; msgtype=response",
        head + body,
        extra,
        version,
    )


def request(capture: Capture, answer: Record) -> Record:
    path, host = _split(capture.url)
    block = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: headwater-sample/1.0\r\nAccept: text/html\r\n\r\n".encode()
    )
    extra = (("WARC-Concurrent-To", answer.id),)
    return warc_record(
        "request", capture.url, crawl_date(capture.url), "application/http; msgtype=request", block, extra
    )


def metadata(capture: Capture, answer: Record) -> Record:
    fields = f"fetchTimeMs: {len(capture.body) % 400 + 20}\r\ncharset-detected: {capture.label.charset or 'none'}\r\n"
    extra = (("WARC-Concurrent-To", answer.id),)
    return warc_record(
        "metadata", capture.url, crawl_date(capture.url), "application/warc-fields", fields.encode(), extra
    )


def revisit(capture: Capture) -> Record:
    """The same URL fetched again a month later, its body unchanged and so not stored."""
    head, body = http_response(capture)
    profile = "http://netpreserve.org/warc/1.0/revisit/identical-payload-digest"
    extra = (
        ("WARC-Profile", profile),
        ("WARC-Refers-To-Date", crawl_date(capture.url)),
        ("WARC-Payload-Digest", digest(body)),
    )
    return warc_record(
        "revisit", capture.url, "2025-11-08T09:30:00Z", "application/http; msgtype=response", head, extra
    )


def warcinfo(name: str, version: str = "1.0") -> Record:
    fields = (
        f"software: headwater-sample/1.0\r\nformat: WARC File Format {version}\r\ndescription: sample crawl {name}\r\n"
    )
    extra = (("WARC-Filename", name),)
    return warc_record(
        "warcinfo", "", "2025-10-06T04:00:00Z", "application/warc-fields", fields.encode(), extra, version
    )


def arc_header(name: str) -> Record:
    block = b"1 0 sample\nURL IP-address Archive-date Content-type Archive-length\n"
    line = f"filedesc://{name} 0.0.0.0 20251006040000 text/plain {len(block)}\n".encode()
    return Record("warcinfo", f"filedesc://{name}", line + block + b"\n", "")


def arc_record(capture: Capture) -> Record:
    head, body = http_response(capture)
    stamp = "".join(sign for sign in crawl_date(capture.url) if sign.isdigit())
    mime = capture.content_type.split(";")[0] or "unknown"
    line = f"{capture.url} 192.0.2.10 {stamp} {mime} {len(head) + len(body)}\n".encode()
    return Record("response", capture.url, line + head + body + b"\n", "")


def _split(url: str) -> tuple[str, str]:
    rest = url.split("://", 1)[1]
    host, _, path = rest.partition("/")
    return "/" + path, host


def gzip_member(data: bytes) -> bytes:
    """One gzip member with a fixed header: no name, no time."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) & 0xFFFFFFFF).to_bytes(4, "little")
    return b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + packed + tail


def zstd_frame(data: bytes) -> bytes:
    """One zstd frame of raw blocks: valid for every reader, and the same under every library version."""
    header = b"\x28\xb5\x2f\xfd" + bytes([0b1010_0000]) + len(data).to_bytes(4, "little")
    step = 1 << 17
    starts = range(0, max(len(data), 1), step)
    out = [header]
    for at in starts:
        piece = data[at : at + step]
        last = at + step >= len(data)
        out.append(((len(piece) << 3) | int(last)).to_bytes(3, "little") + piece)
    return b"".join(out)


def brotli_stream(data: bytes) -> bytes:
    """A brotli stream of uncompressed meta-blocks, each at most 64 KiB, with the 16-bit window."""
    bits, count = 0, 1  # the single bit 0 says: window of 16 bits
    out = bytearray()

    def put(value: int, width: int) -> None:
        nonlocal bits, count
        bits |= value << count
        count += width
        while count >= 8:
            out.append(bits & 0xFF)
            bits >>= 8
            count -= 8

    for at in range(0, len(data), 1 << 16):
        piece = data[at : at + (1 << 16)]
        put(0, 1)  # not the last meta-block
        put(0, 2)  # length in four nibbles
        put(len(piece) - 1, 16)
        put(1, 1)  # stored as it is
        put(0, -count % 8)
        out += piece
    put(0b11, 2)  # last, and empty
    put(0, -count % 8)
    return bytes(out)
