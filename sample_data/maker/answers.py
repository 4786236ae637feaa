"""Answers that are no page: redirects, errors, files of other types, and pages with nothing in them."""

import zlib

from maker.captures import Capture, Label
from maker.warc import gzip_member

CORNER = "odd-corners.example"


def _answer(
    url: str, status: int, kind: str, note: str, body: str, *, extra: tuple[tuple[str, str], ...] = ()
) -> Capture:
    label = Label(kind=kind, expect="status", language="en", note=note)
    return Capture(url=url, body=body.encode(), status=status, extra=extra, label=label)


def _moved(source: str, target: str, status: int) -> Capture:
    body = (
        f'<html><head><title>{status}</title></head><body><p>Moved to <a href="{target}">{target}</a></p></body></html>'
    )
    return _answer(source, status, "redirect", f"to {target}", body, extra=(("Location", target),))


def redirects_and_errors() -> list[Capture]:
    """Redirects across hosts, from www and from http, and pages that are gone."""
    missing = (
        "<html><head><title>Not found</title></head><body><h1>Not found</h1>"
        "<p>There is no page at this address.</p></body></html>"
    )
    return [
        _moved("http://harbour-almanac.example/", "https://harbour-almanac.example/", 301),
        _moved(
            "https://www.harbour-almanac.example/tides/spring.html",
            "https://harbour-almanac.example/tides/spring.html",
            301,
        ),
        _moved("https://old-tidewatch.example/", "https://tidewatch.example/", 301),
        _moved("https://plain-measure.example/random", "https://plain-measure.example/length.html", 302),
        _moved("https://open-kitchen-notes.example/bread", "/bread/salt.html", 302),
        _moved("https://members-lounge.example/forum/", "https://members-lounge.example/forum/login.html", 302),
        *[
            _answer(f"https://{host}{path}", 404, "not_found", "an error page in HTML", missing)
            for host, path in (
                ("harbour-almanac.example", "/tides/lost.html"),
                ("byte-and-brace.example", "/wiki/None"),
                ("map-room.example", "/2019/old-story"),
                ("best-lamps-online.example", "/cheap-99.html"),
            )
        ],
        _answer("https://open-kitchen-notes.example/soup/old.html", 410, "not_found", "gone for good", missing),
        _answer(
            "https://tidewatch.example/live", 503, "not_found", "busy", "<html><body>Try again later.</body></html>"
        ),
    ]


def _pdf() -> bytes:
    """A small PDF of one empty page, its cross-reference table correct."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
    ]
    out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 4\n0000000000 65535 f \n%strailer\n<< /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        len(out),
    )


def _png() -> bytes:
    """A PNG of one grey dot."""

    def part(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = part(b"IHDR", b"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + head + part(b"IDAT", bytes.fromhex("789c6368000000820081")) + part(b"IEND", b"")


def not_pages() -> list[Capture]:
    """Documents of other types: text, JSON, an image, a PDF, a style sheet, a feed."""
    feed = '<?xml version="1.0"?><rss version="2.0"><channel><title>Tidewatch</title></channel></rss>'
    robots = b"User-agent: *\nDisallow: /private/\n"
    cases: list[tuple[str, str, bytes, str]] = [
        ("https://harbour-almanac.example/robots.txt", "text/plain", robots, "robots.txt"),
        ("https://plain-measure.example/robots.txt", "text/plain; charset=utf-8", robots, "robots.txt"),
        ("https://harbour-almanac.example/tables/2025.pdf", "application/pdf", _pdf(), "PDF"),
        ("https://map-room.example/img/dot.png", "image/png", _png(), "PNG"),
        ("https://plain-measure.example/api/units.json", "application/json", b'{"metre": 1, "inch": 0.0254}', "JSON"),
        ("https://tidewatch.example/feed.xml", "application/rss+xml", feed.encode(), "feed"),
        ("https://byte-and-brace.example/assets/wiki.css", "text/css", b"body { margin: 0 }\n", "style sheet"),
        ("https://byte-and-brace.example/dump.gz", "application/gzip", gzip_member(b"dump\n"), "a gzip file"),
    ]
    return [
        Capture(url=url, body=body, content_type=kind, label=Label(kind="non_html", expect="not_html", note=note))
        for url, kind, body, note in cases
    ]


def empty_pages() -> list[Capture]:
    """Pages with nothing to read: no body at all, only white space, only scripts."""
    script = (
        "<html><head><title></title><script>var a = 1;</script></head>"
        "<body><div id='root'></div><script src='/a.js'></script></body></html>"
    )
    cases = [
        ("/blank.html", "", "a body of no bytes"),
        ("/spaces.html", " \n\t \n", "white space"),
        ("/app.html", script, "scripts only"),
    ]
    return [
        Capture(url=f"https://{CORNER}{path}", body=body.encode(), label=Label(kind="empty", expect="empty", note=note))
        for path, body, note in cases
    ]


def answer_captures() -> list[Capture]:
    return redirects_and_errors() + not_pages() + empty_pages()
