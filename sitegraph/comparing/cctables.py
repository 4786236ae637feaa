"""Read the statistics tables that Common Crawl keeps of its web graphs: small JSON files beside the ranks themselves.

Source: commoncrawl/cc-webgraph-statistics, folder `docs`. Two forms, plain or gzip:

    ranks/LEVEL-RELEASE.json   the first 1,000 nodes by harmonic centrality: {"header": [...], "rows": [[...], ...]},
                               every cell a string, the header that of the ranks files (sitegraph/commoncrawl.py)
    domain-lookup.json         every domain that was ever among them, over all releases: {"releases": [...],
                               "labels": [...], "domains": {reversed name: [[harmonic, ...], [PageRank, ...]]}}; a
                               value per release, null where the domain was not among the first of that release

Both are cut by harmonic centrality. So by that rank they are the first 1,000; by PageRank they are not: positions have
gaps, and a domain that only PageRank ranks high is missing.
"""

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from corpus.errors import InputError
from sitegraph.cc.ranksfile import COLUMNS, N_HOSTS
from sitegraph.layout import Level

MAX_BYTES: Final = 1 << 28
"""Largest table taken, unpacked; the lookup of 51 releases has 5 MB."""

LARGEST: Final = 1 << 62

FIELDS: Final = ("harmonic_position", "harmonic", "position", "pagerank", "reversed", "hosts")
_TOP = pa.schema(
    [
        ("harmonic_position", pa.int64()),
        ("harmonic", pa.float64()),
        ("position", pa.int64()),
        ("pagerank", pa.float64()),
        ("reversed", pa.string()),
    ]
)
_RELEASE = pa.schema([("harmonic", pa.float64()), ("pagerank", pa.float64()), ("reversed", pa.string())])


@dataclass(frozen=True, slots=True)
class TopTable:
    """The first nodes of one release: columns harmonic_position, harmonic, position, pagerank, reversed."""

    level: Level
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Lookup:
    """Domains over releases: for each reversed name its harmonic centralities and its PageRanks, None where absent."""

    path: Path
    releases: tuple[str, ...]
    domains: dict[str, tuple[list[float | None], list[float | None]]]

    def release(self, name: str) -> pa.Table:
        """Return the domains of one release: columns harmonic, pagerank, reversed; in the order of names."""
        if name not in self.releases:
            known = f"{self.releases[0]} to {self.releases[-1]}" if self.releases else "none"
            raise InputError(f"{self.path}: no release {name!r}; it has {len(self.releases)} ({known})")
        at = self.releases.index(name)
        rows = [
            {"harmonic": harmonic[at], "pagerank": pagerank[at], "reversed": domain}
            for domain, (harmonic, pagerank) in sorted(self.domains.items())
            if harmonic[at] is not None
        ]
        return pa.Table.from_pylist(rows, _RELEASE)


def read_statistics(path: Path) -> TopTable | Lookup:
    """Return what a statistics table holds; raises InputError, with the row, for one that is none."""
    found = parsed(path)
    if isinstance(found, dict) and {"header", "rows"} <= found.keys():
        return top_table(path, found["header"], found["rows"])
    if isinstance(found, dict) and {"releases", "domains"} <= found.keys():
        return lookup(path, found["releases"], found["domains"])
    raise InputError(f"{path}: no statistics table of Common Crawl (keys header and rows, or releases and domains)")


def parsed(path: Path) -> Any:
    """Return the JSON value in a file, plain or gzip, of MAX_BYTES at most."""
    try:
        with open(path, "rb") as raw:
            zipped = raw.peek(2)[:2] == b"\x1f\x8b"
            data = (gzip.GzipFile(fileobj=raw) if zipped else raw).read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the path, or fetch the file again") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: over {MAX_BYTES:,} bytes; a statistics table has a few million")
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: no JSON ({error}); fetch the file again") from error


def top_table(path: Path, header: Any, rows: Any) -> TopTable:
    """Return the table of one release."""
    if not isinstance(header, list) or tuple(header) not in (COLUMNS, (*COLUMNS, N_HOSTS)):
        raise InputError(f"{path}: the header is not {' '.join(COLUMNS)}, then perhaps {N_HOSTS}")
    if not isinstance(rows, list):
        raise InputError(f"{path}: rows is no list")
    found = []
    for number, row in enumerate(rows, 1):
        try:
            found.append(top_row(row, len(header)))
        except (ValueError, TypeError) as error:
            raise InputError(f"{path}, row {number:,}: {error}; fetch the file again or mend the row") from error
    return TopTable("domain" if N_HOSTS in header else "host", pa.Table.from_pylist(found, _TOP))


def top_row(row: Any, columns: int) -> dict[str, Any]:
    """Return the fields of a row; raises ValueError or TypeError when they are none."""
    if not isinstance(row, list) or len(row) != columns:
        raise ValueError(f"not a list of {columns} cells")
    made = dict(zip(FIELDS, row, strict=False))
    values = {
        "harmonic_position": int(made["harmonic_position"]),
        "harmonic": float(made["harmonic"]),
        "position": int(made["position"]),
        "pagerank": float(made["pagerank"]),
    }
    if not all(number(value) for value in values.values()):
        raise ValueError("a value that no rank can be")
    if not isinstance(made["reversed"], str) or not made["reversed"]:
        raise ValueError("no name")
    return values | {"reversed": made["reversed"]}


def lookup(path: Path, releases: Any, domains: Any) -> Lookup:
    """Return the table of domains over releases."""
    if not isinstance(releases, list) or not all(isinstance(name, str) for name in releases):
        raise InputError(f"{path}: releases is no list of names")
    if not isinstance(domains, dict):
        raise InputError(f"{path}: domains is no object")
    for name, pair in domains.items():
        if not isinstance(pair, list) or len(pair) != 2 or not all(series(values, len(releases)) for values in pair):
            raise InputError(f"{path}, domain {name[:80]!a}: not two lists of {len(releases)} values each")
    return Lookup(path, tuple(releases), {name: (pair[0], pair[1]) for name, pair in domains.items()})


def series(values: Any, length: int) -> bool:
    """Say whether this is a list of so many values, each null or a number that a rank can be."""
    return isinstance(values, list) and len(values) == length and all(v is None or number(v) for v in values)


def number(value: Any) -> bool:
    """Say whether a value is a number that a rank, or a place in one, can be."""
    return isinstance(value, int | float) and 0 <= value <= LARGEST  # false for NaN
