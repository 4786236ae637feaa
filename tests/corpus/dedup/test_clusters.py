"""Connected components against networkx, representatives and stored clusters by hand."""

from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.dedup.clusters import Preference, Standing, components, known, of_part, representatives, write_clusters
from corpus.dedup.pairs import Pairs
from corpus.errors import MissingError, SettingError
from corpus.schema import CLUSTERS, ID
from corpus.storage import ShardSet, TableWriter


def standing(rows: list[tuple[float, int, str | None, int]]) -> Standing:
    """Build standings from (authority, length, date, id); the place is the position."""
    authority, length, date, number = (list(column) for column in zip(*rows, strict=True))
    ids = pa.array([bytes(15) + bytes([n]) for n in number], ID)
    return Standing(np.array(authority), np.array(length), pa.array(date, pa.string()), ids, np.arange(len(rows)))


@settings(deadline=None)
@given(arcs=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=30), data=st.data())
def test_components_equal_networkx(arcs: list[tuple[int, int]], data: st.DataObject) -> None:
    """Labels are the lowest node of each connected component, whatever the order of the arcs."""
    graph = nx.Graph(arcs)
    graph.add_nodes_from(range(20))
    shuffled = data.draw(st.permutations(arcs))
    a, b = (np.array([arc[side] for arc in shuffled], np.int64) for side in (0, 1))
    labels = components(20, a, b).tolist()
    assert {node: labels[node] for node in range(20)} == {n: min(c) for c in nx.connected_components(graph) for n in c}


NAN = float("nan")
ROWS = [
    (NAN, 900, "2020-01-01T00:00:00Z", 1),  # 0: unknown authority comes last
    (0.5, 100, "2021-01-01T00:00:00Z", 9),  # 1
    (0.5, 200, None, 8),  # 2: unknown date comes last
    (0.5, 200, "20200601000000", 7),  # 3: an ARC date, earlier than 4
    (0.5, 200, "2020-07-01T00:00:00Z", 6),  # 4
    (0.5, 200, "2020-07-01T00:00:00Z", 6),  # 5: the same capture again
]


@pytest.mark.parametrize(
    ("order", "best"),
    [
        (("authority", "length", "date", "id"), 3),
        (("authority", "length", "latest"), 4),
        (("length",), 0),
        (("authority", "id"), 4),
        (("date",), 0),
        (("latest",), 1),
        (("id",), 0),
    ],
)
def test_representative_by_preference(order: tuple[str, ...], best: int) -> None:
    """The first preference decides, then the next; ties go to the lowest id, then to the first place."""
    labels = np.zeros(len(ROWS), np.int64)
    assert representatives(labels, standing(ROWS), Preference(order=order)).tolist() == [best] * len(ROWS)


def test_each_component_has_its_own_representative() -> None:
    """Components are decided apart from one another."""
    labels = np.array([0, 1, 0, 1, 4, 4])
    assert representatives(labels, standing(ROWS), Preference()).tolist() == [2, 3, 2, 3, 4, 4]


@pytest.mark.parametrize("order", [(), ("size",), ("id", "id")])
def test_bad_preferences_are_refused(order: tuple[str, ...]) -> None:
    """No order, an unknown key and a repeated key are refused, and the valid keys are named."""
    with pytest.raises(SettingError, match="authority, length, date, latest, id"):
        Preference(order=order)


def test_known_similarities() -> None:
    """A pair among the edges has its similarity, another none."""
    edges, weights = Pairs(np.array([0, 0, 2]), np.array([1, 3, 3])), np.array([0.9, 0.8, 0.85])
    found = known(Pairs(np.array([2, 0, 1]), np.array([3, 2, 3])), edges, weights, 4)
    assert found[0] == 0.85
    assert np.isnan(found[1:]).all()


def test_clusters_are_read_by_part(tmp_path: Path) -> None:
    """of_part gives the rows of one documents part, none for a part without duplicates, in row order."""
    places = np.array([4, 9, (3 << 32) + 1, (3 << 32) + 7])
    ids = pa.array([bytes([n]) * 16 for n in range(4)], ID)
    best = np.array([0, 3, 0, 3])
    with TableWriter(ShardSet(tmp_path, "clusters"), 0, CLUSTERS) as out:
        write_clusters(out, places, ids, best, np.array([1, 0.5, 0.75, 1]), best == np.arange(4))
    clusters = ShardSet(tmp_path, "clusters")
    third = of_part(clusters, 3)
    assert third.schema.equals(CLUSTERS)
    assert third.select(["row", "size", "representative", "similarity"]).to_pylist() == [
        {"row": 1, "size": 2, "representative": False, "similarity": 0.75},
        {"row": 7, "size": 2, "representative": True, "similarity": 1.0},
    ]
    assert third["cluster"].to_pylist() == [bytes(16), bytes([3]) * 16]
    assert of_part(clusters, 0)["row"].to_pylist() == [4, 9]
    assert of_part(clusters, 1).num_rows == 0
    with pytest.raises(MissingError, match="part-00000"):
        of_part(ShardSet(tmp_path, "absent"), 0)


def test_no_clusters_at_all(tmp_path: Path) -> None:
    """A file without rows is written and read."""
    none = np.empty(0, np.int64)
    with TableWriter(ShardSet(tmp_path, "clusters"), 0, CLUSTERS) as out:
        write_clusters(out, none, pa.array([], ID), none, np.empty(0), np.empty(0, bool))
    assert of_part(ShardSet(tmp_path, "clusters"), 0).num_rows == 0
