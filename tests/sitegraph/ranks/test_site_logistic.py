"""Logistic regression with a ridge."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from sitegraph.ranks.logistic import Vector, chances, fit

SIDES = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def loss(weights: Vector, x: Vector, yes: Vector, ridge: float) -> float:
    """The sum that is to be least, written out."""
    p = 1.0 / (1.0 + np.exp(-(weights[0] + x @ weights[1:])))
    return float(-np.log(np.where(yes, p, 1.0 - p)).sum() + ridge / 2 * (weights[1:] ** 2).sum())


@given(seed=st.integers(0, 1000), k=st.integers(1, 5), ridge=st.sampled_from([0.1, 1.0, 10.0]))
@settings(deadline=None, max_examples=30)
def test_weights_are_those_of_a_general_minimiser(seed: int, k: int, ridge: float) -> None:
    """SciPy's, of the sum written out; the covariance is the inverse of its curvature, by differences."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(60, k))
    yes = x[:, 0] + random.normal(size=60) > 0.5
    yes[:2] = [True, False]
    found = fit(x, yes, ridge)
    expected = minimize(loss, np.zeros(k + 1), (x, yes, ridge), "BFGS", options={"gtol": 1e-9})
    assert found.weights == pytest.approx(expected.x, abs=1e-5)
    step = 1e-3 * np.eye(k + 1)
    bend = [
        [
            sum(
                a * b * loss(found.weights + a * step[i] + b * step[j], x, yes, ridge) for a in (1, -1) for b in (1, -1)
            )
            / 4e-6
            for j in range(k + 1)
        ]
        for i in range(k + 1)
    ]
    assert found.covariance @ np.array(bend) == pytest.approx(np.eye(k + 1), abs=1e-3)


def test_without_numbers_the_chance_is_the_share_of_yes() -> None:
    """Three of four: log-odds of log 3, whose variance is 1 / (4 * 3/4 * 1/4)."""
    found = fit(np.zeros((4, 0)), np.array([True, True, True, False]))
    assert found.weights == pytest.approx([np.log(3)])
    assert found.errors(np.zeros((1, 0))) == pytest.approx([np.sqrt(4 / 3)])


def test_answers_that_one_number_parts_have_finite_weights() -> None:
    """Without a ridge they would have none; with more numbers than answers too."""
    found = fit(np.arange(10.0)[:, None] - 4.5, np.arange(10) >= 5)
    assert 0.5 < found.weights[1] < 3.0
    wide = fit(np.eye(6), np.array([True, False, True, False, True, False]))
    assert np.isfinite(wide.weights).all()


def test_chances_do_not_overflow() -> None:
    """Log-odds of a thousand either way are certain."""
    assert chances(np.array([-1000.0, 0.0, np.log(3), 1000.0])) == pytest.approx([0.0, 0.5, 0.75, 1.0])
