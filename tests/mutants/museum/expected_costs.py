"""The expected cost of a decision by chance: its contract, a sound loss, and one with the two costs exchanged."""

import numpy as np
from scipy.special import expit

from properties import Contract, Subject
from properties.contracts import _entrywise as shared
from properties.departures.departure import Departure
from properties.problems.dimensions import DENOMINATOR, LABEL_WEIGHT
from properties.problems.domain import Dimension
from reference.elements import Losses, check_number
from reference.entries import arrange_entries

from ..registry import historic
from . import checks
from .entries import EntryLoss
from .tape import sigmoid


def expected_cost(
    logits,
    labels,
    *,
    false_positive=1.0,
    false_negative=1.0,
    ignore_index=-100,
    reduction="mean",
    axis=1,
    label_weight=None,
    denominator="weights",
    normalizer=None,
    cotangent=None,
):
    r"""Compute what an entry costs if its decision is 1 with probability p = sigmoid(x), and its gradient.

    .. math:: l = a (1 - t) p + b t (1 - p), \quad dl/dx = (a (1 - t) - b t) p (1 - p)
    """
    a, b = check_number("false_positive", false_positive, 0.0), check_number("false_negative", false_negative, 0.0)
    elements = arrange_entries(logits, labels, ignore_index=ignore_index, axis=axis, label_weight=label_weight)
    x, t = elements.rows[:, 0], elements.targets
    p, q = expit(x), expit(-x)
    # a probability next to 1 may be 1 less the other: its error is that of a number up to 1
    size = a * (1.0 - t) + b * t
    slope = (a * (1.0 - t) - b * t) * p * q
    losses = Losses(a * (1.0 - t) * p + b * t * q, slope[:, None], 3.0 * size, 3.0 * size[:, None])
    return elements.reduce(
        losses.times(elements.weight),
        reduction=reduction,
        denominator=denominator,
        normalizer=normalizer,
        cotangent=cotangent,
    )


def _cost(name):
    return Dimension(
        name,
        (1.0, 3.0, 0.5, 0.0, 10.0),
        accepts=lambda v: isinstance(v, (int, float)) and v >= 0.0,
        expected="numbers >= 0",
        absent=1.0,
    )


def _exchanged(problem):
    given = problem.config
    return problem.configure(false_positive=given["false_negative"], false_negative=given["false_positive"])


CONTRACT = Contract(
    name="expected_cost",
    sentence="The cost of a false positive times its probability, and that of a false negative times its own.",
    promises=(*shared.PROMISES, "additive"),
    oracle=expected_cost,
    arguments=(_cost("false_positive"), _cost("false_negative"), DENOMINATOR),
    common=(*shared.common(("binary", "binary", "probability")), LABEL_WEIGHT),
    call_arguments=("label_weight", "normalizer"),
    lacks=("weight",),
    departures=(
        Departure(
            "costs-exchanged",
            "A false positive has the cost of a false negative, and the other way round.",
            lambda: {"rewrite": (_exchanged,)},
            harm=8,
        ),
    ),
    without=shared.WITHOUT,
    bad_arguments={"false_positive": (-1.0, float("nan")), "false_negative": (-1.0, "much"), "denominator": ("batch",)},
)


class ExpectedCost(EntryLoss):
    """a (1 - t) p + b t (1 - p)."""

    contract = CONTRACT.name

    def __init__(
        self,
        false_positive=1.0,
        false_negative=1.0,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        denominator="weights",
    ):
        checks.check_number("false_positive", false_positive)
        checks.check_number("false_negative", false_negative)
        self.false_positive, self.false_negative = false_positive, false_negative
        super().__init__(ignore_index, reduction, axis, denominator)

    def losses(self, x, t):
        return sigmoid(x) * self.cost(1 - t, self.false_positive) + sigmoid(-x) * self.cost(t, self.false_negative)

    def cost(self, share, cost):
        return share * np.asarray(cost, share.dtype)


@historic("B224", "empulse#3", "FML", subject="COSTS_EXCHANGED")
class CostsExchanged(ExpectedCost):
    """A false positive has the cost of a false negative, and the other way round."""

    def losses(self, x, t):
        return sigmoid(x) * self.cost(1 - t, self.false_negative) + sigmoid(-x) * self.cost(t, self.false_positive)


def call(loss, logits, labels, label_weight=None, normalizer=None):
    return loss(logits, labels, label_weight, normalizer)


SUBJECT = Subject(CONTRACT, ExpectedCost, call, backend="numpy")

COSTS_EXCHANGED = Subject(CONTRACT, CostsExchanged, call, backend="numpy")
