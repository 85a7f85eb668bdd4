"""Sound losses of single entries: every number of the logits has a target of its own."""

import paddle
from paddle import nn

from .museum.checks import check_classes, check_number, check_shape, check_unit, fits, known
from .registry import GHM_R, SIGMOID_FOCAL, SIGMOID_GHM, sound
from .sound import SoundLoss, power
from .sound_regions import Regions


class SoundEntryLoss(SoundLoss):
    """Losses of entries x [n] with targets t [n]."""

    probabilities = True

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1, denominator="weights"):
        super().__init__(weight, ignore_index, reduction, axis, denominator)

    def forward(self, logits, labels, label_weight=None, normalizer=None):
        losses, weight, valid, shape = self.elements(logits, labels, label_weight)
        return self.narrowed(self.reduce(losses, weight, valid, shape, normalizer), self.result_dtype(logits))

    def elements(self, logits, labels, label_weight=None):
        """Weighted losses [n], weights [n] in the denominator, a mask [n], and the logits' shape."""
        axis = self.class_axis(logits) if logits.ndim else 0
        targets, valid = self.arrange(logits, labels, axis)
        if label_weight is not None:
            check_shape("label_weight", labels.shape, label_weight.shape)
            valid = valid & (label_weight if labels.ndim == logits.ndim else label_weight.unsqueeze(axis)).greater_than(
                paddle.zeros([], label_weight.dtype)
            )
        valid = valid.detach().expand(logits.shape).reshape([-1])
        t = targets.reshape([-1])
        t = paddle.where(valid, t, paddle.zeros_like(t))
        x = self.clean(self.widened(logits).reshape([-1]), valid)
        self.check_targets(t)
        weight = self.element_weight(logits, axis, x) * valid.astype(x.dtype)
        losses = self.losses(x, t)
        losses = losses * self.harmony(x.detach(), t, valid) * weight
        losses = paddle.where(valid, losses, paddle.zeros_like(losses))
        return losses, weight, valid, logits.shape

    def arrange(self, logits, labels, axis):
        """Targets of the logits' shape, and which count; class ids, integers without the class axis, become one-hot."""
        wide = self.widened(logits).dtype
        if labels.is_floating_point() or fits(labels.shape, logits.shape):
            check_shape("labels", logits.shape, labels.shape)
            targets = labels.astype(wide)
            return targets, self.mask(targets)
        classes = logits.shape[axis]
        check_shape("labels", [d for k, d in enumerate(logits.shape) if k != axis], labels.shape)
        ids = labels.astype("int64")
        check_classes(known(ids), classes, self.ignore_index)
        valid = self.mask(ids)
        hot = self.one_hot(paddle.where(valid, ids, paddle.zeros_like(ids)), classes).astype(wide)
        order = list(range(ids.ndim))
        return hot.transpose([*order[:axis], ids.ndim, *order[axis:]]), valid.unsqueeze(axis)

    def one_hot(self, ids, classes):
        return nn.functional.one_hot(ids, classes)

    def mask(self, targets):
        if self.ignore_index is None:
            return paddle.ones_like(targets).astype("bool")
        return targets != self.ignore_index

    def check_targets(self, t):
        if self.probabilities:
            check_unit("labels", known(t))

    def clean(self, x, valid):
        return paddle.where(valid, x, paddle.zeros_like(x))

    def element_weight(self, logits, axis, x):
        if self.weight is None:
            return paddle.ones_like(x.detach())
        self.check_weight_length(logits.shape[axis])
        shape = [-1 if k == axis else 1 for k in range(logits.ndim)]
        return self.weight.astype(x.dtype).reshape(shape).expand(logits.shape).reshape([-1])

    def losses(self, x, t):
        return binary_cross_entropy(x, t)

    def harmony(self, x, t, valid):
        return paddle.ones_like(x)


def binary_cross_entropy(x, t):
    return softplus(x) - x * t


def softplus(x):
    """log(1 + exp(x)), on either side of 0 by what does not overflow there."""
    zeros = paddle.zeros_like(x)
    high, low = paddle.where(x > 0, x, zeros), paddle.where(x > 0, zeros, x)
    return paddle.where(x > 0, high + (-high).exp().log1p(), low.exp().log1p())


def sigmoid(x):
    return 1 / (1 + (-x).exp())


@sound(SIGMOID_FOCAL)
class SoundSigmoidFocal(SoundEntryLoss):
    """alpha_t (1 - p_t)^gamma times the binary cross entropy of every entry."""

    def __init__(
        self,
        gamma=2.0,
        alpha=0.25,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        denominator="weights",
    ):
        super().__init__(weight, ignore_index, reduction, axis, denominator)
        check_number("gamma", gamma)
        if alpha is not None:
            check_number("alpha", alpha, 0.0, 1.0)
        self.gamma, self.alpha = gamma, alpha

    def forward(self, logits, labels, label_weight=None, normalizer=None, element_weight=None):
        losses, weight, valid, shape = self.elements(logits, labels, label_weight)
        if element_weight is not None:
            losses = losses * element_weight.flatten().astype(losses.dtype)
        return self.narrowed(self.reduce(losses, weight, valid, shape, normalizer), self.result_dtype(logits))

    def losses(self, x, t):
        return self.balance(t) * self.modulation(x, t) * super().losses(x, t)

    def modulation(self, x, t):
        """(1 - p_t)^gamma, where 1 - p_t = p (1 - t) + (1 - p) t."""
        return power((-softplus(-x)).exp() * (1 - t) + (-softplus(x)).exp() * t, self.gamma)

    def balance(self, t):
        if self.alpha is None:
            return paddle.ones_like(t)
        alpha = paddle.full([], self.alpha, t.dtype)
        return alpha * t + (1 - alpha) * (1 - t)


@sound(SIGMOID_GHM)
class SoundSigmoidGHM(SoundEntryLoss):
    """GHM-C as published."""

    def __init__(
        self,
        bins=10,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        normalize="occupied",
        denominator="weights",
        momentum=0.0,
        ema="corrected",
    ):
        super().__init__(weight, ignore_index, reduction, axis, denominator)
        self.regions = self.cut(bins, normalize)
        self.regions.remember(momentum, ema)

    def cut(self, bins, normalize):
        return Regions(bins, normalize)

    def counted(self, valid):
        return valid

    def norm(self, x, t):
        return (sigmoid(x) - t).abs()

    def harmony(self, x, t, valid):
        return self.regions.harmony(self.norm(x, t), self.counted(valid))


@sound(GHM_R)
class SoundGHMRegression(SoundEntryLoss):
    """GHM-R."""

    probabilities = False

    def __init__(
        self,
        mu=0.02,
        bins=10,
        reduction="mean",
        normalize="occupied",
        denominator="weights",
        momentum=0.0,
        ema="corrected",
    ):
        super().__init__(None, None, reduction, 1, denominator)
        check_number("mu", mu)
        if mu == 0:
            raise ValueError(f"mu must be > 0, got {mu!r}")
        self.mu, self.regions = mu, self.cut(bins, normalize)
        self.regions.remember(momentum, ema)

    def cut(self, bins, normalize):
        return Regions(bins, normalize)

    def counted(self, valid):
        return valid

    def root(self, x, t):
        mu = paddle.full([], self.mu, x.dtype)
        return ((x - t) * (x - t) + mu * mu).sqrt()

    def losses(self, x, t):
        return self.root(x, t) - paddle.full([], self.mu, x.dtype)

    def norm(self, x, t):
        return (x - t).abs() / self.root(x, t)

    def harmony(self, x, t, valid):
        return self.regions.harmony(self.norm(x, t), self.counted(valid))
