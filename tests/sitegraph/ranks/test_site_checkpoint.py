"""Ranks that are stopped: watched, given up with an error, and taken up again from their state with the same bits."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_graphs import Dangling, Drawn, draw, passes_of, preference
from stopped_ranks import StoppedError, stopped_at

import sitegraph.ranks.checkpoint
from sitegraph.ranks.hyperball import HyperBallSettings, hyperball
from sitegraph.ranks.pagerank import PageRank, pageranks
from sitegraph.ranks.passes import Passes
from sitegraph.sites.preferences import Preference

DRAWN = draw(3, 100, 1000, zeros=0.0)
MODES: list[Dangling] = ["strong", "weak", "pseudo"]


def test_the_watcher_sees_every_sweep(tmp_path: Path) -> None:
    """watch is called with the number of the sweep and the largest bound, which ends at or below the tolerance."""
    seen: list[tuple[int, float]] = []
    with passes_of(tmp_path, DRAWN) as passes:
        found = pageranks(passes, [None], watch=lambda sweep, error: seen.append((sweep, error)))[0]
    assert [sweep for sweep, _ in seen] == list(range(1, found.sweeps + 1))
    assert seen[-1][1] == found.error <= 1e-9 < seen[-2][1]


def test_says_when_it_does_not_converge(tmp_path: Path) -> None:
    """Too few sweeps are an error that names bound and sweeps, not a wrong rank."""
    with (
        passes_of(tmp_path, DRAWN) as passes,
        pytest.raises(ArithmeticError, match=r"error bound .* after 2 sweeps"),
    ):
        pageranks(passes, [None], PageRank(max_sweeps=2))


@pytest.fixture(scope="module")
def saving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Passes, list[Preference | None]]]:
    """A graph and preferences, with states kept after every sweep."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.ranks.checkpoint, "SHARE", 0)
        with passes_of(tmp_path_factory.mktemp("graph"), DRAWN) as passes:
            yield passes, [preference(v) for v in np.random.default_rng(1).random((3, 100))]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_goes_on_where_it_was_stopped(
    tmp_path: Path, saving: tuple[Passes, list[Preference | None]], mode: Dangling, count: int
) -> None:
    """The same bits as without a stop, in the sweeps that were left; the file is gone in the end."""
    passes, chosen = saving
    settings, path = PageRank(dangling=mode), tmp_path / "state"
    whole = pageranks(passes, chosen[:count], settings)
    for sweep in (1, 4, 9):
        with pytest.raises(StoppedError):
            pageranks(passes, chosen[:count], settings, watch=stopped_at(sweep), checkpoint=path)
        seen: list[int] = []
        note = partial(noted, seen)
        found = pageranks(passes, chosen[:count], settings, watch=note, checkpoint=path)
        assert seen == list(range(max(sweep, 1), whole[0].sweeps + 1))
        assert [one.values.tobytes() for one in found] == [one.values.tobytes() for one in whole]
        assert [(one.sweeps, one.error, one.mass) for one in found] == [(o.sweeps, o.error, o.mass) for o in whole]
        assert not path.exists()


def noted(seen: list[int], sweep: int, _: float) -> None:
    """Add a sweep to those seen."""
    seen.append(sweep)


def first_sweep(passes: Passes, chosen: list[Preference | None], settings: PageRank, path: Path, **options: Any) -> int:
    """Return the number of the first sweep that a computation does."""
    seen: list[int] = []
    pageranks(passes, chosen, settings, watch=lambda done, _: seen.append(done), checkpoint=path, **options)
    return seen[0]


@pytest.fixture
def state(tmp_path: Path, saving: tuple[Passes, list[Preference | None]]) -> Path:
    """The state of a computation stopped after its fifth sweep."""
    passes, chosen = saving
    path = tmp_path / "state"
    with pytest.raises(StoppedError):
        pageranks(passes, chosen[:2], PageRank(), watch=stopped_at(5), checkpoint=path)
    return path


def test_a_state_of_the_same_computation_is_taken_up(
    saving: tuple[Passes, list[Preference | None]], state: Path
) -> None:
    """Four sweeps were kept; the fifth is done again."""
    passes, chosen = saving
    assert first_sweep(passes, chosen[:2], PageRank(), state) == 5


@pytest.mark.parametrize(
    "other",
    [
        PageRank(damping=0.8),
        PageRank(tolerance=1e-8),
        PageRank(dangling="pseudo"),
        PageRank(max_sweeps=999),
    ],
)
def test_a_state_of_other_settings_is_passed_over(
    saving: tuple[Passes, list[Preference | None]], state: Path, other: PageRank
) -> None:
    """Each setting makes another computation."""
    passes, chosen = saving
    assert first_sweep(passes, chosen[:2], other, state) == 1


def test_a_state_of_other_preferences_is_passed_over(
    saving: tuple[Passes, list[Preference | None]], state: Path
) -> None:
    """Others, in another order, fewer, more."""
    passes, chosen = saving
    kept = state.read_bytes()
    for others in ([chosen[0], chosen[2]], [chosen[1], chosen[0]], chosen[:1], chosen[:3], [None, None]):
        state.write_bytes(kept)
        assert first_sweep(passes, others, PageRank(), state) == 1


def test_a_state_of_another_graph_or_other_weights_is_passed_over(
    tmp_path: Path, saving: tuple[Passes, list[Preference | None]], state: Path
) -> None:
    """Of as many nodes and arcs; an arc that leads elsewhere is enough."""
    passes, chosen = saving
    kept = state.read_bytes()
    with Passes(passes.graph, passes.weights * 2.0, 1) as others:
        assert first_sweep(others, chosen[:2], PageRank(), state) == 1
    drawn = DRAWN
    target = drawn.target.copy()
    free = set(range(drawn.n)) - set(drawn.target[drawn.source == drawn.source[0]].tolist())
    target[0] = max(free - {int(drawn.source[0])})
    other = Drawn(drawn.n, drawn.source, target, drawn.weight)
    state.write_bytes(kept)
    with passes_of(tmp_path / "other", other) as moved:
        assert moved.graph.m == passes.graph.m
        assert first_sweep(moved, chosen[:2], PageRank(), state) == 1


@pytest.mark.parametrize("cut", [0, 1, 8, 47, 48, 49, 1000, -1])
def test_a_state_that_is_cut_short_is_passed_over(
    saving: tuple[Passes, list[Preference | None]], state: Path, cut: int
) -> None:
    """Anywhere, and one that is too long as well; the rank comes out the same."""
    passes, chosen = saving
    state.write_bytes(state.read_bytes()[:cut])
    assert first_sweep(passes, chosen[:2], PageRank(), state) == 1


@pytest.mark.parametrize("place", [0, 9, 41, 50, 400, -1])
def test_a_state_with_a_wrong_byte_is_passed_over(
    saving: tuple[Passes, list[Preference | None]], state: Path, place: int
) -> None:
    """Head, mark, number of sweeps and values are all held to account; the rank comes out the same, bit for bit."""
    passes, chosen = saving
    whole = pageranks(passes, chosen[:2], PageRank())
    body = bytearray(state.read_bytes())
    body[place] ^= 0x55
    state.write_bytes(body)
    seen: list[int] = []
    found = pageranks(passes, chosen[:2], PageRank(), watch=lambda done, _: seen.append(done), checkpoint=state)
    assert seen[0] == 1
    assert [one.values.tobytes() for one in found] == [one.values.tobytes() for one in whole]


@pytest.mark.parametrize("body", [b"", b"HWSWEEP3", b"not a state", b"\0" * 10_000])
def test_a_foreign_file_is_passed_over(
    saving: tuple[Passes, list[Preference | None]], tmp_path: Path, body: bytes
) -> None:
    """And replaced."""
    passes, chosen = saving
    path = tmp_path / "state"
    path.write_bytes(body)
    assert first_sweep(passes, chosen[:2], PageRank(), path) == 1


def test_states_are_kept_only_as_often_as_is_cheap(
    tmp_path: Path, saving: tuple[Passes, list[Preference | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind one that took a second, the next waits for twenty."""
    monkeypatch.setattr(sitegraph.ranks.checkpoint, "SHARE", 20)
    now, written = [0.0], []
    monkeypatch.setattr(sitegraph.ranks.checkpoint.time, "monotonic", lambda: now[0])
    save = sitegraph.ranks.checkpoint.whole_file

    def slow(path: Path) -> Any:
        written.append(now[0])
        now[0] += 1.0
        return save(path)

    monkeypatch.setattr(sitegraph.ranks.checkpoint, "whole_file", slow)

    def watch(done: int, _: float) -> None:
        now[0] += 5.0

    passes, chosen = saving
    pageranks(passes, chosen[:1], PageRank(), watch=watch, checkpoint=tmp_path / "state")
    assert written[0] == 5.0
    assert set(np.diff(written).tolist()) == {21.0}


@pytest.mark.parametrize("harmonic", [True, False])
def test_balls_go_on_where_they_were_stopped(
    tmp_path: Path, saving: tuple[Passes, list[Preference | None]], harmonic: bool
) -> None:
    """The same bits as without a stop, in the passes that were left; the file is gone in the end."""
    passes, path = saving[0], tmp_path / "state"
    settings = HyperBallSettings(log2m=5, harmonic=harmonic)
    whole = hyperball(passes, settings)
    assert whole.iterations >= 4
    for last in range(1, whole.iterations + 1):
        with pytest.raises(StoppedError):
            hyperball(passes, settings, stopped_at(last), checkpoint=path)
        seen: list[int] = []
        found = hyperball(passes, settings, partial(noted, seen), checkpoint=path)
        assert seen == list(range(last, whole.iterations + 1))
        assert found.supporters.tobytes() == whole.supporters.tobytes()
        assert np.array_equal(found.harmonic, whole.harmonic) if harmonic else found.harmonic is None  # type: ignore[arg-type]
        assert (found.iterations, found.unfinished) == (whole.iterations, whole.unfinished)
        assert not path.exists()


def test_balls_of_other_settings_are_passed_over(
    tmp_path: Path, saving: tuple[Passes, list[Preference | None]]
) -> None:
    """Another seed, as many registers: the pass that comes first is number 1."""
    passes, path = saving[0], tmp_path / "state"
    with pytest.raises(StoppedError):
        hyperball(passes, HyperBallSettings(log2m=5), stopped_at(3), checkpoint=path)
    seen: list[int] = []
    hyperball(passes, HyperBallSettings(log2m=5, seed=1), partial(noted, seen), checkpoint=path)
    assert seen[0] == 1
