"""A graph whose spam is known: nodes with labels, arcs with counts; a sketch that it grows from; its fold into sites.

Nodes of a finished graph stand in the order of their reversed names, bytes ascending, as in every stored graph, so a
node has the same number in the engine. Arcs are distinct, without loops, and sorted by (source, target).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corpus.url import Suffixes
from sitegraph.hosts import domain_of, reverse

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

GOOD: Final = -1
"""The farm of a good site."""
COUNTS: Final = ("pages", "pages_nofollow", "pages_sponsored")
NODES: Final = ("spam", "money", "farm", "language", "quality", "role", "size")
LEAST_PAGES: Final = 4
"""Pages of a site from which a link on half of them is one of its template, as in the engine."""


@dataclass(frozen=True, slots=True)
class PlantedGraph:
    """Nodes and arcs as arrays.

    names: forward host names. source, target: node numbers, one pair per arc. pages, pages_nofollow, pages_sponsored:
    source pages with such a link. hosts: distinct source hosts. owner: a redirect or the like joins the two, in either
    direction. spam: the label. money: the site that a farm is there for. farm: number of its farm, -1 for good sites.
    language: number of its language. quality: latent, mean 0, spread 1. role: what kind of good site it is (web.ROLES).
    size: its pages. group: number of its registered domain. seeds, bad: nodes known to be good, and to be spam.
    """

    names: NDArray[np.object_]
    source: Integers
    target: Integers
    pages: Integers
    pages_nofollow: Integers
    pages_sponsored: Integers
    hosts: Integers
    owner: Flags
    spam: Flags
    money: Flags
    farm: Integers
    language: Integers
    quality: Floats
    role: Integers
    size: Integers
    group: Integers
    seeds: Integers = field(default_factory=lambda: np.zeros(0, np.int64))
    bad: Integers = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def n(self) -> int:
        """Nodes."""
        return len(self.names)

    @property
    def m(self) -> int:
        """Arcs."""
        return len(self.source)

    @property
    def links(self) -> Flags:
        """Nodes with an outgoing arc."""
        found = np.zeros(self.n, bool)
        found[self.source] = True
        return found

    @property
    def sitewide(self) -> Flags:
        """Arcs of links that stand on half of the source's pages or more."""
        total = self.size[self.source]
        linking = self.pages + self.pages_nofollow + self.pages_sponsored
        return (total >= LEAST_PAGES) & (2 * linking >= total)

    @property
    def in_domains(self) -> Integers:
        """Distinct registered domains, other than a node's own, that link to it."""
        apart = self.group[self.source] != self.group[self.target]
        pairs = np.unique(self.target[apart] * (self.n + 1) + self.group[self.source[apart]])
        return np.bincount(pairs // (self.n + 1), minlength=self.n)

    @property
    def judged(self) -> Flags:
        """Nodes that a rank is judged by: those that it was not told about."""
        found = np.ones(self.n, bool)
        found[self.seeds] = False
        found[self.bad] = False
        return found

    def with_seeds(self, seeds: Integers, bad: Integers | None = None) -> "PlantedGraph":
        """Return the graph with other seeds."""
        return replace(self, seeds=np.sort(seeds), bad=self.bad if bad is None else np.sort(bad))


class Sketch:
    """A graph that grows: nodes and arcs are added, then `finish` makes the graph.

    Node numbers are those of adding; `finish` turns them into places in the order of reversed names.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self._nodes: dict[str, list[NDArray[Any]]] = {name: [] for name in NODES}
        self._arcs: list[NDArray[Any]] = []

    def add_nodes(
        self,
        names: Sequence[str],
        *,
        language: Any,
        quality: Any,
        role: Any = 0,
        spam: bool = False,
        money: bool = False,
        farm: int = GOOD,
        size: Any = 20,
    ) -> Integers:
        """Add nodes and return their numbers; a single value stands for all."""
        start, count = len(self.names), len(names)
        self.names.extend(names)
        for name, value in zip(NODES, (spam, money, farm, language, quality, role, size), strict=True):
            self._nodes[name].append(np.broadcast_to(np.asarray(value, kind_of(name)), count).copy())
        return np.arange(start, start + count)

    def add_arcs(
        self,
        source: Any,
        target: Any,
        *,
        pages: Any = 1,
        nofollow: Any = False,
        sponsored: Any = False,
        owner: Any = False,
        everywhere: Any = False,
    ) -> None:
        """Add arcs, each on so many pages of its source, with a flag or without; single values stand for all.

        everywhere: on all pages of the source. Otherwise on fewer than half of them, whatever `pages` says.
        """
        source, target = np.broadcast_arrays(np.atleast_1d(source).astype(np.int64), np.asarray(target, np.int64))
        pages, nofollow, sponsored = (np.broadcast_to(x, source.shape) for x in (pages, nofollow, sponsored))
        total = self.node("size")[source]
        pages = np.where(everywhere, total, np.minimum(pages, np.maximum((total - 1) // 2, 1)))
        columns = [source, target]
        columns += [np.where(nofollow | sponsored, 0, pages), np.where(nofollow & ~sponsored, pages, 0)]
        columns += [np.where(sponsored, pages, 0), np.broadcast_to(np.asarray(owner, np.int64), source.shape)]
        self._arcs.append(np.stack([np.asarray(c, np.int64) for c in columns]))

    def node(self, name: str) -> NDArray[Any]:
        """Return an attribute of all nodes, in one array that may be written to."""
        self._nodes[name] = [np.concatenate([np.zeros(0, kind_of(name)), *self._nodes[name]])]
        return self._nodes[name][0]

    def arcs(self) -> tuple[Integers, Integers]:
        """Return the sources and targets added so far, repeated ones too."""
        whole = self._whole()
        return whole[0], whole[1]

    def drop_arcs(self, drop: Flags) -> None:
        """Take arcs away; flags in the order of `arcs`."""
        self._arcs = [self._whole()[:, ~drop]]

    def _whole(self) -> NDArray[Any]:
        self._arcs = [np.concatenate([np.zeros((6, 0), np.int64), *self._arcs], axis=1)]
        return self._arcs[0]

    def copy(self) -> "Sketch":
        """Return a sketch that grows apart from this one."""
        other = Sketch()
        other.names = list(self.names)
        other._nodes = {name: [self.node(name).copy()] for name in self._nodes}
        other._arcs = [self._whole()]
        return other

    def finish(self) -> PlantedGraph:
        """Return the graph; arcs added more than once become one, their pages added up."""
        order = np.array(sorted(range(len(self.names)), key=lambda i: reverse(self.names[i]).encode()), np.int64)
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        names = np.array(self.names, object)[order]
        if len(set(self.names)) != len(self.names):
            raise ValueError("two nodes of one name")
        arcs = self._whole()
        source, target, *counts = merged(place[arcs[0]], place[arcs[1]], arcs[2:], len(names))
        return PlantedGraph(
            names=names,
            source=source,
            target=target,
            **dict(zip(COUNTS, counts, strict=False)),
            hosts=np.ones(len(source), np.int64),
            owner=either_way(source, target, counts[3] > 0, len(names)),
            **{name: self.node(name)[order] for name in NODES},
            group=numbered([domain_of(name) for name in names]),
        )


def kind_of(name: str) -> Any:
    """Return the type of an attribute of nodes."""
    return {"quality": np.float64, "spam": np.bool_, "money": np.bool_}.get(name, np.int64)


def either_way(source: Integers, target: Integers, flags: Flags, n: int) -> Flags:
    """Return flags of arcs (sorted, distinct), each also set where the arc the other way has it."""
    owned = np.sort(target[flags] * n + source[flags])
    key = source * n + target
    at = np.searchsorted(owned, key)
    return flags | ((at < len(owned)) & (owned[np.minimum(at, len(owned) - 1)] == key) if len(owned) else flags)


def counts_of(graph: PlantedGraph) -> NDArray[np.int64]:
    """Return what the engine wants to know of each arc: int64[m, 7], its sitewide column left to the engine."""
    nothing = np.zeros(graph.m)
    columns = [*(getattr(graph, name) for name in COUNTS), graph.hosts, nothing, graph.owner, nothing]
    return np.stack(columns, axis=1).astype(np.int64)


def merged(source: Integers, target: Integers, counts: NDArray[Any], n: int) -> list[Integers]:
    """Return distinct arcs sorted by source and target, loops left out, and their counts added up."""
    keep = source != target
    key = source[keep] * n + target[keep]
    order = np.argsort(key, kind="stable")
    key, counts = key[order], counts[:, keep][:, order]
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, np.int64)
    added = np.add.reduceat(counts, starts, axis=1) if len(starts) else counts
    return [key[starts] // max(n, 1), key[starts] % max(n, 1), *added]


def numbered(names: Sequence[str]) -> Integers:
    """Return for each name its number among the distinct ones in the order of their reversed forms."""
    distinct = sorted(set(names), key=lambda name: reverse(name).encode())
    number = {name: i for i, name in enumerate(distinct)}
    return np.array([number[name] for name in names], np.int64)


def folded(graph: PlantedGraph, suffixes: Suffixes | None = None) -> tuple[PlantedGraph, Integers]:
    """Return the graph of registered domains, and for each node of `graph` its site.

    Pages add up; `hosts` counts distinct source hosts; an arc is of one owner where any part of it is. A site is spam
    where most of its hosts are. Seeds become their sites.
    """
    sites = [domain_of(name, suffixes) if suffixes else domain_of(name) for name in graph.names]
    site = numbered(sites)
    n = int(site.max(initial=-1)) + 1
    names = np.empty(n, object)
    names[site] = sites
    # First all links of a host to a site, which is one linking host; then all hosts of a site. Loops go by sites.
    parts = np.stack([getattr(graph, name) for name in (*COUNTS, "owner")]).astype(np.int64)
    apart = site[graph.source] != site[graph.target]
    host, onto, *found = merged(graph.source[apart], site[graph.target[apart]] + graph.n, parts[:, apart], graph.n + n)
    ones = np.ones((1, len(host)), np.int64)
    source, target, *found = merged(site[host], onto - graph.n, np.concatenate([np.stack(found), ones]), n)
    return (
        PlantedGraph(
            names=names,
            source=source,
            target=target,
            **dict(zip(COUNTS, found, strict=False)),
            owner=either_way(source, target, found[3] > 0, n),
            hosts=found[4],
            **nodes_folded(graph, site, n),
            group=np.arange(n),
            seeds=np.unique(site[graph.seeds]),
            bad=np.unique(site[graph.bad]),
        ),
        site,
    )


def nodes_folded(graph: PlantedGraph, site: Integers, n: int) -> dict[str, NDArray[Any]]:
    """Return the attributes of sites: those of their first host, or what their hosts come to."""
    members = np.bincount(site, minlength=n)

    def first(values: NDArray[Any]) -> NDArray[Any]:
        made = np.empty(n, values.dtype)
        made[site[::-1]] = values[::-1]
        return made

    return {
        "spam": 2 * np.bincount(site, graph.spam, minlength=n) > members,
        "money": np.bincount(site, graph.money, minlength=n) > 0,
        "quality": np.bincount(site, graph.quality, minlength=n) / np.maximum(members, 1),
        "size": np.bincount(site, graph.size, minlength=n).astype(np.int64),
        **{name: first(getattr(graph, name)) for name in ("farm", "language", "role")},
    }
