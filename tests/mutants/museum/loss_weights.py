"""Cross entropy times a weight of the whole loss: its contract, a sound loss, and one that takes the weight in vain."""

from dataclasses import replace

from properties import Contract, Subject
from properties.contracts.cross_entropy import SOFT, SOFT_WEIGHT, divides_by
from properties.departures.departure import Departure
from properties.judging.contract import OF_CLASSES
from properties.problems.dimensions import DENOMINATOR
from properties.problems.domain import Dimension
from reference import cross_entropy

from ..registry import historic
from .checks import check_number
from .classes import CrossEntropy


def weighted_loss(logits, labels, *, loss_weight=1.0, **arguments):
    """``loss_weight`` times cross entropy, and the product's own rounding."""
    plain = cross_entropy(logits, labels, **arguments)
    value, gradient = loss_weight * plain.value, loss_weight * plain.gradient
    return replace(
        plain,
        value=value,
        gradient=gradient,
        value_scale=loss_weight * plain.value_scale + abs(value),
        gradient_scale=loss_weight * plain.gradient_scale + abs(gradient),
    )


CONTRACT = Contract(
    name="weighted_loss",
    sentence="Cross entropy with hard, smoothed and soft labels, times a weight of the whole loss.",
    promises=(*OF_CLASSES, "additive"),
    oracle=weighted_loss,
    arguments=(
        Dimension("label_smoothing", (0.0, 0.1, 0.5), absent=0.0),
        Dimension("loss_weight", (1.0, 2.0, 0.5, 3.0), absent=1.0),
        SOFT_WEIGHT,
        DENOMINATOR,
    ),
    common=(SOFT,),
    divisor=divides_by,
    departures=(
        Departure(
            "loss-weight-unread",
            "loss_weight is taken and not used.",
            lambda: {"rewrite": (lambda problem: problem.configure(loss_weight=1.0),)},
            harm=8,
        ),
    ),
    bad_arguments={"loss_weight": (-1.0, float("nan"), "double"), "denominator": ("batch",)},
)


class WeightedLoss(CrossEntropy):
    """Whatever the reduction leaves, times ``loss_weight``."""

    contract = CONTRACT.name

    def __init__(
        self,
        loss_weight=1.0,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        label_smoothing=0.0,
        soft_weight="paddle",
        denominator="weights",
    ):
        check_number("loss_weight", loss_weight)
        self.loss_weight = loss_weight
        super().__init__(weight, ignore_index, reduction, axis, label_smoothing, soft_weight, denominator)

    def reduce(self, losses, counted, valid, shape, normalizer):
        return self.scaled(super().reduce(losses, counted, valid, shape, normalizer))

    def scaled(self, found):
        return found * self.loss_weight


@historic("B189", "mmpretrain#983", "API", subject="FACTOR_FORGOTTEN")
class FactorForgotten(WeightedLoss):
    """The weight of the whole loss is taken, and with smoothed labels multiplies nothing."""

    def scaled(self, found):
        return found if self.label_smoothing else super().scaled(found)


def call(loss, logits, labels, normalizer=None):
    return loss(logits, labels, normalizer)


SUBJECT = Subject(CONTRACT, WeightedLoss, call, backend="numpy")

FACTOR_FORGOTTEN = Subject(CONTRACT, FactorForgotten, call, backend="numpy")
