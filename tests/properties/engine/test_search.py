"""Outcomes of one law: what is counted, what proves nothing, what was never drawn."""

from dataclasses import replace

import numpy as np
import pytest

import reference
from properties.certificates.certificate import LawReport, verdict_of
from properties.contracts import contract_named
from properties.engine.conditions import conditions
from properties.engine.description import LawInfo, laws_of
from properties.engine.search import SearchOptions, run_law
from properties.engine.shrinking import shrink
from properties.engine.trial import Trial
from properties.judging.finding import Finding, LayerFailed, NotApplicable
from properties.judging.law import Law
from properties.judging.observation import Failure, Observation
from reference import UNIT_ROUNDOFF

CE = contract_named("cross_entropy")
TAKES = frozenset({"weight", "ignore_index", "reduction", "axis"})


class Oracle:
    """An observer that answers as the oracle does, in float64."""

    def observe(self, problem, probe="plain"):
        answer = CE.answer(problem)
        return Observation(answer.value, answer.gradient, answer.value.shape, problem.dtype, problem.dtype)


def run(law, contract=CE, observer=None, takes=TAKES, **options):
    domain = contract.domain.only(dtype=["float64"])
    observer = observer or Oracle()
    return run_law(Trial(law, contract, observer, takes, domain), SearchOptions(**options))


def law_named(name):
    return next(law for law in laws_of(CE) if law.id == name)


@pytest.mark.parametrize(("every", "outcome"), [(1, "undecided"), (8, "held")])
def test_what_proves_nothing_is_never_counted_as_held(every, outcome):
    seen = []

    def unsure(*arguments, **options):
        seen.append(1)
        return replace(reference.cross_entropy(*arguments, **options), decided=len(seen) % every != 0)

    result = run(law_named("oracle/value"), replace(CE, oracle=unsure), max_examples=40)
    assert result.outcome == outcome
    assert result.undecided > 0
    assert result.examples == (0 if every == 1 else 40)


def test_mostly_unsure_is_given_up():
    seen = []

    def unsure(*arguments, **options):
        seen.append(1)
        return replace(reference.cross_entropy(*arguments, **options), decided=len(seen) % 4 == 0)

    result = run(law_named("oracle/value"), replace(CE, oracle=unsure), max_examples=40)
    assert result.outcome == "gave up"
    assert result.undecided > result.examples > 0
    assert result.reason == f"{result.undecided} more examples proved nothing"
    report = LawReport.of(LawInfo("oracle/value", "A sentence.", "formula", "error", 0, {}), result)
    assert (report.outcome, report.undecided) == ("gave up", result.undecided)
    assert verdict_of([report]) == "incomplete"


def test_few_undecided_examples_beside_all_that_were_asked_for_are_chance():
    """A law that takes long over each example gets one or two where others get forty."""
    seen = []

    def unsure(*arguments, **options):
        seen.append(1)
        return replace(reference.cross_entropy(*arguments, **options), decided=len(seen) == 3)

    result = run(replace(law_named("oracle/value"), most=8), replace(CE, oracle=unsure), max_examples=40)
    assert (result.outcome, result.examples, result.undecided) == ("held", 1, 2)


def test_the_budget_used_is_kept_for_each_dtype():
    class Inexact(Oracle):
        """Off by one unit of roundoff in float32, by none in float64."""

        def observe(self, problem, probe="plain"):
            answer, off = CE.answer(problem), problem.dtype == "float32"
            value = answer.value + off * UNIT_ROUNDOFF["float32"] * answer.value_scale
            return Observation(value, answer.gradient, value.shape, problem.dtype, problem.dtype)

    domain = CE.domain.only(dtype=["float64", "float32"])
    law = law_named("oracle/accuracy")
    result = run_law(Trial(law, CE, Inexact(), TAKES, domain), SearchOptions(max_examples=40))
    assert result.used_by_dtype == {"float32": pytest.approx(1.0, rel=1e-6), "float64": 0.0}
    assert result.used == max(result.used_by_dtype.values())


def test_a_law_without_problems_is_not_applicable():
    result = run(law_named("weights/scaling"), takes=TAKES - {"weight"})
    assert (result.outcome, result.reason) == ("not applicable", "the layer takes no weight")


def test_a_law_that_the_layer_declines_is_not_applicable_and_says_so():
    def declines(case):
        raise NotApplicable("the layer has no such thing")
        yield

    result = run(Law("test/declines", "A sentence.", declines), max_examples=5)
    assert (result.outcome, result.declined) == ("not applicable", True)


def test_examples_count_up_to_the_first_refutation():
    seen = []

    def third(case):
        seen.append(case.observe())
        if len(seen) >= 3:
            yield Finding("wrong", (case.problem,))

    result = run(Law("test/third", "A sentence.", third))
    assert (result.outcome, result.examples) == ("refuted", 3)


def test_a_failure_where_an_answer_was_due_is_a_finding():
    class Raises:
        def observe(self, problem, probe="plain"):
            return Failure("raised", "RuntimeError", "no")

    result = run(law_named("oracle/value"), observer=Raises())
    assert result.outcome == "raised"
    assert result.finding.failure == Failure("raised", "RuntimeError", "no")
    assert LayerFailed(result.finding.failure, result.problem).failure.kind == "raised"


def test_what_does_not_fail_twice_is_said_to_be_unrepeatable():
    seen = []

    def once(case):
        seen.append(case.observe())
        if len(seen) == 4:
            yield Finding("wrong", (case.problem,))

    result = run(Law("test/once", "A sentence.", once))
    assert (result.outcome, result.repeatable) == ("refuted", False)


def test_shrinking_and_conditions():
    def wrong(problem):
        weighted = problem.weight is not None and problem.weight.max() > 1
        return Finding("wrong", (problem,)) if weighted and problem.reduction == "mean" else None

    def check(case):
        found = wrong(case.problem)
        if found is not None:
            yield found

    law = Law("test/weighted-mean", "A sentence.", check)
    result = run(law)
    trial = Trial(law, CE, Oracle(), TAKES, CE.domain)
    smallest = shrink(result.problem, trial, wrong)
    assert smallest.labels.size == 1
    assert smallest.classes == 2
    assert sorted(smallest.weight) == [1.0, 2.0]
    assert (smallest.logits == 0).all()
    found = conditions(smallest, trial, lambda p: wrong(p) is not None)
    assert found == ("a class weight", "reduction=mean")


def test_the_same_seed_draws_the_same():
    def logits(seed):
        seen = []

        def look(case):
            case.observe()
            seen.append(case.problem.logits.copy())
            return iter(())

        run(Law("test/look", "A sentence.", look), seed=seed, max_examples=20)
        return seen

    one, two, other = logits(1), logits(1), logits(2)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
