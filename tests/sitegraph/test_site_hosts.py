"""Host names as nodes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.url import graph_host
from sitegraph.hosts import domain_of, node_name, reverse, unusable_because

PIECES = st.sampled_from(
    [
        "www",
        ".",
        ".",
        "a",
        "com",
        "co.uk",
        "xn--",
        "xn--bcher-kva",
        "ü",
        "7",
        "0x7f",
        "-",
        "_",
        "A",
        " ",
        "x" * 63,
        "\n",
    ]
)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("www.example.org", "example.org"),
        ("www.com", "www.com"),
        ("www.www.example.org", "www.example.org"),
        ("example.org.", "example.org"),
        ("Bücher.DE", "xn--bcher-kva.de"),
        ("a_b.example.org", "a_b.example.org"),
        ("192.0.2.1", None),
        ("0x7f.1", None),
        ("[::1]", None),
        ("localhost", None),
        ("a..b", None),
        ("xn--a-.com", None),
        ("x" * 64 + ".com", None),
        ("example.123", None),
        ("", None),
    ],
)
def test_one_name_per_host(host: str, name: str | None) -> None:
    """www, case, trailing dot and IDN fold away; IP addresses, single labels and malformed names are no nodes."""
    assert node_name(host) == name


@given(st.one_of(st.lists(PIECES, max_size=8).map("".join), st.text(max_size=20)))
def test_the_short_cut_changes_nothing(host: str) -> None:
    """Names that one expression finds to be in final form come out as the full rules have them."""
    assert node_name(host) == graph_host(host)


@pytest.mark.parametrize(
    ("host", "reason"), [("192.0.2.1", "ip"), ("[2001:db8::1]", "ip"), ("0x7f.1", "ip"), ("localhost", "name")]
)
def test_says_why_a_host_is_no_node(host: str, reason: str) -> None:
    """IP addresses in any spelling are told from names that are none."""
    assert unusable_because(host) == reason


@pytest.mark.parametrize(
    ("name", "domain"),
    [
        ("a.b.example.co.uk", "example.co.uk"),
        ("user.github.io", "user.github.io"),
        ("github.io", "github.io"),
        ("co.uk", "co.uk"),
    ],
)
def test_registered_domain_of_a_node(name: str, domain: str) -> None:
    """The private section counts; a public suffix that is a host itself stands for itself."""
    assert domain_of(name) == domain


def test_reversing_twice_changes_nothing() -> None:
    """Labels are reversed, their letters are not."""
    assert reverse("blog.example.com") == "com.example.blog"
    assert reverse(reverse("a.b.c.d")) == "a.b.c.d"
