"""What a contract settles is drawn by a law of its own: nothing hides behind an argument that is lacking."""

import numpy as np
import paddle
import pytest

from properties import Subject
from properties.engine.description import laws_of
from properties.engine.execution import perform
from properties.engine.task import Task
from properties.subjects.paddle_backend.observer import PaddleObserver
from tests.mutants.sound import SoundCostSensitive
from tests.mutants.sound_entries import SoundSigmoidFocal
from tests.mutants.sound_top_k import SoundTopK

NEVER = "weights/class-that-never-occurs"
WITHOUT = ("num_class_list", "gamma", "weight", "ignore_index", "reduction", "axis")
"""What a layer takes that has no weight to give to a class that never occurs."""


def put(subject, law, examples=100):
    task = Task(law, 0, examples, ("float64",))
    return perform(task, subject, PaddleObserver(subject), lambda *_: True)


def weighing(weight_of_zero, lowest=lambda counts: counts[counts > 0].min()):
    """A loss without empty_class_weight, with a weight of some kind for a class that never occurs."""

    class Loss(SoundCostSensitive):
        def costs_of(self, counts, gamma, empty_class_weight):
            there = counts > 0
            costs = (lowest(counts) / np.where(there, counts, 1.0)) ** gamma
            return np.where(there, costs, weight_of_zero(counts))

    return Subject("cost_sensitive", lambda **given: Loss(**given), arguments=WITHOUT)


def multiplied():
    """Weights of infinity that multiply a row of zeros and ones, which is NaN for every element."""

    class Loss(SoundCostSensitive):
        def costs_of(self, counts, gamma, empty_class_weight):
            with np.errstate(divide="ignore"):
                return (counts[counts > 0].min() / counts) ** gamma

        def element_weight(self, targets, valid, rows):
            hot = paddle.nn.functional.one_hot(targets, rows.shape[1]) if targets.ndim == 1 else targets
            return (hot.astype(rows.dtype) * self.class_weight(rows)).sum(axis=1) * valid.astype(rows.dtype)

    return Subject("cost_sensitive", lambda **given: Loss(**given), arguments=WITHOUT)


def raising(error):
    class Loss(SoundCostSensitive):
        def costs_of(self, counts, gamma, empty_class_weight):
            if not counts.all():
                raise error
            return super().costs_of(counts, gamma, empty_class_weight)

    return Subject("cost_sensitive", lambda **given: Loss(**given), arguments=WITHOUT)


SOUND = {
    "weight 0": weighing(lambda counts: 0.0),
    "weight 1": weighing(lambda counts: 1.0),
    "weight 1000": weighing(lambda counts: 1000.0),
    "a weight of all digits": weighing(lambda counts: np.pi / 70.0),
    "ValueError": raising(ValueError("no class may be empty")),
    "ZeroDivisionError": raising(ZeroDivisionError("float division by zero")),
}
WRONG = {
    "1 / 0, picked": weighing(lambda counts: np.inf),
    "0 / 0, picked": weighing(lambda counts: np.nan),
    "1 / 0, multiplied": multiplied(),
    "0 as the rarest": weighing(lambda counts: 1.0, lowest=lambda counts: counts.min()),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_refusal_or_a_finite_weight_is_right(name):
    result = put(SOUND[name], NEVER, 300)
    assert (result.outcome, result.examples) == ("held", 300), result.finding


@pytest.mark.parametrize("name", WRONG)
def test_a_weight_that_is_no_number_is_found_without_the_argument(name):
    result = put(WRONG[name], NEVER)
    assert result.outcome == "refuted"
    assert "never occurs" in result.finding.message
    assert not result.finding.calls[0].config["num_class_list"].all()
    # no other law meets it
    assert put(WRONG[name], "oracle/value").outcome == "held"


@pytest.mark.parametrize("contract", ["cost_sensitive", "average_top_k", "sigmoid_focal", "sigmoid_ghm"])
def test_the_laws_of_what_is_settled_are_there(contract):
    laws = {law.id for law in laws_of(Subject(contract, lambda: None).resolved)}
    due = {"cost_sensitive": NEVER, "average_top_k": "refusals/k-and-top-k"}.get(contract, "ignore/label-and-mask")
    assert due in laws


def top_k(both):
    """A loss of the largest, which goes its own way where it has a number and a fraction."""

    class Loss(SoundTopK):
        def __init__(self, individual="cross_entropy", top_k=None, k=None, **options):
            if top_k is not None and k is not None:
                top_k, k = both(top_k, k)
            super().__init__(individual, top_k, k, **options)

    arguments = ("individual", "top_k", "k", "reduction")
    return Subject("average_top_k", lambda **given: Loss(**given), arguments=arguments)


@pytest.mark.parametrize("both", [lambda top_k, k: (top_k, None), lambda top_k, k: (None, k)])
def test_a_layer_may_go_by_either_of_two(both):
    assert put(top_k(both), "refusals/k-and-top-k").outcome == "held"


def test_a_layer_may_not_go_by_neither():
    result = put(top_k(lambda top_k, k: (None, k + 1)), "refusals/k-and-top-k")
    assert result.outcome == "refuted"
    assert "goes by neither" in result.finding.message


def test_a_mask_does_not_stand_for_labels():
    class Masked(SoundSigmoidFocal):
        def elements(self, logits, labels, label_weight=None):
            self.masked = label_weight is not None
            return super().elements(logits, labels, label_weight)

        def mask(self, targets):
            return paddle.ones_like(targets).astype("bool") if self.masked else super().mask(targets)

        def check_targets(self, t):
            pass

    def subject(loss):
        arguments = ("gamma", "alpha", "ignore_index", "reduction", "label_weight")
        return Subject("sigmoid_focal", lambda **given: loss(**given), arguments=arguments)

    assert put(subject(Masked), "ignore/label-and-mask").outcome == "refuted"
    assert put(subject(SoundSigmoidFocal), "ignore/label-and-mask").outcome == "held"


def test_a_fault_of_a_class_that_never_occurs_says_so():
    class Doubled(SoundCostSensitive):
        def costs_of(self, counts, gamma, empty_class_weight):
            return super().costs_of(counts, gamma, empty_class_weight) * (1.0 if counts.all() else 2.0)

    arguments = ("num_class_list", "empty_class_weight", "reduction")
    result = put(Subject("cost_sensitive", lambda **given: Doubled(**given), arguments=arguments), "oracle/value", 200)
    assert result.outcome == "refuted"
    assert "a class that never occurs" in result.condition
