"""The oracles of Paddle's own losses: each value against mpmath, each gradient against differences of the value."""

import mpmath
import numpy as np
import pytest

from tests.losses import paddle_oracles as oracles

X = np.array([[-3.25, 0.5, 17.0], [2.0, -0.125, 30.0]])
WEIGHT = np.array([0.5, 2.0, 3.0])
BINARY = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.25]])


def likelihood(x):
    return [-WEIGHT[2] * x[0, 2], -WEIGHT[0] * x[1, 0]]


def multi_label(x):
    return [
        sum(w * (mpmath.log1p(mpmath.exp(v)) - t * v) for w, v, t in zip(WEIGHT, row, targets, strict=True)) / 3
        for row, targets in zip(x, BINARY, strict=True)
    ]


def probability(x):
    shares = [abs(mpmath.mpf(v)) / 64 for v in x.ravel()]
    return [
        -t * mpmath.log(p) - (1 - t) * mpmath.log1p(-p) for p, t in zip(shares, map(float, BINARY.ravel()), strict=True)
    ]


def hinge(x):
    return [v if t == 1 else max(0, 2.25 - v) for v, t in zip(x.ravel(), (BINARY > 0.5).ravel(), strict=True)]


CASES = {
    "likelihood": (oracles.negative_log_likelihood, np.array([2, 0]), {"weight": WEIGHT}, likelihood, 3.5),
    "multi-label": (oracles.multi_label, BINARY, {"weight": WEIGHT}, multi_label, 2.0),
    "probability": (oracles.probability_cross_entropy, BINARY, {}, probability, 6.0),
    "hinge": (oracles.hinge_embedding, (BINARY > 0.5).astype(float), {"margin": 2.25}, hinge, 6.0),
}


@pytest.mark.parametrize("name", CASES)
def test_the_value_is_that_of_the_documented_formula(name):
    oracle, labels, options, formula, denominator = CASES[name]
    expected = [float(v) for v in formula(X)]
    found = oracle(X, labels, reduction="none", **options)
    np.testing.assert_allclose(found.value.ravel(), expected, rtol=1e-15)
    assert oracle(X, labels, reduction="mean", **options).value == pytest.approx(sum(expected) / denominator, rel=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_the_gradient_is_the_slope_of_the_value(name):
    oracle, labels, options, _, _ = CASES[name]
    slopes, step = np.zeros_like(X), 2.0**-14
    for place in np.ndindex(X.shape):
        ahead, behind = X.copy(), X.copy()
        ahead[place] += step
        behind[place] -= step
        slopes[place] = (oracle(ahead, labels, **options).value - oracle(behind, labels, **options).value) / (2 * step)
    np.testing.assert_allclose(oracle(X, labels, **options).gradient, slopes, rtol=1e-6, atol=1e-9)


def test_a_probability_of_0_is_no_infinite_loss():
    found = oracles.probability_cross_entropy([[0.0], [0.0]], [[1.0], [0.5]], reduction="none")
    assert found.value.ravel().tolist() == [100.0, 50.0]
    assert not found.gradient.any()


def test_at_the_kink_of_the_hinge_every_slope_between_its_sides_is_right():
    found = oracles.hinge_embedding([[1.0], [0.0]], [[0.0], [0.0]], reduction="sum")
    assert found.gradient.ravel().tolist() == [0.0, -1.0]
    for slope, nearest in ((-0.5, -0.5), (-1.5, -1.0), (0.5, 0.0)):
        closest = found.nearest(found.value, np.array([[slope], [0.0]]))
        assert closest.gradient.ravel().tolist() == [nearest, -1.0]
