"""Preferences: which nodes a personalised rank starts from, and how much of a file about sites the graph knows.

A preference is sparse: ids of nodes, ascending, and their masses, which sum to 1. A site of a file (seedfiles.py) is,
at host level, the host of its name; a registered domain that is no host itself stands for its hosts, in equal shares.
At domain level a site is its registered domain. A site that is neither a host nor a domain of the graph is unknown at
both levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sitegraph.hosts import node_name, reverse
from sitegraph.layout import Level

Ids = NDArray[np.int64]
Vector = NDArray[np.float64]
SHOWN: Final = 20
"""Unknown sites that are named."""
CHUNK: Final = 1 << 22
"""Hosts looked at in one go."""


class Finder(Protocol):
    """The names of a level's nodes."""

    def find(self, names: Sequence[str], /) -> Ids:
        """Return the ids of reversed names, -1 for those that are no nodes."""
        ...


@dataclass(frozen=True, slots=True)
class Sites:
    """The nodes of both levels: their names, and the domain of each host (int32[hosts])."""

    hosts: Finder
    domains: Finder
    domain: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Preference:
    """Masses of some nodes of a level: ids int64[k] ascending, mass float64[k], in all 1."""

    ids: Ids
    mass: Vector

    def dense(self, nodes: int) -> Vector:
        """Return the masses of all nodes of a level."""
        found = np.zeros(nodes)
        found[self.ids] = self.mass
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a file asks for, by level, and how much of it the graph knows.

    sites          distinct sites of the file; unknown: those that are not in the graph, some of them in unknown_names
    groups, languages   known sites by group and by language, "" for none; capped: languages held down at host level
    """

    by_level: Mapping[Level, Preference]
    sites: int
    unknown: int
    unknown_names: tuple[str, ...] = ()
    groups: Mapping[str, int] = field(default_factory=dict)
    languages: Mapping[str, int] = field(default_factory=dict)
    capped: tuple[str, ...] = ()


def found(sites: Sites, names: Sequence[str]) -> tuple[Ids, Ids]:
    """Return the ids of sites as hosts and as domains, -1 where they are none."""
    usable = [i for i, name in enumerate(names) if node_name(name) == name]
    wanted = [reverse(names[i]) for i in usable]
    ids = np.full((2, len(names)), -1, np.int64)
    if wanted:
        ids[0, usable], ids[1, usable] = sites.hosts.find(wanted), sites.domains.find(wanted)
    return ids[0], ids[1]


def spreading(hosts: Ids, domains: Ids, sites: Sites) -> Ids:
    """Return a number per site at host level: its host, else (a domain that spreads) its domain behind all hosts."""
    return np.where(hosts >= 0, hosts, domains + len(sites.domain))


def owners(hosts: Ids, domains: Ids, sites: Sites) -> Ids:
    """Return the domain of each site, -1 where it has none."""
    if not len(sites.domain):
        return domains
    return np.where(hosts >= 0, sites.domain[hosts], domains).astype(np.int64)


def summed(ids: Ids, mass: Vector) -> Preference:
    """Return masses by distinct id, in all 1."""
    distinct, where = np.unique(ids, return_inverse=True)
    sums = np.bincount(where, weights=mass, minlength=len(distinct))
    return Preference(distinct, sums / sums.sum())


def spread(at: Preference, sites: Sites) -> Preference:
    """Return masses at host level, those of domains (numbered behind all hosts) shared by their hosts."""
    hosts = len(sites.domain)
    own = at.ids < hosts
    owner = at.ids[~own] - hosts
    if not len(owner):
        return at
    members, of = [at.ids[own]], [np.zeros(0, np.int64)]
    for start in range(0, hosts, CHUNK):
        part = sites.domain[start : start + CHUNK]
        place = np.minimum(np.searchsorted(owner, part), len(owner) - 1)
        inside = np.flatnonzero(owner[place] == part)
        members.append(start + inside)
        of.append(place[inside])
    shares = np.concatenate(of)
    share = at.mass[~own] / np.maximum(np.bincount(shares, minlength=len(owner)), 1)
    return summed(np.concatenate(members), np.concatenate([at.mass[own], share[shares]]))


class Told(Protocol):
    """What a file says of sites, as far as it tells which of them the graph does not know."""

    @property
    def sites(self) -> int: ...
    @property
    def unknown(self) -> int: ...
    @property
    def unknown_names(self) -> tuple[str, ...]: ...


def told(wanted: Told) -> str:
    """Return a sentence about what of a file is not in the graph, "" when all is."""
    if not wanted.unknown:
        return ""
    names = ", ".join(f"{name!a}" for name in wanted.unknown_names)
    more = f" and {rest:,} more" if (rest := wanted.unknown - len(wanted.unknown_names)) else ""
    return f"{wanted.unknown:,} of {wanted.sites:,} sites are not in the graph: {names}{more}"
