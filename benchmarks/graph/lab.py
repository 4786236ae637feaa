"""What several measurements need: arcs on disk opened without names, warmed kernels, rates of sweeps beside gathers."""

import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.graph.generator import GROUP, Web
from corpus.kernels import kernel
from corpus.storage import ShardSet, read_parquet
from sitegraph.ranks.contributions import Contributions
from sitegraph.ranks.passes import Passes
from sitegraph.sites.preferences import Preference
from sitegraph.store.arcs import Arcs
from sitegraph.store.builder import ArcBuilder, BuiltArcs
from sitegraph.store.numbering import Numbering
from sitegraph.store.opened import Graph, decode_block
from sitegraph.store.primitives import prefetch
from sitegraph.store.spill import Spill
from sitegraph.warm import warm_tiers

AHEAD: Final = 48
"""How far ahead the gather asks for memory."""
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class ArcsGraph:
    """The arcs of a graph without names, with what sitegraph.ranks.passes.Passes asks of a graph."""

    arcs: Arcs
    numbering: Numbering
    classes: pa.Table
    level: str = "host"

    @property
    def n(self) -> int:
        return self.numbering.nodes

    @property
    def m(self) -> int:
        return self.arcs.total

    def lists(self, number: int) -> Any:
        return Graph.lists(self, number)


def arcs_set(folder: Path) -> ShardSet:
    """Return the arcs files below a folder."""
    return ShardSet(folder, "arcs", ".arcs")


def build_arcs(folder: Path, spill: Spill) -> BuiltArcs:
    """Build the arcs files of a spill, and keep its out-degrees beside them."""
    np.save(folder / "degrees.npy", spill.degrees)
    numbering = Numbering.of_degrees(spill.degrees)
    return ArcBuilder(
        spill=spill, arcs=arcs_set(folder), classes=ShardSet(folder, "classes"), numbering=numbering
    ).build()


def open_arcs(folder: Path) -> ArcsGraph:
    """Open what build_arcs made."""
    arcs = Arcs(arcs_set(folder).paths())
    numbering = Numbering.of_degrees(np.load(folder / "degrees.npy"))
    return ArcsGraph(arcs, numbering, read_parquet(ShardSet(folder, "classes").path(0)))


def warm(folder: Path) -> ArcsGraph:
    """Build a tiny graph below `folder`, so that kernels are compiled before anything is timed; return it."""
    shutil.rmtree(folder / "warm", ignore_errors=True)
    warm_tiers()
    web = Web(hosts=100 * GROUP, arcs=50_000)
    spill = Spill(folder / "warm" / "spill", web.hosts)
    for source, target in web.chunks():
        spill.add(source, target)
    build_arcs(folder / "warm", spill)
    return open_arcs(folder / "warm")


def opened(folder: Path, threads: int, keep: int | None = None) -> Passes:
    """Return passes over the arcs of a folder, all arcs of weight 1. keep: arcs up to which they stay decoded."""
    graph: Any = open_arcs(folder)
    return Passes(graph, np.ones(1), threads, keep)


def decoded(graph: ArcsGraph, numbers: Iterable[int]) -> list[tuple[NDArray[np.int64], NDArray[np.uint32]]]:
    """Return blocks as (offsets, source slots)."""
    found = []
    for number in numbers:
        block = graph.arcs.block(number)
        offsets, sources = np.zeros(block.targets + 1, np.int64), np.empty(block.arcs, np.uint32)
        if not decode_block(block.sections, block.references, graph.numbering.sources, offsets, sources):
            raise graph.arcs.damaged(number)
        found.append((offsets, sources))
    return found


def seeds(numbering: Numbering, count: int, seed: int) -> Preference:
    """Return a preference for some hosts that link, drawn at random, with equal masses."""
    slots = np.random.default_rng(seed).choice(numbering.sources, min(count, numbering.sources), replace=False)
    ids = np.sort(numbering.ids(slots))
    return Preference(ids, np.full(len(ids), 1.0 / len(ids)))


# What a gather of the same values takes


@kernel
def gather(ids: Any, c: Any, ask: Any) -> Any:
    """Return the sum of the rows of c (float64 or float32[sources, k], k is 1, 2, 4) that ids (uint32[m]) name."""
    a, b, d, e = 0.0, 0.0, 0.0, 0.0
    zero, one, two, three = np.uint64(0), np.uint64(1), np.uint64(2), np.uint64(3)
    m = np.uint64(len(ids))
    last = m - np.uint64(AHEAD) if ask and m > np.uint64(AHEAD) else zero
    if c.shape[1] == 1:
        for i in range(m):
            if i < last:
                prefetch(c, np.uint64(ids[i + np.uint64(AHEAD)]))
            a += c[np.uint64(ids[i]), zero]
    elif c.shape[1] == 2:
        for i in range(m):
            if i < last:
                prefetch(c, np.uint64(ids[i + np.uint64(AHEAD)]))
            s = np.uint64(ids[i])
            a += c[s, zero]
            b += c[s, one]
    else:
        for i in range(m):
            if i < last:
                prefetch(c, np.uint64(ids[i + np.uint64(AHEAD)]))
            s = np.uint64(ids[i])
            a += c[s, zero]
            b += c[s, one]
            d += c[s, two]
            e += c[s, three]
    return a + b + d + e


def clocked(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """Return what a call returns, and its wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return value, {"seconds": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def best(ways: Sequence[Callable[[], Any]]) -> dict[str, float]:
    """Return the seconds of the quickest of several ways to do the same."""
    return min((clocked(way)[1] for way in ways), key=lambda took: took["seconds"])


def side_by_side(
    sweep: Callable[[], Any], ids: NDArray[np.uint32], c: NDArray[Any], threads: int, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Time a sweep and a gather of `ids` from c in turn, after a round that is not counted.

    The gather runs on as many threads, with and without asking ahead, and the quicker of both counts.
    """
    parts = np.array_split(ids, threads)
    found: dict[str, list[dict[str, float]]] = {"sweep": [], "gather": []}
    with ThreadPoolExecutor(threads) as pool:

        def read(ask: bool) -> float:
            return sum(pool.map(lambda part: gather(part, c, ask), parts))

        for number in range(rounds + 1):
            took = {"sweep": clocked(sweep)[1], "gather": best([lambda: read(True), lambda: read(False)])}
            for name, one in took.items() if number else ():
                found[name].append(one)
    return found


def contributions(sources: int, columns: int, narrow: bool = False) -> NDArray[Any]:
    """Return values to sweep over, all different from 0, float64 or float32, where a rank has them."""
    c = Contributions.zeros(sources, columns, narrow).values
    c[:] = np.random.default_rng(7).random(sources)[:, None] + 0.5
    return c
