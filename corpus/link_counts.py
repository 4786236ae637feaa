"""Links of many pages added up: one row per (source host, target host, flags) with the number of distinct pages.

Beside it stands how many pages of the source host were parsed at all, those without a link to another host included:
a link that stands on most of a site's pages is part of its frame (a footer, a list of friends), and only that tells.
"""

import heapq
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.schema import LINKS
from corpus.storage import as_storage_error

T = TypeVar("T")
ROWS: Final = 1 << 16
"""Rows of a table."""
MOST_ENTRIES: Final = 1 << 19
"""Sums held in memory before they are spilled, about 150 MB."""
MOST_PAGES: Final = 1 << 21
"""Pages remembered, so that a page captured twice counts and votes once: about 200 MB at the most."""

Key = tuple[str, str, int]
Row = tuple[Key, int, int]
"""(source host, target host, flags), pages with such a link, parsed pages of the source host."""

_PARSED: Final = ("", 0)
"""In place of target host and flags: the sum of a host's parsed pages. It sorts before every link of that host."""
_COUNTED, _VOTED = 1, 2
_SPILLED: Final = pa.schema([LINKS.field(i) for i in range(4)])


class LinkCounts:
    """Pages per (source host, target host, flags) and per source host, in bounded memory: `with LinkCounts(...)`.

    When more than `most` sums are held they are written, sorted, to a temporary file in `folder` (its name is one that
    `storage.remove_leftovers` knows, should the process be killed); `rows` merges all of them. A page is its URL: the
    first capture that has links votes, later ones of the same file do not (as long as it is one of the first MOST_PAGES
    pages), and it counts as one parsed page however often it was captured.
    """

    def __init__(self, folder: Path, most: int = MOST_ENTRIES) -> None:
        self._folder, self._most = folder, most
        self._sums: dict[Key, int] = {}
        self._runs: list[Path] = []
        self._seen: dict[int, int] = {}
        self.pages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for path in self._runs:
            path.unlink(missing_ok=True)

    def add(self, url: str, host: str, targets: Sequence[tuple[str, int]], parsed: bool = True) -> None:
        """Count the page `url` of `host` that links to `targets`, distinct (target host, flags).

        parsed: it was read as a page; a redirect has a target and is none.
        """
        asked = (_COUNTED if parsed else 0) | (_VOTED if targets else 0)
        new = asked & ~self._noted(url, asked) if asked else 0
        if new & _COUNTED:
            self._sum(host, *_PARSED)
        if new & _VOTED:
            self.pages += 1
            for target, flags in targets:
                self._sum(host, target, flags)
        if len(self._sums) > self._most:
            self._spill()

    def _sum(self, host: str, target: str, flags: int) -> None:
        key = host, target, flags
        self._sums[key] = self._sums.get(key, 0) + 1

    def _noted(self, url: str, asked: int) -> int:
        """Return what was noted of a page before, and note what is asked now."""
        key = int.from_bytes(blake2b(url.encode("utf-8", "surrogatepass"), digest_size=7).digest())
        before = self._seen.get(key, 0)
        if before or len(self._seen) < MOST_PAGES:
            self._seen[key] = before | asked
        return before

    def _spill(self) -> None:
        with as_storage_error(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".spill-", suffix=".tmp", dir=self._folder)
            os.close(handle)
            self._runs.append(Path(name))
            with pq.ParquetWriter(name, _SPILLED) as out:
                for group in _batched(self._held(), ROWS):
                    out.write_table(_table([(*key, pages) for key, pages in group], _SPILLED))
        self._sums.clear()

    def _held(self) -> list[tuple[Key, int]]:
        return sorted(self._sums.items())

    def rows(self) -> Iterator[Row]:
        """Yield each ((source host, target host, flags), pages, pages of the source host) once, sorted."""
        merged = heapq.merge(*(_run(path) for path in self._runs), iter(self._held()))
        known = "", 0
        for key, group in itertools.groupby(merged, key=lambda row: row[0]):
            pages = sum(pages for _, pages in group)
            if key[1:] == _PARSED:
                known = key[0], pages
            else:
                yield key, pages, known[1] if known[0] == key[0] else 0


def _run(path: Path) -> Iterator[tuple[Key, int]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=1 << 14):
            columns = [batch.column(i).to_pylist() for i in range(4)]
            yield from (((source, target, flags), pages) for source, target, flags, pages in zip(*columns, strict=True))


def tables(rows: Iterable[Row], size: int = ROWS) -> Iterator[pa.Table]:
    """Yield `rows` as tables of the LINKS schema, `size` rows each."""
    for group in _batched(rows, size):
        yield _table([(*key, pages, source_pages) for key, pages, source_pages in group], LINKS)


def _table(rows: Iterable[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True)
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)


def _batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield lists of `size` rows: itertools.batched, which Python 3.11 lacks."""
    source = iter(rows)
    while group := list(itertools.islice(source, size)):
        yield group
