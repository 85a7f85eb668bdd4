"""Laws that do not hold, made by hand: with a problem, what was due and what came, or the error that was raised."""

import numpy as np

from properties.certificates.certificate import Certificate, LawReport
from properties.engine.description import LawInfo
from properties.engine.result import LawResult
from properties.judging.finding import Finding
from properties.judging.observation import Failure
from properties.problems.problem import Problem

PLAIN = Problem(logits=np.zeros((1, 2)), labels=np.array([0]), reduction="sum")
SEVERAL = PLAIN.replace(logits=np.zeros((3, 2)), labels=np.array([0, 1, 0]))
WEIGHTED = SEVERAL.replace(weight=np.array([2.0, 1.0]), reduction="mean")
NOTHING = PLAIN.replace(labels=np.array([-100]), ignore_index=-100)


def failed(law, problem=PLAIN, due=1.0, came=2.0, *, level="formula", grade="error", error=None, **more):
    """The line of a law that does not hold: by numbers, or by an error where there is one."""
    failure = None if error is None else Failure("raised", *error.split(": ", 1))
    numbers = [None if failure else np.asarray(number, dtype=np.float64) for number in (due, came)]
    quantity = more.pop("quantity", "failure" if failure else "value")
    finding = Finding(more.pop("message", "It is wrong."), (problem,), quantity, *numbers, failure, grade=grade)
    outcome = "refuted" if failure is None else "raised"
    result = LawResult(law, outcome, examples=3, finding=finding, problem=problem, **more)
    return LawReport.of(LawInfo(law, "A sentence.", level, "error", 0, {}), result)


def held(law="oracle/value", level="formula"):
    """The line of a law that holds."""
    return LawReport(law, level, "error", "A sentence.", "held", examples=5)


def departure(name, problem=PLAIN, due=1.0, came=2.0, **more):
    """A departure as a certificate has it: by numbers, or by an error where there is one."""
    error = more.pop("error", None)
    law = failed("oracle/value", problem, due, came, error=error, quantity=more.pop("quantity", "value"))
    shown = law.counterexample
    said = {"sentence": f"It is {name}.", "parameters": {}, "inherited": "", "script": "", "needs": 1}
    return {"name": name, **said, "counterexample": shown, **more}


def certificate(*laws, **more):
    """A certificate with these laws."""
    return Certificate("Layer", "cross_entropy", laws, seed=0, max_examples=5, **more)
