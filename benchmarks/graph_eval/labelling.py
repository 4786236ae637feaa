"""What the chance that a site is good is worth (sitegraph.ranks.goodness): learned from some hundred labelled sites.

    goodness   by kind of farm: 200 seeds, and 300 sites drawn at random and labelled (more, where not ten are spam)
    answers    by how many are labelled
    unseen     a kind of farm that no labelled site is of: it came after they were labelled

Learned are the chances of hosts, by their own ranks, and beside them those of registered domains, which their hosts
share. Nobody's label is used twice: seeds are not counted, nor hosts of a domain of which one was labelled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from benchmarks.graph_eval.farms import KINDS, plant
from benchmarks.graph_eval.goals import HOPED, reached
from benchmarks.graph_eval.lab import MIXED, Lab, Rows, mean_of
from benchmarks.graph_eval.metrics import auc
from benchmarks.graph_eval.metrics import judged as measures
from benchmarks.graph_eval.planted import Floats, Integers, PlantedGraph, Sketch, folded
from benchmarks.graph_eval.rankers import authority_columns
from benchmarks.graph_eval.web import dense, good_web
from sitegraph.ranks.goodness import Goodness, learned
from sitegraph.sites.labelled import Labels

LABELLED: Final = 300
MORE: Final = 50
"""Hosts labelled at a time beyond those."""
MOST: Final = 2_000
"""Hosts labelled in all."""
MEASURES: Final = ("good", "good, known", "good, money", "good, top 5%", "calibration")
COUNTS: Final = (100, 200, 300, 500, 1_000)
SHARE: Final = 0.10


@dataclass(frozen=True, slots=True)
class Ranked:
    """A planted graph, the columns of its hosts or registered domains, which row is each host's, and its domain."""

    graph: PlantedGraph
    columns: dict[str, Any]
    row: Integers
    domain: Integers

    @classmethod
    def hosts(cls, graph: PlantedGraph) -> "Ranked":
        """Rank the hosts of a graph."""
        return cls(graph, authority_columns(graph), np.arange(graph.n), folded(graph)[1])

    @classmethod
    def domains(cls, graph: PlantedGraph) -> "Ranked":
        """Rank the registered domains of a graph."""
        sites, site = folded(graph)
        return cls(graph, authority_columns(sites), site, site)

    def drawn(self, count: int, seed: int) -> Integers:
        """Return hosts to label: drawn at random from those that nobody was told about.

        Who labels goes on until the rows of both kinds are enough to learn from, up to MOST hosts in all.
        """
        random = np.random.default_rng([seed, 55])
        hosts = random.choice(np.flatnonzero(self.graph.judged), count, replace=False)
        rest = random.permutation(np.setdiff1d(np.flatnonzero(self.graph.judged), hosts))
        while self.labels(hosts).short() and len(hosts) < MOST:
            hosts, rest = np.append(hosts, rest[:MORE]), rest[MORE:]
        return hosts

    def labels(self, hosts: Integers) -> Labels:
        """Return the labels of the rows of hosts."""
        return Labels.of(self.row[hosts], ~self.graph.spam[hosts])

    def learned(self, hosts: Integers) -> Goodness:
        """Return what labelled hosts teach."""
        labels = self.labels(hosts)
        return learned({name: values[labels.ids] for name, values in self.columns.items()}, labels.good)

    def without(self, hosts: Integers) -> PlantedGraph:
        """Return the graph in which the hosts of their registered domains are not counted."""
        known = np.flatnonzero(np.isin(self.domain, self.domain[hosts]))
        return self.graph.with_seeds(np.union1d(self.graph.seeds, known))

    def measured(self, score: Floats, hosts: Integers) -> dict[str, float]:
        """Return the measures of a score by row, which labelled hosts are not counted for."""
        return measures(self.without(hosts), score[self.row])

    def found(self, hosts: Integers) -> dict[str, float]:
        """Return the measures of the chance that labelled hosts teach, NaN where they are too few."""
        if self.labels(hosts).short():
            return dict.fromkeys(MEASURES, float("nan"))
        chance = self.learned(hosts).chance(self.columns)
        found = self.measured(chance, hosts)
        told = ("auc", "auc of known", "auc of money sites", "spam in top 5%")
        return dict(zip(MEASURES, [*(found[name] for name in told), calibration(self, chance, hosts)], strict=True))


def webs(draw: Lab) -> list[tuple[str, Lab, Sketch]]:
    """Return both webs of a draw, good sites only."""
    found = [("sparse", draw), ("dense", replace(draw, web=dense(draw.web)))]
    return [(title, lab, good_web(lab.web)) for title, lab in found]


def goodness(lab: Lab, kinds: Sequence[str] = (*KINDS, MIXED)) -> Rows:
    """Return what the chance, and the ranks that it is made of, are worth for each kind of farm."""
    rows: Rows = []
    for draw in lab.draws():
        for title, own, good in webs(draw):
            for kind in kinds:
                graph = own.planted(kind, SHARE, web=good)
                ranked, domains = Ranked.hosts(graph), Ranked.domains(graph)
                hosts = ranked.drawn(LABELLED, own.web.seed)
                row: dict[str, Any] = {"web": title, "farms": kind}
                for name, sign in (("pagerank", 1.0), ("trust", 1.0), ("spam mass", -1.0)):
                    score = sign * domains.columns[name.replace(" ", "_")]
                    row[name] = domains.measured(score, hosts)["auc"]
                # Those of wildcard hosts are a few domains: more hosts are labelled until there are enough.
                row["good, domains"] = domains.found(domains.drawn(LABELLED, own.web.seed))["good"]
                rows.append(row | ranked.found(hosts))
    means = mean_of(rows, ("web", "farms"))
    return [
        row | {"good reaches it": reached({"auc": row["good"], "auc of known": row["good, known"]}, HOPED)}
        for row in means
    ]


def calibration(ranked: Ranked, chance: Floats, hosts: Integers, bins: int = 10) -> float:
    """Return the mean distance of the chances from the shares of good sites, over bins of equally many hosts."""
    graph = ranked.without(hosts)
    told, good = chance[ranked.row][graph.judged], ~graph.spam[graph.judged]
    order = np.argsort(told, kind="stable")
    return float(np.mean([abs(told[part].mean() - good[part].mean()) for part in np.array_split(order, bins)]))


def answers(lab: Lab, counts: Sequence[int] = COUNTS, draws: int = 5) -> Rows:
    """Return what the chance is worth by how many sites are labelled, all kinds of farms together."""
    rows: Rows = []
    for draw in lab.draws():
        for title, own, good in webs(draw):
            ranked = Ranked.hosts(own.planted(MIXED, SHARE, web=good))
            for count in counts:
                for number in range(draws):
                    hosts = ranked.drawn(count, own.web.seed + 100 * number)
                    taught = ranked.learned(hosts)
                    chance = taught.chance(ranked.columns)
                    row = {"auc": ranked.measured(chance, hosts)["auc"], "auc as told": taught.auc}
                    row["calibration"] = calibration(ranked, chance, hosts)
                    rows.append({"web": title, "labelled": count} | row)
    return mean_of(rows, ("web", "labelled"))


def unseen(lab: Lab) -> Rows:
    """Return what the chance is worth for a kind of farm that came after the sites were labelled."""
    rows: Rows = []
    for draw in lab.draws():
        for title, own, good in webs(draw):
            for kind in KINDS:
                others = [other for other in KINDS if other != kind]
                before = own.told_of(plant(good, others, SHARE, own.web.seed).finish())
                after = own.planted(kind, SHARE, web=good)
                row: dict[str, Any] = {"web": title, "farms": kind}
                for name, level in (("good", Ranked.hosts), ("good, domains", Ranked.domains)):
                    ranked, then = level(before), level(after)
                    taught = ranked.learned(ranked.drawn(LABELLED, own.web.seed))
                    row[name] = auc(taught.chance(then.columns)[then.row], after.spam, after.judged)
                mass = -then.columns["spam_mass"][then.row]
                rows.append(row | {"spam mass": auc(mass, after.spam, after.judged)})
    return mean_of(rows, ("web", "farms"))
