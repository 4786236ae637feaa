"""What explains a site's ranks: plain values, as explain.py finds them, reasons.py puts them into words, JSON has them.

A flow is the part of a node's PageRank that came over one link: damping * x_s * w_st / W_s, where x_s is the rank of
the source, w_st the weight of the link and W_s that of all its links. A share is a flow by the rank of the node that it
leads to.
"""

from dataclasses import dataclass, field
from typing import Any

from sitegraph.layout import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link to the site: who links, what flows over it, how it weighs, and the pages that it stands on.

    owner: a redirect, canonical or hreflang link joins the two. sitewide: it stands on most pages of its source.
    """

    name: str
    flow: float
    share: float
    weight: float
    pages: int
    pages_nofollow: int
    pages_sponsored: int
    hosts: int
    pages_technical: int
    owner: bool
    sitewide: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Supporter:
    """Who counts as one in the robust rank: a registered domain with those of its hosts that link.

    taken: what the cap took of its flow. links: the largest of them.
    """

    name: str
    nodes: int
    flow: float
    share: float
    taken: float
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """Links that count nothing, or less than their pages say, for one reason."""

    reason: str
    nothing: bool
    links: int
    pages: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node on a trail; share: of the next node's rank on the trail, that which comes from this one."""

    name: str
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """How the site and a seed hang together: the steps from the seed to the site, or from the site to a bad one.

    share: of the site's rank, that which takes this way. own: the site is the seed.
    """

    seed: str
    groups: tuple[str, ...]
    share: float
    steps: tuple[Step, ...]

    @property
    def own(self) -> bool:
        """Whether the site is a seed itself."""
        return not self.steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What labelled sites teach of the site.

    chance: that it is good; low, high: between what it lies, as far as so few sites tell. sites: how many there were.
    parts: by how much each sign moves its log-odds, those against it first. missing, beyond: signs that it has no value
    for, and those that are farther out than those of the labelled sites.
    """

    chance: float
    low: float
    high: float
    sites: int
    parts: tuple[tuple[str, float], ...]
    missing: int = 0
    beyond: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a site has the ranks that it has.

    row: its row of the authority table. settings: those that the links were weighed with. nodes: of the level.
    links: that lead to it. from_links, from_teleport, from_dangling: PageRank that came over links, that every node is
    given, and that sites without links give to all; None where the PageRank is an imported one.
    supporters: the largest, of supporters_total in all; own_domain: flow from its own registered domain (host level).
    capped: how many supporters were above the cap; taken: what it took of them.
    trust, anti_trust: trails from trusted sites, and to bad ones; None where they were not looked for. lesson: None
    without labelled sites.
    """

    name: str
    level: Level
    domain_name: str
    nodes: int
    row: dict[str, Any]
    settings: dict[str, Any]
    links: int
    from_links: float
    from_teleport: float | None
    from_dangling: float | None
    supporters: tuple[Supporter, ...]
    supporters_total: int
    own_domain: float
    capped: int
    taken: float
    discounts: tuple[Discount, ...]
    trust: tuple[Trail, ...] | None = None
    anti_trust: tuple[Trail, ...] | None = None
    lesson: Lesson | None = None
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
