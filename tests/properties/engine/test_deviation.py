"""Shrinking keeps what it shrinks: the smallest case shows the kind of deviation that was first seen, and its size."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from properties.contracts import contract_named
from properties.engine.description import laws_of
from properties.engine.deviation import deviation
from properties.engine.pipeline import Job, look_for_larger, search, shrink
from properties.engine.task import Task
from properties.engine.trial import Trial
from properties.judging.finding import Finding
from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem
from properties.subjects.raised import raised

CE = contract_named("cross_entropy")
LAWS = {law.id: law for law in laws_of(CE)}
TAKES = frozenset({"weight", "ignore_index", "reduction", "axis"})
PROBLEM = Problem(np.zeros((1, 2)), np.array([0]))


class Faulty:
    """Answers as the oracle does, in float64, but for what a fault makes of it."""

    def __init__(self, fault):
        self._fault = fault

    def observe(self, problem, probe="plain"):
        answer = CE.answer(problem)
        observed = Observation(answer.value, answer.gradient, answer.value.shape, problem.dtype, problem.dtype)
        return self._fault(problem, observed)


def epsilon_and_third_element(problem, observed):
    """The mean has an epsilon too much in its denominator, and with three elements loses a fifth."""
    factor = 1.0 - 1e-8 - (0.2 if problem.valid.sum() > 2 else 0.0)
    return replace(observed, value=observed.value * factor)


def epsilon_and_weights(problem, observed):
    factor = 1.0 + 1e-7 + (0.5 if problem.weight is not None else 0.0)
    return replace(observed, value=observed.value * factor)


def epsilon_and_nan(problem, observed):
    if (problem.logits > 1.0).any():
        return replace(observed, value=observed.value * np.nan)
    return replace(observed, value=observed.value * (1.0 + 1e-6))


def gradient_and_value(problem, observed):
    """The gradient is wrong with two elements, the value with any class weight."""
    value = observed.value * (1.1 if problem.weight is not None else 1.0)
    return replace(observed, value=value, gradient=observed.gradient * (1.3 if problem.size > 1 else 1.0))


def two_errors(problem, observed):
    if problem.size > 2:
        return Failure("raised", "ValueError", "no", "loss.py:7: x.reshape(2)")
    return Failure("raised", "ValueError", "no", "loss.py:9: y.squeeze()") if problem.classes > 2 else observed


def smallest(law, fault, seed):
    """The first contradiction that a search saw, and the one that it ended at."""
    trial = Trial(LAWS[law], CE, Faulty(fault), TAKES, CE.domain.only(dtype=["float64"]))
    subject = SimpleNamespace(domain={})
    job = Job(Task(law, seed, 60, ("float64",)), subject, trial, lambda examples, problem: True)
    found = look_for_larger(job, search(job))
    return found.result.first, shrink(job, found).result


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(
    ("law", "fault"),
    [
        ("oracle/value", epsilon_and_third_element),
        ("oracle/value", epsilon_and_weights),
        ("oracle/value", epsilon_and_nan),
        ("oracle/accuracy", gradient_and_value),
        ("oracle/value", two_errors),
    ],
)
def test_the_smallest_case_shows_what_was_first_seen(law, fault, seed):
    first, result = smallest(law, fault, seed)
    last = deviation(result.finding)
    assert (last.kind, last.quantity, last.error, last.line) == (first.kind, first.quantity, first.error, first.line)
    assert (last.size or 0.0) >= (first.size or 0.0) / 10.0


def test_a_large_error_keeps_the_elements_that_it_needs():
    shown = [smallest("oracle/value", epsilon_and_third_element, seed) for seed in range(2)]
    assert all(first.size > 0.1 for first, _ in shown)
    assert all(result.problem.valid.sum() == 3 for _, result in shown)


def test_kinds_of_numbers():
    def kind(expected, got):
        return deviation(Finding("", (PROBLEM,), "value", np.asarray(expected), np.asarray(got)))

    assert kind([1.0, 2.0], [1.0, np.nan]).kind == "NaN"
    assert kind([1.0, np.nan], [np.inf, np.nan]).kind == "inf"
    assert kind([np.nan, 1.0], [0.0, 1.0]).kind == "finite"
    assert kind([1.0, 2.0], [1.0, 2.5]).kind == "number"
    assert kind([1.0, 2.0], [1.0, 2.5]).size == pytest.approx(0.2)
    assert kind([1.0, 2.0], [1.0]).kind == "shape"
    assert kind(1.7e308, -1.7e308).size == pytest.approx(2.0)


def test_rounding_is_measured_in_roundoffs_of_the_dtype():
    half = Problem(np.zeros((1, 2)), np.array([0]), dtype="float16")
    in_half = deviation(Finding("", (half,), "value", np.asarray(1.0), np.asarray(1.0 + 20 * 2.0**-11)))
    in_double = deviation(Finding("", (PROBLEM,), "value", np.asarray(1.0), np.asarray(1.0 + 20 * 2.0**-53)))
    a_fifth = deviation(Finding("", (PROBLEM,), "value", np.asarray(1.0), np.asarray(1.2)))
    assert in_double.shows(in_half)
    assert not in_double.shows(a_fifth)


def test_the_line_of_a_failure_is_the_last_one_of_the_layers_own():
    def layer():
        return np.zeros(3).reshape(2)

    with pytest.raises(ValueError, match="reshape") as caught:
        layer()
    line = raised(caught.value, "").line
    assert line.endswith("return np.zeros(3).reshape(2)")
    assert line.startswith("test_deviation.py:")
