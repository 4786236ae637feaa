"""How near planted graphs come to published figures of real ones.

Shape: the host graphs of Common Crawl (cc-webgraph-statistics, docs/host.tsv; releases 2020 to 2026), for the sparse
web. Baselines: how well counts and PageRank put normal hosts above spam on WEBSPAM-UK2006 (7,866 labelled hosts, 773
of them spam), for the dense web: AUC of PageRank, in-degree, out-degree and inverse PageRank, and the spam among the
best by PageRank, from the scores published with that collection.

The planter's free choices were made to come near these figures, never to favour a rank. Where they do not come near it
is said so: real spam hosts link about as much as others, planted ones less or more, so what rests on out-links
(out-degree, inverse PageRank) is no model of the real thing.
"""

from dataclasses import replace
from typing import Any, Final

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import breadth_first_order, connected_components

from benchmarks.graph_eval.farms import Leaks
from benchmarks.graph_eval.lab import CAMOUFLAGE, MIXED, TRUSTING, Lab, Rows, mean_of
from benchmarks.graph_eval.metrics import auc, spam_share
from benchmarks.graph_eval.planted import PlantedGraph
from benchmarks.graph_eval.rankers import Ranks
from benchmarks.graph_eval.web import dense, good_web

SHAPE: Final = {
    "arcs per node": "5.6 (2020), 9.8 (2024-25), 25.6 (2026)",
    "dangling": "0.74 to 0.78",
    "largest strongly connected component": "0.147 to 0.158",
    "widest in-degree per node": "0.08",
    "widest out-degree per node": "0.028",
    "harmonic centrality of the first per linking node": "0.55",
}
UK2006: Final = {
    "auc of in-links": 0.598,
    "auc of out-links": 0.614,
    "auc of pagerank": 0.629,
    "auc of inverse": 0.553,
    "spam in top 5% by pagerank": 3 / 393,
    "spam in top 25% by pagerank": 140 / 1966,
}
UK_SHARE: Final = 773 / 7_866


def shape(lab: Lab) -> Rows:
    """Return the shape of the sparse web beside the published one."""
    rows = []
    for draw in lab.draws():
        graph = good_web(draw.web).finish()
        rows += [{"measure": name, "planted": value} for name, value in shape_of(graph).items()]
    return [row | {"published": SHAPE.get(row["measure"], "")} for row in mean_of(rows, ("measure",))]


def shape_of(graph: PlantedGraph) -> dict[str, float]:
    """Return the figures of a graph's shape."""
    n = graph.n
    w = sparse.csr_array((np.ones(graph.m), (graph.source, graph.target)), shape=(n, n))
    entering, leaving = (np.bincount(x, minlength=n) for x in (graph.target, graph.source))
    _, component = connected_components(w, connection="strong")
    return {
        "arcs per node": graph.m / n,
        "dangling": float((leaving == 0).mean()),
        "largest strongly connected component": float(np.bincount(component).max() / n),
        "widest in-degree per node": float(entering.max() / n),
        "widest out-degree per node": float(leaving.max() / n),
        "harmonic centrality of the first per linking node": harmonic_of(w, int(entering.argmax()))
        / (leaving > 0).sum(),
        "nodes with one in-link": float((entering == 1).mean()),
        "in-degree exponent (from 20 on)": exponent(entering, 20),
        "out-degree exponent (from 20 on)": exponent(leaving, 20),
        "arcs within a language": float((graph.language[graph.source] == graph.language[graph.target]).mean()),
        "arcs of nofollow links only": float(((graph.pages == 0) & (graph.pages_nofollow > 0)).mean()),
        "correlation of quality and in-degree": float(np.corrcoef(graph.quality, np.log1p(entering))[0, 1]),
    }


def harmonic_of(w: Any, node: int) -> float:
    """Return the harmonic centrality of one node over incoming paths."""
    order, before = breadth_first_order(w.T.tocsr(), node)
    depth = np.zeros(w.shape[0])
    for reached in order[1:]:
        depth[reached] = depth[before[reached]] + 1
    return float((1.0 / depth[order[1:]]).sum())


def exponent(degrees: Any, least: int) -> float:
    """Return the exponent of a power law fitted to degrees from `least` on (Clauset, Shalizi, Newman 2009, eq. 3.7)."""
    tail = degrees[degrees >= least]
    return float(1 + len(tail) / np.log(tail / (least - 0.5)).sum())


def baselines(lab: Lab) -> Rows:
    """Return AUC and shares of spam of simple ranks in the dense web beside those of UK2006, and trust's below them.

    Only linking hosts are judged, as only crawled ones were labelled there.
    """
    rows = []
    for draw in lab.draws():
        web = replace(draw, web=dense(draw.web))
        graph = web.planted(MIXED, UK_SHARE, Leaks(camouflage=CAMOUFLAGE))
        among = graph.judged & graph.links
        scores = web.scores(graph, Ranks(cap=0.001))
        scores["out-links"] = np.bincount(graph.source, minlength=graph.n).astype(np.float64)
        found = {f"auc of {name}": auc(score, graph.spam, among) for name, score in scores.items()}
        for name in TRUSTING:
            for top in (0.05, 0.25):
                found[f"spam in top {top:.0%} by {name}"] = spam_share(scores[name], graph.spam, top, among)
        rows += [{"measure": name, "planted": value} for name, value in found.items()]
    published = UK2006 | {"spam in top 25% by robust": 0.0015}
    return [row | {"UK2006": published.get(row["measure"], float("nan"))} for row in mean_of(rows, ("measure",))]
