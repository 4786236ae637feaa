"""What becomes of trust with other seeds: chosen otherwise, more, fewer, without a language, some of them spam."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.graph_eval.lab import MIXED, Lab, Rows, mean_of
from benchmarks.graph_eval.metrics import auc, judged
from benchmarks.graph_eval.planted import Floats, Integers, PlantedGraph, folded
from benchmarks.graph_eval.rankers import Ranks
from benchmarks.graph_eval.seeds import CHOICES
from benchmarks.graph_eval.web import LANGUAGES
from sitegraph.comparing.agreement import kendall, overlaps


def seed_choices(lab: Lab, counts: Sequence[int] = (50, 200, 1_000), share: float = 0.10) -> Rows:
    """Return what trust and spam mass are worth by how seeds are chosen and how many there are."""
    rows: Rows = []
    for draw in lab.draws():
        plain = draw.planted(MIXED, share)
        for how in CHOICES:
            for count in counts:
                graph = replace(draw, how=how, seeds=count).told_of(plain)
                scores = draw.scores(graph, Ranks(only=("trust", "spam mass")))
                for name, score in scores.items():
                    rows.append({"seeds": how, "count": count, "rank": name} | judged(graph, score))
    return mean_of(rows, ("seeds", "count", "rank"))


def beside(score: Floats, reference: Floats, among: Any) -> dict[str, float]:
    """Return how far a score agrees with another one over some nodes."""
    a, b = score[among], reference[among]
    top = max(len(a) // 100, 1)
    return {"kendall": kendall(a, b), "jaccard of top 1%": overlaps(a, b, (top,))[0].jaccard}


def robustness(lab: Lab, share: float = 0.10, poison: Sequence[float] = (0.01, 0.02, 0.05)) -> Rows:
    """Return how the trust of domains changes with its seeds: halves, languages left out, seeds that are spam."""
    rows: Rows = []
    for draw in lab.draws():
        graph, _ = folded(draw.planted(MIXED, share))
        whole = trusted(draw, graph)
        # Whatever the seeds, the same nodes are judged: all but the seeds of any variant.
        for name, seeds in variants(draw, graph, poison):
            changed = graph.with_seeds(seeds)
            score = trusted(draw, changed)
            among = graph.judged & changed.judged
            row: dict[str, Any] = {"seeds": name} | beside(score, whole, among)
            found = auc(score, graph.spam, among)
            row |= {"auc": found, "auc lost": auc(whole, graph.spam, among) - found}
            if name.startswith("without "):
                spoken = among & (graph.language == list(LANGUAGES).index(name.removeprefix("without ")))
                row["auc lost in that language"] = auc(whole, graph.spam, spoken) - auc(score, graph.spam, spoken)
                row["kendall in that language"] = beside(score, whole, spoken)["kendall"]
            rows.append(row)
    absent = dict.fromkeys(("auc lost in that language", "kendall in that language"), float("nan"))
    return mean_of([absent | row for row in rows], ("seeds",))


def trusted(lab: Lab, graph: PlantedGraph) -> Floats:
    """Return the trust of every node."""
    return lab.ranker(Ranks(only=("trust",)))(graph)["trust"]


def variants(lab: Lab, graph: PlantedGraph, poison: Sequence[float]) -> Iterator[tuple[str, Integers]]:
    """Yield other seeds with their names."""
    random = np.random.default_rng([lab.web.seed, 55])
    shuffled = random.permutation(graph.seeds)
    half = len(shuffled) // 2
    yield "first half", shuffled[:half]
    yield "second half", shuffled[half:]
    for number, language in enumerate(LANGUAGES):
        kept = graph.seeds[graph.language[graph.seeds] != number]
        if 0 < len(kept) < len(graph.seeds):
            yield f"without {language}", kept
    spam, money = np.flatnonzero(graph.spam & graph.judged), np.flatnonzero(graph.money & graph.judged)
    for among, title in ((spam, "spam"), (money, "money sites")):
        for share in poison:
            count = max(round(share * len(graph.seeds)), 1)
            bad = random.choice(among, min(count, len(among)), replace=False)
            yield f"{share:.0%} {title}", np.concatenate([shuffled[count:], bad])
