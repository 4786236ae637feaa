"""How far a score puts good above spam. Scores are float64, one per node, higher is better; ties count half.

auc         chance that a good node drawn at random scores above a spam node drawn at random
spam_share  spam among the top share of nodes; of nodes tied at the edge the mean over all orders is taken
percentile  share of good nodes with a lower or equal score: where a money site stands among good sites
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from benchmarks.graph_eval.planted import Flags, Floats, Integers, PlantedGraph
from sitegraph.ranks.goodness import auc as area_under_curve

TOPS: Final = (0.01, 0.05, 0.10, 0.25)
KNOWN: Final = 3
LOWER_IS_BETTER: Final = frozenset({"anti-trust", "spam mass"})
"""Ranks of badness: they are turned round before they are judged."""


def turned(scores: Mapping[str, Floats]) -> dict[str, Floats]:
    """Return scores with higher values better."""
    return {name: -values if name in LOWER_IS_BETTER else values for name, values in scores.items()}


def auc(score: Floats, spam: Flags, among: Flags | None = None) -> float:
    """Return the area under the curve for good above spam; NaN where there is no good or no spam node."""
    if among is not None:
        score, spam = score[among], spam[among]
    return area_under_curve(score, ~spam) if spam.any() and not spam.all() else float("nan")


def spam_share(score: Floats, spam: Flags, top: float, among: Flags | None = None) -> float:
    """Return the share of spam among the best `top` of the nodes."""
    if among is not None:
        score, spam = score[among], spam[among]
    count = max(int(top * len(score)), 1)
    edge = np.partition(score, len(score) - count)[len(score) - count]
    above, tied = score > edge, score == edge
    of_tied = (count - int(above.sum())) * float(spam[tied].mean())
    return (float(spam[above].sum()) + of_tied) / count


def percentile(score: Floats, nodes: Integers, good: Flags) -> Floats:
    """Return for each of `nodes` the share of good nodes with a lower or equal score."""
    return np.searchsorted(np.sort(score[good]), score[nodes], side="right") / max(int(good.sum()), 1)


def judged(graph: PlantedGraph, score: Floats, tops: Sequence[float] = TOPS) -> dict[str, float]:
    """Return all measures of a score.

    auc is over all nodes; of linking ones (only they have text to keep or drop); of known ones, which KNOWN domains or
    more link to (of others links say little); and with money sites as the only spam.
    """
    among = graph.judged
    known = among & (graph.in_domains >= KNOWN)
    money = among & (~graph.spam | graph.money)
    return {
        "auc": auc(score, graph.spam, among),
        "auc of linking": auc(score, graph.spam, among & graph.links),
        "auc of known": auc(score, graph.spam, known),
        "auc of money sites": auc(score, graph.spam, money),
        **{f"spam in top {top:.0%}": spam_share(score, graph.spam, top, among) for top in tops},
    }
