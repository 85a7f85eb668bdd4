"""Contract of the focal loss over a softmax."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from properties.departures import of_focal, softmax_parts
from properties.departures.of_labels import OF_LABELS
from properties.departures.of_layout import OF_LAYOUT
from properties.departures.of_places import OF_CLASSES_BY_PLACE
from properties.departures.of_slopes import OF_SLOPES
from properties.departures.of_softmax import OF_SOFTMAX
from properties.judging.assumptions import reading
from properties.judging.contract import OF_CLASSES, Contract
from properties.judging.kernel_formula import KernelFormula, KernelLosses
from properties.laws.limits import cross_entropy_of, gamma_zero, limit, of_difference
from properties.laws.weights import element_weights
from properties.problems.dimensions import DENOMINATOR
from properties.problems.domain import Dimension
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF, focal
from reference.elements import Losses
from reference.sigmoid_focal import entry_focal_losses


def is_power(value: object) -> bool:
    """Whether a value may be a gamma."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0.0 <= value < float("inf")


GAMMA = Dimension(
    "gamma",
    (2.0, 0.0, 1.0, 0.5, 5.0, 2, 0, 0.25),
    accepts=is_power,
    expected="numbers >= 0",
    absent=2.0,
    always_shown=True,
)


def _single(difference: Array, problem: Problem) -> Losses:
    ones, unit = np.ones_like(difference), UNIT_ROUNDOFF[problem.dtype]
    return entry_focal_losses(difference, ones, problem.config["gamma"], unit)


TWO_CLASSES = limit(
    "two-classes-is-sigmoid-focal",
    "With two classes the loss is the sigmoid focal loss of the difference of the logits.",
    {"classes": (2,)},
    of_difference(_single),
    rests_on="C = 2: p_y = sigma(z_y - z_other), so (1 - p_y)^gamma l is the sigmoid focal loss of the difference",
)


def no_power(values: Mapping[str, Any]) -> str:
    """The name of what is left where gamma is 0."""
    return "cross entropy" if values.get("gamma") == 0 else ""


def modulated(of: KernelLosses) -> Any:
    """Cross entropy times (1 - p)^gamma, where 1 - p is 1 - exp(-loss)."""
    return of.weighted * of.operations.power(-of.operations.expm1(-of.losses), float(of.arguments["gamma"]))


ARGUMENTS = (GAMMA, DENOMINATOR)

CONTRACT = Contract(
    name="focal",
    sentence="Focal loss over a softmax: cross entropy times (1 - p)^gamma.",
    promises=(*OF_CLASSES, "additive", "repetition"),
    oracle=focal,
    arguments=ARGUMENTS,
    call_arguments=("normalizer", "element_weight"),
    gradient="live",
    kernel_formula=KernelFormula(modulated),
    bases=(cross_entropy_of,),
    departures=(*of_focal.OF_FOCAL, *OF_SOFTMAX, *OF_SLOPES, *OF_CLASSES_BY_PLACE, *OF_LABELS, *OF_LAYOUT),
    parts=softmax_parts.softmax_parts(softmax_parts.focused),
    inside=softmax_parts.INSIDE | of_focal.INSIDE,
    own=(gamma_zero(), TWO_CLASSES, element_weights),
    precise=True,
    essential=(("gamma",),),
    reads=reading("focal loss", equals=no_power, arguments=ARGUMENTS),
    bad_arguments={"gamma": (-1.0, float("nan"), float("inf"), "two"), "denominator": ("batch",)},
)
