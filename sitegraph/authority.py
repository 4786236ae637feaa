"""Ranks -> the authority table: percentiles and positions, one row per registered domain and per host.

A percentile is the share of the level's nodes with a lower or equal PageRank, so the best has 1 and nodes that tie
have equal ones. A position counts from 1, ties broken by name. Sums of the same numbers in another order differ in
their last digits, so ranks that agree to ten significant digits tie; a rank's own error bound is far above that.

The table is sorted by (level, reversed name), bytes ascending: the order of the ids. A lookup reads the row groups it
needs and no others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.schema import AUTHORITY
from corpus.storage import TableWriter
from sitegraph.engine import Database
from sitegraph.hosts import reverse
from sitegraph.layout import Level

Vector = NDArray[np.float64]
SIGNIFICANT_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What is known of the nodes of a level, by id; NaN (position: 0) where nothing is.

    pagerank, percentile, harmonic: float64[n]; position: int64[n]; source: see schema.AUTHORITY.
    """

    pagerank: Vector
    percentile: Vector
    position: NDArray[np.int64]
    harmonic: Vector | None = None
    source: str = "crawl"


def scores(rank: Vector, by_name: NDArray[np.int32]) -> Scores:
    """Return the scores of ranks; by_name[k] is the id of the k-th name."""
    key = comparable(rank)
    return Scores(pagerank=rank, percentile=percentiles(key), position=positions(key, by_name))


def comparable(rank: Vector) -> Vector:
    """Return ranks rounded to ten significant digits: equal where they tie."""
    rounded = np.zeros_like(rank)
    some = rank > 0.0
    magnitude = np.maximum(np.floor(np.log10(rank[some])), -290.0)  # below that a double has no ten digits left
    scale = 10.0 ** (SIGNIFICANT_DIGITS - 1 - magnitude)
    rounded[some] = np.round(rank[some] * scale) / scale
    return rounded


def percentiles(key: Vector) -> Vector:
    """Return for each node the share of nodes with a lower or equal key."""
    return np.searchsorted(np.sort(key), key, side="right") / max(len(key), 1)


def positions(key: Vector, by_name: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return the place of each node, 1 for the highest key, ties in the order of their names."""
    best_first = by_name[np.argsort(-key[by_name], kind="stable")]
    places = np.empty(len(key), np.int64)
    places[best_first] = np.arange(1, len(key) + 1)
    return places


def name_order(db: Database, level: Level, n: int) -> NDArray[np.int32]:
    """Return the ids of a level in the order of their names; the view `LEVEL_nodes` has id and name."""
    order = np.empty(n, np.int32)
    start = 0
    for table in db.stream(f"SELECT id::INTEGER AS id FROM {level}_nodes ORDER BY name"):
        order[start : start + table.num_rows] = table["id"].to_numpy()
        start += table.num_rows
    return order


def write_authority(db: Database, levels: Mapping[Level, Scores], out: TableWriter) -> None:
    """Write the rows of each level; the views `LEVEL_nodes` have id, name and in_domains."""
    for level in sorted(levels):
        for table in rows(db, level, levels[level]):
            out.write(table)


def rows(db: Database, level: Level, known: Scores) -> Iterator[pa.Table]:
    """Yield the rows of a level by reversed name, which is the order of the ids."""
    for nodes in db.stream(f"SELECT id, name, in_domains FROM {level}_nodes ORDER BY id"):
        ids = nodes["id"].to_numpy()
        position = known.position[ids]
        columns: dict[str, Any] = {
            "level": pa.array([level] * len(ids)),
            "name": nodes["name"],
            "reversed": pa.array([reverse(name) for name in nodes["name"].to_pylist()], pa.string()),
            "pagerank": pa.array(known.pagerank[ids], from_pandas=True),
            "percentile": pa.array(known.percentile[ids], from_pandas=True),
            "in_domains": nodes["in_domains"],
            "harmonic": pa.nulls(len(ids), pa.float64()),
            "position": pa.array(position, mask=position == 0),
            "source": pa.array([known.source] * len(ids)),
        }
        if known.harmonic is not None:
            columns["harmonic"] = pa.array(known.harmonic[ids], from_pandas=True)
        columns["platform"] = pa.array([False] * len(ids))
        for name in AUTHORITY.names:
            columns.setdefault(name, pa.nulls(len(ids), AUTHORITY.field(name).type))
        yield pa.table(columns, schema=AUTHORITY)
