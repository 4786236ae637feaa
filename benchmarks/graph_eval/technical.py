"""What technical links would do if they counted: hosts of fonts, scripts and counters beside a planted web.

SERVICES hosts that nobody links to as a reader would are loaded by nearly every site: each site that links loads from
LOADED of them on all its pages, drawn by popularity (the k-th 1 / k as often as the first). Real pages load from nine
other hosts on average (569 pages of the extraction corpora), most of which are no more than a name in a header. The
graph is stored once with both kinds of links, and ranked by the engine, at the level of registered domains, by

    log-pages                   the default, in which technical links weigh nothing
    cc                          0/1, all types of links, as Common Crawl's graphs count
    cc, technical links out     0/1, without arcs that are technical links alone
"""

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.graph_eval.lab import MIXED, Lab, Rows, mean_of
from benchmarks.graph_eval.metrics import judged
from benchmarks.graph_eval.planted import Floats, PlantedGraph, counts_of, folded
from benchmarks.graph_eval.rankers import even
from sitegraph.building.small import graph_of
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets
from sitegraph.ranks.pagerank import pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.store.classes import COLUMNS, TECHNICAL, Weights, technical
from sitegraph.store.opened import Graph

SERVICES: Final = 20
LOADED: Final = 5
BEST: Final = 20


def technical_links(lab: Lab, share: float = 0.10) -> Rows:
    """Return where the services stand, and how well ranks tell good from spam, by how technical links count."""
    rows: Rows = []
    for draw in lab.draws():
        graph = draw.planted(MIXED, share)
        with tempfile.TemporaryDirectory(prefix="graph-eval-") as folder:
            opened = Graph(stored(Path(folder), graph, draw.web.seed), "domain")
            ones = Weights(preset="cc").of(opened.classes)
            settings = {
                "log-pages": Weights().of(opened.classes),
                "cc": ones,
                "cc, technical links out": np.where(technical(opened.classes), 0.0, ones),
            }
            for title, weights in settings.items():
                for name, score in scores(opened, weights, graph).items():
                    rows.append({"weights": title, "rank": name} | placed(opened, score, graph))
    return mean_of(rows, ("weights", "rank"))


def service(number: int) -> str:
    """Return the host name of a service."""
    return f"static.service{number:02d}.net"


def stored(folder: Path, graph: PlantedGraph, seed: int) -> GraphSets:
    """Build a planted graph with services and the technical links to them in a folder."""
    random = np.random.default_rng(seed)
    linking = np.flatnonzero(graph.links)
    popular = 1.0 / np.arange(1, SERVICES + 1)
    source = np.repeat(linking, LOADED)
    target = graph.n + random.choice(SERVICES, len(source), p=popular / popular.sum())
    source, target = np.unique(np.stack([source, target]), axis=1)  # which draws one twice loads from fewer
    loads = np.zeros((len(source), len(COLUMNS)), np.int64)
    loads[:, TECHNICAL] = graph.size[source]
    return graph_of(
        folder,
        [*graph.names, *map(service, range(SERVICES))],
        np.concatenate([graph.source, source]),
        np.concatenate([graph.target, target]),
        np.concatenate([counts_of(graph), loads]),
        pages=np.concatenate([graph.size, np.zeros(SERVICES, np.int64)]),
    )


def scores(opened: Graph, weights: Floats, graph: PlantedGraph) -> dict[str, Floats]:
    """Return PageRank and trust of every registered domain, by id."""
    seeds = np.unique(ids(opened, graph)[graph.seeds])
    with Passes(opened, weights) as passes:
        found = pageranks(passes, [None, even(seeds)])
        by_id = opened.numbering.by_id
        return {name: by_id(one.values, 0, opened.n) for name, one in zip(("pagerank", "trust"), found, strict=True)}


def ids(opened: Graph, graph: PlantedGraph) -> NDArray[np.int64]:
    """Return for each host of a planted graph the id of its registered domain."""
    sites, site = folded(graph)
    return np.asarray(opened.names.find([reverse(name) for name in sites.names]), np.int64)[site]


def placed(opened: Graph, score: Floats, graph: PlantedGraph) -> dict[str, Any]:
    """Return where the services stand among all domains, and the measures of a score over the other hosts."""
    of_services = opened.names.find([reverse(service(k).removeprefix("static.")) for k in range(SERVICES)])
    places = np.sort(np.searchsorted(np.sort(-score), -score[of_services]) + 1)
    found = judged(graph, score[ids(opened, graph)])
    return {
        "services among the first 20": int((places <= BEST).sum()),
        "median place": float(np.median(places)),
        "auc": found["auc"],
        "auc of known": found["auc of known"],
        "spam in top 5%": found["spam in top 5%"],
    }
