"""Rankers: from a planted graph to a score per node and rank.

A ranker is any function of this type. `plain_ranker` computes the ranks by the oracles of the tests, so it needs a
checkout; they are slow for what counts distances, so `harmonic` and `supporters` are left out above `DISTANCES` nodes.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from benchmarks.graph_eval.planted import Floats, PlantedGraph

Ranker = Callable[[PlantedGraph], dict[str, Floats]]
DISTANCES: Final = 1_500
SUPPORT: Final = Path(__file__).resolve().parents[2] / "tests" / "support"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """What to compute, and how arcs weigh.

    preset: log-pages, distinct-hosts or cc. nofollow, sponsored: factors of log-pages. collapse: a sitewide link counts
    as one page. owners: whether links between hosts of one owner endorse. damping: of every rank. cap: share of a
    site's rank that one supporter may give, for the robust rank. levels: arcs over which a contribution must have come
    to count in the truncated rank. core: mass of the good core for spam mass. only: names of the ranks wanted; empty
    is all.
    """

    preset: Literal["log-pages", "distinct-hosts", "cc"] = "log-pages"
    nofollow: float = 0.1
    sponsored: float = 0.0
    collapse: bool = True
    owners: bool = False
    damping: float = 0.85
    cap: float = 0.01
    levels: int = 4
    core: float = 0.85
    only: tuple[str, ...] = ()


def weights(graph: PlantedGraph, ranks: Ranks) -> Floats:
    """Return the weight of each arc."""
    if ranks.preset == "cc":
        return np.ones(graph.m)
    if ranks.preset == "distinct-hosts":
        return graph.hosts.astype(np.float64)
    pages = np.where(graph.sitewide & ranks.collapse, np.minimum(graph.pages, 1), graph.pages)
    found = np.log1p(pages) + ranks.nofollow * np.log1p(graph.pages_nofollow)
    found += ranks.sponsored * np.log1p(graph.pages_sponsored)
    return found if ranks.owners else np.where(graph.owner, 0.0, found)


def plain() -> Any:
    """Return the module of the oracles, which stands beside the tests."""
    if str(SUPPORT) not in sys.path:
        sys.path.insert(0, str(SUPPORT))
    import plain_ranks  # noqa: PLC0415 - found only now

    return plain_ranks


def plain_ranker(ranks: Ranks | None = None) -> Ranker:
    """Return a ranker made of the oracles."""
    ranks = ranks or Ranks()
    oracle = plain()

    def ranker(graph: PlantedGraph) -> dict[str, Floats]:
        w = oracle.matrix(graph.n, graph.source, graph.target, weights(graph, ranks))
        a = ranks.damping
        made: dict[str, Callable[[], Floats]] = {
            "in-links": lambda: np.bincount(graph.target, minlength=graph.n).astype(np.float64),
            "pagerank": lambda: oracle.pagerank(w, a),
            "robust": lambda: oracle.robust(w, graph.group, ranks.cap, a),
            "truncated": lambda: oracle.truncated(w, ranks.levels, a),
            "inverse": lambda: oracle.inverse(w, a),
        }
        if len(graph.seeds):
            made["trust"] = lambda: oracle.trust(w, graph.seeds, a)
            made["spam mass"] = lambda: oracle.spam_mass(w, graph.seeds, ranks.core, a)
        if len(graph.bad):
            made["anti-trust"] = lambda: oracle.anti_trust(w, graph.bad, a)
        if graph.n <= DISTANCES:
            made["harmonic"] = lambda: oracle.harmonic(w)
        return {name: make() for name, make in made.items() if not ranks.only or name in ranks.only}

    return ranker


RANKERS: Final[dict[str, Callable[[Ranks], Ranker]]] = {"plain": plain_ranker}
"""Rankers by name."""
