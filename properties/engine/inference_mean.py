"""What a layer's mean divides by, what is added to that, and what the mean of nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from properties.engine.study import UNKNOWN, Fact, Study
from properties.judging.conventions import DENOMINATORS, Conventions, Divisor
from properties.judging.denominators import divided_by, divisors
from properties.judging.observed_case import ObservedCase
from properties.laws.numerics_inside import MOST
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

DIGITS = 4
"""The most digits of such a number as somebody wrote it down."""


@dataclass(frozen=True)
class Quotient:
    """A problem, its sum over its mean, how well that is known in units of roundoff, and the candidates by name."""

    problem: Problem
    number: float
    units: float
    candidates: Mapping[str, float]

    @property
    def regime(self) -> tuple[bool, bool]:
        """Class weights, and an ignore_index of 0 or more: what layers make a difference of."""
        index = self.problem.ignore_index
        return self.problem.weight is not None, index is not None and index >= 0

    def slack(self, dtype: str) -> float:
        """How far the number may be from what was divided by, in a layer that computes in this precision."""
        return BUDGET * max(UNIT_ROUNDOFF[dtype], UNIT_ROUNDOFF[self.problem.dtype]) * self.units * abs(self.number)

    def fits(self, dtype: str) -> frozenset[str]:
        """The candidates that this number may be."""
        slack = self.slack(dtype)
        fitting = {name for name, number in self.candidates.items() if abs(self.number - number) <= slack}
        # what has no meaning for soft labels is not contradicted by them
        return frozenset(fitting | (set(DENOMINATORS) - set(self.candidates) if self.soft else set()))

    @property
    def soft(self) -> bool:
        """Whether the labels are soft."""
        return self.problem.targets == "soft"


def denominator(study: Study, due: str) -> Fact:
    """What a mean divides by: the candidates that no problem contradicts."""
    if "mean" not in study.domain["reduction"]:
        return Fact("none", due, "there is no mean that divides")
    if "sum" not in study.domain["reduction"] and study.contract.oracle is None:
        words = (
            "what the mean divides by is undecided: the layer has no sum to compare with, and the contract no oracle"
        )
        return Fact(UNKNOWN, due, words)
    seen = _quotients(study)
    if not seen:
        return Fact(UNKNOWN, due, "what the mean divides by is undecided: every sum is 0")
    found = _fitting(seen, "float64") or _fitting([*seen, *_crowded(study)], "float32")
    if not found and "sum" not in study.domain["reduction"] and not _is_told(seen):
        # the sum is the oracle's: where the losses are others, it tells nothing of what they are divided by
        words = "what the mean divides by is undecided: the layer has no sum, and its losses are not the contract's"
        return Fact(UNKNOWN, due, words, len(seen))
    if not found:
        value, words = _by_regime(seen)
        return Fact(value, due, f"the mean divides by {words}", len(seen), False if due else None)
    names = list(dict.fromkeys(divisor.name for divisor in found))
    first = due if due in names else names[0]
    agrees = due in names if due else None
    chosen = next(divisor for divisor in found if divisor.name == first)
    if agrees is False or (agrees and chosen.epsilon):
        study.divisor = Divisor("" if agrees else first, chosen.epsilon, chosen.each)
    elif agrees:
        study.divisor = Divisor(study.contract.conventions.divisor.name)
    claim = first if agrees is False and "denominator" not in study.takes else ""
    words = f"the mean divides by {_apart(first, names, study)}"
    return Fact(" or ".join(names), due, words, len(seen), agrees, claim)


def _quotients(study: Study) -> list[Quotient]:
    """What divides the sums of batches of every kind."""
    return _asked_of(study, study.prober.batches("mean"))


def _crowded(study: Study) -> list[Quotient]:
    """The same of one element, alone and among very many ignored ones: what is added to a share shows there alone."""
    found = []
    for crowd in _asked_of(study, study.prober.crowd("mean")):
        for alone in _alone(study, crowd.problem):
            # what is exactly 0 has no error: its rounding is that of the one element
            found += [alone, replace(crowd, units=min(crowd.units, alone.units))]
    return found


def _alone(study: Study, problem: Problem) -> list[Quotient]:
    return _asked_of(study, iter([problem.take(problem.valid.reshape(-1))]))


def _asked_of(study: Study, problems: Iterator[Problem]) -> list[Quotient]:
    seen = []
    for case in study.cases(problems, plain=True):
        quotient = study.asked(lambda case=case: _quotient(study, case))  # type: ignore[misc]
        if quotient is not None:
            seen.append(quotient)
    return seen


def _quotient(study: Study, case: ObservedCase) -> Quotient | None:
    """What divides a sum, the layer's own or the oracle's, to give the layer's mean."""
    problem, mean = case.problem, case.observe()
    summed = problem.replace(reduction="sum")
    if "sum" in study.domain["reduction"]:
        total = case.observe(summed)
        value, scale = float(total.value.sum()), case.error_scale("value", summed, total)
    else:
        answer = study.contract.answer(summed)
        value, scale = float(answer.value), answer.value_scale
    if mean.value.shape != () or not np.isfinite(value) or not value:
        return None
    own = float(case.error_scale("value", problem, mean).max())
    number = value / float(mean.value) if mean.value else np.inf
    units = own / abs(float(mean.value)) + float(scale.max()) / abs(value) if mean.value else 0.0
    return Quotient(problem, number, units, divisors(problem, study.contract))


def _fitting(seen: Sequence[Quotient], dtype: str) -> list[Divisor]:
    """The divisors that no number contradicts in a layer that computes in this precision, plain ones if there are."""
    names = frozenset.intersection(*(one.fits(dtype) for one in seen))
    if names:
        return [Divisor(name) for name in DENOMINATORS if name in names]
    common = [name for name in DENOMINATORS if all(name in one.candidates for one in seen)]
    return [divisor for name in common if (divisor := _with_added(name, seen, dtype))]


def _with_added(name: str, seen: Sequence[Quotient], dtype: str) -> Divisor | None:
    """A candidate and the number that is added to it in every problem, or for each element in it; None if none is."""
    for each in (False, True):
        low, high = -np.inf, np.inf
        for one in seen:
            times = one.problem.size if each else 1.0
            excess, slack = one.number - one.candidates[name], one.slack(dtype)
            low, high = max(low, (excess - slack) / times), min(high, (excess + slack) / times)
        if 0.0 < low <= high <= MOST:
            return Divisor(name, shortest(low, high), each)
    return None


def shortest(low: float, high: float) -> float:
    """The number between two that takes the fewest digits to write down."""
    middle = 0.5 * (low + high)
    rounded = (float(f"{middle:.{digits}g}") for digits in range(1, DIGITS + 1))
    return next((number for number in rounded if low <= number <= high), middle)


def epsilon(study: Study, due: str) -> Fact | None:
    """The number that is added to what the mean divides by; None where there is no such question."""
    divisor = study.divisor
    if not divisor.epsilon:
        return None
    share = " for each of all elements: it is added to the share of the valid ones" if divisor.each else ""
    words = f"{divisor.epsilon:g} is added to what the mean divides by{share}"
    claimed = study.contract.conventions.divisor
    agrees = claimed.epsilon == divisor.epsilon and claimed.each == divisor.each
    return Fact(divisor.added, claimed.added if claimed.epsilon else "none", words, 0, agrees, divisor.added)


def nothing(study: Study, due: str) -> Fact | None:
    """What the mean of no element is; None where no element can be taken out."""
    seen = []
    contract = replace(study.contract, conventions=Conventions(study.divisor))
    for case in study.answered(_empty(study), plain=True):
        # where what the layer divides by is not 0, it is no mean of nothing
        if divided_by(case.problem, contract) == 0.0 and case.observe().value.shape == ():
            seen.append(float(case.observe().value))
    if not seen:
        return None
    if all(np.isnan(one) for one in seen):
        claim = "nan" if due and due != "nan" else ""
        return Fact("nan", due, "the mean of nothing is NaN", len(seen), due == "nan" if due else None, claim)
    if all(one == 0.0 for one in seen):
        return Fact("zero", due, "the mean of nothing is 0", len(seen), due == "zero" if due else None)
    words = "the mean of nothing is not always the same: " + ", ".join(dict.fromkeys(f"{one:g}" for one in seen))
    return Fact("other", due, words, len(seen), False if due else None)


def _empty(study: Study) -> Iterator[Problem]:
    """Batches without an element that counts, as far as the layer takes such."""
    for problem in study.prober.batches("mean"):
        if study.prober.able.masks and not problem.valid.all():
            yield problem.ignoring(np.ones(problem.size, dtype=bool))
        elif problem.weight is not None and "zero-total" in study.domain["weight"]:
            yield problem.replace(weight=np.zeros_like(problem.weight))


def _is_told(seen: list[Quotient]) -> bool:
    """Whether every number is one of the usual ones, though no one of these fits throughout."""
    return all(one.fits("float64") for one in seen)


def _by_regime(seen: list[Quotient]) -> tuple[str, str]:
    """Where no candidate fits throughout: one for each regime, or the number of a small case."""
    hard = [one for one in seen if not one.soft]
    names = frozenset[str]() if len(hard) == len(seen) else frozenset.intersection(*(h.fits("float64") for h in hard))
    if names:
        first = next(name for name in DENOMINATORS if name in names)
        return "mixed", f"{DENOMINATORS[first]}, but with soft labels whose rows do not sum to 1 by another number"
    seen = hard
    regimes: dict[tuple[bool, bool], frozenset[str]] = {}
    for one in seen:
        regimes[one.regime] = regimes.get(one.regime, one.fits("float64")) & one.fits("float64")
    ordered = sorted(seen, key=lambda one: one.problem.size)
    lost = next((one for one in ordered if not one.fits("float64")), None)
    if lost is not None or not all(regimes.values()):
        odd = lost or ordered[0]
        return "other", f"none of the usual numbers: {odd.number:.4g} for {_described(odd.problem)}"
    counts = {name: sum(name in fits for fits in regimes.values()) for name in DENOMINATORS}
    usual = max(counts, key=lambda name: counts[name])
    others = [
        f"{_regime_words(regime)} by {DENOMINATORS[next(name for name in DENOMINATORS if name in fits)]}"
        for regime, fits in regimes.items()
        if usual not in fits
    ]
    return "mixed", f"{DENOMINATORS[usual]}, but {' and '.join(others)}"


def _regime_words(regime: tuple[bool, bool]) -> str:
    weights = "with class weights" if regime[0] else "without class weights"
    return f"{weights} and with an ignore_index {'of 0 or more' if regime[1] else 'below 0'}"


def _described(problem: Problem) -> str:
    words = f"{int(problem.valid.sum())} valid of {problem.size} elements in shape {list(problem.shape)}"
    return words if problem.weight is None else f"{words} with class weights {problem.weight.tolist()}"


def _apart(first: str, names: list[str], study: Study) -> str:
    """A candidate in words, and which others cannot be told from it, and why."""
    if len(names) == 1:
        return DENOMINATORS[first]
    able = study.prober.able
    lacks = {
        "weights": "" if able.weights else "no class weights",
        "elements": "" if able.masks else "no ignore_index",
        "batch": "" if max(able.ranks, default=1) > 2 else "no logits of more than two axes",
    }
    reasons = " and ".join(lacks[name] for name in names if lacks.get(name))
    because = f": the layer takes {reasons}" if reasons else ""
    if {"count", "elements"} <= set(names):
        listed = " and ".join(SHORT.get(name, DENOMINATORS[name]) for name in names)
        return f"the number of elements ({listed} cannot be told apart{because})"
    listed = " and ".join(DENOMINATORS[name] for name in names if name != first)
    return f"{DENOMINATORS[first]} (not to be told apart from {listed}{because})"


SHORT = {"count": "valid", "weights": "weighted", "elements": "all"}
