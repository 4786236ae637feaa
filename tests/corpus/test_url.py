"""URLs, hosts and registered domains."""

import csv
import gzip
import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PublicSuffixList

from corpus.errors import SettingError
from corpus.url import (
    MAX_URL,
    Suffixes,
    Url,
    graph_host,
    is_domain,
    is_final,
    is_ip,
    is_suffix,
    link_host,
    listed_platforms,
    node_form,
    normalise,
    punycode,
    registered_domain,
    www_normalised,
)

HOST_PIECES = st.sampled_from(
    [
        "a",
        "www",
        "xn--",
        "xn--bcher-kva",
        "ü",
        "1",
        "0x7f",
        "com",
        "github.io",
        "kobe.jp",
        ".",
        "_",
        "-",
        "K",
        "ſ",
        "%41",
    ]
)
URL_PIECES = st.sampled_from(
    ["http:", "https:", "//", "/", "\\", "#", "?", "@", ":80", " ", "\t", "\n", "[::1]", "..", "javascript:"]
)
HOSTS = st.lists(st.one_of(HOST_PIECES, st.just("."))).map("".join)
URLS = st.one_of(st.text(), st.lists(st.one_of(HOST_PIECES, URL_PIECES, st.characters())).map("".join))
PAGE = "https://www.example.org/dir/page.html?q#f"
LISTS = {only_icann: PublicSuffixList(only_icann=only_icann) for only_icann in (False, True)}


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


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("alice.weebly.com", "alice.weebly.com"),
        ("www.alice.weebly.com", "alice.weebly.com"),
        ("weebly.com", "weebly.com"),
        ("WWW.Weebly.com.", "weebly.com"),
        ("x.www.weebly.com", "weebly.com"),
        ("alice.blogs.sapo.pt", "alice.blogs.sapo.pt"),
        ("www.sapo.pt", "sapo.pt"),
        ("notweebly.com", "notweebly.com"),
    ],
)
def test_sites_of_hosting_platforms_are_domains(host: str, domain: str) -> None:
    """Each subdomain of a platform is a domain of its own; the platform's own pages are at its name and at www."""
    assert registered_domain(host) == domain


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("com", True),
        ("co.uk", True),
        ("github.io", True),
        ("weebly.com", True),
        ("Weebly.com.", True),
        ("anything.ck", True),
        ("www.ck", False),
        ("www.weebly.com", False),
        ("example.com", False),
        ("192.0.2.1", False),
        ("a..b", False),
        ("", False),
    ],
)
def test_suffixes(host: str, found: bool) -> None:
    """Public suffixes of both sections and platforms; hosts below them, IPs and what is no name are none."""
    assert is_suffix(host) is found


def test_levels_of_suffixes() -> None:
    """Each level has the suffixes of the one before and its own; platforms of the user's come on top of any."""
    hosts = ["a.example.co.uk", "a.b.github.io", "a.b.weebly.com", "a.b.mine.org"]
    levels = [Suffixes("icann"), Suffixes("private"), Suffixes(), Suffixes("icann", frozenset({"mine.org"}))]
    assert [[suffixes.registered_domain(host) for host in hosts] for suffixes in levels] == [
        ["example.co.uk", "github.io", "weebly.com", "mine.org"],
        ["example.co.uk", "b.github.io", "weebly.com", "mine.org"],
        ["example.co.uk", "b.github.io", "b.weebly.com", "mine.org"],
        ["example.co.uk", "github.io", "weebly.com", "b.mine.org"],
    ]


@pytest.mark.parametrize(
    ("level", "extra"), [("all", ""), ("icann", "com"), ("icann", "A.com"), ("icann", "a..com"), ("icann", "10.0.0.1")]
)
def test_refuses_wrong_suffixes(level: Any, extra: str) -> None:
    """An unknown level, and extra names that are no well-formed domains in their final form, are named."""
    with pytest.raises(SettingError, match=r"level = 'all'|extra = "):
        Suffixes(level, frozenset([extra] if extra else []))


@given(st.one_of(st.text(), HOSTS))
def test_registered_domains_are_those_of_the_list(host: str) -> None:
    """Without platforms, a registered domain is what the library for the list makes of the full rules' name."""
    name = punycode(host)
    for level, only_icann in (("icann", True), ("private", False)):
        expected = LISTS[only_icann].privatesuffix(name) if len(host) <= 253 and is_domain(name) else None
        assert Suffixes(level).registered_domain(host) == expected  # type: ignore[arg-type]


@given(st.one_of(st.text(), HOSTS))
def test_what_is_final_stays(host: str) -> None:
    """A host that one expression finds to be in final form is a domain that punycode leaves alone."""
    assert not is_final(host) or (punycode(host) == host and is_domain(host))


def test_the_list_of_platforms_is_in_order() -> None:
    """Each name is in its final form, stands there once, and is no suffix of the Public Suffix List."""
    text = resources.files("corpus").joinpath("platforms.txt").read_text("utf-8")
    names = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert len(names) == len(set(names)) == len(listed_platforms()) > 300
    private = Suffixes("private")
    assert [name for name in names if node_form(name) != name or private.is_suffix(name)] == []


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
