"""Authority of hosts: the join of a site's ranks to its documents, in bounded memory.

The authority shard set holds one row per host and per registered domain (schema.AUTHORITY), perhaps hundreds of
millions, sorted by reversed name within a level. `lookup` passes over it once for the hosts asked: a row group whose
range of names cannot hold one of them is not read, of the others first the names alone, and only what matches is kept.

What stands for a host: its own row; what that lacks comes from its site, the nearest name with a row at the level of
domains, from the host itself up to its registered domain and no further. So the rank of a hosting platform or of a
public suffix never stands for the sites below it; a row that says of itself that it is a platform stands for no other
name, wherever the Public Suffix List ends. A site without any row is unknown: null, or `unknown`, a percentile that the
rules name. Rows of an imported ranking go before rows of this crawl's own graph, value by value, so that a small sample
can carry global authority.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import StorageError
from corpus.schema import AUTHORITY, VERDICTS
from corpus.settings import require
from corpus.storage import ShardSet, open_parquet
from corpus.url import registered_domain, www_normalised

COLUMNS: Final = (
    *("authority_host", "authority_domain", "in_domains"),
    *("trust", "robust", "truncated", "quality_rank", "spam_mass", "good_site"),
)
"""What a document gets to know of its site; columns of the verdicts, and what thresholds and bands may look at."""
KNOWN: Final = "known"
TABLE: Final = pa.schema([*(VERDICTS.field(name) for name in COLUMNS), pa.field(KNOWN, pa.bool_(), False)])
"""Schema of what lookup returns: COLUMNS, and whether the site has a row at all."""

CRAWL: Final = "crawl"
_VALUES: Final = {
    "percentile": "authority_host",
    "in_domains": "in_domains",
    "trust_percentile": "trust",
    "robust_percentile": "robust",
    "truncated_percentile": "truncated",
    "quality_percentile": "quality_rank",
    "spam_mass": "spam_mass",
    "good": "good_site",
}
"""Columns of schema.AUTHORITY that are looked up, and what each is called beside a document."""
_RANKS: Final = "authority_host", "authority_domain", "trust", "robust", "truncated", "quality_rank"
_WORDS: Final = "level", "source"

Value = float | int | None
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one host or registered domain: the values of _VALUES, in order."""

    values: tuple[Value, ...] = (None,) * len(_VALUES)
    platform: bool = False

    def over(self, other: "Standing") -> "Standing":
        """Return this standing, with what it lacks from another one."""
        pairs = zip(self.values, other.values, strict=True)
        return Standing(tuple(b if a is None else a for a, b in pairs), self.platform or other.platform)


NOTHING: Final = Standing()


@dataclass(frozen=True, slots=True)
class Authority:
    """Authority by host, read from a shard set; `None` or an empty set knows no host.

    unknown  percentile that stands where a site has no row, in place of every percentile of it; None for null
    """

    shards: ShardSet | None = None
    unknown: float | None = None

    def __post_init__(self) -> None:
        require(self.unknown is None or 0 <= self.unknown <= 1, self, "unknown", "expected a percentile, 0 to 1")

    def lookup(self, hosts: Sequence[str]) -> pa.Table:
        """Return a table with the columns of TABLE, one row per host of `hosts`, in order.

        authority_domain is the percentile of the host's site alone; everything else is the host's, else its site's.
        """
        names = {host: site_names(host) for host in set(hosts)}
        found = self._load({name for several in names.values() for name in several})
        rows = {host: self._row(several, found) for host, several in names.items()}
        return pa.Table.from_pylist([rows[host] for host in hosts], schema=TABLE)

    def _row(self, names: Sequence[str], found: Mapping[Key, Standing]) -> dict[str, Value]:
        own, site = found.get(("host", names[0])), site_standing(names, found)
        values = (own or NOTHING).over(site or NOTHING).values
        row: dict[str, Value] = dict(zip(_VALUES.values(), values, strict=True))
        row |= {"authority_domain": site.values[0] if site else None, KNOWN: bool(own or site)}
        return row if own or site else row | dict.fromkeys(_RANKS, self.unknown)

    def _load(self, names: set[str]) -> dict[Key, Standing]:
        """Return what the shard set says of these names, by level and name."""
        found: dict[Key, Standing] = {}
        wanted = sorted(map(reversed_name, names))
        for path in self.shards.paths() if self.shards and wanted else ():
            for row in matching_rows(path, wanted):
                key = row["level"], row["name"]
                new, old = Standing(tuple(row[name] for name in _VALUES), row["platform"]), found.get(key, NOTHING)
                found[key] = old.over(new) if row["source"] == CRAWL else new.over(old)
        return found


def site_names(host: str) -> list[str]:
    """Return the names that may stand for a host: its own, and those above it up to its registered domain."""
    names = [www_normalised(host)]
    top = registered_domain(names[0]) or names[0]
    while names[-1].endswith(f".{top}"):
        names.append(names[-1].partition(".")[2])
    return names


def site_standing(names: Sequence[str], found: Mapping[Key, Standing]) -> Standing | None:
    """Return the first domain's row among the names that may stand for a host, None when none has one."""
    for name in names:
        site = found.get(("domain", name))
        if site and (name == names[0] or not site.platform):
            return site
    return None


def reversed_name(name: str) -> str:
    """Return `com.example.blog` for `blog.example.com`: what the authority set is sorted by."""
    return ".".join(reversed(name.split(".")))


def matching_rows(path: Path, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of an authority file whose reversed name is one of `wanted`, which is sorted."""
    with open_parquet(path) as file:
        if missing := [name for name in AUTHORITY.names if name not in file.schema_arrow.names]:
            raise StorageError(f"{path}: ranks of an older version, without {missing[0]}; rank the sites again")
        for group in range(file.num_row_groups):
            low, high = bounds(file, group, "reversed")
            first = 0 if low is None else bisect_left(wanted, low)
            last = len(wanted) if high is None else bisect_right(wanted, high)
            if first < last:
                yield from _rows_of(file, group, pa.array(wanted[first:last], pa.string()))


def _rows_of(file: pq.ParquetFile, group: int, wanted: pa.Array) -> Iterator[dict[str, Any]]:
    """Yield the rows of a row group with these reversed names; what is one value all through is not read."""
    names = file.read_row_group(group, columns=["reversed"], use_threads=False).column(0)
    here = pc.indices_nonzero(pc.is_in(names, value_set=wanted))
    if not len(here):
        return
    spans = {name: bounds(file, group, name) for name in _WORDS}
    known = {name: low for name, (low, high) in spans.items() if low is not None and low == high}
    columns = [name for name in (*_WORDS, "platform", *_VALUES) if name not in known]
    rows = file.read_row_group(group, columns=columns, use_threads=False).take(here).to_pylist()
    for name, row in zip(names.take(here).to_pylist(), rows, strict=True):
        yield known | row | {"name": reversed_name(name)}


def bounds(file: pq.ParquetFile, group: int, name: str) -> tuple[str | None, str | None]:
    """Return the least and the greatest value of a text column in a row group; None when the file does not tell."""
    found = file.metadata.row_group(group).column(file.schema.names.index(name)).statistics
    return (found.min, found.max) if found is not None and found.has_min_max else (None, None)
