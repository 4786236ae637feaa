"""What a page says of itself and where it links to."""

from html import escape
from typing import Any

import pytest
import resiliparse.parse.html.node
from hypothesis import given
from hypothesis import strategies as st

from corpus.extract.page import MOST_RESOURCES, Facts, Headers, parse_page
from corpus.url import Url, normalise

URL = Url("http://www.example.org/dir/page.html", "www.example.org")


def facts(html: str, headers: Headers | None = None) -> Facts:
    """Return what a page in UTF-8 says."""
    return parse_page(html.encode(), url=URL, headers=headers or Headers()).facts


def test_a_page_in_full() -> None:
    """Title, language, robots, canonical URL, licences and links are found where they belong."""
    found = facts(
        """<!doctype html><html lang="de-AT"><head><title> Ein
        Titel </title><meta name=Robots content="index"><meta name="robots" content="noarchive">
        <link rel="canonical" href="/kanon"><link rel="alternate" hreflang="en" href="https://example.com/en">
        <link rel="alternate" type="application/rss+xml" href="https://feeds.example.net/">
        <link rel="license" href="/lizenz"></head><body>
        <a href="http://a.net/">1</a> <a href="http://a.net/x" rel="nofollow ugc">2</a><a name=top>3</a>
        <map><area href="//b.net/"></map><a href="https://creativecommons.org/licenses/by/4.0/">CC</a>
        <!-- <a href="http://comment.net/"> --></body></html>"""
    )
    assert found == Facts(
        charset="utf-8",
        charset_source="utf-8",
        title="Ein Titel",
        declared_language="de-AT",
        meta_robots="index, noarchive",
        canonical_url="http://www.example.org/kanon",
        licences=["http://www.example.org/lizenz", "https://creativecommons.org/licenses/by/4.0/"],
        links=[
            ("a.net", 0),
            ("a.net", 3),
            ("b.net", 0),
            ("creativecommons.org", 0),
            ("example.com", 8),
            ("feeds.example.net", 16),
        ],
    )


def test_a_bare_page() -> None:
    """What is not said is None or empty."""
    assert facts("hello") == Facts(charset="utf-8", charset_source="utf-8", licences=[], links=[])


def test_the_title_of_a_picture_is_not_the_page_s() -> None:
    """A title element inside SVG is not the title."""
    assert facts("<body><svg><title>icon</title></svg>").title is None
    assert facts("<svg><title>icon</title></svg><title>page</title>").title == "page"


@pytest.mark.parametrize(
    ("html", "header", "language"),
    [
        ('<html xml:lang="cs">', "en", "cs"),
        ("<html>", "en", "en"),
        ('<html><meta http-equiv="Content-Language" content="th">', "en", "th"),
        ("<html>", None, None),
        ('<html lang="">', "fr", "fr"),
    ],
)
def test_declared_language(html: str, header: str | None, language: str | None) -> None:
    """The html element comes first, then what the page gives in place of a header, then the header."""
    assert facts(html, Headers(language=header)).declared_language == language


def test_only_the_first_base_counts() -> None:
    """Relative links resolve against the first base element that has an href."""
    html = (
        '<base target=x><base href="http://cdn.net/d/"><base href="http://b.net/"><a href="x">1</a><a href="/y">2</a>'
    )
    assert facts(html).links == [("cdn.net", 0)]
    assert facts('<base href="ftp://cdn.net/"><a href="x">1</a><a href="//a.net">2</a>').links == [("a.net", 0)]


PIECES = [
    *("http:", "HTTPS:", "//", "/", "\\", "#", "?", "a.net", "www.example.org", ":", "mailto:", "javascript:"),
    *("creativecommons.org/", "\u00e9", "\u2003", " ", "\t", "\n", "\v", "\f", "\r"),
]


@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
def test_no_link_that_leaves_is_passed_over(href: str) -> None:
    """The selector knows all that the URL standard takes for a way to another host."""
    written = "".join(f"&#{ord(character)};" if character < " " else escape(character) for character in href)
    target = normalise(href, URL.href)
    found = facts(f'<a href="{written}">x</a>').links
    assert found == ([(target.host, 0)] if target and target.host != URL.host else [])


def test_the_parser_keeps_its_own_book_of_elements(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in for it is gone after a page, and a release that has none is read as well."""
    nodes: Any = resiliparse.parse.html.node
    book = nodes._node_cache
    assert facts("<a href=http://a.net/>").links == [("a.net", 0)]
    assert nodes._node_cache is book
    renamed = type("Nodes", (), {})
    monkeypatch.setattr("corpus.extract.page._nodes", renamed)
    assert facts("<a href=http://a.net/>").links == [("a.net", 0)]
    assert not hasattr(renamed, "_node_cache")


def test_robots_rules_mark_every_link() -> None:
    """A page that says nofollow, by meta or by header, votes for nobody; same-owner links stay what they are."""
    html = '<link rel=canonical href="http://example.org/"><a href="http://a.net/" rel=ugc>1</a>'
    assert facts('<meta name=robots content="nofollow">' + html).links == [("a.net", 3), ("example.org", 8)]
    assert facts(html, Headers(robots=["none"])).links == [("a.net", 3), ("example.org", 8)]
    assert facts(html, Headers(robots=["otherbot: none"])).links == [("a.net", 2), ("example.org", 8)]


@pytest.mark.parametrize(
    "html",
    [
        '<script src="https://cdn.net/x.js"></script>',
        "<img src=//cdn.net/x.png>",
        "<iframe src=http://cdn.net/></iframe>",
        "<frameset><frame src=http://cdn.net/></frameset>",
        "<embed src=http://cdn.net/x>",
        "<video src=http://cdn.net/x></video>",
        "<video><source src=http://cdn.net/x><track src=/x></video>",
        "<audio src=/x><track src=http://cdn.net/x></audio>",
        "<input type=image src=http://cdn.net/x>",
        "<object data=HTTP://CDN.net/x></object>",
        "<form action=https://cdn.net/search></form>",
        "<link rel=stylesheet href=https://cdn.net/x.css>",
        "<link rel='preconnect dns-prefetch' href=//cdn.net>",
        "<link rel=alternate type=application/rss+xml href=https://cdn.net/feed>",
        "<link rel=icon hreflang=de href=https://cdn.net/x.ico>",
        "<link href=https://cdn.net/>",
        "<noscript><img src=http://cdn.net/></noscript>",
        "<base href=http://cdn.net/><img src=x.png>",
    ],
)
def test_what_a_page_loads_is_a_technical_link(html: str) -> None:
    """Whichever element names it, and only if it lies on another host."""
    assert facts(html).links == [("cdn.net", 16)]
    assert facts(html.replace("cdn.net", "www.example.org").replace("CDN.net", "www.example.org")).links == []


@pytest.mark.parametrize(
    "html",
    [
        "<img src='data:image/svg+xml,%3Csvg xmlns=http://www.w3.org/2000/svg%3E'>",
        "<iframe src=about:blank></iframe><video src='blob:https://a.net/x'></video><img src=''><img><object></object>",
        "<form action='javascript:void(0)'><form action='mailto:x@a.net'>",
        "<img srcset='http://a.net/x 2x' data-src=http://a.net/><p src=http://a.net/><a src=http://a.net/>",
        "<!-- <img src=http://a.net/> --><template><img src=http://a.net/></template><style>@import '//a.net'</style>",
    ],
)
def test_what_is_no_technical_link(html: str) -> None:
    """Data, blobs and scripts in place of an address, other attributes and elements, and what is not in the tree."""
    assert facts(html).links == []


def test_one_host_may_get_several_votes() -> None:
    """An anchor, a canonical link and a script are three links; rel and robots rules say nothing of scripts."""
    html = (
        "<meta name=robots content=nofollow><link rel='canonical x' href=http://a.net/><a href=http://a.net/ rel=ugc>"
    )
    html += "<script src=http://a.net/ rel=nofollow></script><img src=http://a.net/><form action=//a.net/ rel=nofollow>"
    assert facts(html).links == [("a.net", 3), ("a.net", 8), ("a.net", 16)]


def test_technical_links_are_bounded() -> None:
    """Of so many different ones the first, other kinds before pictures; equal ones count once."""
    pictures = "<img src=//a.net/>" * 5000 + "".join(f"<img src=//p{i}.net/>" for i in range(5000))
    found = facts(f"{pictures}<script src=//z.net/></script><a href=//b.net/>").links
    assert len(found) == MOST_RESOURCES + 1
    assert {("a.net", 16), ("b.net", 0), ("p0.net", 16), ("z.net", 16)} <= set(found)
    assert ("p998.net", 16) not in found


def test_control_characters_do_not_reach_the_parser() -> None:
    """NUL and its like are gone before the tree is built."""
    page = parse_page(b"<title>a\0b</title><p>c\x07d", url=URL, headers=Headers())
    assert page.html == "<title>ab</title><p>cd"
    assert page.facts.title == "ab"


def test_numeric_references_to_control_characters_vanish() -> None:
    """Only what XML forbids goes: `&#1;` and `&#x1b` do, `&#10;`, `&#169;`, `&#x1F600;` and `&#150;` stay."""
    html = "a&#1;b&#x1bg&#10;c&#169;d&#x1F600;e&#150;f&#0012;g&#xFFFE;h&#19;i&#190;"
    page = parse_page(html.encode(), url=URL, headers=Headers())
    assert page.html == "abg&#10;c&#169;d&#x1F600;e&#150;f&#0012;ghi&#190;"
