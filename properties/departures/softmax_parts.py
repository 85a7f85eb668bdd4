"""Losses over a softmax, made of parts that a departure may change: the entropy, what multiplies it, the weights.

Settings that these parts know: ``entropy``, maps of the unweighted cross entropy [n] with their derivatives;
``masses``, the labels as rows of probabilities; ``weigh``, how weights meet the loss of a class, and ``weigh-rows``
that of such rows; ``element``, maps of the unweighted losses; ``penalty``, what is added to these by the logits [n, C],
with its slopes; ``turn``, other slopes from those of cross entropy, the logits and the labels as rows; and what each
factor knows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from properties.departures.departure import Settings
from properties.departures.parts import Parts, PartsOf, mapped, scaled, weight_of_elements
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF
from reference.cross_entropy import Softmax, soft_losses, softmax_of
from reference.elements import Elements, Losses, arrange
from reference.focal import focal_losses

INSIDE = frozenset({"entropy", "masses", "weigh", "weigh-rows", "element", "penalty", "turn"})

ElementMap = Callable[[Array, Problem], tuple[Array, Array]]
"""From the losses [n] of elements to others, with the derivative."""

Factor = Callable[[Problem, Elements, Softmax, Losses, Settings], list[Parts]]
"""From the unweighted cross entropy of the elements to the losses of the contract, unweighted."""


def softmax_parts(factor: Factor | None = None, weight: Callable[[Problem], Array | None] | None = None) -> PartsOf:
    """Return the parts of a loss over a softmax: cross entropy, times a factor, times the weight of the class.

    ``weight`` gives the weights of the classes where they are not the problem's own.
    """

    def parts(problem: Problem, settings: Settings) -> list[Parts]:
        weights = problem.weight if weight is None else weight(problem)
        asked = problem.replace(weight=weights)
        if problem.targets == "soft" or "masses" in settings or problem.config.get("label_smoothing"):
            return [_of_rows(asked, settings)]
        elements, softmax = _softmax(problem)
        losses = _turned(
            _mapped(softmax.losses, settings.get("entropy", ()), problem), settings, elements.rows, problem.one_hot
        )
        found = [Parts(losses)] if factor is None else factor(asked, elements, softmax, losses, settings)
        weigh = settings.get("weigh", weighed)
        weighted = [weigh(asked, softmax, _finished(one.losses, settings, asked)) for one in found]
        valid = asked.valid.reshape(-1)
        return [Parts(losses.keep(valid), one.decided) for losses, one in zip(weighted, found, strict=True)]

    return parts


@lru_cache(maxsize=1024)
def _softmax(problem: Problem) -> tuple[Elements, Softmax]:
    """The rows of a problem and their softmax: the same problem is asked again under other settings."""
    elements = arrange(problem.logits, problem.labels, ignore_index=problem.ignore_index, axis=problem.axis)
    return elements, softmax_of(elements)


def weighed(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """Return losses times the weight of the class of each element."""
    return scaled(losses, weight_of_elements(problem))


def _finished(losses: Losses, settings: Settings, problem: Problem) -> Losses:
    """Unweighted losses with what maps them, and what is added to them."""
    losses = _mapped(losses, settings.get("element", ()), problem)
    for add in settings.get("penalty", ()):
        with np.errstate(invalid="ignore", over="ignore"):
            more, turn = add(np.where(problem.valid.reshape(-1, 1), problem.rows, 0.0))
        losses = Losses(
            losses.value + more,
            losses.slope + turn,
            losses.value_scale + 8.0 * np.abs(more) * problem.classes,
            losses.slope_scale + 8.0 * np.abs(turn) + 8.0,
        )
    return losses


def _turned(losses: Losses, settings: Settings, rows: Array, shares: Array) -> Losses:
    """Losses with other slopes, from those that they have, the logits, and the labels as rows."""
    for turn in settings.get("turn", ()):
        slope = turn(losses.slope, rows, shares)
        scale = losses.slope_scale + 8.0 * (np.abs(slope) + np.abs(losses.slope))
        losses = Losses(losses.value, slope, losses.value_scale, scale)
    return losses


def _mapped(losses: Losses, changes: Sequence[ElementMap], problem: Problem) -> Losses:
    """Losses after maps of them, one after another."""
    for change in changes:
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            value, slope = change(losses.value, problem)
        losses = mapped(losses, value, slope)
    return losses


def softmax_rows(rows: Array) -> Array:
    """Return the softmax of rows."""
    powers = np.exp(rows - rows.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def rows_of(problem: Problem) -> Array:
    """Return the labels as rows [n, C] of probabilities, smoothed as the problem says; zeros where ignored."""
    smoothing = float(problem.config.get("label_smoothing", 0.0))
    valid = problem.valid.reshape(-1, 1)
    return np.asarray(((1.0 - smoothing) * problem.one_hot + smoothing / problem.classes) * valid)


def _of_rows(problem: Problem, settings: Settings) -> Parts:
    """The losses of labels that are rows: each class's part of the entropy may be mapped."""
    rows = settings.get("masses", rows_of)(problem)
    valid = problem.valid.reshape(-1)
    logits = np.where((valid | rows.any(axis=1))[:, None], problem.rows, 0.0)
    if "weigh-rows" in settings:
        return Parts(settings["weigh-rows"](problem, logits, rows))
    weight = np.ones(problem.classes) if problem.weight is None else problem.weight
    by_class = problem.config.get("soft_weight") == "torch"
    shares = rows * weight if by_class else rows
    mapped_terms = "entropy" in settings
    losses = _sum_of_mapped(logits, shares, settings, problem) if mapped_terms else soft_losses(logits, shares)
    losses = _finished(_turned(losses, settings, logits, shares), settings, problem)
    if not by_class:
        # what an ignored element has of a loss, where it has some, is weighed as its even part
        losses = scaled(losses, np.where(valid, (rows * weight).sum(axis=1), weight.mean()))
    return Parts(losses)


def _sum_of_mapped(logits: Array, shares: Array, settings: Settings, problem: Problem) -> Losses:
    with np.errstate(invalid="ignore"):
        shifted = logits - logits.max(axis=1, keepdims=True, initial=-np.inf)
        p = np.exp(shifted)
        p /= p.sum(axis=1, keepdims=True)
        entropy = np.logaddexp.reduce(shifted, axis=1, keepdims=True) - shifted
    value, slope = entropy, np.ones_like(entropy)
    for change in settings["entropy"]:
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            value, step = change(value, problem)
        slope = slope * step
    pull = shares * slope
    total = (shares * value).sum(axis=1)
    gradient = p * pull.sum(axis=1, keepdims=True) - pull
    size = (shares * (2.0 + np.abs(entropy))).sum(axis=1) * (4.0 + problem.classes)
    return Losses(total, gradient, size, np.broadcast_to(4.0 + size[:, None], gradient.shape).copy())


def focused(problem: Problem, elements: Elements, softmax: Softmax, losses: Losses, settings: Settings) -> list[Parts]:
    """Return the losses times (1 - p)^gamma, or times another factor: ``power``, ``probability``, ``detached``.

    ``probability`` gives p of the label from the unweighted entropy; ``detached`` says what has no slope,
    or one that is ``turned``.
    """
    gamma = float(settings["power"](problem) if "power" in settings else problem.config["gamma"])
    own = settings.get("entropy") or settings.get("probability") or settings.get("detached")
    if not own:
        return [Parts(focal_losses(softmax, gamma, UNIT_ROUNDOFF[problem.dtype]))]
    entropy = softmax.losses.value
    if "probability" in settings:
        p, slope = settings["probability"](entropy, problem, elements)
    else:
        p, slope = np.exp(-entropy), -np.exp(-entropy)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        rest = np.maximum(1.0 - p, 0.0) if "probability" in settings else -np.expm1(-entropy)
        factor = rest**gamma
        turn = np.where(rest > 0, -gamma * rest ** (gamma - 1.0), 0.0) * slope if gamma else np.zeros_like(rest)
    detached = settings.get("detached", "")
    value = factor * losses.value
    by_factor = {"factor": 0.0, "turned": -1.0}.get(detached, 1.0) * losses.value * turn
    by_loss = np.zeros_like(factor) if detached == "entropy" else factor
    gradient = losses.slope * by_loss[:, None] + softmax.losses.slope * by_factor[:, None]
    # 1 - p may err by a roundoff of 1, wherever it stands
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        tilt = np.nan_to_num(gamma * np.abs(losses.value) * np.where(rest > 0, rest ** (gamma - 1.0), 0.0), posinf=0.0)
    size = (
        2.0 * losses.value_scale * (1.0 + gamma) * (1.0 + np.abs(value))
        + (64.0 if "probability" in settings else 8.0) * tilt
    )
    wide = (losses.slope_scale + np.abs(losses.slope)) * (8.0 + 2.0 * gamma) * (4.0 + np.abs(losses.value))[:, None]
    return [Parts(Losses(value, gradient, size, wide))]
