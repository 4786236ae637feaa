"""PageRank by power iteration over arcs sorted by target.

    x' = alpha (x P + (x . d) u) + (1 - alpha) v

x is the rank (a row vector that sums to 1), P the row-normalised weight matrix, d the indicator of dangling nodes
(those with no outgoing weight), v the preference (uniform, or a distribution for a personalised rank) and u where the
mass of dangling nodes goes:

    strong  u = v      dangling nodes link to the preferred nodes (default; what LAW calls strongly preferential)
    weak    u = 1/n    dangling nodes link everywhere
    pseudo  u = 0      the mass is lost; normalised to sum 1 this equals strong, so a sweep needs no dangling term

Stopping rule. The iteration is a contraction with factor alpha in the L1 norm, so when two iterates differ by delta the
distance to the fixed point is at most alpha / (1 - alpha) * delta. The iteration ends when that bound is at or below
`tolerance`: an error bound on the result, whatever the number of nodes (networkx multiplies its tolerance by n instead
and may stop after one step on a large graph).

Sources: Page, Brin, Motwani, Winograd 1999; Boldi, Posenti, Santini, Vigna, "Traps and pitfalls of topic-biased
PageRank", 2006 (strong, weak, pseudorank); the stopping rule is that of the LAW library.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from corpus.kernels import kernel
from corpus.settings import require

Dangling = Literal["strong", "weak", "pseudo"]
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRank:
    """Settings of a rank.

    damping: alpha, probability of following a link. tolerance: bound on the L1 error of the result.
    max_sweeps: passes over the arcs after which it is an error not to have converged.
    """

    damping: float = 0.85
    dangling: Dangling = "strong"
    tolerance: float = 1e-9
    max_sweeps: int = 1000

    def __post_init__(self) -> None:
        require(0.0 <= self.damping < 1.0, self, "damping", "a number from 0 up to, but not including, 1")
        require(self.dangling in ("strong", "weak", "pseudo"), self, "dangling", "one of strong, weak, pseudo")
        require(self.tolerance > 0.0, self, "tolerance", "a number above 0")
        require(self.max_sweeps > 0, self, "max_sweeps", "a number above 0")


@dataclass(frozen=True, slots=True)
class Ranked:
    """Ranks (float64, one per node), sweeps taken and the bound on their L1 error."""

    rank: Vector
    sweeps: int
    error: float


def pagerank(
    offsets: NDArray[np.int64],
    sources: NDArray[np.int32],
    weights: Vector,
    settings: PageRank | None = None,
    preference: Vector | None = None,
    watch: Callable[[int, float], None] | None = None,
) -> Ranked:
    """Rank the nodes of a graph given by target.

    offsets: int64[n + 1]; the arcs into node t are sources[offsets[t]:offsets[t + 1]] (int32 node numbers) with
    weights (float64, finite, not negative) at the same places. preference: float64[n], not negative, with a sum
    above 0 (normalised here); None is uniform. watch(sweeps, error) is called after each sweep.
    Raises ValueError when the arrays do not fit together, ArithmeticError when max_sweeps do not reach the tolerance.
    """
    settings = settings or PageRank()
    n = len(offsets) - 1
    check(n, offsets, sources, weights)
    if n == 0:
        return Ranked(np.zeros(0), 0, 0.0)
    v = normalised(preference, n)
    out = out_weights(sources, weights, n)
    alpha = settings.damping
    x = v.copy()
    for sweeps in range(1, settings.max_sweeps + 1):
        lost = float(x[out == 0.0].sum())
        y = sweep(offsets, sources, weights, np.divide(x, out, out=np.zeros(n), where=out > 0.0))
        y *= alpha
        if settings.dangling != "pseudo":
            y += alpha * lost * (v if settings.dangling == "strong" else 1.0 / n)
        y += (1.0 - alpha) * v
        error = alpha / (1.0 - alpha) * float(np.abs(y - x).sum())
        x = y
        if watch:
            watch(sweeps, error)
        if error <= settings.tolerance:
            return Ranked(x, sweeps, error)
    raise ArithmeticError(f"PageRank: error bound {error:.2e} after {sweeps} sweeps; raise tolerance or max_sweeps")


def check(n: int, offsets: NDArray[np.int64], sources: NDArray[np.int32], weights: Vector) -> None:
    """Raise ValueError unless the arrays describe a graph: the kernel below reads without looking."""
    if n < 0 or offsets[0] != 0 or offsets[-1] != len(sources) or (np.diff(offsets) < 0).any():
        raise ValueError("offsets must rise from 0 to the number of arcs")
    if len(weights) != len(sources):
        raise ValueError(f"{len(weights)} weights for {len(sources)} arcs")
    if len(sources) and (sources.min() < 0 or sources.max() >= n):
        raise ValueError(f"arc sources must be node numbers from 0 to {n - 1}")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("weights must be finite and not negative")


def normalised(preference: Vector | None, n: int) -> Vector:
    """Return the preference as a distribution over n nodes."""
    if preference is None:
        return np.full(n, 1.0 / n)
    total = float(preference.sum())
    if len(preference) != n or not np.isfinite(total) or total <= 0.0 or (preference < 0).any():
        raise ValueError(f"the preference must be {n} numbers, none negative, with a sum above 0")
    return np.asarray(preference, dtype=np.float64) / total


@kernel
def out_weights(sources: Any, weights: Any, n: Any) -> Any:  # int32[m], float64[m] -> float64[n]
    """Add up the weight that leaves each node."""
    out = np.zeros(n)
    for i in range(len(sources)):
        out[sources[i]] += weights[i]
    return out


@kernel
def sweep(offsets: Any, sources: Any, weights: Any, share: Any) -> Any:  # -> float64[n]
    """Return for each node the sum of weight * share[source] over its incoming arcs."""
    n = len(offsets) - 1
    y = np.zeros(n)
    for t in range(n):
        total = 0.0
        for i in range(offsets[t], offsets[t + 1]):
            total += weights[i] * share[sources[i]]
        y[t] = total
    return y
