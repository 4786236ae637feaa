"""What a takedown asks for, and which rows it means: sites with what is below them, URLs in any spelling, ids."""

import pyarrow as pa
import pytest

from corpus.errors import SettingError
from corpus.tokens.takedown import Matcher, Request, lines_of, request_of, sites_of

ROWS = [
    ("https://example.org/a", "example.org"),
    ("https://www.example.org/b?c", "example.org"),
    ("https://deep.www.example.org:8443/", "example.org"),
    ("https://notexample.org/", "notexample.org"),
    ("http://example.org.evil.net/example.org", "evil.net"),
    ("http://user:pass@blog.site.example/", ""),
    ("http://192.0.2.1/x", ""),
    ("http://[2001:db8::1]:80/", ""),
    ("http://xn--bcher-kva.example./", "xn--bcher-kva.example"),
    ("https://a.github.io/", "a.github.io"),
]


def table() -> pa.Table:
    return pa.table(
        {
            "doc_id": pa.array([bytes([n]) * 16 for n in range(len(ROWS))], pa.binary(16)),
            "url": [url for url, _ in ROWS],
            "registered_domain": [domain for _, domain in ROWS],
        }
    )


@pytest.mark.parametrize(
    ("kind", "value", "rows"),
    [
        ("site", "example.org", [0, 1, 2]),
        ("site", "WWW.Example.org.", [1, 2]),
        ("site", "site.example", [5]),
        ("site", "192.0.2.1", [6]),
        ("site", "[2001:db8::1]", [7]),
        ("site", "b\u00fccher.example", [8]),
        ("site", "github.io", [9]),
        ("site", "nowhere.example", []),
        ("url", "https://example.org:443/a#top", [0]),
        ("url", "https://example.org/", []),
        ("doc", "03" * 16, [3]),
    ],
)
def test_each_kind_means_its_rows(kind: str, value: str, rows: list[int]) -> None:
    """A site is a host or registered domain and all below it, never one that only ends in the same letters."""
    matcher = Matcher(request_of([(kind, value)]))
    flags = matcher.rows(table())
    assert [number for number, flag in enumerate(flags) if flag] == rows
    assert len(matcher.unmatched) == (not rows)


def test_what_means_nothing_is_named() -> None:
    """Only what of the request no row had, however often rows are looked at; a site and one below it are both met."""
    asked = [("site", "example.org"), ("site", "www.example.org"), ("site", "x.example"), ("doc", "ff" * 16)]
    matcher = Matcher(request_of([*asked, ("url", "http://192.0.2.1/x")]))
    for first in range(0, len(ROWS), 3):
        matcher.rows(table().slice(first, 3))
    assert matcher.unmatched == ["site x.example", f"doc {'ff' * 16}"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("site", "com"),
        ("site", "co.uk"),
        ("site", ""),
        ("site", "https://example.org/"),
        ("url", "example.org"),
        ("url", "ftp://example.org/"),
        ("doc", "abc"),
        ("page", "x"),
    ],
)
def test_what_cannot_be_meant_is_refused(kind: str, value: str) -> None:
    """Public suffixes, URLs as sites, other schemes, ids of another length, unknown kinds."""
    with pytest.raises(SettingError, match=r"is not valid; (give|begin)"):
        request_of([(kind, value)])


def test_a_listing_has_a_request_a_line() -> None:
    """Empty lines and comments say nothing; the same request in another order and spelling has the same digest."""
    text = f"# takedown 7\n\nsite example.org\n  url   https://example.org/a b\ndoc {'0a' * 16}\n"
    found = request_of(lines_of(text))
    urls = frozenset(["https://example.org/a%20b"])
    assert found == Request(sites=frozenset(["example.org"]), urls=urls, docs=frozenset([b"\n" * 16]))
    assert found.counts() == {"sites": 1, "urls": 1, "docs": 1}
    other = request_of([("doc", ("0A" * 16)), ("url", "HTTPS://example.org/a%20b#x"), ("site", "EXAMPLE.org")])
    assert other.digest == found.digest
    assert request_of([("site", "example.org")]).digest != found.digest
    with pytest.raises(SettingError, match="kind"):
        request_of(lines_of("example.org\n"))


def test_a_host_is_below_sites_by_whole_labels() -> None:
    """All of the sites that it is or lies below."""
    sites = frozenset(["b.c", "a.b.c", "x.c"])
    assert sites_of("z.a.b.c.", sites) == ["a.b.c", "b.c"]
    assert sites_of("bb.c", sites) == sites_of("", sites) == []
