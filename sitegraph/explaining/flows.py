"""What flows over the links of one node, from the ranks of a table and the arcs of a graph.

    forward     flow(s -> t) = damping * x_s * w_st / W_s     into t: PageRank, trust and quality; W_s leaves s
    backward    flow(t -> s) = damping * y_t * w_st / I_t     into s: anti-trust and inverse rank; I_t enters t

The ranks are the stored ones, so the flows into a node add up to its rank but for what it is given without links. W_s
takes one pass over the graph, once; the arcs into a node lie in one block; those that leave it take a pass each time.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sitegraph.explaining.rankrows import RankRows
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.ranks.settings import Ranking
from sitegraph.store.arcs import Block
from sitegraph.store.opened import Graph

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Flows:
    """Flows over the arcs of a node: ids at the other ends (int64), class codes, and flows (float64)."""

    ids: Ids
    codes: NDArray[Any]
    values: Vector


class RankedLevel:
    """A level of a graph with its ranks: `with RankedLevel(graph, rows, ranking) as level: ...`

    ranking: how they were made. of_class: the weight of each class of arcs. Raises InputError where the ranks are of
    another graph.
    """

    def __init__(self, graph: Graph, rows: RankRows, ranking: Ranking, threads: int = 0) -> None:
        rows.check(graph.level, graph.n)
        self.graph, self.rows, self.ranking = graph, rows, ranking
        self.of_class = ranking.weights.of(graph.classes)
        self.passes = Passes(graph, self.of_class, threads)
        # where all arcs weigh the same, sums over them count arcs
        self._weights = np.ones(len(self.of_class)) if self.passes.uniform else self.of_class
        self._out = self.passes.out_weights()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.passes.__exit__()

    def values(self, column: str, ids: Ids) -> Vector:
        """Return a column of the ranks of nodes; what is not known is 0."""
        return np.nan_to_num(self.rows.column(self.graph.level, column, ids))

    def damping(self, column: str) -> float:
        """Return the damping of a rank."""
        return self.ranking.trust_damping if column == "trust" else self.ranking.pagerank.damping

    def forward(self, node: int, column: str) -> Flows:
        """Return what flows into a node over the arcs that lead to it."""
        ids, codes = self.graph.in_arcs(node)
        whole = self._out[self.graph.numbering.slots(ids)]
        given = self.damping(column) * self.values(column, ids) * self._weights[codes]
        return Flows(ids, codes, np.divide(given, whole, out=np.zeros(len(ids)), where=whole > 0.0))

    def backward(self, node: int, column: str) -> Flows:
        """Return what flows back into a node over the arcs that leave it."""
        ids, codes, whole = self._leaving(node)
        given = self.damping(column) * self.values(column, ids) * self._weights[codes]
        return Flows(ids, codes, np.divide(given, whole, out=np.zeros(len(ids)), where=whole > 0.0))

    def _leaving(self, node: int) -> tuple[Ids, NDArray[Any], Vector]:
        """Return the targets of a node by id, the classes of the arcs to them, and the weight that enters each."""
        slot = int(self.graph.numbering.slots(np.array([node]))[0])
        found: list[tuple[Ids, NDArray[Any], Vector]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]

        def look(number: int, _: Block) -> bool:
            block, offsets, sources = self.graph.lists(number)
            at = np.flatnonzero(sources == slot)
            if len(at):
                place = np.searchsorted(offsets, at, side="right") - 1
                codes = block.codes if len(block.codes) else np.zeros(len(sources), np.uint8)
                entering = [float(self._weights[codes[offsets[p] : offsets[p + 1]]].sum()) for p in place]
                ids = self.graph.numbering.ids(place + block.first)
                found.append((ids, codes[at].astype(np.int64), np.array(entering)))
            return True

        if slot < self.graph.numbering.sources:
            self.passes.each(range(len(self.graph.arcs)), look)
        ids, codes, whole = (np.concatenate(parts) for parts in zip(*found, strict=True))
        order = np.argsort(ids)
        return ids[order], codes[order], whole[order]
