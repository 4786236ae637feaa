"""What experiments share: how a graph is planted, seeded and ranked, and rows brought together over draws.

Ranks are made at the level of registered domains, as the project does by default; hosts have the rank of their
domain, and are what is counted: labels belong to hosts, and the counts do not depend on how hosts are folded.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from benchmarks.graph_eval.farms import KINDS, Leaks, plant
from benchmarks.graph_eval.metrics import turned
from benchmarks.graph_eval.planted import Floats, PlantedGraph, Sketch, folded
from benchmarks.graph_eval.rankers import Ranker, Ranks
from benchmarks.graph_eval.seeds import How, choose, known_spam
from benchmarks.graph_eval.web import Web, good_web
from corpus.url import Suffixes

Rows = list[dict[str, Any]]
MIXED: Final = "mixed"
TRUSTING: Final = ("pagerank", "robust", "truncated", "trust", "spam mass")
CAMOUFLAGE: Final = 25
"""Links of a spam site to good ones with which PageRank and in-links come near UK2006 in the dense web."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """What experiments share: how to rank, the web, how many draws, how many seeds and how they are chosen.

    ranker: makes a ranker of settings. rounds: draws of everything, of which the mean is told, and the range where it
    matters. seeds, how: of trust. told: known spam, for anti-trust.
    """

    ranker: Callable[[Ranks], Ranker]
    web: Web = field(default_factory=lambda: Web(sites=30_000))
    rounds: int = 2
    seeds: int = 200
    how: How = "inverse"
    told: int = 100

    def draws(self) -> Iterator["Lab"]:
        """Yield the lab with another web for each round."""
        for number in range(self.rounds):
            yield replace(self, web=replace(self.web, seed=self.web.seed + number))

    def told_of(self, graph: PlantedGraph) -> PlantedGraph:
        """Return the graph with seeds, chosen on it, and known spam."""
        made = self.ranker(Ranks(only=("inverse",)))(graph) if self.how == "inverse" else {}
        seeds = choose(graph, self.seeds, self.how, self.web.seed, made.get("inverse"))
        return graph.with_seeds(seeds, known_spam(graph, self.told, self.web.seed))

    def planted(self, kind: str, share: float, leaks: Leaks | None = None, web: Sketch | None = None) -> PlantedGraph:
        """Return a graph with farms of a kind, or of all kinds, seeds and known spam."""
        kinds = list(KINDS) if kind == MIXED else [kind]
        return self.told_of(plant(web or good_web(self.web), kinds, share, self.web.seed, leaks).finish())

    def scores(
        self, graph: PlantedGraph, ranks: Ranks | None = None, suffixes: Suffixes | None = None
    ) -> dict[str, Floats]:
        """Return the scores of every host, higher better, by the ranks of registered domains."""
        sites, site = folded(graph, suffixes)
        found = self.ranker(ranks or Ranks())(sites)
        return {name: score[site] for name, score in turned(found).items()}


def mean_of(rows: Rows, keys: Sequence[str]) -> Rows:
    """Return one row for each combination of `keys`, with the mean of every other number, and the range of `auc`."""
    groups: dict[tuple[Any, ...], Rows] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [
        dict(zip(keys, group, strict=True))
        | {name: float(np.mean([row[name] for row in of])) for name in of[0] if name not in keys}
        | ({"range of auc": float(np.ptp([row["auc"] for row in of]))} if "auc" in of[0] else {})
        for group, of in groups.items()
    ]
