"""HyperBall: harmonic centrality, and supporters within 1 to 4 arcs, of every node of a graph on disk.

    H(v) = sum over u != v of 1 / d(u, v)           d: arcs on the shortest path from u to v; only arcs that weigh count
    supporters of v within t = nodes u != v with d(u, v) <= t

The ball B(v, t) of nodes that reach v in at most t arcs is v and the balls B(u, t - 1) of all u that link to v. Balls
are kept as HyperLogLog rows (hyperloglog.py) of 2 ** log2m bytes, so a pass over the arcs takes all balls from t - 1
to t by unions, and

    H(v) = sum over t of (|B(v, t)| - |B(v, t - 1)|) / t

with sizes that are estimates, each with a relative standard error of 1.04 / sqrt(m). Passes end when no ball grows any
more, or at max_distance; how many still grew then is counted.

Which rows are in memory. A dangling node's ball feeds nobody, so only the nodes that link have one that is kept (a
quarter of a web graph's); the balls of dangling nodes are made from those of their sources in each pass, measured, and
dropped, and what is kept of them is the size, a float32. Rows must be read as they were before the pass, or balls would
run ahead of their distance (they would still be right in the end, but H would not); so the rows that grew are set aside
until all have read the old ones, in memory, or in a file in `scratch`, written and read once a pass from end to end.
For the host graph of Common Crawl (May 2026: 247 M nodes, 63 M of them linking) that makes, in GB,

    log2m                            5      6      7      8      10
    rows of linking nodes            2.0    4.0    8.1   16.1   64.5
    rows set aside, at most          2.0    4.0    8.1   16.1   64.5    (memory, or disk)
    sizes, centrality, supporters    1.0 + 2.0 + 4.0                    (2.0 less without centrality)

so log2m 7 takes 15 GB with a scratch folder and 23 GB without, log2m 6 takes 11 and 15. Errors also fall by the mean
over several seeds: four runs at log2m 6 are worth one at 8, in a quarter of the memory.

What is skipped. An arc from a node whose ball did not grow in the last pass brings nothing new to a linking node, so
the union is left out, and a dangling node is made anew only when one of its sources grew (a pass over its list without
unions finds out, as soon as fewer than half of the nodes still grow). In a web graph nearly all balls are complete
after some ten passes; the rest cost little more than decoding the arcs. A pass spends its time on unions: a core of a
2023 server does 38 M of 64 bytes a second, or 20 M of 256, on rows drawn at random from 2.5 GB, and measures 15 M
balls of 64 bytes.

The result is the same bit for bit whatever the threads and the blocks: a row belongs to one node, and maxima and sums
of whole numbers know no order.

Source: Boldi, Vigna, "In-core computation of geometric centralities with HyperBall: a hundred billion nodes and
beyond", 2013 (arXiv 1308.2144), with the systolic refinement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from corpus.settings import require
from sitegraph.ranks.balls import PIECE, Balls, Sizes
from sitegraph.ranks.checkpoint import Checkpoint
from sitegraph.ranks.passes import Passes, Vector
from sitegraph.store.numbering import Numbering

DISTANCES: Final = 4
"""Supporters are counted within 1, 2, ... DISTANCES arcs."""
Watch = Callable[[int, int], None]
"""Called after each pass with the distance reached, and how many linking nodes' balls grew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HyperBallSettings:
    """Settings of HyperBall.

    log2m: registers of a ball are 2 ** log2m; 8 for centrality, and 6 is enough for supporters (relative_error).
    max_distance: arcs after which to stop, whether balls still grow or not; what lies beyond adds less than
    1 / max_distance each. harmonic: False asks for the supporters alone, in DISTANCES passes. seed: of the hash of node
    ids; results of different seeds have independent errors.
    """

    log2m: int = 8
    max_distance: int = 128
    harmonic: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        require(4 <= self.log2m <= 12, self, "log2m", "a number from 4 to 12")
        require(self.max_distance >= DISTANCES, self, "max_distance", f"a number from {DISTANCES} on")
        require(0 <= self.seed < 1 << 63, self, "seed", "a number from 0 on")

    @property
    def relative_error(self) -> float:
        """The relative standard error of the size of a ball."""
        return float(1.04 / np.sqrt(1 << self.log2m))

    @property
    def most_passes(self) -> int:
        """The most passes over the arcs."""
        return self.max_distance if self.harmonic else DISTANCES


SUPPORTERS: Final = HyperBallSettings(log2m=6, harmonic=False)
"""Settings for the supporters alone."""


@dataclass(frozen=True, slots=True)
class HyperBallResult:
    """What HyperBall found, by slot.

    harmonic: float64[n], None when it was not asked for. supporters: uint32[n, DISTANCES], estimates, rounded, at most
    n - 1. iterations: passes over the arcs. unfinished: linking nodes whose ball still grew in the last of them; 0 says
    that nothing lies beyond. relative_error: of the size of a ball.
    """

    harmonic: Vector | None
    supporters: NDArray[np.uint32]
    iterations: int
    unfinished: int
    relative_error: float

    def harmonic_by_id(self, numbering: Numbering, start: int = 0, stop: int | None = None) -> Vector | None:
        """Return the harmonic centrality of the ids from `start` to `stop`."""
        if self.harmonic is None:
            return None
        return numbering.by_id(self.harmonic, start, numbering.nodes if stop is None else stop)

    def supporters_by_id(self, numbering: Numbering, start: int = 0, stop: int | None = None) -> NDArray[np.int64]:
        """Return the supporters (int64[..., DISTANCES]) of the ids from `start` to `stop`."""
        found = numbering.by_id(self.supporters, start, numbering.nodes if stop is None else stop)
        return found.astype(np.int64)


def hyperball(
    passes: Passes,
    settings: HyperBallSettings | None = None,
    watch: Watch | None = None,
    *,
    scratch: Path | None = None,
    checkpoint: Path | None = None,
) -> HyperBallResult:
    """Return harmonic centrality and supporters of every node, over incoming paths of arcs with a weight above 0.

    scratch: a folder with room for the rows of all linking nodes, to hold those that wait there and not in memory.
    checkpoint: a file that keeps the state between passes, as large as rows and results, and from which a killed run
    goes on.
    Raises StorageError for a damaged graph, or when scratch is full.
    """
    settings = settings or HyperBallSettings()
    supporters = np.zeros((passes.graph.n, DISTANCES), np.uint32)
    saved = Checkpoint(checkpoint, passes.graph, passes.weights, [], ("balls", settings))
    with Balls(passes, settings.log2m, settings.seed, centrality=settings.harmonic, scratch=scratch) as balls:
        if distance := saved.load(*balls.state, supporters):
            balls.go_on(distance)
        while balls.growing and balls.distance < settings.most_passes:
            balls.grow()
            if balls.distance <= DISTANCES:
                count(passes, balls.sizes, supporters[:, balls.distance - 1])
            if watch:
                watch(balls.distance, balls.growing)
            saved.save(balls.distance, *balls.state, supporters)
    saved.forget()
    for later in range(max(balls.distance, 1), DISTANCES):
        supporters[:, later] = supporters[:, later - 1]
    harmonic = balls.harmonic if settings.harmonic else None
    return HyperBallResult(harmonic, supporters, balls.distance, balls.growing, settings.relative_error)


def count(passes: Passes, sizes: Sizes, supporters: NDArray[np.uint32]) -> None:
    """Set the supporters (uint32[n]) that balls of these sizes hold."""

    def part(at: int) -> None:
        others = np.minimum(sizes[at : at + PIECE].astype(np.float64) - 1.0, len(sizes) - 1)
        supporters[at : at + PIECE] = np.floor(others + 0.5)

    passes.spread(range(0, len(sizes), PIECE), part)
