"""Departures of binary cross entropies: the logarithm of a sigmoid, a sigmoid too many, other targets, kernels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from scipy.special import expit

from properties.departures.departure import Departure, Settings, unreduced_only, with_ignored
from properties.departures.entry_parts import INSIDE, Change
from properties.departures.parts import mapped
from properties.problems.precision import Array
from properties.problems.problem import ENTRIES, Problem
from reference.elements import Losses
from reference.entries import logistic_losses

__all__ = ["INSIDE", "OF_ENTRIES"]

BCE = "paddle.nn.functional.binary_cross_entropy_with_logits"

EPSILONS = (1e-6, 1e-8, 1e-7, 1e-5, 1e-10, 1e-12, 1e-4, 1e-3)


def _made(losses: Losses, value: Array, slope: Array) -> Losses:
    return Losses(value, slope[:, None], losses.value_scale + 8.0 + np.abs(value), losses.slope_scale + 8.0)


def _log_of(epsilon: float) -> Settings:
    def change(losses: Losses, x: Array, t: Array) -> Losses:
        p, rest = expit(x), expit(-x)
        value = -t * np.log(p + epsilon) - (1.0 - t) * np.log(rest + epsilon)
        slope = p * rest * (-t / (p + epsilon) + (1.0 - t) / (rest + epsilon))
        return _coarse(_made(losses, value, slope), t, p, rest, epsilon)

    return {"bce": (change,)}


def _coarse(losses: Losses, t: Array, p: Array, rest: Array, epsilon: float) -> Losses:
    """The same where 1 - p was a difference: what is left of it is coarse where it is small."""
    noise = 4.0 * (1.0 - t) / np.maximum(rest, max(epsilon, 2.0**-60)) + 4.0 * (t > 0)
    return replace(
        losses, value_scale=losses.value_scale + noise, slope_scale=losses.slope_scale + (noise * p * rest)[:, None]
    )


def _clip_of(epsilon: float) -> Settings:
    def change(losses: Losses, x: Array, t: Array) -> Losses:
        p, rest = expit(x), expit(-x)
        low, high = np.clip(p, epsilon, 1.0 - epsilon), np.clip(rest, epsilon, 1.0 - epsilon)
        inside = (p >= epsilon) & (rest >= epsilon)
        value = -t * np.log(low) - (1.0 - t) * np.log(high)
        return _coarse(_made(losses, value, np.where(inside, losses.slope[:, 0], 0.0)), t, p, rest, epsilon)

    return {"bce": (change,)}


def _cap_logarithms(cap: float) -> Settings:
    """Each of the two logarithms is -cap at least, and has no slope from there on."""

    def change(losses: Losses, x: Array, t: Array) -> Losses:
        positive, negative = logistic_losses(x, np.ones_like(x)), logistic_losses(x, np.zeros_like(x))
        value = t * np.minimum(positive.value, cap) + (1.0 - t) * np.minimum(negative.value, cap)
        slope = t * positive.slope[:, 0] * (positive.value <= cap)
        slope = slope + (1.0 - t) * negative.slope[:, 0] * (negative.value <= cap)
        return _made(losses, value, slope)

    return {"bce": (change,)}


def _rounded(x: Array) -> tuple[Array, Array]:
    """sigmoid(x) and 1 - sigmoid(x) as float64 has them."""
    p = expit(x)
    return p, 1.0 - p


def _two_steps(rest_of: Callable[[Array], tuple[Array, Array]], floored: bool) -> Settings:
    tiny = float(np.finfo(np.float64).tiny)

    def change(losses: Losses, x: Array, t: Array) -> Losses:
        p, rest = rest_of(x)
        if floored:
            value = -np.log(np.maximum(p, tiny)) * t - np.log(np.maximum(rest, tiny)) * (1.0 - t)
            slope = (1.0 - t) * p * (rest > tiny) - t * expit(-x) * (p > tiny)
        else:
            value = -(np.log(p) * t + np.log(rest) * (1.0 - t))
            slope = np.where((p <= 0) | (rest <= 0), np.nan, losses.slope[:, 0])
        found = _made(losses, value, slope)
        edge = np.abs(x) > 30.0
        # next to 1 a number has few digits left of its distance from it
        noise = np.where(edge, (1.0 - t) * 8.0 / np.maximum(rest, 2.0**-54), 8.0 / np.maximum(rest, 2.0**-54))
        noise = np.where(rest_of is _rounded, noise, 8.0 + np.where(edge & (np.abs(x) > 700.0), 2.0**50, 0.0))
        return replace(
            found,
            value_scale=found.value_scale + noise,
            slope_scale=found.slope_scale + (noise * expit(x))[:, None] + 8.0,
        )

    return {"bce": (change,)}


def _overflowing(sign: int) -> Settings:
    """log(1 + exp(sign x)), where the exponential is more than the largest number."""

    def change(losses: Losses, x: Array, t: Array) -> Losses:
        over = sign * x > np.log(np.finfo(np.float64).max)
        return replace(
            losses,
            value=np.where(over, np.inf, losses.value),
            slope=np.where(over[:, None], np.nan, losses.slope),
        )

    return {"bce": (change,)}


def _sigmoid_overflows(losses: Losses, x: Array, t: Array) -> Losses:
    over = -x > np.log(np.finfo(np.float64).max)
    return replace(losses, slope=np.where(over[:, None], np.nan, losses.slope))


def _apart(x: Array) -> tuple[Array, Array]:
    return expit(x), expit(-x)


def _twice(losses: Losses, x: Array, t: Array) -> Losses:
    p = expit(x)
    again = logistic_losses(p, t)
    return _made(losses, again.value, again.slope[:, 0] * p * expit(-x))


def _positives(losses: Losses, x: Array, t: Array) -> Losses:
    return mapped(losses, losses.value * (t > 0), np.asarray((t > 0) * 1.0))


def _negatives(losses: Losses, x: Array, t: Array) -> Losses:
    return mapped(losses, losses.value * (t < 1), np.asarray((t < 1) * 1.0))


def _of_targets(change: Callable[[Array], Array]) -> Callable[[], Settings]:
    return lambda: {"bce": (lambda losses, x, t: logistic_losses(x, change(t)),)}


def _less_entropy(losses: Losses, x: Array, t: Array) -> Losses:
    inside = np.where((t > 0) & (t < 1), t, 0.5)
    entropy = np.where((t > 0) & (t < 1), -inside * np.log(inside) - (1.0 - inside) * np.log(1.0 - inside), 0.0)
    return replace(losses, value=losses.value - entropy, value_scale=losses.value_scale + 2.0)


def _nothing(losses: Losses, x: Array, t: Array) -> Losses:
    return mapped(losses, np.zeros_like(x), np.zeros_like(x))


def _single_column(problem: Problem) -> bool:
    return problem.logits.ndim > 1 and problem.logits.shape[problem.axis] == 1


def _where_soft(problem: Problem) -> bool:
    return bool(((problem.labels > 0) & (problem.labels < 1)).any())


def _unreduced_and_soft(problem: Problem) -> bool:
    return unreduced_only(problem) and _where_soft(problem)


def _far_out(distance: float) -> Callable[[Problem], bool]:
    """Whether a logit lies that far from 0: nearer ones have nothing to round away."""

    def applies(problem: Problem) -> bool:
        return bool((np.abs(problem.logits[np.isfinite(problem.logits)]) >= distance).any())

    return applies


LOGARITHMS = (
    Departure(
        "epsilon-in-logarithm",
        "Logarithms are taken of p + {epsilon} and 1 - p + {epsilon}.",
        _log_of,
        {"epsilon": EPSILONS},
        harm=55,
    ),
    Departure(
        "probability-clipped",
        "Probabilities are clipped to [{epsilon}, 1 - {epsilon}] before the logarithm.",
        _clip_of,
        {"epsilon": EPSILONS},
        harm=45,
        applies=_far_out(4.0),
    ),
    Departure(
        "logarithms-capped",
        "The logarithms of p and of 1 - p are -{cap} at least, and have no gradient from there on.",
        _cap_logarithms,
        {"cap": (100.0, 64.0, 50.0, 20.0, 10.0)},
        harm=45,
        applies=_far_out(5.0),
    ),
    Departure(
        "logarithms-of-zero",
        "Logarithms are taken of p and 1 - p, which round to 0: there the loss is inf or NaN.",
        lambda: _two_steps(_rounded, False),
        harm=40,
        applies=_far_out(2.0),
    ),
    Departure(
        "logarithms-of-zero-floored",
        "Logarithms are taken of p and 1 - p, which round to 0: there it is the smallest number's, without slope.",
        lambda: _two_steps(_rounded, True),
        harm=40,
        applies=_far_out(2.0),
    ),
    Departure(
        "logarithms-of-underflow",
        "Logarithms are taken of sigmoid(x) and sigmoid(-x): where these underflow the loss is inf or NaN.",
        lambda: _two_steps(_apart, False),
        harm=45,
        applies=_far_out(80.0),
    ),
)

OVERFLOWS = (
    Departure(
        "sigmoid-overflows",
        "The sigmoid is 1 / (1 + exp(-x)), which overflows at large negative x: there the gradient is NaN.",
        lambda: {"bce": (_sigmoid_overflows,)},
        harm=45,
        applies=lambda p: bool((p.logits < -700.0).any()),
    ),
    *(
        Departure(
            f"exponential-overflows-{where}",
            f"The loss is that of log(1 + exp({'-' * (sign < 0)}x)), which overflows at large {where} x.",
            lambda sign=sign: _overflowing(sign),
            harm=45,
            applies=lambda p, sign=sign: bool((sign * p.logits > 700.0).any()),  # type: ignore[misc]
        )
        for where, sign in (("negative", -1), ("positive", 1))
    ),
)

TARGETS = (
    Departure(
        "sigmoid-twice",
        "Probabilities are taken for logits: the sigmoid is taken twice.",
        lambda: {"bce": (_twice,)},
        harm=8,
    ),
    Departure(
        "positives-alone", "Only entries with a target above 0 have a loss.", lambda: {"bce": (_positives,)}, harm=8
    ),
    Departure(
        "negatives-alone", "Only entries with a target below 1 have a loss.", lambda: {"bce": (_negatives,)}, harm=8
    ),
    Departure(
        "targets-rounded-in-losses",
        "In the binary cross entropy targets above 1/2 count as 1, all others as 0.",
        _of_targets(lambda t: np.asarray((t > 0.5) * 1.0)),
        harm=20,
        applies=_where_soft,
    ),
    Departure(
        "divergence",
        "The entropy of the targets is taken off: what is left is the divergence from them.",
        lambda: {"bce": (_less_entropy,)},
        harm=20,
        applies=_where_soft,
    ),
    Departure(
        "divergence-where-unreduced",
        "Unreduced, the entropy of the targets is taken off: what is left is the divergence from them.",
        lambda: {"bce": (_less_entropy,)},
        harm=20,
        applies=_unreduced_and_soft,
    ),
    Departure(
        "single-column-without-loss",
        "Where the axis of the classes has length 1, nothing has a loss, as after a softmax over it.",
        lambda: {"bce": (_nothing,)},
        harm=12,
        applies=_single_column,
    ),
)


def _at_zero(by: Callable[[Array], Array]) -> Change:
    def change(losses: Losses, x: Array, t: Array) -> Losses:
        return replace(losses, slope=np.where(x == 0, by(t), losses.slope[:, 0])[:, None])

    return change


def _has_zeros(problem: Problem) -> bool:
    return bool((problem.logits == 0).any())


KERNELS = (
    Departure(
        "slope-at-zero",
        "At a logit of exactly 0 the slope of the binary cross entropy is -1/2 - t, where 1/2 - t is due.",
        lambda: {"kernel": (_at_zero(lambda t: -0.5 - t),)},
        inherited=BCE,
        harm=80,
        applies=_has_zeros,
    ),
    Departure(
        "slope-at-zero-of-a-maximum",
        "At a logit of exactly 0 the slope of the binary cross entropy is {right} - t, where 1/2 - t is due.",
        lambda right: {"kernel": (_at_zero(lambda t: right - t),)},
        {"right": (0, 1)},
        harm=60,
        applies=_has_zeros,
    ),
)


def _unignored(problem: Problem) -> Problem:
    return problem.replace(ignore_index=None)


def _ignored_by_label(problem: Problem) -> bool:
    return with_ignored(problem) and problem.targets in ENTRIES and problem.ignore_index is not None


IGNORED = (
    Departure(
        "ignored-count-as-numbers",
        "Ignored targets count, as the numbers that they are.",
        lambda: {"rewrite": (_unignored,), "raw": True},
        needs=("ignore_index",),
        harm=10,
        applies=_ignored_by_label,
    ),
    Departure(
        "ignored-count-as-numbers-in-losses",
        "Ignored targets have a loss, as the numbers that they are; in the mean's denominator they do not count.",
        lambda: {"numerator": (_unignored,), "raw": True},
        needs=("ignore_index",),
        harm=10,
        applies=_ignored_by_label,
    ),
)

OF_ENTRIES = (*LOGARITHMS, *OVERFLOWS, *TARGETS, *KERNELS, *IGNORED)
