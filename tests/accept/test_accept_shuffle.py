"""A hundred seeds of the shuffle (tests/corpus/reader/test_shuffle.py has a few, and says what is tested)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coded_roots import Coded, write_coded
from shuffle_checks import SIGMAS, correlations, ends, independence, linear_orders, order_of

from corpus.reader import ReaderSettings, TokenReader

pytestmark = [pytest.mark.accept, pytest.mark.timeout(3600)]

SETTINGS = ReaderSettings(sequence_length=16, batch_size=8, lanes=8)
SEEDS, WRITTEN, ALONE = 100, 6000, 1500
ENDS = 96
"""Of 100 seeds whose ends have p > 0.01: chance gives 99, and fewer than 96 once in 50 times that four are asked."""


def figures(folder: Path, count: int, lags: int) -> dict[str, int]:
    """Return in how many of the seeds each statistic is as chance has it, and how many lags are beyond 4 sigmas."""
    found = {"independent": 0, "first": 0, "last": 0, "lags": 0}
    for seed in range(SEEDS):
        order = order_of(TokenReader(folder, replace(SETTINGS, seed=seed)))
        found["independent"] += independence(order, count)[1] > 0.01
        first, last = ends(order, count)
        found["first"] += first > 0.01
        found["last"] += last > 0.01
        found["lags"] += int(np.count_nonzero(np.abs(correlations(order, lags)) > SIGMAS))
    return found


def test_documents_as_the_pipeline_writes_them(tmp_path: Path) -> None:
    """p > 0.01 in 98 of 100 seeds or more; of 102,400 correlations 6 are beyond 4 sigmas by chance, here 16 at most."""
    documents = [Coded(number=n, tokens=8) for n in range(WRITTEN)]
    folder = write_coded(tmp_path, documents, row_group_tokens=160, shard_tokens=10_000)
    found = figures(folder, WRITTEN, 1024)
    print("as written", found)
    assert found["independent"] >= 98
    assert min(found["first"], found["last"]) >= ENDS
    assert found["lags"] <= 16


def test_the_readers_own_shuffle(tmp_path: Path) -> None:
    """The same of row groups in sorted order, one document each; the linear congruence fails with every seed."""
    documents = [Coded(number=n, tokens=16) for n in range(ALONE)]
    folder = write_coded(tmp_path, documents, row_group_tokens=1, ordered=True)
    found = figures(folder, ALONE, 512)
    print("reader alone", found)
    assert found["independent"] >= 98
    assert min(found["first"], found["last"]) >= ENDS
    assert found["lags"] <= 10
    with linear_orders():
        control = [order_of(TokenReader(folder, replace(SETTINGS, seed=seed))) for seed in range(20)]
    caught = [float(np.abs(correlations(order, 512)).max()) for order in control]
    print("linear congruence, largest correlation in sigmas", [round(one, 1) for one in sorted(caught)])
    assert min(caught) > SIGMAS  # by chance one seed in thirty
