"""Rank tables on disk, read for comparison: names and the values of one column, whatever the form of the table.

    authority    our own Parquet (schema.AUTHORITY), or any Parquet with `level`, `reversed` and a numeric column
    ranks        a ranks file of Common Crawl (sitegraph/cc/ranksfile.py), hundreds of millions of lines
    statistics   a statistics table of Common Crawl (sitegraph/comparing/cctables.py), also one release of its lookup

The form is told by the first bytes of the file. Tables are streamed; only statistics tables, which are small, are held.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import InputError
from corpus.settings import UNMARKED
from sitegraph.cc.ranksfile import RanksFile
from sitegraph.comparing.cctables import Lookup, TopTable, read_statistics
from sitegraph.layout import Level

LOWER_IS_BETTER: Final = frozenset({"position", "harmonic_position", "anti_trust", "spam_mass"})
"""Columns whose small values are the good ones."""

PICKED: Final = pa.schema([("reversed", pa.string()), ("value", pa.float64())])


@dataclass(frozen=True, slots=True, kw_only=True)
class RankTable:
    """A table on disk and what to rank its nodes by.

    column: a numeric column; pagerank, harmonic and position are in every kind of table (position not in a lookup).
    release: which release of a lookup; None for every other table.
    """

    path: Path = field(metadata=UNMARKED)
    column: str = "pagerank"
    release: str | None = None

    @property
    def title(self) -> str:
        """What to call it."""
        return self.release or self.path.name


class Opened:
    """A table whose kind is known; `only` is the level it is limited to, None where rows say it themselves.

    held: statistics tables read so far, so that many releases of one lookup read it once.
    """

    def __init__(self, table: RankTable, held: dict[Path, TopTable | Lookup]) -> None:
        self.table = table
        self.statistics: TopTable | Lookup | None = None
        self.only: Level | None = None
        self.kind = kind(table.path)
        if table.release and self.kind != "statistics":
            raise InputError(f"{table.path}: it holds one release only; give no release ({table.release})")
        if self.kind == "ranks":
            with RanksFile(table.path) as file:
                self.only = file.level
        elif self.kind == "statistics":
            self.statistics = held.setdefault(table.path, held.get(table.path) or read_statistics(table.path))
            self.only = self.statistics.level if isinstance(self.statistics, TopTable) else "domain"

    def rows(self, level: Level) -> Iterator[pa.Table]:
        """Yield its rows of a level: reversed and the column to rank by, which may be null."""
        table = self.table
        if self.only not in (None, level):
            raise InputError(f"{table.path}: it ranks {self.only}s, not {level}s; compare tables of one level")
        if self.kind == "authority":
            yield from authority_rows(table, level)
        elif self.kind == "ranks":
            with RanksFile(table.path) as file:
                for rows in file.tables():
                    yield picked(table, rows)
        elif isinstance(self.statistics, Lookup):
            if not table.release:
                raise InputError(f"{table.path}: it holds many releases; say which one (release)")
            yield picked(table, self.statistics.release(table.release))
        elif self.statistics:
            yield picked(table, self.statistics.table)


def kind(path: Path) -> str:
    """Return authority, ranks or statistics, by what the file begins with."""
    try:
        with open(path, "rb") as raw:
            head = raw.read(4)
        if head == b"PAR1":
            return "authority"
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as unzipped:
                head = unzipped.read(1)
    except (OSError, EOFError) as error:
        raise InputError(f"{path}: cannot be read ({error}); check the path") from error
    return "statistics" if head.lstrip()[:1] in (b"{", b"[") else "ranks"


def authority_rows(table: RankTable, level: Level) -> Iterator[pa.Table]:
    """Yield the rows of a level of a Parquet table."""
    try:
        with pq.ParquetFile(table.path) as file:
            missing = {"level", "reversed", table.column} - set(file.schema_arrow.names)
            if missing:
                raise InputError(f"{table.path}: no column {', '.join(sorted(missing))}; rank again, or choose another")
            for batch in file.iter_batches(columns=["level", "reversed", table.column], batch_size=1 << 18):
                rows = pa.Table.from_batches([batch])
                yield picked(table, rows.filter(pc.equal(rows["level"], level)))
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{table.path}: cannot be read as Parquet ({error}); write it again") from error


def picked(table: RankTable, rows: pa.Table) -> pa.Table:
    """Return names and values, higher values better, of rows that have the column to rank by."""
    known = [name for name in rows.column_names if is_number(rows.schema.field(name).type)]
    if table.column not in known:
        raise InputError(f"{table.path}: cannot rank by {table.column!r}; it has {', '.join(known)}")
    values = rows[table.column].cast(pa.float64())
    return pa.table([rows["reversed"], pc.negate(values) if table.column in LOWER_IS_BETTER else values], PICKED)


def is_number(kind: pa.DataType) -> bool:
    """Say whether values of a type can be ranked by."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
