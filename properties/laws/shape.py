"""Laws of shape: order, rank, class axis, memory layout and reduction do not change what a loss is.

They rest on a loss being a sum over elements, each of which has its logits and its label wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from properties.judging.context import Case
from properties.judging.denominators import contradiction_in_words
from properties.judging.finding import Finding, LayerFailed, NotApplicable
from properties.judging.law import law
from properties.judging.observation import Failure
from properties.laws.ignore import nothing
from properties.problems.domain import CLASSES, outside, within
from properties.problems.precision import Array
from properties.problems.problem import Problem


def _order(case: Case) -> NDArray[np.int_]:
    """Another order of the elements; of a loss of images one that leaves each image together."""
    problem, rng = case.problem, case.problem.rng()
    if case.contract.granularity == "image" and len(problem.shape) > 1 and problem.size:
        images = np.arange(problem.size).reshape(problem.shape[0], -1)[rng.permutation(problem.shape[0])]
        order = images[:, rng.permutation(images.shape[1])].reshape(-1)
    else:
        order = rng.permutation(problem.size)
    # the simplest other order where it would stay the same, and for the simplest salt
    plain = (order == np.arange(len(order))).all() or (problem.salt == 0 and case.contract.granularity != "image")
    return np.arange(len(order))[::-1] if len(order) > 1 and plain else order


@law(
    "shape/permutation",
    rests_on="a sum does not depend on the order of its terms",
)
def permutation(case: Case) -> Iterator[Finding]:
    """The order of the elements does not matter."""
    problem = case.problem
    order = _order(case)
    moved = problem.reordered(order)

    def value(values: Array) -> Array:
        return values.reshape(-1)[order].reshape(problem.shape) if problem.reduction == "none" else values

    yield from case.agree(
        moved,
        problem,
        "Another order of the elements changes the answer.",
        value=value,
        gradient=lambda g: problem.unflatten(problem.flatten(g)[order]),
    )


def _flat(case: Case, message: str) -> Iterator[Finding]:
    problem = case.problem
    flat = problem.flat()
    yield from case.agree(
        problem,
        flat,
        message,
        value=lambda v: v.reshape(problem.shape) if problem.reduction == "none" else v,
        gradient=lambda g: problem.unflatten(flat.flatten(g)),
    )


@law(
    "shape/rank",
    declinable=True,
    precondition={"rank": lambda r: r > 2},
    needs=("rank=2",),
    gate=3,
    rests_on="the other axes only number the elements: L(z of shape [N, C, d1, ...]) = L(z of shape [N d1 ..., C])",
)
def rank(case: Case) -> Iterator[Finding]:
    """Logits of rank 3 to 6 have the loss of the same elements flattened."""
    yield from _flat(case, f"Logits of rank {case.problem.logits.ndim} have another loss than the same elements flat.")


@law(
    "shape/rank-one",
    declinable=True,
    precondition={"rank": within(1), "size": within("one"), "ignored": within("none", "all")},
    needs=("rank=2", "axis=1"),
    gate=3,
    rests_on="logits [C] with one label are a batch of one: L([z]) = L(z)",
)
def rank_one(case: Case) -> Iterator[Finding]:
    """Logits of one axis take a label of no axes (or of one, where each entry has its own)."""
    problem = case.problem
    if problem.logits.ndim != 1:
        return
    yield from _flat(case, "Logits of one axis have another loss than the same elements with two.")


@law(
    "shape/axis",
    declinable=True,
    precondition={**CLASSES, "axis": outside(1), "rank": lambda r: r > 1},
    needs=("axis", "axis=1"),
    gate=4,
    rests_on="L(z, axis=a) = L(moveaxis(z, a, 1), axis=1)",
)
def axis(case: Case) -> Iterator[Finding]:
    """The class axis may stand anywhere."""
    problem = case.problem
    if problem.axis == 1 or problem.logits.ndim == 1:
        return
    moved = problem.with_axis(1)
    yield from case.agree(
        problem,
        moved,
        f"With axis={problem.axis} the loss is another than with the same classes along axis 1.",
        gradient=lambda g: problem.unflatten(moved.flatten(g)),
    )


@law(
    "shape/none-shape",
    precondition={"reduction": within("none")},
    needs=("reduction",),
    gate=3,
    rests_on="none: one number l_i for each label y_i",
)
def none_shape(case: Case) -> Iterator[Finding]:
    """An unreduced loss has the labels' shape."""
    problem = case.problem
    observed = case.observe()
    if observed.value.shape != problem.shape:
        yield Finding(
            f"`none` must have the labels' shape {problem.shape}, and has {observed.value.shape}.",
            (problem,),
            "shape",
            np.asarray(problem.shape, dtype=np.float64),
            np.asarray(observed.value.shape, dtype=np.float64),
            check=("assert tuple(loss.shape) == tuple(labels.shape), (loss.shape, labels.shape)",),
        )


@law(
    "shape/scalar-shape",
    precondition={"reduction": outside("none")},
    rests_on="sum and mean are numbers: shape ()",
)
def scalar_shape(case: Case) -> Iterator[Finding]:
    """A reduced loss has no axes."""
    observed = case.observe()
    if observed.shape != ():
        yield Finding(
            f"A reduced loss must have no axes, and has shape {observed.shape}.",
            (case.problem,),
            "shape",
            np.zeros(0),
            np.asarray(observed.shape, dtype=np.float64),
            check=("assert tuple(loss.shape) == (), loss.shape",),
        )


@law(
    "shape/sum-of-none",
    precondition={"reduction": within("sum")},
    needs=("reduction", "reduction=none"),
    rests_on="sum = sum_i none_i",
)
def sum_of_none(case: Case) -> Iterator[Finding]:
    """`sum` is the sum of `none`."""
    problem = case.problem
    unreduced = problem.replace(reduction="none")
    message = "`sum` is not the sum of `none`."
    yield from case.agree(problem, unreduced, message, value=lambda v: np.asarray(v.sum()))


@law(
    "shape/mean-over-denominator",
    precondition={"reduction": within("mean")},
    needs=("reduction", "reduction=sum", "weighted-mean"),
    rests_on='mean = sum / D, D = W = sum_i v_i w[y_i], or D = N = sum_i v_i for denominator="count"',
)
def mean_over_denominator(case: Case) -> Iterator[Finding]:
    """`mean` is `sum` over the sum of the valid elements' weights."""
    problem = case.problem
    divisor = case.contract.divisor(problem)
    summed = problem.replace(reduction="sum")
    if divisor == 0.0:
        return
    left, right = case.observe(), case.observe(summed)
    message = f"`mean` is not `sum` over what the contract divides by ({divisor:g})."
    if left.value.shape == () and right.value.shape == () and left.value != 0 and np.isfinite(right.value):
        message = contradiction_in_words(problem, case.contract, float(right.value / left.value))
    yield from case.agree(problem, summed, message, value=lambda v: v / divisor, gradient=lambda g: g / divisor)


@law(
    "shape/one-element",
    precondition={"size": within("one"), "ignored": within("none", "all")},
    rests_on="L = o_1 l_1 / D: nothing in the formula asks for N > 1",
)
def one_element(case: Case) -> Iterator[Finding]:
    """A batch of one element is no special case."""
    problem = case.problem
    message = "A batch of one element has another loss."
    if case.contract.oracle is not None:
        yield from case.matches(message=message)
    elif problem.reduction == "mean" and problem.weight is None and _sum_is_mean(case):
        yield from case.agree(problem, problem.replace(reduction="sum"), message)
    elif not np.isfinite(case.observe().value).all():
        yield Finding("A batch of one element has a loss that is not finite.", (problem,), got=case.observe().value)


def _sum_is_mean(case: Case) -> bool:
    """Whether one element's sum is its mean: entries are several, and what a batch has in common nobody divides."""
    return "reduction" in case.takes and case.contract.granularity == "element"


@law(
    "shape/empty",
    declinable=True,
    precondition={"size": within("empty")},
    gate=3,
    rests_on="the sum of no terms is 0, and 0 over 0 is defined as 0",
    remark="a loss that is NaN, or an exception: nobody takes either for a loss, and no batch of a training is empty",
)
def empty(case: Case) -> Iterator[Finding]:
    """A batch without elements has loss 0 and a gradient of its shape."""
    try:
        visible = bool(np.isnan(case.observe().value).any())
    except LayerFailed as failed:
        if failed.failure.kind != "raised":
            raise
        words = f"For a batch without elements the layer raises {failed.failure}"
        yield Finding(words, (case.problem,), "failure", failure=failed.failure, grade="remark")
        return
    for finding in nothing(case, "A batch without elements does not have loss 0."):
        yield replace(finding, grade="remark") if visible else finding


@law(
    "shape/square",
    precondition={**CLASSES, "size": within("square")},
    needs=("oracle",),
    rests_on="N = C is no condition of the formula: what an axis means is said by axis, never by its length",
)
def square(case: Case) -> Iterator[Finding]:
    """As many elements as classes is no special case."""
    if case.problem.size != case.problem.classes:
        return
    yield from case.matches(message="With as many elements as classes the loss is another.")


@law(
    "shape/one-class",
    declinable=True,
    precondition={**CLASSES, "classes": within(1)},
    gate=3,
    rests_on="C = 1: p = 1, l = logsumexp(z) - z = 0, dl/dz = 0",
)
def one_class(case: Case) -> Iterator[Finding]:
    """A single class is no special case.

    The loss of a softmax is 0, and any loss has a finite answer.
    """
    problem = case.problem
    if case.contract.oracle is not None:
        yield from case.matches(message="With a single class the loss is wrong.")
        return
    observed = case.observe()
    if not np.isfinite(observed.value).all():
        yield Finding("With a single class the loss is not finite.", (problem,), got=observed.value)


def _with_label_axis(case: Case) -> Problem:
    """The problem with labels that keep the class axis; NotApplicable where the layer refuses such."""
    kept = case.problem.replace(layout="label-axis")
    result = case.attempt(kept)
    if isinstance(result, Failure) and result.kind == "raised":
        raise NotApplicable(f"the layer refuses labels with a class axis of length 1 ({result.error})")
    return kept


@law(
    "shape/label-axis",
    precondition={"targets": within("hard"), "reduction": outside("none"), "layout": within("contiguous")},
    rests_on="labels [N, 1, ...] with their class axis of length 1 name the same classes as labels [N, ...]",
)
def label_axis(case: Case) -> Iterator[Finding]:
    """Labels that keep the class axis, with length 1, have the same loss, where they are taken."""
    problem = case.problem
    if problem.logits.ndim == 1:
        return
    kept = _with_label_axis(case)
    yield from case.agree(kept, problem, _OTHER_LOSS)


_OTHER_LOSS = "Labels that keep the class axis, with length 1, have another loss."


@law(
    "shape/none-label-axis",
    level="conduct",
    remark="a loss [N] of labels [N, 1]: each number is in its place, and only the axis of length 1 is gone",
    precondition={"targets": within("hard"), "reduction": within("none"), "layout": within("contiguous")},
    needs=("reduction", "reduction=none"),
    rests_on="none: one number l_i for each label y_i, in its place: [N] times a mask [N, 1] would be [N, N]",
)
def none_label_axis(case: Case) -> Iterator[Finding]:
    """An unreduced loss of labels that keep the class axis, with length 1, keeps it too, where they are taken."""
    problem = case.problem
    if problem.logits.ndim == 1:
        return
    kept = _with_label_axis(case)
    observed = case.observe(kept)
    shape = kept.given_labels.shape
    if observed.value.shape != shape:
        squeezed = observed.value.shape == problem.shape
        if squeezed:
            flat = case.observe(problem)
            scale = case.error_scale("value", problem, flat)
            for finding in case.same(problem, observed.value, flat.value, "value", _OTHER_LOSS, scale):
                yield replace(finding, calls=(kept, problem))
        yield Finding(
            f"`none` must have the labels' shape {shape}, class axis included, and has {observed.value.shape}.",
            (kept,),
            "shape",
            np.asarray(shape, dtype=np.float64),
            np.asarray(observed.value.shape, dtype=np.float64),
            check=("assert tuple(loss.shape) == tuple(labels.shape), (loss.shape, labels.shape)",),
            grade="remark" if squeezed else "error",
        )
        return
    yield from case.agree(kept, problem, _OTHER_LOSS, value=lambda v: v.reshape(shape))


@law(
    "shape/non-contiguous",
    precondition={"layout": within("strided")},
    gate=3,
    rests_on="a tensor is its numbers by index, whatever their strides in memory",
)
def non_contiguous(case: Case) -> Iterator[Finding]:
    """Tensors that are views with gaps have the loss of their copies."""
    problem = case.problem
    contiguous = problem.replace(layout="contiguous")
    yield from case.agree(problem, contiguous, "Tensors that are not contiguous in memory have another loss.")
