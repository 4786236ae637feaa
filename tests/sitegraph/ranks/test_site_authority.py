"""Percentiles and positions, and the table they are written to."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from corpus.schema import AUTHORITY
from corpus.storage import ShardSet, TableWriter
from sitegraph.hosts import reverse
from sitegraph.layout import GraphSets
from sitegraph.ranks import authority
from sitegraph.ranks.authority import by_id, by_slot, comparable, forwards, percentiles, positions, write_level
from sitegraph.store.names import Names, NamesWriter
from sitegraph.store.numbering import Numbering

RANKS = st.lists(st.one_of(st.sampled_from([0.0, 1e-12, 0.25]), st.floats(0, 1)), min_size=1, max_size=30)


def numbered(links: Sequence[bool]) -> Numbering:
    """Return the numbering of nodes that link or do not."""
    return Numbering.of_flags(np.array(links, np.bool_))


def slotted(values: Sequence[float], numbering: Numbering) -> NDArray[np.float64]:
    """Return values by id in the order of slots."""
    return np.array(values, np.float64)[numbering.ids(np.arange(len(values)))]


def named(folder: Path, names: Sequence[str]) -> Names:
    """Return the names file of sorted reversed names."""
    with NamesWriter(GraphSets(folder, "").names("host")) as out:
        out.add(pa.array(names, pa.string()))
    return Names(out.path)


def test_scores_of_five_nodes() -> None:
    """The best has percentile 1; those that tie share theirs and are placed by name, wherever their slots lie."""
    numbering = numbered([False, True, False, False, True])
    key = comparable(slotted([0.1 + 1e-17, 0.4, 0.1, 0.3, 0.1], numbering))
    assert np.asarray(percentiles(key, numbering)(0, 5)).tolist() == [0.6, 1.0, 0.6, 0.8, 0.6]
    assert np.asarray(percentiles(key, numbering)(1, 4)).tolist() == [1.0, 0.6, 0.8]
    assert positions(key, numbering).tolist() == [3, 1, 4, 2, 5]


def test_ranks_that_differ_by_rounding_tie() -> None:
    """Ten significant digits decide, at any magnitude; the eleventh does not."""
    key = comparable(np.array([0.1 + 0.2, 0.3, 1.00000000001e-9, 1e-9, 1.0000000011e-9, 0.0, 5e-324, 1e-300]))
    assert key[0] == key[1]
    assert key[2] == key[3] < key[4]
    assert key[5] == 0.0
    assert 0.0 <= key[6] <= key[7] < 1e-290  # too small for ten digits
    assert np.isfinite(key).all()


def test_long_vectors_are_worked_off_piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces do not show."""
    values = np.random.default_rng(2).random(100) ** 9
    numbering = numbered([bool(i % 3) for i in range(100)])

    def scores() -> list[list[float]]:
        key = comparable(values)
        return [key.tolist(), percentiles(key, numbering)(0, 100).tolist(), positions(key, numbering).tolist()]

    whole = scores()
    monkeypatch.setattr(authority, "CHUNK", 7)
    assert scores() == whole


@settings(deadline=None)  # the first call compiles
@given(RANKS, st.data())
def test_percentiles_count_what_ranks_lower_or_equal(ranks: list[float], data: st.DataObject) -> None:
    """Equal to counting pair by pair."""
    numbering = numbered(data.draw(st.lists(st.booleans(), min_size=len(ranks), max_size=len(ranks))))
    key = comparable(np.array(ranks))
    expected = [sum(other <= one for other in key) / len(key) for one in key]
    assert percentiles(key, numbering)(0, len(key)) == pytest.approx(numbering.by_id(np.array(expected), 0, len(key)))


@settings(deadline=None)
@given(RANKS, st.data())
def test_positions_are_a_sort_by_rank_then_name(ranks: list[float], data: st.DataObject) -> None:
    """Equal to sorting pairs (the order of ids is that of names); every place from 1 to n is taken once."""
    numbering = numbered(data.draw(st.lists(st.booleans(), min_size=len(ranks), max_size=len(ranks))))
    key = comparable(slotted(ranks, numbering))
    by_node = numbering.by_id(key, 0, len(key))
    order = sorted(range(len(key)), key=lambda node: (-by_node[node], node))
    assert positions(key, numbering)[order].tolist() == list(range(1, len(key) + 1))


@settings(deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "bc", "xn--x", "d-e"]), min_size=1, max_size=5), max_size=8), st.data())
def test_names_are_turned_label_by_label(names: list[list[str]], data: st.DataObject) -> None:
    """Also of a slice of an array, and of strings with large offsets."""
    texts = [".".join(labels) for labels in names]
    start = data.draw(st.integers(0, len(texts)))
    array = pa.array(texts, data.draw(st.sampled_from([pa.string(), pa.large_string()])))[start:]
    turned = forwards(array)
    assert turned.type == pa.string()
    assert turned.to_pylist() == [reverse(text) for text in texts[start:]]


def test_a_level_is_written_in_the_order_of_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows by reversed name, values by id whatever their slots, in row groups that hold one level."""
    monkeypatch.setattr(authority, "ROWS", 2)
    names = named(tmp_path, ["com.a", "com.a-z", "com.a.b", "org.c", "org.d"])
    numbering = numbered([True, False, True, False, True])
    rank = slotted([0.1, 0.2, 0.3, 0.15, 0.25], numbering)
    columns = {"pagerank": by_slot(rank, numbering), "in_domains": by_id(np.arange(5))}
    out = ShardSet(tmp_path, "authority")
    with TableWriter(out, 0, AUTHORITY) as writer:
        write_level(writer, "domain", names, columns)
        write_level(writer, "host", names, columns | {"platform": by_id(np.arange(5) == 1)}, "ranks.txt.gz")
    with pq.ParquetFile(out.path(0)) as file:
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)]
    assert sizes == [2, 2, 1, 2, 2, 1]
    table = pq.read_table(out.path(0))
    assert table.schema.equals(AUTHORITY)
    assert table["level"].to_pylist() == ["domain"] * 5 + ["host"] * 5
    assert table["reversed"].to_pylist() == list(names) * 2
    assert table["name"].to_pylist() == ["a.com", "a-z.com", "b.a.com", "c.org", "d.org"] * 2
    assert table["pagerank"].to_pylist() == [0.1, 0.2, 0.3, 0.15, 0.25] * 2
    assert table["in_domains"].to_pylist() == [0, 1, 2, 3, 4] * 2
    assert table["source"].to_pylist() == ["crawl"] * 5 + ["ranks.txt.gz"] * 5
    assert table["platform"].to_pylist() == [False] * 6 + [True] + [False] * 3
    assert table["trust"].null_count == table["supporters"].null_count == 10


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    """NaN of a float column, what is masked of an integer one; a zero stays a zero."""
    names = named(tmp_path, ["com.a", "com.b", "com.c"])
    columns = {
        "harmonic": by_id(np.array([np.nan, 0.0, 2.5])),
        "position": by_id(np.ma.masked_equal(np.array([2, 0, 1]), 0)),
        "supporters": by_id(pa.array([[1, 2, 3, 4], None, []], pa.list_(pa.int64()))),
    }
    out = ShardSet(tmp_path, "authority")
    with TableWriter(out, 0, AUTHORITY) as writer:
        write_level(writer, "host", names, columns)
    table = pq.read_table(out.path(0))
    assert table["harmonic"].to_pylist() == [None, 0.0, 2.5]
    assert table["position"].to_pylist() == [2, None, 1]
    assert table["supporters"].to_pylist() == [[1, 2, 3, 4], None, []]


def test_a_level_without_nodes_has_no_rows(tmp_path: Path) -> None:
    """Nor has a table of two of them."""
    out = ShardSet(tmp_path, "authority")
    with TableWriter(out, 0, AUTHORITY) as writer:
        write_level(writer, "host", named(tmp_path, []), {})
    assert pq.read_table(out.path(0)).num_rows == 0
