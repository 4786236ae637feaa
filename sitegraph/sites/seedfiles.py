"""Files about sites that people write by hand or with programs of their own: seeds, bad sites, labels, quality tables.

Text is UTF-8, one site per line, `#` begins a comment, empty lines are passed over. Cells are separated by tabs where
a line has one, by commas otherwise; a cell may stand in double quotes. A first line with `name` in it is a header and
says which column is which; without one they come in this order:

    seeds, bad sites     name [, group [, language]]      group: any word; language: ISO 639-1, else ISO 639-3
    quality tables       name, quality [, pages]          also Parquet, with columns of these names
    labels               name, label                      label: good or bad

A name is a host, a registered domain, or a URL, of which the host counts. A name that no site can have (an IP address,
a single label) is kept: it will be unknown to any graph, and reported as such. A line that is not of this form is an
InputError with file and line, for a file with lines missing would be a wrong one.
"""

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.url import normalise
from sitegraph.hosts import node_name

MAX_LINE: Final = 1 << 12
MAX_CELL: Final = 64
"""Longest group or language, in characters."""
ROWS: Final = 1 << 16
SEEDS: Final = ("name", "group", "language")
QUALITY: Final = ("name", "quality", "pages")
LABELS: Final = ("name", "label")
GOOD: Final = {"good": True, "bad": False}


@dataclass(frozen=True, slots=True)
class Seed:
    """A site that somebody vouches for (or warns of): node name or, where it can be none, as written."""

    name: str
    group: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """Mean qualities of sites: float64 each, `pages` being how many pages a mean is of."""

    names: list[str]
    quality: NDArray[np.float64]
    pages: NDArray[np.float64]


class LineError(ValueError):
    """A line is not of the form of its file."""


def site(cell: str) -> str:
    """Return the node name of a host, registered domain or URL; what can be none comes back as written."""
    url = normalise(cell) if "://" in cell else None
    host = url.host if url else cell
    return node_name(host) or host


def read_seeds(path: Path) -> list[Seed]:
    """Return the seeds of a file in its order, each once."""
    return list(dict.fromkeys(seed(path, number, cells) for number, cells in rows_of(path, SEEDS)))


def seed(path: Path, number: int, cells: dict[str, str]) -> Seed:
    """Return the seed of a line."""
    for name in ("group", "language"):
        if len(cells.get(name, "")) > MAX_CELL:
            raise wrong(path, number, f"a {name} of more than {MAX_CELL} characters")
    return Seed(site(cells["name"]), cells.get("group", ""), cells.get("language", "").lower())


def read_labels(path: Path) -> dict[str, bool]:
    """Return whether each labelled site of a file is good. Raises InputError for one that is good in one line and bad
    in another."""
    found: dict[str, bool] = {}
    for number, cells in rows_of(path, LABELS):
        name, label = site(cells["name"]), cells.get("label", "").lower()
        if label not in GOOD:
            raise wrong(path, number, f"a label of {label!a}, not good or bad")
        if found.setdefault(name, GOOD[label]) != GOOD[label]:
            raise wrong(path, number, f"{name!a} is {label} here, and was not before")
    return found


def read_quality(path: Path) -> Iterator[Measured]:
    """Yield the rows of a quality table, some tens of thousands at a time."""
    with open_binary(path) as file:
        start = file.read(4)
    yield from (parquet_quality if start == b"PAR1" else text_quality)(path)


def text_quality(path: Path) -> Iterator[Measured]:
    """Yield the rows of a quality table in text."""
    held: list[tuple[str, float, float]] = []
    for number, cells in rows_of(path, QUALITY):
        try:
            held.append((site(cells["name"]), float(cells["quality"]), float(cells.get("pages") or 1)))
        except KeyError:
            raise wrong(path, number, "no quality; a line has name, quality and perhaps pages") from None
        except ValueError:
            raise wrong(path, number, f"{list(cells.values())[1:]} are no numbers") from None
        if not (math.isfinite(held[-1][1]) and 0 <= held[-1][2] < math.inf):
            raise wrong(path, number, "quality must be a finite number, pages one from 0 up")
        if len(held) == ROWS:
            yield measured(held)
            held = []
    yield measured(held)


def measured(rows: Sequence[tuple[str, float, float]]) -> Measured:
    """Return rows (name, quality, pages) as columns."""
    return Measured([row[0] for row in rows], np.array([row[1] for row in rows]), np.array([row[2] for row in rows]))


def parquet_quality(path: Path) -> Iterator[Measured]:
    """Yield the rows of a quality table in Parquet."""
    row = 0
    try:
        with pq.ParquetFile(path) as file:
            columns = [name for name in QUALITY if name in file.schema_arrow.names]
            if columns[:2] != ["name", "quality"]:
                raise InputError(f"{path}: no columns name and quality, only {file.schema_arrow.names}; write them")
            for batch in file.iter_batches(ROWS, columns=columns):
                names = [site(str(name)) for name in batch["name"].cast(pa.string()).to_pylist()]
                quality = numbers(batch["quality"])
                pages = numbers(batch["pages"]) if "pages" in columns else np.ones(len(names))
                bad = np.flatnonzero(~np.isfinite(quality) | ~np.isfinite(pages) | (pages < 0))
                if len(bad):
                    raise InputError(f"{path}, row {row + int(bad[0]) + 1:,}: quality or pages are no numbers; mend it")
                row += len(names)
                yield Measured(names, quality, pages)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}, after row {row:,}: {str(error).partition(chr(10))[0]}; write it again") from error


def numbers(column: Any) -> NDArray[np.float64]:
    """Return a column as float64, nulls as NaN."""
    found: NDArray[np.float64] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return found


def rows_of(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield number and cells by column of each line that says something; the name is never empty."""
    known: Sequence[str] = columns
    first = True
    for number, text in lines_of(path):
        cells = cells_of(path, number, text)
        if first and "name" in (lowered := [cell.lower() for cell in cells]):
            known = lowered
            if len(set(known)) < len(known) or not set(known) <= set(columns):
                raise wrong(path, number, f"a header of {cells}, not of {', '.join(columns)}")
        elif len(cells) > len(known):
            raise wrong(path, number, f"{len(cells)} columns, not {', '.join(known)}")
        else:
            found = dict(zip(known, cells, strict=False))
            if not found.get("name"):
                raise wrong(path, number, "no name")
            yield number, found
        first = False


def cells_of(path: Path, number: int, text: str) -> list[str]:
    """Return the cells of a line."""
    try:
        (cells,) = csv.reader([text], delimiter="\t" if "\t" in text else ",", strict=True)
    except (csv.Error, ValueError) as error:
        raise wrong(path, number, f"cannot be divided into cells ({error})") from error
    return [cell.strip() for cell in cells]


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines of a file, without comments and empty lines.

    Raises InputError for a file that cannot be read, and for a line that is too long, no UTF-8, or has control
    characters in it.
    """
    with open_binary(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
            if len(line) > MAX_LINE:
                raise wrong(path, number, f"longer than {MAX_LINE:,} bytes; not a file of sites")
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").partition("#")[0].strip(" \r\n")
            except UnicodeDecodeError as error:
                raise wrong(path, number, f"no UTF-8 ({error.reason})") from error
            if any(c < " " and c != "\t" for c in text):
                raise wrong(path, number, "control characters; not a text file")
            if text.strip():
                yield number, text


def open_binary(path: Path) -> Any:
    """Open a file for reading bytes."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error


def wrong(path: Path, number: int, reason: str) -> InputError:
    """Return the error for a line."""
    return InputError(f"{path}, line {number:,}: {reason}; mend the file")
