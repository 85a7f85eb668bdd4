"""Features: what is special about a problem, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.problems.domain import NEVER_OCCURS, counts_zero
from properties.problems.problem import Problem

MODERATE = 50.0
"""Beyond logits of this size a layer's fault is one of numbers."""


def ingredients(problem: Problem) -> frozenset[str]:
    """What is special about a problem."""
    return frozenset(word for word, there in _special(problem).items() if there)


def _special(problem: Problem) -> Mapping[str, bool]:
    finite = problem.logits[np.isfinite(problem.logits)]
    valid = problem.valid
    special = {
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
    special["regions of uneven width"] = _uneven(problem.config.get("bins"))
    return special | {f"{name}={value}": True for name, value in problem.config.items() if _unusual(name, value)}


def _unusual(name: str, value: Any) -> bool:
    """Arguments of which one value is as good as another tell nothing of a cause."""
    return name in ("label_smoothing", "momentum") and bool(value)


def _uneven(bins: Any) -> bool:
    """Whether regions of this width leave a narrower last one: a layer may be wrong there alone."""
    return isinstance(bins, float) and 0 < bins < 1 and abs(1 / bins - round(1 / bins)) > 1e-9
