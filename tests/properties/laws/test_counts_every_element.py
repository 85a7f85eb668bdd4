"""An element counts in the mean whatever its loss: who decides by the loss is refuted, sound losses are not."""

import pytest

from properties import Target
from properties.engine.task import Task
from properties.workers.inline import Inline
from tests.mutants.registry import sounds

LAW = "denominator/counts-every-element"


def put(text, contract, examples=60):
    performer = Inline(Target(text, contract))
    return performer.run(Task(LAW, 0, examples, ("float64", "float32", "float16")), lambda done: None)


@pytest.mark.parametrize(
    ("name", "contract", "words"),
    [
        ("MeanOfNonZero", "cross_entropy", "does not count in the mean"),
        ("MeanAboveThreshold", "cross_entropy", "does not count in the mean"),
        ("MeanOfMistaken", "focal", "does not count in the mean"),
        ("DenominatorOfNonZero", "sigmoid_focal", "does not count in the mean"),
    ],
)
def test_a_mean_over_some_elements_is_refuted(name, contract, words):
    result = put(f"tests.mutants.counted:{name}", contract)
    assert result.outcome == "refuted"
    assert words in result.finding.message
    assert result.finding.calls[0].size <= 3


@pytest.mark.parametrize("contract", ["cross_entropy", "focal", "cost_sensitive", "sigmoid_focal"])
def test_a_sound_mean_holds(contract):
    assert put(sounds()[contract].text, contract).outcome == "held"
