"""Thresholds are found from a layer's own counterexamples: how many elements or classes it takes, and what else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from properties.contracts import contract_named
from properties.engine.description import laws_of
from properties.engine.pipeline import Job, explain, look_for_larger, search, shrink
from properties.engine.task import Task
from properties.engine.thresholds import thresholds
from properties.engine.trial import Trial
from properties.judging.observation import Failure, Observation
from properties.problems.problem import Problem

CONTRACTS = {name: contract_named(name) for name in ("cross_entropy", "focal", "cost_sensitive")}
CE, FOCAL, COST = CONTRACTS.values()


class Layer:
    """Answers as a contract's oracle does in float64, of what a fault makes of the problem or of the answer."""

    def __init__(self, contract, fault):
        self._contract, self._fault = contract, fault

    def observe(self, problem, probe="plain"):
        answer = self._fault(self._contract.answer, problem)
        if isinstance(answer, Failure):
            return answer
        return Observation(answer.value, answer.gradient, answer.value.shape, problem.dtype, problem.dtype)


def in_chunks(answer, problem):
    """The means of chunks of 32 elements, added where they were to be averaged."""
    whole = answer(problem)
    if problem.reduction != "mean" or problem.size <= 32:
        return whole
    flat = problem.flat()
    parts = [answer(flat.take(np.arange(at, min(at + 32, flat.size)))) for at in range(0, flat.size, 32)]
    return replace(whole, value=sum(part.value for part in parts))


def counts_as_text(answer, problem):
    """Costs of the classes in the order of their numbers as text: 0, 1, 10, 2, ..."""
    order = sorted(range(problem.classes), key=str)
    counts = {name: value[order] for name, value in problem.config.items() if isinstance(value, np.ndarray)}
    return answer(problem.configure(**counts))


def unmet_class_spoils(answer, problem):
    """Class weights of N / n_c of the batch, capped: a class that no label names brings the others down."""
    found = answer(problem)
    if problem.targets != "hard" or problem.reduction == "none" or not problem.valid.any():
        return found
    classes = set(range(problem.classes)) - {problem.ignore_index}
    met = classes <= set(problem.labels[problem.valid].tolist())
    return found if met else replace(found, value=found.value * 0.5)


def squeezed(answer, problem):
    """squeeze() takes out every axis of length 1."""
    if problem.logits.ndim > 2 and 1 in problem.shape and set(problem.shape) != {1}:
        return Failure("raised", "ValueError", "axes do not fit", "loss.py:3: logits.squeeze()")
    return answer(problem)


def whole_powers(answer, problem):
    """A factor to the power of int(gamma)."""
    return answer(problem.configure(gamma=float(int(problem.config["gamma"]))))


def one_alone(answer, problem):
    """The mean of one element as if it were a sample of two."""
    found = answer(problem)
    return replace(found, value=found.value * 0.5) if problem.size == 1 and problem.reduction == "mean" else found


def condition(contract, law, fault, seed=0, domain=None, examples=200):
    laws = {one.id: one for one in laws_of(contract)}
    takes = frozenset({"ignore_index", "reduction", *contract.argument_names}) - {"weight"}
    asked = contract.domain.only(dtype=["float64"], **(domain or {})).lacking(weight="absent", axis=1)
    trial = Trial(laws[law], contract, Layer(contract, fault), takes, asked)
    job = Job(
        Task(law, seed, examples, ("float64",)), SimpleNamespace(domain={}), trial, lambda examples, problem: True
    )
    return explain(job, shrink(job, look_for_larger(job, search(job)))).result


def test_a_loss_in_chunks_is_wrong_from_33_elements_on():
    result = condition(CE, "oracle/value", in_chunks)
    assert "at least 33 elements" in result.condition
    assert result.problem.size == 33


def test_counts_sorted_as_text_take_eleven_classes():
    assert "at least 11 classes" in condition(COST, "oracle/value", counts_as_text).condition


def test_a_class_that_no_label_names():
    result = condition(CE, "oracle/value", unmet_class_spoils)
    assert "a class that never occurs" in result.condition


def test_squeeze_takes_an_axis_of_length_one():
    result = condition(CE, "shape/rank", squeezed)
    assert "an axis of length 1" in result.condition


def test_a_power_that_is_cut_to_a_whole_number():
    result = condition(FOCAL, "oracle/value", whole_powers)
    assert "gamma not whole" in result.condition
    assert not any(words.startswith("gamma=") for words in result.condition)


def test_a_single_element_is_told_from_an_axis_of_length_one():
    result = condition(CE, "oracle/value", one_alone)
    assert "a single element" in result.condition
    assert "an axis of length 1" not in result.condition


@pytest.mark.parametrize("fault", [lambda answer, problem: replace(answer(problem), value=answer(problem).value * 1.5)])
def test_a_fault_everywhere_has_no_threshold(fault):
    assert condition(CE, "oracle/value", fault).condition == ()


def test_a_number_of_elements_is_none_where_fewer_of_another_kind_will_do():
    laws = {one.id: one for one in laws_of(CE)}
    trial = Trial(laws["oracle/value"], CE, Layer(CE, lambda answer, problem: answer(problem)), frozenset(), CE.domain)
    problem = Problem(
        np.zeros((4, 3)), np.array([0, 1, 2, 2]), config={"label_smoothing": 0.0, "denominator": "weights"}
    )

    def all_classes(other):
        return len(set(other.labels.tolist())) == 3

    assert "at least 4 elements" not in list(thresholds(problem, trial, all_classes))
