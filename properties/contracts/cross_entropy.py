"""Contract of cross entropy with hard, smoothed and soft labels."""

from collections.abc import Mapping
from typing import Any

from properties.departures import softmax_parts
from properties.departures.of_labels import OF_LABELS
from properties.departures.of_layout import OF_LAYOUT
from properties.departures.of_places import OF_CLASSES_BY_PLACE
from properties.departures.of_slopes import OF_SLOPES
from properties.departures.of_smoothing_kernel import OF_SMOOTHING_KERNEL
from properties.departures.of_soft_labels import OF_SOFT_LABELS
from properties.departures.of_softmax import OF_SOFTMAX
from properties.judging.assumptions import reading
from properties.judging.contract import OF_CLASSES, Contract, divisor
from properties.judging.kernel_formula import Arguments, KernelFormula
from properties.laws.limits import SMOOTHED, TWO_CLASSES, one_hot_is_hard
from properties.problems.dimensions import ANY_ROWS, DENOMINATOR
from properties.problems.domain import Dimension, within
from properties.problems.problem import Problem
from reference import Answer, cross_entropy

SOFT = Dimension(
    "targets",
    ("hard", "hard", "soft", ANY_ROWS),
    lambda v: None if v == "hard" else one_hot_is_hard.id,
    kind=lambda v: "soft" if v == ANY_ROWS else v,
    absent="hard",
    optional={ANY_ROWS: "soft labels whose rows do not sum to 1"},
)
"""Hard labels, and soft ones where the layer takes them."""

SOFT_WEIGHT = Dimension(
    "soft_weight", ("paddle", "paddle", "torch"), absent="paddle", tacit=True, plain=within("paddle")
)
"""Whether a class weight multiplies the element's whole loss, or its class's part of it."""


def cross_entropy_base(problem: Problem) -> Answer:
    """Cross entropy of each element, with the smoothing that the problem has."""
    return cross_entropy(
        problem.logits,
        problem.labels,
        ignore_index=problem.ignore_index,
        axis=problem.axis,
        label_smoothing=problem.config.get("label_smoothing", 0.0),
        reduction="none",
    )


def by_class(given: Mapping[str, Any]) -> bool:
    """Whether a class weight multiplies its class's part of an element's loss."""
    return given.get("soft_weight") == "torch"


def divides_by(problem: Problem) -> float:
    """What a mean divides by: the weights of smoothed labels; where they weigh by class, those of the labels alone."""
    if by_class(problem.config):
        return float(problem.valid.sum()) if problem.targets == "soft" else divisor(problem)
    smoothing = problem.config.get("label_smoothing", 0.0)
    return divisor(problem, (1.0 - smoothing) * problem.one_hot + smoothing / problem.classes)


def _for_the_kernel(given: Arguments, soft: bool) -> dict[str, Any] | None:
    """The arguments of the kernel; None where it has none for what is asked."""
    unsaid = given.get("denominator", "weights") != "weights" or given.get("normalizer") is not None
    if unsaid or by_class(given):
        return None
    named = {name: given[name] for name in ("weight", "ignore_index", "reduction", "axis")}
    return {**named, "soft_label": soft, "label_smoothing": given.get("label_smoothing", 0.0)}


KERNEL = {"paddle.nn.functional.cross_entropy": _for_the_kernel}

ARGUMENTS = (
    Dimension(
        "label_smoothing",
        (0.0, 0.0, 0.1, 0.0, 0.5, 0.0, 1.0),
        lambda v: SMOOTHED.id if v else None,
        lambda v: isinstance(v, (int, float)) and 0.0 <= v <= 1.0,
        "numbers in [0, 1]",
        absent=0.0,
        tacit=True,
        feature=lambda v: f"label_smoothing={v}" if v else "",
    ),
    SOFT_WEIGHT,
    DENOMINATOR,
)

CONTRACT = Contract(
    name="cross_entropy",
    sentence="Cross entropy of a softmax; the mean divides by the sum of the valid elements' weights.",
    promises=(*OF_CLASSES, "additive", "repetition"),
    oracle=cross_entropy,
    arguments=ARGUMENTS,
    common=(SOFT,),
    own=(TWO_CLASSES, one_hot_is_hard, SMOOTHED),
    gradient="both",
    bases=(cross_entropy_base,),
    divisor=divides_by,
    departures=(
        *OF_SOFTMAX,
        *OF_SLOPES,
        *OF_CLASSES_BY_PLACE,
        *OF_SOFT_LABELS,
        *OF_LABELS,
        *OF_LAYOUT,
        *OF_SMOOTHING_KERNEL,
    ),
    parts=softmax_parts.softmax_parts(),
    inside=softmax_parts.INSIDE,
    kernel_formula=KernelFormula(smoothing="label_smoothing", by_class=by_class, whole=KERNEL),
    reads=reading("cross entropy", arguments=ARGUMENTS),
    bad_arguments={
        "label_smoothing": (-0.1, 1.5, float("nan"), "some"),
        "soft_weight": ("keras", None),
        "denominator": ("batch", 3),
    },
)
