"""Technical links are arcs that no rank follows, but with the weights `cc`."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from corpus.errors import StorageError
from corpus.storage import ShardSet
from sitegraph.building.platforms import Detection, learn
from sitegraph.building.small import graph_of
from sitegraph.layout import GraphSets
from sitegraph.ranks.hyperball import HyperBallSettings
from sitegraph.ranks.ranking import Ranking, rank
from sitegraph.store.classes import COLUMNS, HOSTS, PAGES, TECHNICAL, Preset, Weights
from sitegraph.store.opened import open_graph

NAMES = [f"h{i}.d{i % 40}.com" for i in range(120)]
CDN = NAMES[-1]
Graphs = tuple[GraphSets, GraphSets]


def arcs(random: np.random.Generator, m: int, column: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """Draw arcs among the hosts but the last, from two thirds of them, with pages in one column."""
    counts = np.zeros((m, len(COLUMNS)), np.int64)
    counts[:, column] = random.integers(1, 50, m)
    counts[:, HOSTS] = column == PAGES
    return random.integers(0, 80, m), random.integers(0, 119, m), counts


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Graphs:
    """A graph, and the same with technical links between any of its hosts, and from half of them to the last one."""
    random = np.random.default_rng(3)
    source, target, counts = arcs(random, 600, PAGES)
    others, onto, technical = arcs(random, 400, TECHNICAL)
    others, onto[:60] = others + random.integers(0, 2, 400) * 39, 119
    folder = tmp_path_factory.mktemp("technical")
    given = {"pages": np.full(120, 60)}
    more = [np.concatenate(pair) for pair in ((source, others), (target, onto), (counts, technical))]
    return (
        graph_of(folder / "without", NAMES, source, target, counts, **given),
        graph_of(folder / "with", NAMES, *more, **given),
    )


def ranked(graph: GraphSets, folder: Path, preset: Preset) -> dict[str, list[Any]]:
    """Return every column of a ranking that asks for all of them."""
    sites = folder / "sites.txt"
    sites.write_text("".join(f"{name},{i % 5}\n" for i, name in enumerate(NAMES) if i % 7 == 0))
    settings = Ranking(
        weights=Weights(preset=preset), seeds=sites, bad=sites, quality=sites, balls=HyperBallSettings(log2m=6)
    )
    rank(graph, ShardSet(folder, "ranks"), settings, path=folder / "ranks.parquet")
    return {name: values for name, values in pq.read_table(folder / "ranks.parquet").to_pydict().items() if any(values)}


@pytest.mark.parametrize("preset", ["log-pages", "distinct-hosts"])
def test_ranks_are_those_without_them(graphs: Graphs, tmp_path: Path, preset: Preset) -> None:
    """Every column, whatever it counts: sums may run in another order, so the last digits may differ."""
    without, beside = (ranked(graph, tmp_path, preset) for graph in graphs)
    assert list(without) == list(beside)
    for column, values in without.items():
        if isinstance(values[0], float):
            assert beside[column] == pytest.approx(values, rel=1e-8, abs=1e-12), column
        else:
            assert beside[column] == values, column


def test_cc_counts_them(graphs: Graphs, tmp_path: Path) -> None:
    """What half of the sites load from rises from the end to the front; in-degrees are of endorsing links still."""
    without, beside = (ranked(graph, tmp_path, "cc") for graph in graphs)
    at = without["name"].index(CDN)
    assert without["position"][at] > 60
    assert beside["position"][at] == 1
    assert beside["in_domains"] == without["in_domains"]


def test_platforms_are_learned_without_them(graphs: Graphs) -> None:
    """Neither arcs nor linked hosts of a domain are of technical links."""
    settings = Detection(hosts=2, linked=2, arcs=1)
    without, beside = (learn(open_graph(graph), settings) for graph in graphs)
    assert without.num_rows > 0
    assert beside.equals(without)


def test_a_graph_of_an_older_version_is_refused(graphs: Graphs, tmp_path: Path) -> None:
    """Its classes lack the column of technical links; the message says which file, and what to do."""
    shutil.copytree(graphs[0].root, tmp_path / "old")
    old = GraphSets(tmp_path / "old", "")
    path = old.classes("host").path(0)
    table = pq.read_table(path).drop_columns(["pages_technical"])
    path.unlink()
    pq.write_table(table, path)
    with pytest.raises(StorageError, match=r"host-classes.*build it again"):
        open_graph(old)
