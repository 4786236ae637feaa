"""A graph on disk, read back by name: what tests compare with sets and dictionaries of their own."""

import pyarrow.parquet as pq

from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets, Level
from sitegraph.store.names import Names
from sitegraph.store.opened import Graph

Counts = tuple[int, ...]
"""pages, pages_nofollow, pages_sponsored, hosts, pages_technical, owner, sitewide."""


def names_of(sets: GraphSets, level: Level) -> list[str]:
    """Return the names of a level by id, as people write them."""
    return [reverse(name) for name in Names(sets.names(level).path(0))]


def nodes_of(sets: GraphSets, level: Level) -> list[tuple[object, ...]]:
    """Return the rows of a level's nodes by id, the name in front."""
    rows = [tuple(row.values()) for row in pq.read_table(sets.nodes(level).path(0)).to_pylist()]
    return [(name, *row) for name, row in zip(names_of(sets, level), rows, strict=True)]


def arcs_of(sets: GraphSets, level: Level) -> dict[tuple[str, str], Counts]:
    """Return the counts of every arc by the names of its source and target."""
    names, classes = names_of(sets, level), pq.read_table(sets.classes(level).path(0)).to_pylist()
    return {
        (names[s], names[t]): tuple(classes[code].values())
        for sources, targets, codes in Graph(sets, level).chunks()
        for s, t, code in zip(sources.tolist(), targets.tolist(), codes.tolist(), strict=True)
    }


def weights_of(sets: GraphSets, level: Level, weights: object) -> dict[tuple[str, str], float]:
    """Return the weight of every arc that has any, by the names of its source and target."""
    names, graph = names_of(sets, level), Graph(sets, level)
    of_class = weights.of(graph.classes)  # type: ignore[attr-defined]
    return {
        (names[s], names[t]): of_class[code]
        for sources, targets, codes in graph.chunks()
        for s, t, code in zip(sources.tolist(), targets.tolist(), codes.tolist(), strict=True)
        if of_class[code] > 0.0
    }
