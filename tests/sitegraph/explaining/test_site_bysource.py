"""Arcs by source."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sitegraph.building.small import graph_of
from sitegraph.explaining.bysource import arcs_by_source
from sitegraph.store import spill
from sitegraph.store.opened import Graph

Pairs = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=60)


@settings(deadline=None, max_examples=30)
@given(Pairs)
def test_arcs_come_ascending_by_source(tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[int, int]]) -> None:
    """Every arc once, by source and then by target; nothing is left of the work."""
    folder = tmp_path_factory.mktemp("graph")
    names = [f"n{i:02}.com" for i in range(12)]
    source, target = (np.array([pair[side] for pair in pairs], np.int64) for side in (0, 1))
    graph = Graph(graph_of(folder / "graph", names, source, target), "host")
    found = [(int(s), int(t)) for part in arcs_by_source(graph, folder / "work") for s, t in zip(*part, strict=True)]
    assert found == sorted({(s, t) for s, t in pairs if s != t})
    assert not (folder / "work").exists()


def test_ranges_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More nodes than a range has: sources of the second range keep their ids; an unfinished reader leaves nothing."""
    monkeypatch.setattr(spill, "NARROWEST", 4)
    names = [f"n{i:02}.com" for i in range(40)]
    source, target = np.arange(40), (np.arange(40) * 7 + 3) % 40
    graph = Graph(graph_of(tmp_path / "graph", names, source, target), "host")
    parts = list(arcs_by_source(graph, tmp_path / "work"))
    assert len(parts) > 1
    kept = source != target
    assert np.concatenate([part[0] for part in parts]).tolist() == source[kept].tolist()
    assert np.concatenate([part[1] for part in parts]).tolist() == target[kept].tolist()
    next(reader := arcs_by_source(graph, tmp_path / "work"))
    reader.close()  # type: ignore[attr-defined]
    assert not (tmp_path / "work").exists()
