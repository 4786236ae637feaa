"""What peers do, in their own environment: a graph from integer arrays, then PageRank. Imports numpy and one peer each.

Every peer stops by a rule that leaves at most `tolerance` of L1 error. Of power iterations with damping a, the error is
at most a / (1 - a) times the L1 norm of the last change, so that is what is asked of the change. igraph's PRPACK cannot
be told; it stops at a residual of 1e-10.
"""

# ruff: noqa: PLC0415 - each peer is imported by its own step alone

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DAMPING = 0.85


def arrays(folder: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return source and target (int32[m]) and the number of hosts."""
    root = Path(folder)
    return np.load(root / "source.npy"), np.load(root / "target.npy"), int(np.load(root / "hosts.npy"))


def change(tolerance: float) -> float:
    """Return the L1 change below which a power iteration has at most this error."""
    return tolerance * (1.0 - DAMPING) / DAMPING


def measured(folder: str, name: str, build: Callable[[], Any], rank: Callable[[Any], np.ndarray]) -> dict[str, Any]:
    """Time building and ranking, and save the ranks."""
    start, cpu = time.perf_counter(), time.process_time()
    graph = build()
    middle, middle_cpu = time.perf_counter(), time.process_time()
    values = rank(graph)
    end, end_cpu = time.perf_counter(), time.process_time()
    np.save(Path(folder) / f"ranks-{name}.npy", np.asarray(values, np.float64))
    return {
        "build": {"seconds": middle - start, "cpu": middle_cpu - cpu},
        "rank": {"seconds": end - middle, "cpu": end_cpu - middle_cpu},
    }


def networkx(folder: str, tolerance: float) -> dict[str, Any]:
    """DiGraph from lists of pairs; pagerank by scipy, whose tolerance is multiplied by the number of nodes."""
    import networkx as nx
    import scipy.sparse  # noqa: F401 - loaded before the clock starts

    source, target, n = arrays(folder)

    def build() -> Any:
        graph = nx.DiGraph()
        graph.add_nodes_from(range(n))
        graph.add_edges_from(zip(source.tolist(), target.tolist(), strict=True))
        return graph

    def rank(graph: Any) -> np.ndarray:
        found = nx.pagerank(graph, alpha=DAMPING, tol=change(tolerance) / n, max_iter=1000)
        return np.array([found[node] for node in range(n)])

    return measured(folder, "networkx", build, rank)


def igraph(folder: str, tolerance: float) -> dict[str, Any]:
    """Graph from an array of pairs; PRPACK."""
    import igraph as ig

    del tolerance
    source, target, n = arrays(folder)

    def build() -> Any:
        return ig.Graph(n=n, edges=np.column_stack([source, target]), directed=True)

    return measured(folder, "igraph", build, lambda graph: graph.pagerank(damping=DAMPING, implementation="prpack"))


def networkit(folder: str, tolerance: float) -> dict[str, Any]:
    """Graph from coordinates; power iteration, dangling mass spread over all nodes, L1 norm."""
    import networkit as nk

    nk.setNumberOfThreads(len(os.sched_getaffinity(0)))
    source, target, n = arrays(folder)

    def build() -> Any:
        return nk.GraphFromCoo((source, target), n=n, directed=True)

    def rank(graph: Any) -> np.ndarray:
        sinks = nk.centrality.SinkHandling.DistributeSinks
        algorithm = nk.centrality.PageRank(graph, damp=DAMPING, tol=change(tolerance), distributeSinks=sinks)
        algorithm.norm = nk.centrality.Norm.L1_NORM
        algorithm.maxIterations = 1000
        algorithm.run()
        return np.array(algorithm.scores())

    return measured(folder, "networkit", build, rank)


def scipy(folder: str, tolerance: float) -> dict[str, Any]:
    """Transposed sparse matrix, and the power iteration with one product a sweep, all in float64."""
    import scipy.sparse

    source, target, n = arrays(folder)

    def build() -> Any:
        out = np.bincount(source, minlength=n)
        matrix = scipy.sparse.csr_matrix((1.0 / out[source], (target, source)), shape=(n, n))
        return matrix, out == 0

    def rank(graph: Any) -> np.ndarray:
        matrix, dangling = graph
        x = np.full(n, 1.0 / n)
        while True:
            new = DAMPING * (matrix @ x + x[dangling].sum() / n) + (1.0 - DAMPING) / n
            moved, x = float(np.abs(new - x).sum()), new
            if moved <= change(tolerance):
                return x

    return measured(folder, "scipy", build, rank)
