"""The seeds of a file, found from the other end: which nodes of a level are seeds, and what the file says of each."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sitegraph.explaining.lookup import Levels
from sitegraph.layout import Level
from sitegraph.ranks.wanted import sites_of
from sitegraph.sites.preferences import found, owners, told
from sitegraph.sites.seedfiles import read_seeds
from sitegraph.sites.seeds import Sowing, sown

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SeedIndex:
    """Seeds at a level: ids of nodes, ascending.

    named: (id, group) of the seeds that are nodes of the level themselves; spread: of domains that stand for all their
    hosts, `domain` being the domain of each host (empty at domain level). note: what of the file the graph lacks.
    """

    ids: Ids
    named: frozenset[tuple[int, str]]
    spread: frozenset[tuple[int, str]]
    domain: NDArray[np.int32]
    note: str

    @classmethod
    def of(cls, path: Path, levels: Levels, level: Level) -> "SeedIndex":
        """Return the seeds of a file. Raises InputError when a line is no seed, or the graph has none of them."""
        sites, seeds = sites_of(levels), read_seeds(path)
        wanted = sown(seeds, sites, Sowing(), str(path))
        hosts, domains = found(sites, [seed.name for seed in seeds])
        groups = [seed.group for seed in seeds]
        nodes = hosts if level == "host" else owners(hosts, domains, sites)
        named = {(int(node), group) for node, group in zip(nodes, groups, strict=True) if node >= 0}
        spread = set()
        if level == "host":
            whole = np.where(hosts < 0, domains, -1)
            spread = {(int(node), group) for node, group in zip(whole, groups, strict=True) if node >= 0}
        domain = sites.domain if level == "host" else np.zeros(0, np.int32)
        return cls(wanted.by_level[level].ids, frozenset(named), frozenset(spread), domain, told(wanted))

    def groups(self, node: int) -> tuple[str, ...]:
        """Return the groups of a seed, those without a name left out."""
        names = {group for one, group in self.named if one == node}
        if len(self.domain):
            names |= {group for one, group in self.spread if one == int(self.domain[node])}
        return tuple(sorted(names - {""}))
