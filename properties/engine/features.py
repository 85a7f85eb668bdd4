"""Features: what is special about a problem, in words."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from properties.contracts import known_arguments
from properties.problems.arguments import features_of_arguments
from properties.problems.domain import NEVER_OCCURS, counts_zero
from properties.problems.problem import Problem

MODERATE = 50.0
"""Beyond logits of this size a layer's fault is one of numbers."""


def ingredients(problem: Problem, of_arguments: Collection[str] | None = None) -> frozenset[str]:
    """Return what is special about a problem.

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
