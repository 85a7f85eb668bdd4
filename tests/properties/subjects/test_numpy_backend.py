"""Losses in NumPy go through the same laws, without Paddle; what they cannot be asked does not apply."""

import numpy as np
import pytest

from properties import Subject, Target, UsageError, certify
from properties.judging.observation import Failure
from properties.problems.problem import Problem
from properties.subjects.numpy_backend.observer import NumpyObserver
from tests.mutants.museum import classes, entries, largest, regions
from tests.mutants.registry import sounds

PROBLEM = Problem(np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1]))


def test_sound_losses_are_known():
    assert {module.__name__ for module in (classes, entries, largest, regions)} == {
        loss.text.split(":")[0] for loss in sounds("numpy").values()
    }


@pytest.mark.parametrize("loss", sounds("numpy").values(), ids=lambda loss: loss.text)
def test_sound_losses_in_numpy_hold_every_law(loss):
    found = certify(Target(loss.text, loss.contract, backend="numpy"), max_examples=25, workers=0)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed]
    assert {law.id for law in found.laws if law.examples == 0 and not law.id.startswith("modes/")} <= {
        "conduct/grad-mode",
        "conduct/no-grad",
        "conduct/deepcopy",
        "conduct/pickle",
        "conduct/state-dict",
        "conduct/eval-state",
        "weights/entries-of-a-class",
        # none of them takes a weight with the call
        "weights/of-elements",
        "sigmoid/symmetry",
    }


def halved(logits, labels):
    """Returns a gradient half as large as it should be."""
    rows = np.arange(len(labels))
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = shifted / shifted.sum(axis=1, keepdims=True)
    gradient = p.copy()
    gradient[rows, labels] -= 1
    return -np.log(p[rows, labels]).mean(), gradient / len(labels) / 2


def test_a_function_is_refuted_with_a_script_that_needs_no_paddle():
    found = certify(
        Target("tests.properties.subjects.test_numpy_backend:halved", "cross_entropy", backend="numpy"),
        max_examples=20,
        workers=0,
        only=["oracle/value", "oracle/gradient", "oracle/vjp"],
    )
    outcomes = {law.id: law.outcome for law in found.laws}
    assert outcomes == {"oracle/value": "held", "oracle/gradient": "refuted", "oracle/vjp": "not applicable"}
    script = found.law("oracle/gradient").script
    assert "paddle" not in script
    with pytest.raises(AssertionError):
        exec(compile(script, "script.py", "exec"), {})


def test_workers_take_it_too():
    target = Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy")
    assert certify(target, max_examples=5, workers=1, only=["shape"]).verdict == "certified"


@pytest.mark.parametrize(
    ("loss", "says"),
    [(lambda z, y: 1.0, "must return (value, gradient)"), (lambda z, y: 1 / 0, "division by zero")],
)
def test_what_goes_wrong_is_a_failure(loss, says):
    answer = NumpyObserver(Subject("free", lambda: loss, backend="numpy")).observe(PROBLEM)
    assert isinstance(answer, Failure)
    assert says in answer.message


def test_a_write_into_the_labels_shows():
    def writes(logits, labels):
        labels[0] = 7
        return 0.0, np.zeros_like(logits)

    answer = NumpyObserver(Subject("free", lambda: writes, backend="numpy")).observe(PROBLEM, "mutation")
    assert answer.facts == {"logits": False, "labels": True, "weight": False}


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match="backend must be one of paddle, numpy, got 'jax'"):
        Subject("free", lambda: None, backend="jax")


def test_a_subject_says_its_backend_itself():
    with pytest.raises(UsageError, match="--backend"):
        Target("tests.properties.subjects.test_numpy_backend:SUBJECT", backend="numpy").load()


SUBJECT = Subject("free", lambda: halved, backend="numpy")
