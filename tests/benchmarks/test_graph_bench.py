"""The generated graphs of benchmarks/graph keep their promises, and tiny runs of its measurements work."""

import importlib
import json
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sitegraph.store.numbering
from benchmarks.graph import peers, report, series, text
from benchmarks.graph import slice as full
from benchmarks.graph.__main__ import main
from benchmarks.graph.apart import StepError, apart
from benchmarks.graph.calibration import forward, gini, in_lists, log_gaps, size_of
from benchmarks.graph.figures import reached
from benchmarks.graph.generator import GROUP, LARGEST_OUT, LINKING, Web, lomax_scale
from benchmarks.graph.lab import arcs_set, build_arcs, decoded, gather, open_arcs
from benchmarks.graph.names import names
from benchmarks.graph.plan import digits
from benchmarks.suite.side import REPOSITORY
from corpus.url import PLATFORMS
from sitegraph.hosts import reverse
from sitegraph.store.spill import Spill

WEB = Web(hosts=20_000, arcs=400_000)


@pytest.fixture(scope="module")
def arcs() -> tuple[np.ndarray, np.ndarray]:
    """All arcs of WEB."""
    source, target = (np.concatenate(parts) for parts in zip(*WEB.chunks(50_000), strict=True))
    return source, target


def test_arcs_come_in_order_and_once_and_never_to_oneself(arcs: tuple[np.ndarray, np.ndarray]) -> None:
    """Keys of source and target rise strictly, over the borders of chunks as well."""
    source, target = arcs
    keys = source.astype(np.int64) * WEB.hosts + target
    assert (np.diff(keys) > 0).all()
    assert (source != target).all()
    assert target.max() < WEB.hosts
    assert source.dtype == target.dtype == np.uint32


@pytest.mark.parametrize("size", [1, 7_777, 10_000_000])
def test_the_arcs_are_the_same_however_they_are_cut(arcs: tuple[np.ndarray, np.ndarray], size: int) -> None:
    """One source at a time, some thousand arcs, or all at once."""
    for found, wanted in zip(zip(*WEB.chunks(size), strict=True), arcs, strict=True):
        assert np.array_equal(np.concatenate(found), wanted)


def test_a_slice_has_all_arcs_into_its_ranges_and_no_other(arcs: tuple[np.ndarray, np.ndarray]) -> None:
    """Ranges 1 and 3 of 4,096 ids each."""
    wanted = np.array([False, True, False, True, False])
    found = [np.concatenate(part) for part in zip(*WEB.chunks(9_999, wanted=wanted, bits=12), strict=True)]
    kept = wanted[arcs[1] >> 12]
    assert np.array_equal(found[0], arcs[0][kept])
    assert np.array_equal(found[1], arcs[1][kept])


@pytest.mark.parametrize("tiers", [False, True])
def test_a_slice_is_read_as_it_was_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arcs: tuple[np.ndarray, np.ndarray], tiers: bool
) -> None:
    """Two of five ranges, with and without tiers: every arc into them, by id."""
    if tiers:
        monkeypatch.setattr(sitegraph.store.numbering, "TIERED", 0)
    full.make(str(tmp_path), 20_000, 400_000, 0.4)
    graph = full.open_slice(str(tmp_path), 20_000, 400_000)
    found = set()
    for first, (offsets, slots) in zip(graph.arcs.first, decoded(graph, range(len(graph.arcs))), strict=True):
        targets = graph.numbering.ids(first + np.arange(len(offsets) - 1))
        sources = graph.numbering.ids(slots.astype(np.int64))
        found |= set(zip(sources.tolist(), np.repeat(targets, np.diff(offsets)).tolist(), strict=True))
    kept = full.chosen(5, 0.4)[arcs[1] >> 12]
    assert found == set(zip(arcs[0][kept].tolist(), arcs[1][kept].tolist(), strict=True))


def test_seeds_make_other_graphs() -> None:
    """The same settings with another seed share few arcs."""
    one, two = (next(Web(hosts=5_000, arcs=50_000, seed=seed).chunks(10**7)) for seed in (1, 2))
    keys = [source.astype(np.int64) << 32 | target for source, target in (one, two)]
    assert len(np.intersect1d(*keys)) < 0.3 * len(keys[0])


def test_a_quarter_links_and_three_arcs_in_ten_lead_to_others(arcs: tuple[np.ndarray, np.ndarray]) -> None:
    """13 of every 50 hosts link, each at least once, as the numbering says; the numbers of arcs are those asked for."""
    source, target = arcs
    linking = np.zeros(WEB.hosts, bool)
    linking[source] = True
    assert (linking.reshape(-1, GROUP).sum(axis=1) == LINKING).all()
    numbering = WEB.numbering()
    assert numbering.sources == WEB.sources == linking.sum()
    assert np.array_equal(np.sort(numbering.ids(np.arange(WEB.sources))), np.flatnonzero(linking))
    assert 0.27 < (~linking[target]).mean() < 0.34
    assert 0.85 * WEB.arcs < len(source) < 1.15 * WEB.arcs


def test_degrees_have_the_skew_of_the_web() -> None:
    """Largest degrees near the published 2.8 % and 8 % of the hosts; cumulated, exponents near 1.4 and 1."""
    web = Web(hosts=100_000, arcs=2_500_000)
    source, target = next(web.chunks(10**8))
    out, into = np.bincount(source), np.bincount(target)
    assert 0.5 < out.max() / (LARGEST_OUT * web.hosts) < 1.8
    assert 0.05 < into.max() / web.hosts < 0.15
    assert 1.1 < tail_exponent(out, 200) < 1.8
    assert 0.7 < tail_exponent(into, 300) < 1.4
    assert np.sort(into)[-len(into) // 100 :].sum() > 0.15 * len(target)


def tail_exponent(degrees: np.ndarray, least: int) -> float:
    """Return the exponent of P(degree > x) from `least` on, by Hill's estimator."""
    tail = degrees[degrees >= least]
    return float(1.0 / np.log(tail / (least - 0.5)).mean())


def test_the_scale_gives_the_mean() -> None:
    """A million draws from the cut distribution, by its inverse, have the mean asked for."""
    scale, cap = lomax_scale(98.0, 5_000.0), 5_000.0
    least = (1.0 + cap / scale) ** -1.4
    u = least + (1.0 - least) * (np.arange(1_000_000) + 0.5) / 1_000_000
    assert (scale * (u ** (-1.0 / 1.4) - 1.0)).mean() == pytest.approx(98.0, rel=0.01)


def test_names_rise_and_are_hosts_of_registered_domains() -> None:
    """Reversed names in byte order, the same however they are cut; a domain's first host bears its name."""
    found = [name for part in names(30_000, 4_096) for name in part.to_pylist()]
    assert found == [name for part in names(30_000) for name in part.to_pylist()]
    raw = [name.encode() for name in found]
    assert all(a < b for a, b in pairwise(raw))
    domains = {reverse(PLATFORMS.registered_domain(reverse(name))) for name in found}
    assert domains <= set(found)
    assert 1.5 < len(found) / len(domains) < 3


def test_figures_of_a_graph_by_hand(tmp_path: Path) -> None:
    """Lists 1 5 and 2 4 20 have gaps 4, 2, 16: logarithms 2, 1, 4; degrees 0 0 0 4 have a Gini coefficient of 3/4."""
    lists = np.array([0, 2, 5]), np.array([1, 5, 2, 4, 20], np.uint32)
    assert log_gaps(*lists) == (7.0, 3)
    source, target = np.array([0, 0, 0, 3, 3], np.uint32), np.array([1, 2, 10, 4, 8], np.uint32)
    assert forward(source, target) == (0.0 + 3.0 + 2.0, 3, 3)
    assert gini(np.array([0, 0, 0, 4])) == 0.75


def test_arcs_built_without_names_are_the_arcs(tmp_path: Path, arcs: tuple[np.ndarray, np.ndarray]) -> None:
    """Spilled, built and read back: the same number, share of the tail and largest in-degree; bytes add up."""
    with Spill(tmp_path / "spill", WEB.hosts) as spill:
        spill.add(*arcs)
    build_arcs(tmp_path, spill)
    graph = open_arcs(tmp_path)
    assert (graph.n, graph.m) == (WEB.hosts, len(arcs[0]))
    shape, size = in_lists(graph), size_of(graph)
    assert shape["largest_in"] == np.bincount(arcs[1]).max()
    linking = np.isin(arcs[1], arcs[0])
    assert shape["tail_share"] == pytest.approx((~linking).mean())
    assert size["gaps_loop"] < size["loop"] < size["files"] < 3
    files = sum(path.stat().st_size for path in arcs_set(tmp_path).paths())
    assert size["files"] * graph.m == pytest.approx(files, rel=0.05)


def test_a_gather_adds_up_what_it_reads() -> None:
    """Rows 0, 2 and 2 of one, two and four columns, asked for ahead or not."""
    rows = np.arange(12.0).reshape(3, 4)
    ids = np.array([0, 2, 2] * 100, np.uint32)
    for columns in (1, 2, 4):
        c = np.ascontiguousarray(rows[:, :columns])
        for ask in (True, False):
            assert gather(ids, c, ask) == 100 * c[[0, 2, 2]].sum()


def in_here(step: str, **options: Any) -> dict[str, Any]:
    """Do a step in this process, as `apart` does it in another."""
    module, _, function = step.partition(":")
    given = json.loads(json.dumps({k: v for k, v in options.items() if k not in ("cores", "python")}, default=str))
    value = json.loads(json.dumps(getattr(importlib.import_module(module), function)(**given)))
    return {"value": value, "seconds": 1.0, "cpu": 1.0, "peak": 1 << 20, "anonymous": 1 << 20}


def test_every_part_runs_and_every_table_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On graphs of some thousand hosts, ours without peers: all sections, into a copy of the page, and plain sense."""
    for module in (series, full, text, peers):
        monkeypatch.setattr(module, "apart", in_here)
    monkeypatch.setattr(peers, "make_environment", lambda _: (sys.executable, {"igraph": "no such wheel"}))
    page = tmp_path / "page.md"
    page.write_text((REPOSITORY / "docs" / "graph-performance.md").read_text())
    small = ["--sizes", "5e3:5e4,10e3:2e5", "--slice-hosts", "3e4", "--slice-arcs", "5e5", "--share", "0.3"]
    small += [
        "--text-hosts",
        "5e3",
        "--text-arcs",
        "5e4",
        "--peer-hosts",
        "5e3",
        "--peer-arcs",
        "5e4",
        "--peers",
        "scipy",
    ]
    where = ["--cache", str(tmp_path), "--work", str(tmp_path / "work"), "--docs", str(page)]
    assert main([*small, *where, "--rounds", "2", "--peer-rounds", "1", "--vectors", "1", "4"]) == 0
    found = json.loads((tmp_path / "graph.json").read_text())
    made = report.sections(found)
    assert set(made) == set(report.NAMES)
    assert all(content in page.read_text() for content in made.values())
    assert "no such wheel" in made["peers"]
    assert not list((tmp_path / "work").iterdir())
    for one in found["series"]:
        assert one["build"]["value"]["arcs"] == one["spill"]["value"]["arcs"]
        assert reached(one["ranks 3"]["value"]["trace"], 1e-9)
    assert all(rank["l1"] < 1e-9 for rank in found["series"][0]["error 3"]["value"]["ranks"])
    assert found["slice"]["loop 1 1"]["value"]["arcs"] == found["slice"]["loop 1 1"]["value"]["gathered"]
    differences = found["peers"]["rounds"][0]["scipy"]["differences"]
    assert differences["error"] < 1e-6
    assert differences["l1"] < 2e-6
    capsys.readouterr()


def test_a_step_apart_tells_what_it_took_or_why_it_failed(tmp_path: Path) -> None:
    """Its value, time and memory; the traceback of one that fails."""
    source, target = next(Web(hosts=5_000, arcs=50_000).chunks(10**7))
    for name, values in (("source", source.astype(np.int32)), ("target", target.astype(np.int32)), ("hosts", 5_000)):
        np.save(tmp_path / f"{name}.npy", values)
    found = apart("benchmarks.graph.peer_side:scipy", folder=tmp_path, tolerance=1e-6)
    assert found["value"]["rank"]["seconds"] > 0
    assert found["peak"] > found["anonymous"] > 1 << 20
    assert np.load(tmp_path / "ranks-scipy.npy").sum() == pytest.approx(1.0)
    with pytest.raises(StepError, match="FileNotFoundError"):
        apart("benchmarks.graph.peer_side:scipy", folder=tmp_path / "nowhere", tolerance=1e-6)


def test_a_bound_is_reached_at_the_first_sweep_below_it() -> None:
    """After two sweeps and 3 seconds; never, for a smaller one."""
    trace = [(1.0, 1e-2), (3.0, 1e-6), (4.0, 1e-7)]
    assert reached(trace, 1e-6) == (2, 3.0)
    assert reached(trace, 1e-9) is None


def test_digits_of_ids() -> None:
    """Ten of one digit and ninety of two: 190 in a hundred; 12 ids have 14."""
    assert digits(100) == 1.9
    assert digits(12) == pytest.approx(14 / 12)
