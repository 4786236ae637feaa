"""Compare rank tables on disk: how far two agree, and how a rank drifts over releases.

Tables of any form (ranktables.py), each ranked by one of its columns, are joined by reversed name in an engine that
spills, and sorted by it; then only the two columns of values are held in memory, 8 bytes a node each, and
names are looked up for the few nodes that are to be named. Of each table it is counted how many rows were read, how
many had no value in the column, and how many were another spelling of a node that was there already: hosts are
www-normalised here as they are on import, so `com.example.www` stands for `com.example` where that has no row of its
own; of several rows of one name the best value counts.

Nodes with equal values are tied; where an order is needed they stand by reversed name. A statistics table is cut by
harmonic centrality: compared by another column, what is above its edge is only a part of the ranking.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.errors import InputError
from corpus.storage import ShardSet
from sitegraph.comparing.agreement import Agreement, AgreementSettings, Move, Values, agreement, movers
from sitegraph.comparing.cctables import Lookup, TopTable
from sitegraph.comparing.ranktables import PICKED, Opened, RankTable
from sitegraph.engine import Database, Engine, database
from sitegraph.layout import Level

_JOINED = pa.schema([("node", pa.string()), ("a", pa.float64()), ("b", pa.float64())])
_NODE: Final = "CASE WHEN reversed LIKE '%.%.www' THEN left(reversed, length(reversed) - 4) ELSE reversed END"


@dataclass(frozen=True, slots=True)
class Side:
    """A table as it was compared: rows read of its level, rows without a value, rows folded into another, nodes."""

    title: str
    column: str
    rows: int
    unranked: int
    folded: int
    nodes: int


@dataclass(frozen=True, slots=True)
class NamedMove:
    """A node that moved, by its reversed name."""

    name: str
    percentile_a: float
    percentile_b: float
    position_a: int
    position_b: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tables of one level beside each other."""

    level: Level
    a: Side
    b: Side
    agreement: Agreement
    rose: tuple[NamedMove, ...]
    fell: tuple[NamedMove, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """Tables in their order: each with the one before, and the last with the first."""

    pairs: tuple[Comparison, ...]
    ends: Comparison


def compare(
    a: RankTable,
    b: RankTable,
    scratch: Path,
    level: Level | None = None,
    settings: AgreementSettings | None = None,
    engine: Engine | None = None,
) -> Comparison:
    """Compare two tables; `scratch` is a folder to work and spill in, left as it was.

    level: None is that of the tables that hold only one, else host. Raises InputError for a table that cannot be read,
    lacks the column, or does not hold the level.
    """
    return drift([a, b], scratch, level, settings, engine).ends


def drift(
    tables: Sequence[RankTable],
    scratch: Path,
    level: Level | None = None,
    settings: AgreementSettings | None = None,
    engine: Engine | None = None,
) -> Drift:
    """Compare two tables or more, in their order; each is read once."""
    if len(tables) < 2:
        raise InputError(f"{len(tables)} rank tables cannot be compared; name two or more")
    settings = settings or AgreementSettings()
    held: dict[Path, TopTable | Lookup] = {}
    opened = [Opened(table, held) for table in tables]
    limited: list[Level] = [one.only for one in opened if one.only]
    chosen: Level = level or (limited[0] if limited else "host")
    with database(scratch, "compare", engine or Engine()) as db:
        sides = [load(db, f"side_{number}", one, chosen) for number, one in enumerate(opened)]

        def pair(x: int, y: int) -> Comparison:
            return compared(db, chosen, (f"side_{x}", sides[x]), (f"side_{y}", sides[y]), settings)

        pairs = tuple(pair(number, number + 1) for number in range(len(tables) - 1))
        return Drift(pairs, pair(0, len(tables) - 1) if len(tables) > 2 else pairs[0])


def load(db: Database, name: str, opened: Opened, level: Level) -> Side:
    """Make the table `name` of one row per node, node and value, in the engine."""
    rows = unranked = 0

    def ranked() -> Iterator[pa.Table]:
        nonlocal rows, unranked
        for table in opened.rows(level):
            value = table["value"]
            kept = table.filter(pc.fill_null(pc.invert(pc.is_nan(value)), False))
            rows += table.num_rows
            unranked += table.num_rows - kept.num_rows
            yield kept

    node = _NODE if level == "host" else "reversed"
    statement = f"""
        CREATE TABLE {name} AS
        SELECT node, coalesce(max(value) FILTER (node = reversed), max(value)) AS value
        FROM (SELECT *, {node} AS node FROM {name}_rows) GROUP BY node"""
    db.feed(f"{name}_rows", PICKED, ranked(), statement)
    nodes = db.row(f"SELECT count(*) AS nodes FROM {name}")["nodes"]
    if rows == unranked:
        where = f"{opened.table.path}: no {level} has a value of {opened.table.column!r}"
        raise InputError(f"{where} ({rows:,} rows of that level); choose another column or level")
    return Side(opened.table.title, opened.table.column, rows, unranked, rows - unranked - nodes, nodes)


def compared(
    db: Database, level: Level, a: tuple[str, Side], b: tuple[str, Side], settings: AgreementSettings
) -> Comparison:
    """Compare two tables of the engine."""
    query = f"""
        SELECT node, x.value AS a, y.value AS b FROM {a[0]} x FULL JOIN {b[0]} y USING (node) ORDER BY node"""
    joined = ShardSet(db.folder, f"joined-{a[0]}-{b[0]}")
    written = db.write(query, joined, _JOINED)
    path = joined.path(0)
    try:
        x, y = columns(path, written.rows)
        found = agreement(x, y, settings)
        rose, fell = (named(path, moves) for moves in movers(x, y, settings.movers))
    finally:
        path.unlink()
    return Comparison(level, a[1], b[1], found, rose, fell)


def columns(path: Path, rows: int) -> tuple[Values, Values]:
    """Return the columns a and b of a joined table, NaN for null."""
    found = np.full((2, rows), math.nan)
    start = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(columns=["a", "b"]):
            for row, column in enumerate(batch.columns):
                found[row, start : start + len(column)] = column.to_numpy(zero_copy_only=False)
            start += batch.num_rows
    return found[0], found[1]


def named(path: Path, moves: Iterable[Move]) -> tuple[NamedMove, ...]:
    """Return moves with the names of their nodes; one row group is read at a time."""
    moves = list(moves)
    wanted = np.array([move.item for move in moves], np.int64)
    names: dict[int, str] = {}
    start = 0
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            stop = start + file.metadata.row_group(group).num_rows
            here = wanted[(wanted >= start) & (wanted < stop)]
            if len(here):
                found = file.read_row_group(group, ["node"])["node"].take(pa.array(here - start))
                names.update(zip(here.tolist(), found.to_pylist(), strict=True))
            start = stop
    return tuple(NamedMove(names[m.item], m.percentile_a, m.percentile_b, m.position_a, m.position_b) for m in moves)


def as_json(found: Comparison | Drift) -> dict[str, Any]:
    """Return a result as JSON values; a correlation that is undefined is null."""
    if isinstance(found, Drift):
        return {"pairs": [as_json(pair) for pair in found.pairs], "ends": as_json(found.ends)}
    told = asdict(found.agreement)
    told |= {name: None for name in ("spearman", "kendall") if math.isnan(told[name])}
    told["overlaps"] = [asdict(o) | {"share": o.share, "jaccard": o.jaccard} for o in found.agreement.overlaps]
    return asdict(found) | {"agreement": told}


def compare_command_rows(found: Comparison) -> list[tuple[str, str, str]]:
    """Return the rows of a printed comparison: what, for A or for both, for B."""
    a, b, how = found.a, found.b, found.agreement
    counted = ("rows", "unranked", "folded", "nodes")
    rows = [("", a.title, b.title), ("ranked by", a.column, b.column)]
    rows += [(name, f"{getattr(a, name):,}", f"{getattr(b, name):,}") for name in counted]
    rows += [(f"{found.level}s in both", f"{how.shared:,}", ""), ("in one only", f"{how.only_a:,}", f"{how.only_b:,}")]
    rows += [("Spearman, in both", shown(how.spearman), ""), ("Kendall tau-b, in both", shown(how.kendall), "")]
    rows += [(f"RBO, p = {how.persistence:g}", shown(how.rbo), "")]
    rows += [(f"first {o.depth:,}", f"{o.common:,} in both", f"Jaccard {shown(o.jaccard)}") for o in how.overlaps]
    return rows


def move_rows(found: Comparison) -> list[tuple[str, str, str, str]]:
    """Return the nodes that moved most, risers first: name, percentile in A and in B, positions."""
    return [
        (m.name, f"{m.percentile_a:.4f}", f"{m.percentile_b:.4f}", f"{m.position_a:,} to {m.position_b:,}")
        for m in (*found.rose, *found.fell)
    ]


def drift_rows(found: Drift) -> list[tuple[str, ...]]:
    """Return one row per pair of releases, the ends last: titles, nodes in both, rho, tau, RBO, deepest overlap."""
    rows = []
    for pair in (*found.pairs, found.ends):
        how = pair.agreement
        deepest = f"{how.overlaps[-1].share:.3f} of {how.overlaps[-1].depth:,}" if how.overlaps else ""
        values = (shown(value) for value in (how.spearman, how.kendall, how.rbo))
        rows.append((pair.a.title, pair.b.title, f"{how.shared:,}", *values, deepest))
    return rows


def shown(value: float) -> str:
    """Return a measure with three places, or a word when it is undefined."""
    return "undefined" if math.isnan(value) else f"{value:.3f}"
