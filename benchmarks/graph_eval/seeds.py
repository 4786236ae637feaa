"""Which sites a rank is told about: good ones to trust from, and spam to distrust.

    inverse        good sites from which much of the web is reached, by inverse PageRank: how TrustRank chooses what
                   a person then judges (default)
    institutions   universities and the like
    popular        the good sites with the most in-links
    random         any good sites that link

Seeds are shared out to languages in proportion to the square root of their candidates, so that none is left out and the
largest does not take all. Known spam is from some farms only: nobody has heard of the others.
"""

from typing import Final, Literal, get_args

import numpy as np

from benchmarks.graph_eval.planted import Floats, Integers, PlantedGraph
from benchmarks.graph_eval.web import INSTITUTION, SINK

How = Literal["inverse", "institutions", "popular", "random"]
CHOICES: Final[tuple[How, ...]] = get_args(How)


def choose(
    graph: PlantedGraph, count: int = 200, how: How = "inverse", seed: int = 1, inverse: Floats | None = None
) -> Integers:
    """Return good seeds; `inverse` is the inverse PageRank, without which there are no seeds by it."""
    random = np.random.default_rng([seed, 33])
    able = ~graph.spam & graph.links & (graph.role < SINK)
    if how == "institutions":
        able &= graph.role == INSTITUTION
    worth = random.random(graph.n)
    if how == "inverse":
        if inverse is None:
            raise ValueError("seeds by inverse PageRank need it")
        worth = inverse
    if how == "popular":
        worth = np.bincount(graph.target, minlength=graph.n).astype(np.float64)
    candidates = np.flatnonzero(able)
    quota = shared_out(np.bincount(graph.language[candidates]), count)
    chosen = [
        of[np.argsort(-worth[of], kind="stable")][: quota[language]]
        for language in range(len(quota))
        if len(of := candidates[graph.language[candidates] == language])
    ]
    return np.sort(np.concatenate(chosen))


def shared_out(available: Integers, count: int) -> Integers:
    """Return how many of `count` each language gets: by the square root of what it has, never more than that."""
    got = np.zeros(len(available), np.int64)
    while (left := min(count, int(available.sum())) - int(got.sum())) > 0:
        wish = np.sqrt(available) * (got < available)
        more = np.minimum(np.floor(left * wish / wish.sum()).astype(np.int64), available - got)
        if not more.any():
            more[int(np.argmax(wish))] = 1
        got += more
    return got


def known_spam(graph: PlantedGraph, count: int = 100, seed: int = 1, farms: float = 0.5) -> Integers:
    """Return spam nodes that somebody reported, all of a share `farms` of the farms."""
    random = np.random.default_rng([seed, 44])
    numbers = np.unique(graph.farm[graph.spam])
    told = random.choice(numbers, max(int(farms * len(numbers)), 1), replace=False) if len(numbers) else numbers
    spam = np.flatnonzero(graph.spam & np.isin(graph.farm, told))
    return np.sort(random.choice(spam, min(count, len(spam) // 2), replace=False))
