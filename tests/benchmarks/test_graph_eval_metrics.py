"""How scores are judged: by hand and by counting every pair; which seeds are chosen; what a report looks like."""

import itertools
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.graph_eval.calibration import exponent
from benchmarks.graph_eval.farms import plant
from benchmarks.graph_eval.goals import separated, unmoved
from benchmarks.graph_eval.lab import mean_of
from benchmarks.graph_eval.metrics import auc, percentile, spam_share, turned
from benchmarks.graph_eval.planted import PlantedGraph
from benchmarks.graph_eval.real import GAMBLING, band
from benchmarks.graph_eval.report import shown, table
from benchmarks.graph_eval.seeds import CHOICES, choose, known_spam, shared_out
from benchmarks.graph_eval.web import INSTITUTION, LANGUAGES, Web, good_web

REPOSITORY = Path(__file__).resolve().parents[2]


def flags(text: str) -> np.ndarray:
    """Return flags, x for set."""
    return np.array([c == "x" for c in text])


def floats(*values: float) -> np.ndarray:
    """Return values as an array."""
    return np.array(values, np.float64)


def test_auc_by_hand() -> None:
    """Good 3 and 1, spam 2: one pair of two is right; a tie is half a pair."""
    assert auc(floats(3, 1, 2), flags("..x")) == 0.5
    assert auc(floats(3, 2, 2), flags("..x")) == 0.75
    assert math.isnan(auc(floats(3, 2), flags("..")))


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_auc_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    """Against counting every pair of a good and a spam node."""
    good, spam = [v for v, bad in rows if not bad], [v for v, bad in rows if bad]
    if good and spam:
        pairs = [(g > s) + (g == s) / 2 for g, s in itertools.product(good, spam)]
        found = auc(floats(*(v for v, _ in rows)), np.array([bad for _, bad in rows]))
        assert found == pytest.approx(sum(pairs) / len(pairs))


def test_auc_among_some_nodes() -> None:
    """The spam node that is not among them does not count."""
    assert auc(floats(1, 2, 0), flags(".xx"), flags("x.x")) == 1.0


def test_spam_share_takes_the_mean_over_ties() -> None:
    """The best two of 3, 2, 2, 2: the first, and one of three of which one is spam."""
    assert spam_share(floats(3, 2, 2, 2), flags(".x.."), 0.5) == pytest.approx((0 + 1 / 3) / 2)
    assert spam_share(floats(3, 2, 2, 2), flags("x..."), 0.25) == 1.0


def test_percentile_among_good_nodes() -> None:
    """Of the good scores 1, 2, 3, 4 three are at or below 3."""
    found = percentile(floats(1, 2, 3, 4, 3), np.array([4]), flags("xxxx."))
    assert found.tolist() == [0.75]


def test_ranks_of_badness_are_turned_round() -> None:
    """So that higher is better everywhere."""
    found = turned({"trust": floats(1), "spam mass": floats(1), "anti-trust": floats(2)})
    assert {name: float(values[0]) for name, values in found.items()} == {
        "trust": 1,
        "spam mass": -1,
        "anti-trust": -2,
    }


@pytest.fixture(scope="module")
def graph() -> PlantedGraph:
    """A small web with stars in it."""
    return plant(good_web(Web(sites=3_000)), ["star"], 0.1).finish()


@pytest.mark.parametrize("how", CHOICES)
def test_seeds_are_good_sites_of_every_language(graph: PlantedGraph, how: str) -> None:
    """As many as asked for where there are as many; the same for the same seed."""
    inverse = np.arange(graph.n, dtype=np.float64)
    seeds = choose(graph, 50, how, inverse=inverse)  # type: ignore[arg-type]
    assert len(set(seeds.tolist())) == len(seeds) == 50
    assert not graph.spam[seeds].any()
    assert graph.links[seeds].all()
    if how != "institutions":  # there are few of them in a small web
        assert set(graph.language[seeds]) == set(range(len(LANGUAGES)))
    else:
        assert (graph.role[seeds] == INSTITUTION).all()
    assert (choose(graph, 50, how, inverse=inverse) == seeds).all()  # type: ignore[arg-type]


def test_seeds_by_inverse_pagerank_need_it(graph: PlantedGraph) -> None:
    """It is not made up."""
    with pytest.raises(ValueError, match="inverse PageRank"):
        choose(graph, 10, "inverse")


def test_seeds_are_shared_out_by_square_roots() -> None:
    """100, 25 and 1: ten to five to one; 100 and 2: 8.8 to 1.2; no language more than it has."""
    assert shared_out(np.array([100, 25, 1]), 16).tolist() == [10, 5, 1]
    assert shared_out(np.array([3, 2]), 10).tolist() == [3, 2]
    assert shared_out(np.array([100, 2]), 10).tolist() == [9, 1]


def test_known_spam_is_of_some_farms_only(graph: PlantedGraph) -> None:
    """Of half of them; all of it is spam."""
    bad = known_spam(graph, 40)
    assert graph.spam[bad].all()
    assert len(set(graph.farm[bad])) <= len(set(graph.farm[graph.spam])) // 2


def test_judged_are_those_that_no_rank_was_told_about(graph: PlantedGraph) -> None:
    """Neither seeds nor known spam."""
    told = graph.with_seeds(np.array([1, 2]), np.array([5]))
    assert np.flatnonzero(~told.judged).tolist() == [1, 2, 5]


def test_rows_of_draws_are_averaged() -> None:
    """Numbers by their mean, AUC with its range."""
    rows = [{"kind": "a", "auc": 0.5, "x": 1}, {"kind": "a", "auc": 0.7, "x": 2}, {"kind": "b", "auc": 0.1, "x": 0}]
    assert mean_of(rows, ("kind",)) == [
        {"kind": "a", "auc": pytest.approx(0.6), "x": 1.5, "range of auc": pytest.approx(0.2)},
        {"kind": "b", "auc": 0.1, "x": 0.0, "range of auc": 0.0},
    ]


def test_a_fitted_exponent_is_that_of_the_draw() -> None:
    """Quantiles of a power law with exponent 2.5, from 20 on."""
    u = (np.arange(200_000) + 0.5) / 200_000
    assert exponent(np.floor(20 * (1 - u) ** (-1 / 1.5)), 20) == pytest.approx(2.5, abs=0.05)


def test_whether_trust_separates_is_told_as_it_came_out() -> None:
    """Over all hosts, over known ones only, or not; not asked where PageRank does well."""
    ranks = [("pagerank", 0.3, 0.2), ("trust", 0.9, 0.96), ("spam mass", 0.97, 0.99)]
    rows = [
        {"web": "sparse", "farms": farms, "share": 0.10, "rank": name, "auc": x + more, "auc of known": y}
        for farms, more in (("star", 0.0), ("other", 0.5))
        for name, x, y in ranks
    ]
    (found,) = separated(rows)
    assert (found["farms"], found["trust reaches it"], found["spam mass reaches it"]) == (
        "star",
        "on known hosts",
        "yes",
    )


def test_how_far_a_farm_moves_its_money_site_is_told() -> None:
    """From its place without a farm to that with the largest one."""
    rows = [
        {"farm": "star", "leaking": False, "members": m, "trust": t, "pagerank": 1.0} for m, t in ((0, 0.5), (10, 0.53))
    ]
    (found,) = unmoved(rows)
    assert (found["trust, 0"], found["moved"], found["under 2 points"]) == (0.5, pytest.approx(0.03), False)
    assert found["pagerank, 10"] == 1.0


def test_cells_of_a_report() -> None:
    """Whole numbers, three places, small numbers, nothing for what is undefined; bars would end a cell."""
    cells = [12_345, 0.12345, 0.00012, 0.0, float("nan"), None, "a|b", 2.0, True]
    assert [shown(cell) for cell in cells] == ["12,345", "0.123", "1.2e-04", "0", "", "", "a/b", "2", "yes"]
    assert table([{"a": 1, "b": 2}, {"c": "x"}]).splitlines()[2:] == ["| 1 | 2 |  |", "|  |  | x |"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vodkabet38.casino", True),
        ("slot-gacor.weebly.com", True),
        ("bet.com", True),
        ("alphabet.com", False),
        ("betty.org", False),
    ],
)
def test_names_of_gambling(name: str, said: bool) -> None:
    """`bet` only as a word or before a number."""
    assert bool(GAMBLING.search(name)) == said


def test_the_fullest_band_of_places() -> None:
    """Beyond the first thousand: five places lie in the 10 from 2,000 on."""
    places = np.array([1, 2, 3, 4, 5, 6, 7, 1_500, 2_000, 2_001, 2_003, 2_008, 2_009, 2_010])
    start, inside = band(places, 10)
    assert (start, int(inside.sum())) == (2_000, 5)


def test_the_command_writes_a_report(tmp_path: Path) -> None:
    """One small section, as Markdown and JSON."""
    options = ["--sites", "600", "--rounds", "1", "--only", "shape", "--out", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "benchmarks.graph_eval", *options], check=True, cwd=REPOSITORY)
    assert "| arcs per node |" in (tmp_path / "graph-eval.md").read_text()
    found = json.loads((tmp_path / "graph-eval.json").read_text())
    assert found["sections"]["shape"]["rows"][0]["measure"] == "arcs per node"
