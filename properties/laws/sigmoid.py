"""The law of losses over a sigmoid: which of the two classes is called 1 does not matter.

It rests on sigma(-x) = 1 - sigma(x).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.problems.domain import within
from properties.problems.problem import Problem

EIGHTHS = 8.0
"""Targets are rounded to eighths, so that 1 - t is exact in every dtype."""


def symmetric(case: Case) -> Iterator[Finding]:
    """Turned logits and turned targets have the same loss, and the gradient turned."""
    base, turned = _pair(case.problem)
    yield from case.agree(
        turned,
        base,
        "With the signs of the logits and the targets turned about, the loss is another.",
        gradient=lambda g: -g,
    )


def _pair(problem: Problem) -> tuple[Problem, Problem]:
    labels = np.where(problem.valid, np.round(problem.labels * EIGHTHS) / EIGHTHS, problem.labels)
    base = problem.replace(labels=labels)
    turned = base.replace(logits=0.0 - base.logits, labels=np.where(base.valid, 1.0 - labels, labels))
    alpha = problem.config.get("alpha")
    return base, turned if alpha is None else turned.configure(alpha=1.0 - alpha)


def symmetry(needs: tuple[str, ...] = (), **precondition: Callable[[Any], bool]) -> Law:
    """The law for a contract whose targets lie in [0, 1]; an argument ``alpha`` is turned too."""
    return Law(
        "sigmoid/symmetry",
        "Which of the two classes is called 1 does not matter: logits and targets turned about have the same loss.",
        symmetric,
        precondition={"targets": within("binary", "probability"), **precondition},
        needs=needs,
        rests_on="sigma(-x) = 1 - sigma(x): L(x, t) = L(-x, 1 - t), dL/dx changes its sign; alpha becomes 1 - alpha",
    )
