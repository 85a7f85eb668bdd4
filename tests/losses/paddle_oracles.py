"""Oracles and contracts of losses that Paddle has and this package has not, by the formulas of Paddle's documentation.

Each is exact in float64, with analytic gradient and error scales, as those of ``reference``.
"""

from dataclasses import replace

import numpy as np

from properties import Contract
from properties.contracts import _entrywise as entries
from properties.judging.contract import OF_CLASSES
from properties.problems.dimensions import FORMULA_LOGITS
from properties.problems.domain import Dimension
from reference import UNIT_ROUNDOFF
from reference.elements import Losses, arrange, arrange_soft, check_number
from reference.entries import arrange_entries, logistic_losses

SCALE = 64.0
"""Numbers of single entries become probabilities by |x| / 64, which is exact in every dtype."""


def negative_log_likelihood(
    logits, labels, *, weight=None, ignore_index=-100, reduction="mean", axis=1, normalizer=None, cotangent=None
):
    """-w_y x_y of rows of log-probabilities; a mean divides by the sum of the w_y."""
    elements = arrange(logits, labels, weight=weight, ignore_index=ignore_index, axis=axis)
    n, classes = elements.rows.shape
    value = -elements.rows[np.arange(n), elements.labels]
    # to look up a number rounds nothing
    losses = Losses(value, -np.eye(classes)[elements.labels], np.zeros(n), np.zeros((n, classes)))
    return elements.reduce(
        losses.times(elements.weight), reduction=reduction, normalizer=normalizer, cotangent=cotangent
    )


def multi_label(logits, labels, *, weight=None, reduction="mean", axis=1, cotangent=None):
    """The mean over the classes of w_c BCE(x_c, y_c) for each element; a mean divides by the number of elements."""
    elements = arrange_soft(logits, labels, weight=weight, axis=axis)
    n, classes = elements.rows.shape
    factor = np.tile(1.0 if weight is None else np.asarray(weight), (n, 1 if weight is not None else classes)) / classes
    each = logistic_losses(elements.rows.reshape(-1), elements.targets.reshape(-1)).times(factor.reshape(-1))
    value = each.value.reshape(n, classes)
    depth = 2.0 + np.log2(classes)
    losses = Losses(
        value.sum(1),
        each.slope.reshape(n, classes),
        each.value_scale.reshape(n, classes).sum(1) + depth * np.abs(value).sum(1),
        each.slope_scale.reshape(n, classes) + np.abs(each.slope.reshape(n, classes)),
    )
    return elements.weighing(np.ones(n)).reduce(losses, reduction=reduction, cotangent=cotangent)


def probability_cross_entropy(logits, labels, *, reduction="mean", cotangent=None):
    """-t log p - (1 - t) log(1 - p) for p = |x| / 64, where 0 log 0 is 0, and its slope by x.

    At p = 0 the logarithm is -100: Paddle's documentation says nothing of it, PyTorch's and both implementations do.
    A slope there is not asked for, since that of |x| is 0.
    """
    elements = arrange_entries(logits, labels)
    x, t = elements.rows[:, 0], elements.targets
    p = np.abs(x) / SCALE
    inside = p > 0.0
    safe = np.where(inside, p, 1.0)
    positive = np.where(inside, np.minimum(-np.log(safe), 100.0), 100.0)
    negative = -np.log1p(-p)
    value = t * positive + (1.0 - t) * negative
    # 1 - t is rounded, and so is the 1 - p whose logarithm may be taken
    scale = 3.0 * (t * positive + negative) + 1.0 / (1.0 - p)
    pull, push = np.where(inside, t / safe, 0.0), np.where(inside, (1.0 - t) / (1.0 - p), 0.0)
    slope = np.sign(x) * (push - pull) / SCALE
    # (p - t) / (p (1 - p)): t is rounded, and each of the factors
    slope_scale = 5.0 * (push + pull) / SCALE
    losses = Losses(value, slope[:, None], scale, slope_scale[:, None])
    return elements.reduce(losses, reduction=reduction, cotangent=cotangent)


def hinge_embedding(
    logits, labels, *, margin=1.0, reduction="mean", cotangent=None, unit_roundoff=UNIT_ROUNDOFF["float64"]
):
    """x where the target is 1, and max(0, margin - x) where it is 0, which stands for Paddle's -1.

    At its kink the loss has every slope in [-1, 0]: ``nearest`` of the answer finds the closest.
    """
    margin = check_number("margin", margin, 0.0)
    elements = arrange_entries(logits, labels)
    x, positive = elements.rows[:, 0], elements.targets == 1.0
    short = margin - x
    value = np.where(positive, x, np.maximum(short, 0.0))
    scale = np.where(positive, 0.0, margin + np.abs(x))
    # so near the kink a layer may see either side of it
    kink = ~positive & (np.abs(short) <= 8.0 * unit_roundoff * scale)

    def answer(at_kink):
        slope = np.where(positive, 1.0, np.where(kink, at_kink, np.where(short > 0.0, -1.0, 0.0)))
        losses = Losses(value, slope[:, None], scale, np.zeros((len(x), 1)))
        return elements.reduce(losses, reduction=reduction, cotangent=cotangent)

    flat, steep = answer(0.0), answer(-1.0)
    if not kink.any():
        return flat
    low, high = np.minimum(flat.gradient, steep.gradient), np.maximum(flat.gradient, steep.gradient)

    def nearest(value, gradient):
        return flat if gradient is None else replace(flat, gradient=np.clip(gradient, low, high))

    return replace(flat, nearest=nearest)


_NO_SOFTMAX = frozenset({"shape/one-class", "numerics/masked-classes", "numerics/linear-past-64"})

NLL = Contract(
    name="negative_log_likelihood",
    sentence="-w_y x_y of log-probabilities x; the mean divides by the sum of the valid elements' weights.",
    promises=(*(p for p in OF_CLASSES if p not in ("softmax", "twice-differentiable")), "additive", "repetition"),
    oracle=negative_log_likelihood,
    call_arguments=(),
    gradient="both",
    # a softmax of one class has no loss, and a masked one none of its own: this is no softmax, and what is no label's
    # has no part in it
    without=_NO_SOFTMAX | {"numerics/nan-stays-nan"},
)

MULTI_LABEL = Contract(
    name="multi_label_soft_margin",
    sentence="The mean over the classes of w_c times the binary cross entropy of each.",
    promises=("oracle", "shape", "numerics", "conduct", "modes", "refusals", "arguments", "additive", "repetition"),
    oracle=multi_label,
    common=(Dimension("targets", ("soft",), kind=str, absent="soft"),),
    call_arguments=(),
    lacks=("ignore_index",),
    divisor=lambda problem: float(problem.size),
    gradient="both",
    without=_NO_SOFTMAX,
)

_OF_ENTRIES = tuple(p for p in entries.PROMISES if p not in ("ignore", "denominator"))
_NO_ARGUMENTS = ("weight", "ignore_index", "axis")

BCE = Contract(
    name="probability_cross_entropy",
    sentence="Binary cross entropy of probabilities p = |x| / 64.",
    promises=(*(p for p in _OF_ENTRIES if p != "twice-differentiable"), "additive", "repetition"),
    oracle=probability_cross_entropy,
    common=(
        *entries.common(("binary", "binary", "probability"), (None,)),
        Dimension("logits", ("normal", *FORMULA_LOGITS, "edges")),
    ),
    call_arguments=(),
    lacks=_NO_ARGUMENTS,
    gradient="both",
    without=entries.WITHOUT,
    hard_logits=lambda config, classes: [SCALE * p for p in (1 - 2.0**-8, 2.0**-20, 1 - 2.0**-20, 2.0**-50)],
)

HINGE = Contract(
    name="hinge_embedding",
    sentence="x where the target is 1, max(0, margin - x) where it is not.",
    promises=(*(p for p in _OF_ENTRIES if p != "twice-differentiable"), "additive", "repetition"),
    oracle=hinge_embedding,
    arguments=(
        Dimension(
            "margin",
            (1.0, 0.5, 2.25, 10.0, 0.0),
            accepts=lambda v: isinstance(v, (int, float)) and v >= 0.0,
            expected="numbers >= 0",
            absent=1.0,
        ),
    ),
    common=entries.common(("binary",), (None,)),
    call_arguments=(),
    lacks=_NO_ARGUMENTS,
    precise=True,
    gradient="both",
    without=entries.WITHOUT,
)
