"""Readers at the edge: hardly any data, one row group, one token to a sequence, steps past 2^40, endless epochs."""

import gc
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coded_roots import Coded, draw, write_coded
from coded_streams import expected_ids, labels_follow, real_ids

from corpus.errors import ShardError
from corpus.reader import ReaderSettings, TokenReader
from corpus.reader.passes import Source
from corpus.reader.settings import PACKINGS, Packing


def reader(folder: Path, **more: Any) -> TokenReader:
    return TokenReader(folder, ReaderSettings(**({"sequence_length": 8, "batch_size": 2} | more)))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three documents of 1, 40 and 7 tokens in one row group."""
    documents = [Coded(number=n, tokens=tokens) for n, tokens in enumerate((1, 40, 7))]
    return write_coded(tmp_path_factory.mktemp("tiny"), documents)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize(("length", "batch", "lanes"), [(1, 1, 1), (1, 6, 6), (8, 1, 1), (4, 3, 3), (24, 1, 1)])
def test_one_row_group_is_read_whole_by_any_lanes(
    tiny: Path, packing: Packing, length: int, batch: int, lanes: int
) -> None:
    """Each token at most once, with labels of its document; over two epochs too."""
    found = list(reader(tiny, packing=packing, sequence_length=length, batch_size=batch, lanes=lanes))
    ids = real_ids(found)
    assert len(np.unique(ids)) == len(ids)
    assert all(labels_follow(one) for one in found)
    if packing == "concat" and 48 % (length * batch) == 0:
        assert len(ids) == 48


def test_documents_longer_than_a_window_and_a_sequence_longer_than_all_windows(tmp_path: Path) -> None:
    """Row groups of one long document or many short ones; a sequence over dozens of windows."""
    documents = [Coded(number=n, tokens=3000 if n % 20 == 0 else 3) for n in range(120)]
    tokens = expected_ids(documents)
    folder = write_coded(tmp_path, documents, row_group_tokens=30)
    for packing, length in (("concat", 4096), ("best_fit", 16), ("concat", len(tokens))):
        found = list(reader(folder, packing=packing, sequence_length=length, batch_size=1, window=1))
        assert all(labels_follow(one) for one in found)
        ids = np.sort(real_ids(found))
        assert np.array_equal(ids, tokens) if length != 4096 else len(np.unique(ids)) == len(ids)


def test_nothing_that_fills_a_sequence_is_an_error(tiny: Path) -> None:
    """In one sentence, before the first batch; when documents are dropped, too."""
    with pytest.raises(ShardError, match="do not fill a sequence of 49 tokens"):
        reader(tiny, sequence_length=49, batch_size=1)
    with pytest.raises(ShardError, match="1 sequences do not fill a sequence of 1 tokens in each of 2 lanes"):
        reader(tiny, sequence_length=1, batch_size=2, packing="pad", too_long="drop")


@pytest.mark.parametrize("packing", ["concat", "pad"])
def test_steps_past_2_to_the_40_are_planned_at_once(tiny: Path, packing: str) -> None:
    """Endless epochs: no pass before the one asked for is made."""
    endless = reader(tiny, packing=packing, epochs=None)
    step = 3 << 40
    batch = endless.batch_at(step)
    assert batch["sequence"].tolist() == [2 * step, 2 * step + 1]
    endless.seek(step)
    assert np.array_equal(next(iter(endless))["input_ids"], batch["input_ids"])


def test_many_repeats_and_epochs_cost_nothing_before_they_come(tmp_path: Path) -> None:
    """A cap that nobody reaches, and more epochs than anyone waits for."""
    folder = write_coded(tmp_path, draw(60, 1, components=("a", "b")))
    mixed = reader(folder, mixture={"a": 1, "b": 1}, repeat=10**9, packing="best_fit", epochs=3)
    assert mixed.plan.steps == 3 * mixed.plan.steps_per_epoch
    assert reader(folder, epochs=10**12).plan.steps > 10**12


def test_threads_count_passes_once() -> None:
    """With best fit the sequences of passes are counted as they are needed, by whatever thread."""
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

    def made() -> Source:
        return Source("*", np.arange(40), np.arange(1, 41), 4, 2, 7, "best_fit", 1)

    alone, together = made(), made()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(together.locate, range(600)))
    assert found == [alone.locate(n) for n in range(600)]


def test_nothing_piles_up(tmp_path: Path) -> None:
    """From ten epochs on some further ten leave fewer objects than one an epoch: an epoch that left any would do so in
    all of them, and what else goes on in the process does not."""
    folder = write_coded(tmp_path, draw(12, 2, mean=10))
    endless = reader(folder, packing="best_fit", epochs=None)
    counts = []
    for number, _ in enumerate(endless):
        if number % (10 * endless.plan.steps_per_epoch) == 0:
            gc.collect()
            counts.append(len(gc.get_objects()))
            if len(counts) == 5:
                break
    assert min(after - before for before, after in pairwise(counts[1:])) < 10
