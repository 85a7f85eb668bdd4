"""Losses that are no sum over elements with one loss each: of regions, of whole batches, of entries. Sound ones.

Each is written from its formula. Labels are class ids in the shape of the elements, classes along axis 1; of a loss
over a sigmoid they are one-hot targets of the entries.
"""

import paddle
from paddle import nn
from paddle.nn import functional as F

from tests.losses.calling_styles.parts import log_softmax, narrowed, over, rows_of, widened, without
from tests.mutants.museum.checks import check_choice, check_classes, check_shape, known
from tests.mutants.sound import power
from tests.mutants.sound_entries import softplus


class RegionLoss(nn.Layer):
    """Hands rows [n, C] of the logits, class ids [n] and a mask [n] to a subclass, with the number of images."""

    def __init__(self, ignore_index=255):
        super().__init__()
        self.ignored = ignore_index

    def forward(self, logits, labels):
        axis = min(1, logits.ndim - 1)
        check_shape("labels", without(logits.shape, axis), labels.shape)
        if labels.is_floating_point():
            raise TypeError(f"labels must be class ids, got {labels.dtype}")
        rows, ids = widened(rows_of(logits, axis)), labels.astype("int64").flatten()
        check_classes(known(ids), rows.shape[1], self.ignored)
        valid = paddle.ones(ids.shape, "bool") if self.ignored is None else ids != self.ignored
        rows = paddle.where(valid.unsqueeze(1), rows, paddle.zeros_like(rows))
        ids = paddle.where(valid, ids, paddle.zeros_like(ids))
        images = logits.shape[0] if logits.ndim > 1 else 1
        return narrowed(self.loss(rows, ids, valid.astype(rows.dtype), images), logits.dtype)

    def loss(self, rows, ids, valid, images):
        raise NotImplementedError


def softmax_of(rows):
    return log_softmax(rows).exp()


class DicePerImage(RegionLoss):
    """1 - (2 I + s) / (|p| + |t| + s) of each class in each image, the mean over both."""

    def __init__(self, ignore_index=255, smooth=1.0, weight=None):
        super().__init__(ignore_index)
        self.smooth, self.weight = smooth, weight

    def loss(self, rows, ids, valid, images):
        if rows.shape[0] == 0:
            return rows.sum()
        mask = self.mask(valid).unsqueeze(1)
        p, t = self.grouped(softmax_of(rows) * mask, images), self.grouped(self.hot(ids, rows) * mask, images)
        dice = (2 * (p * t).sum(axis=1) + self.smooth) / (p.sum(axis=1) + t.sum(axis=1) + self.smooth)
        lost = (1 - dice).mean(axis=0)
        return lost.mean() if self.weight is None else (lost * paddle.to_tensor(self.weight, dtype=lost.dtype)).mean()

    def hot(self, ids, rows):
        return F.one_hot(ids, rows.shape[1]).astype(rows.dtype)

    def mask(self, valid):
        return valid

    def grouped(self, array, images):
        return array.reshape([images, -1, array.shape[1]])


class DicePerBatch(DicePerImage):
    """The same with the whole batch for one image."""

    def grouped(self, array, images):
        return array.unsqueeze(0)


def lovasz(errors, truth):
    """The Lovasz extension of the Jaccard loss of one class: errors [n] and whether they are of it."""
    order = errors.detach().argsort(descending=True)
    errors, truth = errors[order], truth[order]
    total = truth.sum()
    jaccard = 1 - (total - truth.cumsum()) / (total + (1 - truth).cumsum()).clip(min=1)
    steps = paddle.concat([jaccard[:1], jaccard[1:] - jaccard[:-1]])
    return (errors * steps).sum()


class LovaszSoftmax(RegionLoss):
    """The Lovasz extension of the Jaccard loss of |t - p|, the mean over the classes that occur in the batch."""

    def loss(self, rows, ids, valid, images):
        kept = paddle.nonzero(valid).flatten()
        if kept.shape[0] == 0:
            return self.of_nothing(rows)
        p, ids = softmax_of(rows[kept]), ids[kept]
        truths = [(c, (ids == c).astype(rows.dtype)) for c in sorted(set(ids.tolist()))]
        return sum(lovasz((truth - p[:, c]).abs(), truth) for c, truth in truths) / len(truths)

    def of_nothing(self, rows):
        return (rows * 0).sum()


class LovaszHinge(RegionLoss):
    """The Lovasz extension of the Jaccard loss of the hinge max(0, 1 - sz), the mean over all classes."""

    def loss(self, rows, ids, valid, images):
        kept = paddle.nonzero(valid).flatten()
        if kept.shape[0] == 0:
            return (rows * 0).sum()
        z, hot = self.margins(rows[kept]), F.one_hot(ids[kept], rows.shape[1]).astype(rows.dtype)
        classes = range(rows.shape[1])
        return sum(lovasz(self.hinge(z[:, c] * (2 * hot[:, c] - 1)), hot[:, c]) for c in classes) / len(classes)

    def hinge(self, margin):
        return paddle.where(margin >= 1, paddle.zeros_like(margin), 1 - margin)

    def margins(self, rows):
        return rows


class OnlineHardExamples(RegionLoss):
    """The mean cross entropy of what is less probable than a threshold; of the ``min_kept`` least probable at least."""

    def __init__(self, thresh=0.7, min_kept=2, ignore_index=255):
        super().__init__(ignore_index)
        self.thresh, self.min_kept = thresh, min_kept

    def loss(self, rows, ids, valid, images):
        losses = -paddle.take_along_axis(log_softmax(rows), ids.unsqueeze(1), 1).squeeze(1)
        p = self.ranked(paddle.where(valid > 0, (-losses.detach()).exp(), paddle.full_like(valid, 2.0)), valid)
        least = paddle.sort(p)[: self.min_kept].max() if p.shape[0] else 0.0
        # a loss of NaN is kept, not passed over
        kept = (~(p > max(self.thresh, min(float(least), 1.5)))).astype(rows.dtype) * self.counted(valid)
        return over((paddle.where(valid * kept > 0, losses, paddle.zeros_like(losses))).sum(), kept.sum())

    def ranked(self, p, valid):
        return p

    def counted(self, valid):
        return valid


class EntryMean(RegionLoss):
    """The mean over all entries of elements that are not ignored."""

    def __init__(self, ignore_index=255, reduction="mean"):
        super().__init__(ignore_index)
        check_choice("reduction", reduction, ("sum", "mean"))
        self.reduction = reduction

    def loss(self, rows, ids, valid, images):
        losses = self.entries(rows, F.one_hot(ids, rows.shape[1]).astype(rows.dtype))
        total = self.masked(losses, valid.unsqueeze(1)).sum()
        return total if self.reduction == "sum" else over(total, self.number(valid) * rows.shape[1])

    def number(self, valid):
        return valid.sum()

    def masked(self, losses, valid):
        return paddle.where(valid.expand(losses.shape) > 0, losses, paddle.zeros_like(losses))

    def entries(self, x, t):
        """Binary cross entropy of each entry."""
        return softplus(x) - x * t


class Varifocal(EntryMean):
    """Binary cross entropy, times alpha p^gamma where the target is 0."""

    def __init__(self, alpha=0.75, gamma=2.0, ignore_index=255, reduction="mean"):
        super().__init__(ignore_index, reduction)
        self.alpha, self.gamma = alpha, gamma

    def entries(self, x, t):
        return super().entries(x, t) * (t + (1 - t) * self.alpha * self.factor(x))

    def factor(self, x):
        return power((-softplus(-x)).exp(), self.gamma)


class Asymmetric(EntryMean):
    """-log p of positives; p_m^gamma times -log(1 - p_m) of negatives, p_m = max(p - m, 0)."""

    def __init__(self, gamma=4.0, margin=0.05, ignore_index=255, reduction="mean"):
        super().__init__(ignore_index, reduction)
        self.gamma, self.margin = gamma, margin

    def entries(self, x, t):
        shifted = self.sigmoid(x) - self.margin
        shifted = paddle.where(shifted <= 0, paddle.zeros_like(shifted), shifted)
        return t * softplus(-x) - (1 - t) * power(shifted, self.gamma) * (1 - shifted).log()

    def sigmoid(self, x):
        return (-softplus(-x)).exp()


class MultiLabelSoftMargin(EntryMean):
    """The mean over classes, then over elements, of binary cross entropy by two logarithms."""

    def entries(self, x, t):
        return t * softplus(-x) + (1 - t) * softplus(x)


class MultiClassSigmoidFocal(EntryMean):
    """(1 - p_t)^gamma times binary cross entropy of each entry."""

    def __init__(self, gamma=2.0, ignore_index=255, reduction="mean"):
        super().__init__(ignore_index, reduction)
        self.gamma = gamma

    def entries(self, x, t):
        rest = (-softplus(-x)).exp() * (1 - t) + (-softplus(x)).exp() * t
        return power(rest, self.gamma) * super().entries(x, t)


class Tempered(RegionLoss):
    """Cross entropy of the logits over a temperature that is learned: its gradient is one of the layer's own."""

    def __init__(self, ignore_index=255):
        super().__init__(ignore_index)
        self.temperature = self.create_parameter([], default_initializer=nn.initializer.Constant(1.5))

    def loss(self, rows, ids, valid, images):
        scaled = rows / self.heat(rows.dtype)
        losses = -paddle.take_along_axis(log_softmax(scaled), ids.unsqueeze(1), 1).squeeze(1)
        return over((losses * valid).sum(), valid.sum())

    def heat(self, dtype):
        return self.temperature.astype(dtype)


SOUND = (
    *(DicePerImage, DicePerBatch, LovaszSoftmax, LovaszHinge, OnlineHardExamples, EntryMean, Varifocal, Asymmetric),
    *(MultiLabelSoftMargin, MultiClassSigmoidFocal, Tempered),
)
"""Every loss of this module that is put to the laws."""

GRANULARITY = {
    "DicePerImage": "image",
    "DicePerBatch": "batch",
    "LovaszSoftmax": "batch",
    "LovaszHinge": "batch",
    "OnlineHardExamples": "batch",
    "EntryMean": "entry",
    "Varifocal": "entry",
    "Asymmetric": "entry",
    "MultiLabelSoftMargin": "entry",
    "MultiClassSigmoidFocal": "entry",
    "Tempered": "element",
}
"""What a loss is a sum or mean over, or what it sees as one."""
