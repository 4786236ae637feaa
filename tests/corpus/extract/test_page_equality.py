"""The facts of a page, read with few passes and few objects, are those that visiting every element gives."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_page import plain_clean, plain_page

from corpus.archive.http import HttpResponse, parse_payload
from corpus.archive.reader import open_archive
from corpus.archive.records import ArchiveSettings, Record
from corpus.errors import InputError
from corpus.extract.cleaning import clean
from corpus.extract.page import Headers, parse_page
from corpus.url import Url, normalise

CRAWL = Path(__file__).resolve().parents[3] / "sample_data" / "crawl"
URL = Url("http://www.example.org/dir/page.html", "www.example.org")
URLS = [URL, *(Url(f"https://{h}/", h) for h in ("xn--bcher-kva.example", "[::1]", "127.0.0.1", "a_b.example", "a"))]

PIECES = [
    "http:", "https:", "HTTP:", "//", "/", "\\", "\\\\", "#", "?", ":", "@", ".", "..", "www.example.org", "a.net",
    "example.org", "WWW.Example.ORG", "1.2.3.4", "0x7f.1", "xn--bcher-kva.example", "bücher.example", "%2e", "%2F",
    "mailto:x@y.net", "javascript:void(0)", ":80", ":443", ":8080/", "user:pw@", "[::1]", "&#9;", "&#10;", "&#13;",
    "&#11;", "&#12;", "&Tab;", "&bsol;", "&sol;&sol;", "&#x1;", "&#28;", "&nbsp;", "ſ", "K", "é", "\ufeff", "\ud800",
    "https://www.example.org/own", "http://www.example.org", "https://www.example.org:8080/", " ", "\t", "\n", "\r",
    "\x0b", "\x0c", "\x00", "\x1f", "creativecommons.org/licenses/by/4.0/", "creativecommons.org/publicdomain/0",
]  # fmt: skip
HREFS = st.lists(st.sampled_from(PIECES), max_size=6)
RELS = ["nofollow", "UGC", "sponsored", "license", "LICENSE", "licenſe", "canonical", "alternate", "\x0b", "\xa0", "x"]
NAMES = ["name=robots", 'name=" Robots&#10;"', "http-equiv=Content-Language", "name=x", "hreflang=de", "hreflang", ""]
TAGS = ["a", "a", "a", "area", "link", "base", "meta", "html lang=de", "html xml:lang=cs", "A", "input", "svg:a"]
SOURCES = ["script src", "img src", "IMG SRC", "iframe src", "embed src", "video src", "object data", "form action"]
SOURCES += ["frameset><frame src", "source src", "image src", "input src", "link src", "a src", "svg><image src"]
ROOMS = [
    "", "", "<svg>", "</svg>", "<math>", "<template>", "</template>", "<title>a\x07b&#7;\r\n c</title>", "<!--", "-->",
    "<script>", "</script>", "<select>", "<table>", "<p>", "</p>", "\ufeff", "&#1;&#x1F;&#65534", "<a", "é", "日本",
]  # fmt: skip


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Draw a page of elements with odd attributes in odd places."""
    parts = []
    for _ in range(draw(st.integers(1, 8))):
        href = f"href{draw(st.sampled_from(['=', '=', '=', ' ']))}'{''.join(draw(HREFS))}'"
        rel = " ".join(draw(st.lists(st.sampled_from(RELS), max_size=3)))
        more = draw(st.sampled_from([f"rel='{rel}'", "", f"xlink:href='/y' rel={rel}", "content='none, nofollow'"]))
        attributes = draw(st.permutations([href, more, draw(st.sampled_from(NAMES))]))
        parts.append(f"{draw(st.sampled_from(ROOMS))}<{draw(st.sampled_from(TAGS))} {' '.join(attributes)}>x")
        if draw(st.booleans()):
            parts.append(f"<{draw(st.sampled_from(SOURCES))}='{''.join(draw(HREFS))}' {draw(st.sampled_from(NAMES))}>")
    return "".join(parts)


def assert_equal(body: bytes, url: Url, headers: Headers) -> None:
    """Compare HTML, tree and facts with the plain way."""
    page = parse_page(body, url=url, headers=headers)
    assert (page.html, str(page.tree), page.facts) == plain_page(body, url, headers)


@given(pages(), st.sampled_from(URLS), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1251", "gb18030"]))
def test_odd_pages(html: str, url: Url, charset: str) -> None:
    """Whatever its elements hold and whatever it is encoded in, a page states the same."""
    assert_equal(html.encode(charset, "ignore"), url, Headers(robots=["noindex"]))


@given(st.binary(max_size=200), st.sampled_from([None, "utf-8", "gb2312", "shift_jis", "utf-16", "bogus"]))
def test_bytes_that_are_no_page(body: bytes, label: str | None) -> None:
    """Bytes without meaning come to the same tree."""
    assert_equal(body, URL, Headers(charset=label, language="de\0"))


def test_a_relative_link_leaves_where_the_base_does() -> None:
    """With a base on another host, what stays on that host is a vote; so is a canonical link without an address."""
    for base in ("//cdn.net/", "http://www.example.org/", "https://www.example.org:8443/x", "mailto:x"):
        html = f"<base href='{base}'><a href=x>1</a><a href='http://www.example.org/'>2</a><link rel=canonical>"
        assert_equal(html.encode(), URL, Headers())
        assert_equal(f"{html}<link href=y><img src=z><img src=''><form action='?q'>".encode(), URL, Headers())


@given(
    st.lists(
        st.sampled_from("a \t\n\r\x0b\x0c\x1c\x85\xa0\xad\u200b\u0e01\u2028\u2065\ud800\ufeff\ufffe\x7f\x00é\u3000😀")
    )
)
def test_cleaning_with_and_without_shortcuts(characters: list[str]) -> None:
    """Cleaning that looks before it substitutes gives what substituting gives."""
    assert clean("".join(characters)) == plain_clean("".join(characters))


def crawled(path: Path) -> Iterator[tuple[bytes, Url, Headers]]:
    """Yield what the responses of an archive hold, whatever their type; no more where it cannot be read on."""
    with path.open("rb") as stream:
        records = open_archive(stream, path.name, ArchiveSettings())
        while record := next_record(records):
            response = parse_payload(record) if record.block and record.target_uri else None
            url = normalise(record.target_uri or "")
            if url and isinstance(response, HttpResponse) and len(response.body) < 1 << 20:
                yield response.body, url, Headers(robots=response.headers.get_all("X-Robots-Tag"))


def next_record(records: Iterator[object]) -> Record | None:
    """Return the next response; None at the end, also where damage ends the file."""
    try:
        return next((r for r in records if isinstance(r, Record) and r.record_type == "response"), None)
    except InputError:
        return None


def test_pages_of_the_sample() -> None:
    """Every fifth page of the sample crawl states the same."""
    pages = [page for path in sorted(CRAWL.iterdir()) if "wet" not in path.name for page in crawled(path)]
    assert len(pages) > 500
    for page in pages[::5]:
        assert_equal(*page)


@pytest.mark.shared
def test_pages_of_real_crawls(shared: Path) -> None:
    """Every page of the crawls kept elsewhere states the same."""
    pages = 0
    for path in sorted((shared / "data" / "warc").glob("*arc*")):
        for page in crawled(path):
            assert_equal(*page)
            pages += 1
    assert pages > 250


@pytest.mark.shared
def test_pages_of_extraction_corpora(shared: Path) -> None:
    """Every page with a labelled main text states the same."""
    paths = sorted((shared / "data" / "extraction").rglob("*html.gz"))
    assert len(paths) > 300
    for path in paths:
        assert_equal(gzip.decompress(path.read_bytes()), URL, Headers())
