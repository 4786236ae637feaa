"""Sorted lists come back from the disk as they were."""

from pathlib import Path

import numpy as np
import pytest

from corpus.errors import StorageError
from sitegraph.store.classes import COLUMNS
from sitegraph.store.kept import keep, kept
from sitegraph.store.merging import ALONE, Lists


@pytest.mark.parametrize(("arcs", "rows"), [(0, 0), (0, 1), (5, 1), (1000, 255), (1000, 256), (1000, 700)])
def test_what_was_kept(tmp_path: Path, arcs: int, rows: int) -> None:
    """Of any number of rows: an index of one byte holds 255 of them."""
    random = np.random.default_rng(rows)
    index = random.integers(0, rows, arcs).astype(np.int32) if arcs else np.zeros(0, np.int32)
    index[-1:] = rows - 1
    sources = random.integers(0, 2**32, arcs, np.uint32)
    counts = random.integers(0, 2**62, (rows, len(COLUMNS)))
    lists = Lists(np.array([0, arcs // 2, arcs]), sources, counts, index)
    keep(tmp_path / "0.lists", lists)
    found = kept(tmp_path / "0.lists", 2, 2**32)
    for name in ("offsets", "sources", "rows", "index"):
        one, two = getattr(lists, name), getattr(found, name)
        assert (one.dtype, one.shape) == (two.dtype, two.shape)
        assert np.array_equal(one, two)
    assert [path.name for path in tmp_path.iterdir()] == ["0.lists"]


def test_a_cut_file_is_an_error(tmp_path: Path) -> None:
    """It would be a graph with arcs missing."""
    path = tmp_path / "0.lists"
    keep(path, Lists(np.array([0, 9]), np.arange(9, dtype=np.uint32), ALONE, np.zeros(9, np.int32)))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StorageError, match=r"0\.lists: shorter than it was"):
        kept(path, 1, 9)


@pytest.mark.parametrize(("word", "value"), [(0, 2), (1, 8), (3, 1), (3, 0), (5, 1), (6, 10), (6, -1), (7, 8)])
def test_lists_that_point_out_of_bounds_are_an_error(tmp_path: Path, word: int, value: int) -> None:
    """The numbers of offsets, sources and indices are words 0, 1 and 3 of the file, the offsets (0, 3 and 9) words 5 to
    7; whoever followed them would read other memory."""
    path = tmp_path / "0.lists"
    keep(path, Lists(np.array([0, 3, 9]), np.arange(9, dtype=np.uint32), ALONE, np.zeros(9, np.int32)))
    kept(path, 2, 9)
    with pytest.raises(StorageError, match=r"0\.lists: its lists are not what was kept"):
        kept(path, 2, 8)
    with pytest.raises(StorageError, match=r"0\.lists: its lists are not what was kept"):
        kept(path, 1, 9)
    words = np.fromfile(path, np.uint8)
    words[8 * word : 8 * word + 8] = np.array([value], np.int64).view(np.uint8)
    words.tofile(path)
    with pytest.raises(StorageError, match=r"0\.lists: its lists are not what was kept"):
        kept(path, 2, 9)
