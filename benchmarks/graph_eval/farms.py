"""Spam farms to plant in a web of good sites.

    star        members link to the money site, which links back to each of them, so that a crawler finds them
    ring        each member links to the next one and to the money site
    clique      groups of thirty that all link to one another, and to the money site
    pyramid     tiers, each ten times as wide as the one above it; links go up, and down again so that it is found
    network     private blog network: sites of their own domains, sparsely linked, each with a page or two for several
                money sites; it buys links from good hosts, and some of its sites are old ones that changed hands
    subdomains  wildcard hosts of one registered domain, densely linked, for a money site on another domain
    tenants     free sites on hosting platforms, one below another's name, for a money site elsewhere
    lone        doorways and thin sites without a farm, each linked by another one: spam that lives on text, not links
    expired     old good sites that changed hands: their in-links stay, they lead to the money site

Every farm gets links from good sites in the ways that farms do (Leaks): plain links put on hacked sites or bought,
links in comments and forum posts, entries in directories. Members link out to popular good sites, to look like sites.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.graph_eval.planted import Integers, Sketch
from benchmarks.graph_eval.web import (
    DIRECTORY,
    FORUM,
    INSTITUTION,
    LANGUAGES,
    PLATFORMS,
    SINK,
    linking_sites,
    of_role,
    syllables,
)

SUFFIXES: Final = ("com", "net", "info", "xyz", "top", "site", "online", "ru")
CLIQUE: Final = 30
MONEY_EVERY: Final = 200
"""A private network has a money site for so many members."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaks:
    """How good sites come to link to a farm.

    hijacked: plain links to the money site from good sites, hacked or paid, per member. footers: share of these that
    stand on every page. comments: links to it from
    forums, in posts and comments, per member. Both are at least one. comments_plain: share of forum links that carry
    no nofollow. listed: share of members that a directory lists. member_comments: share of members with a link from
    some forum. camouflage: good sites that a member links to. exact: hijacked and comments are numbers per money site,
    whatever the size of the farm.
    """

    hijacked: float = 0.01
    footers: float = 0.3
    comments: float = 0.05
    comments_plain: float = 0.3
    listed: float = 0.01
    member_comments: float = 0.02
    camouflage: int = 2
    exact: bool = False

    def per_site(self, rate: float, members: int) -> int:
        """Return how many links of a kind a money site of a farm gets."""
        return int(rate) if self.exact else max(1, round(rate * members)) if rate else 0


NO_LEAKS: Final = Leaks(hijacked=0.0, comments=0.0, listed=0.0, member_comments=0.0)


class Planter:
    """Plants farms in a sketch, one after the other."""

    def __init__(self, sketch: Sketch, seed: int, leaks: Leaks | None = None) -> None:
        self.sketch = sketch
        self.seed = seed
        self.random = np.random.default_rng([seed, 22])
        self.leaks = leaks or Leaks()
        self.linking = linking_sites(sketch)
        self.forums = np.intersect1d(self.linking, np.flatnonzero(of_role(sketch, FORUM)))
        self.directories = np.intersect1d(self.linking, np.flatnonzero(of_role(sketch, DIRECTORY)))
        _, target = sketch.arcs()
        self.known = np.bincount(target, minlength=len(sketch.names)).astype(np.float64)
        self.known[np.flatnonzero(sketch.node("role") >= SINK)] = 0.0
        self.planted = 0
        self._named = 0

    def nodes(self, names: Sequence[str], farm: int, money: bool = False) -> Integers:
        """Add spam sites in languages as they come."""
        language = self.random.integers(0, len(LANGUAGES), len(names))
        quality = self.random.normal(-1.0, 0.7, len(names))
        size = np.ceil(self.random.lognormal(2.5, 1.0, len(names)))
        return self.sketch.add_nodes(
            names, language=language, quality=quality, size=size, spam=True, money=money, farm=farm
        )

    def fresh(self, count: int, suffix: str | None = None) -> list[str]:
        """Return names of new sites, each of a domain of its own unless below `suffix`."""
        numbers = range(self._named, self._named + count)
        self._named += count
        return [f"x{syllables(i)}.{suffix or SUFFIXES[i % len(SUFFIXES)]}" for i in numbers]

    def farm(self, kind: str, members: int) -> int:
        """Plant a farm of a kind with so many members besides its money site, and return its number."""
        number = self.planted
        self.planted += 1
        money = self.nodes(self.fresh(1 + (members // MONEY_EVERY if kind == "network" else 0)), number, money=True)
        made = KINDS[kind](self, number, members, money)
        self.leak(number, money, made)
        return number

    def pages(self, count: int) -> Integers:
        """Return pages that carry a farm's link, as they come."""
        return self.random.geometric(0.2, count)

    def link(self, source: Integers, target: Integers, everywhere: bool = False) -> None:
        """Link spam sites."""
        self.sketch.add_arcs(source, target, pages=self.pages(len(np.atleast_1d(source))), everywhere=everywhere)

    def leak(self, number: int, money: Integers, members: Integers) -> None:
        """Give a farm its links from good sites, and to them; the draws depend on its number, not on its size."""
        leaks, sketch = self.leaks, self.sketch
        random = np.random.default_rng([self.seed, 23, number])
        hijacked, comments = (
            leaks.per_site(rate, len(members) // len(money)) for rate in (leaks.hijacked, leaks.comments)
        )
        for site in money:
            hacked = random.choice(self.linking, min(hijacked, len(self.linking)), replace=False)
            on_all = random.random(len(hacked)) < leaks.footers
            sketch.add_arcs(hacked, site, pages=random.geometric(0.3, len(hacked)), everywhere=on_all)
            said = random.choice(self.forums, min(comments, len(self.forums)), replace=False)
            sketch.add_arcs(said, site, nofollow=random.random(len(said)) >= leaks.comments_plain)
        listed = members[random.random(len(members)) < (leaks.listed if len(self.directories) else 0.0)]
        sketch.add_arcs(random.choice(self.directories, len(listed)), listed)
        noted = members[random.random(len(members)) < (leaks.member_comments if len(self.forums) else 0.0)]
        plain = random.random(len(noted)) < leaks.comments_plain
        sketch.add_arcs(random.choice(self.forums, len(noted)), noted, nofollow=~plain)
        self.camouflage(np.concatenate([money, members]))

    def camouflage(self, sites: Integers) -> None:
        """Link spam sites to popular good ones."""
        source = np.repeat(sites, self.leaks.camouflage)
        popular = self.known / self.known.sum()
        self.sketch.add_arcs(source, self.random.choice(len(popular), len(source), p=popular))


def star(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Members and money site link to each other."""
    made = planter.nodes(planter.fresh(members), number)
    planter.link(made, np.broadcast_to(money, len(made)))
    planter.link(np.broadcast_to(money, len(made)), made)
    return made


def ring(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Members in a ring."""
    made = planter.nodes(planter.fresh(members), number)
    planter.link(made, np.roll(made, -1))
    planter.link(made, np.broadcast_to(money, len(made)))
    planter.link(money, made[:1])
    return made


def clique(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Groups in which all link to all."""
    made = planter.nodes(planter.fresh(members), number)
    for start in range(0, members, CLIQUE):
        group = made[start : start + CLIQUE]
        planter.link(np.repeat(group, len(group)), np.tile(group, len(group)))
    planter.link(made, np.broadcast_to(money, len(made)))
    planter.link(np.broadcast_to(money, len(made[::CLIQUE])), made[::CLIQUE])
    return made


def pyramid(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Tiers that link up; each site of a tier is linked from some site above it, so that it is found."""
    made = planter.nodes(planter.fresh(members), number)
    above, rest = money, made
    while len(rest):
        tier, rest = rest[: 10 * len(above)], rest[10 * len(above) :]
        parent = above[np.arange(len(tier)) % len(above)]
        planter.link(tier, parent)
        planter.link(parent, tier)
        above = tier
    return made


def network(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Sites that link to a few of their kind and to a few money sites; a twentieth of them are bought domains."""
    old = changed_hands(planter, number, members // 20)
    made = np.concatenate([old, planter.nodes(planter.fresh(members - len(old)), number)])
    random = planter.random
    for _ in range(3):
        planter.link(made, random.permutation(made))
        planter.link(made, random.choice(money, len(made)))
    return made


def subdomains(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Hosts below one domain."""
    domain = planter.fresh(1)[0]
    made = planter.nodes([domain, *planter.fresh(max(members - 1, 0), domain)][:members], number)
    for _ in range(4):
        planter.link(made, planter.random.permutation(made))
    planter.link(made, np.broadcast_to(money, len(made)), everywhere=True)
    return made


def tenants(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Free sites on a platform that the Public Suffix List lacks."""
    platform = PLATFORMS[2 + number % (len(PLATFORMS) - 2)]
    made = planter.nodes(planter.fresh(members, platform), number)
    for _ in range(3):
        planter.link(made, planter.random.permutation(made))
    planter.link(made, np.broadcast_to(money, len(made)))
    return made


def expired(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Old good sites: half of them link to the money site and to one another, the others redirect to it."""
    made = changed_hands(planter, number, members)
    half = made[::2]
    planter.link(half, np.broadcast_to(money, len(half)))
    planter.link(half, planter.random.permutation(half))
    planter.sketch.add_arcs(made[1::2], np.broadcast_to(money, len(made[1::2])), pages=20, owner=True)
    return made


def changed_hands(planter: Planter, number: int, count: int) -> Integers:
    """Turn good sites into spam: not the most popular ones, with in-links; their own links are gone."""
    sketch, random = planter.sketch, planter.random
    source, target = sketch.arcs()
    entering = np.bincount(target, minlength=len(sketch.names))
    spam, role = sketch.node("spam"), sketch.node("role")
    able = (entering > 0) & (entering <= 200) & ~spam & (role < SINK) & (role != INSTITUTION)
    chosen = np.sort(random.choice(np.flatnonzero(able), min(count, int(able.sum())), replace=False))
    spam[chosen] = True
    sketch.node("farm")[chosen] = number
    gone = np.zeros(len(sketch.names), bool)
    gone[chosen] = True
    sketch.drop_arcs(gone[source])
    planter.linking = planter.linking[~gone[planter.linking]]
    planter.forums = planter.forums[~gone[planter.forums]]
    planter.directories = planter.directories[~gone[planter.directories]]
    return chosen


def lone(planter: Planter, number: int, members: int, money: Integers) -> Integers:
    """Doorways and thin affiliate sites: each is linked by another one, a tenth of them link to the money site."""
    made = planter.nodes(planter.fresh(members), number)
    planter.link(made, planter.random.permutation(made))
    planter.link(made[: members // 10], np.broadcast_to(money, members // 10))
    return made


KINDS: Final[dict[str, Callable[[Planter, int, int, Integers], Integers]]] = {
    "star": star,
    "ring": ring,
    "clique": clique,
    "pyramid": pyramid,
    "network": network,
    "subdomains": subdomains,
    "tenants": tenants,
    "expired": expired,
    "lone": lone,
}


def sizes(total: int, random: np.random.Generator, smallest: int = 10, largest: int = 2_000) -> list[int]:
    """Return farm sizes that add up to `total`: uniform in their logarithm, few large ones and many small ones."""
    found: list[int] = []
    while (left := total - sum(found)) > 0:
        drawn = int(np.exp(random.uniform(np.log(smallest), np.log(largest))))
        found.append(min(drawn, left))
    return found


def plant(sketch: Sketch, kinds: Sequence[str], share: float, seed: int = 1, leaks: Leaks | None = None) -> Sketch:
    """Return a sketch with farms of these kinds in turn, so that about `share` of its nodes are spam."""
    grown = sketch.copy()
    planter = Planter(grown, seed, leaks)
    good = len(grown.names)
    each = share / len(kinds)
    for kind in kinds:
        new = 0.0 if kind == "expired" else each
        total = int(good * (each if kind == "expired" else new / (1.0 - share)))
        for size in sizes(total, planter.random):
            planter.farm(kind, size)
    return grown
