"""Ingredients: what is special about a problem, in words, and by which of them one fault is told from another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from properties.contracts import known_arguments
from properties.engine.examination import outcome_of
from properties.judging.law import Finding
from properties.problems.arguments import features_of_arguments
from properties.problems.domain import NEVER_OCCURS, counts_zero
from properties.problems.problem import Problem

MODERATE = 50.0
"""Beyond logits of this size a layer's fault is one of numbers."""


@dataclass(frozen=True)
class Fault:
    """A fault that a law has shown: how it ends, and what the smallest case has that shows it.

    ``call`` is what is special about the call, ``example`` about the problem that was drawn; both take at least
    ``elements`` elements and ``classes`` classes.
    """

    outcome: str
    error: str
    call: frozenset[str]
    example: frozenset[str]
    elements: int
    classes: int

    @property
    def everywhere(self) -> bool:
        """Whether the fault takes nothing that a problem may lack: behind it there is nothing to see."""
        return self.elements <= 1 and self.classes <= 2 and not (self.example if self._final else self.call)

    @property
    def _final(self) -> bool:
        return self.outcome in ("crashed", "timed out")

    def explains(self, finding: Finding) -> bool:
        """Whether a contradiction ends in the same way and has all that this fault takes."""
        same = outcome_of(finding) == self.outcome and error_of(finding) == self.error
        return same and self._fits(finding.calls[0], self.call)

    def ends(self, problem: Problem) -> bool:
        """Whether this fault would end the process, or keep it for ever, on such a problem."""
        return self._final and self._fits(problem, self.example)

    def _fits(self, problem: Problem, needed: frozenset[str]) -> bool:
        large = problem.size >= self.elements and problem.classes >= self.classes
        return large and needed <= ingredients(problem)


def error_of(finding: Finding) -> str:
    """The kind of failure behind a contradiction, or ''."""
    return "" if finding.failure is None else finding.failure.error


def ingredients(problem: Problem, of_arguments: Collection[str] | None = None) -> frozenset[str]:
    """What is special about a problem.

    ``of_arguments`` says what is special about arguments of its contract alone; None: what our own contracts say.
    """
    told = features_of_arguments(problem, known_arguments()) if of_arguments is None else of_arguments
    return frozenset((*(word for word, there in _special(problem).items() if there), *told))


def _special(problem: Problem) -> Mapping[str, bool]:
    finite = problem.logits[np.isfinite(problem.logits)]
    valid = problem.valid
    return {
        "class weights": problem.weight is not None,
        NEVER_OCCURS: any(counts_zero(value) for value in problem.config.values()),
        "weights of 0": problem.weight is not None and not problem.weight.all(),
        "ignored": not valid.all(),
        "nothing valid": not valid.any(),
        "no elements": problem.size == 0,
        "several elements": int(valid.sum()) > 1,
        "one class": problem.classes == 1 and not problem.entrywise,
        "rank 1": problem.logits.ndim == 1,
        "rank above 2": problem.logits.ndim > 2,
        "large logits": bool(np.abs(finite).max(initial=0.0) > MODERATE),
        "infinite logits": bool(np.isinf(problem.logits).any()),
        "NaN": bool(np.isnan(problem.logits).any()),
        f"{problem.targets} labels": problem.targets != "hard" and not problem.entrywise,
        problem.layout: problem.layout != "contiguous",
        problem.label_dtype: problem.label_dtype != "int64",
        problem.dtype: problem.dtype not in ("float64", "float32"),
        f"axis {problem.axis}": problem.axis != 1 and problem.logits.ndim > 1,
        "normalizer": problem.normalizer is not None,
        "none": problem.reduction == "none",
        "mean": problem.reduction == "mean" and int(valid.sum()) != 1,
    }
