"""What stands inside a loss: a cast to float32, a number that is added inside a logarithm."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.engine.inference_mean import shortest
from properties.engine.study import Fact, Study
from properties.judging.detached_gradient import base_problem
from properties.judging.observed_case import ObservedCase
from properties.judging.tolerance import compare, judge
from properties.laws.numerics_inside import MOST, SHOWS, deviation
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

SPREADS = (0.25, 0.5, 1.0, 2.0, 4.0, 6.0)
"""Sizes of the logits of single elements whose probabilities differ by orders of magnitude."""


def precision(study: Study, due: str) -> Fact | None:
    """Whether float64 is computed in float32 on the way; None where it is not, or where other things are wrong."""
    if study.prober.plain.dtype != "float64" or study.contract.oracle is None or study.added_inside:
        return None
    worst, examples = {"value": 0.0, "gradient": 0.0}, 0
    coarse: set[str] = set()
    off: set[str] = set()
    for case in study.cases(_problems(study)):
        states = study.asked(lambda case=case: _exactness(case))  # type: ignore[misc]
        examples += states is not None
        for quantity, (state, size) in (states or {}).items():
            worst[quantity] = max(worst[quantity], size)
            (coarse if state == "coarse" else off if state == "off" else set()).add(quantity)
    if "value" in off or not coarse or (coarse == {"gradient"} and "gradient" in off):
        return None
    size = max(worst[quantity] for quantity in coarse - off)
    if size < SHOWS:
        return None
    words = f"in float64 it is no more exact than in float32: off by up to {size:.1g} of itself (2^-24 is 6e-08)"
    return Fact("float32", due or "float64", words, examples, False, "float32")


def _problems(study: Study) -> Iterator[Problem]:
    yield from study.prober.smooth(study.reductions("sum", "mean", "none"))
    if study.reductions("mean"):
        yield from study.prober.batches("mean")


def _exactness(case: ObservedCase) -> dict[str, tuple[str, float]] | None:
    """Whether value and gradient are exact, exact in float32 alone (coarse) or off, and by how much."""
    observed, answer = case.observe(), case.answer()
    if answer.ambiguous:
        return None
    found = {}
    for quantity in ("value", "gradient"):
        only = {"value": quantity == "value", "gradient": quantity == "gradient"}
        got = observed.value if quantity == "value" else observed.gradient
        expected = answer.value if quantity == "value" else answer.gradient
        fine, rough = (judge(observed, answer, dtype, **only).holds for dtype in ("float64", "float32"))
        if got is not None:
            size = 0.0 if fine or got.shape != expected.shape else deviation(got, expected)
            found[quantity] = ("exact" if fine else "coarse" if rough else "off", size)
    return found


def logarithm(study: Study, due: str) -> Fact | None:
    """The number that is added to a probability inside a logarithm; None where no one number explains the losses."""
    contract = study.contract
    if contract.oracle is None or not contract.bases:
        return None
    low, high, examples, wrong = -np.inf, np.inf, 0, 0
    for case in study.cases(_singles(study)):
        bounds = study.asked(lambda case=case: _inside(case))  # type: ignore[misc]
        if bounds is not None:
            examples += 1
            low, high = max(low, bounds[0]), min(high, bounds[1])
            observed, answer = case.observe(), case.answer()
            wrong += not compare(observed.value, answer.value, answer.value_scale, case.problem.dtype).holds
    if examples < 3 or not wrong or not 0.0 < low <= high <= MOST:
        return None
    study.added_inside = True
    number = shortest(low, high)
    words = f"{number:g} is added to the probability inside the logarithm"
    return Fact(f"{number:g}", "none", words, examples, False)


def _singles(study: Study) -> Iterator[Problem]:
    rank = study.prober.able.ranks[0] if study.prober.able.ranks else 1
    reduction = next(iter(study.reductions("sum", "mean", "none")), None)
    for spread in SPREADS if rank > 1 and study.prober.plain.targets != "soft" else ():
        problem = study.prober.make(rank, (1,) * (rank - 1), reduction=reduction, spread=spread)
        if problem.size == 1:
            yield problem


def _inside(case: ObservedCase) -> tuple[float, float] | None:
    """Between which numbers e lies where the loss is c (-log(p + e)) for one element, with c that of the oracle."""
    problem, answer = case.problem, case.answer()
    base = float(case.contract.bases[0](base_problem(problem)).value.sum())
    due, got = float(answer.value.sum()), float(case.observe().value.sum())
    if answer.ambiguous or base <= 1e-3 or due <= 0.0 or got < 0.0:
        return None
    factor = due / base
    slack = BUDGET * UNIT_ROUNDOFF[problem.dtype] * float(answer.value_scale.sum()) / factor
    inside, p = np.exp(-got / factor), np.exp(-base)
    noise = inside * slack + 4.0 * UNIT_ROUNDOFF[problem.dtype] * p
    return float(inside - p - noise), float(inside - p + noise)
