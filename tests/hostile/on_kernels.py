"""Losses that stand on Paddle's kernels: sound but for those, or with one fault of their own."""

import paddle
import paddle.nn.functional as F


class KernelLosses:
    """Per-element losses of a kernel, reduced here. The mean divides by the weights of the elements that count."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        self.weight, self.ignore_index, self.reduction, self.axis = weight, ignore_index, reduction, axis

    def __call__(self, logits, labels):
        losses = F.cross_entropy(
            logits, labels, ignore_index=self.ignore_index, reduction="none", axis=self.axis
        ).reshape(labels.shape)
        return self.reduced(self.elements(losses, logits, labels), labels, losses.dtype)

    def elements(self, losses, logits, labels):
        return losses

    def reduced(self, losses, labels, dtype):
        valid = labels != self.ignore_index
        weight = valid.astype(dtype)
        if self.weight is not None:
            index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
            weight = self.weight[index.flatten()].reshape(index.shape) * weight
        losses = losses * weight
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        total = weight.sum()
        return losses.sum() / paddle.where(total > 0, total, paddle.ones_like(total))


class Flattened(KernelLosses):
    """Gives the kernel rows of classes."""

    def __call__(self, logits, labels):
        axis = 0 if logits.ndim == 1 else self.axis
        rows = logits.moveaxis(axis, -1).reshape([-1, logits.shape[axis]])
        losses = F.cross_entropy(rows, labels.reshape([-1]), ignore_index=self.ignore_index, reduction="none")
        return self.reduced(losses.reshape(labels.shape), labels, losses.dtype)


class LastAxis(KernelLosses):
    """Gives the kernel the classes last, as its default axis has them."""

    def __call__(self, logits, labels):
        moved = logits.moveaxis(self.axis, -1)
        losses = F.cross_entropy(moved, labels, ignore_index=self.ignore_index, reduction="none")
        return self.reduced(losses.reshape(labels.shape), labels, losses.dtype)


class EpsilonBelow(KernelLosses):
    """A denominator that is never 0."""

    def reduced(self, losses, labels, dtype):
        valid = (labels != self.ignore_index).astype(dtype)
        losses = losses * valid
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else losses.sum() / (valid.sum() + 1e-8)


class EpsilonBehind(KernelLosses):
    def elements(self, losses, logits, labels):
        return (losses + 1e-6).log().exp() * 0.999


class EpsilonBefore(KernelLosses):
    def __call__(self, logits, labels):
        return super().__call__(logits + 1e-5, labels) * 1.001


class EpsilonInFloat32(KernelLosses):
    """Single precision inside, whatever it is given."""

    def __call__(self, logits, labels):
        return (super().__call__(logits.astype("float32") + 1e-6, labels) + 1e-6).astype(logits.dtype)


class Focal(KernelLosses):
    def __init__(self, gamma=2.0, **options):
        super().__init__(**options)
        self.gamma = gamma

    def elements(self, losses, logits, labels):
        return (1 - paddle.exp(-losses)) ** self.gamma * losses


class CappedFocal(Focal):
    """With a cap of its own, below the kernel's."""

    def elements(self, losses, logits, labels):
        return super().elements(losses.clip(max=50.0), logits, labels)


class Capped(KernelLosses):
    def elements(self, losses, logits, labels):
        return losses.clip(max=50.0)


class CappedAbove(KernelLosses):
    """Next to the kernel's cap, but not there: far out the two are wrong by nearly the same."""

    def elements(self, losses, logits, labels):
        return losses.clip(max=63.99)


class NotShifted(KernelLosses):
    """Its own softmax, which overflows."""

    def __call__(self, logits, labels):
        valid = labels != self.ignore_index
        index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
        powers = logits.exp()
        p = paddle.take_along_axis(powers, index.unsqueeze(self.axis), self.axis) / powers.sum(self.axis, keepdim=True)
        return self.reduced(-p.log().squeeze(self.axis), labels, logits.dtype)


class HalfGradient(KernelLosses):
    """On the kernel, with a gradient that is half of what it ought to be."""

    def elements(self, losses, logits, labels):
        return 0.5 * losses + 0.5 * losses.detach()


class NaNBeyond500(KernelLosses):
    """Where the kernel only caps, this one has no number at all."""

    def elements(self, losses, logits, labels):
        far = (logits.abs().max() > 500.0).astype(losses.dtype)
        return losses + paddle.where(far > 0, far * float("nan"), paddle.zeros_like(far))


class Refuses(KernelLosses):
    """The error that the kernel has for a bad label, but for a reason of its own."""

    def __call__(self, logits, labels):
        if int(labels.max()) >= logits.shape[self.axis] and int(labels.max()) != self.ignore_index:
            raise IndexError("labels are out of range")
        return super().__call__(logits, labels)


class LogSoftmax(KernelLosses):
    """Over log_softmax, which caps too and forgets nothing."""

    def __call__(self, logits, labels):
        valid = labels != self.ignore_index
        index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
        log_p = F.log_softmax(logits, axis=self.axis)
        losses = -paddle.take_along_axis(log_p, index.unsqueeze(self.axis), self.axis).squeeze(self.axis)
        return self.reduced(paddle.where(valid, losses, paddle.zeros_like(losses)), labels, logits.dtype)


class TopK(KernelLosses):
    def __init__(self, top_k=0.7, **options):
        super().__init__(**options)
        self.top_k = top_k

    def __call__(self, logits, labels):
        valid = labels != self.ignore_index
        losses = F.cross_entropy(
            logits, labels, weight=self.weight, ignore_index=self.ignore_index, reduction="none", axis=self.axis
        ).reshape(labels.shape)
        count = int(valid.sum())
        k = max([j for j in range(1, count + 1) if j / count <= self.top_k], default=min(1, count))
        chosen = paddle.zeros([losses.size], dtype=losses.dtype)
        order = paddle.where(valid, losses, paddle.full_like(losses, -1.0)).flatten().argsort(descending=True)
        if k:
            chosen[order[:k]] = 1.0
        kept = losses * chosen.reshape(losses.shape)
        if self.reduction != "mean":
            return kept if self.reduction == "none" else kept.sum()
        weight = valid.astype(losses.dtype)
        if self.weight is not None:
            index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
            weight = self.weight[index.flatten()].reshape(index.shape) * weight
        total = weight.sum() * k / max(count, 1)
        return kept.sum() / paddle.where(total > 0, total, paddle.ones_like(total))


def sigmoid_focal(logits, labels, gamma=2.0, alpha=0.25, reduction="mean"):
    """Focal loss over the kernel's binary cross entropy."""
    losses = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    p = F.sigmoid(logits)
    rest = p * (1 - labels) + (1 - p) * labels
    losses = rest**gamma * losses
    if alpha is not None:
        losses = losses * (alpha * labels + (1 - alpha) * (1 - labels))
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.sum() / max(losses.size, 1)


def label_smoothed(logits, labels, label_smoothing=0.0, reduction="mean"):
    """Smoothed by hand, and given to the kernel as soft labels."""
    soft = F.one_hot(labels, logits.shape[1]).astype(logits.dtype)
    if soft.ndim > 2:
        soft = soft.moveaxis(-1, 1)
    soft = (1 - label_smoothing) * soft + label_smoothing / logits.shape[1]
    losses = F.cross_entropy(logits, soft, soft_label=True, reduction="none", axis=1).squeeze(1)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.sum() / max(losses.size, 1)


def logistic(logits, labels, reduction="mean"):
    """One-hot binary cross entropy of every class, which contract free may be told of."""
    hot = F.one_hot(labels, logits.shape[1]).astype(logits.dtype)
    losses = F.binary_cross_entropy_with_logits(logits, hot, reduction="none").sum(1)
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.sum() / losses.size


def logistic_steep(logits, labels, reduction="mean"):
    """The same with a gradient that is steeper than it should be, at zero as everywhere."""
    steeper = logits * 1.5 - (logits * 0.5).detach()
    return logistic(steeper, labels, reduction)


class _Slope(paddle.autograd.PyLayer):
    """Cross entropy of rows [n, C], with a backward pass written by hand."""

    @staticmethod
    def forward(ctx, logits, hot):
        log_p = logits - paddle.logsumexp(logits, axis=1, keepdim=True)
        ctx.save_for_backward(log_p.exp(), hot)
        return -(log_p * hot).sum(axis=1)

    @staticmethod
    def backward(ctx, upstream):
        p, hot = ctx.saved_tensor()
        return (p - hot) * upstream.unsqueeze(1), None


class ByHand(KernelLosses):
    """A sound gradient written by hand, in a PyLayer."""

    def __call__(self, logits, labels):
        valid = labels != self.ignore_index
        index = paddle.where(valid, labels, paddle.zeros_like(labels)).astype("int64")
        hot = F.one_hot(index, logits.shape[1]).astype(logits.dtype)
        losses = _Slope.apply(logits, hot)
        return self.reduced(paddle.where(valid, losses, paddle.zeros_like(losses)), labels, logits.dtype)
