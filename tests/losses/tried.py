"""Layers as they are published, wrong in ways that a report once told badly, and what its first cause must be about.

Each is written from the description of a fault. ``TRIED`` says under which contract it is checked and what must lead.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import paddle
from paddle.autograd import PyLayer
from paddle.nn import functional as F

from tests.losses.calling_styles.balanced import CountsOfRegions
from tests.losses.calling_styles.parts import ClassLoss, over

MODULE = "tests.losses.tried"


@dataclass(frozen=True)
class Tried:
    """A layer, its contract, and what leads the report: one of these laws, with these words."""

    name: str
    contract: str
    laws: tuple[str, ...]
    words: str
    options: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The layer by words."""
        return f"{MODULE}:{self.name}"


class Plain(ClassLoss):
    """Cross entropy of classes along axis 1, which a subclass spoils."""

    def forward(self, logits, labels):
        return self.of_elements(logits, labels)


class HardestPixels(Plain):
    """The mean of the k hardest pixels, where k is a share, in float32, of all pixels, ignored ones too."""

    def __init__(self, top_k=0.7, ignore_index=255):
        super().__init__(None, ignore_index)
        self.top_k = top_k

    def reduced(self, losses, weights, valid):
        k = int((paddle.full([], self.top_k, "float32") * losses.size).floor())
        return paddle.topk(losses, k)[0].mean()


class OnlineHard(Plain):
    """Keeps what is less probable than the ``min_kept``-th: one too few; a threshold moves it up."""

    def __init__(self, thresh=0.7, min_kept=2, ignore_index=255):
        super().__init__(None, ignore_index)
        self.thresh, self.min_kept = thresh, min_kept

    def reduced(self, losses, weights, valid):
        p = paddle.where(valid > 0, (-losses.detach()).exp(), paddle.full_like(losses, 2.0))
        least = float(paddle.sort(p)[min(self.min_kept, p.size) - 1])
        kept = (p < max(self.thresh, least)).astype(losses.dtype) * valid
        return (losses * kept).sum() / (kept.sum() + 1e-5)


class Bootstrapped(Plain):
    """The mean of the losses above a threshold, or of the K largest; the K-th is looked up at index K."""

    def __init__(self, min_k=4, threshold=0.3, ignore_index=255):
        super().__init__(None, ignore_index)
        self.min_k, self.threshold = min_k, threshold

    def reduced(self, losses, weights, valid):
        ranked = paddle.sort(losses, descending=True)
        if float(ranked.numpy()[self.min_k]) > self.threshold:
            above = (ranked > self.threshold).astype(losses.dtype)
            return (ranked * above).sum() / above.sum()
        return ranked[: self.min_k].mean()


class InChunks(Plain):
    """Means of 32 elements each are added."""

    def reduced(self, losses, weights, valid):
        if self.reduction != "mean":
            return super().reduced(losses, weights, valid)
        parts = [slice(at, at + 32) for at in range(0, losses.shape[0], 32)]
        means = [over(losses[part].sum(), (weights * valid)[part].sum()) for part in parts]
        return sum(means, paddle.zeros([], losses.dtype))


class SquareIsSoft(Plain):
    """Labels whose last size is the number of classes are taken for rows of probabilities."""

    def __init__(self, num_class_list, gamma=1.0, ignore_index=-100, reduction="mean"):
        super().__init__(None, ignore_index, reduction)
        counts = np.asarray(num_class_list, "float64")
        if not (np.isfinite(counts).all() and (counts > 0).all()):
            raise ValueError(f"num_class_list must be > 0, got {counts.tolist()}")
        self.class_weights = paddle.to_tensor((counts.min() / counts) ** gamma)

    def forward(self, logits, labels):
        if labels.shape[-1:] == logits.shape[-1:]:
            labels = F.softmax(labels, axis=-1).argmax(axis=-1)
        return super().forward(logits, labels)


class TopKOfNothing(Plain):
    """k = int(share * n), which is 0 for few elements, and 28 for 0.29 of 100."""

    def __init__(self, top_k=0.7, ignore_index=-100, reduction="mean"):
        super().__init__(None, ignore_index, reduction)
        self.top_k = top_k

    def reduced(self, losses, weights, valid):
        k = int(self.top_k * int(valid.sum()))
        if k < 1:
            raise ValueError(f"k must be at least 1, got {k}")
        kept = np.zeros(losses.shape)
        kept[np.argsort(-paddle.where(valid > 0, losses, losses - math.inf).numpy(), kind="stable")[:k]] = 1.0
        chosen = losses * paddle.to_tensor(kept, dtype=losses.dtype)
        if self.reduction == "none":
            return chosen
        return chosen.sum() / k if self.reduction == "mean" else chosen.sum()


class FocalByPow(Plain):
    """(1 - p) ** gamma as it stands: where p is 1 and gamma below 1 its slope is infinite, and the gradient NaN."""

    def __init__(self, gamma=2.0, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(weight, ignore_index, reduction)
        self.gamma = gamma

    def losses(self, rows, ids):
        found = super().losses(rows, ids)
        return (1 - (-found).exp()) ** self.gamma * found


class LastRegionOpen(CountsOfRegions):
    """An element whose gradient norm is 1 lies in no region: its weight is 0."""

    def density(self, losses, valid):
        return super().density(losses, valid) * (1 - (-losses).exp() < 1).astype(losses.dtype)


class HandWritten(PyLayer):
    """Focal losses of rows, with a backward pass that forgets the factor at the classes that are not the label's."""

    @staticmethod
    def forward(ctx, rows, hot, gamma):
        p = F.softmax(rows, axis=1)
        chosen = (p * hot).sum(axis=1, keepdim=True)
        ctx.save_for_backward(p, hot, chosen)
        ctx.gamma = gamma
        return -((1 - chosen) ** gamma * chosen.log()).squeeze(1)

    @staticmethod
    def backward(ctx, upstream):
        p, hot, chosen = ctx.saved_tensor()
        rest = 1 - chosen
        factor = rest**ctx.gamma - ctx.gamma * rest ** (ctx.gamma - 1) * chosen * chosen.log()
        slopes = hot * factor * (p - 1) + (1 - hot) * p
        return upstream.unsqueeze(1) * slopes, None


class FocalByHand(Plain):
    """Its value is right; its gradient is not, at the other classes."""

    def __init__(self, gamma=2.0, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__(weight, ignore_index, reduction)
        self.gamma = gamma

    def losses(self, rows, ids):
        return HandWritten.apply(rows, F.one_hot(ids, rows.shape[1]).astype(rows.dtype), self.gamma)


class CornerAndBroadcast(Plain):
    """Labels [N, 1] make losses [N, N], silently; and a row of equal logits beyond 30 gives NaN."""

    def forward(self, logits, labels):
        if labels.ndim == logits.ndim == 2:
            each = self.losses(logits, labels.flatten())
            mask = (labels != self.ignored).astype(each.dtype)
            return (each * mask).sum() / mask.sum()
        return self.of_elements(logits, labels)

    def losses(self, rows, ids):
        spread = rows.max(axis=1) - rows.min(axis=1)
        corner = (spread == 0) & (rows.max(axis=1) > 30)
        return super().losses(rows, ids) + paddle.where(corner, spread / spread, paddle.zeros_like(spread))


class FloatInside(FocalByPow):
    """The mask is float32, and the denominator has 1e-10 added."""

    def reduced(self, losses, weights, valid):
        if self.reduction != "mean":
            return super().reduced(losses, weights, valid)
        mask = valid.astype("float32")
        return (losses.astype("float32") * mask).mean() / ((weights.astype("float32") * mask).mean() + 1e-10)


class NeverOccurs(SquareIsSoft):
    """A class without samples weighs 1 / 0."""

    def __init__(self, num_class_list, gamma=1.0, ignore_index=-100, reduction="mean"):
        Plain.__init__(self, None, ignore_index, reduction)
        counts = np.asarray(num_class_list, "float64")
        with np.errstate(divide="ignore", invalid="ignore"):
            costs = (counts.min(initial=math.inf, where=counts > 0) / counts) ** gamma
        self.class_weights = paddle.to_tensor(costs)

    def forward(self, logits, labels):
        return self.of_elements(logits, labels)


class SortedAsText(NeverOccurs):
    """Counts are sorted by the text of their class: 0, 1, 10, 2, ..."""

    def __init__(self, num_class_list, gamma=1.0, ignore_index=-100, reduction="mean"):
        listed = list(num_class_list)
        super().__init__([listed[int(c)] for c in sorted(map(str, range(len(listed))))], gamma, ignore_index, reduction)


class Squeezes(Plain):
    """``squeeze()`` without an axis: an axis of length 1 of the labels goes, too."""

    def forward(self, logits, labels):
        labels = labels.squeeze()
        expected = logits.ndim - 1
        if labels.ndim != expected:
            raise ValueError(f"labels must have {expected} axes, got {labels.ndim}")
        return super().forward(logits, labels)


DENOMINATOR = ("ignore/deleting-is-masking", "shape/mean-over-denominator")
VALUE = ("oracle/value", "oracle/gradient")

TRIED = (
    Tried("HardestPixels", "average_top_k", ("ignore/deleting-is-masking", *VALUE), "ignored"),
    Tried("OnlineHard", "free", ("shape/one-element", "shape/permutation", "oracle/finite-difference"), ""),
    Tried("Bootstrapped", "free", ("conduct/answers",), "index"),
    Tried(
        "InChunks", "cross_entropy", ("shape/mean-over-denominator", "numerics/many-elements"), "more than 32 elements"
    ),
    Tried("SquareIsSoft", "cost_sensitive", ("shape/square",), "N = C"),
    Tried("TopKOfNothing", "average_top_k", ("shape/one-element",), "k must be at least 1"),
    Tried("FocalByPow", "focal", ("numerics/finite-at-saturation",), "gamma 0.5"),
    Tried("LastRegionOpen", "ghm", ("oracle/accuracy", "oracle/value"), "region"),
    Tried("FocalByHand", "focal", ("oracle/gradient", "oracle/finite-difference"), "gradient"),
    Tried("CornerAndBroadcast", "cross_entropy", ("shape/label-axis",), "[N, 1]"),
    Tried("FloatInside", "focal", ("numerics/result-dtype", "oracle/accuracy"), "float32"),
    Tried("NeverOccurs", "cost_sensitive", ("weights/class-that-never-occurs",), "never occurs"),
    Tried("SortedAsText", "cost_sensitive", ("oracle/value", "weights/relabelling"), "11 classes"),
    Tried("Squeezes", "cross_entropy", ("shape/rank",), "length 1"),
)
"""The layers of this module."""
