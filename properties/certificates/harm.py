"""Harm: how much a law that does not hold matters, so that what hurts most is told first."""

from __future__ import annotations

import numpy as np

from properties.certificates.certificate import LawReport
from properties.certificates.deviation import Deviation
from properties.engine.features import MODERATE
from properties.problems.domain import counts_zero
from properties.problems.problem import Problem

LOUD = ("conduct/answers", "conduct/takes-weights", "conduct/takes-ignored")
"""Laws of conduct that a layer gives an answer at all: no manners."""

BROADCASTS = ("shape/label-axis", "shape/none-label-axis", "refusals/broadcasting")
"""Laws about labels with an axis of length 1, which a layer may silently broadcast to another loss."""

CONVENTIONS = ("denominator/", "shape/mean-over-denominator")

BUCKETS = (1e-2, 1e-4, 1e-8)
"""Deviations between which a person sees a difference."""

LAST = len(BUCKETS)
"""The bucket of deviations that no training sees; they come with the conventions."""

TINY = 1e-3
"""Class weights below this are a corner."""


def harm(law: LawReport, deviation: Deviation) -> tuple[int, int, bool, int]:
    """Return what orders laws that do not hold: the least number is the greatest harm.

    First come ordinary problems, then corners, conventions on which sound losses differ and last digits, manners, and
    nonsense; among these wrong numbers that nobody sees, then NaN, then what ends loudly; then large deviations before
    small ones.
    """
    silent = deviation.kind in ("number", "shape", "finite")
    return (_place(law, deviation), _loudness(deviation), not (silent and law.id in BROADCASTS), bucket(deviation))


def bucket(deviation: Deviation) -> int:
    """Return 0 for a deviation that nobody overlooks, 3 for one in the last digits."""
    return sum(deviation.telling < least for least in BUCKETS)


def is_convention(law: LawReport, deviation: Deviation) -> bool:
    """Whether a law contradicts a choice on which sound losses differ, such as what a mean divides by."""
    if deviation.kind == "shape":
        return not deviation.telling and law.id not in BROADCASTS
    told = "the contract says" in law.message or law.id.startswith(CONVENTIONS)
    return told and deviation.kind == "number"


def is_corner(problem: Problem) -> bool:
    """Whether a problem lies where few batches do: huge logits, NaN, nothing valid, one class, half precision."""
    finite = np.abs(problem.logits[np.isfinite(problem.logits)]).max(initial=0.0)
    weight = problem.weight
    return bool(
        finite > MODERATE
        or not np.isfinite(problem.logits).all()
        or not problem.valid.any()
        or (problem.classes == 1 and not problem.entrywise)
        or problem.logits.ndim == 1
        or problem.dtype not in ("float64", "float32")
        or (weight is not None and (weight < TINY).any())
        or any(counts_zero(value) for value in problem.config.values())
    )


def _place(law: LawReport, deviation: Deviation) -> int:
    family = law.id.split("/")[0]
    if law.level == "refusals" or family == "refusals":
        return 4
    if law.level == "conduct" and law.id not in LOUD and law.id not in BROADCASTS:
        return 3
    last_digits = deviation.kind == "number" and bucket(deviation) == LAST
    if is_convention(law, deviation) or last_digits:
        return 2
    finding = law.result.finding
    return int(finding is not None and bool(finding.calls) and is_corner(finding.calls[0]))


def _loudness(deviation: Deviation) -> int:
    return {"number": 0, "shape": 0, "finite": 0, "words": 1, "not finite": 2, "failure": 3}[deviation.kind]
