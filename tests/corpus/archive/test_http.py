"""HTTP responses as crawls store them: departures from the standard are read and noted, bombs and nonsense refused."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from archives import bomb, items, warc
from hypothesis import given
from hypothesis import strategies as st

from corpus.archive.chunks import dechunk
from corpus.archive.http import HttpProblem, HttpResponse, HttpSettings, parse_head, parse_payload, parse_response
from corpus.archive.records import Record
from corpus.errors import SettingError

TEXT = b"<html><p>" + b"a page of text, " * 40 + b"</p></html>"
RAW = zlib.compressobj(9, zlib.DEFLATED, -15)
CODED = {
    "gzip": gzip.compress(TEXT, mtime=0),
    "x-gzip": gzip.compress(TEXT[:300], mtime=0) + gzip.compress(TEXT[300:], mtime=0),
    "deflate": zlib.compress(TEXT),
    "Deflate": RAW.compress(TEXT) + RAW.flush(),
    "br": brotli.compress(TEXT),
    "zstd": zstandard.compress(TEXT),
}


def response(body: bytes, *headers: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    """Return the bytes of a response."""
    return "\r\n".join([status, *headers, "", ""]).encode() + body


def read(block: bytes, **settings: int) -> HttpResponse:
    """Parse a response that must be readable."""
    found = parse_response(block, HttpSettings(**settings))
    assert isinstance(found, HttpResponse), found
    return found


def problem(block: bytes, **settings: int) -> str:
    """Return the reason why a response cannot be read."""
    found = parse_response(block, HttpSettings(**settings))
    assert isinstance(found, HttpProblem), found
    return found.reason


@pytest.mark.parametrize(
    ("line", "status", "phrase"),
    [
        ("HTTP/1.1 200 OK", 200, "OK"),
        ("HTTP/1.0 404", 404, ""),
        ("HTTP/2 301 ", 301, ""),
        ("HTTP/1.1  200  Très  bien", 200, "Très  bien"),
        ("\r\nHTTP/1.1 500 Internal Server Error", 500, "Internal Server Error"),
        ("ICY 200 OK", 200, "OK"),
    ],
)
def test_status_lines(line: str, status: int, phrase: str) -> None:
    """Reason phrases may be missing, versions odd, and blank lines may come first."""
    found = read(response(b"x", "A: b", status=line))
    assert (found.status, found.phrase, found.body) == (status, phrase, b"x")
    assert found.headers.get("a") == "b"


def test_headers() -> None:
    """Folded, repeated, nameless and Latin-1 headers are read; bare line feeds end lines too."""
    block = b"HTTP/1.1 200 OK\nX-A: one\n two\nx-a: three\nbroken line\nB: caf\xe9\n"
    block += b"Content-Type: Text/HTML; charset=x\n\nbody"
    found = read(block)
    assert found.headers.get_all("X-A") == ["one two", "three"]
    assert (found.headers.get("b"), found.media_type, found.body) == ("café", "text/html", b"body")


def test_heads_without_body_or_fields() -> None:
    """A response may end after its status line or its headers."""
    assert read(b"HTTP/1.1 204 No Content").status == 204
    assert read(b"HTTP/1.1 200 OK\r\n\r\nx").body == b"x"
    assert read(b"HTTP/1.1 200 OK\r\nA: b\r\n").headers.get("A") == "b"


def test_interim_responses_are_passed() -> None:
    """100 Continue before the response is not the response."""
    found = read(b"HTTP/1.1 100 Continue\r\n\r\n" + response(b"x", "A: b"))
    assert (found.status, found.body) == (200, b"x")


@pytest.mark.parametrize(
    ("length", "note"), [("5", ()), ("9", ("short-body",)), ("2", ("long-body",)), ("-1", ("bad-content-length",))]
)
def test_content_length_is_not_believed(length: str, note: tuple[str, ...]) -> None:
    """The body is what is there, whatever Content-Length says; a difference is noted."""
    found = read(response(b"hello", f"Content-Length: {length}"))
    assert (found.body, found.notes, found.truncated) == (b"hello", note, False)


@pytest.mark.parametrize(
    ("body", "joined", "note"),
    [
        (b"3\r\nabc\r\n2;ext=1\r\nde\r\n0\r\n\r\n", b"abcde", ""),
        (b"3\nabc\n0\n\n", b"abc", ""),
        (b"0\r\n\r\n", b"", ""),
        (b"<html>not chunked</html>", b"<html>not chunked</html>", "not-chunked"),
        (b"feed me\r\n", b"feed me\r\n", "not-chunked"),
        (b"abc\r\nxyz", b"abc\r\nxyz", "not-chunked"),
        (b"3\r\nabc\r\n5\r\nde", b"abcde", "truncated"),
        (b"3\r\nabc\r\n", b"abc", "truncated"),
        (b"3\r\nabc\r\n3\r\ndef\r\nzz\r\nrest", b"abcdefzz\r\nrest", "bad-chunk"),
        (b"", b"", "not-chunked"),
    ],
)
def test_chunks(body: bytes, joined: bytes, note: str) -> None:
    """Chunks are joined; what is not chunked stays as it is; what breaks off gives what there is."""
    found = dechunk(body)
    assert (found.body, found.note) == (joined, note)


@pytest.mark.parametrize("coding", CODED)
def test_content_codings(coding: str) -> None:
    """Every coding is undone, chunked or not; deflate bare or as a zlib stream."""
    packed = CODED[coding]
    found = read(response(packed, f"Content-Encoding: {coding}", f"Content-Length: {len(packed)}"))
    assert (found.body, found.notes, found.truncated) == (TEXT, (), False)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
    assert read(response(chunked, "Transfer-Encoding: chunked", f"Content-Encoding: {coding}")).body == TEXT
    assert read(response(chunked, f"Transfer-Encoding: {coding}, chunked")).body == TEXT


def test_stacked_codings() -> None:
    """Codings are undone in reverse order, from one header or several; identity and unknown names change nothing."""
    packed = gzip.compress(brotli.compress(TEXT))
    assert read(response(packed, "Content-Encoding: br, gzip")).body == TEXT
    assert read(response(packed, "Content-Encoding: br", "Content-Encoding: identity, gzip")).body == TEXT
    found = read(response(TEXT, "Content-Encoding: utf-8"))
    assert (found.body, found.notes) == (TEXT, ("unknown-coding",))
    assert problem(response(packed, "Content-Encoding: " + ", ".join(["gzip"] * 99))) == "undecodable"


@pytest.mark.parametrize("coding", CODED)
def test_coding_named_but_undone(coding: str) -> None:
    """A body that names a coding and is plain text is kept and noted."""
    found = read(response(TEXT, f"Content-Encoding: {coding}"))
    assert (found.body, found.notes) == (TEXT, ("not-coded",))


def test_coding_renamed_by_the_crawler() -> None:
    """Common Crawl keeps the coding under another name and stores the body decoded: nothing to undo."""
    assert read(response(TEXT, "X-Crawler-Content-Encoding: gzip", f"Content-Length: {len(TEXT)}")).body == TEXT


@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate"])
def test_truncated_coded_bodies(coding: str) -> None:
    """A coded body that ends early gives what is there and says so."""
    found = read(response(CODED[coding][:-12], f"Content-Encoding: {coding}"))
    assert found.truncated
    assert TEXT.startswith(found.body)
    assert len(found.body) > 50


def test_damaged_coded_bodies() -> None:
    """Damage in the middle gives what came before; a body of which nothing unpacks is undecodable."""
    noise = bytes(range(256)) * 64
    packed = bytearray(gzip.compress(noise[::-1] + TEXT + noise, 0, mtime=0))
    packed[-3] ^= 255
    found = read(response(bytes(packed), "Content-Encoding: gzip"))
    assert (found.truncated, found.notes, found.body) == (True, ("damaged",), noise[::-1] + TEXT + noise)
    assert problem(response(b"\x1f\x8b\x08\0\0\0\0\0\0\x03\xff\xff\xff", "Content-Encoding: gzip")) == "undecodable"
    assert problem(response(b"\xff\x00\x01\x02" * 9, "Content-Encoding: br")) == "undecodable"
    assert problem(response(b"\x28\xb5\x2f\xfd" + b"\xff" * 40, "Content-Encoding: zstd")) == "undecodable"


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_bombs(coding: str) -> None:
    """A body that unpacks beyond the limit is a problem, found out at the limit."""
    packed = {
        "gzip": lambda: bomb(64 << 20),
        "br": lambda: brotli.compress(bytes(64 << 20), quality=1),
        "zstd": lambda: zstandard.compress(bytes(64 << 20)),
        "deflate": lambda: zlib.compress(bytes(64 << 20), 1),
    }[coding]()
    assert len(packed) < 400_000
    assert problem(response(packed, f"Content-Encoding: {coding}"), max_body=1 << 20) == "oversize"
    assert problem(response(bytes(2 << 20)), max_body=1 << 20) == "oversize"


def test_bodies_of_very_many_streams() -> None:
    """A body of 200,000 gzip members, or of empty deflate blocks without end and then an error, is read in linear time
    (the first took minutes and the second hours when what follows each was copied)."""
    found = parse_response(response(gzip.compress(b"", mtime=0) * 200_000 + CODED["gzip"], "Content-Encoding: gzip"))
    assert isinstance(found, HttpResponse)
    assert (found.body, found.notes) == (TEXT, ())
    blocks = b"\x78\x9c" + b"\x00\x00\x00\xff\xff" * 10_000_000 + b"\x07"
    problem = parse_response(response(blocks, "Content-Encoding: deflate"))
    assert isinstance(problem, HttpProblem)
    assert problem.reason == "undecodable"


def test_what_is_no_response() -> None:
    """Blocks that are no HTTP, and heads without end, are problems; a problem keeps the head that could be read."""
    assert problem(b"20080430204825\nwww.archive.org. 589 IN A 207.241.229.39") == "not-http"
    assert problem(b"") == "not-http"
    assert problem(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000, max_head=4096) == "bad-head"
    found = parse_response(response(b"\xff\0" * 9, "Content-Encoding: br", "Content-Type: text/html"))
    assert isinstance(found, HttpProblem)
    assert found.head is not None
    assert found.head.status == 200
    with pytest.raises(SettingError, match="HttpSettings: max_body = 0"):
        HttpSettings(max_body=0)


def test_payloads_that_are_no_http() -> None:
    """Resource and conversion records give their block under the record's own type; responses are parsed."""
    (wet,) = items(warc(1, b"plain text", WARC_Type="conversion", Content_Type="text/plain"))
    assert isinstance(wet, Record)
    found = parse_payload(wet)
    assert isinstance(found, HttpResponse)
    assert (found.status, found.body, found.media_type, found.notes) == (200, b"plain text", "text/plain", ("no-http",))
    (page,) = items(warc(1))
    assert isinstance(page, Record)
    assert isinstance(parse_payload(page), HttpResponse)
    assert isinstance(parse_payload(wet, HttpSettings(max_body=3)), HttpProblem)


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", ""]),
    st.sampled_from(["chunked", "gzip, chunked", ""]),
)
def test_any_body(data: bytes, content: str, transfer: str) -> None:
    """No body, however coded, crashes the parser or grows beyond the limit."""
    found = parse_response(
        response(data, f"Content-Encoding: {content}", f"Transfer-Encoding: {transfer}"), HttpSettings(max_body=500)
    )
    assert isinstance(found, HttpProblem) or len(found.body) <= 500
    parse_head(data)
    parse_response(data)
