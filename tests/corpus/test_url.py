"""URLs, hosts and registered domains."""

import csv
import gzip
import json
import re
from pathlib import Path

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.url import (
    MAX_URL,
    Url,
    graph_host,
    is_domain,
    is_ip,
    link_host,
    normalise,
    punycode,
    registered_domain,
    www_normalised,
)

HOST_PIECES = st.sampled_from(
    ["a", "www", "xn--", "xn--bcher-kva", "ü", "1", "0x7f", "com", ".", "_", "-", "K", "ſ", "%41"]
)
URL_PIECES = st.sampled_from(
    ["http:", "https:", "//", "/", "\\", "#", "?", "@", ":80", " ", "\t", "\n", "[::1]", "..", "javascript:"]
)
HOSTS = st.lists(st.one_of(HOST_PIECES, st.just("."))).map("".join)
URLS = st.one_of(st.text(), st.lists(st.one_of(HOST_PIECES, URL_PIECES, st.characters())).map("".join))
PAGE = "https://www.example.org/dir/page.html?q#f"


@pytest.mark.parametrize(
    ("url", "href", "host"),
    [
        ("HTTP://Example.COM:80/a/../b#frag", "http://example.com/b", "example.com"),
        ("https://example.com./x", "https://example.com./x", "example.com"),
        ("http://faß.example/", "http://xn--fa-hia.example/", "xn--fa-hia.example"),
        (" http:\\\\example.com\\x\n", "http://example.com/x", "example.com"),
        ("http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1"),
        ("http://example.com/\ud800", "http://example.com/%EF%BF%BD", "example.com"),
        ("http://example.com/x #f", "http://example.com/x%20", "example.com"),
    ],
)
def test_normalises_as_browsers_do(url: str, href: str, host: str) -> None:
    """Case, default port, dots, backslashes, IDN and numeric hosts come out in the standard's form, no fragment."""
    assert normalise(url) == Url(href, host)


@pytest.mark.parametrize(
    "url", ["", "x", "/x", "ftp://a.b/", "mailto:a@b.c", "data:,x", "http://", "http://a b/", "http://./"]
)
def test_refuses_what_is_not_an_http_url(url: str) -> None:
    """Other schemes, relative URLs without base and broken hosts give None."""
    assert normalise(url) is None


def test_refuses_urls_that_hold_data() -> None:
    """A URL longer than MAX_URL characters is no address."""
    assert normalise("http://a.b/" + "x" * (MAX_URL - 11)) is not None
    assert normalise("http://a.b/" + "x" * (MAX_URL - 10)) is None


def test_resolves_against_a_base() -> None:
    """Relative URLs resolve by the standard's rules."""
    assert normalise("../x", PAGE) == Url("https://www.example.org/x", "www.example.org")
    assert normalise("//other.net", PAGE) == Url("https://other.net/", "other.net")
    assert normalise("#top", PAGE) == Url("https://www.example.org/dir/page.html?q", "www.example.org")
    assert normalise("mailto:a@b.c", PAGE) is None


@given(URLS)
def test_normalising_twice_changes_nothing(url: str) -> None:
    """Whatever the input, nothing is raised, and a normalised URL is its own normal form."""
    found = normalise(url)
    assert found is None or normalise(found.href) == found


@given(URLS)
def test_link_host_is_the_normalised_host(url: str) -> None:
    """The fast way to a link's host gives what full parsing gives."""
    found = normalise(url, PAGE)
    assert link_host(url, PAGE) == (found.host if found else None)


@given(HOSTS, st.sampled_from(["", "/", ":80", "?x", "\\y", "#f", " ", "@z.de"]))
def test_link_host_is_the_normalised_host_for_odd_hosts(host: str, rest: str) -> None:
    """The same for hosts made of numbers, punycode, letters whose lower case is ASCII and stray dots."""
    found = normalise(f"http://{host}{rest}", PAGE)
    assert link_host(f"http://{host}{rest}", PAGE) == (found.host if found else None)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0x7f.1", "017700000001", "2130706433", "127.1.", "[::1]", "::1", "１２７.0.0.1"]
)
def test_knows_ips_in_every_spelling(host: str) -> None:
    """Dotted, hexadecimal, octal, one number, short, IPv6 with and without brackets, full-width digits."""
    assert is_ip(host)
    assert registered_domain(host) is None
    assert graph_host(host) is None


@pytest.mark.parametrize(
    "host", ["", "example.com", "1.example", "256.256.256.256", "a/1.2.3.4", "1.2.3.4@a.b", "x" * 70_000]
)
def test_takes_nothing_else_for_an_ip(host: str) -> None:
    """Names, broken numbers and things that are no host at all are not IPs."""
    assert not is_ip(host)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.example.co.uk", "example.co.uk"),
        ("a.someone.github.io", "someone.github.io"),
        ("github.io", None),
        ("Bücher.example.", "xn--bcher-kva.example"),
        ("localhost", None),
        (".example.com", None),
        ("a..example.com", None),
        ("a" * 64 + ".com", None),
        ("a." * 126 + "example.com", None),
    ],
)
def test_registered_domain(host: str, domain: str | None) -> None:
    """Public suffix, private section included, plus one label; none for suffixes and malformed hosts."""
    assert registered_domain(host) == domain


@given(st.one_of(st.text(), HOSTS))
def test_hosts_never_raise(host: str) -> None:
    """Whatever a host holds, each question about it has an answer, and answers agree."""
    domain, node = registered_domain(host), graph_host(host)
    assert not (is_ip(host) and (domain or node))
    assert domain is None or (is_domain(domain) and punycode(host).endswith(domain))
    assert node is None or (is_domain(node) and graph_host(node) in (node, www_normalised(node)))


@pytest.mark.parametrize(
    ("host", "node"),
    [
        ("www.example.org", "example.org"),
        ("www.com", "www.com"),
        ("www.www.org", "www.org"),
        ("www2.example.org", "www2.example.org"),
        ("localhost", None),
        ("WWW.BÜCHER.example", "xn--bcher-kva.example"),
    ],
)
def test_graph_host(host: str, node: str | None) -> None:
    """A leading www. goes where at least two labels remain."""
    assert graph_host(host) == node


def without_fragment(href: str) -> str:
    """Return what the vector expects of a normaliser that drops fragments."""
    return href.partition("#")[0]


@pytest.mark.shared
def test_web_platform_vectors(shared: Path) -> None:
    """Every http(s) vector of the Web Platform Tests gives its href (less the fragment), every failure None."""
    vectors = [
        v
        for v in json.loads(gzip.decompress((shared / "data/urls/urltestdata.json.gz").read_bytes()))
        if isinstance(v, dict)
    ]
    for vector in vectors:
        found = normalise(vector["input"], vector.get("base"))
        expected = None if vector.get("failure") else without_fragment(vector["href"])
        if expected is not None and not expected.startswith(("http:", "https:")):
            expected = None
        assert (found.href if found else None) == expected, vector
    assert len(vectors) > 400


@pytest.mark.shared
def test_public_suffix_vectors(shared: Path) -> None:
    """Every vector of the Public Suffix List's own test gives its registrable domain."""
    lines = re.findall(
        r"^checkPublicSuffix\('(.*)', (?:null|'(.*)')\)", (shared / "data/urls/test_psl.txt").read_text(), re.M
    )
    for host, domain in lines:
        assert registered_domain(host) == (ada_url.idna_to_ascii(domain).decode() if domain else None), host
    assert len(lines) > 30


@pytest.mark.shared
def test_resolving_vectors(shared: Path) -> None:
    """Relative references resolve as a widely used crawler library expects."""
    with open(shared / "data/urls/url-resolve.csv", newline="") as lines:
        rows = [row for row in csv.reader(lines, skipinitialspace=True) if len(row) == 3]
    for reference, base, expected in rows:
        found = normalise(reference, base or None)
        if expected.startswith("http"):
            assert found is not None
            assert found.href == without_fragment(expected)
        else:
            assert found is None
    assert len(rows) > 8
