"""The analytic gradients against differences of the oracles' own values.

GHM and the k largest jump; here no step crosses a jump, so within it their weights and their choice are constants.
"""

import numpy as np
import pytest

from reference import average_top_k, cross_entropy
from tests.reference import table

STEP = 1e-4
CLEAR = 0.01
"""Kept from every region's edge and every tie: more than a few steps can cross."""
SETTINGS = {
    "none": {"reduction": "none"},
    "sum": {"reduction": "sum"},
    "mean": {},
    "mean by count": {"denominator": "count"},
    "mean by a normalizer": {"normalizer": 3.7},
}


def differences(loss, logits, upstream):
    """Central differences of fourth order of sum(upstream * loss), by each logit."""
    slopes = np.empty(logits.shape)
    for place in np.ndindex(logits.shape):
        total = 0.0
        for steps, share in ((-2, 1), (-1, -8), (1, 8), (2, -1)):
            moved = logits.copy()
            moved[place] += steps * STEP
            total += share * float((loss(moved).value * upstream).sum())
        slopes[place] = total / (12 * STEP)
    return slopes


def steps_over_nothing(loss, logits):
    """Whether no move of a few steps is near a jump: the answer stays unambiguous in a wide slack."""
    return not loss(logits, unit_roundoff=CLEAR / 100).ambiguous


def clear_problem(name, rng, **options):
    oracle = table.ALL[name]
    for _ in range(1000):
        logits, labels = table.problem(name, rng, n=5, scale=1.5)
        labels, extra = with_some_ignored(name, labels)
        settled = {**options, **extra}
        if "ghm" not in name and "top_k" not in name:
            return logits, labels, extra
        if steps_over_nothing(lambda z, labels=labels, o=settled, **slack: oracle(z, labels, **o, **slack), logits):
            return logits, labels, extra
    raise AssertionError("no problem clear of jumps")


def with_some_ignored(name, labels):
    if name in table.BY_CLASS:
        labels[1] = -100
    elif name in table.BY_ENTRY:
        labels[1, 0] = -100
    if name in table.WITH_LABEL_WEIGHT:
        mask = np.ones(labels.shape)
        mask[2] = 0
        return labels, {"label_weight": mask}
    return labels, {}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize(
    ("name", "weighted"),
    [(name, weighted) for name in table.ALL for weighted in (False, True) if table.weight_of(name) or not weighted],
)
def test_the_gradient_is_the_derivative(name, weighted, setting):
    rng = np.random.default_rng(5)
    oracle, options = table.ALL[name], {**SETTINGS[setting], **(table.weight_of(name) if weighted else {})}
    for _ in range(3):
        logits, labels, extra = clear_problem(name, rng, **options)
        shape = table.value_shape(name, logits) if options.get("reduction") == "none" else ()
        upstream = rng.normal(size=shape)
        answer = oracle(logits, labels, cotangent=upstream, **options, **extra)
        found = differences(lambda z, y=labels, o={**options, **extra}: oracle(z, y, **o), logits, upstream)
        assert np.allclose(answer.gradient, found, rtol=1e-8, atol=1e-9)
        assert np.abs(answer.gradient).max() > 1e-3


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_the_gradient_of_given_losses_is_the_derivative(reduction):
    rng = np.random.default_rng(6)
    losses, weight, valid = rng.normal(size=(3, 4)) * 5, rng.uniform(0.2, 2, (3, 4)), np.ones((3, 4), bool)
    valid[1, 1:3] = False
    upstream = rng.normal(size=(3, 4) if reduction == "none" else ())
    options = {"k": 4, "weight": weight, "valid": valid, "reduction": reduction}
    answer = average_top_k(losses, cotangent=upstream, **options)
    found = differences(lambda x: average_top_k(x, **options), losses, upstream)
    assert np.allclose(answer.gradient, found, rtol=1e-8, atol=1e-9)
    assert (answer.gradient != 0).sum() == 4


def test_a_soft_gradient_is_as_exact_among_a_hundred_classes():
    classes = 99
    logits, labels = np.zeros((1, classes)), np.full((1, classes), 1 / classes)
    logits[0, 0] = 18.4
    gradient = cross_entropy(logits, labels, reduction="sum").gradient[0]
    wide = np.exp(logits[0].astype(np.longdouble))
    exact = wide / wide.sum() * labels[0].astype(np.longdouble).sum() - labels[0]
    np.testing.assert_allclose(gradient, exact.astype(float), rtol=1e-15, atol=0)


def test_many_classes_along_any_axis_have_the_same_gradient():
    logits = np.random.default_rng(3).normal(size=(5, 254)) * 6.0
    labels = np.array([0, 7, 100, 253, 31])
    along = cross_entropy(logits, labels, reduction="sum")
    across = cross_entropy(logits.T.copy(), labels, reduction="sum", axis=0)
    assert np.array_equal(across.gradient, along.gradient.T)
    assert across.value == along.value
