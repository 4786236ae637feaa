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
ARC_COUNTS: Final = ("pages", "pages_nofollow", "pages_sponsored", "hosts")
ARC_FLAGS: Final = ("owner", "sitewide")


@dataclass(frozen=True, slots=True)
class PlantedGraph:
    """Nodes and arcs as arrays.

    names: forward host names. source, target: node numbers, one pair per arc. pages, pages_nofollow, pages_sponsored:
    source pages with such a link. hosts: distinct source hosts. owner: a redirect or the like joins the two. sitewide:
    the link stands on half of the source's pages or more. spam: the label. money: the site that a farm is there for.
    farm: number of its farm, -1 for good sites. language: number of its language. quality: latent, mean 0, spread 1.
    role: what kind of good site it is (web.ROLES). group: number of its registered domain. seeds, bad: nodes known to
    be good, and to be spam.
    """

    names: NDArray[np.object_]
    source: Integers
    target: Integers
    pages: Integers
    pages_nofollow: Integers
    pages_sponsored: Integers
    hosts: Integers
    owner: Flags
    sitewide: Flags
    spam: Flags
    money: Flags
    farm: Integers
    language: Integers
    quality: Floats
    role: Integers
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
        self._nodes: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("spam", "money", "farm", "language", "quality", "role")
        }
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
    ) -> Integers:
        """Add nodes and return their numbers; a single value stands for all."""
        start, count = len(self.names), len(names)
        self.names.extend(names)
        given = {"language": language, "quality": quality, "role": role, "spam": spam, "money": money, "farm": farm}
        for name, value in given.items():
            kind = {"quality": np.float64, "spam": bool, "money": bool}.get(name, np.int64)
            self._nodes[name].append(np.broadcast_to(np.asarray(value, kind), count).copy())
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
        sitewide: Any = False,
    ) -> None:
        """Add arcs, each on so many pages of its source, with a flag or without; single values stand for all."""
        source, target = np.broadcast_arrays(np.atleast_1d(source).astype(np.int64), np.asarray(target, np.int64))
        pages, nofollow, sponsored = (np.broadcast_to(x, source.shape) for x in (pages, nofollow, sponsored))
        columns = [source, target]
        columns += [np.where(nofollow | sponsored, 0, pages), np.where(nofollow & ~sponsored, pages, 0)]
        columns += [np.where(sponsored, pages, 0)]
        columns += [np.broadcast_to(np.asarray(x, np.int64), source.shape) for x in (owner, sitewide)]
        self._arcs.append(np.stack([np.asarray(c, np.int64) for c in columns]))

    def node(self, name: str) -> NDArray[Any]:
        """Return an attribute of all nodes, in one array that may be written to."""
        whole = np.concatenate([np.zeros(0, bool if name in ("spam", "money") else np.int64), *self._nodes[name]])
        if name == "quality":
            whole = whole.astype(np.float64)
        self._nodes[name] = [whole]
        return whole

    def arcs(self) -> tuple[Integers, Integers]:
        """Return the sources and targets added so far, repeated ones too."""
        whole = self._whole()
        return whole[0], whole[1]

    def drop_arcs(self, drop: Flags) -> None:
        """Take arcs away; flags in the order of `arcs`."""
        self._arcs = [self._whole()[:, ~drop]]

    def _whole(self) -> NDArray[Any]:
        self._arcs = [np.concatenate([np.zeros((7, 0), np.int64), *self._arcs], axis=1)]
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
            pages=counts[0],
            pages_nofollow=counts[1],
            pages_sponsored=counts[2],
            hosts=np.ones(len(source), np.int64),
            owner=counts[3] > 0,
            sitewide=counts[4] > 0,
            **{name: self.node(name)[order] for name in self._nodes},
            group=numbered([domain_of(name) for name in names]),
        )


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

    Pages add up; `hosts` counts source hosts; an arc is sitewide or of one owner where most of its parts are. A site is
    spam where most of its hosts are. Seeds become their sites.
    """
    sites = [domain_of(name, suffixes) if suffixes else domain_of(name) for name in graph.names]
    site = numbered(sites)
    n = int(site.max(initial=-1)) + 1
    names = np.empty(n, object)
    names[site] = sites
    parts = np.stack([getattr(graph, name) for name in (*ARC_COUNTS, *ARC_FLAGS)]).astype(np.int64)
    ones = np.ones((1, graph.m), np.int64)
    source, target, *found = merged(site[graph.source], site[graph.target], np.concatenate([parts, ones]), n)
    members = np.bincount(site, minlength=n)

    def first(values: NDArray[Any]) -> NDArray[Any]:
        made = np.empty(n, values.dtype)
        made[site[::-1]] = values[::-1]
        return made

    return (
        PlantedGraph(
            names=names,
            source=source,
            target=target,
            **dict(zip(ARC_COUNTS, found[:4], strict=True)),
            **{name: 2 * count > found[6] for name, count in zip(ARC_FLAGS, found[4:6], strict=True)},
            spam=2 * np.bincount(site, graph.spam, minlength=n) > members,
            money=np.bincount(site, graph.money, minlength=n) > 0,
            farm=first(graph.farm),
            language=first(graph.language),
            quality=np.bincount(site, graph.quality, minlength=n) / np.maximum(members, 1),
            role=first(graph.role),
            group=np.arange(n),
            seeds=np.unique(site[graph.seeds]),
            bad=np.unique(site[graph.bad]),
        ),
        site,
    )
