"""A backend is found by its name: whoever adds one writes a package and enters it."""

import sys
from types import ModuleType

import numpy as np
import pytest

from properties import Subject
from properties.certificates.certificate import LawReport
from properties.drawing.decoding import simplest_problem
from properties.judging.observation import Observation
from properties.pytest_suite import Suite
from properties.subjects.backend import backend_of, observer_of
from properties.subjects.probing import ProbingObserver
from properties.subjects.random_state import PYTHON_GENERATORS
from properties.subjects.subject import BACKENDS


class ListCall:
    """A call of a loss that takes and returns lists."""

    def __init__(self, layer, problem):
        self.value, self.gradient = layer(problem.logits.tolist(), problem.given_labels.tolist())

    def observation(self, backward=True):
        value, gradient = np.array(self.value), np.array(self.gradient)
        return Observation(value, gradient if backward else None, value.shape, "float64", "float64")


class ListObserver(ProbingObserver):
    """Asks losses in plain Python."""

    generators = PYTHON_GENERATORS[:1]

    def observe(self, problem, probe="plain"):
        return self._probes[probe](problem)

    def _call(self, layer, problem):
        return ListCall(layer, problem)

    def _weight(self, problem):
        return None

    _mutation = _second_backward = None


class Lists:
    """A backend without kernels."""

    observer = staticmethod(ListObserver)

    def kernels(self, subject):
        return None

    def script(self, law, finding, subject, contract):
        return f"# {law.id} of lists"


@pytest.fixture
def lists(monkeypatch):
    module = ModuleType("somewhere.lists.backend")
    module.BACKEND = Lists()
    package = ModuleType("somewhere")
    for name, each in {"somewhere": package, "somewhere.lists": package, module.__name__: module}.items():
        monkeypatch.setitem(sys.modules, name, each)
    monkeypatch.setitem(BACKENDS, "lists", "somewhere.lists")


def off_by_one(logits, labels):
    n, classes = np.shape(logits)
    return n * np.log(classes) + 1.0, np.zeros((n, classes)).tolist()


ONE_VALUE = {
    "logits": ["lattice"],
    "dtype": ["float64"],
    "rank": [2],
    "size": ["few"],
    "reduction": ["sum"],
    "ignored": ["none"],
}


def test_a_backend_that_nobody_foresaw_is_asked_and_writes_the_script(lists):
    subject = Subject("cross_entropy", lambda: off_by_one, backend="lists", arguments=(), domain=ONE_VALUE)
    assert isinstance(observer_of(subject), ListObserver)
    suite = Suite(subject, max_examples=5)
    result = suite.result("oracle/value")
    assert isinstance(suite.report("oracle/value"), LawReport)
    assert result.outcome == "refuted"
    assert result.script == "# oracle/value of lists"


def test_the_probes_that_every_backend_has_need_no_code_of_its_own(lists):
    drawn = []

    def draws(logits, labels):
        drawn.append(logits)
        return off_by_one(logits, labels)

    subject = Subject("cross_entropy", lambda: draws, backend="lists", arguments=())
    observer, problem = observer_of(subject), simplest_problem(subject.full_domain)
    assert observer.observe(problem, "value").gradient is None
    assert observer.observe(problem, "seeds").facts == {"reseeded": ()}
    assert observer.observe(problem, "prints").facts["printed"] == ""
    drawn.clear()
    observer.observe(problem, "repeat")
    assert drawn == [problem.logits.tolist()] * 2
    drawn.clear()
    observer.observe(problem, "second-call")
    assert drawn[1] == problem.logits.tolist()


@pytest.mark.parametrize("name", BACKENDS)
def test_each_that_is_entered_is_there(name):
    subject = Subject("cross_entropy", lambda: off_by_one, backend=name, arguments=())
    assert isinstance(backend_of(subject).observer(subject), ProbingObserver)
