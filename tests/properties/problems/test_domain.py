"""Nothing outside of what somebody chose is ever put to a layer: by any law, gate, probe or shrinker."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from properties import Subject
from properties.contracts import contracts
from properties.drawing.decoding import header_length, simplest_problem
from properties.drawing.strategies import problems
from properties.engine.description import describe, domain_of, laws_of
from properties.engine.execution import perform
from properties.engine.gates import aside
from properties.engine.inference import infer
from properties.engine.result import FAILED
from properties.engine.study import Inquiry
from properties.engine.task import Task
from properties.judging.contract import DERIVED_ARGUMENTS
from properties.judging.observation import Failure
from properties.problems.domain import EmptyDomainError
from properties.problems.membership import reason_outside, values_met
from tests.properties.oracle_observer import OracleObserver

NAMES = sorted(contracts())
ORACLES = {"free": "cross_entropy"}
"""Whose oracle answers where a contract has none."""

DIMENSIONS = (
    "rank",
    "size",
    "classes",
    "axis",
    "dtype",
    "label_dtype",
    "layout",
    "reduction",
    "ignored",
    "ignore_index",
    "weight",
)

ON_PURPOSE = {
    "refusals/bad-reduction": {"reduction"},
    "refusals/weight-length": {"weight"},
    "refusals/bad-weight": {"weight"},
    "refusals/label-out-of-range": {"ignored"},
    "refusals/label-shape": {"size", "ignored", "weight"},
}
"""In what a law puts to a layer what it must refuse."""

SIZES = {
    "empty": lambda n, classes: n == 0,
    "one": lambda n, classes: n == 1,
    "few": lambda n, classes: 1 <= n <= 6,
    "several": lambda n, classes: 2 <= n <= 12,
    "square": lambda n, classes: n == classes,
    "many": lambda n, classes: n > 12,
}


def has(problem, name, value):
    """Whether a problem has a value of a dimension, told from the problem alone."""
    if name == "rank":
        return problem.logits.ndim == value
    if name == "size":
        return SIZES[value](problem.labels.size if problem.targets != "soft" else problem.size, problem.classes)
    if name == "classes":
        return problem.entrywise or problem.logits.shape[problem.axis] == value
    if name == "axis" and problem.entrywise:
        # entries have no class axis; it is the contract's own number
        return problem.axis == value
    if name == "axis":
        ndim = problem.logits.ndim
        return -ndim <= value < ndim and value % ndim == problem.axis % ndim
    if name == "ignored":
        valid, n = int(problem.valid.sum()), problem.size
        return (
            n == 0
            or {
                "none": valid == n,
                "all": valid == 0,
                "some": 0 < valid < n,
                "most": valid == 1 < n,
            }[value]
        )
    if name == "weight":
        return has_weight(problem, value)
    if name in ("ignore_index", "dtype", "label_dtype", "reduction"):
        return getattr(problem, name) == value
    if name == "layout":
        return (problem.layout == "strided") == (value == "strided")
    return type(problem.config[name]) is type(value) and problem.config[name] == value


def has_weight(problem, value):
    weight = problem.weight
    if weight is None or value == "absent":
        return (weight is None) == (value == "absent")
    if value in ("with-zero", "zero-total"):
        return not weight.all()
    return value == "entries" or bool(weight.all() and ((weight <= 1e-5).all() == (value == "tiny")))


class Watched:
    """An observer that notes what reaches it, and answers rightly, or wrongly from so many elements on."""

    def __init__(self, contract, wrong_from):
        self._oracle, self._wrong_from = OracleObserver(contract), wrong_from
        self.asked = []

    def observe(self, problem, probe="plain"):
        self.asked.append(problem)
        answer = self._oracle.observe(problem, probe)
        if isinstance(answer, Failure) or self._wrong_from is None or problem.size < self._wrong_from:
            return answer
        return replace(answer, value=answer.value * 1.5 + 0.25)


def subject_of(name, domain):
    contract = contracts()[name]
    arguments = (*contract.argument_names, *contract.call_arguments, *DERIVED_ARGUMENTS)
    return Subject(contract=name, build=dict, arguments=arguments, domain=domain)


def watched(name, wrong_from):
    return Watched(contracts()[ORACLES.get(name, name)], wrong_from)


@st.composite
def narrowed(draw, name):
    """A contract's subject with a choice of a few values for a few dimensions; such as can be had together."""
    dimensions = contracts()[name].domain.dimensions
    plain = [
        n for n in dimensions if n in DIMENSIONS or (n in contracts()[name].argument_names and not_listed(name, n))
    ]
    chosen = draw(st.lists(st.sampled_from(plain), min_size=1, max_size=3, unique=True))
    domain = {}
    for dimension in chosen:
        values = list(dict.fromkeys(dimensions[dimension].values))
        domain[dimension] = draw(st.lists(st.sampled_from(values), min_size=1, max_size=2, unique_by=repr))
    try:
        return subject_of(name, domain)
    except EmptyDomainError:
        # nothing has all of these: the user is told so, and nothing is asked
        return subject_of(name, {"reduction": ["sum"]})


def not_listed(name, dimension):
    found = contracts()[name].domain.dimensions[dimension]
    return found.expand is None and found.law == "" and found.kind is None and dimension not in ("k", "top_k")


def broken(problem, subject, on_purpose=frozenset()):
    """The dimensions in which a problem has no value of a subject's domain."""
    return [
        name
        for name, values in subject.domain.items()
        if name not in on_purpose and not any(has(problem, name, value) for value in values)
    ]


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def test_no_law_leaves_the_domain(name, data):
    subject = data.draw(narrowed(name))
    law = data.draw(st.sampled_from(laws_of(subject.resolved)))
    observer = watched(name, data.draw(st.sampled_from([None, 0, 1, 3])))
    gates = {other.id: other.gate for other in laws_of(subject.resolved) if other.gate}
    some = data.draw(st.sets(st.sampled_from(sorted(gates)), max_size=2)) if gates else set()
    shut = aside(law, gates, some)
    result = perform(Task(law.id, 0, 6, ("float64", "float32"), shut), with_dtypes(subject), observer, lambda *_: True)
    own = on_purpose(law, subject)
    for problem in observer.asked:
        assert not broken(problem, subject, own), (law.id, broken(problem, subject, own), subject.domain, problem)
    if result.outcome in FAILED:
        assert result.finding is not None


def on_purpose(law, subject):
    if law.id == "refusals/bad-arguments":
        return set(subject.resolved.bad_arguments)
    return ON_PURPOSE.get(law.id, set())


def with_dtypes(subject):
    """The subject, where it is asked in the wide dtypes alone."""
    chosen = [d for d in subject.domain.get("dtype", ()) if d in ("float64", "float32")]
    domain = {**subject.domain, **({"dtype": chosen or ["float64"]} if "dtype" in subject.domain else {})}
    subject.domain.clear()
    subject.domain.update(domain)
    return subject


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def test_neither_does_what_finds_out_about_the_layer(name, data):
    subject = data.draw(narrowed(name))
    observer = watched(name, data.draw(st.sampled_from([None, 3])))
    description = describe(subject, lambda called: nullcontext(observer))
    infer(Inquiry(0, description.dtypes, frozenset(), description.kept), subject, observer)
    for problem in observer.asked:
        assert not broken(problem, subject), (broken(problem, subject), subject.domain, problem)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.data())
def test_what_is_drawn_lies_inside_and_is_seen(name, data):
    """Membership agrees with what is drawn: in the whole domain nothing is outside, and every value drawn is met."""
    subject = subject_of(name, {})
    domain = domain_of(subject, ("float64", "float32"))
    problem = data.draw(problems(domain, subject.resolved.hard_logits))
    assert reason_outside(problem, domain) == ""
    for dimension in ("rank", "size", "reduction", "ignored", "weight"):
        values = {value for _, value in values_met(problem, domain, [dimension])}
        listed = dict.fromkeys(domain[dimension])
        if dimension != "rank" or problem.logits.ndim in listed:
            assert values or dimension == "size", (dimension, problem)
        assert all(has(problem, dimension, value) for value in values), (dimension, values, problem)


@pytest.mark.parametrize("name", NAMES)
def test_the_simplest_problem_of_a_domain_is_what_zero_bytes_stand_for(name):
    domain = contracts()[name].domain
    assert reason_outside(simplest_problem(domain), domain) == ""
    assert simplest_problem(domain).size == 1
    assert header_length(domain) > 0


@pytest.mark.parametrize(
    "domain",
    [{"size": ["one"], "ignored": ["some"]}, {"rank": [1], "size": ["several"]}, {"rank": [2], "axis": [2]}],
)
def test_a_domain_that_nothing_has_all_of_is_refused(domain):
    with pytest.raises(ValueError, match="no problem has all of what the domain asks for"):
        subject_of("cross_entropy", domain)


def test_a_batch_is_never_smaller_than_the_domain_says():
    """Shrinking and the laws' own smaller batches stay above the smallest size."""
    subject = subject_of("cross_entropy", {"size": ["several", "many"]})
    observer = watched("cross_entropy", 0)
    for law in laws_of(subject.resolved):
        perform(Task(law.id, 0, 3, ("float64",)), subject, observer, lambda *_: True)
    assert min(problem.size for problem in observer.asked if np.ndim(problem.labels)) >= 2
