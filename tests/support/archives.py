"""Hand-made archive bytes, and short forms of what a reader makes of them."""

import base64
import gzip
import hashlib
import io
import random
import zlib
from collections.abc import Iterable

from corpus.archive.reader import open_archive
from corpus.archive.records import ArchiveSettings, Fault, Record


def page(number: int, size: int = 400) -> bytes:
    """Return an HTTP response whose body is text of about `size` bytes."""
    words = " ".join(random.Random(number).choices(["alder", "birch", "cedar", "elm", "fir", "oak"], k=size // 5))
    body = f"<html><title>{number}</title><p>{words}</p></html>".encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def warc(number: int, block: bytes | None = None, *, digest: bool = False, **headers: str) -> bytes:
    """Return a whole WARC response record, number in its URI; `headers` (with _ for -) replace or add fields."""
    block = page(number) if block is None else block
    fields = {
        "WARC-Type": "response",
        "WARC-Record-ID": f"<urn:uuid:00000000-0000-0000-0000-{number:012d}>",
        "WARC-Date": "2024-05-06T07:08:09Z",
        "WARC-Target-URI": uri(number),
        "Content-Type": "application/http; msgtype=response",
        "Content-Length": str(len(block)),
    }
    if digest:
        fields["WARC-Block-Digest"] = "sha1:" + base64.b32encode(hashlib.sha1(block).digest()).decode()  # noqa: S324
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return b"WARC/1.0\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"


def arc(number: int, block: bytes | None = None, *, target: str | None = None, length: int | None = None) -> bytes:
    """Return a whole ARC version 1 record."""
    block = page(number) if block is None else block
    size = len(block) if length is None else length
    return f"{target or uri(number)} 192.0.2.7 20240506070809 text/html {size}\n".encode() + block + b"\n"


def uri(number: int) -> str:
    """Return the target URI of record `number`."""
    return f"http://example.org/{number}"


def members(records: Iterable[bytes]) -> list[bytes]:
    """Return each of `records` as a gzip member."""
    return [gzip.compress(record, mtime=0) for record in records]


def items(data: bytes, **settings: int | bool) -> list[Record | Fault]:
    """Read an archive through from a stream that cannot seek and gives few bytes at a time."""
    return list(open_archive(Trickle(data), "made.warc", ArchiveSettings(**{"read_size": 1000} | settings)))  # type: ignore[arg-type]


def told(found: Iterable[Record | Fault]) -> list[str | int]:
    """Return the short form: a record as the number in its URI, a fault as its reason."""
    return [item.reason if isinstance(item, Fault) else number_of(item) for item in found]


def number_of(record: Record) -> int | str:
    """Return the number in a record's URI, or its type when there is none."""
    last = (record.target_uri or "").rpartition("/")[2]
    return int(last) if last.isdigit() else record.record_type


class Trickle(io.RawIOBase):
    """A readable stream without seek, which gives at most 700 bytes at a time."""

    def __init__(self, data: bytes) -> None:
        self.rest = memoryview(data)

    def readable(self) -> bool:
        """Say yes."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """Give some bytes."""
        piece = self.rest[: min(len(buffer), 700)]
        buffer[: len(piece)] = piece
        self.rest = self.rest[len(piece) :]
        return len(piece)


def bomb(size: int) -> bytes:
    """Return a gzip member of `size` zero bytes, made without holding them."""
    packer, out, step = zlib.compressobj(9, zlib.DEFLATED, 31), [], bytes(1 << 20)
    out = [packer.compress(step) for _ in range(size >> 20)]
    return b"".join([*out, packer.compress(bytes(size & 0xFFFFF)), packer.flush()])
