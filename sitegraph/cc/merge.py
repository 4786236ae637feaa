"""A ranks file and a graph's names -> what the file says of each node, by id.

A ranks file is sorted by harmonic position and a graph by name, so each row's name is looked up, a block of rows at a
time, in the sorted names of the graph; a node keeps the best row met. Nothing is sorted or spilled: memory is 25 bytes
per node and one block.

Releases since the end of 2025 rank `com.example.www` and `com.example` apart. Our hosts are www-normalised, unless a
release was imported as it is: a row is that of the node of its own name, and one of a www form that is no node goes to
the host without `www.`, which takes it only when it has no other. Of several rows of one name a node takes the one of
the best position, then of the higher PageRank, then of the higher harmonic centrality, so the order of the rows does
not matter.

Percentiles come from the PageRank position and the number of rows of the file: position p of N has (N - p + 1) / N. A
file cut out of a larger table holds positions beyond its own rows; then `nodes` must say how many the table has.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from corpus.errors import InputError
from corpus.kernels import kernel
from sitegraph.cc.ranksfile import ImportedRanks, RanksFile

Vector = NDArray[np.float64]


class Index(Protocol):
    """What knows the ids of names."""

    def find(self, names: pa.Array) -> NDArray[np.int64]:
        """Return the id of each reversed name (strings), -1 where it is no node."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What a ranks file says of n nodes, by id; NaN (position: 0) where it says nothing.

    harmonic, pagerank: float64[n]; position, by PageRank: int64[n]. rows: of the file. total: nodes of the whole table.
    """

    harmonic: Vector
    pagerank: Vector
    position: NDArray[np.int64]
    rows: int
    total: int

    @property
    def known(self) -> int:
        """How many nodes the file says something of."""
        return int(np.count_nonzero(self.position))

    def percentile(self) -> Vector:
        """Return the share of the table's nodes with this position or a worse one."""
        return np.where(self.position > 0, (self.total - self.position + 1) / self.total, np.nan)


def merge_ranks(names: Index, n: int, ranks: ImportedRanks) -> Merged:
    """Return what a ranks file says of the n nodes that `names` knows."""
    fold = ranks.covers() == "host"
    harmonic, pagerank = np.full(n, np.nan), np.full(n, np.nan)
    position, folded = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    with RanksFile(ranks.path) as file:
        for table in file.tables():
            nodes, www = nodes_of(names, table["reversed"].combine_chunks(), fold)
            place, rank, central = (table[name].to_numpy() for name in ("position", "pagerank", "harmonic"))
            keep_best(nodes, www, place, rank, central, folded, position, pagerank, harmonic)
        total = ranks.nodes or file.rows
        if file.last_position > total:
            raise InputError(
                f"{ranks.path}: it holds position {file.last_position:,} but {total:,} nodes; "
                "it is a part of a larger table: say how many nodes the whole has (`nodes`)"
            )
        return Merged(harmonic, pagerank, position, file.rows, total)


def nodes_of(names: Index, reverse: pa.Array, fold: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the nodes that rows are about, -1 where there is none, and which rows were folded to find it."""
    nodes = names.find(reverse)
    short, www = node_names(reverse, fold)
    www = www & (nodes < 0)
    if www.any():
        nodes[www] = names.find(short.filter(pa.array(www)))
    return nodes, www


def node_names(reverse: pa.Array, fold: bool) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Return the names of nodes that rows are about, and which of them are www forms; those folded if asked."""
    if not fold:
        return reverse, np.zeros(len(reverse), np.bool_)
    www = pc.match_like(reverse, "%.%.www")
    if not pc.any(www).as_py():
        return reverse, np.zeros(len(reverse), np.bool_)
    return pc.if_else(www, pc.utf8_slice_codeunits(reverse, 0, -4), reverse), www.to_numpy(zero_copy_only=False)


@kernel
def keep_best(
    ids: Any,
    www: Any,
    positions: Any,
    pageranks: Any,
    harmonics: Any,
    folded: Any,
    position: Any,
    pagerank: Any,
    harmonic: Any,
) -> None:
    """Have each node keep the better of its row and the given ones: ids int64[r], the next four its rows' columns."""
    for row in range(len(ids)):
        node = ids[row]
        if node < 0:
            continue
        if position[node] != 0:
            better = folded[node] != www[row]
            if better:
                better = folded[node]
            elif positions[row] != position[node]:
                better = positions[row] < position[node]
            elif pageranks[row] != pagerank[node]:
                better = pageranks[row] > pagerank[node]
            else:
                better = harmonics[row] > harmonic[node]
            if not better:
                continue
        folded[node], position[node] = www[row], positions[row]
        pagerank[node], harmonic[node] = pageranks[row], harmonics[row]
