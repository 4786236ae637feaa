"""Open a built graph: nodes counted, arcs read into the arrays that a rank needs, with weights chosen now.

A weight says how much of its source's rank an arc carries, next to the other arcs of that source:

    log-pages   log1p(pages) + nofollow * log1p(pages_nofollow) + sponsored * log1p(pages_sponsored); the default:
                a link on every page of a host counts more than one link, but not a thousand times more
    distinct    1 for every arc, whatever its pages and rel flags
    cc          the same; the convention of the Common Crawl web graphs, whose arcs carry nothing to weigh

Memory: 8 bytes per node, 12 per arc; the files are read row group by row group into arrays of the final size.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corpus.errors import MissingError, StorageError
from corpus.settings import require
from corpus.storage import ShardSet
from sitegraph.engine import check_table
from sitegraph.layout import ARCS, DOMAINS, HOSTS, GraphSets, Level

Preset = Literal["log-pages", "distinct", "cc"]
PRESETS: tuple[Preset, ...] = ("log-pages", "distinct", "cc")
NODES = {"host": HOSTS, "domain": DOMAINS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How arcs weigh (see the module's docstring). nofollow, sponsored: factors of log-pages for such pages."""

    preset: Preset = "log-pages"
    nofollow: float = 0.1
    sponsored: float = 0.0

    def __post_init__(self) -> None:
        require(self.preset in PRESETS, self, "preset", f"one of {', '.join(PRESETS)}")
        require(0.0 <= self.nofollow <= 1.0, self, "nofollow", "a number from 0 to 1")
        require(0.0 <= self.sponsored <= 1.0, self, "sponsored", "a number from 0 to 1")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the arcs that the weights are made of."""
        return ("pages", "pages_nofollow", "pages_sponsored") if self.preset == "log-pages" else ()

    def of(self, arcs: pa.Table) -> NDArray[np.float64]:
        """Return the weight of each arc: float64, finite, not negative."""
        if self.preset != "log-pages":
            return np.ones(arcs.num_rows)
        plain, nofollow, sponsored = (np.log1p(arcs[name].to_numpy()) for name in self.columns)
        weights: NDArray[np.float64] = plain + self.nofollow * nofollow + self.sponsored * sponsored
        return weights


@dataclass(frozen=True, slots=True)
class Arcs:
    """Arcs by target: those into node t are sources[offsets[t]:offsets[t + 1]], with weights at the same places.

    offsets int64[n + 1], sources int32[m] (ascending within a target), weights float64[m].
    """

    offsets: NDArray[np.int64]
    sources: NDArray[np.int32]
    weights: NDArray[np.float64]


def count_nodes(graph: GraphSets, level: Level) -> int:
    """Return how many nodes a level has."""
    with opened(graph.nodes(level), NODES[level]) as file:
        return int(file.metadata.num_rows)


def read_nodes(graph: GraphSets, level: Level, columns: list[str]) -> Iterator[pa.Table]:
    """Yield the nodes of a level in the order of their ids, some columns, one row group at a time."""
    with opened(graph.nodes(level), NODES[level]) as file:
        yield from row_groups(file, columns)


def read_names(graph: GraphSets, level: Level) -> list[str]:
    """Return the names of all nodes by id; for graphs whose names fit in memory."""
    return [name for table in read_nodes(graph, level, ["name"]) for name in table["name"].to_pylist()]


def read_arcs(graph: GraphSets, level: Level, weights: Weights) -> Arcs:
    """Read the arcs of a level.

    Raises StorageError when they are not sorted by target or name nodes that do not exist.
    """
    n = count_nodes(graph, level)
    with opened(graph.arcs(level), ARCS) as file:
        total = file.metadata.num_rows
        arcs = Arcs(np.zeros(n + 1, np.int64), np.empty(total, np.int32), np.empty(total))
        start, last = 0, 0
        for table in row_groups(file, ["source", "target", *weights.columns]):
            target, end = table["target"].to_numpy(), start + table.num_rows
            check_targets(graph.arcs(level), target, last, n)
            add_counts(arcs.offsets, target)
            arcs.sources[start:end] = table["source"].to_numpy()
            arcs.weights[start:end] = weights.of(table)
            start, last = end, int(target[-1])
    np.cumsum(arcs.offsets, out=arcs.offsets)
    if total and not (arcs.sources.min() >= 0 and arcs.sources.max() < n):
        raise StorageError(f"{graph.arcs(level).path(0)}: a source id is not one of {n:,} nodes; build the graph again")
    return arcs


def check_targets(arcs: ShardSet, target: NDArray[np.int32], last: int, n: int) -> None:
    """Raise StorageError unless targets rise, begin at `last` or after it, and are below n."""
    if target[0] < last or target[-1] >= n or (np.diff(target) < 0).any():
        raise StorageError(f"{arcs.path(0)}: target ids do not rise from 0 to {n - 1:,}; build the graph again")


def add_counts(offsets: NDArray[np.int64], target: NDArray[np.int32]) -> None:
    """Add to offsets[t + 1] how often t is in `target`, which rises."""
    counts = np.bincount(target - target[0])
    offsets[target[0] + 1 : target[0] + 1 + len(counts)] += counts


@contextlib.contextmanager
def opened(shard_set: ShardSet, schema: pa.Schema) -> Iterator[pq.ParquetFile]:
    """Open part 0 of a shard set, checksums verified; raises MissingError when there is none."""
    path = shard_set.path(0)
    if not path.exists():
        raise MissingError(f"{path}: no such file; build the graph first (`sitegraph build`)")
    check_table(path, schema)
    with reading(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        yield file


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of reading a Parquet file into a StorageError."""
    try:
        yield
    except (OSError, pa.ArrowException) as error:
        raise StorageError(f"{path}: damaged ({error}); write it again") from error


def row_groups(file: pq.ParquetFile, columns: list[str]) -> Iterator[pa.Table]:
    """Yield the row groups of a file, some columns."""
    for group in range(file.num_row_groups):
        yield file.read_row_group(group, columns=columns)
