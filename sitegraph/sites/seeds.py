"""Seeds of a personalised rank, or bad sites of an anti-rank: a file (seedfiles.py) -> preferences (preferences.py).

How sites become masses, at each level:

1. Several seeds that are one node count once in their group.
2. Every group that has a known seed has the same mass, and within it every seed. A seed of several languages in a group
   (several seeds, one node) has an equal part in each.
3. No language may hold more than `language_cap` of all mass where at least two languages are named. Those that would
   are set to the cap, and the other languages are multiplied by one factor, so that all is 1 again; this is repeated
   until none is above. Seeds of no language are one language more for this rule. The cap is never taken below one
   divided by the number of languages. It goes before the equality of groups: a group that has capped languages only
   ends with less than others.

Without groups and languages every seed has the same mass. Seeds of no language may have that of their country's top
level domain (`by_tld`, countries.py).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from corpus.errors import InputError
from corpus.settings import require
from sitegraph.sites.countries import language_of
from sitegraph.sites.preferences import (
    SHOWN,
    Ids,
    Preference,
    Preferences,
    Sites,
    Vector,
    found,
    owners,
    spread,
    spreading,
    summed,
)
from sitegraph.sites.seedfiles import Seed, read_seeds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sowing:
    """How seeds become masses; see the module."""

    language_cap: float = 0.5
    by_tld: bool = False

    def __post_init__(self) -> None:
        require(0 < self.language_cap <= 1, self, "language_cap", "a share above 0, up to 1 (1 caps nothing)")


def seeded(path: Path, sites: Sites, sowing: Sowing | None = None) -> Preferences:
    """Return the preferences that a file of seeds (or of bad sites) asks for.

    Raises InputError when a line is no seed, or none of the seeds is in the graph.
    """
    return sown(read_seeds(path), sites, sowing or Sowing(), str(path))


def sown(seeds: Sequence[Seed], sites: Sites, sowing: Sowing, source: str) -> Preferences:
    """Return the preferences of seeds; `source` says where they are from."""
    if sowing.by_tld:
        seeds = [s if s.language else replace(s, language=language_of(s.name)) for s in seeds]
    hosts, domains = found(sites, [s.name for s in seeds])
    known = np.flatnonzero((hosts >= 0) | (domains >= 0)).tolist()
    names = {s.name for s in seeds}
    unknown = sorted(names - {seeds[i].name for i in known})
    if not known:
        raise InputError(f"{source}: none of its {len(names):,} sites is in the graph; name hosts or domains that are")
    sown_seeds = [seeds[i] for i in known]
    at_hosts, capped = masses(sown_seeds, spreading(hosts, domains, sites)[known], sowing.language_cap)
    at_domains, _ = masses(sown_seeds, owners(hosts, domains, sites)[known], sowing.language_cap)
    return Preferences(
        by_level={"host": spread(at_hosts, sites), "domain": at_domains},
        sites=len(names),
        unknown=len(unknown),
        unknown_names=tuple(unknown[:SHOWN]),
        groups=counted(seeds, sown_seeds, "group"),
        languages=counted(seeds, sown_seeds, "language"),
        capped=capped,
    )


def counted(seeds: Sequence[Seed], known: Sequence[Seed], what: str) -> dict[str, int]:
    """Return how many known sites each group or language has, also those that have none."""
    have = Counter(value for value, _ in {(getattr(s, what), s.name) for s in known})
    return {value: have[value] for value in sorted({getattr(s, what) for s in seeds})}


def masses(seeds: Sequence[Seed], nodes: Ids, cap: float) -> tuple[Preference, tuple[str, ...]]:
    """Return the masses of nodes by the rules of the module, and the languages that were capped."""
    units = sorted({(s.group, int(node), s.language) for s, node in zip(seeds, nodes, strict=True)})
    groups = Counter(group for group, _ in {unit[:2] for unit in units})
    parts = Counter(unit[:2] for unit in units)
    mass = np.array([1 / (len(groups) * groups[u[0]] * parts[u[:2]]) for u in units])
    languages, which = np.unique([u[2] for u in units], return_inverse=True)
    factor = np.ones(len(languages))
    if np.count_nonzero(languages != "") >= 2:
        totals: Vector = np.bincount(which, weights=mass).astype(np.float64)
        factor = water(totals, cap) / totals
    capped = tuple(str(language) for language in languages[factor < 1 - 1e-12])
    return summed(np.array([u[1] for u in units], np.int64), mass * factor[which]), capped


def water(totals: Vector, cap: float) -> Vector:
    """Return totals, in all 1, none above the cap: what stands above it goes to the others in proportion."""
    cap = max(cap, 1 / len(totals))
    full = np.zeros(len(totals), np.bool_)
    result: Vector = totals / totals.sum()
    while (over := ~full & (result > cap * (1 + 1e-12))).any():
        full |= over
        result = np.where(full, cap, totals * (1 - cap * full.sum()) / max(totals[~full].sum(), 1e-300))
    return result
