"""Small graphs on disk with any weights, and their ranks by a dense solve: what tests of the rank engine share."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sitegraph.building.small import graph_of
from sitegraph.ranks.passes import Passes
from sitegraph.sites.preferences import Preference
from sitegraph.store.opened import Graph

Vector = NDArray[np.float64]
Dangling = Literal["strong", "weak", "pseudo"]


@dataclass(frozen=True)
class Drawn:
    """A weighted graph: arcs source[i] -> target[i] of weight[i], none twice."""

    n: int
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    weight: Vector

    @property
    def dense(self) -> Vector:
        """The weight matrix, W[s, t]; arcs from a node to itself are none."""
        w = np.zeros((self.n, self.n))
        w[self.source, self.target] = self.weight
        np.fill_diagonal(w, 0.0)
        return w

    def solved(self, a: float, mode: Dangling, v: Vector | None = None) -> Vector:
        """Return x = a (x P + (x . d) u) + (1 - a) v, solved as one dense system."""
        n, w = self.n, self.dense
        v = np.full(n, 1.0 / n) if v is None else v / v.sum()
        u = {"strong": v, "weak": np.full(n, 1.0 / n), "pseudo": np.zeros(n)}[mode]
        out = w.sum(axis=1)
        p = np.where(out[:, None] > 0, w / np.where(out > 0, out, 1.0)[:, None], u)
        return np.linalg.solve(np.eye(n) - a * p.T, (1.0 - a) * v)


def of_arcs(n: int, arcs: dict[tuple[int, int], float]) -> Drawn:
    """Return the graph of arcs by (source, target)."""
    pairs = np.array(list(arcs), np.int64).reshape(-1, 2)
    return Drawn(n, pairs[:, 0], pairs[:, 1], np.array(list(arcs.values()), np.float64))


def draw(seed: int, n: int, m: int, zeros: float = 0.1, linking: float = 0.6) -> Drawn:
    """Draw a graph: a share of the nodes links, targets are skewed, some arcs weigh nothing, some nodes are alone."""
    random = np.random.default_rng(seed)
    sources = random.permutation(n)[: max(1, int(linking * n))]
    pairs = np.unique(np.stack([random.choice(sources, m), (random.zipf(1.3, m) * 7919) % n], axis=1), axis=0)
    weight = np.where(random.random(len(pairs)) < zeros, 0.0, random.integers(1, 9, len(pairs)) / 3.0)
    lost = np.isin(pairs[:, 0], sources[:: max(2, len(sources) // 3)])  # some of whose arcs weigh nothing, all of them
    return Drawn(n, pairs[:, 0], pairs[:, 1], np.where(lost, 0.0, weight))


def stored(folder: Path, drawn: Drawn) -> tuple[Graph, Vector]:
    """Build the graph (node i has id i), and return it with the weight of each class."""
    values, which = np.unique(drawn.weight, return_inverse=True)
    counts = np.zeros((len(drawn.weight), 7), np.int64)
    counts[:, 0], counts[:, 3] = which + 1, 1  # a page count that stands for the weight
    names = [f"n{i:06d}.com" for i in range(drawn.n)]
    graph = Graph(graph_of(folder, names, drawn.source, drawn.target, counts), "host")
    return graph, values[graph.classes["pages"].to_numpy() - 1]


@contextlib.contextmanager
def passes_of(folder: Path, drawn: Drawn, threads: int = 2) -> Iterator[Passes]:
    """Build the graph, and open passes over it."""
    with Passes(*stored(folder, drawn), threads) as passes:
        yield passes


def preference(v: Any) -> Preference:
    """Return the preference of a dense vector."""
    v = np.asarray(v, np.float64)
    ids = np.flatnonzero(v)
    return Preference(ids, v[ids])
