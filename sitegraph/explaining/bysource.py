"""Arcs of a graph by source, as published graphs have them: an external sort, for they are stored by target.

The spill of a build (store/spill.py) with the ends of each arc exchanged. It takes 4 to 8 bytes an arc on disk, below
the folder `work`, and the memory of one range of nodes.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sitegraph.store.opened import Graph
from sitegraph.store.spill import Spill

Ids = NDArray[np.uint32]
LOW: np.uint64 = np.uint64(0xFFFFFFFF)


def arcs_by_source(graph: Graph, work: Path) -> Iterator[tuple[Ids, Ids]]:
    """Yield all arcs, ascending by source and then by target: ids (uint32 each). `work` is gone afterwards."""
    shutil.rmtree(work, ignore_errors=True)
    try:
        with Spill(work, graph.n) as spill:
            for source, target, _ in graph.chunks():
                spill.add(target.astype(np.uint32), source.astype(np.uint32))
        for number in range(spill.ranges):
            packed, _ = spill.read(number)
            keys = packed.keys(graph.n)
            spill.remove(number)
            keys.sort()
            yield (keys >> np.uint64(32)).astype(np.uint32) + np.uint32(spill.first(number)), as_ids(keys & LOW)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def as_ids(values: NDArray[np.uint64]) -> Ids:
    """Return numbers below 2 ** 32 as ids."""
    return values.astype(np.uint32)
