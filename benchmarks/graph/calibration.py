"""What a generated graph is like: the figures by which it stands for a real one.

Published of Common Crawl's host graphs: largest degrees, share of dangling hosts, mean log2 of the gaps between a
source's targets (11.2 to 11.9 of late; cc-webgraph-statistics, `successoravglogdelta`). Chosen: three arcs in ten into
dangling hosts, and in-lists that take 1.78, 1.96 and 2.02 bytes an arc (2.5 M, 25 M and 247 M hosts) with sources
numbered first and gaps in Stream VByte, their mean log2 being 7.7, 8.6 and 9.2: like that, a synthetic graph has the
zeta-3 length of the published transpose (17.9 bit an arc).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.graph.lab import ArcsGraph, decoded
from corpus.kernels import kernel


@kernel
def log_gaps(offsets: Any, sources: Any) -> Any:  # -> (sum of log2 of the gaps within lists, how many)
    total, count = 0.0, 0
    for t in range(len(offsets) - 1):
        for i in range(offsets[t] + 1, offsets[t + 1]):
            total += np.log2(np.float64(sources[i] - sources[i - 1]))
            count += 1
    return total, count


@kernel
def forward(source: Any, target: Any) -> Any:  # arcs in order -> (sum of log2 gaps of targets, gaps, largest degree)
    total, count, degree, largest = 0.0, 0, 1, 1
    for i in range(1, len(source)):
        if source[i] == source[i - 1]:
            total += np.log2(np.float64(target[i] - target[i - 1]))
            count += 1
            degree += 1
            largest = max(largest, degree)
        else:
            degree = 1
    return total, count, largest


def gini(ascending: NDArray[Any]) -> float:
    """Return the Gini coefficient of values in ascending order, not all 0: 0 when all are equal, nearly 1 for one."""
    n, held = len(ascending), np.cumsum(ascending, dtype=np.float64)
    return float((n + 1 - 2 * held.sum() / held[-1]) / n)


def size_of(graph: ArcsGraph) -> dict[str, float]:
    """Return bytes per arc: gaps alone and lists (with degrees) of linking targets and of all, and whole files."""
    gaps, lists, arcs = np.zeros(2), np.zeros(2), np.zeros(2)
    for number in range(len(graph.arcs)):
        block, tail = graph.arcs.block(number), int(number >= graph.arcs.loop)
        sizes = [len(section) for section in block.sections]
        gaps[tail] += sizes[2] + sizes[3]
        lists[tail] += sum(sizes)
        arcs[tail] += block.arcs
    return {
        "gaps_loop": gaps[0] / max(arcs[0], 1),
        "gaps": gaps.sum() / max(arcs.sum(), 1),
        "loop": lists[0] / max(arcs[0], 1),
        "tail": lists[1] / max(arcs[1], 1),
        "files": graph.arcs.bytes / max(arcs.sum(), 1),
    }


def in_lists(graph: ArcsGraph) -> dict[str, float]:
    """Return mean log2 gaps of the in-lists of linking and dangling targets, the tail's share, and in-degrees."""
    sums, degrees = np.zeros((2, 2)), []
    for number in range(len(graph.arcs)):
        ((offsets, sources),) = decoded(graph, [number])
        sums[int(number >= graph.arcs.loop)] += log_gaps(offsets, sources)
        degrees.append(np.diff(offsets))
    all_degrees = np.sort(np.concatenate(degrees))
    total = int(all_degrees.sum())
    return {
        "gap_loop": sums[0, 0] / max(sums[0, 1], 1),
        "gap_tail": sums[1, 0] / max(sums[1, 1], 1),
        "tail_share": float(graph.arcs.arcs[graph.arcs.loop :].sum()) / total,
        "largest_in": int(all_degrees[-1]),
        "top_share": float(all_degrees[len(all_degrees) - len(all_degrees) // 100 :].sum()) / total,
        "gini": gini(all_degrees),
        "median_in": int(all_degrees[len(all_degrees) // 2]),
    }
