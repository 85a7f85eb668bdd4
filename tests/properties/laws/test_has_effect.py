"""That an argument has no effect is concluded from a whole run: one example that shows an effect is enough."""

import numpy as np
import pytest

from properties.contracts import contract_named
from properties.engine.description import laws_of
from properties.engine.search import SearchOptions, run_law
from properties.engine.trial import Trial
from properties.judging.observation import Observation

FOCAL = contract_named("focal")
LAW = next(law for law in laws_of(FOCAL) if law.id == "arguments/has-effect")


class Layer:
    """Answers as the oracle does, of the problem that a fault makes of what it was asked."""

    def __init__(self, fault):
        self._fault = fault

    def observe(self, problem, probe="plain"):
        answer = FOCAL.answer(self._fault(problem))
        return Observation(answer.value, answer.gradient, answer.value.shape, problem.dtype, problem.dtype)


def deaf(problem):
    return problem.configure(gamma=2.0)


def deaf_and_unweighted(problem):
    return deaf(problem).replace(weight=None)


def hears_above_one(problem):
    """Of gamma everything up to 1 is 1."""
    return problem.configure(gamma=max(float(problem.config["gamma"]), 1.0))


def run(fault, **options):
    takes = frozenset({"gamma", "weight", "reduction"})
    trial = Trial(LAW, FOCAL, Layer(fault), takes, FOCAL.domain.only(dtype=["float64"]))
    return run_law(trial, SearchOptions(max_examples=60, **options))


@pytest.mark.parametrize("seed", range(3))
def test_an_argument_that_has_an_effect_somewhere_has_one(seed):
    result = run(hears_above_one, seed=seed)
    assert result.outcome == "held"
    assert "gamma" in result.effective


def test_an_argument_without_effect_in_all_examples_is_told():
    result = run(deaf)
    assert result.outcome == "refuted"
    assert result.finding.items == {"gamma"}
    assert "The argument gamma has no effect" in result.finding.message
    assert "gamma" not in result.effective
    assert {"weight", "reduction"} <= result.effective
    assert result.examples > 8


def test_all_that_have_none_are_told_together():
    result = run(deaf_and_unweighted)
    assert result.finding.items == {"gamma", "weight"}
    assert np.isfinite(result.finding.expected).all()
