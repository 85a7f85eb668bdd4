"""Whether a layer's gradient goes through the weights of its elements, and which choices of its contract it follows."""

from __future__ import annotations

from properties.engine.study import UNKNOWN, Fact, Study
from properties.judging.contract import Contract
from properties.judging.finite_differences import ascent, derivative_along, detaches
from properties.judging.observed_case import ObservedCase
from properties.judging.tolerance import judge
from properties.problems.domain import Choice

TELLING = 0.05
"""A slope that is known less well than this says nothing about a gradient."""

COARSE = 64.0
"""How much longer the steps of differences are in less than double precision."""

GRADIENT_WORDS = {
    "live": "the gradient is the slope of the value: it differentiates through the weights of the elements, if any",
    "detached": "the gradient is that of frozen weights: none goes through the weights of the elements",
    "both": "the gradient is the slope of the value and that of frozen weights: the weights are constant, "
    "or constant between jumps",
    "neither": "the gradient is neither the slope of the value nor that of frozen weights",
}


def gradient(study: Study, due: str) -> Fact:
    """Live, detached, both (the weights are constants, or jump) or neither."""
    seen = set()
    examples = 0
    for case in study.cases(study.prober.smooth(study.reductions("sum", "mean", "none"))):
        evidence = study.asked(lambda case=case: _gradient_of(case))  # type: ignore[misc]
        if evidence is not None:
            examples += 1
            seen.add(evidence)
    if not examples:
        return Fact(UNKNOWN, due, "the gradient is undecided: no problem shows a slope of the value")
    live, frozen = (all(one[k] for one in seen) for k in (0, 1))
    found = "both" if live and frozen else "live" if live else "detached" if frozen else "neither"
    agrees = None if not due else found in (due, "both") or (due == "both" and found == "live")
    claim = found if agrees is False and _may_claim(study.contract, found) else ""
    return Fact(found, due, GRADIENT_WORDS[found], examples, agrees, claim)


def _may_claim(contract: Contract, found: str) -> bool:
    """Whether a claim of this gradient makes another contract of it."""
    if found not in ("live", "detached") or contract.jumps is not None or contract.oracle is None:
        return False
    return bool(contract.bases) and contract.with_gradient(found).gradient == found


def _gradient_of(case: ObservedCase) -> tuple[bool, bool] | None:
    """Whether a gradient is live, and whether it is detached; None where differences are too coarse to tell."""
    problem = case.problem
    if case.observe().gradient is None or not case.contract.bases:
        return None
    stretch = 1.0 if problem.dtype == "float64" else COARSE
    slope = derivative_along(case, problem, ascent(case, problem), stretch=stretch)
    if slope.tolerance > TELLING * (abs(slope.by_differences) + abs(slope.by_gradient)):
        return None
    return slope.agrees, detaches(case)


def choice_followed(name: str, choice: Choice, study: Study, due: str) -> Fact:
    """Which value of an argument the layer follows, of those that its contract has words for."""
    left, examples = set(choice.words), 0
    reduction = next(iter(study.reductions("sum", "none", "mean")))
    for case in study.cases(study.prober.smooth((reduction,), drawn=0)):
        fits = study.asked(lambda case=case: _followed_by(case, study.contract, name, choice))  # type: ignore[misc]
        if fits is not None:
            examples += 1
            left &= fits
    if not examples:
        return Fact(UNKNOWN, due, f"{choice.subject} is undecided: in no problem do {choice.apart}")
    if not left:
        neither = choice.neither or choice.sentence.format("in no way that the contract knows")
        return Fact("other", due, neither, examples, False)
    found = due if due in left else next(value for value in choice.words if value in left)
    claim = "" if found == due or name in study.takes else found
    return Fact(found, due, choice.says(found), examples, found == due, claim)


def _followed_by(case: ObservedCase, contract: Contract, name: str, choice: Choice) -> set[str] | None:
    """The values for which the layer's loss is right; None where all give the same, or one is too close to tell."""
    problem = case.problem
    answers = {value: contract.answer(problem.configure(**{name: value})) for value in choice.words}
    losses = [float(answer.value.sum()) for answer in answers.values()]
    alike = all(abs(loss - losses[0]) <= 1e-3 * abs(losses[0]) for loss in losses)
    if alike or any(answer.ambiguous for answer in answers.values()):
        return None
    observed = case.observe()
    return {v for v, answer in answers.items() if judge(observed, answer, problem.dtype, gradient=False).holds}
