"""Subgraphs as GraphML, CSV and Parquet."""

import csv
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.errors import SettingError
from sitegraph.exporting.export import export
from sitegraph.exporting.subgraph import Subgraph

PART = Subgraph(
    names=["a.com", "b.a.com", "c.org"],
    source=np.array([2, 0]),
    target=np.array([0, 1]),
    weight=np.array([0.5, 1e-12]),
    columns={
        "pagerank": pa.array([0.25, None, 1.5]),
        "hosts": pa.array([1, 2, None], pa.int64()),
        "platform": pa.array([True, False, None]),
        "source": pa.array(["crawl", 'say "<&>"', None]),
        "supporters": pa.array([[1, 20], [], None], pa.list_(pa.int64())),
    },
)


def test_graphml_is_read_by_networkx(tmp_path: Path) -> None:
    """Names, types, weights; null is no attribute."""
    export(PART, tmp_path / "g.graphml")
    graph = nx.read_graphml(tmp_path / "g.graphml")
    assert graph.is_directed()
    assert dict(graph.nodes(data=True)) == {
        "a.com": {"pagerank": 0.25, "hosts": 1, "platform": True, "source": "crawl", "supporters": "1 20"},
        "b.a.com": {"hosts": 2, "platform": False, "source": 'say "<&>"', "supporters": ""},
        "c.org": {"pagerank": 1.5},
    }
    assert list(graph.edges(data="weight")) == [("a.com", "b.a.com", 1e-12), ("c.org", "a.com", 0.5)]


def test_csv_has_a_file_of_nodes_and_one_of_arcs(tmp_path: Path) -> None:
    """With headers; null is empty."""
    export(PART, tmp_path / "g", "csv")
    with open(tmp_path / "g" / "nodes.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["name", "pagerank", "hosts", "platform", "source", "supporters"],
            ["a.com", "0.25", "1", "true", "crawl", "1 20"],
            ["b.a.com", "", "2", "false", 'say "<&>"', ""],
            ["c.org", "1.5", "", "", "", ""],
        ]
    with open(tmp_path / "g" / "arcs.csv", newline="") as file:
        assert list(csv.reader(file)) == [
            ["source", "target", "weight"],
            ["c.org", "a.com", "0.5"],
            ["a.com", "b.a.com", "1e-12"],
        ]


def test_parquet_keeps_the_types(tmp_path: Path) -> None:
    """Lists too."""
    export(PART, tmp_path / "g", "parquet")
    nodes = pq.read_table(tmp_path / "g" / "nodes.parquet")
    assert nodes.to_pydict() == {"name": PART.names} | {name: x.to_pylist() for name, x in PART.columns.items()}
    assert nodes["supporters"].type == pa.list_(pa.int64())
    assert pq.read_table(tmp_path / "g" / "arcs.parquet").to_pylist() == [
        {"source": "c.org", "target": "a.com", "weight": 0.5},
        {"source": "a.com", "target": "b.a.com", "weight": 1e-12},
    ]


@pytest.mark.parametrize("form", ["graphml", "csv", "parquet"])
def test_a_graph_without_nodes_or_weights_is_written(tmp_path: Path, form: str) -> None:
    """Empty tables have their headers, and an arc without weight has no column for it."""
    empty = Subgraph([], np.array([], np.int64), np.array([], np.int64), None, {})
    export(empty, tmp_path / "g", form)  # type: ignore[arg-type]
    if form == "graphml":
        assert len(nx.read_graphml(tmp_path / "g")) == 0
    elif form == "csv":
        assert (tmp_path / "g" / "arcs.csv").read_text() == '"source","target"\n'
    else:
        assert pq.read_table(tmp_path / "g" / "arcs.parquet").column_names == ["source", "target"]


def test_numbers_that_are_none_are_written_as_xml_schema_says(tmp_path: Path) -> None:
    """NaN, INF and -INF."""
    values = pa.array([float("nan"), float("inf"), float("-inf")])
    export(Subgraph(PART.names, PART.source, PART.target, None, {"x": values}), tmp_path / "g")
    text = (tmp_path / "g").read_text()
    assert [text.count(f">{word}<") for word in ("NaN", "INF", "-INF")] == [1, 1, 1]
    assert nx.read_graphml(tmp_path / "g").nodes["c.org"]["x"] == float("-inf")


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    """An unknown form, and a column that would stand for the name."""
    with pytest.raises(SettingError, match="graphml, csv, parquet"):
        export(PART, tmp_path / "g", "pickle")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="no column called name"):
        export(Subgraph(PART.names, PART.source, PART.target, None, {"name": pa.array([1, 2, 3])}), tmp_path / "g")


def read_by_xml(text: str) -> str:
    """Return what an XML parser gives for a text: U+FFFD for what XML 1.0 has no place for."""
    return "".join(
        c if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000" else "\ufffd"
        for c in text
    )


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from(["\"'><&amp;]]>", "\x00\x1f\x7f\ufffe", "a\r\nb\tc", '"/><evil/>', "&#0;", "-->", " "]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HOSTILE, min_size=1, max_size=5, unique_by=read_by_xml), st.data())
def test_hostile_names_come_back_from_graphml(tmp_path: Path, names: list[str], data: st.DataObject) -> None:
    """As names, as values, and as what a column is called."""
    texts = [data.draw(HOSTILE) for _ in names]
    column = data.draw(HOSTILE.filter(lambda text: text != "name"))
    source, target = np.arange(len(names)), np.roll(np.arange(len(names)), 1)
    export(Subgraph(names, source, target, None, {column: pa.array(texts, pa.string())}), tmp_path / "g")
    graph = nx.read_graphml(tmp_path / "g")
    known = [read_by_xml(name) for name in names]
    assert list(graph) == known
    assert [graph.nodes[name][read_by_xml(column)] for name in known] == [read_by_xml(text) for text in texts]
    assert set(graph.edges) == {(known[s], known[t]) for s, t in zip(source, target, strict=True)}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HOSTILE, min_size=1, max_size=5, unique=True))
def test_hostile_names_come_back_from_csv_and_parquet(tmp_path: Path, names: list[str]) -> None:
    """Quotes, newlines and commas among them."""
    part = Subgraph(names, np.array([0]), np.array([len(names) - 1]), None, {})
    export(part, tmp_path / "g", "csv")
    with open(tmp_path / "g" / "nodes.csv", newline="", encoding="utf-8") as file:
        assert [row[0] for row in csv.reader(file)] == ["name", *names]
    export(part, tmp_path / "g", "parquet")
    assert pq.read_table(tmp_path / "g" / "nodes.parquet")["name"].to_pylist() == names
