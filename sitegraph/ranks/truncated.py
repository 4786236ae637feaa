"""Truncated rank: PageRank without what comes over fewer than T links.

    x         = (1 - alpha) v sum over t >= 0 of (alpha P)^t       PageRank, by how many links it came over
    truncated = (1 - alpha) v sum over t >= T of (alpha P)^t = x (alpha P)^T

A farm is made to give much to one site at little cost, so what it gives comes from near: from sites that nobody links
to. A good site is supported by sites that have supporters of their own. What this rank does not see is a farm whose
members link one another in circles: they support each other over any number of links.

x is the finished PageRank, so the rank needs T passes over the arcs and no sweeps of its own, each but the last over
the arcs between linking nodes alone. It keeps one vector of those; its L1 error is at most alpha^T times that of x.

Mass that dangling nodes give back comes over no link: like the preference it is a start. So it is the pseudo rank (see
pagerank.py) that is truncated, whatever the mode; the PageRank of every node, whose preference is uniform, is the
pseudo rank times one factor in each of them. The result has the scale of that PageRank: divided by it, it is the share
of a site's PageRank that came over T links or more, 0 where no way of T links leads to the site.

After Becchetti, Castillo, Donato, Leonardi, Baeza-Yates, "Using Rank Propagation and Probabilistic Counting for
Link-Based Spam Detection", 2006.
"""

import numpy as np

from sitegraph.ranks.pagerank import Allocate, Ranked, Watch
from sitegraph.ranks.passes import Passes, Vector


def truncated(
    passes: Passes,
    rank: Ranked,
    out: Vector,
    damping: float,
    links: int,
    *,
    watch: Watch | None = None,
    allocate: Allocate = np.empty,
) -> Vector:
    """Return what of a PageRank with the uniform preference came over so many links or more (float64[n], by slot).

    out: float64[sources], the weight that leaves each. watch(passes, NaN) is called after each pass.
    """
    sources, n, blocks = len(out), passes.graph.n, len(passes.graph.arcs)
    values = allocate(n)
    values[:] = rank.values
    c, linking = np.zeros(sources), out > 0.0
    for done in range(1, links + 1):
        np.divide(values[:sources], out, out=c, where=linking)
        c *= damping
        numbers, end = (range(blocks), n) if done == links else (passes.loop, sources)  # dangling nodes give nothing
        passes.pull(numbers, c[:, None], np.asarray(values)[:end, None], 0)
        if watch:
            watch(done, np.nan)
    return values
