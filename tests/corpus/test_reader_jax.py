"""Batches by number have one shape, are the reader's, and can be had from threads and other processes."""

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from token_roots import make_shards

from corpus.errors import SettingError
from corpus.reader import Batch, ReaderSettings, TokenReader
from corpus.reader.batch import fixed
from corpus.reader_jax import StepSource

SETTINGS = ReaderSettings(sequence_length=32, batch_size=4, packing="best_fit", seed=1, dtype="int32")
SEGMENTS = 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_shards(tmp_path_factory.mktemp("jax"), count=100)


def same(one: Batch, two: Batch) -> bool:
    return one.keys() == two.keys() and all(np.array_equal(one[name], two[name]) for name in one)


def test_items_are_the_readers_batches_in_one_shape(folder: Path) -> None:
    """Item i is batch i, rank by rank, with cu_seqlens drawn out to one length; shapes and dtypes never change."""
    for rank in (0, 1):
        source = StepSource(folder, SETTINGS, rank=rank, world_size=2, segments=SEGMENTS)
        batches = list(TokenReader(folder, SETTINGS, rank=rank, world_size=2))
        assert len(source) == len(batches) > 3
        items = [source[step] for step in range(len(source))]
        assert len({tuple((k, np.shape(v), v.dtype.str) for k, v in item.items()) for item in items}) == 1
        for item, batch in zip(items, batches, strict=True):
            assert np.array_equal(item["cu_seqlens"], fixed(batch["cu_seqlens"], SEGMENTS + 1))
            assert all(np.array_equal(item[name], batch[name]) for name in item if name != "cu_seqlens")
            assert "documents" not in item


def test_segments_are_optional_and_have_a_limit(folder: Path) -> None:
    """Without, there is no cu_seqlens; too few is an error with the number that there are."""
    assert "cu_seqlens" not in StepSource(folder, SETTINGS)[0]
    with pytest.raises(ValueError, match=r"\d+ segments do not fit in 3 entries"):
        StepSource(folder, SETTINGS, segments=2)[0]


def test_it_is_a_sequence(folder: Path) -> None:
    """A loop ends at its end, negative numbers count from there, numpy's numbers are numbers."""
    source = StepSource(folder, SETTINGS)
    assert len(list(source)) == len(source)
    assert same(source[-1], source[np.int64(len(source) - 1)])
    with pytest.raises(IndexError, match="is not among the"):
        source[len(source)]
    with pytest.raises(SettingError, match="a source has a length"):
        StepSource(folder, replace(SETTINGS, epochs=None))


def test_threads_and_copies_get_the_same(folder: Path) -> None:
    """Four threads at once in any order, and a copy that was pickled, as loaders with workers make them."""
    source = StepSource(folder, SETTINGS, segments=SEGMENTS)
    expected = [source[step] for step in range(len(source))]
    order = np.random.default_rng(1).permutation(len(source)).tolist()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(source.__getitem__, order))
    copy = pickle.loads(pickle.dumps(source))  # noqa: S301 - what this test has just pickled
    assert all(same(item, expected[step]) for step, item in zip(order, found, strict=True))
    assert all(same(copy[step], expected[step]) for step in range(len(copy)))


def test_it_needs_neither_jax_nor_grain() -> None:
    """Importing the module imports none of them, nor torch."""
    code = "import sys, corpus.reader_jax; print([m for m in ('jax', 'grain', 'torch') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
