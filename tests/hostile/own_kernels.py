"""Losses of contracts of one's own on kernels that only a formula of the contract leads to, or with a fault."""

from dataclasses import replace

import paddle
import paddle.nn.functional as F

from properties import Contract, Dimension, KernelFormula, Subject
from properties.contracts import _entrywise as shared
from reference.elements import Losses
from reference.entries import arrange_entries, logistic_losses
from tests.hostile.own_contracts import POLY1, SUBJECTS


def poly1_on_kernels(of):
    """Poly-1 from cross entropies: 1 - p is 1 - exp(-loss)."""
    return of.weighted + of.weight * of.arguments["epsilon"] * -of.operations.expm1(-of.losses)


POLY1_ON_KERNELS = KernelFormula(poly1_on_kernels)


def poly1(name, formula=POLY1_ON_KERNELS, **fields):
    """A layer of Poly-1, held to the contract with this formula."""
    contract = replace(POLY1, kernel_formula=formula, **fields)
    return replace(SUBJECTS[name], contract=contract, domain={"dtype": ("float64", "float32"), "rank": (2,)})


def scaled(logits, labels, *, scale=3.0, ignore_index=-100, reduction="mean", axis=1, label_weight=None, **rest):
    """``scale`` times the binary cross entropy of every entry."""
    elements = arrange_entries(logits, labels, ignore_index=ignore_index, axis=axis, label_weight=label_weight)
    plain = logistic_losses(elements.rows[:, 0], elements.targets)
    fields = (plain.value, plain.slope, 4.0 * plain.value_scale, 4.0 * plain.slope_scale)
    return elements.reduce(Losses(*(scale * field for field in fields)), reduction=reduction, **rest)


SCALED = Contract(
    "scaled",
    "A multiple of the binary cross entropy.",
    (*shared.PROMISES, "additive"),
    scaled,
    (Dimension("scale", (3.0, 1.0, 0.5), absent=3.0),),
    common=shared.common(("binary", "binary", "probability")),
    lacks=("weight",),
)


class Scaled:
    """On the kernel of probabilities, which clips its logarithms."""

    def __init__(self, scale=3.0, ignore_index=-100, reduction="mean"):
        self.scale, self.ignore_index, self.reduction = scale, ignore_index, reduction

    def __call__(self, logits, labels):
        valid = paddle.ones_like(labels, dtype="bool") if self.ignore_index is None else labels != self.ignore_index
        kept = paddle.where(valid, logits, paddle.zeros_like(logits))
        targets = paddle.where(valid, labels, paddle.zeros_like(labels))
        losses = F.binary_cross_entropy(F.sigmoid(kept), targets, reduction="none") * valid.astype(logits.dtype)
        losses = self.scale * losses
        if self.reduction == "none":
            return losses
        total = valid.astype(losses.dtype).sum()
        total = paddle.where(total > 0, total, paddle.ones_like(total))
        return losses.sum() / (total if self.reduction == "mean" else 1.0)


def on_the_kernel(formula):
    """The layer on the kernel of probabilities, under the contract with this formula."""
    return Subject(replace(SCALED, kernel_formula=formula), Scaled, domain={"dtype": ("float64", "float32")})
