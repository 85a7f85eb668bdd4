"""Triage: which ingredients a contradiction cannot do without, one of them removed at a time."""

import numpy as np
import pytest

from properties.contracts import contract_named
from properties.engine.conditions import conditions
from properties.engine.description import laws_of
from properties.engine.trial import Trial
from properties.problems.problem import Problem
from tests.properties.oracle_observer import OracleObserver

CROSS_ENTROPY = contract_named("cross_entropy")
LAW = next(law for law in laws_of(CROSS_ENTROPY) if law.id == "oracle/gradient")
TRIAL = Trial(LAW, CROSS_ENTROPY, OracleObserver(CROSS_ENTROPY), frozenset(), CROSS_ENTROPY.domain)
REST = {"label_smoothing": 0.0, "soft_weight": "paddle", "denominator": "weights"}


def several(problem):
    return problem.valid.sum() > 1


def two_classes(problem):
    return len(np.unique(problem.labels[problem.valid])) > 1


def crowded(problem):
    labels = problem.labels[problem.valid]
    return len(np.unique(labels)) < len(labels)


def upstream(problem):
    return problem.cotangent is not None


@pytest.mark.parametrize(
    ("stands", "labels", "words"),
    [
        (several, [0, 0], "at least two elements"),
        (two_classes, [0, 1], "at least two classes present"),
        (crowded, [1, 1], "several elements of one class"),
        (upstream, [0, 1], "an upstream gradient"),
    ],
)
def test_what_it_takes_is_found(stands, labels, words):
    problem = Problem(np.zeros((2, 3)), np.array(labels), config=REST, cotangent=np.array(2.0))
    assert stands(problem)
    assert words in conditions(problem, TRIAL, stands)
    assert words not in conditions(problem, TRIAL, lambda other: True)


def test_soft_labels_are_an_ingredient():
    problem = Problem(np.zeros((1, 2)), np.array([[0.5, 0.5]]), config=REST, targets="soft")
    assert "soft labels" in conditions(problem, TRIAL, lambda other: other.targets == "soft")
