"""Truncated rank: by hand, against powers of a dense matrix, and the same bits whatever the threads and blocks."""

import math
from pathlib import Path

import numpy as np
import plain_ranks
import pytest
from drawn_graphs import Dangling, Drawn, Vector, draw, of_arcs, passes_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sitegraph.ranks.passes
import sitegraph.store.builder
import sitegraph.store.spill
from sitegraph.ranks.pagerank import PageRank, Watch, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.ranks.truncated import truncated

CHAIN = of_arcs(4, {(0, 1): 1.0, (1, 2): 1.0, (2, 3): 1.0})
"""0 to 1 to 2 to 3."""
STAR = of_arcs(6, {(leaf, 5): 1.0 for leaf in range(5)})
"""Five leaves link to node 5, which links to nobody."""


def ranks(
    passes: Passes, links: int, damping: float = 0.85, mode: Dangling = "strong", watch: Watch | None = None
) -> tuple[Vector, Vector]:
    """Return the truncated rank and PageRank by id."""
    chosen = PageRank(damping=damping, dangling=mode, tolerance=1e-13)
    rank = pageranks(passes, [None], chosen)[0]
    values = truncated(passes, rank, passes.out_weights(), damping, links, watch=watch)
    return passes.graph.numbering.by_id(values, 0, len(values)), rank.by_id(passes.graph.numbering)


def expected(drawn: Drawn, links: int, damping: float = 0.85) -> Vector:
    """Return the truncated pseudo rank by definition: the sum of the powers of the dense matrix from `links` on."""
    w = drawn.dense
    out = w.sum(axis=1, keepdims=True)
    power = damping * np.divide(w, out, out=np.zeros_like(w), where=out > 0)
    start = np.full(drawn.n, (1.0 - damping) / drawn.n) @ np.linalg.matrix_power(power, links)
    return np.linalg.solve((np.eye(drawn.n) - power).T, start)


def test_a_chain_by_hand(tmp_path: Path) -> None:
    """Pseudo, a = 1/2, two links: node 2 has 1/32 from node 0; node 3 half of that, and 1/32 from node 1."""
    with passes_of(tmp_path, CHAIN) as passes:
        assert ranks(passes, 2, 0.5, "pseudo")[0] == pytest.approx([0, 0, 1 / 32, 1 / 32 + 1 / 64], abs=1e-15)
        assert ranks(passes, 3, 0.5, "pseudo")[0] == pytest.approx([0, 0, 0, 1 / 64], abs=1e-15)
        assert ranks(passes, 4, 0.5, "pseudo")[0].tolist() == [0, 0, 0, 0]


def test_a_star_gives_nothing_from_two_links_on(tmp_path: Path) -> None:
    """Exactly nothing; from one link on the centre keeps what the leaves give: 5 a of the 1 + 5 a that it has."""
    with passes_of(tmp_path, STAR) as passes:
        one, x = ranks(passes, 1)
        assert one == pytest.approx([0, 0, 0, 0, 0, x[5] * 5 * 0.85 / (1 + 5 * 0.85)])
        for links in (2, 3, 4):
            assert ranks(passes, links)[0].tolist() == [0] * 6


def test_two_nodes_that_link_each_other_keep_a_share_by_hand(tmp_path: Path) -> None:
    """A ring brings everything over any number of links: a ** links of it."""
    with passes_of(tmp_path, of_arcs(2, {(0, 1): 1.0, (1, 0): 2.0})) as passes:
        for links in (1, 4):
            assert ranks(passes, links)[0] == pytest.approx([0.85**links / 2] * 2)


def test_a_node_whose_links_weigh_nothing_gives_nothing(tmp_path: Path) -> None:
    """Node 1 links to 2 with weight 0 and to nobody else: what it has from 0 ends there, as at a dangling node."""
    with passes_of(tmp_path, of_arcs(4, {(0, 1): 1.0, (1, 2): 0.0, (3, 0): 1.0})) as passes:
        found, x = ranks(passes, 1, mode="pseudo")
        own = 0.15 / 4
        assert found == pytest.approx([0.85 * own, 0.85 * own + 0.85**2 * own, 0, 0])
        assert ranks(passes, 2, mode="pseudo")[0] == pytest.approx([0, 0.85**2 * own, 0, 0])
        assert x[2] == pytest.approx(own)


def test_no_links_leave_pagerank_as_it_is(tmp_path: Path) -> None:
    """Nothing is truncated then, and no pass is made."""
    with passes_of(tmp_path, CHAIN) as passes:
        found, x = ranks(passes, 0)
        assert found.tolist() == x.tolist()


def test_an_empty_graph(tmp_path: Path) -> None:
    """No nodes, no ranks."""
    with passes_of(tmp_path, of_arcs(0, {})) as passes:
        assert ranks(passes, 4)[0].tolist() == []


def test_nodes_without_arcs_have_nothing_from_others(tmp_path: Path) -> None:
    """Three nodes that nobody links: no linking node, no block of arcs that gives."""
    with passes_of(tmp_path, of_arcs(3, {(0, 1): 0.0})) as passes:
        assert ranks(passes, 1)[0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("mode", ["strong", "weak", "pseudo"])
@pytest.mark.parametrize("links", [1, 2, 4])
def test_it_is_a_part_of_the_pagerank_of_its_mode(tmp_path: Path, mode: Dangling, links: int) -> None:
    """The same share of each site's PageRank in every mode: that of the pseudo rank, by powers of a dense matrix."""
    drawn = draw(31, 300, 2500)
    with passes_of(tmp_path, drawn) as passes:
        found, x = ranks(passes, links, mode=mode)
    share = expected(drawn, links) / drawn.solved(0.85, "pseudo")
    assert found / x == pytest.approx(share, abs=1e-10)
    assert share.max() <= 1.0


def test_it_is_that_of_the_published_definition(tmp_path: Path) -> None:
    """Against the oracle, which iterates from the mass that has come over so many links."""
    drawn = draw(32, 400, 3000)
    w = plain_ranks.matrix(drawn.n, drawn.source, drawn.target, drawn.weight)
    with passes_of(tmp_path, drawn) as passes:
        found, _ = ranks(passes, 4, mode="pseudo")
    assert np.abs(found - plain_ranks.truncated(w, 4)).sum() < 1e-11


def test_each_pass_is_heard_of(tmp_path: Path) -> None:
    """One call for each, without a bound on an error."""
    heard: list[tuple[int, float]] = []
    with passes_of(tmp_path, CHAIN) as passes:
        ranks(passes, 3, watch=lambda done, error: heard.append((done, error)))
    assert [done for done, _ in heard] == [1, 2, 3]
    assert all(math.isnan(error) for _, error in heard)


@st.composite
def graphs(draw: st.DrawFn) -> Drawn:
    """Draw a graph with dangling and isolated nodes, and zero weights."""
    n = draw(st.integers(1, 30))
    node = st.integers(0, n - 1)
    weight = st.one_of(st.just(0.0), st.just(1.0), st.floats(0.01, 100.0))
    return of_arcs(n, draw(st.dictionaries(st.tuples(node, node), weight, max_size=90)))


@given(graphs(), st.sampled_from([0.1, 0.5, 0.85, 0.95]), st.integers(0, 6), st.sampled_from([1, 8, 4096]))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_graph(
    tmp_path_factory: pytest.TempPathFactory, drawn: Drawn, damping: float, links: int, narrowest: int
) -> None:
    """Built and ranked: within 1e-11 of powers of a dense matrix."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.spill, "NARROWEST", narrowest)
        with passes_of(tmp_path_factory.mktemp("graph"), drawn, 1) as passes:
            found, _ = ranks(passes, links, damping, "pseudo")
    assert np.abs(found - expected(drawn, links, damping)).sum() < 1e-11


LARGE = draw(33, 3_000, 30_000)


@pytest.fixture(scope="module")
def bits(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a truncated rank as built and ranked by default."""
    with passes_of(tmp_path_factory.mktemp("graph"), LARGE, 1) as passes:
        return ranks(passes, 4)[0].tobytes()


@pytest.mark.parametrize(("threads", "block"), [(1, 64), (3, 4096), (3, 64), (2, 1)])
@pytest.mark.parametrize("held", [0, 1 << 26])
def test_neither_threads_nor_blocks_change_a_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bits: bytes, threads: int, block: int, held: int
) -> None:
    """Nor whether lists stay decoded."""
    monkeypatch.setattr(sitegraph.store.builder, "BLOCK", block)
    monkeypatch.setattr(sitegraph.ranks.passes, "HELD", held)
    with passes_of(tmp_path, LARGE, threads) as passes:
        assert ranks(passes, 4)[0].tobytes() == bits


def test_it_lies_where_it_is_told_to(tmp_path: Path) -> None:
    """In a file: the same bits."""

    def shelf(length: int) -> Vector:
        return np.memmap(tmp_path / "vector", np.float64, "w+", shape=(length,))

    with passes_of(tmp_path / "graph", CHAIN) as passes:
        rank, out = pageranks(passes, [None])[0], passes.out_weights()
        kept = truncated(passes, rank, out, 0.85, 2, allocate=shelf)
        assert isinstance(kept, np.memmap)
        assert kept.tobytes() == truncated(passes, rank, out, 0.85, 2).tobytes()
