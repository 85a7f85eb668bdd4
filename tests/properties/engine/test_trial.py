"""A trial: what one problem shows of a law, and which layer it is asked of."""

import pytest

from properties.contracts import contract_named
from properties.drawing.decoding import simplest_problem
from properties.engine.trial import Trial
from properties.judging.finding import Finding, NotApplicable, Undecided
from properties.judging.law import Law
from properties.judging.observation import Failure
from properties.problems.domain import EmptyDomainError, within
from tests.properties.oracle_observer import OracleObserver

CE = contract_named("cross_entropy")
PROBLEM = simplest_problem(CE.domain)
TAKES = frozenset(CE.argument_names)


def trial(check, **law):
    return Trial(Law("test/one", "A sentence.", check, **law), CE, OracleObserver(CE), TAKES, CE.domain)


def raising(reason):
    def check(case):
        case.observe()
        raise reason
        yield

    return check


def asks(case):
    case.observe()
    yield from ()


def complains(case):
    yield Finding("no", ())


class Raises:
    def observe(self, problem, probe="plain"):
        return Failure("raised", "RuntimeError", "no")


def test_a_problem_that_proves_nothing_is_no_finding_and_nothing_that_holds():
    for reason in (Undecided("both"), NotApplicable("none")):
        one = trial(raising(reason))
        assert one.finding(PROBLEM) is None
        assert not one.holds(PROBLEM)
        with pytest.raises(type(reason)):
            one.examine(PROBLEM)


def test_a_law_that_asks_nothing_does_not_hold():
    silent = trial(lambda case: ())
    assert silent.examine(PROBLEM) == (None, None)
    assert not silent.holds(PROBLEM)
    assert trial(asks).examine(PROBLEM) == (None, 0.0)
    assert trial(asks).holds(PROBLEM)


def test_what_a_case_asks_of_another_problem_was_asked():
    def beside(case):
        other = case.on(case.problem.replace(reduction="sum"))
        other.observe()
        yield from ()

    assert trial(beside).holds(PROBLEM)


def test_a_finding_is_about_the_problem_that_was_put():
    assert trial(complains).finding(PROBLEM).calls == (PROBLEM,)


def test_the_same_law_on_another_layer():
    one = trial(asks)
    other = one.on(Raises())
    assert one.holds(PROBLEM)
    assert other.finding(PROBLEM).failure.error == "RuntimeError"
    assert (other.law, other.contract, other.domain) == (one.law, one.contract, one.domain)


def test_what_a_law_draws_is_less_than_what_it_may_ask():
    weighted = trial(asks, precondition={"reduction": within("sum")})
    assert set(weighted.drawn["reduction"]) == {"sum"}
    assert set(weighted.askable["reduction"]) == set(CE.domain["reduction"])


def test_where_nothing_is_left_to_draw_it_says_why():
    nothing = trial(asks, precondition={"reduction": within("median")})
    with pytest.raises(EmptyDomainError, match="reduction is drawn from"):
        _ = nothing.strategy
    assert nothing.holds(PROBLEM)
