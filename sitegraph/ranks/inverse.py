"""Ranks against the direction of links: inverse PageRank, and anti-trust from sites known to be bad.

    x = alpha x P' + (1 - alpha) v      P' the row-normalised weights of the reversed graph

A site that links to well-linked sites has a high inverse rank: it is a good place to start from, or a farm. One that
links to bad sites, or to sites that do, has anti-trust. Gyongyi, Garcia-Molina, Pedersen, "Combating Web Spam with
TrustRank", 2004; Krishnan, Raj, "Web Spam Detection with Anti-Trust Rank", 2006.

The reversed graph is not stored: each target gives back to its sources (sweep.push). Nodes that nobody links to are the
dangling ones here; dangling ones of the graph itself get nothing from others, so what they give is worked out once.
Scaled to sum 1, which makes dangling mass return to the preferred nodes (mode strong of pagerank.py).

What is kept is a rank x so far and the residual r, what has still to be handed on: x + (I - alpha P')^-1 r is the
solution, always. A group of nodes takes its residual into x, and gives alpha of it back to its sources; the next group
hands on what it got from that in the same sweep, which is block Gauss-Seidel, and takes half the sweeps of the power
iteration. In the end x + r is the rank: no entry is negative, so it is too small, by alpha / (1 - alpha) times the sum
of r at most. (Residual and bound: Berkhin, "Bookmark-coloring algorithm for personalized PageRank computing", 2006.)
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sitegraph.ranks.checkpoint import Checkpoint
from sitegraph.ranks.pagerank import Allocate, PageRank, Ranked, Restart, Restarts, Watch, bound, strong
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.sites.preferences import Preference
from sitegraph.store.arcs import Block

MOST_VECTORS = 2


def inverse_ranks(
    passes: Passes,
    preferences: Sequence[Preference | None],
    settings: PageRank | None = None,
    *,
    watch: Watch | None = None,
    checkpoint: Path | None = None,
    allocate: Allocate = np.empty,
) -> list[Ranked]:
    """Return the rank on the reversed graph of each preference (None: uniform), one or two of them.

    Arguments and errors are those of pagerank.pageranks; the mode is always strong.
    """
    settings = settings or PageRank()
    if not 1 <= len(preferences) <= MOST_VECTORS:
        raise ValueError(f"{len(preferences)} preferences; give 1 or {MOST_VECTORS}")
    graph = passes.graph
    if graph.n == 0:
        return [Ranked(np.zeros(0), 0, 0.0, 0.0) for _ in preferences]
    wanted = [Restart.of(p, graph.numbering) if p else None for p in preferences]
    x, sweeps, bounds = iterate(passes, wanted, settings, watch, checkpoint)
    found = []
    for k in range(len(wanted)):
        values = allocate(graph.n)
        values[: len(x)] = x[:, k]
        values[len(x) :] = base(wanted[k], len(x), graph.n, graph.n, settings)
        found.append(strong(values, sweeps, bounds[k]))
    return found


def base(wanted: Restart | None, first: int, last: int, n: int, settings: PageRank) -> Vector:
    """Return (1 - alpha) v of the slots from `first` up to `last`."""
    if wanted is None:
        return np.full(last - first, (1.0 - settings.damping) / n)
    found = np.zeros(last - first)
    slots, mass = wanted.part(first, last)
    found[slots] = (1.0 - settings.damping) * mass
    return found


def begin(passes: Passes, wanted: Restarts, r: Vector, settings: PageRank) -> None:
    """Set the residual of x = 0 (float64[sources, k], zeros): the preference, and what dangling nodes give."""
    graph, columns = passes.graph, len(wanted)

    def share(block: Block, weights: Vector, first: int) -> Vector:
        last = block.first + block.targets
        into = weights[block.first - first : last - first]
        rows = [base(p, block.first, last, graph.n, settings) for p in wanted]
        return np.ascontiguousarray(np.divide(rows, into, out=np.zeros((columns, len(into))), where=into > 0).T)

    for part in tail_portions(passes):
        first, _ = graph.arcs.slots(part)
        weights = passes.in_weights(part)
        passes.push(part, lambda block, w=weights, f=first: share(block, w, f), r)  # type: ignore[misc]
    r *= settings.damping
    for k, preference in enumerate(wanted):
        r[:, k] += base(preference, 0, len(r), graph.n, settings)


def tail_portions(passes: Passes, blocks: int = 1024) -> list[range]:
    """Return the blocks of dangling targets in portions."""
    return [passes.tail[at : at + blocks] for at in range(0, len(passes.tail), blocks)]


def iterate(
    passes: Passes, wanted: Restarts, settings: PageRank, watch: Watch | None, path: Path | None
) -> tuple[Vector, int, list[float]]:
    """Sweep until every error bound is at or below the tolerance; return the sources' ranks, sweeps and bounds."""
    graph, sources = passes.graph, passes.graph.arcs.description.sources
    named = [(p.slots, p.mass) if p else None for p in wanted]
    saved = Checkpoint(path, graph, passes.weights, named, ("residual", settings))
    tail = np.array([base(p, sources, graph.n, graph.n, settings).sum() for p in wanted])
    both = np.zeros((2, sources, len(wanted)))
    x, r = both
    sweeps = saved.load(both)
    if not sweeps:
        begin(passes, wanted, r, settings)
    into = passes.in_weights(passes.loop)
    share = np.divide(settings.damping, into, out=np.zeros(sources), where=into > 0.0)
    groups = graph.arcs.groups()
    while True:
        for group in groups:
            hand_on(passes, group, x, r, share)
        sweeps += 1
        left = r.sum(axis=0)
        mass = x.sum(axis=0) + left + tail
        bounds = [bound(float(one), float(whole), settings) for one, whole in zip(left, mass, strict=True)]
        if watch:
            watch(sweeps, max(bounds))
        if max(bounds) <= settings.tolerance:
            saved.forget()
            x += r
            return x, sweeps, bounds
        if sweeps >= settings.max_sweeps:
            raise ArithmeticError(
                f"inverse rank: error bound {max(bounds):.2e} after {sweeps} sweeps; raise tolerance or max_sweeps"
            )
        saved.save(sweeps, both)


def hand_on(passes: Passes, group: range, x: Vector, r: Vector, share: Vector) -> None:
    """Take the residual of a group's targets into x, and give it back to their sources."""
    first, last = passes.graph.arcs.slots(group)
    taken = r[first:last].copy()
    x[first:last] += taken
    r[first:last] = 0.0
    taken *= share[first:last, None]

    def given(block: Block) -> Vector:
        return taken[block.first - first : block.first - first + block.targets]

    passes.push(group, given, r)
