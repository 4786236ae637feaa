"""Sizes a hundredfold apart, each step in a process of its own: how rates, bytes and memory grow with the graph.

spill     arcs set down by ranges of targets (the generator's time is left out)
build     ranges sorted, merged, compressed and written
lists     what the graph is like (calibration.py)
sweeps    passes over the loop part with decoding, beside gathers of the same values in the same process
ranks     PageRank alone, and with three personalised ranks, until the error bound is at 1e-6 and at 1e-9
inverse   ranks against the direction of links
error     ranks against scipy, float64, at the smallest size
"""

import time
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

import sitegraph.ranks.passes
from benchmarks.graph.apart import apart
from benchmarks.graph.calibration import forward, in_lists, size_of
from benchmarks.graph.generator import Web
from benchmarks.graph.lab import (
    ArcsGraph,
    build_arcs,
    clocked,
    contributions,
    decoded,
    open_arcs,
    opened,
    seeds,
    side_by_side,
    warm,
)
from sitegraph.ranks.inverse import inverse_ranks
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes, aligned
from sitegraph.store.spill import Spill

SEEDS: Final = 1000
"""Hosts that each personalised rank starts from."""
MODULE: Final = "benchmarks.graph.series"


def spill(folder: str, hosts: int, arcs: int) -> dict[str, Any]:
    """Generate a graph and set its arcs down; return what both took."""
    root = Path(folder)
    warm(root)
    web = Web(hosts=hosts, arcs=arcs)
    generating, adding = {"seconds": 0.0, "cpu": 0.0}, {"seconds": 0.0, "cpu": 0.0}
    total, gaps, largest = 0.0, 0, 0
    chunks = web.chunks()
    with Spill(root / "spill", web.hosts) as out:
        while True:
            chunk, took = clocked(partial(next, chunks, None))
            add(generating, took)
            if chunk is None:
                break
            one = forward(*chunk)
            total, gaps, largest = total + one[0], gaps + one[1], max(largest, one[2])
            add(adding, clocked(partial(out.add, *chunk))[1])
        add(adding, clocked(out.save)[1])
        count, size = out.arcs, sum(path.stat().st_size for path in (root / "spill").iterdir())
    shape = {"forward_gap": total / max(gaps, 1), "largest_out": int(largest)}
    return {"hosts": web.hosts, "arcs": count, "generate": generating, "spill": adding, "bytes": size, **shape}


def add(total: dict[str, float], more: dict[str, float]) -> None:
    """Add seconds up."""
    for name, value in more.items():
        total[name] += value


def build(folder: str, hosts: int) -> dict[str, Any]:
    """Build the arcs files of what was spilled."""
    root = Path(folder)
    warm(root)
    out = Spill(root / "spill", hosts)
    if not out.restore():
        raise RuntimeError(f"{root}: nothing was spilled there")
    built, took = clocked(lambda: build_arcs(root, out))
    return {**took, "arcs": built.arcs, "tail": built.tail_arcs}


def lists(folder: str) -> dict[str, Any]:
    """Return what the graph is like."""
    graph = open_arcs(Path(folder))
    return {"bytes": size_of(graph), "shape": in_lists(graph)}


def sweeps(folder: str, vectors: int, threads: int, rounds: int, most: int) -> dict[str, Any]:
    """Time sweeps over the loop part beside gathers of the same slots, at most `most` of them (evenly from blocks)."""
    sitegraph.ranks.passes.HELD = 0  # with decoding, whatever the size
    with opened(Path(folder), threads) as passes:
        graph: Any = passes.graph
        c = contributions(graph.numbering.sources, vectors)
        y = aligned(graph.numbering.sources, vectors)
        ids = slots(graph, passes.loop, most)
        took = side_by_side(lambda: passes.pull(passes.loop, c, y, 0), ids, c, threads, rounds)
        return {"arcs": int(graph.arcs.arcs[: graph.arcs.loop].sum()), "gathered": len(ids), **took}


def slots(graph: ArcsGraph, numbers: range, most: int) -> Any:
    """Return the source slots of blocks in list order; of every so many blocks one, when all would be too many."""
    total = int(graph.arcs.arcs[numbers.start : numbers.stop].sum())
    return np.concatenate([sources for _, sources in decoded(graph, numbers[:: max(1, -(-total // most))])])


def ranks(folder: str, personalised: int, threads: int, tolerance: float, keep: bool = False) -> dict[str, Any]:
    """Rank; return seconds of the out-weights, after each sweep, and of what comes after the last; and the bounds."""
    root = Path(folder)
    rank_warm(root, personalised, threads)
    with opened(root, threads) as passes:
        out, weights = clocked(passes.out_weights)
        trace: list[tuple[float, float]] = []
        start = time.perf_counter()
        found, whole = clocked(
            lambda: pageranks(
                passes,
                preferences(passes, personalised),
                PageRank(tolerance=tolerance),
                watch=lambda _, error: trace.append((time.perf_counter() - start, error)),
                out=out,
            )
        )
    if keep:
        np.save(root / f"ranks-{personalised}.npy", np.stack([one.values for one in found]))
    return {"weights": weights, "trace": trace, **whole, "tail": whole["seconds"] - trace[-1][0]}


def preferences(passes: Passes, personalised: int) -> list[Any]:
    """Return the uniform preference and some personalised ones."""
    return [None, *(seeds(passes.graph.numbering, SEEDS, 100 + k) for k in range(personalised))]


def rank_warm(root: Path, personalised: int, threads: int) -> None:
    """Rank a tiny graph the same way, so that every kernel is compiled."""
    warm(root)
    for keep in (0, None):
        with opened(root / "warm", threads, keep) as passes:
            for narrow in (True, False):
                pageranks(passes, preferences(passes, personalised), PageRank(tolerance=1e-3), narrow=narrow)
    with opened(root / "warm", threads) as passes:
        inverse_ranks(passes, [None], PageRank(tolerance=1e-3))


def inverse(folder: str, threads: int, tolerance: float, most: int) -> dict[str, Any]:
    """Rank against the direction of links, at most `most` sweeps; return the trace of (seconds, bound)."""
    root = Path(folder)
    rank_warm(root, 0, threads)
    trace: list[tuple[float, float]] = []
    start = time.perf_counter()

    def watch(_: int, error: float) -> None:
        trace.append((time.perf_counter() - start, error))

    with opened(root, threads) as passes:
        try:
            inverse_ranks(passes, [None], PageRank(tolerance=tolerance, max_sweeps=most), watch=watch)
        except ArithmeticError:
            if len(trace) < most:
                raise
    return {"trace": trace, "seconds": time.perf_counter() - start}


def error(folder: str, personalised: int) -> dict[str, Any]:
    """Compare ranks with a solution by scipy, power iteration in float64 until nothing changes any more."""
    root = Path(folder)
    graph, ours = open_arcs(root), np.load(root / f"ranks-{personalised}.npy")
    matrix = transposed(graph)
    wanted = [seeds(graph.numbering, SEEDS, 100 + k) for k in range(personalised)]
    found = []
    for values, preference in zip(ours, [None, *wanted], strict=True):
        v = np.full(graph.n, 1.0 / graph.n)
        if preference is not None:
            v = np.zeros(graph.n)
            v[graph.numbering.slots(preference.ids)] = preference.mass
        difference = np.abs(values - solved(matrix, v))
        found.append({"l1": float(difference.sum()), "largest": float(difference.max())})
    return {"ranks": found}


def transposed(graph: ArcsGraph) -> Any:
    """Return the row-normalised matrix of a small graph, transposed, as scipy's CSR by slots."""
    import scipy.sparse  # noqa: PLC0415 - an extra

    parts = decoded(graph, range(len(graph.arcs)))
    sources = np.concatenate([part for _, part in parts]).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part) for part, _ in parts]))])
    out = np.bincount(sources, minlength=graph.n)
    return scipy.sparse.csr_matrix((1.0 / out[sources], sources, offsets), shape=(graph.n, graph.n))


def solved(matrix: Any, v: Any, damping: float = 0.85) -> Any:
    """Return the strong rank of a preference: pseudo rank by power iteration until the change is below 1e-15."""
    x = v.copy()
    for _ in range(1000):
        new = damping * (matrix @ x) + (1.0 - damping) * v
        change, x = float(np.abs(new - x).sum()), new
        if change < 1e-15:
            break
    return x / x.sum()


def size(folder: Path, hosts: int, arcs: int, options: dict[str, Any], say: Any) -> dict[str, Any]:
    """Measure one size; `folder` is emptied by the caller."""
    threads, most = options["threads"], options["gather"]
    found: dict[str, Any] = {"asked": arcs}

    def step(name: str, function: str, **more: Any) -> None:
        say(f"{hosts:,} hosts: {name}")
        found[name] = apart(f"{MODULE}:{function}", folder=folder, **more)

    step("spill", "spill", hosts=hosts, arcs=arcs)
    step("build", "build", hosts=found["spill"]["value"]["hosts"])
    step("lists", "lists")
    for vectors in options["vectors"]:
        for many in threads:
            given = {"vectors": vectors, "threads": many, "rounds": options["rounds"], "most": most}
            step(f"sweeps {vectors} {many}", "sweeps", **given)
    for personalised in (0, 3):
        keep = hosts == options["smallest"]
        given = {"personalised": personalised, "threads": max(threads), "tolerance": 1e-9, "keep": keep}
        step(f"ranks {personalised}", "ranks", **given)
        if keep:
            step(f"error {personalised}", "error", personalised=personalised)
    few = options["inverse_sweeps"] if arcs > options["inverse_whole"] else 1000
    step("inverse", "inverse", threads=max(threads), tolerance=1e-6, most=few)
    return found
