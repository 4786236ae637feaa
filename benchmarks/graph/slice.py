"""A slice of a full release: all 64 M hosts that link, and every arc into a tenth of the 247 M hosts.

A whole release of 6.32 G arcs takes 50 GB of temporary files and hours. What decides how fast it is swept is how the
reads of one in-list are spread over the contributions of all sources, and that a slice has in full: the vector of all
64.3 M sources (257 MB while a rank is far from its goal, float32; 514 MB afterwards), and whole ranges of consecutive
targets, every tenth, each with all its arcs. The generator draws the arcs of all sources, and keeps those; they are
sorted, written and read back by the code that builds and ranks a whole graph, one file per range.
"""

import os
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.graph.apart import apart
from benchmarks.graph.calibration import in_lists, size_of
from benchmarks.graph.generator import Web
from benchmarks.graph.lab import (
    ArcsGraph,
    arcs_set,
    clocked,
    contributions,
    decoded,
    opened,
    side_by_side,
    warm,
)
from corpus.storage import ShardSet, TableWriter, read_parquet
from sitegraph.ranks.contributions import NARROW
from sitegraph.ranks.passes import Passes, aligned
from sitegraph.store.arcs import Arcs, ArcsWriter, Description
from sitegraph.store.builder import ArcBuilder, write_range
from sitegraph.store.classes import CLASSES, ClassTable
from sitegraph.store.merging import ALONE
from sitegraph.store.spill import Spill

MODULE: Final = "benchmarks.graph.slice"


class SliceArcs(Arcs):
    """Arcs of some ranges of a graph."""

    def _check_order(self) -> None:
        """A slice is no whole graph."""


def make(folder: str, hosts: int, arcs: int, share: float) -> dict[str, Any]:
    """Write the slice; return how large it is and what it took."""
    root = Path(folder)
    warm(root)
    web = Web(hosts=hosts, arcs=arcs)
    spill = Spill(root / "spill", web.hosts)
    wanted = chosen(spill.ranges, share)

    def generate() -> None:
        with spill:
            for source, target in web.chunks(wanted=wanted, bits=spill.width_bits):
                spill.add(source, target)

    _, generated = clocked(generate)
    _, built = clocked(lambda: write(root, web, spill, np.flatnonzero(wanted).tolist()))
    targets = sum(spill.width(number) for number in np.flatnonzero(wanted).tolist())
    return {"hosts": web.hosts, "sources": web.sources, "targets": targets, "generate": generated, "build": built}


def chosen(ranges: int, share: float) -> Any:
    """Return which ranges belong to the slice: at equal distances, at least one."""
    count = max(1, round(ranges * share))
    wanted = np.zeros(ranges, np.bool_)
    wanted[(np.arange(count) * ranges + ranges // 2) // count] = True
    return wanted


def write(root: Path, web: Web, spill: Spill, numbers: list[int]) -> None:
    """Sort, compress and write each range, as ArcBuilder does it."""
    numbering, table = web.numbering(), ClassTable()
    builder = ArcBuilder(spill=spill, arcs=arcs_set(root), classes=ShardSet(root, "classes"), numbering=numbering)
    table.add(ALONE)
    description = Description(nodes=web.hosts, sources=web.sources, code_bytes=table.code_bytes)
    for number in numbers:
        found, _ = builder.finished(number, counted=False)
        with ArcsWriter(arcs_set(root), number, description) as out:
            write_range(out, found.lists, found.slots, numbering, table)
        spill.remove(number)
    with TableWriter(ShardSet(root, "classes"), 0, CLASSES) as out:
        out.write(table.table)


def open_slice(folder: str, hosts: int, arcs: int) -> ArcsGraph:
    """Open what `make` wrote."""
    root = Path(folder)
    found = SliceArcs(arcs_set(root).paths())
    return ArcsGraph(found, Web(hosts=hosts, arcs=arcs).numbering(), read_parquet(ShardSet(root, "classes").path(0)))


def stretches(arcs: Arcs, numbers: range) -> list[range]:
    """Cut blocks where the next one's targets do not follow."""
    ends = arcs.first + arcs.targets
    cuts = [n + 1 for n in numbers[:-1] if ends[n] != arcs.first[n + 1]]
    return [range(a, b) for a, b in zip([numbers.start, *cuts], [*cuts, numbers.stop], strict=True) if b > a]


class Sweeper:
    """Sweeps over the loop (or tail) part of a slice; a stretch at a time, into one vector of its targets."""

    def __init__(self, passes: Passes, numbers: range, vectors: int, narrow: bool = False) -> None:
        arcs = passes.graph.arcs
        self.passes, self.numbers = passes, numbers
        self.parts = stretches(arcs, numbers)
        self.c = contributions(arcs.description.sources, vectors, narrow)
        self.y = aligned(max(last - first for first, last in map(arcs.slots, self.parts)), vectors)

    def __call__(self) -> None:
        for part in self.parts:
            self.passes.pull(part, self.c, self.y, self.passes.graph.arcs.slots(part)[0])

    @property
    def count(self) -> int:
        """Arcs in a sweep."""
        return int(self.passes.graph.arcs.arcs[self.numbers.start : self.numbers.stop].sum())


def rates(given: dict[str, Any], vectors: int, threads: int, rounds: int, most: int, part: str) -> dict[str, Any]:
    """Time sweeps beside gathers of the same slots, of every so many blocks when all would be more than `most`.

    part: tail, loop, or narrow, the loop with contributions in float32.
    """
    graph: Any = open_slice(**given)
    with Passes(graph, np.ones(1), threads) as passes:
        sweep = Sweeper(passes, passes.tail if part == "tail" else passes.loop, vectors, part == "narrow")
        some = sweep.numbers[:: max(1, -(-sweep.count // most))]
        ids = np.concatenate([sources for _, sources in decoded(graph, some)])
        took = side_by_side(sweep, ids, sweep.c, threads, rounds)
        return {"arcs": sweep.count, "gathered": len(ids), **took}


def memory(given: dict[str, Any], vectors: int, threads: int, cold: bool) -> dict[str, Any]:
    """Sweep twice and nothing else: the first time with check sums, from files that the page cache lacks or has."""
    compiled(Path(given["folder"]), vectors)
    for path in arcs_set(Path(given["folder"])).paths():
        with open(path, "rb") as stream:
            if cold:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    graph: Any = open_slice(**given)
    with Passes(graph, np.ones(1), threads) as passes:
        sweep = Sweeper(passes, passes.loop, vectors)
        return {"arcs": sweep.count, "first": clocked(sweep)[1], "second": clocked(sweep)[1]}


def compiled(folder: Path, vectors: int) -> None:
    """Have the kernels compiled, on a tiny graph."""
    warm(folder)
    with opened(folder / "warm", 1) as passes:
        sources = passes.graph.arcs.description.sources
        passes.pull(passes.loop, aligned(sources, vectors), aligned(sources, vectors), 0)


def figures(given: dict[str, Any]) -> dict[str, Any]:
    """Return bytes per arc, and what the lists are like."""
    graph = open_slice(**given)
    return {"bytes": size_of(graph), "shape": in_lists(graph), "arcs": graph.m, "loop": graph.arcs.loop}


def run(folder: Path, options: dict[str, Any], say: Any) -> dict[str, Any]:
    """Make the slice and measure on it."""
    given = {"folder": str(folder), "hosts": options["hosts"], "arcs": options["arcs"]}
    found: dict[str, Any] = {}

    def step(name: str, function: str, **more: Any) -> None:
        say(f"slice: {name}")
        found[name] = apart(f"{MODULE}:{function}", **more)

    step("make", "make", **given, share=options["share"])
    step("figures", "figures", given=given)
    for vectors in options["vectors"]:
        for cold in (True, False):
            name = f"memory {vectors} {'cold' if cold else 'warm'}"
            step(name, "memory", given=given, vectors=vectors, threads=1, cold=cold)
        for threads in options["threads"]:
            for part in ("loop", "tail", "narrow")[: 3 if vectors <= NARROW else 2]:
                more = {"vectors": vectors, "threads": threads, "part": part}
                more |= {"rounds": options["rounds"], "most": options["gather"]}
                step(f"{part} {vectors} {threads}", "rates", given=given, **more)
    return found
