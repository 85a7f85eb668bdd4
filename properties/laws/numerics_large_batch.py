"""Laws of large batches: what a few elements do not show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from properties.judging.context import Case
from properties.judging.law import Finding, Law
from properties.problems.domain import outside, within
from properties.problems.problem import Problem
from reference import Answer

COPIES = 65_536


def many_elements(case: Case) -> Iterator[Finding]:
    """The loss of one element, 65,536 times over, keeps the digits that it has alone."""
    for _ in _repeated(case, COPIES):
        # the smallest batch that already does it is the better proof
        for copies in (64, 256, 1024, 4096, 16_384, COPIES):
            yield from _repeated(case, copies)


def _repeated(case: Case, copies: int) -> Iterator[Finding]:
    problem = case.problem
    if problem.size == 0 or not problem.valid.any():
        return
    crowd = crowd_of(problem, copies)
    answer = in_blocks(case.answer(crowd), copies)
    message = f"A batch of {copies:,} elements loses digits that a small one keeps."
    yield from case.matches(crowd, answer=answer, gradient=False, message=message)


def crowd_of(problem: Problem, copies: int) -> Problem:
    """The first valid element, so many times."""
    first = int(np.flatnonzero(problem.valid.reshape(-1))[0])
    return problem.take(np.full(copies, first))


def in_blocks(answer: Answer, copies: int) -> Answer:
    """The answer with room for the error of a sum in blocks: sqrt(n) roundings, where a running sum makes n."""
    return replace(
        answer,
        value_scale=answer.value_scale + np.sqrt(copies) * np.abs(answer.value),
        alternatives=tuple(in_blocks(other, copies) for other in answer.alternatives),
    )


LAWS = (
    Law(
        "numerics/many-elements",
        f"A batch of {COPIES:,} elements loses no digits that a small one keeps.",
        many_elements,
        level="numerics",
        precondition={
            "size": within("one", "few"),
            "classes": lambda c: c <= 3,
            "rank": outside(1),
            "logits": within("normal", "lattice"),
            "dtype": within("float32", "float64"),
            "reduction": within("mean", "sum"),
            "layout": within("contiguous"),
        },
        needs=("oracle",),
        most=20,
        rests_on="the mean of n equal losses is that loss; summed in blocks it errs by sqrt(n) roundings, not by n",
    ),
)
