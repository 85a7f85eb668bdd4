"""Paddle's own losses as subjects, each held to what Paddle's documentation promises.

``lossproof certify tests/losses/paddle_losses.py:NLL``; what they showed is in ``docs/atlas.md``.
"""

from dataclasses import replace

import paddle
import paddle.nn.functional as F
from paddle import nn

from properties import Subject
from properties.subjects.subject import Source
from tests.losses import paddle_oracles as oracles
from tests.mutants.museum.positive_weight import CONTRACT as POSITIVE_WEIGHT

# every script imports Paddle itself
FUNCTIONAL = ("import paddle.nn.functional as F",)

# documented are float32 and float64 alone
DTYPES = {"dtype": ("float64", "float32")}
# of one number for each element, along the axis of the classes; the documentation has two axes at least
RANKS = {"rank": (2, 3, 4, 5)}
OF_NLL = {**DTYPES, **RANKS, "label_dtype": ("int64",)}


def cross_entropy(*, weight, ignore_index, reduction, axis, label_smoothing):
    return nn.CrossEntropyLoss(weight, ignore_index, reduction, axis=axis, label_smoothing=label_smoothing)


CROSS_ENTROPY = Subject(
    "cross_entropy",
    cross_entropy,
    name="paddle.nn.CrossEntropyLoss",
    # an int by the documentation
    domain={**DTYPES, "ignore_index": (-100, 255, -1, 0, 1), "targets": ("hard",)},
    source=Source((), "paddle.nn.CrossEntropyLoss"),
)


def nll(*, weight, reduction, ignore_index=-100):
    return nn.NLLLoss(weight, ignore_index, reduction)


NLL = Subject(
    oracles.NLL,
    nll,
    name="paddle.nn.NLLLoss",
    domain={**OF_NLL, "ignore_index": (-100, 255, -1, 0, 1)},
    source=Source((), "paddle.nn.NLLLoss"),
)

NLL_ALL_VALID = replace(
    NLL, arguments=("weight", "reduction"), name="paddle.nn.NLLLoss, nothing ignored", domain=OF_NLL
)
"""The same where no element is ignored, which in Paddle 3.3.1 is the only way to use it and keep the process."""


def with_logits(*, pos_weight, reduction):
    """As many weights of the positives as the last axis has numbers; none where they would be 1."""

    def loss(x, t):
        weight = None if pos_weight == 1.0 else paddle.full([x.shape[-1]], pos_weight, x.dtype)
        return nn.BCEWithLogitsLoss(reduction=reduction, pos_weight=weight)(x, t)

    return loss


BCE_WITH_LOGITS = Subject(
    POSITIVE_WEIGHT,
    with_logits,
    name="paddle.nn.BCEWithLogitsLoss",
    domain={**DTYPES, **RANKS},
    source=Source(
        (
            "def build(pos_weight, reduction):",
            "    def loss(x, t):",
            "        weight = None if pos_weight == 1 else paddle.full([x.shape[-1]], pos_weight, x.dtype)",
            "        return paddle.nn.BCEWithLogitsLoss(reduction=reduction, pos_weight=weight)(x, t)",
            "    return loss",
        ),
        "build",
    ),
)


def bce(*, reduction):
    return nn.BCELoss(reduction=reduction)


def of_probabilities(layer, numbers, targets):
    """The layer on |x| / 64."""
    return layer(numbers.abs() * (1.0 / oracles.SCALE), targets)


BCE = Subject(
    oracles.BCE,
    bce,
    of_probabilities,
    name="paddle.nn.BCELoss",
    domain=DTYPES,
    source=Source(
        ("def called(layer, numbers, targets):", "    return layer(numbers.abs() / 64, targets)"),
        "paddle.nn.BCELoss",
        call="called",
    ),
)


def multi_label(*, weight, reduction):
    return nn.MultiLabelSoftMarginLoss(weight, reduction)


MULTI_LABEL = Subject(
    oracles.MULTI_LABEL,
    multi_label,
    name="paddle.nn.MultiLabelSoftMarginLoss",
    domain={**DTYPES, **RANKS},
    source=Source((), "paddle.nn.MultiLabelSoftMarginLoss"),
)


def hinge_embedding(*, margin, reduction):
    return nn.HingeEmbeddingLoss(margin, reduction)


def of_signs(layer, numbers, targets):
    """The layer on 1 for a target of 1, and -1 for one of 0."""
    return layer(numbers, 2.0 * targets - 1.0)


HINGE_EMBEDDING = Subject(
    oracles.HINGE,
    hinge_embedding,
    of_signs,
    name="paddle.nn.HingeEmbeddingLoss",
    domain=DTYPES,
    source=Source(
        ("def called(layer, numbers, targets):", "    return layer(numbers, 2 * targets - 1)"),
        "paddle.nn.HingeEmbeddingLoss",
        call="called",
    ),
)


def sigmoid_focal(*, gamma, alpha, reduction):
    return lambda x, t: F.sigmoid_focal_loss(x, t, alpha=alpha, gamma=gamma, reduction=reduction)


SIGMOID_FOCAL = Subject(
    "sigmoid_focal",
    sigmoid_focal,
    name="paddle.nn.functional.sigmoid_focal_loss",
    domain=DTYPES,
    source=Source(FUNCTIONAL, "F.sigmoid_focal_loss", is_function=True),
)


def softmax_with_cross_entropy(*, ignore_index, axis):
    def loss(logits, labels):
        along = 0 if logits.ndim == 1 else axis
        column = labels.unsqueeze(along) if labels.ndim < logits.ndim else labels
        return F.softmax_with_cross_entropy(logits, column, ignore_index=ignore_index, axis=along).squeeze(along)

    return loss


SOFTMAX_WITH_CROSS_ENTROPY = Subject(
    "cross_entropy",
    softmax_with_cross_entropy,
    name="paddle.nn.functional.softmax_with_cross_entropy",
    domain={
        **DTYPES,
        "rank": (2, 3, 4, 5, 6),
        "ignore_index": (-100, 255, -1, 0, 1),
        "targets": ("hard",),
        "reduction": ("none",),
    },
    source=Source(
        (
            *FUNCTIONAL,
            "def build(ignore_index, axis):",
            "    return lambda z, y: F.softmax_with_cross_entropy(",
            "        z, y.unsqueeze(axis), ignore_index=ignore_index, axis=axis).squeeze(axis)",
        ),
        "build",
    ),
)
