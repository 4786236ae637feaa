"""Ranks against the direction of links: inverse PageRank, and anti-trust from sites known to be bad.

    x = alpha x P' + (1 - alpha) v      P' the row-normalised weights of the reversed graph

A site that links to well-linked sites has a high inverse rank: it is a good place to start from, or a farm. One that
links to bad sites, or to sites that do, has anti-trust. Gyongyi, Garcia-Molina, Pedersen, "Combating Web Spam with
TrustRank", 2004; Krishnan, Raj, "Web Spam Detection with Anti-Trust Rank", 2006.

The reversed graph is not stored: each target gives back to its sources (sweep.push). Nodes that nobody links to are the
dangling ones here; dangling ones of the graph itself get nothing from others, so what they give is the same in every
sweep and is worked out once. Power iteration: push writes to sources all over, so there is no part of the new vector
that is done before the sweep ends. Scaled to sum 1, which makes dangling mass return to the preferred nodes (mode
strong of pagerank.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sitegraph.ranks.checkpoint import Checkpoint
from sitegraph.ranks.pagerank import Allocate, PageRank, Ranked, Restart, Restarts, Watch, bound, strong
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.sites.preferences import Preference
from sitegraph.store.arcs import Block

MOST_VECTORS = 2


@dataclass(slots=True)
class Reversed:
    """In-weights (float64[sources]), what dangling nodes give (float64[sources, k]), and the preferences."""

    weights: Vector
    given: Vector
    wanted: Restarts
    columns: int


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
    state = prepared(passes, wanted, settings)
    x, sweeps, bounds = iterate(passes, state, settings, watch, checkpoint)
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


def prepared(passes: Passes, wanted: Restarts, settings: PageRank) -> Reversed:
    """Work out in-weights and what dangling nodes give, which stays the same."""
    graph, columns = passes.graph, len(wanted)
    sources = graph.arcs.description.sources
    given = np.zeros((sources, columns))

    def share(block: Block, weights: Vector, first: int) -> Vector:
        last = block.first + block.targets
        into = weights[block.first - first : last - first]
        rows = [base(p, block.first, last, graph.n, settings) for p in wanted]
        return np.ascontiguousarray(np.divide(rows, into, out=np.zeros((columns, len(into))), where=into > 0).T)

    for part in tail_portions(passes):
        first = int(graph.arcs.first[part[0]])
        weights = passes.in_weights(part)
        passes.push(part, lambda block, w=weights, f=first: share(block, w, f), given)  # type: ignore[misc]
    return Reversed(passes.in_weights(passes.loop), given, wanted, columns)


def tail_portions(passes: Passes, blocks: int = 1024) -> list[range]:
    """Return the blocks of dangling targets in portions."""
    return [passes.tail[at : at + blocks] for at in range(0, len(passes.tail), blocks)]


def iterate(
    passes: Passes, state: Reversed, settings: PageRank, watch: Watch | None, path: Path | None
) -> tuple[Vector, int, list[float]]:
    """Sweep until every error bound is at or below the tolerance; return the sources' ranks, sweeps and bounds."""
    graph, sources = passes.graph, len(state.weights)
    saved = Checkpoint(
        path, graph, passes.weights, [(p.slots, p.mass) if p else None for p in state.wanted], ("inverse", settings)
    )
    own = np.stack([base(p, 0, sources, graph.n, settings) for p in state.wanted], axis=1)
    tail = [float(base(p, sources, graph.n, graph.n, settings).sum()) for p in state.wanted]
    x = own.copy()
    sweeps = saved.load(x)
    share = np.divide(1.0, state.weights, out=np.zeros(sources), where=state.weights > 0.0)
    while True:
        y = state.given.copy()
        passes.push(passes.loop, lambda block: given_by(block, x, share), y)  # noqa: B023 - called within the pass
        y *= settings.damping
        y += own
        change = np.abs(y - x).sum(axis=0)
        x = y
        sweeps += 1
        bounds = [bound(float(change[k]), float(x[:, k].sum()) + tail[k], settings) for k in range(state.columns)]
        if watch:
            watch(sweeps, max(bounds))
        if max(bounds) <= settings.tolerance:
            saved.forget()
            return x, sweeps, bounds
        if sweeps >= settings.max_sweeps:
            raise ArithmeticError(
                f"inverse rank: error bound {max(bounds):.2e} after {sweeps} sweeps; raise tolerance or max_sweeps"
            )
        saved.save(x, sweeps)


def given_by(block: Block, x: Vector, share: Vector) -> Vector:
    """Return what each target of a block gives to an arc of weight 1."""
    part = slice(block.first, block.first + block.targets)
    return np.ascontiguousarray(x[part] * share[part][:, None])
