"""Model: the answer of a loss that departs from its contract in known ways, composed.

A computation has these stages, and settings change them:

- ``rewrite``: functions of a Problem that say which problem is answered in place of the one that was asked;
  ``numerator``: the same for the losses alone, so that the denominator stays; ``denominator``: for that alone;
  ``values`` and ``slopes``: the same for the values, or the gradient, alone;
- ``logits``: maps of the rows of logits before anything else is done with them;
- what ``Loss.inside`` names: changes of how the losses of elements come about, which the contract's parts know;
- ``element-weights``: numbers, one for each element, that multiply the losses and no denominator;
- ``chunks``: batches into which the elements fall, whose results are ``joined``: added, or averaged;
- ``divisor`` (a function of the problem and the losses) and ``added``: what the mean divides by, and maps of that, or a
  normalizer and ``beside-normalizer``; ``nothing``: what it is where that is 0;
- ``finish``: functions of the problem and the Answer, which give another Answer;
- ``precision``: the dtype that is computed in.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from properties.departures.departure import Settings
from properties.departures.parts import Loss, Parts, scaled, weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF, Answer

SLACK = 4.0
"""How much further than the oracle a composed computation may stray by rounding."""


def modelled(loss: Loss, problem: Problem, settings: Settings) -> Answer:
    """Return the answer to a problem of a loss that departs in these ways; with none it is the oracle's own."""
    if not settings:
        return loss.answer(problem)
    asked = rewritten(problem, settings.get("rewrite", ()))
    answers = [_answer(loss, asked, batches, settings) for batches in _parts(loss, asked, settings)]
    for finish in settings.get("finish", ()):
        answers = [finish(problem, answer) for answer in answers]
    found = replace(answers[0], alternatives=tuple(answers[1:]), decided=all(a.decided for a in answers), nearest=None)
    if settings.get("nothing") == "nan" and problem.reduction == "mean":
        found = _of_a_division(found)
    precision = settings.get("precision")
    return found if precision is None else in_precision(found, precision, problem.dtype)


def in_precision(answer: Answer, precision: str, dtype: str) -> Answer:
    """Return an answer with the error scales, in units of ``dtype``, of a computation in another precision."""
    ratio = UNIT_ROUNDOFF[precision] / UNIT_ROUNDOFF[dtype]
    return _coarser(answer, ratio) if ratio > 1.0 else answer


def rewritten(problem: Problem, rewrites: Sequence[Callable[[Problem], Problem]]) -> Problem:
    """Return the problem that is answered in place of one."""
    for rewrite in rewrites:
        problem = rewrite(problem)
    return problem


def _of_a_division(answer: Answer) -> Answer:
    """An answer of a mean over 0: slopes that are 0 or no number are all as good, as the layer's arithmetic has it."""

    def nearest(value: Array, gradient: Array | None) -> Answer:
        if gradient is None:
            return answer
        idle = ~np.isfinite(gradient) | (gradient == 0)
        return replace(answer, gradient=np.where(idle, gradient, answer.gradient), nearest=None)

    return answer if np.isfinite(answer.value).all() else replace(answer, nearest=nearest)


Batch = tuple[Problem, Any, Parts]


def _parts(loss: Loss, problem: Problem, settings: Settings) -> list[list[Batch]]:
    """For each admissible answer: the batches, each with the indices of its elements and their losses."""
    chunks = settings.get("chunks")
    if chunks is None:
        every = np.arange(problem.size)
        return [[(problem, every, parts)] for parts in _losses(loss, problem, settings)]
    batches: list[Batch] = []
    for index in chunks(problem):
        batch = problem.take(index)
        first, *others = _losses(loss, batch, settings)
        batches.append((batch, index, replace(first, decided=first.decided and not others)))
    return [batches] if batches else [[(problem, np.arange(problem.size), _losses(loss, problem, settings)[0])]]


def _losses(loss: Loss, problem: Problem, settings: Settings) -> list[Parts]:
    """The losses of a batch, with what changes logits, values or slopes alone."""
    asked = rewritten(problem, settings.get("numerator", ()))
    found = _of_mapped_logits(loss, rewritten(asked, settings.get("values", ())), settings)
    if "element-weights" in settings:
        numbers = settings["element-weights"](problem).reshape(-1)
        found = [replace(one, losses=scaled(one.losses, numbers)) for one in found]
    if "slopes" not in settings:
        if "values" not in settings:
            return found
        return [found[0].with_slopes(_of_mapped_logits(loss, asked, settings)[0])]
    slopes = _of_mapped_logits(loss, rewritten(asked, settings["slopes"]), settings)
    return [one.with_slopes(other) for one, other in zip(found, slopes, strict=False)]


def _of_mapped_logits(loss: Loss, problem: Problem, settings: Settings) -> list[Parts]:
    backs: list[Callable[[Array], Array]] = []
    asked = problem
    for change in settings.get("logits", ()):
        valid = asked.valid.reshape(-1, 1)
        rows, back = change(np.where(valid, asked.rows, 0.0), asked)
        asked = asked.with_rows(rows)
        backs.append(back)
    found = loss.parts_of(asked, settings)
    valid = asked.valid.reshape(-1, 1)
    for back in reversed(backs):
        found = [
            replace(
                one,
                losses=replace(
                    one.losses,
                    slope=np.where(valid, back(one.losses.slope), 0.0),
                    slope_scale=SLACK * np.abs(one.losses.slope_scale).max(axis=1, keepdims=True, initial=0.0)
                    + np.abs(np.where(valid, back(one.losses.slope), 0.0)),
                ),
            )
            for one in found
        ]
    return found


def _answer(loss: Loss, problem: Problem, batches: Sequence[Batch], settings: Settings) -> Answer:
    """Reduce the losses of batches to one answer."""
    value, scale = np.zeros(problem.size), np.zeros(problem.size)
    slope, slope_scale = np.zeros_like(problem.rows), np.zeros_like(problem.rows)
    upstream = np.ones(problem.shape or ())
    if problem.cotangent is not None:
        upstream = np.asarray(problem.cotangent, dtype=np.float64)
    mean = problem.reduction == "mean"
    share = 1.0 / len(batches) if settings.get("joined") == "averaged" and mean else 1.0
    for batch, index, parts in batches:
        divisor = _divisor(loss, batch, parts, settings) if mean else 1.0
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            factor = share / divisor if divisor else _of_nothing(settings)
            value[index], scale[index] = parts.losses.value * factor, parts.losses.value_scale * abs(factor)
            slope[index], slope_scale[index] = parts.losses.slope * factor, parts.losses.slope_scale * abs(factor)
    column = (upstream.reshape(-1) if upstream.size == problem.size else np.full(problem.size, upstream.sum()))[:, None]
    with np.errstate(invalid="ignore", over="ignore"):
        gradient = slope * column
        rounding = 4.0 + np.log2(max(problem.size, 1))
        gradient_scale = SLACK * slope_scale * np.abs(column) + rounding * np.abs(gradient)
        if problem.reduction == "none":
            total = value.reshape(problem.loss_shape)
            total_scale = SLACK * scale.reshape(problem.loss_shape)
        else:
            total = value.sum()
            if (
                np.isnan(total)
                and _of_nothing(settings) != 0.0
                and any(p.losses.value.sum() > 0 for _, _, p in batches)
            ):
                total = np.asarray(np.inf)
            total_scale = SLACK * scale.sum() + rounding * np.abs(value).sum()
            if not problem.size and mean and _of_nothing(settings):
                total = np.asarray(np.nan)
    return Answer(
        np.asarray(total, dtype=np.float64),
        problem.unflatten(gradient),
        np.asarray(total_scale, dtype=np.float64),
        problem.unflatten(gradient_scale),
        decided=all(parts.decided and not _of_no_weight(batch, parts) for batch, _, parts in batches),
    )


def _of_no_weight(problem: Problem, parts: Parts) -> bool:
    """Whether an element of weight 0 has no number for a loss: a layer may leave it out, or multiply it by 0."""
    odd = ~np.isfinite(parts.losses.value) & problem.valid.reshape(-1)
    return bool(odd.any() and problem.weight is not None and not weight_of_elements(problem)[odd].all())


def _divisor(loss: Loss, problem: Problem, parts: Parts, settings: Settings) -> float:
    if problem.normalizer is not None and not settings.get("normalizer-unread"):
        divisor = float(problem.normalizer) + float(settings.get("beside-normalizer", 0.0))
    elif "divisor" in settings:
        divisor = float(settings["divisor"](problem, parts.losses))
    else:
        divisor = float(loss.divisor(rewritten(problem, settings.get("denominator", ()))))
    for added in settings.get("added", ()):
        divisor = float(added(divisor, problem))
    return divisor


def _of_nothing(settings: Settings) -> float:
    """What losses are multiplied by where the mean divides by 0."""
    return np.inf if settings.get("nothing") == "nan" else 0.0


def _coarser(answer: Answer, ratio: float) -> Answer:
    """The same answer of a coarser precision: its error scales in units of the finer one."""
    others = tuple(_coarser(other, ratio) for other in answer.alternatives)
    value_scale, gradient_scale = answer.value_scale * ratio, answer.gradient_scale * ratio
    return replace(answer, value_scale=value_scale, gradient_scale=gradient_scale, alternatives=others)
