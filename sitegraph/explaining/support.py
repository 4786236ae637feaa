"""The flows into one node, told by who they come from: supporters, what the cap takes of them, and discounted links.

A supporter is what counts as one in the robust rank (robust.py): at host level a registered domain with all its hosts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sitegraph.explaining.explanation import Discount, Link, Supporter
from sitegraph.explaining.flows import Flows, RankedLevel
from sitegraph.explaining.lookup import Levels
from sitegraph.hosts import reverse
from sitegraph.ranks.passes import Vector
from sitegraph.store.classes import Weights
from sitegraph.store.names import Names

SHOWN: Final = 3
"""Links of a supporter that are named, and of a reason why some are discounted."""
OWNER: Final = "one owner: a redirect, canonical or hreflang link joins the two"
NO_LINK: Final = "only redirects, canonical or hreflang links"
TECHNICAL: Final = "only technical links: scripts, pictures, frames, style sheets, forms"
SPONSORED: Final = "sponsored links only, whose factor is 0"
NOFOLLOW: Final = "nofollow or ugc links only, whose factor is 0"
FLAGGED: Final = "nofollow, ugc and sponsored links only, whose factors are 0"
SITEWIDE: Final = "on most pages of the linking site: each counts as one page"

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Support:
    """Supporters of a node, the largest flow first.

    owners: their ids; flow: float64 each, taken: what the cap takes of it; member: for each link, the place of its
    supporter; names: of the owners; own: the node's own domain (or -1).
    """

    ranked: RankedLevel
    links: Flows
    rank: float
    owners: Ids
    flow: Vector
    taken: Vector
    member: Ids
    names: Names
    own: int

    @classmethod
    def of(cls, ranked: RankedLevel, levels: Levels, node: int, links: Flows, rank: float, cap: float) -> "Support":
        """Return who supports a node of a rank; cap: the share of it that one may give."""
        if ranked.graph.level == "host":
            domain = ranked.graph.column("domain").astype(np.int64)
            of_link, names, own = domain[links.ids], levels["domain"].names, int(domain[node])
        else:
            of_link, names, own = links.ids, ranked.graph.names, -1
        owners, member = np.unique(of_link, return_inverse=True)
        flow = np.bincount(member, weights=links.values, minlength=len(owners)).astype(np.float64)
        order = np.lexsort((owners, -flow))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        flow = flow[order]
        taken = np.maximum(flow - cap * rank, 0.0)
        return cls(ranked, links, rank, owners[order], flow, taken, back[member], names, own)

    @property
    def own_flow(self) -> float:
        """What comes from hosts of the node's own domain."""
        return float(self.flow[self.owners == self.own].sum())

    def largest(self, most: int) -> tuple[Supporter, ...]:
        """Return the supporters with the largest flows, those without any left out."""
        most = min(most, int(np.count_nonzero(self.flow > 0.0)))
        names = self.names.of(self.owners[:most])
        return tuple(self._supporter(place, reverse(name)) for place, name in enumerate(names))

    def _supporter(self, place: int, name: str) -> Supporter:
        at = np.flatnonzero(self.member == place)
        best = at[np.lexsort((self.links.ids[at], -self.links.values[at]))][:SHOWN]
        return Supporter(
            name=name,
            nodes=len(at),
            flow=float(self.flow[place]),
            share=share(float(self.flow[place]), self.rank),
            taken=float(self.taken[place]),
            links=tuple(self._links(best)),
        )

    def _links(self, at: Ids) -> Iterator[Link]:
        graph = self.ranked.graph
        codes = self.links.codes[at].astype(np.int64)
        rows = graph.classes.take(pa.array(codes)).to_pylist()
        for i, name, code, row in zip(at, graph.names.of(self.links.ids[at]), codes, rows, strict=True):
            flow = float(self.links.values[i])
            weight = float(self.ranked.of_class[code])
            flags = {name: bool(row.pop(name)) for name in ("owner", "sitewide")}
            yield Link(name=reverse(name), flow=flow, share=share(flow, self.rank), weight=weight, **row, **flags)


def share(flow: float, rank: float) -> float:
    """Return a flow by a rank."""
    return flow / rank if rank > 0.0 else 0.0


def discounts(ranked: RankedLevel, links: Flows, weights: Weights) -> tuple[Discount, ...]:
    """Return the links that count nothing or less than their pages say, by reason, those with the most links first."""
    graph = ranked.graph
    codes, counts = np.unique(links.codes, return_counts=True)
    rows = graph.classes.take(pa.array(codes.astype(np.int64))).to_pylist()
    known = [reason_of(row, weights) for row in rows]
    found = []
    for reason in dict.fromkeys(reason for reason in known if reason):
        of_reason = [i for i, one in enumerate(known) if one == reason]
        at = np.flatnonzero(np.isin(links.codes, codes[of_reason]))
        found.append(
            Discount(
                reason=reason,
                nothing=reason != SITEWIDE,
                links=len(at),
                pages=sum((pages(rows[i]) or rows[i]["pages_technical"]) * int(counts[i]) for i in of_reason),
                examples=tuple(reverse(name) for name in graph.names.of(links.ids[at[:SHOWN]])),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.links, one.reason)))


def pages(row: dict[str, Any]) -> int:
    """Return the pages with endorsing links of an arc class."""
    return sum(int(row[name]) for name in ("pages", "pages_nofollow", "pages_sponsored"))


def reason_of(row: dict[str, Any], weights: Weights) -> str:
    """Return why arcs of a class count nothing, or less than their pages say; "" where they count in full."""
    if weights.preset == "cc":
        return ""
    if weights.preset == "log-pages" and weights.fold and row["owner"]:
        return OWNER
    if not pages(row):
        return TECHNICAL if row["pages_technical"] else NO_LINK
    if weights.preset == "distinct-hosts" or row["pages"]:
        most = max(int(row[name]) for name in ("pages", "pages_nofollow", "pages_sponsored"))
        collapsed = weights.preset == "log-pages" and weights.collapse and row["sitewide"] and most > 1
        return SITEWIDE if collapsed else ""
    return flagged(row, weights)


def flagged(row: dict[str, Any], weights: Weights) -> str:
    """Return why arcs of a class that has no plain pages count nothing."""
    nofollow = row["pages_nofollow"] and weights.nofollow == 0.0
    sponsored = row["pages_sponsored"] and weights.sponsored == 0.0
    if (row["pages_nofollow"] and not nofollow) or (row["pages_sponsored"] and not sponsored):
        return SITEWIDE if weights.collapse and row["sitewide"] else ""
    return FLAGGED if nofollow and sponsored else NOFOLLOW if nofollow else SPONSORED
