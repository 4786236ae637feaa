"""Robust rank: PageRank in which no single supporter counts for more than a share of a site's rank.

    robust(t) = x_t - sum over supporters g of max(0, flow_g(t) - cap * x_t)
    flow_g(t) = alpha * sum over s in g of x_s w_st / W_s

x is the PageRank, W_s the weight that leaves s. At host level a supporter is a registered domain: its hosts, however
many, are one. A site that one friend, one bought link or one farm under a single domain lifts is left with `cap` of
its rank from it; a site that hundreds of others link to keeps all. What it does not see is a farm of many registered
domains, each of them giving little: that is what trust is for.

After Andersen, Borgs, Chayes, Hopcroft, Mirrokni, Teng, "Robust PageRank and Locally Computable Spam Detection
Features", 2008, who cap the contribution of every node at any distance; here it is that of the direct links, which hold
all that flows through them, in one pass over the arcs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from sitegraph.ranks.pagerank import Allocate, Ranked
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.store.arcs import Block
from sitegraph.store.opened import decode_block


def robust(
    passes: Passes,
    rank: Ranked,
    out: Vector,
    damping: float,
    cap: float,
    domains: NDArray[np.int32] | None = None,
    *,
    allocate: Allocate = np.empty,
) -> Vector:
    """Return the robust rank of every node (float64[n], by slot) of a PageRank.

    out: float64[sources], the weight that leaves each. cap: share of a site's rank that one supporter may give.
    domains: int32[sources], the registered domain of each source slot; None where every source is a supporter itself.
    """
    graph = passes.graph
    c = np.divide(rank.values[: len(out)], out, out=np.zeros(len(out)), where=out > 0.0)
    owners = np.zeros(0, np.int32) if domains is None else domains
    values = allocate(graph.n)
    values[:] = rank.values

    def work(number: int, block: Block) -> bool:
        offsets, sources = np.zeros(block.targets + 1, np.int64), np.empty(block.arcs, np.uint32)
        if not decode_block(block.sections, block.references, len(out), offsets, sources):
            return False
        part = values[block.first : block.first + block.targets]
        cap_lists(offsets, sources, passes.codes(block), passes.weights, c, owners, damping, cap, part)
        return True

    passes.each(range(len(graph.arcs)), work)
    return values


@kernel
def cap_lists(
    offsets: Any, sources: Any, codes: Any, weights: Any, c: Any, owners: Any, damping: Any, cap: Any, x: Any
) -> None:
    """Take from x (float64[targets]) what supporters give above their cap.

    Arcs of an owner mostly lie together in each tier of a list, for these are in the order of names. Where owners fall
    (from tier to tier, or when another domain's name comes between), flows are put in order first, if their owner could
    be above the cap at all: it has one for each time that owners rise. Flows of an owner add up in the order of the
    list.
    """
    held, flows = np.empty(1024, np.int64), np.empty(1024)
    for t in range(len(x)):
        start, end = offsets[t], offsets[t + 1]
        if end - start > len(held):
            held, flows = np.empty(2 * (end - start), np.int64), np.empty(2 * (end - start))
        used, falls, largest = 0, 0, 0.0
        for k in range(start, end):
            s = sources[k]
            flow = damping * c[s] * (weights[codes[k]] if len(codes) else 1.0)
            owner = np.int64(owners[s]) if len(owners) else np.int64(s)
            if used and held[used - 1] == owner:
                flows[used - 1] += flow
                continue
            falls += used > 0 and owner < held[used - 1]
            held[used], flows[used] = owner, flow
            used += 1
        most = cap * x[t]
        for i in range(used):
            largest = max(largest, flows[i])
        if largest * (falls + 1) <= most:
            continue
        excess = 0.0
        if falls:
            excess = excess_of(held[:used], flows[:used], most)
        else:
            for i in range(used):
                excess += max(0.0, flows[i] - most)
        x[t] -= excess


@kernel
def excess_of(held: Any, flows: Any, most: Any) -> Any:  # int64[k], float64[k] -> what owners give above `most`
    order = np.argsort(held, kind="mergesort")
    excess, total = 0.0, 0.0
    for i in range(len(order)):
        total += flows[order[i]]
        if i + 1 == len(order) or held[order[i + 1]] != held[order[i]]:
            excess += max(0.0, total - most)
            total = 0.0
    return excess
