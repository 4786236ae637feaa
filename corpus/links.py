"""Links between hosts: what one page votes for, and the sum over the pages of a file.

A page votes once for each (target host, flags), however many of its links say so; the sum is one row per (source host,
target host, flags) with the number of distinct pages. Links within a host are left out. `a` and `area` elements carry
their rel flags, and a page whose robots rules say nofollow makes all of them nofollow. Canonical and hreflang links and
redirects lead to the same owner's other addresses: they say who belongs together, not who is worth reading.
"""

import heapq
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from enum import IntFlag
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.schema import LINKS
from corpus.url import link_host

MOST_ENTRIES: Final = 1 << 19
"""Sums held in memory before they are spilled, about 150 MB."""


class Flag(IntFlag):
    """What a link says of itself; the bits are stored."""

    NOFOLLOW = 1
    UGC = 2
    SPONSORED = 4
    SAME_OWNER = 8


_REL: Final = {"nofollow": Flag.NOFOLLOW, "ugc": Flag.UGC, "sponsored": Flag.SPONSORED}
# References that a URL parser resolves to the host of the base: a query, a fragment, an absolute path, a relative path
# whose first segment has no colon; then schemes that lead to no host.
_WITHIN: Final = re.compile(r"[?#]|/(?![/\\\t\n\r])|[\w.%~-]+(?:[/?#]|\Z)", re.ASCII)
_ELSEWHERE: Final = re.compile(r"(?:javascript|mailto|tel|data):", re.IGNORECASE)
_AGENT: Final = re.compile(r"\s*(?!unavailable_after|max-)[\w*-]+\s*:", re.IGNORECASE)
_NOFOLLOW: Final = re.compile(r"(?:^|[\s,:])(?:nofollow|none)(?:$|[\s,])", re.IGNORECASE)


def rel_flags(rel: str | None) -> int:
    """Return the flags of a rel attribute: `nofollow`, `ugc`, `sponsored`."""
    if not rel:
        return 0
    return int(sum(flag for token, flag in _REL.items() if token in rel.lower().split()))


def says_nofollow(meta: str | None, headers: Iterable[str] = ()) -> bool:
    """Say whether the robots meta elements or X-Robots-Tag headers of a page forbid to follow its links.

    A header that names a user agent (`somebot: nofollow`) speaks to that agent alone.
    """
    return any(_NOFOLLOW.search(value[:4096]) for value in (meta or "", *(h for h in headers if not _AGENT.match(h))))


def target_host(href: str, base: str, base_host: str) -> str | None:
    """Return the host a link leads to; `base` is the page's base URL, `base_host` that URL's host."""
    href = href.strip(" \t\n\r\f")
    if not href or _WITHIN.match(href):
        return base_host
    return None if _ELSEWHERE.match(href) else link_host(href, base)


def votes(
    anchors: Iterable[tuple[str, int]], owners: Iterable[str], *, host: str, base: str, base_host: str, nofollow: bool
) -> list[tuple[str, int]]:
    """Return the distinct (target host, flags) of a page on `host`, sorted.

    `anchors` are (href, rel flags) of `a` and `area` elements, `owners` the hrefs of canonical and hreflang links.
    """
    page_flags = int(Flag.NOFOLLOW) if nofollow else 0
    found = {(target_host(href, base, base_host), flags | page_flags) for href, flags in anchors}
    found |= {(target_host(href, base, base_host), int(Flag.SAME_OWNER)) for href in owners}
    return sorted((target, flags) for target, flags in found if target and target != host)


Key = tuple[str, str, int]


class LinkCounts:
    """Pages per (source host, target host, flags), in bounded memory: `with LinkCounts() as counts: counts.add(...)`.

    When more than `most` sums are held they are written, sorted, to a temporary file; `rows` merges all of them.
    """

    def __init__(self, most: int = MOST_ENTRIES) -> None:
        self._most = most
        self._sums: dict[Key, int] = {}
        self._runs: list[Path] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="links-")
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    def add(self, host: str, targets: Iterable[tuple[str, int]]) -> None:
        """Count one page of `host` that links to `targets`, distinct (target host, flags)."""
        for target, flags in targets:
            key = host, target, flags
            self._sums[key] = self._sums.get(key, 0) + 1
        if len(self._sums) > self._most:
            self._spill()

    def _spill(self) -> None:
        path = Path(self._folder.name) / f"{len(self._runs)}.parquet"
        with pq.ParquetWriter(path, LINKS) as out:
            for table in tables(iter(self._held())):
                out.write_table(table)
        self._runs.append(path)
        self._sums.clear()

    def _held(self) -> list[tuple[Key, int]]:
        return sorted(self._sums.items())

    def rows(self) -> Iterator[tuple[Key, int]]:
        """Yield each ((source host, target host, flags), pages) once, sorted."""
        merged = heapq.merge(*(_run(path) for path in self._runs), iter(self._held()))
        for key, group in itertools.groupby(merged, key=lambda row: row[0]):
            yield key, sum(pages for _, pages in group)


def _run(path: Path) -> Iterator[tuple[Key, int]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1 << 14):
            columns = [batch.column(i).to_pylist() for i in range(4)]
            yield from (((source, target, flags), pages) for source, target, flags, pages in zip(*columns, strict=True))


def tables(rows: Iterable[tuple[Key, int]], size: int = 1 << 16) -> Iterator[pa.Table]:
    """Yield `rows` as tables of the LINKS schema, `size` rows each."""
    for group in _batched(rows, size):
        columns = zip(*((*key, pages) for key, pages in group), strict=True)
        yield pa.table([pa.array(c, f.type) for c, f in zip(columns, LINKS, strict=True)], schema=LINKS)


def _batched(rows: Iterable[tuple[Key, int]], size: int) -> Iterator[Sequence[tuple[Key, int]]]:
    """Yield lists of `size` rows: itertools.batched, which Python 3.11 lacks."""
    source = iter(rows)
    while group := list(itertools.islice(source, size)):
        yield group
