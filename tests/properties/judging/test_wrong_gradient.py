"""A wrong gradient beside a right value is told as such, with the entries that are wrong."""

import re

import numpy as np
import pytest

from properties.contracts import contract_named
from properties.engine.description import laws_of
from properties.engine.trial import Trial
from properties.judging.observation import Failure, Observation
from properties.judging.refusals import Offer, _fault
from properties.problems.problem import Problem

CE, SIGMOID = contract_named("cross_entropy"), contract_named("sigmoid_focal")
REST = {"label_smoothing": 0.0, "soft_weight": "paddle", "denominator": "weights"}
THREE = Problem(np.array([[1.0, 2.0, 0.5], [0.0, 0.0, 1.0]]), np.array([0, -100]), config=REST)
TWO = THREE.replace(logits=np.array([[1.0, 2.0]]), labels=np.array([0]))


class Wrong:
    """The oracle's answer with another gradient where ``where`` says, and another value where that is asked for."""

    def __init__(self, contract, where, value=1.0):
        self._contract, self._where, self._value = contract, where, value

    def observe(self, problem, probe="plain"):
        answer = self._contract.answer(problem)
        gradient = problem.flatten(answer.gradient.copy())
        gradient[self._where(problem)] += 0.25
        return Observation(answer.value * self._value, problem.unflatten(gradient), (), "float64", "float64")


def message(law, problem, observer, contract=CE):
    found = next(one for one in laws_of(contract) if one.id == law)
    return Trial(found, contract, observer, frozenset({"reduction"}), contract.domain).finding(problem).message


def others(problem):
    return (problem.one_hot == 0) & problem.valid.reshape(-1, 1)


def label(problem):
    return problem.one_hot > 0


def ignored(problem):
    return np.broadcast_to(~problem.valid.reshape(-1, 1), problem.one_hot.shape)


def everywhere(problem):
    return np.ones((problem.size, problem.classes), dtype=bool)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (others, "the gradient of the other classes is wrong"),
        (label, "the gradient of the label's class is wrong"),
        (ignored, "the gradient of ignored elements is wrong"),
        (everywhere, "the gradient is wrong"),
    ],
)
def test_the_entries_that_are_wrong_are_named(where, words):
    assert message("oracle/gradient", THREE, Wrong(CE, where)) == f"The value is right; {words}."


def test_entries_of_targets():
    problem = Problem(np.array([[1.0, 2.0]]), np.array([[1.0, 0.0]]), targets="binary", ignore_index=None)
    problem = problem.replace(config={d.name: d.values[0] for d in SIGMOID.arguments})
    said = message("oracle/gradient", problem, Wrong(SIGMOID, lambda p: p.labels.reshape(-1, 1) == 1), SIGMOID)
    assert said == "The value is right; the gradient of entries whose target is 1 is wrong."


def test_a_limit_speaks_of_the_gradient():
    said = message("limit/two-classes-is-logistic", TWO, Wrong(CE, others))
    assert said.startswith(
        "The value is right; the gradient of the other classes is wrong. With two classes the loss is"
    )
    assert "here its gradient is another one" in said
    assert "here it is not" not in said


def test_words_about_the_loss_become_words_about_its_gradient():
    said = message("shape/square", TWO.replace(logits=np.eye(2), labels=np.array([0, 1])), Wrong(CE, others))
    assert said.endswith("With as many elements as classes the gradient is another.")


def test_where_the_value_is_wrong_nothing_is_said_of_it_being_right():
    assert "right" not in message("oracle/gradient", THREE, Wrong(CE, others, 2.0))
    assert "here it is not" in message("limit/two-classes-is-logistic", TWO, Wrong(CE, others, 2.0))


def test_a_number_of_a_message_is_named_once():
    offer = Offer("1.5", "The target 1.5", TWO, ("1.5", "1.5"))
    assert "(1.5)" in _fault(offer, Failure("raised", "ValueError", "bad"), re.compile("no such rule"))
