"""The oracles are right: against dense solves of the equations, networkx, and small graphs worked out by hand."""

from typing import Any

import networkx as nx
import numpy as np
import pytest
from plain_ranks import (
    Dangling,
    anti_trust,
    contributions,
    distribution,
    harmonic,
    inverse,
    matrix,
    pagerank,
    robust,
    robust_by_all,
    spam_mass,
    supporters,
    truncated,
    trust,
)

CHAIN = matrix(4, [0, 1, 2], [1, 2, 3], [1, 1, 1])
"""0 to 1 to 2 to 3."""


def drawn(seed: int, n: int | None = None) -> Any:
    """Return a random weighted graph of up to 300 nodes with dangling and isolated ones."""
    random = np.random.default_rng(seed)
    n = n or int(random.integers(2, 300))
    m = int(random.integers(1, 6 * n))
    linking = random.integers(0, max(n // 2, 1), m)
    return matrix(n, linking, random.integers(0, n, m), random.integers(1, 9, m))


def solved(w: Any, a: float, dangling: Dangling, v: np.ndarray) -> np.ndarray:
    """Return x (I - a (P + d u)) = (1 - a) v, solved as one dense system."""
    dense = w.toarray()
    n = len(dense)
    out = dense.sum(axis=1)
    u = {"strong": v, "weak": np.full(n, 1 / n), "pseudo": np.zeros(n)}[dangling]
    p = np.array([row / total if total > 0 else u for row, total in zip(dense, out, strict=True)])
    return np.linalg.solve(np.eye(n) - a * p.T, (1 - a) * v)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("dangling", ["strong", "weak", "pseudo"])
def test_pagerank_solves_its_equation(seed: int, dangling: Dangling) -> None:
    """Uniform and personalised, at two dampings, against a dense solve."""
    w = drawn(seed)
    n = w.shape[0]
    for v in (distribution(n), distribution(n, [0, n // 2])):
        for a in (0.5, 0.85):
            assert np.abs(pagerank(w, a, dangling, v) - solved(w, a, dangling, v)).sum() < 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_pagerank_is_that_of_networkx(seed: int) -> None:
    """Its dangling nodes follow the personalisation, which is strong."""
    w = drawn(seed)
    graph = nx.from_scipy_sparse_array(w, create_using=nx.DiGraph)
    expected = nx.pagerank(graph, 0.85, tol=1e-16, max_iter=5_000)
    assert np.abs(pagerank(w) - np.array([expected[i] for i in range(w.shape[0])])).sum() < 1e-10


def test_pagerank_of_a_chain_by_hand() -> None:
    """Pseudo, a = 1/2: each has 1/8 of its own and half of what the one before has."""
    assert pagerank(CHAIN, 0.5, "pseudo") == pytest.approx([1 / 8, 3 / 16, 7 / 32, 15 / 64])


def test_pseudo_normalised_is_strong() -> None:
    """Whatever the preference."""
    w = drawn(3)
    v = distribution(w.shape[0], [1])
    x = pagerank(w, 0.85, "pseudo", v)
    assert np.abs(x / x.sum() - pagerank(w, 0.85, "strong", v)).sum() < 1e-12


def test_trust_flows_from_seeds_only() -> None:
    """From the second node of a chain, with the mass of the last one coming back: 1 : a : a^2, before it nothing."""
    x = trust(CHAIN, [1], 0.5)
    assert x == pytest.approx(np.array([0, 4, 2, 1]) / 7)


def test_inverse_and_anti_trust_go_against_the_arcs() -> None:
    """On the chain turned round they are the ranks of the chain turned round."""
    assert inverse(CHAIN)[::-1] == pytest.approx(pagerank(CHAIN))
    assert anti_trust(CHAIN, [2], 0.5) == pytest.approx(np.array([1, 2, 4, 0]) / 7)


def test_anti_trust_divides_by_the_weight_that_enters() -> None:
    """Node 2 is linked by 0 with weight 3 and by 1 with weight 1: of what it passes back 0 has three times as much."""
    w = matrix(3, [0, 1], [2, 2], [3, 1])
    x = anti_trust(w, [2])
    assert x[0] == pytest.approx(3 * x[1])


def test_spam_mass_of_the_chain_by_hand() -> None:
    """Good core node 0 with mass 1, a = 1/2: p' = 1/2, 1/4, 1/8, 1/16 and p as above; negative where the core is."""
    expected = 1 - np.array([1 / 2, 1 / 4, 1 / 8, 1 / 16]) / np.array([1 / 8, 3 / 16, 7 / 32, 15 / 64])
    assert spam_mass(CHAIN, [0], 1.0, 0.5) == pytest.approx(expected)


def test_spam_mass_of_what_the_core_does_not_reach_is_one() -> None:
    """Nodes 0 and 1 of the chain, from node 2."""
    assert spam_mass(CHAIN, [2])[:2] == pytest.approx([1, 1])


def test_a_cap_of_one_takes_nothing_away() -> None:
    """Nobody gives more than all."""
    w = drawn(5)
    assert robust(w, np.arange(w.shape[0]), 1.0) == pytest.approx(pagerank(w))


def test_supporters_of_one_group_are_capped_together() -> None:
    """Three equal supporters of node 3, at a cap of one and a half times what each gives: as one they lose half."""
    w = matrix(4, [0, 1, 2], [3, 3, 3], [1, 1, 1])
    x = pagerank(w)
    given = 0.85 * x[0]
    cap = 1.5 * given / x[3]
    assert robust(w, [0, 1, 2, 3], cap)[3] == pytest.approx(x[3])
    assert robust(w, [0, 0, 0, 3], cap)[3] == pytest.approx(x[3] - 1.5 * given)
    assert robust(w, [0, 0, 2, 3], cap)[3] == pytest.approx(x[3] - 0.5 * given)


def test_contributions_add_up_to_pagerank() -> None:
    """Pseudo PageRank is what all nodes give; capped at all of it nothing is taken away."""
    w = drawn(6)
    assert contributions(w).sum(axis=0) == pytest.approx(pagerank(w, 0.85, "pseudo"))
    assert robust_by_all(w, 1.0) == pytest.approx(pagerank(w, 0.85, "pseudo"))


def test_capped_contributions_of_a_chain_by_hand() -> None:
    """a = 1/2: node 1 has 1/8 of its own and 1/16 from node 0, in all 3/16; a cap of 1/2 leaves 3/32 and 1/16."""
    assert robust_by_all(CHAIN, 0.5, 0.5)[1] == pytest.approx(3 / 32 + 1 / 16)


def test_truncated_rank_of_a_chain_by_hand() -> None:
    """a = 1/2, from two arcs on: node 2 has 1/32 from node 0; node 3 half of that, and 1/32 from node 1."""
    assert truncated(CHAIN, 2, 0.5) == pytest.approx([0, 0, 1 / 32, 1 / 32 + 1 / 64])
    assert truncated(CHAIN, 0) == pytest.approx(pagerank(CHAIN, 0.85, "pseudo"))


@pytest.mark.parametrize("seed", range(3))
def test_harmonic_and_supporters_are_those_of_networkx(seed: int) -> None:
    """Centrality over incoming paths; supporters from the shortest path lengths of the reversed graph."""
    w = drawn(seed, 60)
    graph = nx.from_scipy_sparse_array(w, create_using=nx.DiGraph)
    expected = nx.harmonic_centrality(graph)
    assert harmonic(w) == pytest.approx([expected[i] for i in range(60)])
    lengths = dict(nx.all_pairs_shortest_path_length(graph.reverse()))
    counted = [[sum(0 < d <= depth for d in lengths[i].values()) for depth in (1, 2, 3, 4)] for i in range(60)]
    assert supporters(w).tolist() == counted


def test_arcs_named_twice_add_up_and_loops_are_left_out() -> None:
    """As in the tables of links."""
    assert matrix(2, [0, 0, 1], [1, 1, 1], [1, 2, 5]).toarray().tolist() == [[0, 3], [0, 0]]
