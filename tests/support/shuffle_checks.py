"""Statistics of the order in which documents come, on a corpus sorted by source: document n is of decile 10 n / N.

An order that mixes well tells nothing of the source: deciles are independent of lane and of place in the run, the first
and the last twentieth of an epoch are samples of the whole, and a document's number says nothing of those after it.
"""

import contextlib
import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2_contingency, chisquare

from corpus.reader import TokenReader

Ints = npt.NDArray[np.int64]
BUCKETS = 4
SIGMAS = 4


@dataclass(frozen=True)
class Order:
    """Documents in the order in which their first token came; the lane and the step of each."""

    documents: Ints
    lanes: Ints
    steps: Ints


def order_of(reader: TokenReader) -> Order:
    """Read a stream of coded ids (coded_roots.py) to its end."""
    found = []
    for step, batch in enumerate(reader):
        ids = batch["input_ids"]
        rows, places = np.nonzero((ids & 4095 == 0) & (batch["segment_ids"] > 0))
        found.append(np.stack([ids[rows, places] >> 12, rows // reader.plan.per_lane, np.full(len(rows), step)]))
    return Order(*np.concatenate(found, axis=1))


def table(order: Order, count: int) -> Ints:
    """Return how many documents of each decile came in each lane and quarter of the run."""
    cell = order.lanes * BUCKETS + order.steps * BUCKETS // (int(order.steps.max()) + 1)
    found = np.zeros((int(cell.max()) + 1, 10), np.int64)
    np.add.at(found, (cell, order.documents * 10 // count), 1)
    return found


def independence(order: Order, count: int) -> tuple[float, float]:
    """Return chi-square over its degrees of freedom, and p, of (lane, quarter) x decile."""
    found = chi2_contingency(table(order, count), correction=False)
    return float(found.statistic / found.dof), float(found.pvalue)


def ends(order: Order, count: int) -> tuple[float, float]:
    """Return p of the deciles in the first and in the last twentieth being even."""
    deciles, some = order.documents * 10 // count, len(order.documents) // 20
    parts = (deciles[:some], deciles[-some:])
    first, last = (float(chisquare(np.bincount(part, minlength=10)).pvalue) for part in parts)
    return first, last


def correlations(order: Order, lags: int) -> npt.NDArray[np.float64]:
    """Return the correlation of document numbers at lags from 1 on, in standard errors."""
    values = order.documents.astype(float)
    values = (values - values.mean()) / values.std()
    sizes = np.arange(len(values) - 1, len(values) - 1 - lags, -1)
    return np.array([values[lag:] @ values[:-lag] for lag in range(1, lags + 1)]) / np.sqrt(sizes)


def linear(size: int, *key: Any) -> Ints:
    """Return an order from a linear congruence: the control, which has to be found out."""
    number = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big")
    factor = 1 + number % max(1, size - 1)
    while math.gcd(factor, size) != 1:
        factor += 1
    return (np.arange(size) * factor + number // size % size) % size


@contextlib.contextmanager
def linear_orders() -> Iterator[None]:
    """Let row groups, documents and sequences be ordered by `linear`."""
    with (
        mock.patch("corpus.reader.passes.permuted", linear),
        mock.patch("corpus.reader.window.shuffled", linear),
    ):
        yield
