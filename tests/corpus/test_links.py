"""Links: flags, targets, votes of a page and sums over pages."""

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.link_counts import LinkCounts, tables
from corpus.links import Flag, rel_flags, says_nofollow, target_host, votes
from corpus.storage import remove_leftovers
from corpus.url import normalise

BASE = "http://www.example.org/dir/"


@pytest.mark.parametrize(
    ("rel", "flags"),
    [(None, 0), ("", 0), ("noopener", 0), ("NoFollow", 1), ("ugc nofollow", 3), ("sponsored", 4), ("xnofollow", 0)],
)
def test_rel_flags(rel: str | None, flags: int) -> None:
    """Each of the three tokens sets its bit, whatever its case; others set none."""
    assert rel_flags(rel) == flags


@pytest.mark.parametrize(
    ("meta", "headers", "found"),
    [
        (None, [], False),
        ("index, follow", [], False),
        ("noindex,NOFOLLOW", [], True),
        ("none", [], True),
        (None, ["noindex, nofollow"], True),
        (None, ["somebot: nofollow"], False),
        (None, ["unavailable_after: 25 Jun 2030 15:00:00 PST, nofollow"], True),
        ("max-snippet:none-such", [], False),
    ],
)
def test_page_level_nofollow(meta: str | None, headers: list[str], found: bool) -> None:
    """Meta robots and X-Robots-Tag count; a header for one user agent does not."""
    assert says_nofollow(meta, headers) is found


HREFS = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(
            ["http:", "https:", "//", "/", "\\", "#", "?", "a", ".b", ":", "\t", "\n", " ", "%2f", "mailto:", "é"]
        )
    ).map("".join),
)


@given(HREFS)
def test_shortcuts_agree_with_the_parser(href: str) -> None:
    """The host of a link is that of the URL it resolves to, whichever shortcut finds it."""
    found = normalise(href, BASE)
    assert target_host(href, BASE, "www.example.org") == (found.host if found else None)


def test_votes_of_a_page() -> None:
    """Each (host, flags) once; own host left out; a nofollow page marks its anchors, and no other links."""
    anchors = [("http://a.net/1", 0), ("http://a.net/2", 0), ("//a.net/3", 2), ("/own", 0), ("mailto:x@b.net", 0)]
    owners = ["https://example.org/", "http://www.example.org/dir/"]
    resources = [
        "//a.net/x.js",
        "https://a.net/y.png",
        "/own.png",
        "blob:https://a.net/1",
        "data:image/png;base64,//c.net/",
    ]
    where = {"host": "www.example.org", "base": BASE, "base_host": "www.example.org"}
    found = votes(anchors, owners, resources, **where, nofollow=False)
    assert found == [("a.net", 0), ("a.net", Flag.UGC), ("a.net", Flag.TECHNICAL), ("example.org", Flag.SAME_OWNER)]
    found = votes(anchors, owners, resources, **where, nofollow=True)
    assert found == [("a.net", 1), ("a.net", 3), ("a.net", 16), ("example.org", 8)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a.de", "b.de"]),
            st.integers(0, 30),
            st.frozensets(st.tuples(st.sampled_from(["x.net", "y.net", "z.net"]), st.integers(0, 31)), max_size=6),
        ),
        max_size=40,
    ),
    st.integers(1, 8),
)
def test_sums_do_not_depend_on_spilling(pages: list[tuple[str, int, frozenset[tuple[str, int]]]], most: int) -> None:
    """Sums equal a plain counter over the first capture of each page, sorted, however often they are spilled.

    A page counts once as a page of its host: captured as one, with links or without (every third is a redirect).
    """
    expected: Counter[tuple[str, str, int]] = Counter()
    seen = set()
    parsed: dict[str, set[int]] = {"a.de": set(), "b.de": set()}
    with tempfile.TemporaryDirectory() as folder, LinkCounts(Path(folder) / "links", most) as counts:
        for host, number, targets in pages:
            url = f"http://{host}/{number}"
            counts.add(url, host, sorted(targets), number % 3 != 0)
            if number % 3:
                parsed[host].add(number)
            if targets and url not in seen:
                seen.add(url)
                expected.update((host, target, flags) for target, flags in targets)
        assert list(counts.rows()) == [(key, n, len(parsed[key[0]])) for key, n in sorted(expected.items())]
        assert counts.pages == len(seen)


def test_spilled_sums_leave_nothing_behind(tmp_path: Path) -> None:
    """Their files lie under the root, are gone after the block, and those of a killed process go with the next run."""
    folder = tmp_path / "links"
    with LinkCounts(folder, 1) as counts:
        counts.add("http://a.de/", "a.de", [("x.net", 0), ("y.net", 0)])
        (spilled,) = folder.iterdir()
        kept = spilled.read_bytes()
    assert not list(folder.iterdir())
    spilled.write_bytes(kept)
    assert remove_leftovers(tmp_path) == 1


def test_tables_have_the_stored_schema() -> None:
    """Rows become tables of a bounded number of rows."""
    rows = [(("a.de", f"{i}.net", 1), i, 9) for i in range(5)]
    found = list(tables(rows, size=2))
    assert [table.num_rows for table in found] == [2, 2, 1]
    expected = {"source_host": "a.de", "target_host": "2.net", "flags": 1, "pages": 2, "source_pages": 9}
    assert found[1].to_pylist()[0] == expected
