"""Laws of limits: at some setting of its arguments a loss is another loss that is known.

They rest on the formulas of both, and hold in every reduction, with class weights and ignored elements or without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import expit

from properties.judging.context import Case
from properties.judging.detached_gradient import detached_answers
from properties.judging.explanations import explanation
from properties.judging.finding import Finding, NotApplicable
from properties.judging.law import Law, law
from properties.judging.observation import Failure
from properties.laws.ignore import with_class_ids
from properties.problems.domain import outside, within
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer, cross_entropy
from reference.elements import Elements, Losses, arrange
from reference.entries import arrange_entries, logistic_losses


def limit(
    name: str,
    sentence: str,
    at: dict[str, tuple[Any, ...]],
    equals: Callable[[Problem], Answer],
    *,
    needs: tuple[str, ...] = (),
    gate: int = 0,
    rests_on: str = "",
    headline: bool = False,
) -> Law:
    """The law that a loss, drawn with only the settings ``at``, has the answers of ``equals``."""

    def check(case: Case) -> Iterator[Finding]:
        due = detached_answers(equals, case.contract.bases[0]) if case.contract.detaches else equals
        answer = due(case.problem)
        if case.contract.oracle is not None:
            answer = _scaled(answer, case.answer())
        for finding in case.matches(answer=answer):
            here = "its gradient is another one" if finding.quantity == "gradient" else "it is not"
            message = f"{sentence.rstrip('.')}: here {here}. {explanation(case, finding, due)}"
            yield replace(finding, message=message.strip())

    precondition = {dimension: within(*values) for dimension, values in at.items()}
    return Law(
        f"limit/{name}",
        sentence,
        check,
        precondition=precondition,
        needs=(*needs, "reference"),
        gate=gate,
        rests_on=rests_on,
        opt_in=True,
        headline=headline,
    )


def _scaled(answer: Answer, own: Answer) -> Answer:
    """An answer that allows at least the errors that the contract's own oracle does: another formula errs elsewhere."""
    return replace(
        answer,
        value_scale=np.fmax(answer.value_scale, own.value_scale),
        gradient_scale=np.fmax(answer.gradient_scale, own.gradient_scale),
        alternatives=tuple(_scaled(other, own) for other in answer.alternatives),
    )


def reduction_of(problem: Problem) -> dict[str, Any]:
    """How the elements of a problem are put together, as an oracle takes it."""
    return {
        "reduction": problem.reduction,
        "denominator": problem.config.get("denominator", "weights"),
        "normalizer": problem.normalizer,
        "cotangent": problem.cotangent,
    }


def cross_entropy_of(problem: Problem) -> Answer:
    """The oracle's cross entropy of a problem, whatever other settings it has."""
    return cross_entropy(
        problem.logits,
        problem.labels,
        weight=problem.weight,
        ignore_index=problem.ignore_index,
        axis=problem.axis,
        soft_weight=problem.config.get("soft_weight", "paddle"),
        **reduction_of(problem),
    )


def entry_cross_entropy_of(problem: Problem, factor: float = 1.0) -> Answer:
    """The oracle's binary cross entropy of every entry, times a factor."""
    elements = arrange_entries(
        problem.logits, problem.labels, ignore_index=problem.ignore_index, label_weight=problem.label_weight
    )
    assert elements.targets is not None
    losses = logistic_losses(elements.rows[:, 0], elements.targets)
    return elements.reduce(losses.times(np.asarray(factor * elements.valid, dtype=np.float64)), **reduction_of(problem))


def of_difference(entry_losses: Callable[[Array, Problem], Losses]) -> Callable[[Problem], Answer]:
    """Answers of a loss of two classes from one of a single number, the label's logit less the other's; no softmax."""

    def equals(problem: Problem) -> Answer:
        elements, difference = two_classes(problem)
        return by_both_logits(entry_losses(difference, problem), elements, problem)

    return equals


def two_classes(problem: Problem) -> tuple[Elements, Array]:
    """The elements of a problem of two classes, and the label's logit less the other's."""
    elements = arrange(
        problem.logits, problem.labels, weight=problem.weight, ignore_index=problem.ignore_index, axis=problem.axis
    )
    index = np.arange(len(elements.rows))
    return elements, elements.rows[index, elements.labels] - elements.rows[index, 1 - elements.labels]


def by_both_logits(single: Losses, elements: Elements, problem: Problem) -> Answer:
    """Losses of the difference as losses of the two logits, weighted and reduced."""
    index = np.arange(len(elements.rows))
    slope, scale = np.empty_like(elements.rows), np.empty_like(elements.rows)
    for column, sign in ((elements.labels, 1.0), (1 - elements.labels, -1.0)):
        slope[index, column] = sign * single.slope[:, 0]
        scale[index, column] = single.slope_scale[:, 0]
    losses = Losses(single.value, slope, single.value_scale, scale)
    return elements.reduce(losses.times(elements.weight), **reduction_of(problem))


def _logistic(difference: Array, problem: Problem) -> Losses:
    # l = log(1 + exp(-d)), dl/dd = -sigmoid(-d)
    slope = -expit(-difference)
    scale = 1.0 + np.abs(difference) + np.log(2.0)
    return Losses(np.logaddexp(0.0, -difference), slope[:, None], scale, (1.0 + np.abs(slope) * scale)[:, None])


TWO_CLASSES = limit(
    "two-classes-is-logistic",
    "With two classes the loss is the logistic loss of the difference of the logits.",
    {"classes": (2,), "targets": ("hard",), "label_smoothing": (0.0,)},
    of_difference(_logistic),
    rests_on="C = 2: -log p_y = log(1 + exp(-(z_y - z_other)))",
)


def gamma_zero(**at: tuple[Any, ...]) -> Law:
    """The limit at gamma 0, and at further settings where those would keep it from cross entropy."""
    return limit(
        "gamma-zero-is-cross-entropy",
        "With gamma 0 the loss is cross entropy.",
        {"gamma": (0, 0.0), **at},
        cross_entropy_of,
        needs=("gamma",),
        rests_on="gamma = 0: x^0 = 1, so that the factor of every element or class is 1",
    )


def _smoothed(problem: Problem) -> Answer:
    smoothing = problem.config["label_smoothing"]
    hot = np.moveaxis(np.eye(problem.classes)[problem.labels], -1, problem.axis)
    soft = (1.0 - smoothing) * hot + smoothing / problem.classes
    return cross_entropy_of(problem.replace(labels=soft))


SMOOTHED = limit(
    "smoothed-labels-are-soft",
    "Smoothed labels are the soft labels (1 - e) one_hot + e / C.",
    {"label_smoothing": (0.1, 0.5, 1.0), "targets": ("hard",), "ignored": ("none",), "soft_weight": ("paddle",)},
    _smoothed,
    needs=("label_smoothing",),
    gate=3,
    rests_on="q = (1 - e) e_y + e / C",
)


@law(
    "limit/one-hot-is-hard",
    precondition={"targets": within("hard"), "ignored": within("none"), "label_dtype": within("int64")},
    gate=3,
    rests_on="q_i = e_y gives -sum_c q_ic log p_ic = -log p_i[y]",
    opt_in=True,
)
def one_hot_is_hard(case: Case) -> Iterator[Finding]:
    """Soft labels that are one-hot have the loss of the classes they name."""
    problem = case.problem
    soft = problem.replace(targets="soft", labels=problem.unflatten(problem.one_hot))
    result = case.attempt(soft)
    if isinstance(result, Failure) and result.kind == "raised":
        raise NotApplicable(f"the layer refuses soft labels ({result.error})")
    divisors = [case.contract.divisor(p) for p in (problem, soft)]
    if problem.reduction == "mean" and divisors[1] and not divisors[0]:
        # over a divisor of 0 one of the means is 0 by convention, whatever the losses
        return
    ratio = divisors[0] / divisors[1] if problem.reduction == "mean" and divisors[1] else 1.0
    message = "Soft labels that are one-hot have another loss than the classes they name."
    yield from case.agree(soft, problem, message, value=lambda v: v * ratio, gradient=lambda g: g * ratio)


@law(
    "limit/class-ids-are-one-hot",
    precondition={
        "rank": within(2),
        "layout": within("contiguous"),
        "label_weight": within("absent"),
        "size": outside("empty"),
    },
    needs=("oracle",),
    rests_on="t_ic = [c = y_i]",
    opt_in=True,
)
def ids_are_one_hot(case: Case) -> Iterator[Finding]:
    """Class ids have the loss of their one-hot targets, where they are taken."""
    problem = case.problem
    named = with_class_ids(problem).replace(ignore_index=-100)
    hot = named.replace(labels=np.eye(named.classes)[named.labels], targets=problem.targets)
    result = case.attempt(named)
    if isinstance(result, Failure) and result.kind == "raised":
        raise NotApplicable(f"the layer refuses class ids ({result.error})")
    expected = case.answer(hot)
    yield from case.matches(named, answer=expected, message="Class ids have another loss than their one-hot targets.")
