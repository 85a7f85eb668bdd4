"""What a departure gives for a gradient is the derivative of what it gives for a value, where it departs in both."""

import numpy as np
import pytest

from properties.contracts.average_top_k import CONTRACT as TOP_K
from properties.contracts.cost_sensitive import CONTRACT as COSTS
from properties.contracts.ghm_regression import CONTRACT as REGRESSION
from properties.contracts.sigmoid_focal import CONTRACT as FOCAL
from properties.departures import of_broadcast, of_costs, of_entries, of_rows, of_sigmoid_focal, of_smooth, of_top_k
from properties.problems.problem import Problem

STEP = 1e-6

# in the value and not in the gradient, or the other way round; and numbers that the examples below do not come near
APART = {
    "factor-detached",
    "entropy-detached",
    "slope-without-sign",
    "gradient-of-the-first",
    "gradient-of-the-foremost",
    "logarithms-of-zero",
    "losses-capped-at-64",
}


def names(*catalogues):
    changed = [d for catalogue in catalogues for d in catalogue if d.change is not None and not d.inherited]
    return sorted({d.name for d in changed} - APART)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def entries(**options):
    t = np.array([[1.0, 0.0], [0.25, 1.0], [-1.0, 0.0]])
    config = {"gamma": 1.5, "alpha": 0.25, "denominator": "weights"}
    return Problem(numbers(3, 2), t, targets="probability", ignore_index=-1, config=config, **options)


def errors(**options):
    config = {"mu": 0.5, "bins": 1, "normalize": "occupied", "denominator": "weights"}
    return Problem(numbers(3, 2), numbers(3, 2, seed=1), targets="real", ignore_index=None, config=config, **options)


def classes(config, **options):
    labels = np.array([0, 2, 1, -1])
    config = {**config, "denominator": "weights"}
    return Problem(numbers(4, 3), labels, weight=np.array([1.0, 2.0, 0.5]), ignore_index=-1, config=config, **options)


def differences(contract, problem, departure):
    found = np.zeros_like(problem.logits)
    for place in np.ndindex(found.shape):
        step = np.zeros_like(found)
        step[place] = STEP
        ahead, behind = (problem.replace(logits=problem.logits + s) for s in (step, -step))
        rise = contract.model(ahead, [departure]).value - contract.model(behind, [departure]).value
        found[place] = rise / (2.0 * STEP)
    return found


def check(contract, problem, name):
    departure = contract.catalogue[name]
    gradient = contract.model(problem, [name]).gradient
    assert gradient == pytest.approx(differences(contract, problem, departure.fitted()), abs=1e-7)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    "name",
    names(of_entries.OF_ENTRIES, of_rows.OF_ROWS, of_broadcast.OF_BROADCAST[:1], of_sigmoid_focal.OF_SIGMOID_FOCAL),
)
def test_entries(name, reduction):
    mask = np.array([[2.0, 1.0], [3.0, 0.0], [1.0, 1.0]])
    masked = "label-weight" in name
    check(FOCAL, entries(reduction=reduction, label_weight=mask if masked else None), name)


@pytest.mark.parametrize("name", names(of_smooth.OF_SMOOTH))
def test_errors(name):
    check(REGRESSION, errors(), name)


@pytest.mark.parametrize("name", names(of_costs.OF_COSTS))
def test_costs(name):
    counts = {"num_class_list": np.array([20.0, 5.0, 0.0]), "gamma": 0.5, "empty_class_weight": 0.25}
    check(COSTS, classes({**counts, "soft_weight": "paddle"}), name)


@pytest.mark.parametrize("name", names(of_top_k.OF_TOP_K))
def test_largest(name):
    check(TOP_K, classes({"individual": "cross_entropy", "top_k": 0.7, "k": None}), name)
