"""Parts of a graph (subgraph.py) to networkx, to be looked at with its tools."""

from typing import Final

import networkx as nx

from corpus.errors import InputError
from sitegraph.exporting.subgraph import Subgraph

MAX_NODES: Final = 1_000_000
"""networkx keeps every node and arc as Python objects; beyond this a machine runs out of memory."""


def to_networkx(part: Subgraph) -> "nx.DiGraph[str]":
    """Return a part of a graph with its nodes by name and what is known of them, and `weight` on its arcs.

    Raises InputError for more nodes than networkx can hold.
    """
    if len(part.names) > MAX_NODES:
        raise InputError(f"{len(part.names):,} nodes are too many for networkx; take a part of at most {MAX_NODES:,}")
    graph: nx.DiGraph[str] = nx.DiGraph()
    rows = zip(*(column.to_pylist() for column in part.columns.values()), strict=True)
    known = [dict(zip(part.columns, row, strict=True)) for row in rows] if part.columns else [{} for _ in part.names]
    graph.add_nodes_from(zip(part.names, known, strict=True))
    ends = [[part.names[node] for node in side.tolist()] for side in (part.source, part.target)]
    if part.weight is None:
        graph.add_edges_from(zip(*ends, strict=True))
    else:
        graph.add_weighted_edges_from(zip(*ends, part.weight.tolist(), strict=True))
    return graph
