"""PageRank against closed forms and networkx."""

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import SettingError
from sitegraph.convert import to_networkx
from sitegraph.pagerank import Dangling, PageRank, Ranked, pagerank

ALPHAS = [0.0, 0.5, 0.85, 0.95]
Arc = tuple[int, int, float]


def rank_of(
    n: int, arcs: list[Arc], preference: list[float] | None = None, alpha: float = 0.85, dangling: Dangling = "strong"
) -> Ranked:
    """Rank a graph given as (source, target, weight)."""
    offsets, sources, weights = arrays(n, arcs)
    chosen = PageRank(damping=alpha, dangling=dangling, tolerance=1e-13)
    return pagerank(offsets, sources, weights, chosen, None if preference is None else np.array(preference))


def arrays(n: int, arcs: list[Arc]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return offsets, sources and weights by target."""
    ordered = sorted(arcs, key=lambda arc: (arc[1], arc[0]))
    counts = np.bincount([target for _, target, _ in ordered], minlength=n) if arcs else np.zeros(n, np.int64)
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return offsets, np.array([a[0] for a in ordered], np.int32), np.array([a[2] for a in ordered], np.float64)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_two_nodes_that_link_each_other_share_the_rank(alpha: float) -> None:
    """By symmetry each has a half, whatever the damping and the weights."""
    assert rank_of(2, [(0, 1, 3.0), (1, 0, 0.1)], alpha=alpha).rank == pytest.approx([0.5, 0.5], abs=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("leaves", [1, 3, 10])
def test_the_centre_of_a_star(alpha: float, leaves: int) -> None:
    """Leaves have l = 1 / (k + 1 + a k), the dangling centre (1 + a k) l; lost mass gives (1 - a) / n in place of l."""
    arcs = [(leaf, leaves, 1.0) for leaf in range(leaves)]
    gain = 1 + alpha * leaves
    leaf = 1 / (leaves + gain)
    for mode in ("strong", "weak"):
        assert rank_of(leaves + 1, arcs, alpha=alpha, dangling=mode).rank == pytest.approx(
            [leaf] * leaves + [leaf * gain], abs=1e-12
        )
    leaf = (1 - alpha) / (leaves + 1)
    assert rank_of(leaves + 1, arcs, alpha=alpha, dangling="pseudo").rank == pytest.approx(
        [leaf] * leaves + [leaf * gain], abs=1e-12
    )


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_chain_with_a_dangling_end_in_all_modes(alpha: float) -> None:
    """0 -> 1 -> 2 with the preference on 0: strong closes the chain to a cycle, weak and pseudo as solved by hand."""
    a, arcs = alpha, [(0, 1, 1.0), (1, 2, 1.0)]
    first = (1 - a) / (1 - a**3)
    strong = [first, a * first, a * a * first]
    end = a * a * (1 - a) / (1 - (a + a * a + a**3) / 3)
    lost = a * end / 3
    weak = [1 - a + lost, a * (1 - a + lost) + lost, end]
    pseudo = [1 - a, a * (1 - a), a * a * (1 - a)]
    for mode, expected in (("strong", strong), ("weak", weak), ("pseudo", pseudo)):
        got = rank_of(3, arcs, [2.0, 0.0, 0.0], alpha, mode)
        assert got.rank == pytest.approx(expected, abs=1e-12), mode
    start = 1 / (3 + 2 * a + a * a)
    uniform = rank_of(3, arcs, alpha=alpha).rank
    assert uniform == pytest.approx([start, start * (1 + a), start * (1 + a + a * a)], abs=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("k", "p"), [(3, 2), (4, 5), (10, 3)])
def test_a_clique_joined_to_a_cycle(alpha: float, k: int, p: int) -> None:
    """One clique node y links into a cycle: x and y solve two linear equations, the cycle a geometric series."""
    a, n = alpha, k + p
    arcs = [(s, t, 1.0) for s in range(k) for t in range(k) if s != t]
    arcs += [(k + i, k + (i + 1) % p, 1.0) for i in range(p)] + [(k - 1, k, 1.0)]
    b = (1 - a) / n
    x = b * (1 + a / k) / (1 - a * (k - 2) / (k - 1) - a * a / k)
    y = b + a * x
    cycle = [b / (1 - a) + a * y / (k * (1 - a**p))]
    for _ in range(p - 1):
        cycle.append(b + a * cycle[-1])
    expected = [x] * (k - 1) + [y] + cycle
    assert sum(expected) == pytest.approx(1)
    assert rank_of(n, arcs, alpha=alpha).rank == pytest.approx(expected, abs=1e-12)


def test_weights_divide_a_nodes_rank_in_their_ratio() -> None:
    """0 gives 3/4 of its rank to 1 and 1/4 to 2; both are dangling: 1 - 2 = a r0 / 2 between them."""
    rank = rank_of(3, [(0, 1, 3.0), (0, 2, 1.0)]).rank
    assert rank[1] - rank[2] == pytest.approx(0.85 * rank[0] / 2)


def test_damping_0_gives_the_preference() -> None:
    """Without following links every node has what the preference gives it, after one sweep."""
    got = rank_of(3, [(0, 1, 1.0)], [1.0, 1.0, 2.0], alpha=0.0)
    assert got.rank.tolist() == [0.25, 0.25, 0.5]
    assert got.sweeps == 1
    assert got.error == 0.0


def test_an_empty_graph_has_an_empty_rank() -> None:
    """No nodes, no sweeps, no error."""
    got = rank_of(0, [])
    assert got.rank.shape == (0,)
    assert got.sweeps == 0


@pytest.mark.parametrize("mode", ["strong", "weak"])
def test_isolated_nodes_share_the_rank(mode: Dangling) -> None:
    """Without arcs all nodes are dangling and equal; under pseudo they keep 1 - a of it."""
    assert rank_of(4, [], dangling=mode).rank == pytest.approx([0.25] * 4)
    assert rank_of(4, [], dangling="pseudo").rank == pytest.approx([0.15 / 4] * 4)


def test_arcs_of_weight_0_leave_their_source_dangling() -> None:
    """A node all of whose arcs weigh nothing ranks like one without arcs."""
    assert rank_of(2, [(0, 1, 0.0)]).rank == pytest.approx([0.5, 0.5])


@st.composite
def graphs(draw: st.DrawFn) -> tuple[int, list[Arc], list[float] | None]:
    """Draw a graph with dangling and isolated nodes, zero weights, and sometimes a preference."""
    n = draw(st.integers(1, 12))
    node = st.integers(0, n - 1)
    weight = st.one_of(st.just(0.0), st.floats(0.01, 100.0))
    arcs = draw(st.dictionaries(st.tuples(node, node), weight, max_size=40))
    mass = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 10.0)), min_size=n, max_size=n).filter(any)
    return n, [(s, t, w) for (s, t), w in arcs.items()], draw(st.one_of(st.none(), mass))


def oracle(n: int, arcs: list[Arc], preference: list[float] | None, alpha: float, mode: Dangling) -> np.ndarray:
    """Rank with networkx."""
    graph = to_networkx([str(i) for i in range(n)], *arrays(n, arcs))
    v = None if preference is None else {str(i): p for i, p in enumerate(preference)}
    u = dict.fromkeys(graph, 1.0) if mode == "weak" else None
    ranks = nx.pagerank(graph, alpha, v, max_iter=5000, tol=1e-13, dangling=u)
    return np.array([ranks[str(i)] for i in range(n)])


@given(graphs(), st.sampled_from([0.1, 0.5, 0.85, 0.95]), st.sampled_from(["strong", "weak"]))
@settings(max_examples=150, deadline=None)
def test_agrees_with_networkx(graph: tuple[int, list[Arc], list[float] | None], alpha: float, mode: Dangling) -> None:
    """Within 1e-8 in the L1 norm, with dangling nodes, loops, weights and preferences, in both modes it has."""
    got = rank_of(*graph, alpha=alpha, dangling=mode)
    assert np.abs(got.rank - oracle(*graph, alpha, mode)).sum() <= 1e-8
    assert got.rank.sum() == pytest.approx(1)


@given(graphs(), st.sampled_from([0.1, 0.5, 0.85, 0.95]))
@settings(max_examples=100, deadline=None)
def test_pseudorank_normalised_is_the_strong_rank(
    graph: tuple[int, list[Arc], list[float] | None], alpha: float
) -> None:
    """The two are proportional (Boldi and others 2006), so a sweep may leave the dangling mass out."""
    pseudo = rank_of(*graph, alpha=alpha, dangling="pseudo").rank
    assert np.abs(pseudo / pseudo.sum() - rank_of(*graph, alpha=alpha).rank).sum() <= 1e-8


@pytest.mark.parametrize("seed", range(3))
def test_the_error_bound_holds_on_larger_graphs(seed: int) -> None:
    """A rank stopped at 1e-4 is within that of networkx's, on 2,000 nodes of which a third dangles."""
    random = np.random.default_rng(seed)
    pairs = {
        (int(s), int(t)) for s, t in zip(random.integers(0, 1300, 8000), random.zipf(1.5, 8000) % 2000, strict=True)
    }
    arcs = [(s, t, 1.0 + (s + t) % 7) for s, t in sorted(pairs)]
    rough = pagerank(*arrays(2000, arcs), PageRank(tolerance=1e-4))
    exact = oracle(2000, arcs, None, 0.85, "strong")
    assert 0 < np.abs(rough.rank - exact).sum() <= rough.error <= 1e-4
    assert np.abs(rank_of(2000, arcs).rank - exact).sum() <= 1e-8


def test_the_watcher_sees_every_sweep() -> None:
    """watch is called with the sweep and the error bound, which falls by the damping at least every sweep or two."""
    seen: list[tuple[int, float]] = []
    got = pagerank(*arrays(3, [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0)]), watch=lambda n, e: seen.append((n, e)))
    assert [sweep for sweep, _ in seen] == list(range(1, got.sweeps + 1))
    assert seen[-1][1] == got.error <= 1e-9 < seen[-2][1]


def test_says_when_it_does_not_converge() -> None:
    """Too few sweeps are an error that names bound and sweeps, not a wrong rank."""
    with pytest.raises(ArithmeticError, match=r"error bound .* after 2 sweeps"):
        pagerank(*arrays(3, [(0, 1, 1.0), (1, 0, 1.0), (1, 2, 1.0)]), PageRank(max_sweeps=2))


@pytest.mark.parametrize(
    "wrong", [{"damping": 1.0}, {"damping": -0.1}, {"dangling": "none"}, {"tolerance": 0.0}, {"max_sweeps": 0}]
)
def test_refuses_wrong_settings(wrong: dict[str, object]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        PageRank(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offsets", "sources", "weights", "message"),
    [
        ([0, 1], [1], [1.0], "node numbers from 0 to 0"),
        ([0, 1], [-1], [1.0], "node numbers"),
        ([0, 2], [0], [1.0], "offsets"),
        ([1, 1], [0], [1.0], "offsets"),
        ([0, 2, 1], [0], [1.0], "offsets"),
        ([], [], [], "offsets"),
        ([0, 1], [0], [], "0 weights for 1 arcs"),
        ([0, 1], [0], [-1.0], "not negative"),
        ([0, 1], [0], [float("nan")], "finite"),
        ([0, 1], [0], [float("inf")], "finite"),
    ],
)
def test_refuses_arrays_that_are_no_graph(
    offsets: list[int], sources: list[int], weights: list[float], message: str
) -> None:
    """The kernel reads without looking, so what it reads is looked at before."""
    with pytest.raises(ValueError, match=message):
        pagerank(np.array(offsets, np.int64), np.array(sources, np.int32), np.array(weights))


@pytest.mark.parametrize("preference", [[0.0, 0.0], [1.0], [2.0, -1.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_refuses_a_preference_that_is_no_distribution(preference: list[float]) -> None:
    """Zero, negative, infinite or too few masses cannot be normalised."""
    with pytest.raises(ValueError, match="the preference must be 2 numbers"):
        rank_of(2, [(0, 1, 1.0)], preference)


def test_networkx_takes_only_small_graphs() -> None:
    """A graph over the limit is refused with its size before memory runs out."""
    with pytest.raises(ValueError, match="1,000,001 nodes are too many"):
        to_networkx([""] * 1_000_001, np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0))
