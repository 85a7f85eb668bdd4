"""The average of the largest losses, made of parts that a departure may change.

Settings that these parts know: ``k`` gives another number of elements from the problem; ``among`` (``elements``) lets
ignored ones be chosen too; ``unranked`` chooses by the unweighted losses; ``ranked`` maps what is ranked to other
numbers; ``ties`` keeps all that equal the k-th, or drops them; ``descent`` (``first``, ``foremost``) gives the gradient
to other elements; ``individual`` maps the losses before they are weighted; ``floored``: no value is taken
of a logit further than that below the largest; and ``entropy``, as over any softmax.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from properties.departures.departure import Settings
from properties.departures.parts import Mask, Parts, scaled, unreduced, weight_of_elements
from properties.departures.softmax_parts import softmax_parts
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF, Answer, top_k_loss
from reference.elements import Losses
from reference.top_k import count_of

INSIDE = frozenset({"k", "among", "unranked", "ties", "descent", "entropy", "weigh", "ranked", "individual", "floored"})

CLOSE = 1e-12
"""Relative difference of losses that are tied."""

FREE = 2.0**70
"""Error scale of a slope that may be there or not."""

_cross_entropy_parts = softmax_parts()


def _of_all(problem: Problem) -> Answer:
    """The losses of all elements, weighted, whatever k is."""
    everything = problem.configure(top_k=1.0, k=None)
    given = {"unit_roundoff": UNIT_ROUNDOFF[problem.dtype], **everything.arguments(), **problem.call_arguments()}
    return top_k_loss(problem.logits, problem.given_labels, **given)


def _individual(problem: Problem, settings: Settings) -> Parts:
    softmax = problem.config.get("individual", "cross_entropy") == "cross_entropy"
    if softmax and ("entropy" in settings or "weigh" in settings):
        return _cross_entropy_parts(problem, settings)[0]
    if softmax and "floored" in settings:
        # the gradient does not know of it
        rows = problem.rows
        with np.errstate(invalid="ignore"):
            floored = np.maximum(rows - rows.max(axis=1, keepdims=True, initial=-np.inf), settings["floored"])
        whole = unreduced(_of_all, problem)[0]
        return unreduced(_of_all, problem.with_rows(floored))[0].with_slopes(whole)
    if "individual" in settings:
        plain = settings["individual"](unreduced(_of_all, problem.replace(weight=None))[0].losses)
        return Parts(scaled(plain, weight_of_elements(problem)))
    return unreduced(_of_all, problem)[0]


def top_k_parts(problem: Problem, settings: Settings) -> list[Parts]:
    """Return the weighted losses of the k elements whose losses are the largest, and 0 for the others."""
    whole = _individual(problem, settings)
    return [_picked(problem, whole, one) for one in _choices(settings)]


def _choices(settings: Settings) -> list[Settings]:
    """Where losses are ranked without their weights, what weighs 0 may be ranked as it is, or be last."""
    if not settings.get("unranked"):
        return [settings]
    return [{**settings, "unranked": how} for how in ("all", "weighing")]


def _picked(problem: Problem, whole: Parts, settings: Settings) -> Parts:
    shares, tied = _chosen(problem, whole, settings)
    picked = scaled(whole.losses, shares * problem.valid.reshape(-1))
    decided = whole.decided
    if tied.any() and problem.reduction != "none":
        # the value is the same whichever are chosen; which of them have the gradient is anybody's choice
        free = np.where(tied[:, None], FREE * np.abs(whole.losses.slope).max(axis=1, keepdims=True, initial=0.0), 0.0)
        picked = replace(picked, slope_scale=picked.slope_scale + free)
    elif tied.any():
        decided = False
    descent = settings.get("descent")
    if descent:
        # of the valid elements, or of all
        among = _among(problem, settings) if descent == "first" else np.ones(problem.size, bool)
        first = np.zeros(len(among))
        first[np.flatnonzero(among)[: _number(problem, settings)]] = 1.0
        picked = _with_slopes(picked, scaled(whole.losses, first))
    return Parts(picked, decided)


def chosen(problem: Problem) -> Array:
    """Return 1 for the k elements whose losses are the largest, 0 for the others."""
    return _chosen(problem, _individual(problem, {}), {})[0]


def _chosen(problem: Problem, whole: Parts, settings: Settings) -> tuple[Array, Mask]:
    """Which elements are chosen, and for which of them that depends on how ties fall."""
    plain = _individual(problem.replace(weight=None), settings) if settings.get("unranked") else whole
    among = _among(problem, settings)
    losses = np.where(problem.valid.reshape(-1), plain.losses.value, 0.0)
    if settings.get("unranked") == "weighing":
        losses = np.where(weight_of_elements(problem) > 0, losses, 0.0)
    if "ranked" in settings:
        losses = settings["ranked"](losses, among)
    key = np.where(among, np.where(np.isnan(losses), np.inf, losses), -np.inf)
    return _shares(key, among, _number(problem, settings), settings)


def _among(problem: Problem, settings: Settings) -> Mask:
    valid = problem.valid.reshape(-1)
    return np.ones_like(valid) if settings.get("among") == "elements" else valid


def _number(problem: Problem, settings: Settings) -> int:
    if "k" in settings:
        k = int(settings["k"](problem))
    else:
        k = count_of(problem.config.get("top_k"), problem.config.get("k"), int(problem.valid.sum()))
    return max(min(k, int(_among(problem, settings).sum())), 0)


def _shares(key: Array, among: Mask, k: int, settings: Settings) -> tuple[Array, Mask]:
    """Which elements are chosen, and for which of them that depends on how ties fall."""
    order = np.argsort(-key, kind="stable")
    shares, none = np.zeros(len(key)), np.zeros(len(key), bool)
    shares[order[:k]] = 1.0
    if not 0 < k < among.sum():
        return shares, none
    last, following = key[order[k - 1]], key[order[k]]
    room = CLOSE * (1.0 + abs(last))
    if settings.get("ties") == "kept":
        return np.where(among & (key >= last - room), 1.0, 0.0), none
    if settings.get("ties") == "dropped":
        return np.where(among & (key > (last if following >= last - room else following) + room), 1.0, 0.0), none
    if not following >= last - 1e3 * room:
        return shares, none
    return shares, np.asarray(among & (np.abs(key - last) <= 2e3 * room))


def _with_slopes(losses: Losses, other: Losses) -> Losses:
    return Parts(losses).with_slopes(Parts(other)).losses
