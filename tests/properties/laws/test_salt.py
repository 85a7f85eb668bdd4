"""What a law makes of a problem's salt shrinks with it: at salt 0 it is the simplest that there is."""

import numpy as np
import pytest

from properties import Target
from properties.engine.task import Task
from properties.laws.ignore import with_class_ids
from properties.problems.problem import Problem
from properties.workers.inline import Inline
from tests.mutants.registry import mutants

ENTRIES = Problem(np.ones((1, 1)), np.ones((1, 1)), targets="binary")


def test_ids_are_as_few_as_the_problem_at_salt_0():
    plain = with_class_ids(ENTRIES)
    assert (plain.logits.shape, plain.labels.tolist()) == ((1, 2), [0])
    assert with_class_ids(ENTRIES, least=2).size == 2
    wide = with_class_ids(Problem(np.zeros((3, 5)), np.zeros((3, 5)), targets="binary"))
    assert wide.logits.shape == (3, 5)


def test_ids_vary_with_the_salt():
    made = [with_class_ids(ENTRIES.replace(salt=salt)) for salt in range(1, 40)]
    assert {one.classes for one in made} == {2, 3, 4}
    assert {one.size for one in made} == {1, 2, 3}
    assert any(one.labels.any() for one in made)
    assert all((one.labels < one.classes).all() for one in made)


@pytest.mark.parametrize(
    ("law", "elements", "classes"),
    [("limit/class-ids-are-one-hot", 1, 2), ("ignore/class-ids", 2, 2), ("shape/permutation", 2, 2)],
)
def test_the_smallest_case_is_small(law, elements, classes):
    contract, text = mutants()[law].contract, mutants()[law].text
    result = Inline(Target(text, contract)).run(Task(law, 0, 60, ("float64",)), lambda done: None)
    call = result.finding.calls[0]
    assert (call.salt, call.size, call.classes) == (0, elements, classes)
