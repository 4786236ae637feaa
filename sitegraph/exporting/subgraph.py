"""A small part of a large graph: the nodes to take, and the arcs between them.

    ego      a site and what lies within so many links of it, nearest first, up to a limit
    top      the nodes that a rank puts first
    listed   the nodes named in a text file
    taken    those nodes with the arcs among them

A graph is stored by target. So links that lead to a node are asked for node by node, and nothing else of the graph is
read; for those that lead from nodes it is read once for each ring of an ego network (or `direction` is "in"). A hub of
the web has 20 M arcs: rings are folded as they grow, and the limit bounds what is kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from corpus.errors import InputError, SettingError
from sitegraph.cc.textblocks import shown, text_blocks
from sitegraph.hosts import node_name, reverse

Direction = Literal["in", "out", "both"]
Ids = NDArray[np.int64]
FOLD: Final = 1 << 24
"""Neighbours gathered before they are folded into a set: 128 MB."""


class Arcs(Protocol):
    """A graph of n nodes that knows the arcs into each, and all."""

    @property
    def n(self) -> int:
        """How many nodes."""

    def in_arcs(self, node: int, /) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return sources (ids, ascending) and classes of the arcs that lead to a node."""

    def chunks(self) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]]:
        """Yield all arcs: sources, targets (ids) and classes."""


class Names(Protocol):
    """Reversed names by id, and ids by name."""

    def __getitem__(self, node: int, /) -> str:
        """Return the reversed name of a node."""

    def find(self, names: list[str], /) -> NDArray[np.int64]:
        """Return the ids of reversed names, -1 where there is none."""


@dataclass(frozen=True, slots=True)
class Ego:
    """A site's surroundings: ids ascending, how many links each is away, and nodes of the last ring left out."""

    ids: Ids
    distance: Ids
    left_out: int


@dataclass(frozen=True, slots=True)
class Listed:
    """Nodes named in a file: ids ascending, and the names that are no nodes, in their order."""

    ids: Ids
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class Subgraph:
    """Nodes and the arcs among them.

    names: of the nodes, as people write them. source, target: int64[m], places in names, ascending by target, then
    source. weight: float64[m], or None. columns: what is known of the nodes, by name of the column, in the order of
    names.
    """

    names: list[str]
    source: Ids
    target: Ids
    weight: NDArray[np.float64] | None
    columns: Mapping[str, pa.Array]


def ego(
    graph: Arcs,
    centre: int,
    *,
    depth: int = 1,
    limit: int = 10_000,
    direction: Direction = "both",
    rank: NDArray[np.float64] | None = None,
) -> Ego:
    """Return the nodes within `depth` links of `centre`, at most `limit` of them, the nearest first.

    direction: follow links to the node, from it, or both. Of the ring that does not fit, those with the highest rank
    (by id, NaN last) are taken, or the first by id; those left out are counted, and nothing beyond them is looked at.
    """
    if depth < 0 or limit < 1:
        raise SettingError("ego", "depth, limit", (depth, limit), "depth from 0, limit from 1")
    rings = [np.array([centre], np.int64)]
    known, left_out = rings[0], 0
    while len(rings) <= depth and len(rings[-1]) and not left_out:
        ring = np.setdiff1d(neighbours(graph, rings[-1], direction), known, assume_unique=True)
        room = limit - len(known)
        left_out = max(len(ring) - room, 0)
        rings.append(first(ring, room, rank))
        known = np.union1d(known, rings[-1])
    ids = np.concatenate(rings)
    order = np.argsort(ids)
    distance = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return Ego(ids[order], distance[order], left_out)


def neighbours(graph: Arcs, nodes: Ids, direction: Direction) -> Ids:
    """Return the ids of all nodes that a link joins with one of these, ascending."""
    found, waiting, held = np.empty(0, np.int64), [], 0
    for ends in joined(graph, nodes, direction):
        waiting.append(ends)
        held += len(ends)
        if held > FOLD:
            found, waiting, held = np.unique(np.concatenate([found, *waiting])), [], 0
    return np.unique(np.concatenate([found, *waiting]))


def joined(graph: Arcs, nodes: Ids, direction: Direction) -> Iterator[Ids]:
    """Yield ids of nodes that a link joins with one of these, in pieces."""
    if direction != "out":
        for node in nodes.tolist():
            yield graph.in_arcs(node)[0].astype(np.int64)
    if direction != "in":
        linking = np.zeros(graph.n, np.bool_)
        linking[nodes] = True
        for source, target, _ in graph.chunks():
            yield target[linking[source]].astype(np.int64)


def first(ids: Ids, room: int, rank: NDArray[np.float64] | None) -> Ids:
    """Return the ids that fit: all, or those of the highest rank, or the lowest ones."""
    if len(ids) <= room:
        return ids
    return ids[:room] if rank is None else ids[top(rank[ids], room)]


def top(rank: NDArray[np.float64], k: int) -> Ids:
    """Return the ids of the k nodes of the highest rank, ascending; of equal ranks the lower id, NaN last."""
    if k <= 0 or k >= len(rank):
        return np.arange(min(max(k, 0), len(rank)))
    edge = np.partition(-rank, k - 1)[k - 1]  # NaN sorts last
    better = np.flatnonzero(~np.isnan(rank) if np.isnan(edge) else rank > -edge)
    equal = np.flatnonzero(np.isnan(rank) if np.isnan(edge) else rank == -edge)
    return np.sort(np.concatenate([better, equal[: k - len(better)]]))


def listed(path: Path, names: Names) -> Listed:
    """Return the nodes named in a text file: a host or domain per line; blank lines and what follows a # are passed.

    Names are brought to the form that nodes have. Raises InputError with the line that is no name.
    """
    found = list(dict.fromkeys(names_in(path)))
    ids = names.find([reverse(name) for name in found])
    unknown = [name for name, node in zip(found, ids.tolist(), strict=True) if node < 0]
    return Listed(np.sort(ids[ids >= 0]).astype(np.int64), unknown)


def names_in(path: Path) -> Iterator[str]:
    """Yield the names in a text file, in the form that nodes have."""
    for block in text_blocks(path, "names"):
        start = 0
        for line in block.data.tobytes().split(b"\n")[:-1]:
            text = line.partition(b"#")[0].decode("utf-8", "replace").strip().removeprefix("\ufeff")
            if text:
                name = node_name(text)
                if name is None:
                    raise InputError(f"{block.place(start)}: no host or domain: {shown(line)}; mend the line")
                yield name
            start += len(line) + 1


def taken(
    graph: Arcs,
    names: Names,
    ids: Ids,
    *,
    weights: NDArray[np.float64] | None = None,
    columns: Mapping[str, pa.Array] | None = None,
) -> Subgraph:
    """Return the nodes `ids` (ascending) with the arcs among them.

    weights: the weight of each class of arcs; an arc that weighs nothing is none, and None gives arcs without weight.
    columns: of these nodes, in their order.
    """
    sources, targets, classes = [], [], []
    for place, node in enumerate(ids.tolist()):
        ends, kinds = graph.in_arcs(node)
        at = np.searchsorted(ids, ends)
        inside = np.flatnonzero(ids[np.minimum(at, len(ids) - 1)] == ends)
        sources.append(at[inside].astype(np.int64))
        targets.append(np.full(len(inside), place, np.int64))
        classes.append(kinds[inside].astype(np.int64))
    source, target, kind = (np.concatenate([np.empty(0, np.int64), *parts]) for parts in (sources, targets, classes))
    weight = None
    if weights is not None:
        weight = weights[kind]
        source, target, weight = (part[weight > 0.0] for part in (source, target, weight))
    return Subgraph([reverse(names[node]) for node in ids.tolist()], source, target, weight, columns or {})
