"""Hosts folded into registered domains."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import PipelineError
from corpus.url import PLATFORMS, Suffixes
from sitegraph.building.fold import FOLDED, fold
from sitegraph.building.suffixtree import LENGTH, SUFFIX, domain_end, suffix_tree
from sitegraph.hosts import domain_of, node_name, reverse

LEVELS = [
    PLATFORMS,
    Suffixes("private"),
    Suffixes("icann"),
    Suffixes("icann", frozenset({"a-b.com", "kobe.jp", "www.ck", "x.example.com"})),
]
LABELS = st.sampled_from(
    ["a", "a-b", "b", "www", "x", "example", "example-shop", "weebly", "github", "kobe", "city", "compute", "amazonaws"]
)
ENDS = st.sampled_from(
    ["com", "com", "com", "io", "co.uk", "uk", "ck", "jp", "kobe.jp", "compute.amazonaws.com", "sapo.pt", "zz", "bd"]
)
HOSTS = st.builds(lambda labels, end: ".".join([*labels, end]), st.lists(LABELS, max_size=3), ENDS)


def folded(
    names: Sequence[str], cuts: Sequence[int] = (), suffixes: Suffixes = PLATFORMS
) -> tuple[list[int], list[dict[str, Any]]]:
    """Return what fold makes of reversed names cut into batches: ids by host, rows of the domains."""
    written: list[pa.Table] = []
    bounds = sorted({0, len(names), *(cut % (len(names) + 1) for cut in cuts)})
    batches = [pa.array(names[a:b], pa.string()) for a, b in itertools.pairwise(bounds)]
    ids = fold(batches, len(names), written.append, suffixes)
    assert ids.dtype == np.int32
    return ids.tolist(), pa.concat_tables([FOLDED.empty_table(), *written]).to_pylist()


def plain(names: Sequence[str], suffixes: Suffixes) -> tuple[list[int], list[dict[str, Any]]]:
    """Return the same by the definition: the sorted set of the reversed domains of the hosts."""
    of_host = [reverse(domain_of(reverse(name), suffixes)) for name in names]
    domains, hosts = sorted(set(of_host), key=str.encode), Counter(of_host)
    rows = [{"reversed": d, "hosts": hosts[d], "platform": suffixes.is_suffix(reverse(d))} for d in domains]
    return [domains.index(domain) for domain in of_host], rows


@settings(deadline=None)  # the first call compiles
@given(st.sets(HOSTS, max_size=30), st.lists(st.integers(0, 30), max_size=6), st.sampled_from(LEVELS))
def test_folding_is_the_plain_definition(hosts: set[str], cuts: list[int], suffixes: Suffixes) -> None:
    """Ids, names, counts and platforms are those of sorting the set of all domains, however the hosts are batched."""
    names = sorted(reverse(host) for host in hosts if node_name(host))
    assert folded(names, cuts, suffixes) == plain(names, suffixes)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "city", "kobe", "www", "b-c"]), max_size=4), st.data())
def test_every_rule_ends_where_the_list_says(labels: list[str], data: st.DataObject) -> None:
    """The kernel agrees with the list's library for names below, at and above any rule."""
    suffixes = data.draw(st.sampled_from(LEVELS))
    rules = [*suffixes.rules, *suffixes.platforms]
    rule = rules[data.draw(st.integers(0, len(rules) - 1))].removeprefix("!").removeprefix("*.")
    name = node_name("x." + ".".join([*labels, rule]))
    for start in range(name.count(".") if name else 0):
        host = ".".join(str(name).split(".")[start:])
        text = np.frombuffer(reverse(host).encode(), np.uint8)
        found = domain_end(suffix_tree(suffixes), text, 0, len(text))
        assert reverse(text[: found >> LENGTH].tobytes().decode()) == domain_of(host, suffixes)
        assert bool(found & SUFFIX) == suffixes.is_suffix(domain_of(host, suffixes))


def test_hosts_of_a_domain_are_parted_by_a_hyphen() -> None:
    """A domain that begins late, behind domains that extend its name, still gets the id of its place, once."""
    names = ["com.a-b.x", "com.a-c", "com.a.www", "com.b", "com.b-c", "com.b.x"]
    for cut in range(len(names)):
        ids, rows = folded(names, [cut])
        assert [row["reversed"] for row in rows] == ["com.a", "com.a-b", "com.a-c", "com.b", "com.b-c"]
        assert ids == [1, 2, 0, 3, 4, 3]
        assert [row["hosts"] for row in rows] == [1, 1, 1, 2, 1]


def test_suffixes_below_a_domain_that_is_none() -> None:
    """Sites of a suffix deep below a domain sort behind that domain, though hosts of it come after them."""
    names = ["com.amazonaws.compute.eu.a", "com.amazonaws.compute.eu.a.www", "com.amazonaws.docs"]
    ids, rows = folded(names, [1, 2])
    assert [row["reversed"] for row in rows] == ["com.amazonaws", "com.amazonaws.compute.eu.a"]
    assert ids == [1, 1, 0]


def test_domains_are_written_as_soon_as_nothing_can_come_before_them() -> None:
    """The domains of one batch are written when the next is read, but for those that may still grow."""
    written: list[str] = []

    def batches() -> Iterator[pa.Array]:
        yield pa.array(["com.a", "com.b", "com.c-d.x"])
        assert written == ["com.a", "com.b"]
        yield pa.array(["com.c.x", "com.d"])
        assert written == ["com.a", "com.b", "com.c", "com.c-d"]
        yield pa.array(["com.d-x", "com.d.x", "uk.co.x"])
        assert written[4:] == ["com.d", "com.d-x"]
        yield pa.array(["uk.co.y"])
        assert written[6:] == ["uk.co.x"]

    fold(batches(), 9, lambda table: written.extend(table["reversed"].to_pylist()))
    assert written[7:] == ["uk.co.y"]


def test_kinds_of_arrays() -> None:
    """Slices, chunked arrays, large strings, empty ones and none at all are read."""
    names = pa.array(["com.0", "com.a", "com.b", "com.b.x", "com.c"])
    written: list[pa.Table] = []
    given_arrays = [pa.chunked_array([names[1:3], names[3:4]]), names[:0], names[4:].cast(pa.large_string())]
    assert fold(given_arrays, 4, written.append).tolist() == [0, 1, 1, 2]
    assert fold([], 0, written.append).tolist() == []


@pytest.mark.parametrize(
    ("batches", "hosts", "reason"),
    [
        ([["com.b", "com.a"]], 2, "'com.a' comes after 'com.b'"),
        ([["com.b.x", "com.b"]], 2, "'com.b' comes after 'com.b.x'"),
        ([["com.a", "com.a"]], 2, "'com.a' comes after 'com.a'"),
        ([["com.a", "com.b"], ["com.b"]], 3, "'com.b' comes after 'com.b'"),
        ([["com.a"]], 2, "1 hosts, not the 2"),
        ([["com.a", "com.b"]], 1, "more hosts than the 1"),
        ([["com.a", None]], 2, "without a name"),
    ],
)
def test_refuses_what_is_no_list_of_hosts(batches: list[list[str]], hosts: int, reason: str) -> None:
    """Names out of order, twice or missing, and a wrong number of them, never give a wrong fold."""
    with pytest.raises(PipelineError, match=reason):
        fold([pa.array(batch, pa.string()) for batch in batches], hosts, lambda _: None)
