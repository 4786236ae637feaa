"""Logistic regression with a ridge: the chance of a yes, from a few numbers about each case and some hundred answers.

    log(p / (1 - p)) = b + w . x

b and w have the least sum of -log(chance of the answer) over all cases, plus ridge / 2 times |w|^2: with more numbers
than the answers can tell apart, or answers that one number parts without an error, there is still one such, and the
chances stay within what so few answers allow. Found by Newton's steps, halved while they lead uphill; the sum is
strictly convex, so they lead to it from anywhere. How sure a chance is comes from the curvature there (Laplace's
approximation).

Source: Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 2009, 4.4.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
STEPS: Final = 100
CLOSE: Final = 1e-10


@dataclass(frozen=True, slots=True)
class Logistic:
    """What was found. weights: float64[k + 1], the intercept b first; covariance: float64[k + 1, k + 1], of them."""

    weights: Vector
    covariance: Vector

    def log_odds(self, x: Vector) -> Vector:
        """Return log(p / (1 - p)) of each row of x, float64[n, k]."""
        return weighed(with_ones(x), self.weights)

    def errors(self, x: Vector) -> Vector:
        """Return the standard error of the log-odds of each row."""
        rows = with_ones(x)
        return np.asarray(np.sqrt(np.einsum("ij,jk,ik->i", rows, self.covariance, rows)))


def fit(x: Vector, yes: NDArray[np.bool_], ridge: float = 1.0) -> Logistic:
    """Return the regression of answers, bool[n], of both kinds, on x, float64[n, k]: finite, each column of spread 1.

    ridge: above 0; the answers' worth by which weights are drawn to 0.
    """
    rows, signs = with_ones(x), np.where(yes, 1.0, -1.0)
    penalty = np.full(rows.shape[1], ridge)
    penalty[0] = 0.0

    def loss(weights: Vector) -> float:
        return float(np.logaddexp(0.0, -signs * (weighed(rows, weights))).sum() + penalty @ weights**2 / 2)

    def curve(weights: Vector) -> tuple[Vector, Vector]:
        p = chances(weighed(rows, weights))
        bend = np.einsum("ij,i,ik->jk", rows, p * (1.0 - p), rows) + np.diag(penalty)
        return np.einsum("ij,i->j", rows, p - yes) + penalty * weights, bend

    weights = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        slope, bend = curve(weights)
        step = np.linalg.solve(bend, slope)
        here = loss(weights)
        while loss(weights - step) > here and np.abs(step).max() > CLOSE:
            step = step / 2
        weights = weights - step
        if np.abs(step).max() <= CLOSE:
            break
    return Logistic(weights, np.asarray(np.linalg.inv(curve(weights)[1]), np.float64))


def weighed(rows: Vector, weights: Vector) -> Vector:
    """Return rows @ weights, added up column by column: a BLAS does it in an order that hangs on the threads it has and
    on how many rows there are, and chances would not be the same to the last bit."""
    found = np.zeros(len(rows))
    for column, weight in zip(rows.T, weights, strict=True):
        found += weight * column
    return found


def with_ones(x: Vector) -> Vector:
    """Return rows with a 1 before them."""
    return np.concatenate([np.ones((len(x), 1)), x], axis=1)


def chances(log_odds: Any) -> Any:
    """Return p for log(p / (1 - p)), without overflow."""
    small = np.exp(-np.abs(log_odds))
    return np.where(np.asarray(log_odds) >= 0, 1.0, small) / (1.0 + small)
