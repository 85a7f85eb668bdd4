"""A law that held would have refuted a wrong answer: the judge is tested where it judges."""

from dataclasses import replace

import numpy as np
import pytest

from properties import Target, certify
from properties.engine import canary
from properties.engine.canary import BLINDED, LastAnswers, blinded, comparisons_work, replaced
from properties.engine.description import laws_of
from properties.engine.execution import perform, trial_of
from properties.engine.result import FAILED
from properties.engine.task import Task
from properties.judging import observed_case
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.judging.tolerance import Match
from properties.problems.problem import Problem
from properties.subjects.backend import observer_of
from tests.losses.sound_losses import NUMPY

LAWS = ("oracle/value", "oracle/gradient", "shape/none-shape", "weights/scaling", "numerics/finite-at-saturation")


def certificate(name):
    return certify(Target(f"tests.hostile.blinding:{name}"), only=LAWS, max_examples=20, workers=1)


def test_a_layer_that_blinds_nobody_is_refuted():
    assert certificate("NOTHING").verdict == "refuted"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ABS", "numpy.abs was replaced"),
        ("BUILTIN", "was replaced"),
        ("COMPARISON", "was replaced"),
        ("LAW", "not refuted"),
        ("EXAMINATION", "not refuted"),
    ],
)
def test_a_layer_that_blinds_the_judge_is_not_certified(name, words):
    found = certificate(name)
    assert found.verdict != "certified"
    for law in found.laws:
        # what was refuted before the judge was blinded stands
        assert law.outcome in (*FAILED, "gave up", "not applicable"), (law.id, law.outcome)
    blind = [law for law in found.laws if law.outcome == "gave up"]
    assert blind or found.verdict == "refuted"
    assert all(BLINDED in law.reason and words in law.reason for law in blind)


OF_ONE_FORMULA = {
    "arguments/has-effect",
    "aggregate/last-region-is-closed",
    "conventions/choices",
    "conventions/denominator",
    "denominator/counts-every-element",
    "conventions/gradient",
    "numerics/epsilon",
    "numerics/precision-inside",
}
"""Laws that one particular wrong formula contradicts, or a whole run: others tell of other wrong numbers."""


def test_every_law_refutes_wrong_answers_itself(monkeypatch):
    """No law of a sound layer is said to be blind; and nothing has to stand in for it, but for those of one formula."""
    itself, held, real = {True: set(), False: set()}, {True: set(), False: set()}, canary.refuted_itself
    oracle = True

    def noted(law, answers, trial_on):
        found = real(law, answers, trial_on)
        if law is not canary.ANY_NUMBER:
            held[oracle].add(law.id)
            itself[oracle].update({law.id} if found else ())
        return found

    monkeypatch.setattr(canary, "refuted_itself", noted)
    monkeypatch.setattr(canary, "replaced", lambda: "")
    for loss in NUMPY:
        subject = loss.target.load()
        for oracle in (True, False):
            contract = subject.resolved if oracle else subject.resolved.without_oracle()
            for law in laws_of(contract):
                task = Task(law.id, 1, 8, ("float64", "float32"), oracle=oracle)
                result = perform(task, subject, observer_of(subject), lambda n, p: True)
                assert BLINDED not in result.reason, (loss.name, law.id, oracle, result.reason)
    assert len(held[True]) > 90
    assert held[True] - itself[True] <= OF_ONE_FORMULA
    assert held[False] - itself[False] <= OF_ONE_FORMULA


def test_a_law_that_sees_nothing_is_told():
    """The canary can fail: a law that passes everything is found out."""
    subject = NUMPY[0].target.load()
    observer = observer_of(subject)

    def check(case):
        case.observe()
        yield from ()

    def seeing(case):
        if np.isnan(case.observe().value).any():
            yield Finding("It is wrong.", (case.problem,))

    law, answers = Law("x/y", "It holds.", check), LastAnswers(observer)
    trial = replace(trial_of(Task("oracle/value", 0, 5, ("float64",)), subject, answers), law=law)
    problem = Problem(np.zeros((2, 3)), np.array([0, 1]), config={"top_k": 1})
    trial.examine(problem)
    answers.keep(problem)
    assert not canary.refuted_itself(law, answers, trial.on)
    # what it is held against works all the same
    assert blinded(law, answers, trial.on) == ""
    with pytest.MonkeyPatch.context() as blind:
        blind.setattr(canary, "replaced", lambda: "")
        blind.setattr(observed_case, "judge", lambda *arguments, **options: Match(True, 0.0))
        assert "not refuted" in blinded(law, answers, trial.on)
        seen = replace(law, check=seeing)
        assert blinded(seen, answers, replace(trial, law=seen).on) == ""


def test_what_was_replaced_is_named(monkeypatch):
    assert replaced() == ""
    monkeypatch.setattr(np, "isfinite", lambda array: np.ones_like(array, dtype=bool))
    assert replaced() == "numpy.isfinite"
    monkeypatch.undo()
    monkeypatch.setattr(observed_case, "judge", lambda *a, **k: Match(True, 0.0))
    assert replaced() == "properties.judging.observed_case.judge"
    monkeypatch.undo()
    # old code gives NumPy names of types that it no longer has
    monkeypatch.setattr(np, "float", float, raising=False)
    monkeypatch.setattr(np, "bool", bool)
    assert replaced() == ""


def test_a_comparison_that_tells_nothing_apart_is_found(monkeypatch):
    assert comparisons_work()
    monkeypatch.setattr(canary, "compare", lambda *a, **k: Match(True, 0.0))
    assert not comparisons_work()
    monkeypatch.setattr(canary, "compare", lambda *a, **k: Match(False, 0.0))
    assert not comparisons_work()
