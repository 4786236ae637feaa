"""Passes over the arcs of a level, on several threads: every rank is made of these.

A pass reads blocks from the memory-mapped file, straight into the kernels of sweep.py, which run without the GIL.
Blocks are dealt to threads in portions of some hundred thousand arcs; what a block writes belongs to its targets
alone, so neither the number of threads nor the order in which they finish can change a result. Each thread takes the
next portion when it is free, and the calling one is among them: one that only waited would be woken for every portion,
and what that costs is as much as a tenth of a portion's time.

A graph that is small beside the memory is decoded once, and its lists are kept: the same additions in the same order,
without the decoder.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sitegraph.ranks.sweep import pull, pull_lists, push
from sitegraph.store.arcs import Block
from sitegraph.store.opened import Graph

PORTION: Final = 1 << 18
"""Arcs that a thread takes at a time, at most."""
HELD: Final = 1 << 26
"""Arcs of a graph up to which blocks stay decoded in memory, 4 bytes an arc; larger graphs are decoded in each pass."""
CACHED: Final = 1 << 24
"""Bytes of a vector from which its reads are asked for ahead: below, it lies in the cache, and asking costs time."""

Vector = NDArray[np.float64]
Work = Callable[[int, Block], bool]


def threads_of(threads: int) -> int:
    """Return how many threads to use: 0 is one per processor that this process may run on."""
    if threads:
        return threads
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def aligned(rows: int, columns: int) -> Vector:
    """Return zeros, float64[rows, columns], that begin at a cache line, so that no row of 32 bytes lies in two."""
    raw = np.zeros(rows * columns * 8 + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + rows * columns * 8].view(np.float64).reshape(rows, columns)


def columns_for(vectors: int) -> int:
    """Return the columns that the kernels want for so many vectors: 1, 2 or 4."""
    return 1 if vectors == 1 else 2 if vectors == 2 else 4


def taken(left: deque[Any]) -> Iterator[Any]:
    """Yield what is left, of which other threads take as well."""
    while True:
        try:
            first = left.popleft()
        except IndexError:
            return
        yield first


@dataclass(slots=True)
class Passes:
    """Passes over a graph with the given weights (float64 per class, finite, not negative): a context manager.

    keep: arcs up to which the graph stays decoded, None for HELD.
    """

    graph: Graph
    weights: Vector
    threads: int = 0
    keep: int | None = None
    _pool: ThreadPoolExecutor = field(init=False)
    _held: dict[int, tuple[NDArray[np.int64], NDArray[np.uint32]]] | None = field(init=False)

    def __post_init__(self) -> None:
        classes = self.graph.classes.num_rows
        if len(self.weights) != classes or not np.isfinite(self.weights).all() or (self.weights < 0.0).any():
            raise ValueError(f"{len(self.weights)} weights for {classes} classes; give each one, finite, not negative")
        self.threads = threads_of(self.threads)
        self._pool = ThreadPoolExecutor(max(1, self.threads - 1))
        self._held = {} if self.graph.m <= (HELD if self.keep is None else self.keep) else None

    @property
    def uniform(self) -> bool:
        """Whether all arcs weigh the same: the codes need not be read then, and every weight is as good as 1."""
        return not len(self.weights) or bool((self.weights == self.weights[0]).all() and self.weights[0] > 0)

    def __enter__(self) -> "Passes":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def codes(self, block: Block) -> NDArray[Any]:
        """Return the codes of a block as the kernels want them: empty where all arcs weigh 1."""
        if self.uniform:
            return block.codes[:0]
        return block.codes if len(block.codes) else np.zeros(block.arcs, np.uint8)  # of one class, that weighs nothing

    def each(self, numbers: Sequence[int], work: Work) -> None:
        """Call work(number, block) for some blocks, on all threads. Raises StorageError where it returns False."""

        def portion(part: Sequence[int]) -> None:
            for number in part:
                if not work(number, self.graph.arcs.block(number)):
                    raise self.graph.arcs.damaged(number)

        self.spread(list(self._portions(numbers)), portion)

    def spread(self, tasks: Sequence[Any], work: Callable[[Any], Any]) -> list[Any]:
        """Return work(task) for each task, on all threads, in order. After an error no further task is begun."""
        found: list[Any] = [None] * len(tasks)
        left = deque(enumerate(tasks))

        def share() -> None:
            try:
                for place, task in taken(left):
                    found[place] = work(task)
            except BaseException:
                left.clear()
                raise

        others = [self._pool.submit(share) for _ in range(min(self.threads, len(tasks)) - 1)]
        try:
            share()
        finally:
            wait(others)
        for other in others:
            other.result()
        return found

    def _portions(self, numbers: Sequence[int]) -> Iterator[Sequence[int]]:
        total = int(self.graph.arcs.arcs[numbers].sum())
        size = min(PORTION, total // (4 * self.threads) + 1)  # small groups keep every thread at work too
        start, held = 0, 0
        for place, number in enumerate(numbers):
            held += int(self.graph.arcs.arcs[number])
            if held >= size:
                yield numbers[start : place + 1]
                start, held = place + 1, 0
        if start < len(numbers):
            yield numbers[start:]

    def pull(self, numbers: Sequence[int], c: NDArray[Any], y: Vector, first: int, scale: float = 1.0) -> None:
        """Set y (float64[slots, k], from slot `first` on) to `scale` times what sources give to targets of blocks.

        c: float64[sources, k], or float32.
        """
        ask = c.nbytes > CACHED

        def work(number: int, block: Block) -> bool:
            part = y[block.first - first : block.first - first + block.targets]
            part[:] = 0.0
            if held is None:
                references = block.references
                sound = pull(block.sections, self.codes(block), self.weights, references, c, part, ask)
            else:
                lists = held.get(number)
                if lists is None:
                    lists = held[number] = self.graph.lists(number)[1:]
                pull_lists(*lists, self.codes(block), self.weights, c, part, ask)
                sound = True
            if scale != 1.0:
                part *= scale
            return sound

        held = self._held
        self.each(numbers, work)

    def push(self, numbers: Sequence[int], z: Callable[[Block], Vector], y: Vector) -> None:
        """Add to y (float64[sources, k]) what the targets of some blocks give back; z(block): float64[targets, k].

        Each thread reads all of the blocks, and adds what belongs to its own range of sources.
        """
        ask = y.nbytes > CACHED
        threads = max(1, min(self.threads, len(y)))  # none has an empty range
        bounds = np.linspace(0, len(y), threads + 1).astype(np.int64).tolist()

        def work(thread: int) -> None:
            low, part = bounds[thread], y[bounds[thread] : bounds[thread + 1]]
            for number in numbers:
                block = self.graph.arcs.block(number)
                references = block.references
                given = (block.sections, self.codes(block), self.weights, references, len(y), z(block), part, low, ask)
                if not push(*given):
                    raise self.graph.arcs.damaged(number)

        if len(y):
            self.spread(range(threads), work)

    def out_weights(self) -> Vector:
        """Return the weight that leaves each source (float64[sources])."""
        out = np.zeros((self.graph.arcs.description.sources, 1))
        self.push(range(len(self.graph.arcs)), lambda block: np.ones((block.targets, 1)), out)
        return out[:, 0]

    def in_weights(self, numbers: Sequence[int]) -> Vector:
        """Return the weight that enters each target of consecutive blocks (float64[targets])."""
        if not len(numbers):
            return np.zeros(0)
        arcs = self.graph.arcs
        first, last = arcs.slots(numbers)
        found = np.zeros((last - first, 1))
        self.pull(numbers, np.ones((arcs.description.sources, 1)), found, first)
        return found[:, 0]

    @property
    def loop(self) -> range:
        """The blocks of linking targets."""
        return range(self.graph.arcs.loop)

    @property
    def tail(self) -> range:
        """The blocks of dangling targets."""
        return range(self.graph.arcs.loop, len(self.graph.arcs))
