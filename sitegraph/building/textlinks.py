"""Links from a text file: one link per line, `source host, target host[, pages[, source pages]]`, by commas or tabs.

Pages are the source host's pages with such a link, 1 unless told; source pages are all of its pages that were looked
at, the same on every line of that host, 0 (unknown) unless told. With them, links that stand on most pages of a site
are told from those that somebody set.

A first line whose first cell is `source` or `source_host` is a header. Tabs separate when the first line has one,
commas otherwise; gzip is told by its first bytes. The lines become a link file (schema.LINKS, no flags), so the graph
is built from them like from a crawl. A wrong line is an error that names it: a text file is written by hand or by a
program of the user, and a graph with lines missing would be a wrong one.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.errors import InputError
from corpus.schema import LINKS

ROWS: Final = 1 << 16
MAX_LINE: Final = 1 << 16
MAX_PAGES: Final = 2**32 - 1
HEADERS: Final = ("source", "source_host")


def convert(path: Path, out: Path) -> int:
    """Write the links of a text file as a Parquet file; return how many there are.

    Raises InputError with the line number when a line is no link, or the file cannot be read.
    """
    links = 0
    with pq.ParquetWriter(out, LINKS) as writer:
        for table in tables(path):
            writer.write_table(table)
            links += table.num_rows
    return links


def tables(path: Path, rows: int = ROWS) -> Iterator[pa.Table]:
    """Yield the links of a text file in tables of at most `rows` rows."""
    sources: list[str] = []
    targets: list[str] = []
    pages: list[int] = []
    whole: list[int] = []
    for source, target, count, of in links_of(path):
        sources.append(source)
        targets.append(target)
        pages.append(count)
        whole.append(of)
        if len(sources) == rows:
            yield table_of(sources, targets, pages, whole)
            sources, targets, pages, whole = [], [], [], []
    yield table_of(sources, targets, pages, whole)


def table_of(sources: list[str], targets: list[str], pages: list[int], whole: list[int]) -> pa.Table:
    """Return rows of schema.LINKS without flags."""
    flags = pa.array([0] * len(sources), pa.uint8())
    names = [pa.array(values, pa.string()) for values in (sources, targets)]
    return pa.table([*names, flags, pages, whole], schema=LINKS)


def links_of(path: Path) -> Iterator[tuple[str, str, int, int]]:
    """Yield (source host, target host, pages, source pages) for each line; empty lines are passed over."""
    line = 0
    try:
        with open(path, "rb") as raw, opened(raw) as text:
            first = text.readline(MAX_LINE + 1)
            delimiter = "\t" if "\t" in first else ","
            lines = csv.reader(bounded(first, text), delimiter=delimiter, strict=True)
            for line, cells in enumerate(lines, 1):
                if cells and not (line == 1 and cells[0].strip().lower() in HEADERS):
                    yield link(cells)
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        exact = isinstance(error, LinkError) and line > 0
        where = f"{path}, line {line:,}" if exact else f"{path}, after line {line:,}"
        raise InputError(f"{where}: {error}; mend the file") from error


class LinkError(ValueError):
    """A line is no link."""


def link(cells: list[str]) -> tuple[str, str, int, int]:
    """Return the link of a line's cells."""
    if len(cells) not in (2, 3, 4):
        raise LinkError(f"{len(cells)} columns, not source host, target host and perhaps pages and source pages")
    pages = number(cells[2], "pages", 1) if len(cells) > 2 else 1
    whole = number(cells[3], "source pages", 0) if len(cells) > 3 else 0
    if 0 < whole < pages:
        raise LinkError(f"{pages:,} pages with the link, of {whole:,} source pages")
    return cells[0].strip(), cells[1].strip(), pages, whole


def number(cell: str, name: str, least: int) -> int:
    """Return the number in a cell."""
    digits = cell.strip()
    if not (digits.isascii() and digits.isdigit() and least <= int(digits[:20]) <= MAX_PAGES):
        raise LinkError(f"{name} must be a number from {least} to {MAX_PAGES:,}, not {digits[:40]!a}")
    return int(digits)


def opened(raw: io.BufferedReader) -> io.TextIOWrapper:
    """Return the text of a file that may be gzip; UTF-8, a byte order mark is passed over."""
    zipped = raw.peek(2)[:2] == b"\x1f\x8b"
    stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if zipped else raw
    return io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")


def bounded(first: str, rest: io.TextIOWrapper) -> Iterator[str]:
    """Yield a line that was read already, then the rest; a line over the limit is an error."""
    line = first
    while line:
        if len(line) > MAX_LINE:
            raise LinkError(f"longer than {MAX_LINE:,} characters; not a file of links")
        yield line
        line = rest.readline(MAX_LINE + 1)
