"""Canary: whether a law that held would have refuted a wrong answer, in the process in which the layer ran.

A layer runs where it is judged. One that replaces ``numpy.abs``, by malice or for a shim, may blind the judge: then
every law would hold. So a law that held is put once more to its last examples, with the layer's own answers made
wrong on purpose: it must refute one of them.
"""

from __future__ import annotations

import builtins
import math
import sys
import types
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from properties.engine.trial import Trial
from properties.errors import Broken
from properties.judging.context import Case
from properties.judging.finding import Finding, NotApplicable, Undecided
from properties.judging.law import Law
from properties.judging.observation import Failure, Observation, Observer
from properties.judging.rounding import agreement
from properties.judging.tolerance import compare
from properties.problems.problem import Problem

BLINDED = "the checker was blinded"
"""How the reason begins where a law held only because nothing would have refuted it."""

LARGEST = 4096
"""Logits of an example up to which its answers are kept; of larger ones those of the last example alone."""

MOST_KEPT = 4
"""Examples whose answers are kept: not every one of them has what its law is about."""

NEAR = 2.0**-5
"""Distance of logits, relative to their size, up to which what is wrong with one problem is wrong with the other."""

Answer = Observation | Failure
Corruption = Callable[[int, int, Answer], Answer]
"""Makes an answer wrong, given its number among those to one example, and how many there are."""


@dataclass(frozen=True)
class Answered:
    """An example on which a law held, and in order what the layer was asked: probe, problem, and its answer."""

    problem: Problem
    answers: tuple[tuple[str, Problem, Answer], ...]


class LastAnswers:
    """An observer that keeps the layer's answers to the last examples on which its law held."""

    def __init__(self, observer: Observer) -> None:
        self.held: deque[Answered] = deque(maxlen=MOST_KEPT)
        self._observer = observer
        self._answers: list[tuple[str, Problem, Answer]] = []

    def observe(self, problem: Problem, probe: str = "plain") -> Answer:
        """Ask the layer, and keep what it answers."""
        answer = self._observer.observe(problem, probe)
        self._answers.append((probe, problem, answer))
        return answer

    def before_each(self, tick: Callable[[int, Problem], bool]) -> Callable[[int, Problem], bool]:
        """Return a tick, called before each example, that also forgets the answers to the one before."""

        def ticking(examples: int, problem: Problem) -> bool:
            self._answers = []
            return tick(examples, problem)

        return ticking

    def keep(self, problem: Problem) -> None:
        """Keep the answers to an example on which the law held."""
        if problem.logits.size > LARGEST and self.held:
            return
        if self.held and self.held[-1].problem.logits.size > LARGEST:
            self.held.pop()
        self.held.append(Answered(problem, tuple(self._answers)))


class _Corrupted:
    """An observer that gives the answers that were kept, made wrong; what was not asked then, it asks the layer."""

    def __init__(self, answered: Answered, observer: Observer, corruption: Corruption) -> None:
        self._answered, self._observer, self._corruption = answered, observer, corruption
        self._asked = 0

    def observe(self, problem: Problem, probe: str = "plain") -> Answer:
        """Return the answer to the next question, made wrong where it was kept."""
        number, kept = self._asked, self._answered.answers
        self._asked += 1
        if number < len(kept) and kept[number][0] == probe and _is_near(problem, kept[number][1]):
            return self._corruption(number, len(kept), kept[number][2])
        answer = self._observer.observe(problem, probe)
        # what a law asks in addition is how it makes sure: a layer that is wrong is as wrong a hair's breadth away
        near = [each for each, (asked, other, _) in enumerate(kept) if asked == probe and _is_near(problem, other)]
        if near or self._corruption in _EVERYWHERE:
            return self._corruption(near[0] if near else number, len(kept), answer)
        return answer


def _is_near(problem: Problem, other: Problem) -> bool:
    """Whether two problems differ by little more than rounding in their logits, and in nothing else."""
    if problem.logits.shape != other.logits.shape or not np.array_equal(problem.labels, other.labels):
        return False
    if any(getattr(problem, name) != getattr(other, name) for name in _PLAIN_FIELDS):
        return False
    if (problem.weight is None) != (other.weight is None):
        return False
    with np.errstate(invalid="ignore"):
        size = 1.0 + np.abs(other.logits[np.isfinite(other.logits)]).max(initial=0.0)
        apart = np.abs(problem.logits - other.logits)
    return bool((apart[np.isfinite(apart)] <= NEAR * size).all())


_PLAIN_FIELDS = ("ignore_index", "reduction", "axis", "targets", "dtype", "label_dtype", "layout", "normalizer")


def blinded(law: Law, answers: LastAnswers, trial_on: Callable[[Observer], Trial]) -> str:
    """Return in words why a law that held would have held anyway; '' where it would have refuted a wrong answer.

    ``trial_on`` makes the trial of the law over an observer. Where none of the examples that were kept has what the
    law is about, a law that any wrong number contradicts stands in for it.
    """
    if name := replaced():
        return f"{BLINDED}: while the layer ran, {name} was replaced"
    if not comparisons_work():
        return f"{BLINDED}: numbers that differ are told to be equal"
    if not answers.held or refuted_itself(law, answers, trial_on):
        return ""

    def any_number(observer: Observer) -> Trial:
        trial = trial_on(observer)
        return replace(trial, law=ANY_NUMBER if trial.contract.oracle is not None else ANOTHER_NUMBER)

    if refuted_itself(ANY_NUMBER, answers, any_number):
        return ""
    return f"{BLINDED}: answers that were made wrong on purpose are not refuted"


def refuted_itself(law: Law, answers: LastAnswers, trial_on: Callable[[Observer], Trial]) -> bool:
    """Return whether a law refutes one of the answers that were kept, made wrong on purpose."""
    last = tuple(answers.held)[::-1]
    with np.errstate(all="ignore"):
        return any(_refutes(trial_on, each, answers, how) for how in _corruptions(law) for each in last)


def _refutes(trial_on: Callable[[Observer], Trial], answered: Answered, live: Observer, how: Corruption) -> bool:
    """Whether a law refutes the answers to an example that were made wrong in this way."""
    try:
        return trial_on(_Corrupted(answered, live, how)).examine(answered.problem).finding is not None
    except (Undecided, NotApplicable):
        return False
    except Broken:
        # it saw something that no layer answers
        return True


def comparisons_work() -> bool:
    """Whether numbers that differ are told from those that agree."""
    right, wrong, scale = np.array([0.5, -2.0, 0.0]), np.array([0.75, -3.0, 1.0]), np.ones(3)
    equal = compare(right, right, scale, "float64").holds and agreement(right, right, 1.0, "float64").holds
    different = compare(wrong, right, scale, "float64").holds or agreement(wrong, right, 1.0, "float64").holds
    return equal and not different


def replaced() -> str:
    """Return the name of a function that this process judges by and that is another one now; '' where none is."""
    for module, functions in _ORIGINALS.items():
        now = vars(module)
        for name, function in functions.items():
            if now.get(name) is not function:
                return f"{module.__name__}.{name}"
    return ""


def _functions(module: types.ModuleType) -> dict[str, Any]:
    """Return the functions of a module; classes are left out, since old code gives NumPy names of types anew."""
    kinds = (types.FunctionType, types.BuiltinFunctionType, np.ufunc)
    return {name: value for name, value in vars(module).items() if isinstance(value, kinds)}


def _judges() -> Iterator[types.ModuleType]:
    """The modules whose functions judge: NumPy's, Python's, and those of ours that are loaded by now."""
    yield from (np, math, builtins)
    for name, module in list(sys.modules.items()):
        if name.startswith(("reference.", "properties.judging.", "properties.laws.", "properties.engine.")):
            yield module


_ORIGINALS: Mapping[types.ModuleType, Mapping[str, Any]] = {module: _functions(module) for module in _judges()}
"""What this process judges by, as it was before any layer was loaded."""


def _corruptions(law: Law) -> Iterator[Corruption]:
    """Ways to make the answers wrong; a law about numbers must see it by the numbers, or what comes with them."""
    yield from (_each_by_another_factor, _first_alone, _last_alone, _slightly, _below_zero, _nan, _zero)
    yield from (_reshaped, _facts, _other_type)
    if law.level in ("conduct", "refusals"):
        yield from (_answered_all_the_same, _raised)


def _with_numbers(answer: Answer, change: Callable[[Any], Any]) -> Answer:
    if isinstance(answer, Failure):
        return answer
    gradient = None if answer.gradient is None else change(answer.gradient)
    facts = {name: change(value) if isinstance(value, np.ndarray) else value for name, value in answer.facts.items()}
    return replace(answer, value=change(answer.value), gradient=gradient, facts=facts)


def _each_by_another_factor(number: int, of: int, answer: Answer) -> Answer:
    return _with_numbers(answer, lambda array: np.nan_to_num(array) * (1.5 + number) + (1.0 + number))


def _first_alone(number: int, of: int, answer: Answer) -> Answer:
    return answer if number else _each_by_another_factor(number, of, answer)


def _last_alone(number: int, of: int, answer: Answer) -> Answer:
    return answer if number < of - 1 else _each_by_another_factor(number, of, answer)


def _slightly(number: int, of: int, answer: Answer) -> Answer:
    return _with_numbers(answer, lambda array: array * (1.0 + 2.0**-24))


def _below_zero(number: int, of: int, answer: Answer) -> Answer:
    return _with_numbers(answer, lambda array: -1.0 - np.abs(np.nan_to_num(array)))


def _nan(number: int, of: int, answer: Answer) -> Answer:
    return _with_numbers(answer, lambda array: np.full_like(array, np.nan))


def _zero(number: int, of: int, answer: Answer) -> Answer:
    return _with_numbers(answer, np.zeros_like)


def _reshaped(number: int, of: int, answer: Answer) -> Answer:
    return _with_numbers(answer, lambda array: np.stack([array, array]))


def _facts(number: int, of: int, answer: Answer) -> Answer:
    if isinstance(answer, Failure):
        return answer
    return replace(answer, facts={name: _another(value) for name, value in answer.facts.items()})


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, str):
        return "canary" if value != "canary" else ""
    if isinstance(value, (int, float)):
        return value + 1
    if isinstance(value, np.ndarray):
        return value * 1.5 + 1.0
    if isinstance(value, Mapping):
        return {name: _another(each) for name, each in value.items()} or {"canary": "canary"}
    return ("canary",)


def _other_type(number: int, of: int, answer: Answer) -> Answer:
    if isinstance(answer, Failure):
        return answer
    return replace(answer, dtype="int8", gradient_dtype="int8", shape=(*answer.shape, 7))


def _answered_all_the_same(number: int, of: int, answer: Answer) -> Answer:
    return Observation(np.asarray(1.0), dtype="float64") if isinstance(answer, Failure) else answer


def _raised(number: int, of: int, answer: Answer) -> Answer:
    return Failure("raised", "RuntimeError", "canary")


_EVERYWHERE = (_nan, _zero, _below_zero, _answered_all_the_same, _raised)
"""What makes wrong also the answers to questions that were not asked before."""


def _any_number(case: Case) -> Iterator[Finding]:
    """Value and gradient are the contract's."""
    yield from case.matches()


def _another_number(case: Case) -> Iterator[Finding]:
    """Two numbers that differ are two numbers."""
    value = case.observe().value
    yield from case.same(case.problem, value, np.nan_to_num(value) * 1.5 + 1.0, "value", "The numbers differ.")


ANY_NUMBER = Law("oracle/value", "Value and gradient are the contract's.", _any_number)
ANOTHER_NUMBER = Law("oracle/value", "Two numbers that differ are two numbers.", _another_number)
"""What stands in for a law that is about something which no example has; the second where no oracle is known."""
