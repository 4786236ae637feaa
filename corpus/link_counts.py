"""Links of many pages added up: one row per (source host, target host, flags) with the number of distinct pages."""

import heapq
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.schema import LINKS
from corpus.storage import as_storage_error

MOST_ENTRIES: Final = 1 << 19
"""Sums held in memory before they are spilled, about 150 MB."""
MOST_PAGES: Final = 1 << 21
"""Pages remembered, so that a page captured twice votes once: 8 bytes each, about 200 MB at the most."""

Key = tuple[str, str, int]


class LinkCounts:
    """Pages per (source host, target host, flags), in bounded memory: `with LinkCounts(...) as counts: ...`.

    When more than `most` sums are held they are written, sorted, to a temporary file in `folder` (its name is one that
    `storage.remove_leftovers` knows, should the process be killed); `rows` merges all of them. A page is its URL: the
    first capture that has links votes, later ones of the same file do not (as long as it is one of the first MOST_PAGES
    pages).
    """

    def __init__(self, folder: Path, most: int = MOST_ENTRIES) -> None:
        self._folder, self._most = folder, most
        self._sums: dict[Key, int] = {}
        self._runs: list[Path] = []
        self._seen: set[int] = set()
        self.pages = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for path in self._runs:
            path.unlink(missing_ok=True)

    def add(self, url: str, host: str, targets: Sequence[tuple[str, int]]) -> None:
        """Count the page `url` of `host` that links to `targets`, distinct (target host, flags)."""
        if not targets or self._voted(url):
            return
        self.pages += 1
        for target, flags in targets:
            key = host, target, flags
            self._sums[key] = self._sums.get(key, 0) + 1
        if len(self._sums) > self._most:
            self._spill()

    def _voted(self, url: str) -> bool:
        key = int.from_bytes(blake2b(url.encode("utf-8", "surrogatepass"), digest_size=7).digest())
        voted = key in self._seen
        if not voted and len(self._seen) < MOST_PAGES:
            self._seen.add(key)
        return voted

    def _spill(self) -> None:
        with as_storage_error(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".spill-", suffix=".tmp", dir=self._folder)
            os.close(handle)
            self._runs.append(Path(name))
            with pq.ParquetWriter(name, LINKS) as out:
                for table in tables(iter(self._held())):
                    out.write_table(table)
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
