"""The ranks of a graph written down as their definitions say, in scipy's sparse matrices: oracles, not tools.

W is a sparse matrix, W[s, t] the weight of the arc from s to t; a is the damping. Every function returns one float64
(or int64) per node. Nothing here is clever: a rank is iterated until it no longer changes, distances are counted by
breadth-first search from every node, so a few thousand nodes are plenty for those.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Vector = NDArray[np.float64]
Dangling = Literal["strong", "weak", "pseudo"]


def matrix(n: int, source: Sequence[int] | NDArray[Any], target: Sequence[int] | NDArray[Any], weight: Any) -> Any:
    """Return W of arcs; arcs named twice add up, loops are left out."""
    source, target, weight = np.asarray(source), np.asarray(target), np.asarray(weight, np.float64)
    keep = (source != target) & (weight > 0)
    return sparse.csr_array((weight[keep], (source[keep], target[keep])), shape=(n, n))


def distribution(n: int, nodes: Sequence[int] | NDArray[Any] | None = None) -> Vector:
    """Return the uniform distribution, over all nodes or over these."""
    v = np.zeros(n)
    v[slice(None) if nodes is None else np.asarray(nodes, np.int64)] = 1.0
    return v / v.sum()


def stochastic(w: Any) -> Any:
    """Return P: W with every row that has any weight divided by its sum."""
    out = w.sum(axis=1)
    return sparse.diags_array(np.divide(1.0, out, out=np.zeros(len(out)), where=out > 0)) @ w


def pagerank(w: Any, a: float = 0.85, dangling: Dangling = "strong", v: Vector | None = None) -> Vector:
    """Return x = a (x P + (x . d) u) + (1 - a) v; v need not sum to 1 where dangling is pseudo."""
    n = w.shape[0]
    v = distribution(n) if v is None else v
    u = {"strong": v, "weak": np.full(n, 1.0 / max(n, 1)), "pseudo": np.zeros(n)}[dangling]
    lost = w.sum(axis=1) == 0
    p = stochastic(w).T.tocsr()
    x = v
    for _ in range(5_000):
        y = a * (p @ x + x[lost].sum() * u) + (1.0 - a) * v
        change = np.abs(y - x).sum()
        x = y
        if change < 1e-15:
            break
    return x


def trust(w: Any, seeds: Sequence[int] | NDArray[Any], a: float = 0.85, dangling: Dangling = "strong") -> Vector:
    """Return PageRank personalised from seeds."""
    return pagerank(w, a, dangling, distribution(w.shape[0], seeds))


def inverse(w: Any, a: float = 0.85) -> Vector:
    """Return PageRank against the arcs."""
    return pagerank(w.T.tocsr(), a)


def anti_trust(w: Any, bad: Sequence[int] | NDArray[Any], a: float = 0.85) -> Vector:
    """Return PageRank against the arcs, personalised from known-bad seeds."""
    return trust(w.T.tocsr(), bad, a)


def spam_mass(w: Any, good: Sequence[int] | NDArray[Any], share: float = 0.85, a: float = 0.85) -> Vector:
    """Return 1 - p' / p, both unnormalised pseudo PageRanks: p from everywhere, p' from the good seeds with mass share.

    Gyongyi, Berkhin, Garcia-Molina, Pedersen, "Link spam detection based on mass estimation", 2006.
    """
    n = w.shape[0]
    p = pagerank(w, a, "pseudo")
    return 1.0 - pagerank(w, a, "pseudo", share * distribution(n, good)) / p


def robust(w: Any, groups: Sequence[int] | NDArray[Any], cap: float = 0.01, a: float = 0.85) -> Vector:
    """Return PageRank less what supporters give above cap times the rank, the nodes of a group being one supporter.

    After Andersen et al., "Robust PageRank and locally computable spam detection features", 2008, with the direct
    contributions of groups in place of those of all nodes.
    """
    n = w.shape[0]
    x = pagerank(w, a)
    given = (a * sparse.diags_array(x) @ stochastic(w)).tocoo()
    group = np.asarray(groups, np.int64)[given.row]
    by_group = sparse.csr_array((given.data, (group, given.col)), shape=(int(np.max(groups, initial=0)) + 1, n)).tocoo()
    excess = np.maximum(by_group.data - cap * x[by_group.col], 0.0)
    return x - np.bincount(by_group.col, excess, minlength=n)


def contributions(w: Any, a: float = 0.85) -> NDArray[np.float64]:
    """Return what each node (row) gives to the pseudo PageRank of each (column): (1 - a) v_s (I - a P)^-1, dense."""
    n = w.shape[0]
    return np.linalg.inv(np.eye(n) - a * stochastic(w).toarray()) * ((1.0 - a) / n)


def robust_by_all(w: Any, cap: float = 0.001, a: float = 0.85) -> Vector:
    """Return the contributions of all nodes, near and far, each at most cap times the pseudo PageRank (Andersen)."""
    given = contributions(w, a)
    return np.minimum(given, cap * given.sum(axis=0)).sum(axis=0)


def truncated(w: Any, levels: int = 4, a: float = 0.85) -> Vector:
    """Return the pseudo PageRank without what comes over fewer than `levels` arcs.

    Becchetti, Castillo, Donato, Leonardi, Baeza-Yates, "Using rank propagation and probabilistic counting for
    link-based spam detection", 2006.
    """
    n = w.shape[0]
    p = stochastic(w).T.tocsr()
    v = distribution(n)
    for _ in range(levels):
        v = a * (p @ v)
    return pagerank(w, a, "pseudo", v)


def distances_to(w: Any, target: int) -> dict[int, int]:
    """Return the length of the shortest path from every node that has one to `target`, itself included with 0."""
    into = w.T.tocsr()
    found = {target: 0}
    waiting = deque([target])
    while waiting:
        node = waiting.popleft()
        for other in into.indices[into.indptr[node] : into.indptr[node + 1]].tolist():
            if other not in found:
                found[other] = found[node] + 1
                waiting.append(other)
    return found


def supporters(w: Any, depth: int = 4) -> NDArray[np.int64]:
    """Return for each node how many others reach it within 1, 2, ... depth arcs: int64[n, depth]."""
    rows = []
    for node in range(w.shape[0]):
        lengths = np.array(list(distances_to(w, node).values()))
        rows.append([int((lengths <= d).sum()) - 1 for d in range(1, depth + 1)])
    return np.array(rows, np.int64).reshape(w.shape[0], depth)


def harmonic(w: Any) -> Vector:
    """Return for each node the sum of 1 / distance over all others that reach it."""
    return np.array([sum(1.0 / d for d in distances_to(w, node).values() if d) for node in range(w.shape[0])], float)
