"""Binary cross entropy with a weight of the positives: its contract, and a sound loss in NumPy."""

from dataclasses import replace

import numpy as np

from properties import Contract, Subject
from properties.contracts import _entrywise as shared
from properties.departures.departure import Departure
from properties.departures.entry_parts import entries_of
from properties.departures.of_entries import IGNORED, KERNELS, OVERFLOWS
from properties.departures.of_rows import OF_ROWS
from properties.departures.parts import Parts
from properties.laws.limits import entry_cross_entropy_of, limit
from properties.problems.dimensions import DENOMINATOR, LABEL_WEIGHT
from properties.problems.domain import Dimension
from reference.elements import Losses, check_number
from reference.entries import arrange_entries, logistic_losses, probability_error

from .entries import EntryLoss
from .tape import softplus


def positive_weight(
    logits,
    labels,
    *,
    pos_weight=1.0,
    ignore_index=-100,
    reduction="mean",
    axis=1,
    label_weight=None,
    denominator="weights",
    normalizer=None,
    cotangent=None,
):
    r"""Compute the binary cross entropy of every entry, the positive part times w, and its gradient.

    .. math:: l = (1 + (w - 1) t) \log(1 + e^{-x}) + (1 - t) x, \quad
              dl/dx = (1 - t) \sigma(x) - w t \sigma(-x)
    """
    weight = check_number("pos_weight", pos_weight, 0.0)
    elements = arrange_entries(logits, labels, ignore_index=ignore_index, axis=axis, label_weight=label_weight)
    losses = weighted_losses(elements.rows[:, 0], elements.targets, weight)
    return elements.reduce(
        losses.times(elements.weight),
        reduction=reduction,
        denominator=denominator,
        normalizer=normalizer,
        cotangent=cotangent,
    )


def weighted_losses(x, t, weight):
    """w t log(1 + exp(-x)) + (1 - t) log(1 + exp(x)) and its slope."""
    positive, negative = logistic_losses(x, np.ones_like(x)), logistic_losses(x, np.zeros_like(x))
    value = weight * t * positive.value + (1.0 - t) * negative.value
    slope = weight * t * positive.slope[:, 0] + (1.0 - t) * negative.slope[:, 0]
    # 1 + (w - 1) t and 1 - t each bring the rounding of a number up to 1 or w
    size = 2.0 + np.abs(weight - 1.0) * t
    return Losses(
        value,
        slope[:, None],
        size * (1.0 + np.abs(x) + np.log(2.0)),
        (size * (1.0 + probability_error(x)))[:, None],
    )


def parts(problem, settings):
    """The losses of the entries, or what departures of their cross entropies make of them."""
    elements = entries_of(problem, raw=bool(settings.get("raw")))
    x, t = elements.rows[:, 0], elements.targets
    losses = weighted_losses(x, t, problem.config["pos_weight"])
    losses = settings["weighing"](losses, x, t, problem.config["pos_weight"]) if "weighing" in settings else losses
    with np.errstate(all="ignore"):
        for change in (*settings.get("bce", ()), *settings.get("kernel", ())):
            losses = change(losses, x, t)
    return [Parts(losses.keep(elements.valid))]


def _whole_loss(losses, x, t, weight):
    return logistic_losses(x, t).times(1.0 + (weight - 1.0) * t)


def _every_probability(losses, x, t, weight):
    slope = weight * (logistic_losses(x, t).slope[:, 0] + t) - t
    return replace(losses, slope=slope[:, None], slope_scale=losses.slope_scale + 4.0 * (1.0 + weight))


def _is_weighted(problem):
    return problem.config["pos_weight"] != 1.0


def _does_not_fit(problem):
    """Whether as many weights as the last axis is long cannot be broadcast against all entries."""
    columns = problem.logits.shape[-1]
    return _is_weighted(problem) and columns not in (1, problem.size) and problem.size != 1


DEPARTURES = (
    Departure(
        "weight-on-the-whole-loss",
        "The weight of the positives multiplies the whole loss by 1 + (w - 1) t, the negative part too.",
        lambda: {"weighing": _whole_loss},
        harm=8,
        applies=_is_weighted,
    ),
    Departure(
        "weight-of-every-probability",
        "The slope is w sigmoid(x) - t.",
        lambda: {"weighing": _every_probability},
        harm=8,
        applies=_is_weighted,
    ),
    Departure(
        "pos-weight-unread",
        "pos_weight is not read.",
        lambda: {"rewrite": (lambda problem: problem.configure(pos_weight=1.0),)},
        harm=8,
        applies=_is_weighted,
    ),
    Departure(
        "raises-on-weights-not-flattened",
        "Logits and targets are flattened, and the weights of the last axis are not: where these differ it raises.",
        refuses=_does_not_fit,
        harm=25,
    ),
    *OVERFLOWS,
    *IGNORED,
    # with a weight another formula is differentiated
    *(replace(one, applies=lambda p, one=one: one.applies(p) and not _is_weighted(p)) for one in KERNELS),
)

CONTRACT = Contract(
    name="positive_weight",
    sentence="Binary cross entropy of every entry, the part of the positives times a weight.",
    promises=(*shared.PROMISES, "additive"),
    oracle=positive_weight,
    arguments=(
        Dimension(
            "pos_weight",
            (1.0, 2.0, 0.5, 3.0, 10.0, 0.0),
            accepts=lambda v: isinstance(v, (int, float)) and v >= 0.0,
            expected="numbers >= 0",
            absent=1.0,
        ),
        DENOMINATOR,
    ),
    common=(*shared.common(("binary", "binary", "probability")), LABEL_WEIGHT),
    call_arguments=("label_weight", "normalizer"),
    departures=(*DEPARTURES, *OF_ROWS),
    parts=parts,
    inside=frozenset({"weighing", "bce", "kernel", "raw"}),
    lacks=("weight",),
    own=(
        limit(
            "positive-weight-one-is-binary-cross-entropy",
            "With a positive weight of 1 the loss is the binary cross entropy.",
            {"pos_weight": (1.0,)},
            lambda problem: entry_cross_entropy_of(problem, 1.0),
            needs=("pos_weight",),
        ),
    ),
    without=shared.WITHOUT,
    bad_arguments={"pos_weight": (-1.0, float("nan"), float("inf"), "two"), "denominator": ("batch",)},
)


class PositiveWeight(EntryLoss):
    """Binary cross entropy, a positive's part times a weight."""

    contract = CONTRACT.name

    def __init__(self, pos_weight=1.0, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        check_number("pos_weight", pos_weight, 0.0)
        self.pos_weight = pos_weight
        super().__init__(ignore_index, reduction, axis, denominator)

    def losses(self, x, t):
        return softplus(-x) * self.share(t) + x * (1 - t)

    def share(self, t):
        """1 for the negatives, the weight for the positives."""
        return 1 + (np.asarray(self.pos_weight, t.dtype) - 1) * t


def call(loss, logits, labels, label_weight=None, normalizer=None):
    return loss(logits, labels, label_weight, normalizer)


def subject(build):
    """A loss with ``pos_weight``, under the contract."""
    return Subject(CONTRACT, build, call, backend="numpy")


SUBJECT = subject(PositiveWeight)
