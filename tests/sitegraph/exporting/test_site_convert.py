"""Parts of a graph for networkx."""

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest

from corpus.errors import InputError
from sitegraph.exporting import convert
from sitegraph.exporting.convert import to_networkx
from sitegraph.exporting.subgraph import Subgraph

NAMES = ["b.com", "a.org", "c.net"]
SOURCE, TARGET = np.array([0, 1]), np.array([1, 2])


def test_names_columns_and_weights_are_kept() -> None:
    """Nodes in their order, those without arcs too, with their columns; arcs in their direction."""
    columns = {"position": pa.array([3, None, 1]), "platform": pa.array([True, False, False])}
    graph = to_networkx(Subgraph(NAMES, SOURCE, TARGET, np.array([0.5, 2.0]), columns))
    assert list(graph) == NAMES
    assert graph.nodes["b.com"] == {"position": 3, "platform": True}
    assert graph.nodes["a.org"]["position"] is None
    assert list(graph.edges(data="weight")) == [("b.com", "a.org", 0.5), ("a.org", "c.net", 2.0)]


def test_arcs_without_weight_have_none() -> None:
    """So networkx takes each for 1."""
    graph = to_networkx(Subgraph([*NAMES, "d.net"], SOURCE, TARGET, None, {}))
    assert dict(graph.edges) == {("b.com", "a.org"): {}, ("a.org", "c.net"): {}}
    assert nx.shortest_path_length(graph, "b.com", "c.net", weight="weight") == 2
    assert len(graph) == 4


def test_what_is_too_large_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made."""
    monkeypatch.setattr(convert, "MAX_NODES", 2)
    with pytest.raises(InputError, match="3 nodes are too many for networkx; take a part of at most 2"):
        to_networkx(Subgraph(NAMES, SOURCE, TARGET, None, {}))
