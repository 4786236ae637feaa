"""Small graphs to networkx, to be looked at with its tools."""

import networkx as nx
import numpy as np
from numpy.typing import NDArray

MAX_NODES = 1_000_000
"""networkx keeps every node and arc as Python objects; beyond this a machine runs out of memory."""


def to_networkx(
    names: list[str], offsets: NDArray[np.int64], sources: NDArray[np.int32], weights: NDArray[np.float64]
) -> "nx.DiGraph[str]":
    """Return the graph (see pagerank.pagerank for the arrays) with nodes by name and the attribute `weight`."""
    if len(names) > MAX_NODES:
        raise ValueError(f"{len(names):,} nodes are too many for networkx; take a subgraph of at most {MAX_NODES:,}")
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(names)
    targets = np.repeat(np.arange(len(names)), np.diff(offsets))
    arcs = zip(sources.tolist(), targets.tolist(), weights.tolist(), strict=True)
    graph.add_weighted_edges_from((names[s], names[t], w) for s, t, w in arcs if w > 0.0)
    return graph
