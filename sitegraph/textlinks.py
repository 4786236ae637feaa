"""Links from a text file: one link per line, `source host, target host[, pages]`, separated by commas or tabs.

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
    for source, target, count in links_of(path):
        sources.append(source)
        targets.append(target)
        pages.append(count)
        if len(sources) == rows:
            yield table_of(sources, targets, pages)
            sources, targets, pages = [], [], []
    yield table_of(sources, targets, pages)


def table_of(sources: list[str], targets: list[str], pages: list[int]) -> pa.Table:
    """Return rows of schema.LINKS without flags."""
    flags = pa.array([0] * len(sources), pa.uint8())
    return pa.table([pa.array(sources, pa.string()), pa.array(targets, pa.string()), flags, pages], schema=LINKS)


def links_of(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield (source host, target host, pages) for each line; empty lines are passed over."""
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


def link(cells: list[str]) -> tuple[str, str, int]:
    """Return the link of a line's cells."""
    if len(cells) not in (2, 3):
        raise LinkError(f"{len(cells)} columns, not source host, target host and perhaps pages")
    pages = cells[2].strip() if len(cells) == 3 else "1"
    if not (pages.isascii() and pages.isdigit() and 1 <= int(pages[:20]) <= MAX_PAGES):
        raise LinkError(f"pages must be a number from 1 to {MAX_PAGES:,}, not {pages[:40]!a}")
    return cells[0].strip(), cells[1].strip(), int(pages)


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
