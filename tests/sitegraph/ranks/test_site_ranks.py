"""Ranks of graphs on disk: closed forms, dense solves, networkx, honest bounds, equal bits, going on after a stop."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from drawn_graphs import Dangling, Drawn, Vector, draw, of_arcs, passes_of, preference, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sitegraph.ranks.checkpoint
import sitegraph.ranks.passes
import sitegraph.store.arcs
import sitegraph.store.builder
import sitegraph.store.numbering
import sitegraph.store.spill
from corpus.errors import SettingError
from sitegraph.building.small import graph_of
from sitegraph.ranks.inverse import inverse_ranks
from sitegraph.ranks.pagerank import PageRank, Ranked, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.sites.preferences import Preference
from sitegraph.store.opened import open_graph

ALPHAS = [0.0, 0.5, 0.85, 0.95]
MODES: list[Dangling] = ["strong", "weak", "pseudo"]
Arcs = dict[tuple[int, int], float]
RankOf = Callable[..., Ranked]


def by_id(passes: Passes, ranked: Ranked) -> Vector:
    """Return the values of a rank by id."""
    return ranked.by_id(passes.graph.numbering)


@pytest.fixture
def rank_of(tmp_path: Path) -> RankOf:
    """A function that builds a graph of arcs and returns its rank by id."""

    def rank(
        n: int, arcs: Arcs, v: Sequence[float] | None = None, alpha: float = 0.85, mode: Dangling = "strong"
    ) -> Vector:
        chosen = PageRank(damping=alpha, dangling=mode, tolerance=1e-13)
        with passes_of(tmp_path / "graph", of_arcs(n, arcs), 1) as passes:
            found = pageranks(passes, [None if v is None else preference(v)], chosen)
            return by_id(passes, found[0])

    return rank


# Closed forms


@pytest.mark.parametrize("alpha", ALPHAS)
def test_two_nodes_that_link_each_other_share_the_rank(rank_of: RankOf, alpha: float) -> None:
    """By symmetry each has a half, whatever the damping and the weights."""
    assert rank_of(2, {(0, 1): 3.0, (1, 0): 0.1}, alpha=alpha) == pytest.approx([0.5, 0.5], abs=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize("leaves", [1, 3, 10])
def test_the_centre_of_a_star(rank_of: RankOf, alpha: float, leaves: int) -> None:
    """Leaves have l = 1 / (k + 1 + a k), the dangling centre (1 + a k) l; lost mass gives (1 - a) / n in place of l."""
    arcs = {(leaf, leaves): 1.0 for leaf in range(leaves)}
    gain = 1 + alpha * leaves
    leaf = 1 / (leaves + gain)
    for mode in ("strong", "weak"):
        found = rank_of(leaves + 1, arcs, alpha=alpha, mode=mode)
        assert found == pytest.approx([leaf] * leaves + [leaf * gain], abs=1e-12)
    leaf = (1 - alpha) / (leaves + 1)
    found = rank_of(leaves + 1, arcs, alpha=alpha, mode="pseudo")
    assert found == pytest.approx([leaf] * leaves + [leaf * gain], abs=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_a_chain_with_a_dangling_end_in_all_modes(rank_of: RankOf, alpha: float) -> None:
    """0 -> 1 -> 2 with the preference on 0: strong closes the chain to a cycle, weak and pseudo as solved by hand."""
    a, arcs = alpha, {(0, 1): 1.0, (1, 2): 1.0}
    first = (1 - a) / (1 - a**3)
    strong = [first, a * first, a * a * first]
    end = a * a * (1 - a) / (1 - (a + a * a + a**3) / 3)
    lost = a * end / 3
    weak = [1 - a + lost, a * (1 - a + lost) + lost, end]
    pseudo = [1 - a, a * (1 - a), a * a * (1 - a)]
    for mode, expected in (("strong", strong), ("weak", weak), ("pseudo", pseudo)):
        assert rank_of(3, arcs, [2.0, 0.0, 0.0], alpha, mode) == pytest.approx(expected, abs=1e-12), mode
    start = 1 / (3 + 2 * a + a * a)
    uniform = rank_of(3, arcs, alpha=alpha)
    assert uniform == pytest.approx([start, start * (1 + a), start * (1 + a + a * a)], abs=1e-12)


@pytest.mark.parametrize("alpha", ALPHAS)
@pytest.mark.parametrize(("k", "p"), [(3, 2), (4, 5), (10, 3)])
def test_a_clique_joined_to_a_cycle(rank_of: RankOf, alpha: float, k: int, p: int) -> None:
    """One clique node y links into a cycle: x and y solve two linear equations, the cycle a geometric series."""
    a, n = alpha, k + p
    arcs = {(s, t): 1.0 for s in range(k) for t in range(k) if s != t}
    arcs |= {(k + i, k + (i + 1) % p): 1.0 for i in range(p)} | {(k - 1, k): 1.0}
    b = (1 - a) / n
    x = b * (1 + a / k) / (1 - a * (k - 2) / (k - 1) - a * a / k)
    y = b + a * x
    cycle = [b / (1 - a) + a * y / (k * (1 - a**p))]
    for _ in range(p - 1):
        cycle.append(b + a * cycle[-1])
    expected = [x] * (k - 1) + [y] + cycle
    assert sum(expected) == pytest.approx(1)
    assert rank_of(n, arcs, alpha=alpha) == pytest.approx(expected, abs=1e-12)


def test_weights_divide_a_nodes_rank_in_their_ratio(rank_of: RankOf) -> None:
    """0 gives 3/4 of its rank to 1 and 1/4 to 2; both are dangling: 1 - 2 = a r0 / 2 between them."""
    rank = rank_of(3, {(0, 1): 3.0, (0, 2): 1.0})
    assert rank[1] - rank[2] == pytest.approx(0.85 * rank[0] / 2)


@pytest.mark.parametrize("mode", MODES)
def test_arcs_of_weight_0_leave_their_source_dangling(rank_of: RankOf, mode: Dangling) -> None:
    """A node all of whose arcs weigh nothing ranks like one without arcs: alone, and beside one that has others."""
    assert rank_of(2, {(0, 1): 0.0}, mode=mode) == pytest.approx(rank_of(2, {}, mode=mode))
    arcs = {(0, 1): 0.0, (0, 2): 0.0, (1, 2): 1.0, (2, 0): 2.0, (2, 1): 0.0}
    expected = of_arcs(3, {(1, 2): 1.0, (2, 0): 2.0}).solved(0.85, mode)
    assert rank_of(3, arcs, mode=mode) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("mode", ["strong", "weak"])
def test_isolated_nodes_share_the_rank(rank_of: RankOf, mode: Dangling) -> None:
    """Without arcs all nodes are dangling and equal; under pseudo they keep 1 - a of it."""
    assert rank_of(4, {}, mode=mode) == pytest.approx([0.25] * 4)
    assert rank_of(4, {}, mode="pseudo") == pytest.approx([0.15 / 4] * 4)


@pytest.mark.parametrize(("mode", "expected"), [("strong", 1.0), ("weak", 1.0), ("pseudo", 0.15)])
def test_a_single_node(rank_of: RankOf, mode: Dangling, expected: float) -> None:
    """It has all that is not lost, with or without a preference for it."""
    assert rank_of(1, {}, mode=mode) == pytest.approx([expected])
    assert rank_of(1, {}, [3.0], mode=mode) == pytest.approx([expected])


@pytest.mark.parametrize("mode", MODES)
def test_an_empty_graph_has_an_empty_rank(tmp_path: Path, mode: Dangling) -> None:
    """No nodes, no sweeps, no error; for as many vectors as were asked for."""
    with passes_of(tmp_path, of_arcs(0, {})) as passes:
        found = pageranks(passes, [None, None], PageRank(dangling=mode))
    assert [(len(one.values), one.sweeps, one.error) for one in found] == [(0, 0, 0.0)] * 2


def test_damping_0_gives_the_preference(tmp_path: Path) -> None:
    """Without following links every node has what the preference gives it, after one sweep."""
    with passes_of(tmp_path, of_arcs(3, {(0, 1): 1.0})) as passes:
        found = pageranks(passes, [preference([1.0, 1.0, 2.0])], PageRank(damping=0.0))[0]
        assert by_id(passes, found).tolist() == [0.25, 0.25, 0.5]
    assert (found.sweeps, found.error) == (1, 0.0)


# Dense solves

GRAPHS = {
    "dense": draw(1, 30, 600),
    "sparse": draw(2, 300, 500),
    "middling": draw(3, 100, 1000, zeros=0.0),
    "few link": draw(4, 150, 600, linking=0.05),
    "all link": draw(5, 80, 600, zeros=0.0, linking=1.0),
    "weightless": draw(6, 70, 500, zeros=0.7),
}


@pytest.fixture(scope="module", params=[*GRAPHS, "tiers"])
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Drawn, Passes]]:
    """A drawn graph in ranges of 32 nodes and blocks of 8, so that a sweep has several groups; one has tiers."""
    tiers = request.param == "tiers"
    drawn = GRAPHS["sparse" if tiers else request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.spill, "NARROWEST", 32)
        patch.setattr(sitegraph.store.builder, "BLOCK", 8)
        patch.setattr(sitegraph.store.numbering, "TIERED", 0 if tiers else drawn.n + 1)
        found = stored(tmp_path_factory.mktemp("graph"), drawn)
    with pytest.MonkeyPatch.context() as patch, Passes(*found, 1) as passes:
        patch.setattr(sitegraph.store.arcs, "GROUP", 1)
        ranges = sum(map(bool, np.add.reduceat(passes.graph.column("links"), range(0, drawn.n, 32))))
        groups = len(passes.graph.arcs.groups())
        assert (groups > ranges, passes.graph.numbering.among is not None) == (tiers, tiers)
        yield drawn, passes


def preferences(drawn: Drawn, seed: int, count: int) -> list[Vector | None]:
    """Draw preferences: one node, a few, all, and uniform (None)."""
    random = np.random.default_rng(seed)
    n = drawn.n
    found: list[Vector | None] = []
    for k in range(count):
        v = np.zeros(n)
        v[random.permutation(n)[: [1, 5, n][k % 3]]] = 1.0
        found.append(v * random.random(n) if k < 3 else None)
    random.shuffle(found)  # type: ignore[arg-type]
    return found


def wanted(vectors: Sequence[Vector | None]) -> list[Preference | None]:
    """Return preferences as the engine takes them."""
    return [None if v is None else preference(v) for v in vectors]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_solves_its_equation(opened: tuple[Drawn, Passes], mode: Dangling, count: int) -> None:
    """One to four vectors at once, within 1e-11 of a dense solve, at two dampings."""
    drawn, passes = opened
    vectors = preferences(drawn, count, count)
    if mode == "weak" and count == 4 and not any(v is None for v in vectors):
        vectors[0] = None
    for alpha in (0.3, 0.9):
        chosen = PageRank(damping=alpha, dangling=mode, tolerance=1e-12)
        for v, found in zip(vectors, pageranks(passes, wanted(vectors), chosen), strict=True):
            exact = drawn.solved(alpha, mode, v)
            assert np.abs(by_id(passes, found) - exact).sum() < 1e-11
            assert found.values.min() >= 0.0
            assert found.mass == pytest.approx(drawn.solved(alpha, "pseudo", v).sum())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("tolerance", [1.0, 1e-2, 1e-5])
def test_the_error_bound_is_honest(opened: tuple[Drawn, Passes], mode: Dangling, tolerance: float) -> None:
    """What a rank is off by is at most its bound, and that at most the tolerance; personalised weak ranks included."""
    drawn, passes = opened
    vectors = preferences(drawn, 7, 3)
    for alpha in (0.5, 0.95):
        chosen = PageRank(damping=alpha, dangling=mode, tolerance=tolerance)
        for v, found in zip(vectors, pageranks(passes, wanted(vectors), chosen), strict=True):
            assert np.abs(by_id(passes, found) - drawn.solved(alpha, mode, v)).sum() <= found.error + 1e-13
            assert found.error <= tolerance
            if mode != "pseudo":
                assert found.values.sum() == pytest.approx(1.0, abs=1e-14)


@pytest.mark.parametrize("count", [1, 2])
def test_the_inverse_rank_solves_the_equation_of_the_reversed_graph(opened: tuple[Drawn, Passes], count: int) -> None:
    """One or two vectors, within 1e-11 of a dense solve, their bounds honest, over one and several groups."""
    drawn, passes = opened
    reversed_ = Drawn(drawn.n, drawn.target, drawn.source, drawn.weight)
    vectors = preferences(drawn, 3 + count, count)
    for alpha, tolerance in ((0.3, 1e-12), (0.9, 1e-12), (0.9, 1e-3)):
        chosen = PageRank(damping=alpha, tolerance=tolerance)
        for v, found in zip(vectors, inverse_ranks(passes, wanted(vectors), chosen), strict=True):
            error = np.abs(by_id(passes, found) - reversed_.solved(alpha, "strong", v)).sum()
            assert error <= min(found.error + 1e-13, max(tolerance, 1e-11))
            assert found.error <= tolerance
            assert found.values.min() >= 0.0


def test_the_inverse_rank_takes_far_fewer_sweeps_than_the_power_iteration(tmp_path: Path) -> None:
    """A group hands on what those before it gave in the same sweep: 20 groups, against plain steps of the iteration."""
    n, a = 640, 0.85
    drawn = draw(9, n, 6_000, zeros=0.0, linking=1.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.spill, "NARROWEST", 32)
        patch.setattr(sitegraph.store.arcs, "GROUP", 1)
        with passes_of(tmp_path, drawn) as passes:
            assert len(passes.graph.arcs.groups()) == 20
            found = inverse_ranks(passes, [None], PageRank(tolerance=1e-9))[0]
    back = drawn.dense.T
    p = back / np.maximum(back.sum(axis=1), 1e-300)[:, None]
    r, mass, steps = np.full(n, (1 - a) / n), 0.0, 0
    while steps == 0 or 2 * a / (1 - a) * r.sum() / (mass + r.sum()) > 1e-9:
        mass += r.sum()
        r, steps = a * (r @ p), steps + 1
    assert found.sweeps <= 0.7 * steps


def test_networkx_agrees(opened: tuple[Drawn, Passes]) -> None:
    """Its dangling nodes follow the preference, which is strong."""
    drawn, passes = opened
    keep = drawn.source != drawn.target
    graph: Any = nx.DiGraph()
    graph.add_nodes_from(range(drawn.n))
    arcs = zip(drawn.source[keep].tolist(), drawn.target[keep].tolist(), drawn.weight[keep].tolist(), strict=True)
    graph.add_weighted_edges_from((s, t, w) for s, t, w in arcs if w > 0)
    for v in preferences(drawn, 3, 4):
        start = None if v is None else dict(enumerate(v.tolist()))
        expected = nx.pagerank(graph, 0.85, start, max_iter=5_000, tol=1e-14)
        found = pageranks(passes, wanted([v]), PageRank(tolerance=1e-11))[0]
        assert np.abs(by_id(passes, found) - [expected[i] for i in range(drawn.n)]).sum() < 1e-9


@pytest.mark.parametrize("alpha", ALPHAS)
def test_pseudo_scaled_is_strong(opened: tuple[Drawn, Passes], alpha: float) -> None:
    """The two are proportional (Boldi and others 2006), so a sweep may leave the dangling mass out."""
    drawn, passes = opened
    for v in preferences(drawn, 5, 4):
        pseudo, strong = (
            pageranks(passes, wanted([v]), PageRank(damping=alpha, dangling=mode, tolerance=1e-12))[0].values
            for mode in ("pseudo", "strong")
        )
        assert np.abs(pseudo / pseudo.sum() - strong).sum() < 1e-11


def test_vectors_do_not_disturb_one_another(opened: tuple[Drawn, Passes]) -> None:
    """After the same number of sweeps a vector has the same bits, alone or beside others."""
    drawn, passes = opened
    vectors = preferences(drawn, 9, 4)
    alone = [pageranks(passes, wanted([v]), PageRank(tolerance=1e-9))[0] for v in vectors]
    slowest = max(one.sweeps for one in alone)
    for count in (1, 2, 3, 4):
        together = pageranks(passes, wanted(vectors[-count:]), PageRank(tolerance=1e-9))
        for one, beside in zip(alone[-count:], together, strict=True):
            assert one.sweeps <= beside.sweeps <= slowest
            if one.sweeps == beside.sweeps:
                assert one.values.tobytes() == beside.values.tobytes()


@pytest.mark.slow
def test_a_larger_graph(tmp_path: Path) -> None:
    """5,000 nodes in ranges as they are, three vectors, all modes."""
    drawn = draw(8, 5_000, 60_000)
    with passes_of(tmp_path, drawn) as passes:
        for mode in MODES:
            vectors = preferences(drawn, 1, 3)
            found = pageranks(passes, wanted(vectors), PageRank(dangling=mode, tolerance=1e-12))
            for v, one in zip(vectors, found, strict=True):
                assert np.abs(by_id(passes, one) - drawn.solved(0.85, mode, v)).sum() < 1e-11


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Drawn, Vector | None]:
    """Draw a graph with dangling and isolated nodes, zero weights, and sometimes a preference."""
    n = draw(st.integers(1, 40))
    node = st.integers(0, n - 1)
    weight = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.01, 100.0))
    arcs = draw(st.dictionaries(st.tuples(node, node), weight, max_size=120))
    mass = st.lists(st.one_of(st.just(0.0), st.floats(0.01, 10.0)), min_size=n, max_size=n).filter(any)
    v = draw(st.one_of(st.none(), mass.map(np.array)))
    return of_arcs(n, arcs), v


@given(graphs(), st.sampled_from([0.1, 0.5, 0.85, 0.95]), st.sampled_from([1, 8, 4096]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_graph(
    tmp_path_factory: pytest.TempPathFactory, graph: tuple[Drawn, Vector | None], alpha: float, narrowest: int
) -> None:
    """Built and ranked, in every mode: within 1e-10 of a dense solve."""
    drawn, v = graph
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.spill, "NARROWEST", narrowest)
        with passes_of(tmp_path_factory.mktemp("graph"), drawn, 1) as passes:
            for mode in MODES:
                chosen = PageRank(damping=alpha, dangling=mode, tolerance=1e-12)
                found = by_id(passes, pageranks(passes, wanted([v]), chosen)[0])
                assert np.abs(found - drawn.solved(alpha, mode, v)).sum() < 1e-10


# Equal bits


@pytest.fixture(scope="module")
def bits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drawn, list[Vector | None], list[bytes], int]:
    """A graph of two ranges, preferences, and the bytes of their ranks as built and ranked by default."""
    drawn = draw(11, 6_000, 40_000)
    vectors = preferences(drawn, 2, 3)
    with pytest.MonkeyPatch.context() as patch, passes_of(tmp_path_factory.mktemp("graph"), drawn, 1) as passes:
        patch.setattr(sitegraph.store.arcs, "GROUP", 1)
        found = pageranks(passes, wanted(vectors), PageRank())
    return drawn, vectors, [one.values.tobytes() for one in found], found[0].sweeps


@pytest.mark.parametrize(
    ("threads", "block", "portion", "cached"),
    [
        (1, 64, 1 << 18, 1 << 24),
        (2, 512, 1 << 18, 1 << 24),
        (3, 4096, 1 << 18, 0),
        (1, 4096, 100, 0),
        (2, 64, 1000, 0),
        (3, 512, 1, 1 << 24),
        (2, 1, 5000, 1 << 24),
    ],
)
@pytest.mark.parametrize("held", [0, 1 << 26])
def test_neither_threads_nor_blocks_change_a_bit(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    bits: tuple[Drawn, list[Vector | None], list[bytes], int],
    threads: int,
    block: int,
    portion: int,
    cached: int,
    held: int,
) -> None:
    """Nor how blocks are dealt to threads, nor whether memory is asked for ahead or lists stay decoded."""
    drawn, vectors, expected, sweeps = bits
    monkeypatch.setattr(sitegraph.store.builder, "BLOCK", block)
    monkeypatch.setattr(sitegraph.ranks.passes, "PORTION", portion)
    monkeypatch.setattr(sitegraph.ranks.passes, "CACHED", cached)
    monkeypatch.setattr(sitegraph.ranks.passes, "HELD", held)
    monkeypatch.setattr(sitegraph.store.arcs, "GROUP", 1)
    with passes_of(tmp_path, drawn, threads) as passes:
        assert passes.graph.arcs.targets.max() <= block
        assert len(passes.graph.arcs.groups()) == 2
        found = pageranks(passes, wanted(vectors), PageRank())
    assert [one.values.tobytes() for one in found] == expected
    assert found[0].sweeps == sweeps


# What is refused


@pytest.mark.parametrize(
    "wrong",
    [
        {"damping": 1.0},
        {"damping": -0.1},
        {"damping": float("nan")},
        {"dangling": "none"},
        {"tolerance": 0.0},
        {"tolerance": float("nan")},
        {"max_sweeps": 0},
    ],
)
def test_refuses_wrong_settings(wrong: dict[str, object]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        PageRank(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        Preference(np.array([0]), np.array([0.0])),
        Preference(np.zeros(0, np.int64), np.zeros(0)),
        Preference(np.array([0, 1]), np.array([1.0])),
        Preference(np.array([0, 1]), np.array([2.0, -1.0])),
        Preference(np.array([0, 1]), np.array([1.0, np.nan])),
        Preference(np.array([0, 1]), np.array([1.0, np.inf])),
        Preference(np.array([1, 0]), np.array([1.0, 1.0])),
        Preference(np.array([1, 1]), np.array([1.0, 1.0])),
        Preference(np.array([-1, 1]), np.array([1.0, 1.0])),
        Preference(np.array([0, 3]), np.array([1.0, 1.0])),
    ],
)
def test_refuses_a_preference_that_is_no_distribution(tmp_path: Path, wrong: Preference) -> None:
    """Zero, negative, infinite or too few masses, nodes out of order, doubled or unknown."""
    with (
        passes_of(tmp_path, of_arcs(3, {(0, 1): 1.0})) as passes,
        pytest.raises(ValueError, match=r"(of a preference are|a preference is) "),
    ):
        pageranks(passes, [wrong])


@pytest.mark.parametrize(("count", "mode"), [(0, "strong"), (5, "strong"), (4, "weak")])
def test_refuses_more_vectors_than_fit(tmp_path: Path, count: int, mode: Dangling) -> None:
    """One to four; weak ones need the uniform one among them or beside them."""
    with passes_of(tmp_path, of_arcs(3, {(0, 1): 1.0})) as passes, pytest.raises(ValueError, match="preferences"):
        pageranks(passes, [preference([1.0, 0.0, 0.0])] * count, PageRank(dangling=mode))


@pytest.mark.parametrize("weights", [[-1.0, 1.0], [np.nan, 1.0], [1.0, np.inf], [1.0], [], [1.0, 1.0, 1.0]])
def test_refuses_weights_that_are_none(tmp_path: Path, weights: list[float]) -> None:
    """One for each class, finite and not negative: the kernels read without looking."""
    graph, _ = stored(tmp_path, of_arcs(3, {(0, 1): 1.0, (1, 2): 2.0}))
    with pytest.raises(ValueError, match="2 classes"):
        Passes(graph, np.array(weights), 1)


def test_both_levels_are_ranked_alike(tmp_path: Path) -> None:
    """A graph whose hosts are their own domains has the same rank at both, with the weights of published graphs."""
    names = [f"n{i:03d}.com" for i in range(100)]
    drawn = draw(12, 100, 700)
    levels = open_graph(graph_of(tmp_path, names, drawn.source, drawn.target))
    found = []
    for graph in levels.values():
        with Passes(graph, np.ones(graph.classes.num_rows), 1) as passes:
            found.append(pageranks(passes, [None])[0].values.tobytes())
    assert found[0] == found[1]
