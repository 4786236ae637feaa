"""Rankers: from a planted graph to a score per node and rank.

A ranker is any function of this type. `engine_ranker` builds the graph on disk and ranks it as the project does;
`plain_ranker` computes the same by the oracles of the tests, so it needs a checkout. Distances counted one by one are
the oracles' alone; harmonic centrality and supporters, which HyperBall estimates, the engine's.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from benchmarks.graph_eval.planted import Floats, Integers, PlantedGraph, counts_of
from sitegraph.building.small import graph_of
from sitegraph.layout import GraphSets
from sitegraph.ranks.hyperball import SUPPORTERS, hyperball
from sitegraph.ranks.inverse import inverse_ranks
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.ranks.robust import robust
from sitegraph.ranks.spammass import spam_mass
from sitegraph.ranks.truncated import truncated
from sitegraph.sites.preferences import Preference
from sitegraph.store.classes import Weights
from sitegraph.store.opened import open_graph

Ranker = Callable[[PlantedGraph], dict[str, Floats]]
DISTANCES: Final = 1_500
SUPPORT: Final = Path(__file__).resolve().parents[2] / "tests" / "support"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """What to compute, and how arcs weigh.

    preset: log-pages, distinct-hosts or cc. nofollow, sponsored: factors of log-pages. collapse: a sitewide link counts
    as one page. owners: whether links between hosts of one owner endorse. damping: of every rank but trust, which has
    trust_damping. cap: share of a site's rank that one supporter may give, for the robust rank. levels: arcs over which
    a contribution must have come to count in the truncated rank. core: mass of the good core for spam mass. only: names
    of the ranks wanted; empty is all.
    """

    preset: Literal["log-pages", "distinct-hosts", "cc"] = "log-pages"
    nofollow: float = 0.1
    sponsored: float = 0.0
    collapse: bool = True
    owners: bool = False
    damping: float = 0.85
    trust_damping: float = 0.5
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
    pages = [graph.pages, graph.pages_nofollow, graph.pages_sponsored]
    if ranks.collapse:
        pages = [np.where(graph.sitewide, np.minimum(p, 1), p) for p in pages]
    plain_links, nofollow, sponsored = (np.log1p(p) for p in pages)
    found = plain_links + ranks.nofollow * nofollow + ranks.sponsored * sponsored
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
            "truncated": lambda: oracle.truncated(w, ranks.levels, a) / oracle.pagerank(w, a, "pseudo").sum(),
            "inverse": lambda: oracle.inverse(w, a),
        }
        if len(graph.seeds):
            made["trust"] = lambda: oracle.trust(w, graph.seeds, ranks.trust_damping)
            made["spam mass"] = lambda: oracle.spam_mass(w, graph.seeds, ranks.core, a)
        if len(graph.bad):
            made["anti-trust"] = lambda: oracle.anti_trust(w, graph.bad, a)
        if graph.n <= DISTANCES:
            made["harmonic"] = lambda: oracle.harmonic(w)
        return {name: make() for name, make in made.items() if not ranks.only or name in ranks.only}

    return ranker


def engine_ranker(ranks: Ranks | None = None) -> Ranker:
    """Return a ranker made of the engine, on the hosts of a graph that is built in a temporary folder."""
    ranks = ranks or Ranks()
    weighing = Weights(
        preset=ranks.preset,
        nofollow=ranks.nofollow,
        sponsored=ranks.sponsored,
        collapse=ranks.collapse,
        fold=not ranks.owners,
    )

    def ranker(graph: PlantedGraph) -> dict[str, Floats]:
        with engine(graph, ranks, weighing) as found:
            names = [name for name in found.made if not ranks.only or name in ranks.only]
            return {name: found.made[name]() for name in names}

    return ranker


@contextmanager
def engine(graph: PlantedGraph, ranks: Ranks, weighing: Weights | None = None) -> Iterator["Engine"]:
    """Yield the engine on a graph that is built in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="graph-eval-") as folder:
        opened = open_graph(stored(Path(folder), graph))["host"]
        with Passes(opened, (weighing or Weights()).of(opened.classes)) as passes:
            yield Engine(passes, graph, ranks)


def authority_columns(graph: PlantedGraph) -> dict[str, Any]:
    """Return the columns of the authority table that the engine makes of a graph with seeds, by node."""
    with engine(graph, Ranks()) as found:
        made = {"pagerank": "pagerank", "trust": "trust", "spam_mass": "spam mass", "robust": "robust"}
        columns: dict[str, Any] = {column: found.made[name]() for column, name in made.items()}
        columns |= {"truncated": found.made["truncated"](), "in_domains": graph.in_domains}
        balls = hyperball(found.passes, SUPPORTERS)
        return columns | {"supporters": found.by_id(balls.supporters).astype(np.float64)}


def stored(folder: Path, graph: PlantedGraph) -> GraphSets:
    """Build a planted graph in a folder."""
    return graph_of(folder, list(graph.names), graph.source, graph.target, counts_of(graph), pages=graph.size)


class Engine:
    """The ranks of a graph by the engine; `made` says how each is made, by node. What several need is made once."""

    def __init__(self, passes: Passes, graph: PlantedGraph, ranks: Ranks) -> None:
        self.passes, self.graph, self.ranks = passes, graph, ranks
        self.settings = PageRank(damping=ranks.damping)
        self.made: dict[str, Callable[[], Floats]] = {
            "in-links": lambda: np.bincount(graph.target, minlength=graph.n).astype(np.float64),
            "pagerank": lambda: self.by_id(self.forward["pagerank"].values),
            "robust": self.robust,
            "truncated": self.truncated,
            "inverse": lambda: self.by_id(self.backward[0].values),
            "harmonic": lambda: self.by_id(self.balls.harmonic),
            "supporters": lambda: self.by_id(self.balls.supporters[:, -1]).astype(np.float64),
        }
        if len(graph.seeds):
            self.made["trust"] = self.trust
            self.made["spam mass"] = self.spam_mass
        if len(graph.bad):
            self.made["anti-trust"] = lambda: self.by_id(self.backward[1].values)

    def by_id(self, values: Any) -> Any:
        """Return values by node."""
        return self.passes.graph.numbering.by_id(values, 0, self.graph.n)

    @cached_property
    def out(self) -> Floats:
        """The weight that leaves each source."""
        return self.passes.out_weights()

    @cached_property
    def forward(self) -> dict[str, Any]:
        """PageRank, and trust where there are seeds."""
        wanted = {"pagerank": None} | ({"seeds": even(self.graph.seeds)} if len(self.graph.seeds) else {})
        return dict(
            zip(wanted, pageranks(self.passes, list(wanted.values()), self.settings, out=self.out), strict=True)
        )

    @cached_property
    def backward(self) -> list[Any]:
        """Inverse PageRank, and anti-trust where spam is known."""
        bad = [even(self.graph.bad)] if len(self.graph.bad) else []
        return inverse_ranks(self.passes, [None, *bad], self.settings)

    @cached_property
    def balls(self) -> Any:
        """Harmonic centrality and supporters."""
        return hyperball(self.passes)

    def trust(self) -> Floats:
        """Return trust."""
        settings = PageRank(damping=self.ranks.trust_damping)
        found = pageranks(self.passes, [even(self.graph.seeds)], settings, out=self.out)
        return self.by_id(found[0].values)

    def robust(self) -> Floats:
        """Return the robust rank; the hosts of a domain are one supporter."""
        opened = self.passes.graph
        owners = opened.column("domain")[opened.numbering.ids(np.arange(len(self.out)))]
        rank = self.forward["pagerank"]
        return self.by_id(robust(self.passes, rank, self.out, self.ranks.damping, self.ranks.cap, owners))

    def spam_mass(self) -> Floats:
        """Return the spam mass."""
        ranks, mode = self.forward, self.settings.dangling
        return self.by_id(spam_mass(ranks["pagerank"], ranks["seeds"], mode, self.ranks.core))

    def truncated(self) -> Floats:
        """Return the truncated rank."""
        rank = self.forward["pagerank"]
        return self.by_id(truncated(self.passes, rank, self.out, self.ranks.damping, self.ranks.levels))


def even(nodes: Integers) -> Preference:
    """Return the preference in which these nodes have equal masses."""
    return Preference(np.unique(nodes), np.full(len(np.unique(nodes)), 1.0 / len(np.unique(nodes))))


RANKERS: Final[dict[str, Callable[[Ranks], Ranker]]] = {"engine": engine_ranker, "plain": plain_ranker}
"""Rankers by name."""
