"""Passes over stored arcs: pull, push, out-weights and in-weights against dense products; threads change no bit."""

import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_graphs import Drawn, draw, of_arcs, stored

import sitegraph.ranks.passes
import sitegraph.store.arcs
import sitegraph.store.builder
import sitegraph.store.spill
from corpus.errors import StorageError
from sitegraph.ranks.pagerank import portions
from sitegraph.ranks.passes import Passes, aligned, columns_for, threads_of
from sitegraph.store.opened import Graph

DRAWN = draw(21, 700, 6000, zeros=0.2)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> tuple[Graph, Any]:
    """The drawn graph in ranges of 128 nodes and blocks of 32, one target with more arcs than two chunks hold."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sitegraph.store.spill, "NARROWEST", 128)
        patch.setattr(sitegraph.store.builder, "BLOCK", 32)
        return stored(tmp_path_factory.mktemp("graph"), DRAWN)


def by_slots(graph: Graph, drawn: Drawn) -> Any:
    """Return the weight matrix with rows and columns in the order of slots."""
    ids = graph.numbering.ids(np.arange(graph.n))
    return drawn.dense[ids][:, ids]


@pytest.mark.parametrize("columns", [1, 2, 4])
@pytest.mark.parametrize("threads", [1, 3])
def test_pull_is_a_product(kept: tuple[Graph, Any], columns: int, threads: int) -> None:
    """y = c W over all blocks, over the loop, over the tail, whatever was there before; scaled when asked to."""
    graph, weights = kept
    w, sources = by_slots(graph, DRAWN), graph.numbering.sources
    c = np.random.default_rng(columns).random((sources, columns))
    with Passes(graph, weights, threads) as passes:
        for numbers in (range(len(graph.arcs)), passes.loop, passes.tail, range(3, 9)):
            first, last = graph.arcs.slots(numbers)
            for scale in (1.0, 0.85, 0.0):
                y = np.full((last - first, columns), np.nan)
                passes.pull(numbers, c, y, first, scale)
                assert np.allclose(y, scale * (w[:sources, first:last].T @ c), rtol=1e-13, atol=0)


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("threads", [1, 2, 3, 7])
def test_push_is_the_product_the_other_way(kept: tuple[Graph, Any], columns: int, threads: int) -> None:
    """y = W z, divided among threads by sources; the same bits for any number of them."""
    graph, weights = kept
    w, sources = by_slots(graph, DRAWN), graph.numbering.sources
    z = np.random.default_rng(columns).random((graph.n, columns))
    found = []
    for count in (1, threads):
        with Passes(graph, weights, count) as passes:
            y = np.zeros((sources, columns))
            passes.push(range(len(graph.arcs)), lambda block: z[block.first : block.first + block.targets], y)
            found.append(y)
    assert np.allclose(found[1], w[:sources] @ z, rtol=1e-13, atol=0)
    assert found[0].tobytes() == found[1].tobytes()


def test_out_weights_and_in_weights(kept: tuple[Graph, Any]) -> None:
    """Sums of rows and of columns."""
    graph, weights = kept
    w, sources = by_slots(graph, DRAWN), graph.numbering.sources
    with Passes(graph, weights, 2) as passes:
        assert passes.out_weights() == pytest.approx(w.sum(axis=1)[:sources], rel=1e-13)
        assert passes.in_weights(range(len(graph.arcs))) == pytest.approx(w.sum(axis=0), rel=1e-13)
        assert passes.in_weights(passes.tail) == pytest.approx(w.sum(axis=0)[sources:], rel=1e-13)
        assert passes.in_weights(range(0)).tolist() == []


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 7.0])
@pytest.mark.parametrize("classes", [1, 2])
def test_arcs_that_all_weigh_the_same(tmp_path: Path, weight: float, classes: int) -> None:
    """As good as 1, without a look at the codes; unless they weigh nothing: then nothing flows."""
    graph, _ = stored(tmp_path, of_arcs(3, {(0, 1): 1.0, (0, 2): 1.0, (1, 2): float(classes)}))
    assert graph.classes.num_rows == classes
    with Passes(graph, np.full(classes, weight), 1) as passes:
        assert passes.uniform is (weight > 0)
        assert passes.out_weights().tolist() == ([2.0, 1.0] if weight > 0 else [0.0, 0.0])


def test_prefetching_changes_nothing(kept: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether memory is asked for ahead: the same bits."""
    graph, weights = kept
    c = np.random.default_rng(0).random((graph.numbering.sources, 2))
    found = []
    for cached in (0, 1 << 24):
        monkeypatch.setattr(sitegraph.ranks.passes, "CACHED", cached)
        with Passes(graph, weights, 2) as passes:
            y, z = np.zeros((graph.n, 2)), np.zeros((graph.numbering.sources, 2))
            passes.pull(range(len(graph.arcs)), c, y, 0)
            passes.push(passes.loop, lambda block: c[block.first : block.first + block.targets], z)
            found.append(y.tobytes() + z.tobytes())
    assert found[0] == found[1]


@pytest.mark.parametrize("vectors", [1, 2, 4])
@pytest.mark.parametrize("one", [True, False], ids=["one weight", "weights"])
@pytest.mark.parametrize("cached", [0, 1 << 24])
def test_lists_that_stay_decoded_change_nothing(
    kept: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch, vectors: int, one: bool, cached: int
) -> None:
    """Decoded in each pass, decoded now and found again: the same bits."""
    graph, weights = kept
    monkeypatch.setattr(sitegraph.ranks.passes, "CACHED", cached)
    c = np.random.default_rng(1).random((graph.numbering.sources, vectors))
    found = []
    for held in (0, graph.m):
        monkeypatch.setattr(sitegraph.ranks.passes, "HELD", held)
        with Passes(graph, np.ones(len(weights)) if one else weights, 2) as passes:
            for _ in range(2):
                y = np.zeros((graph.n, vectors))
                passes.pull(range(len(graph.arcs)), c, y, 0)
                found.append(y.tobytes())
    assert len(set(found)) == 1


@pytest.mark.parametrize("portion", [1, 10, 100, 1 << 18])
def test_every_block_is_dealt_once(kept: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch, portion: int) -> None:
    """In order, each portion with about as many arcs as it should have, and no thread without any."""
    graph, weights = kept
    monkeypatch.setattr(sitegraph.ranks.passes, "PORTION", portion)
    with Passes(graph, weights, 1) as passes:
        for numbers in (range(len(graph.arcs)), range(5, 6), range(0)):
            found = list(passes._portions(numbers))
            assert [number for part in found for number in part] == list(numbers)
            for part in found[:-1]:
                arcs = graph.arcs.arcs[part[0] : part[-1] + 1]
                size = min(portion, graph.arcs.arcs[numbers].sum() // 4 + 1)
                assert arcs.sum() - arcs[-1] < size <= arcs.sum()
            seen: list[int] = []

            def note(number: int, _: Any, seen: list[int] = seen) -> bool:
                seen.append(number)
                return True

            passes.each(numbers, note)
            assert seen == list(numbers)


def test_a_block_that_is_refused_ends_the_pass(kept: tuple[Graph, Any]) -> None:
    """With the file and the number of the block in it."""
    graph, weights = kept
    with (
        Passes(graph, weights, 2) as passes,
        pytest.raises(StorageError, match=r"part-0000\d\.arcs: block \d+: an arc"),
    ):
        passes.each(range(len(graph.arcs)), lambda number, _: number != 7)


def test_an_error_in_a_thread_comes_out(kept: tuple[Graph, Any]) -> None:
    """As it is."""
    graph, weights = kept
    with Passes(graph, weights, 2) as passes:
        with pytest.raises(ZeroDivisionError):
            passes.each(range(len(graph.arcs)), lambda number, _: bool(1 // (number - 4)))
        assert passes.spread([3, 1, 2], lambda n: n * n) == [9, 1, 4]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_no_task_is_begun_after_an_error(kept: tuple[Graph, Any], threads: int) -> None:
    """Beyond those that other threads have taken by then."""
    graph, weights = kept
    begun: list[int] = []
    failed = threading.Event()

    def work(task: int) -> None:
        begun.append(task)
        if task == 3:
            failed.set()
            raise LookupError(task)
        assert task < 3 or failed.wait(60)

    with Passes(graph, weights, threads) as passes, pytest.raises(LookupError):
        passes.spread(range(100_000), work)
    assert set(range(4)) <= set(begun)
    assert len(begun) < 100_000


@pytest.mark.parametrize("targets", [1, 32, 100, 1 << 22])
def test_portions_of_targets_follow_one_another(kept: tuple[Graph, Any], targets: int) -> None:
    """Each block in one of them."""
    graph, weights = kept
    with Passes(graph, weights, 1) as passes:
        found = portions(passes, passes.tail, targets)
        assert [number for part in found for number in part] == list(passes.tail)
        assert portions(passes, range(0)) == []
        assert all(a.stop == b.start for a, b in pairwise(found))


def test_small_ranges_share_a_group(kept: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole ranges, until there are enough targets; together they are the loop."""
    arcs = kept[0].arcs
    monkeypatch.setattr(sitegraph.store.arcs, "GROUP", 1)
    ranges = arcs.groups()
    monkeypatch.setattr(sitegraph.store.arcs, "GROUP", 100)
    groups = arcs.groups()
    assert 1 < len(groups) < len(ranges)
    assert {group.start for group in groups} <= {part.start for part in ranges}
    assert [number for group in groups for number in group] == list(range(arcs.loop))
    assert all(arcs.targets[group.start : group.stop].sum() >= 100 for group in groups[:-1])


@pytest.mark.parametrize(
    ("groups", "least", "large", "expected"),
    [(2, 1, 1 << 18, 2), (2, 420, 1 << 18, 1), (2, 1, 50, 6), (9, 1, 1 << 18, 6)],
)
def test_a_graph_has_about_so_many_groups(
    kept: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch, groups: int, least: int, large: int, expected: int
) -> None:
    """Fewer where they would be small, more where they would be large; at most one for each of the six ranges."""
    for name, value in {"GROUPS": groups, "GROUP": least, "LARGE": large}.items():
        monkeypatch.setattr(sitegraph.store.arcs, name, value)
    assert len(kept[0].arcs.groups()) == expected


def test_groups_are_the_ranges_with_linking_nodes(kept: tuple[Graph, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep's groups depend on the number of nodes, not on blocks: 128 ids each."""
    monkeypatch.setattr(sitegraph.store.arcs, "GROUP", 1)
    graph, _ = kept
    ids = graph.numbering.ids(np.arange(graph.numbering.sources))
    arcs = graph.arcs
    found = []
    for group in arcs.groups():
        some = ids[arcs.first[group[0]] : arcs.first[group[-1]] + arcs.targets[group[-1]]]
        assert len(set(some // 128)) == 1
        found += some.tolist()
    assert found == ids.tolist()


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (1, 1), (3, 2), (1000, 4)])
def test_vectors_begin_at_a_cache_line(rows: int, columns: int) -> None:
    """Zeros, so that no row of 32 bytes lies in two lines."""
    found = aligned(rows, columns)
    assert found.shape == (rows, columns)
    assert not found.any()
    assert not rows or found.ctypes.data % 64 == 0


def test_threads_and_columns() -> None:
    """0 is as many as this process may run on; kernels take 1, 2 or 4 columns."""
    assert threads_of(0) >= 1
    assert threads_of(5) == 5
    assert [columns_for(count) for count in (1, 2, 3, 4)] == [1, 2, 4, 4]


PROGRAM = """
import sys
from sitegraph.store import lists
lists.CHUNK = int(sys.argv[2])
lists.ROOM = lists.CHUNK + lists.LANES
import os
from pathlib import Path
from drawn_graphs import draw, preference, passes_of
from sitegraph.ranks.pagerank import pageranks
from sitegraph.ranks import sweep
assert sweep.ROOM == int(sys.argv[2]) + lists.LANES
drawn = draw(11, 3_000, 30_000)
with passes_of(Path(sys.argv[1]), drawn, 2) as passes:
    found = pageranks(passes, [None, preference([1.0] * 10 + [0.0] * 2_990)])
    found += pageranks(passes, [None])
    sys.stdout.buffer.write(b"".join(one.values.tobytes() for one in found) + passes.out_weights().tobytes())
"""


@pytest.mark.slow
def test_neither_chunks_nor_the_decoder_change_a_bit(tmp_path: Path) -> None:
    """Kernels compiled with other chunks, and with the plain decoder: the same ranks, bit for bit."""
    support = Path(__file__).resolve().parents[2] / "support"
    path = os.pathsep.join([str(support), *filter(None, sys.path)])
    found = []
    for number, (chunk, plain) in enumerate([(256, ""), (4, ""), (64, ""), (256, "1"), (64, "1")]):
        environment = os.environ | {
            "PYTHONPATH": path,
            "HEADWATER_PLAIN_DECODER": plain,
            "NUMBA_CACHE_DIR": str(tmp_path / f"kernels-{chunk}{plain}"),
        }
        arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / str(number)), str(chunk)]
        done = subprocess.run(arguments, env=environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        found.append(done.stdout)
    assert len(found[0]) > 9 * 3_000
    assert len(set(found)) == 1
