"""How well an epoch mixes: as the writers order documents, and what the reader's own shuffle does and does not do.

Documents of a component are written in the order of a keyed hash, so a row group is a sample of it, and the reader
permutes row groups, deals them to lanes and shuffles within windows. The first is what mixes documents; the second
mixes row groups. Few seeds here; a hundred in tests/accept.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coded_roots import Coded, write_coded
from shuffle_checks import SIGMAS, correlations, ends, independence, linear_orders, order_of

from corpus.reader import ReaderSettings, TokenReader

SETTINGS = ReaderSettings(sequence_length=16, batch_size=8, lanes=8)
WRITTEN, ALONE = 4000, 1000


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of 8 tokens as the pipeline writes them, about 20 in a row group."""
    documents = [Coded(number=n, tokens=8) for n in range(WRITTEN)]
    return write_coded(tmp_path_factory.mktemp("written"), documents, row_group_tokens=160, shard_tokens=10_000)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents in the order of their numbers, each a row group: nothing but the reader mixes them."""
    documents = [Coded(number=n, tokens=16) for n in range(ALONE)]
    return write_coded(tmp_path_factory.mktemp("alone"), documents, row_group_tokens=1, ordered=True)


@pytest.mark.parametrize("seed", range(3))
def test_documents_as_written_come_in_no_order_of_their_source(written: Path, seed: int) -> None:
    """Deciles of a sorted corpus: independent of lane and place, even at both ends, no correlation at 512 lags."""
    order = order_of(TokenReader(written, replace(SETTINGS, seed=seed)))
    assert len(order.documents) > WRITTEN * 0.99
    assert independence(order, WRITTEN)[1] > 0.01
    assert min(ends(order, WRITTEN)) > 0.01
    assert np.abs(correlations(order, 512)).max() < SIGMAS


@pytest.mark.parametrize("seed", range(2))
def test_row_groups_come_in_no_order(alone: Path, seed: int) -> None:
    """The same of the reader's own shuffle, with row groups of one document each, in sorted order."""
    order = order_of(TokenReader(alone, replace(SETTINGS, seed=seed)))
    assert independence(order, ALONE)[1] > 0.01
    assert min(ends(order, ALONE)) > 0.01
    assert np.abs(correlations(order, 256)).max() < SIGMAS


def test_a_linear_congruence_is_found_out(alone: Path) -> None:
    """The control: in place of the keyed permutation one that looks mixed to the eye; documents predict one another."""
    with linear_orders():
        order = order_of(TokenReader(alone, replace(SETTINGS, seed=1)))
    assert len(set(order.documents.tolist())) == len(order.documents)
    assert np.abs(correlations(order, 256)).max() > 2 * SIGMAS


def test_documents_that_were_written_in_order_stay_in_clumps(tmp_path: Path) -> None:
    """The limit of the reader: row groups of 20 documents of one source each reach a lane's window together.

    So chi-square is more than ten times what it should be; this is why shards are written in the order of a hash.
    """
    documents = [Coded(number=n, tokens=8) for n in range(WRITTEN)]
    folder = write_coded(tmp_path, documents, row_group_tokens=160, ordered=True)
    ratio, p = independence(order_of(TokenReader(folder, SETTINGS)), WRITTEN)
    assert p < 1e-6
    assert 10 < ratio < 20
