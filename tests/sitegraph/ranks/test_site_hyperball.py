"""HyperBall against breadth-first search, graphs worked out by hand, and HyperLogLog written down in plain Python."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import plain_ranks
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from corpus.errors import SettingError, StorageError
from sitegraph.building.small import graph_of
from sitegraph.ranks import balls as module
from sitegraph.ranks.balls import Aside, Balls, join, sift
from sitegraph.ranks.hyperball import SUPPORTERS, HyperBallResult, HyperBallSettings, hyperball
from sitegraph.ranks.hyperloglog import MOST, add, estimate, mixed, rows, sigmas
from sitegraph.ranks.passes import Passes
from sitegraph.store import builder
from sitegraph.store.arcs import Arcs, ArcsWriter, Description
from sitegraph.store.classes import COLUMNS, OWNER, PAGES, Weights
from sitegraph.store.opened import Graph

Pairs = Sequence[tuple[int, int]]
Make = Callable[..., Graph]
WORD = (1 << 64) - 1


@pytest.fixture
def made(tmp_path: Path) -> Make:
    """A function that builds the graph of n hosts, whose ids are their numbers, and of (source, target) pairs."""

    def make(n: int, pairs: Pairs, counts: Any = None) -> Graph:
        names = [f"h{i:05d}.com" for i in range(n)]
        source, target = (np.array(side, np.int64) for side in (zip(*pairs, strict=True) if pairs else ([], [])))
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        return Graph(graph_of(folder, names, source, target, counts), "host")

    return make


def found(graph: Graph, threads: int = 1, scratch: Path | None = None, **settings: Any) -> HyperBallResult:
    """Run HyperBall with all arcs counted."""
    with Passes(graph, np.ones(graph.classes.num_rows), threads) as passes:
        return hyperball(passes, HyperBallSettings(**settings), scratch=scratch)


def by_id(graph: Graph, result: HyperBallResult) -> tuple[Any, Any]:
    """Return harmonic centrality and supporters by id."""
    return result.harmonic_by_id(graph.numbering), result.supporters_by_id(graph.numbering)


def drawn(seed: int, n: int = 400) -> list[tuple[int, int]]:
    """Return the arcs of a random graph in which only every third node links, and the last tenth of all is isolated."""
    random = np.random.default_rng(seed)
    source, target = random.integers(0, n * 3 // 10, 3 * n) * 3, random.zipf(1.4, 3 * n) % (n * 9 // 10)
    return sorted({(int(s), int(t)) for s, t in zip(source, target, strict=True) if s != t})


def test_a_chain_by_hand(made: Make) -> None:
    """Node k of a chain has one node at each distance 1 to k: H(k) is the k-th harmonic number."""
    graph = made(8, [(i, i + 1) for i in range(7)])
    harmonic, supporters = by_id(graph, found(graph, log2m=12))
    assert harmonic == pytest.approx([sum(1 / d for d in range(1, k + 1)) for k in range(8)], abs=0.01)
    assert supporters.tolist() == [[min(k, d) for d in (1, 2, 3, 4)] for k in range(8)]


def test_a_star_by_hand(made: Make) -> None:
    """The centre has all leaves at distance 1, and nothing links to a leaf."""
    graph = made(21, [(leaf, 20) for leaf in range(20)])
    result = found(graph, log2m=12)
    harmonic, supporters = by_id(graph, result)
    assert harmonic[20] == pytest.approx(20, abs=0.1)
    assert supporters[20].tolist() == [20] * 4
    assert not harmonic[:20].any()
    assert not supporters[:20].any()
    assert result.iterations == 1
    assert result.unfinished == 0


def test_a_cycle_by_hand(made: Make) -> None:
    """On a cycle of ten every node has one other at each distance from 1 to 9."""
    graph = made(10, [(i, (i + 1) % 10) for i in range(10)])
    result = found(graph, log2m=12)
    harmonic, supporters = by_id(graph, result)
    assert harmonic == pytest.approx([sum(1 / d for d in range(1, 10))] * 10, abs=0.02)
    assert supporters.tolist() == [[1, 2, 3, 4]] * 10
    assert result.iterations == 10  # in the tenth nothing grows


def test_a_tree_by_hand(made: Make) -> None:
    """The root of a binary tree whose 62 other nodes link upwards has 2, 6, 14 and 30 nodes within 1, 2, 3 and 4."""
    graph = made(63, [(i, (i - 1) // 2) for i in range(1, 63)])
    harmonic, supporters = by_id(graph, found(graph, log2m=12))
    assert supporters[0].tolist() == pytest.approx([2, 6, 14, 30], abs=0.5)
    assert harmonic[0] == pytest.approx(sum(2**d / d for d in range(1, 6)), rel=0.01)


@pytest.mark.parametrize("log2m", [4, 6, 8])
def test_random_graphs_are_within_the_stated_error(made: Make, log2m: int) -> None:
    """Against networkx and breadth-first search, the root of the mean square of the relative errors."""
    pairs = list(nx.gnp_random_graph(300, 0.006, seed=4, directed=True).edges)
    graph = made(300, pairs)
    exact = nx.harmonic_centrality(nx.DiGraph(pairs))
    w = plain_ranks.matrix(300, *zip(*pairs, strict=True), np.ones(len(pairs)))  # type: ignore[arg-type]
    counted = plain_ranks.supporters(w)
    errors: list[Any] = [[], []]
    for seed in range(8):
        harmonic, supporters = by_id(graph, found(graph, log2m=log2m, seed=seed))
        linked = counted[:, 0] > 0
        assert not harmonic[~linked].any()
        assert not supporters[~linked].any()
        errors[0].append(harmonic[linked] / [exact[i] for i in np.flatnonzero(linked)] - 1)
        errors[1].append((supporters[linked] - counted[linked]) / (counted[linked] + 1))
    for error in errors:
        assert np.sqrt(np.mean(np.square(error))) <= 1.1 * 1.04 / 2 ** (log2m / 2)


class PlainBalls:
    """HyperBall as its definition says, over Python lists: every ball is made anew from all of its sources."""

    def __init__(self, n: int, pairs: Pairs, log2m: int, seed: int) -> None:
        self.into: list[list[int]] = [[] for _ in range(n)]
        for s, t in pairs:
            self.into[t].append(s)
        self.m = 1 << log2m
        self.rows = [self.single(node, log2m, seed) for node in range(n)]
        self.alone = self.rows
        self.sizes, self.harmonic, self.distance = [1.0] * n, [0.0] * n, 0

    def single(self, node: int, log2m: int, seed: int) -> list[int]:
        x = (node + (seed + 1) * 0x9E3779B97F4A7C15) & WORD
        x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & WORD
        x = ((x ^ x >> 27) * 0x94D049BB133111EB) & WORD
        x ^= x >> 31
        row = [0] * self.m
        rest, value = x >> log2m, 1
        while value < MOST and not rest & 1:
            rest, value = rest >> 1, value + 1
        row[x % self.m] = value
        return row

    def size(self, row: list[int]) -> float:
        """Ertl's estimate by counts of values, from the highest down (algorithm 6); no register is full."""
        counts = np.bincount(row, minlength=65)
        z = 0.0
        for k in range(64, 0, -1):
            z = 0.5 * (z + counts[k])
        x, y, total = counts[0] / self.m, 1.0, counts[0] / self.m
        while x < 1 and x * x * y > 1e-300:
            x *= x
            total += x * y
            y += y
        return float(self.m**2 / (2 * np.log(2)) / (z + self.m * total))

    def grow(self) -> None:
        self.distance += 1
        before = self.rows
        self.rows = [
            np.max([before[t], *(before[s] for s in sources)], axis=0).tolist() for t, sources in enumerate(self.into)
        ]
        for t, row in enumerate(self.rows):
            if row != self.alone[t]:
                size = max(self.sizes[t], self.size(row))
                self.harmonic[t] += (size - self.sizes[t]) / self.distance
                self.sizes[t] = size


def long_tailed() -> tuple[int, list[tuple[int, int]]]:
    """Return 60 nodes that link one another, and a chain of 30 out of them whose nodes link a dangling one each."""
    inner = [(s, t) for s in range(60) for t in ((s * 7 + 1) % 60, (s * 11 + 5) % 60, (s + 1) % 60) if s != t]
    chain = [(59 + i, 60 + i) for i in range(30)]
    return 120, sorted({*inner, *chain, *((60 + i, 90 + i) for i in range(30))})


@pytest.mark.parametrize(("log2m", "seed"), [(4, 0), (5, 1), (6, 2), (7, 3)])
@pytest.mark.parametrize("case", ["drawn", "long"])
def test_every_pass_is_that_of_plain_hyperloglog(made: Make, log2m: int, seed: int, case: str) -> None:
    """Rows are equal byte for byte, sizes and centrality but for rounding; what is left out changes nothing."""
    n, pairs = (400, drawn(seed)) if case == "drawn" else long_tailed()
    graph = made(n, pairs)
    plain = PlainBalls(n, pairs, log2m, seed)
    ids = graph.numbering.ids(np.arange(n))
    sparse = 0
    with Passes(graph, np.ones(1), 2) as passes, Balls(passes, log2m, seed) as ours:
        while ours.growing:
            sparse += 2 * ours.growing < graph.numbering.sources
            before = plain.rows
            ours.grow()
            plain.grow()
            linking = ids[: graph.numbering.sources]
            assert ours.registers.tolist() == [plain.rows[i] for i in linking]
            assert ours.growing == sum(plain.rows[i] != before[i] for i in linking)
            assert ours.sizes == pytest.approx([plain.sizes[i] for i in ids], rel=1e-6)
        assert ours.harmonic == pytest.approx([plain.harmonic[i] for i in ids], rel=1e-5)
    assert sparse > 0


def same(one: HyperBallResult, other: HyperBallResult) -> bool:
    """Whether two results are equal bit for bit."""
    assert one.harmonic is not None
    assert other.harmonic is not None
    arrays = one.harmonic.tobytes() == other.harmonic.tobytes() and (one.supporters == other.supporters).all()
    return bool(arrays) and one.iterations == other.iterations


def test_neither_threads_nor_blocks_nor_scratch_change_a_bit(
    made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One thread and blocks of 4,096 targets against four threads, blocks of 7, and rows set aside in a file."""
    pairs = drawn(5, 6_000)
    graph = made(6_000, pairs)
    wanted = found(graph)
    monkeypatch.setattr("sitegraph.ranks.passes.PORTION", 100)
    assert same(wanted, found(graph, threads=4))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert same(wanted, found(graph, threads=4, scratch=scratch))
    assert not list(scratch.iterdir())
    monkeypatch.setattr(builder, "BLOCK", 7)
    narrow = made(6_000, pairs)
    assert len(narrow.arcs) > 100 * len(graph.arcs)
    assert same(wanted, found(narrow, threads=3))


def test_arcs_that_weigh_nothing_do_not_count(made: Make) -> None:
    """The chain 0 -> 1 -> 2 -> 3 with a link between hosts of one owner in its middle falls in two."""
    counts = np.zeros((3, len(COLUMNS)), np.int64)
    counts[:, PAGES] = 1
    counts[1, OWNER] = 1
    graph = made(4, [(0, 1), (1, 2), (2, 3)], counts)
    with Passes(graph, Weights().of(graph.classes)) as passes:
        harmonic, supporters = by_id(graph, hyperball(passes))
    assert harmonic == pytest.approx([0, 1, 0, 1], abs=0.02)
    assert supporters.tolist() == [[0] * 4, [1] * 4, [0] * 4, [1] * 4]


@pytest.mark.parametrize("owner", [False, True])
def test_arcs_of_one_class_count_all_or_not_at_all(made: Make, owner: bool) -> None:
    """A graph of one class stores no codes, and its weight may still be 0."""
    counts = np.zeros((2, len(COLUMNS)), np.int64)
    counts[:, PAGES], counts[:, OWNER] = 1, owner
    graph = made(3, [(0, 1), (1, 2)], counts)
    with Passes(graph, Weights().of(graph.classes)) as passes:
        _, supporters = by_id(graph, hyperball(passes))
    assert supporters[:, 3].tolist() == ([0, 0, 0] if owner else [0, 1, 2])


@pytest.mark.parametrize("n", [0, 1, 5])
def test_graphs_without_arcs(made: Make, n: int) -> None:
    """Empty or isolated nodes: no pass, and nothing but zeros."""
    result = found(made(n, []))
    assert result.harmonic is not None
    assert result.harmonic.tolist() == [0.0] * n
    assert result.supporters.tolist() == [[0] * 4] * n
    assert (result.iterations, result.unfinished) == (0, 0)


def test_stops_at_max_distance_and_counts_what_still_grows(made: Make) -> None:
    """Nodes 0 to 9 in a chain, 9 dangling: the balls of 4 to 8 grow in the fourth pass. H ends with 1/4."""
    graph = made(10, [(i, i + 1) for i in range(9)])
    seen: list[tuple[int, int]] = []
    with Passes(graph, np.ones(1)) as passes:
        result = hyperball(passes, HyperBallSettings(log2m=10, max_distance=4), lambda *at: seen.append(at))
    assert (result.iterations, result.unfinished) == (4, 5)
    assert seen == [(1, 8), (2, 7), (3, 6), (4, 5)]
    assert by_id(graph, result)[0][9] == pytest.approx(1 + 1 / 2 + 1 / 3 + 1 / 4, abs=0.02)


def test_supporters_alone_take_four_passes(made: Make) -> None:
    """They are those of a whole run, and no centrality is kept."""
    graph = made(10, [(i, i + 1) for i in range(9)])
    with Passes(graph, np.ones(1)) as passes:
        result = hyperball(passes, SUPPORTERS)
    assert result.harmonic is None
    assert result.harmonic_by_id(graph.numbering) is None
    assert result.iterations == 4
    assert result.relative_error == 0.13
    assert (result.supporters == found(graph, log2m=6).supporters).all()


def test_results_by_id_are_those_of_the_slots(made: Make) -> None:
    """Linking nodes 1 and 3 have the first two slots; ids from 1 up to 4 are slots 0, 3 and 1."""
    graph = made(5, [(1, 0), (3, 0), (3, 4), (1, 3)])
    result = found(graph, log2m=10)
    assert result.supporters[:, 0].tolist() == [0, 1, 2, 0, 1]
    part = result.supporters_by_id(graph.numbering, 1, 4)
    assert part.dtype == np.int64
    assert part[:, 0].tolist() == [0, 0, 1]
    found_harmonic = result.harmonic_by_id(graph.numbering, 3)
    assert found_harmonic is not None
    assert found_harmonic == pytest.approx([1, 1.5], abs=0.01)


def test_a_source_that_does_not_exist_is_an_error(made: Make, tmp_path: Path) -> None:
    """A block with right check sums whose arc comes from slot 7 of 1: the file is named, and nothing is read there."""
    graph = made(2, [(0, 1)])
    sets = graph.sets.arcs("host")
    arc = np.array([0, 1], np.int64), np.array([7], np.uint32), np.zeros(1, np.uint8), (1, 1)
    with ArcsWriter(sets, 0, Description(nodes=2, sources=1, code_bytes=0)) as out:
        out.write(0, np.zeros(2, np.int64), np.zeros(0, np.uint32), np.zeros(0, np.uint8), (0, 0))
        out.write(1, *arc)
    graph.arcs = Arcs(sets.paths())
    with pytest.raises(StorageError, match=r"part-00000.arcs: block 1: an arc from a node that does not exist"):
        found(graph)


def test_a_scratch_folder_that_cannot_be_written_is_an_error(made: Make, tmp_path: Path) -> None:
    """It is named before any work is done."""
    with pytest.raises(StorageError, match="nowhere"):
        found(made(2, [(0, 1)]), scratch=tmp_path / "nowhere")


def test_rows_come_back_from_the_file_or_not_at_all(tmp_path: Path) -> None:
    """Two rows set aside are replayed in their places; a file that lost them is an error, not old rows."""
    aside, registers = Aside(tmp_path), np.zeros((6, 16), np.uint8)
    grown = np.arange(64, dtype=np.uint8).reshape(4, 16)
    aside.put(2, np.array([1, 0, 0, 1], np.uint8), grown)
    aside.replay(registers)
    assert registers[[2, 5]].tolist() == grown[[0, 3]].tolist()
    assert not registers[[0, 1, 3, 4]].any()
    aside.put(0, np.ones(4, np.uint8), grown)
    aside._file.truncate(0)
    with pytest.raises(StorageError, match="ends before the rows"):
        aside.replay(registers)
    aside.close()


@pytest.mark.parametrize("wrong", [{"log2m": 3}, {"log2m": 13}, {"max_distance": 3}, {"seed": -1}])
def test_refuses_wrong_settings(wrong: dict[str, int]) -> None:
    """Each wrong setting is named."""
    with pytest.raises(SettingError, match=next(iter(wrong))):
        HyperBallSettings(**wrong)  # type: ignore[arg-type]


def test_the_mix_is_that_of_splitmix64() -> None:
    """The first three numbers of SplitMix64 from state 0, as published with the xoshiro generators."""
    numbers = [int(mixed(np.uint64(0), np.uint64(i))) for i in range(3)]
    assert numbers == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


@pytest.mark.parametrize("log2m", [4, 6, 10])
@pytest.mark.parametrize("size", [1, 10, 100, 3_000])
def test_estimates_are_within_the_stated_error(log2m: int, size: int) -> None:
    """200 sets of different nodes each: spread at most 1.04 / sqrt(m), mean right but for 1.1 / m and chance."""
    m = 1 << log2m
    zero, got = sigmas(m), []
    for number in range(200):
        each = rows(size, m)
        add(np.arange(size) + number * size, 0, log2m, each)
        got.append(estimate(each.max(axis=0), zero) / size)
    error = 1.04 / np.sqrt(m)
    assert np.std(got) < 1.15 * error
    assert abs(np.mean(got) - 1) < 1.1 / m + 3 * error / np.sqrt(200)


def test_an_empty_row_is_an_empty_set() -> None:
    """The estimate of zeros is 0, whatever their number."""
    assert [estimate(rows(1, m)[0], sigmas(m)) for m in (16, 64, 4096)] == [0, 0, 0]


runs_of = st.lists(st.tuples(st.integers(0, 6), st.lists(st.integers(0, 19), max_size=9)), max_size=12)


def chunk_of(runs: list[tuple[int, list[int]]]) -> tuple[Any, Any, Any]:
    """Return (target, sources) runs as a chunk."""
    ids = np.array([s for _, sources in runs for s in sources], np.uint32)
    ends = np.cumsum([len(sources) for _, sources in runs]).astype(np.uint32)
    return ids, np.array([t for t, _ in runs], np.uint32), ends


@given(runs_of, st.sampled_from([16, 32, 64, 128, 256]), st.integers(0, 1000))
@examples(max_examples=60, deadline=None)
def test_joined_rows_are_maxima(runs: list[tuple[int, list[int]]], width: int, seed: int) -> None:
    """Whatever the width, against numpy; targets without a run are left alone."""
    random = np.random.default_rng(seed)
    registers, into = random.integers(0, 256, (20, width), np.uint8), random.integers(0, 256, (7, width), np.uint8)
    wanted, met = into.copy(), np.zeros(7, np.uint8)
    for t, sources in runs:
        wanted[t] = np.max([wanted[t], *registers[sources]], axis=0)
    join(chunk_of(runs), len(runs), registers, into, met)
    assert (into == wanted).all()
    assert set(np.flatnonzero(met).tolist()) == {t for t, _ in runs}


@given(runs_of, st.integers(0, 1000), st.booleans(), st.booleans(), st.booleans())
@examples(max_examples=60, deadline=None)
def test_sifting_leaves_the_arcs_to_follow(
    runs: list[tuple[int, list[int]]], seed: int, coded: bool, choosing: bool, choosy: bool
) -> None:
    """Those of a class that counts, from a source that grew, to a target that is wanted; in order."""
    random = np.random.default_rng(seed)
    arcs = [(t, s) for t, sources in runs for s in sources]
    codes = random.integers(0, 3, len(arcs) + 5).astype(np.uint16 if seed % 2 else np.uint8)
    counted, grown, wanted = (random.integers(0, 2, size).astype(np.uint8) for size in (3, 24, 7))
    ids, targets, ends = chunk = chunk_of(runs)
    bits = np.packbits(grown, bitorder="little") if choosing else module.ALL
    given_codes = codes if coded and arcs else codes[:0]
    kept, seen = sift(chunk, len(runs), given_codes, np.uint64(5), counted, bits, wanted if choosy else module.ALL)
    assert (int(seen), kept <= len(runs)) == (len(arcs), True)
    expected = [
        (t, s)
        for i, (t, s) in enumerate(arcs)
        if (not coded or counted[codes[5 + i]]) and (not choosing or grown[s]) and (not choosy or wanted[t])
    ]
    left = np.repeat(targets[:kept], np.diff(ends[:kept], prepend=0))
    assert list(zip(left.tolist(), ids[: len(left)].tolist(), strict=True)) == expected
