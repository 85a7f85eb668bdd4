"""Cases in words: whatever two problems differ in is seen in their descriptions, and in the script of the two calls."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties.contracts import contract_named
from properties.drawing.strategies import problems
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.problems.problem import Problem
from properties.report.cases import case_lines, describe, descriptions, told_apart
from properties.subjects.paddle_backend.script import script_of
from properties.subjects.subject import Source, Subject

CONTRACTS = ("cross_entropy", "focal", "ghm", "cost_sensitive", "average_top_k", "sigmoid_focal", "ghm_regression")


def nudged(array, where=-1):
    """An array with one number a hair's breadth away."""
    changed = np.array(array)
    flat = changed.reshape(-1)
    flat[where] = flat[where] + 1 if changed.dtype.kind == "i" else np.nextafter(flat[where], np.inf)
    return changed


def changes(problem):
    """The problem with one field changed, by name, as little as it can be."""
    found = {
        "ignore_index": 255 if problem.ignore_index != 255 else None,
        "reduction": "sum" if problem.reduction != "sum" else "none",
        "normalizer": 3.0 if problem.normalizer is None else None,
        "dtype": "float32" if problem.dtype != "float32" else "float64",
        "label_dtype": "int32" if problem.label_dtype != "int32" else "int64",
        "layout": "strided" if problem.layout != "strided" else "contiguous",
        "axis": 0 if problem.axis != 0 else -1,
        "weight": np.ones(problem.classes) if problem.weight is None else None,
        "cotangent": np.full(problem.shape if problem.reduction == "none" else (), 2.0),
        "label_weight": np.ones(problem.shape) if problem.label_weight is None else None,
        "salt": problem.salt + 1,
    }
    if problem.logits.size:
        found |= {"logits": nudged(problem.logits), "labels": nudged(problem.labels)}
    if problem.weight is not None:
        found["weight"] = nudged(problem.weight)
    for name, value in problem.config.items():
        other = nudged(value) if isinstance(value, np.ndarray) else "another"
        found[f"config {name}"] = {**problem.config, name: other}
    return found


@st.composite
def neighbours(draw):
    """A problem of some contract, and one that differs from it in one field."""
    contract = contract_named(draw(st.sampled_from(CONTRACTS)))
    problem = draw(problems(contract.domain, contract.hard_logits))
    found = changes(problem)
    name = draw(st.sampled_from(sorted(found)))
    return contract, name, problem, problem.replace(**{name.partition(" ")[0]: found[name]})


@settings(max_examples=400, deadline=None)
@given(neighbours())
def test_two_problems_that_differ_in_any_field_have_two_descriptions(case):
    _, _, one, other = case
    told = descriptions([one, other])
    assert told[0] != told[1]
    # a third that is like the first is told like it
    assert descriptions([one, other, one])[::2] == [descriptions([one, other, one])[0]] * 2


@settings(max_examples=200, deadline=None)
@given(neighbours())
def test_two_calls_that_differ_have_two_scripts(case):
    contract, name, one, other = case
    untold = {"weight", "ignore_index", "axis", "reduction"} - set(contract.argument_names)
    if name in ("salt", *untold) or (name == "label_dtype" and one.targets != "hard"):
        # no layer is told of a salt, nor of an argument that the contract lacks
        return
    if name == "cotangent" and one.size == 0 and one.reduction == "none":
        # of no numbers, ones and twos are the same
        return
    names = tuple(dict.fromkeys((*contract.argument_names, *contract.call_arguments)))
    subject = Subject(contract, lambda **given: None, name="L", arguments=names, source=Source((), "L"))
    law = Law("some/law", "A sentence.", lambda case: ())
    scripts = [script_of(law, Finding("", (p,), "gradient", np.zeros(999)), subject, contract) for p in (one, other)]
    assert scripts[0] != scripts[1], name


def plain(**changes):
    return Problem(np.zeros((2, 3)), np.array([0, 1])).replace(**changes)


def test_an_ignore_index_that_is_no_label_is_told_where_it_is_not_the_same_in_all_calls():
    told = descriptions([plain(), plain(ignore_index=255), plain(ignore_index=None)])
    assert [line.split("ignore_index ")[1].split()[0] for line in told] == ["-100", "255", "None"]


def test_an_ignore_index_that_nobody_has_by_default_is_told_of_one_call_too():
    assert "ignore_index 255" in describe(plain(ignore_index=255))
    assert "ignore_index" not in describe(plain())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.array([0.1]), np.array([np.nextafter(0.1, 1)])),
        (np.array([0.0]), np.array([-0.0])),
        (np.zeros((0, 3)), np.zeros((0, 4))),
        (np.zeros(1000), np.eye(1000)[900]),
        (np.full(1000, np.nan), np.where(np.arange(1000) == 7, 0.0, np.nan)),
        (np.zeros(1000), np.zeros(1001)),
        (np.array(2**60), np.array(2**60 + 1)),
    ],
)
def test_arrays_that_differ_are_told_apart(one, other):
    told = told_apart([one, other])
    assert told[0] != told[1]
    assert told_apart([one, one])[0] == told_apart([one, one])[1]


def test_what_was_expected_and_what_came_differ_beyond_what_is_shown():
    expected, got = np.zeros(500), np.eye(500)[400]
    example = {"quantity": "gradient", "expected": expected.tolist(), "got": got.tolist(), "problems": []}
    assert case_lines(example)[0].endswith("with 1 at [400]")


def test_a_whole_number_has_all_its_digits():
    assert "labels [0, 1000000]" in describe(plain(labels=np.array([0, 1_000_000])))
