"""Clusters: connected components of the verified pairs, and which document stands for each.

Union-find with path halving; the lower root wins, so labels do not depend on the order of the pairs. Similarity is
not transitive: in a chain A~B~C the ends may be less alike than the threshold. Such a document stays in its cluster
and carries its true similarity to the representative, so a rule of `select` may let it go; nothing is guessed.

The representative is the best document by a list of preferences, by default: highest authority (of its host, else
of its registered domain; unknown comes last), then longest text, then earliest date (unknown comes last), then lowest
id. Two captures with one id, such as those of a WARC file given twice, are told apart by their place in the input.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.dedup.pairs import Pairs
from corpus.dedup.tables import PART_BITS, ROW_MASK, read_where
from corpus.kernels import kernel
from corpus.schema import CLUSTERS
from corpus.settings import require
from corpus.storage import ShardSet, TableWriter

PREFERENCES: Final = ("authority", "length", "date", "latest", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """Which document of a cluster represents it.

    order: what decides, first to last: "authority" (highest), "length" (longest text in characters), "date"
        (earliest), "latest" (latest date), "id" (lowest). What it leaves open, the lowest id and then the first place
        in the input decide.
    """

    order: tuple[str, ...] = ("authority", "length", "date", "id")

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", tuple(self.order))
        known = all(key in PREFERENCES for key in self.order) and len(set(self.order)) == len(self.order)
        require(known and bool(self.order), self, "order", f"use each at most once of: {', '.join(PREFERENCES)}")


class Standing(NamedTuple):
    """What speaks for a document, as columns of one length.

    authority: float64, NaN when unknown. length: characters. date: string as written or null (digits are compared,
    so 2024-01-31T00:00:00Z and 20240131000000 are one instant). id: fixed-size binary of 16 bytes. place: int64.
    """

    authority: NDArray[np.float64]
    length: NDArray[np.int64]
    date: pa.Array
    id: pa.Array
    place: NDArray[np.int64]


def components(count: int, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each of `count` nodes the lowest node that the arcs (a[k], b[k]) connect it with, int64."""
    found: NDArray[np.int64] = _components(count, np.ascontiguousarray(a), np.ascontiguousarray(b))
    return found


def representatives(labels: NDArray[np.int64], standing: Standing, preference: Preference) -> NDArray[np.int64]:
    """Return for each node the index of the node that represents its component."""
    order = ranking(standing, preference)
    _, first, member = np.unique(labels[order], return_index=True, return_inverse=True)
    best = np.empty(len(labels), np.int64)
    best[order] = order[first][member]
    return best


def ranking(standing: Standing, preference: Preference) -> NDArray[np.int64]:
    """Return the order of documents, best first."""
    words = np.frombuffer(b"".join(standing.id.to_pylist()), ">u8").reshape(-1, 2).astype(np.uint64)
    when = pc.replace_substring_regex(standing.date, pattern="[^0-9]", replacement="")
    when = pc.if_else(pc.equal(when, ""), None, when)
    columns: dict[str, tuple[NDArray[Any], ...]] = {
        "authority": (-np.nan_to_num(standing.authority, nan=-np.inf),),
        "length": (-standing.length,),
        "date": (_ranks(when, "ascending"),),
        "latest": (_ranks(when, "descending"),),
        "id": (words[:, 0], words[:, 1]),
    }
    keys = [column for key in (*preference.order, "id") for column in columns[key]]
    return np.lexsort((standing.place, *reversed(keys)))


def known(wanted: Pairs, edges: Pairs, similarity: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Return the similarity of each wanted pair of nodes (below `count`) that is among the sorted edges, else NaN."""
    if not len(edges.a):
        return np.full(len(wanted.a), np.nan)
    keys, asked = edges.a * count + edges.b, wanted.a * count + wanted.b
    at = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[at] == asked, similarity[at], np.nan)


def write_clusters(
    out: TableWriter,
    places: NDArray[np.int64],
    ids: pa.Array,
    best: NDArray[np.int64],
    similarity: NDArray[np.float64],
    exact: NDArray[np.bool_],
) -> None:
    """Write the rows of schema.CLUSTERS, a row group per documents part; `places` ascend, the rest goes with them.

    best: position of each document's representative.
    """
    _, member, sizes = np.unique(best, return_inverse=True, return_counts=True)
    part, row = (places >> PART_BITS).astype(np.int32), (places & ROW_MASK).astype(np.int32)
    chosen = best == np.arange(len(places))
    columns = [
        part,
        row,
        ids.take(pa.array(best)),
        sizes[member].astype(np.int32),
        chosen,
        similarity.astype("f4"),
        exact,
    ]
    table = pa.table([pa.array(values) for values in columns], schema=CLUSTERS)
    starts = np.unique(part, return_index=True)[1]
    for start, end in zip(starts, np.append(starts, len(part))[1:], strict=True):
        out.write(table.slice(start, end - start))


def of_part(clusters: ShardSet, part: int) -> pa.Table:
    """Return the rows of schema.CLUSTERS for one documents part, ascending by row; none when nothing is clustered.

    Only the row group of that part is read: row groups hold one documents part each, found by their statistics.
    """
    return read_where(clusters.path(0), "part", part, part).cast(CLUSTERS)


def _ranks(values: pa.Array, order: str) -> NDArray[np.uint64]:
    ranks = pc.rank(values, sort_keys=order, tiebreaker="dense")  # nulls come last
    return np.asarray(ranks.to_numpy(zero_copy_only=False), np.uint64)


@kernel
def _find(root: Any, node: int) -> int:
    while root[node] != node:
        root[node] = root[root[node]]
        node = root[node]
    return node


@kernel
def _components(count: int, a: Any, b: Any) -> Any:
    root = np.arange(count)
    for k in range(len(a)):
        x, y = _find(root, a[k]), _find(root, b[k])
        root[max(x, y)] = min(x, y)
    for node in range(count):
        root[node] = _find(root, node)
    return root
