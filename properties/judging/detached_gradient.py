"""Detached gradient: the gradient of a loss whose element weights are held constant, though they depend on the logits.

With base losses l_i of known derivative, and weights c_i that are held constant, a loss is V = sum of c_i l_i, and its
gradient c_i dl_i/dz_i. So the weights can be read off the gradient alone, and with them the sum must be the value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from properties.judging.observation import Observation
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF, Answer
from reference.elements import arrange
from reference.entries import logistic_losses

AnswerOf = Callable[[Problem], Answer]

GRADIENTS = ("live", "detached")
"""A live gradient differentiates through the weights of the elements, a detached one holds them constant."""


def base_problem(problem: Problem) -> Problem:
    """Return the same elements unweighted and unreduced, as base losses are computed."""
    return problem.replace(weight=None, reduction="none", normalizer=None, cotangent=None)


def one_hot_entries(problem: Problem) -> Answer:
    """Return the binary cross entropy of every entry of the logits with one-hot labels; the values are [n, C]."""
    elements = arrange(problem.logits, problem.labels, ignore_index=problem.ignore_index, axis=problem.axis)
    hot = np.eye(problem.classes)[elements.labels]
    losses = logistic_losses(elements.rows.reshape(-1), hot.reshape(-1))
    shape = elements.rows.shape
    return Answer(
        losses.value.reshape(shape),
        problem.unflatten(losses.slope.reshape(shape)),
        losses.value_scale.reshape(shape),
        problem.unflatten(losses.slope_scale.reshape(shape)),
    )


def is_detached(
    problem: Problem, observed: Observation, bases: Sequence[AnswerOf], value_scale: Array, gradient_scale: Array
) -> bool:
    """Return whether an answer to a problem without a cotangent has the detached gradient over one of ``bases``.

    The weights are read off the gradient: each row must be a multiple of the derivative of its base loss, and the
    losses times these multiples must sum to the value (or be the values, unreduced). The scales are those of the
    layer's own errors.
    """
    if observed.gradient is None or observed.gradient.shape != problem.logits.shape:
        return False
    if not (np.isfinite(observed.gradient).all() and np.isfinite(observed.value).all()):
        return False
    scales = (value_scale, problem.flatten(gradient_scale))
    return any(_is_detached_over(base(base_problem(problem)), problem, observed, scales) for base in bases)


def _is_detached_over(base: Answer, problem: Problem, observed: Observation, scales: tuple[Array, Array]) -> bool:
    valid = problem.valid.reshape(-1)
    unit = BUDGET * UNIT_ROUNDOFF[problem.dtype]
    assert observed.gradient is not None
    rows = problem.flatten(observed.gradient)
    if rows[~valid].any():
        return False
    # [n, k] losses with [n, k, d] slopes: one loss of C logits for each element, or C losses of one logit each
    terms = -1 if base.value.size != problem.size else 1
    losses, loss_scale = (a.reshape(len(rows), terms)[valid] for a in (base.value, base.value_scale))
    shape = (*losses.shape, -1) if losses.size else (0, 1, 1)
    slopes, slope_scale, found, noise = (
        a[valid].reshape(shape)
        for a in (problem.flatten(base.gradient), problem.flatten(base.gradient_scale), rows, scales[1])
    )
    length = np.sqrt((slopes * slopes).sum(axis=2))
    safe = np.where(length > 0, length, 1.0)
    weights = np.where(length > 0, (found * slopes).sum(axis=2) / safe**2, 0.0)
    slack = unit * (noise + np.abs(found) + np.abs(weights)[..., None] * slope_scale)
    # one inexact entry makes the whole row's weight inexact
    drift = np.sqrt((slack * slack).sum(axis=2)) / safe
    if (np.abs(found - weights[..., None] * slopes) > slack + np.abs(slopes) * drift[..., None]).any():
        return False
    products = weights * losses
    doubt = losses * drift + unit * np.abs(weights) * loss_scale
    # at the bottom of a loss that stays above 0 any weight has this gradient
    doubt = np.where((length == 0) & (losses > 0), np.inf, doubt)
    # an unreduced loss of another shape is for another law to see: its sum is all that there is to compare
    if problem.reduction == "none" and observed.value.shape == problem.shape:
        got = observed.value.reshape(-1)[valid]
        return bool((np.abs(products.sum(axis=1) - got) <= doubt.sum(axis=1) + unit * _each(scales[0], valid)).all())
    return bool(np.abs(products.sum() - observed.value.sum()) <= doubt.sum() + unit * scales[0].sum())


def _each(scale: Array, valid: NDArray[np.bool_]) -> Array:
    return scale.reshape(-1)[valid] if scale.size == valid.size else np.full(int(valid.sum()), scale.max(initial=0.0))


def detached_answers(answer_of: AnswerOf, base: AnswerOf) -> AnswerOf:
    """Return a function with the values of ``answer_of`` and the detached gradient (v_i / l_i) dl_i/dz_i over ``base``.

    Where a loss is not finite its weight cannot be computed: there the gradient is that of ``answer_of``.
    """

    def answer(problem: Problem) -> Answer:
        live = answer_of(problem)
        unreduced = problem.replace(reduction="none", normalizer=None, cotangent=None)
        own, plain = answer_of(unreduced), base(base_problem(problem))
        losses, values = plain.value.reshape(-1, 1), own.value.reshape(-1, 1)
        known = np.isfinite(losses) & np.isfinite(values)
        there = known & (losses > 0)
        safe = np.where(there, losses, 1.0)
        upstream = _upstream(answer_of, problem)
        with np.errstate(invalid="ignore"):
            weights = np.where(there, values / safe, 0.0)
            drift = np.where(
                there, (own.value_scale.reshape(-1, 1) + weights * plain.value_scale.reshape(-1, 1)) / safe, 0.0
            )
            slopes, slope_scale = problem.flatten(plain.gradient), problem.flatten(plain.gradient_scale)
            gradient = np.where(known, weights * slopes * upstream, problem.flatten(live.gradient))
            scale = np.where(known, (drift * np.abs(slopes) + weights * slope_scale) * np.abs(upstream), 0.0)
        return replace(
            live,
            gradient=problem.unflatten(gradient),
            # a product with a detached factor has the errors of that factor too, as the live gradient has
            gradient_scale=problem.unflatten(scale + np.abs(gradient) * 2.0) + live.gradient_scale,
        )

    return answer


def _upstream(answer_of: AnswerOf, problem: Problem) -> Array:
    """Return the upstream gradient of each element over the denominator, [n, 1]."""
    if problem.reduction == "none":
        given = np.ones(problem.shape) if problem.cotangent is None else problem.cotangent
        return np.broadcast_to(given, problem.shape).reshape(-1, 1)
    # a denominator does not depend on the logits: at zeros every loss is finite
    calm = problem.with_rows(np.zeros_like(problem.rows)).replace(cotangent=None)
    total = float(answer_of(calm.replace(reduction="sum", normalizer=None)).value)
    share = float(answer_of(calm).value) / total if total else 0.0
    factor = share if problem.cotangent is None else share * float(np.asarray(problem.cotangent))
    return np.full((problem.size, 1), factor)
