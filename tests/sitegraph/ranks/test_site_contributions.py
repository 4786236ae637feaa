"""Contributions that are float32 while a rank is far from its goal: widened in place, and nothing of it in the rank."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_graphs import Dangling, draw, passes_of, preference
from hypothesis import given
from hypothesis import strategies as st
from stopped_ranks import StoppedError, stopped_at

import sitegraph.ranks.checkpoint
import sitegraph.ranks.contributions
import sitegraph.ranks.pagerank
import sitegraph.ranks.passes
import sitegraph.store.arcs
import sitegraph.store.builder
import sitegraph.store.spill
from sitegraph.ranks.contributions import Contributions, felt, pays
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.sites.preferences import Preference

DRAWN = draw(21, 300, 3_000, zeros=0.1)
MODES: list[Dangling] = ["strong", "weak", "pseudo"]


@given(st.integers(0, 40), st.sampled_from([1, 2, 4]), st.integers(1, 50))
def test_widening_keeps_every_number(sources: int, columns: int, piece: int) -> None:
    """In the same memory, whatever the pieces: what is written never reaches what is still to be read."""
    random = np.random.default_rng(sources * 64 + piece).random((sources, columns), np.float32)
    found = Contributions.zeros(sources, columns, narrow=True)
    found.values[:] = random
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.ranks.contributions, "PIECE", piece)
        found.widen()
    assert found.values is found.wide
    assert found.values.dtype == np.float64
    assert np.array_equal(found.values, random)


@pytest.mark.parametrize(
    ("sources", "columns", "weights", "expected"),
    [
        (3_000_000, 1, [1.0], True),
        (3_000_000, 2, [0.0, 0.1, 1.0], True),
        (2_000_000, 1, [1.0], False),  # 16 MB lie in the cache
        (3_000_000, 4, [1.0], False),  # a row of four is half a line or less anyway
        (3_000_000, 1, [1.0, 1e-7], False),
        (3_000_000, 1, [1.0, 1e7], False),
        (3_000_000, 1, [0.0], True),
    ],
)
def test_narrow_where_it_pays_and_can_hold_them(
    sources: int, columns: int, weights: list[float], expected: bool
) -> None:
    """More than the cache holds, of one vector or two, with weights of which no contribution leaves float32."""
    assert pays(sources, columns, np.array(weights)) is expected


@pytest.mark.parametrize(
    ("change", "mass", "damping", "sweeps", "expected"),
    [
        ([2.0**-21, 2.0**-22], [1.0, 0.5], 0.85, 9, True),
        ([2.0**-20, 2.0**-22], [1.0, 0.5], 0.85, 9, False),
        ([0.5], [1.0], 0.5, 20, False),
        ([0.5], [1.0], 0.5, 21, True),  # 2**-21: a power iteration would be as far
        ([0.5], [1.0], 0.0, 1, True),
        ([np.nan], [1.0], 0.85, 89, False),
        ([np.nan], [1.0], 0.85, 90, True),  # 0.85**90 = 4.4e-7
        ([0.0], [0.0], 0.85, 1, True),
    ],
)
def test_rounding_is_felt(change: list[float], mass: list[float], damping: float, sweeps: int, expected: bool) -> None:
    """When every vector changes by as little, and after so many sweeps whatever they change by."""
    assert felt(np.array(change), np.array(mass), damping, sweeps) is expected


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passes]:
    """A drawn graph of which a sweep has several groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.spill, "NARROWEST", 64)
        patch.setattr(sitegraph.store.builder, "BLOCK", 16)
        patch.setattr(sitegraph.store.arcs, "GROUP", 1)
        with passes_of(tmp_path_factory.mktemp("graph"), DRAWN, 1) as passes:
            assert len(passes.graph.arcs.groups()) > 2
            yield passes


def chosen(count: int) -> list[Preference | None]:
    """Return the uniform preference, and one for few nodes."""
    few = np.zeros(DRAWN.n)
    few[[3, 250]] = [1.0, 2.0]
    return [None, preference(few)][:count]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("keep", [0, None])
def test_nothing_of_a_rank_was_rounded(grouped: Passes, mode: Dangling, count: int, keep: int | None) -> None:
    """Begun with float32, a rank is as near to a dense solve as its bound says, at tolerances float32 cannot reach."""
    with Passes(grouped.graph, grouped.weights, 1, keep) as passes:
        for alpha, tolerance in ((0.85, 1e-12), (0.85, 1e-3), (0.99, 1e-10), (0.0, 1e-9)):
            settings = PageRank(damping=alpha, dangling=mode, tolerance=tolerance)
            found = pageranks(passes, chosen(count), settings, narrow=True)
            for wanted, one in zip(chosen(count), found, strict=True):
                v = None if wanted is None else np.bincount(wanted.ids, wanted.mass, DRAWN.n)
                error = np.abs(one.by_id(passes.graph.numbering) - DRAWN.solved(alpha, mode, v)).sum()
                assert error <= one.error + 1e-13
                assert one.error <= tolerance


def noted_sweeps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float]]:
    """Return a list that gets, of each sweep from now on, the kind of its contributions and the largest change."""
    found: list[tuple[str, float]] = []
    sweep = sitegraph.ranks.pagerank.sweep

    def noting(*given: Any) -> Any:
        kind = given[-1].c.dtype.name
        change, mass = sweep(*given)
        found.append((kind, float((change / mass).max())))
        return change, mass

    monkeypatch.setattr(sitegraph.ranks.pagerank, "sweep", noting)
    return found


def test_the_last_sweep_is_wide_and_the_first_ones_are_not(grouped: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    """However loose the tolerance: the bound of a sweep that rounded says nothing of what it rounded."""
    swept = noted_sweeps(monkeypatch)
    for tolerance in (1.0, 1e-3, 1e-9):
        swept.clear()
        pageranks(grouped, chosen(2), PageRank(tolerance=tolerance), narrow=True)
        kinds = [kind for kind, _ in swept]
        assert kinds == sorted(kinds)
        assert set(kinds) == {"float32", "float64"}
    assert kinds.count("float32") > 8


def test_ends_though_rounding_is_all_that_changes(grouped: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were less asked for than float32 can tell, it would go on wide after 171 sweeps: 0.85**171 is below 2**-40."""
    swept = noted_sweeps(monkeypatch)
    monkeypatch.setattr(sitegraph.ranks.contributions, "FELT", 2.0**-40)
    found = pageranks(grouped, chosen(1), PageRank(tolerance=1e-12), narrow=True)[0]
    changes = [change for kind, change in swept if kind == "float32"]
    assert min(changes) > 2.0**-40
    assert len(changes) == 171
    assert np.abs(found.by_id(grouped.graph.numbering) - DRAWN.solved(0.85, "strong")).sum() <= 1e-12 + 1e-13


def test_weights_that_float32_cannot_hold_are_an_error_where_it_is_asked_for(grouped: Passes) -> None:
    """A contribution beyond it makes no rank, not one of NaN."""
    dangling = np.zeros(DRAWN.n)
    dangling[np.setdiff1d(np.arange(DRAWN.n), DRAWN.source)[:1]] = 1.0
    with Passes(grouped.graph, grouped.weights * 1e-45, 1) as passes, np.errstate(all="ignore"):
        assert np.isfinite(pageranks(passes, [preference(dangling), None])[0].values).all()
        with pytest.raises(ArithmeticError, match="nan"):
            pageranks(passes, [preference(dangling), None], PageRank(max_sweeps=200), narrow=True)


@pytest.mark.parametrize("weight", [1.0, 1e-45])
def test_begins_narrow_by_itself_where_that_pays(
    grouped: Passes, monkeypatch: pytest.MonkeyPatch, weight: float
) -> None:
    """Here: where the cache holds nothing, and weights are ordinary."""
    monkeypatch.setattr(sitegraph.ranks.contributions, "CACHED", 0)
    with Passes(grouped.graph, grouped.weights * weight, 1) as passes:
        found = pageranks(passes, chosen(2))
        asked = pageranks(passes, chosen(2), narrow=weight == 1.0)
        other = pageranks(passes, chosen(2), narrow=False)
    assert [one.values.tobytes() for one in found] == [one.values.tobytes() for one in asked]
    assert (found[0].values.tobytes() == other[0].values.tobytes()) is (weight != 1.0)


@pytest.mark.parametrize(("threads", "block", "portion"), [(2, 64, 1 << 18), (3, 16, 50), (1, 4096, 1)])
@pytest.mark.parametrize("held", [0, 1 << 26])
def test_neither_threads_nor_blocks_change_a_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, grouped: Passes, threads: int, block: int, portion: int, held: int
) -> None:
    """Nor whether lists stay decoded."""
    expected = pageranks(grouped, chosen(2), narrow=True)
    monkeypatch.setattr(sitegraph.store.spill, "NARROWEST", 64)
    monkeypatch.setattr(sitegraph.store.builder, "BLOCK", block)
    monkeypatch.setattr(sitegraph.store.arcs, "GROUP", 1)
    monkeypatch.setattr(sitegraph.ranks.passes, "PORTION", portion)
    monkeypatch.setattr(sitegraph.ranks.passes, "HELD", held)
    with passes_of(tmp_path, DRAWN, threads) as passes:
        found = pageranks(passes, chosen(2), narrow=True)
    assert [one.values.tobytes() for one in found] == [one.values.tobytes() for one in expected]
    assert found[0].sweeps == expected[0].sweeps


def test_goes_on_where_it_was_stopped_narrow_or_wide(
    tmp_path: Path, grouped: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any sweep: the same bits as without a stop, in the sweeps that were left."""
    monkeypatch.setattr(sitegraph.ranks.checkpoint, "SHARE", 0)
    path = tmp_path / "state"
    whole = pageranks(grouped, chosen(2), narrow=True)
    sizes = set()
    for stop in range(1, whole[0].sweeps):
        with pytest.raises(StoppedError):
            pageranks(grouped, chosen(2), watch=stopped_at(stop + 1), checkpoint=path, narrow=True)
        sizes.add(path.stat().st_size)
        seen: list[int] = []
        found = pageranks(grouped, chosen(2), watch=lambda n, _, s=seen: s.append(n), checkpoint=path, narrow=True)  # type: ignore[misc]
        assert seen == list(range(stop + 1, whole[0].sweeps + 1))
        assert [one.values.tobytes() for one in found] == [one.values.tobytes() for one in whole]
    assert len(sizes) == 2


def test_a_narrow_state_is_none_for_wide_sweeps(
    tmp_path: Path, grouped: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks for float64 from the first sweep on gets it."""
    monkeypatch.setattr(sitegraph.ranks.checkpoint, "SHARE", 0)
    path = tmp_path / "state"
    with pytest.raises(StoppedError):
        pageranks(grouped, chosen(1), watch=stopped_at(4), checkpoint=path, narrow=True)
    seen: list[int] = []
    pageranks(grouped, chosen(1), watch=lambda n, _: seen.append(n), checkpoint=path, narrow=False)
    assert seen[0] == 1
