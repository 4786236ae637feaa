"""What a page says of itself and where it links to."""

import pytest

from corpus.extract.page import Facts, Headers, parse_page
from corpus.url import Url

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
        links=[("a.net", 0), ("a.net", 3), ("b.net", 0), ("creativecommons.org", 0), ("example.com", 8)],
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


def test_robots_rules_mark_every_link() -> None:
    """A page that says nofollow, by meta or by header, votes for nobody; same-owner links stay what they are."""
    html = '<link rel=canonical href="http://example.org/"><a href="http://a.net/" rel=ugc>1</a>'
    assert facts('<meta name=robots content="nofollow">' + html).links == [("a.net", 3), ("example.org", 8)]
    assert facts(html, Headers(robots=["none"])).links == [("a.net", 3), ("example.org", 8)]
    assert facts(html, Headers(robots=["otherbot: none"])).links == [("a.net", 2), ("example.org", 8)]


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
