"""Mutants for the laws of formula: a sound loss with one change each."""

import paddle
import paddle.nn.functional as F

from .registry import CE, GHM, mutant
from .sound import SoundCrossEntropy, SoundGHM


@mutant("oracle/value", CE)
class EpsilonInTheLog(SoundCrossEntropy):
    def log_softmax(self, rows):
        return (super().log_softmax(rows).exp() + 1e-6).log()


@mutant("oracle/gradient", CE)
class LabelEntryTwice(SoundCrossEntropy):
    def losses(self, rows, targets):
        picked = self.pick(rows, targets)
        return super().losses(rows, targets) - (picked - picked.detach())


@mutant("oracle/vjp", CE)
class UpstreamIgnored(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        def again(leaf):
            return super(UpstreamIgnored, self).forward(leaf, labels, normalizer)

        return _Deaf.apply(logits, again(logits), again)


class _Deaf(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx, logits, loss, again):
        with paddle.enable_grad():
            leaf = logits.detach()
            leaf.stop_gradient = False
            (ctx.gradient,) = paddle.grad(again(leaf).sum(), leaf)
        return loss.clone()

    @staticmethod
    def backward(ctx, upstream):
        return ctx.gradient, paddle.zeros_like(upstream)


@mutant("oracle/accuracy", CE)
class NoShift(SoundCrossEntropy):
    def log_softmax(self, rows):
        return rows - rows.exp().sum(axis=1, keepdim=True).log()


@mutant("oracle/finite-difference", CE)
class SoftmaxDetached(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows.detach(), targets) - (self.pick(rows, targets) - self.pick(rows, targets).detach())


@mutant("limit/one-region-is-cross-entropy", GHM)
class MeanOverElements(SoundGHM):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@mutant("limit/two-classes-is-logistic", CE)
class AlwaysSmoothed(SoundCrossEntropy):
    def losses(self, rows, targets):
        smooth = -F.log_softmax(rows, axis=1).mean(axis=1)
        return 0.99 * super().losses(rows, targets) + 0.01 * smooth


@mutant("ignore/deleting-is-masking", GHM)
class IgnoredInTheHistogram(SoundGHM):
    def counted(self, valid):
        return paddle.ones_like(valid)


@mutant("ignore/poison", CE)
class MaskByProduct(SoundCrossEntropy):
    def clean(self, rows, valid):
        return rows * valid.astype(rows.dtype).unsqueeze(1)


@mutant("ignore/zero-gradient", CE)
class GradientLeaks(SoundCrossEntropy):
    def clean(self, rows, valid):
        self.leak = 1e-3 * (rows - rows.detach()).sum()
        return super().clean(rows, valid)

    def losses(self, rows, targets):
        return super().losses(rows, targets) + self.leak


@mutant("ignore/all-ignored", CE)
class NothingOverNothing(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / weight.sum()


@mutant("ignore/matches-nothing", CE)
class SentinelWraps(SoundCrossEntropy):
    def mask(self, targets, classes):
        if self.ignore_index is None or targets.ndim == 2:
            return super().mask(targets, classes)
        return super().mask(targets, classes) & (targets != self.ignore_index % classes)


@mutant("ignore/inside-classes", CE)
class ClassesAreNeverIgnored(SoundCrossEntropy):
    def mask(self, targets, classes):
        inside = self.ignore_index is not None and 0 <= self.ignore_index < classes
        if inside and targets.ndim == 1:
            return paddle.ones_like(targets).astype("bool")
        return super().mask(targets, classes)


@mutant("ignore/sentinels", CE)
class NegativeIsIgnored(SoundCrossEntropy):
    def mask(self, targets, classes):
        inside = self.ignore_index is None or 0 <= self.ignore_index < classes
        return super().mask(targets, classes) if inside or targets.ndim == 2 else targets >= 0

    def mixture(self, targets, rows):
        return super().mixture(targets.clip(0, rows.shape[1] - 1) if targets.ndim == 1 else targets, rows)

    def factor(self, targets, valid, rows):
        return super().factor(targets.clip(0, rows.shape[1] - 1) if targets.ndim == 1 else targets, valid, rows)


@mutant("ignore/none-is-all-valid", CE)
class NoneIsZero(SoundCrossEntropy):
    def mask(self, targets, classes):
        return super().mask(targets, classes) if targets.ndim == 2 else targets != (self.ignore_index or 0)


@mutant("ignore/many-ignored", CE)
class LittleOfEachIgnored(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, weight + 1e-6 * (1 - valid.astype(weight.dtype)), valid)


@mutant("weights/none-is-ones", CE)
class NoneIsUniform(SoundCrossEntropy):
    def class_weight(self, rows):
        found = super().class_weight(rows)
        return found / rows.shape[1] if self.weight is None else found


@mutant("weights/scaling", CE)
class MeanIgnoresWeights(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@mutant("weights/tiny", CE)
class EpsilonInTheDenominator(SoundCrossEntropy):
    def over(self, total, divisor):
        return total / (divisor + 1e-9)


@mutant("weights/zero-weight", CE)
class WeightsClipped(SoundCrossEntropy):
    def class_weight(self, rows):
        return super().class_weight(rows).clip(min=1e-3)


@mutant("weights/zero-total", CE)
class WeightlessIsUnweighted(SoundCrossEntropy):
    def factor(self, targets, valid, rows):
        found = super().factor(targets, valid, rows)
        return paddle.where(found.sum() > 0, found, valid.astype(rows.dtype))


@mutant("weights/relabelling", CE)
class FirstClassCountsTwice(SoundCrossEntropy):
    def class_weight(self, rows):
        return super().class_weight(rows) * (1 + (paddle.arange(rows.shape[1]) == 0).astype(rows.dtype))


@mutant("shape/permutation", CE)
class FirstElementCountsTwice(SoundCrossEntropy):
    def losses(self, rows, targets):
        first = (paddle.arange(rows.shape[0]) == 0).astype(rows.dtype)
        return super().losses(rows, targets) * (1 + first)


@mutant("shape/rank", CE)
class FlattenedWithoutMoving(SoundCrossEntropy):
    def arrange(self, logits, labels):
        if logits.ndim < 3:
            return super().arrange(logits, labels)
        n = logits.size // logits.shape[self.class_axis(logits)]
        return self.widened(logits).reshape([n, -1]), labels.reshape([n, -1] if self.is_soft(labels) else [-1])


@mutant("shape/rank-one", CE)
class NoBatchNoLoss(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        loss = super().forward(logits, labels, normalizer)
        return loss * 0 if logits.ndim == 1 else loss


@mutant("shape/axis", CE)
class AxisIsOne(SoundCrossEntropy):
    def arrange(self, logits, labels):
        if logits.ndim == 1 or logits.shape[1] != logits.shape[self.class_axis(logits)]:
            return super().arrange(logits, labels)
        axis, self.axis = self.axis, 1
        found = super().arrange(logits, labels)
        self.axis = axis
        return found


@mutant("shape/none-shape", CE)
class NoneIsFlat(SoundCrossEntropy):
    def reduce(self, losses, weight, valid, shape, normalizer):
        return losses[valid] if self.reduction == "none" else super().reduce(losses, weight, valid, shape, normalizer)


@mutant("shape/scalar-shape", CE)
class OneAxisIsLeft(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, weight, valid).reshape([1])


@mutant("shape/sum-of-none", CE)
class SumIsMean(SoundCrossEntropy):
    def reduce(self, losses, weight, valid, shape, normalizer):
        if self.reduction == "sum":
            return self.mean(losses, weight, valid)
        return super().reduce(losses, weight, valid, shape, normalizer)


@mutant("shape/mean-over-denominator", CE)
class MeanOverEverything(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / max(losses.size, 1)


@mutant("shape/one-element", CE)
class OneIsSqueezed(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found + 1 if rows.shape[0] == 1 else found


@mutant("shape/empty", CE)
class EmptyIsNotZero(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / losses.size if losses.size == 0 else super().mean(losses, weight, valid)


@mutant("shape/square", CE)
class SquareIsTurned(SoundCrossEntropy):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        return (rows.t(), targets) if rows.shape[0] == rows.shape[1] else (rows, targets)


@mutant("shape/one-class", CE)
class OneClassIsBinary(SoundCrossEntropy):
    def losses(self, rows, targets):
        return F.softplus(-rows[:, 0]) if rows.shape[1] == 1 else super().losses(rows, targets)


@mutant("shape/non-contiguous", CE)
class ReadsTheBuffer(SoundCrossEntropy):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        return (rows, targets) if logits.is_contiguous() else (rows.flip(1), targets)


@mutant("softmax/shift", CE)
class LogitsPenalised(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) + 1e-3 * (rows * rows).sum(axis=1)


@mutant("softmax/gradient-sums-to-zero", CE)
class OneLogitLeaks(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) + 1e-6 * (rows[:, 0] - rows[:, 0].detach())


@mutant("softmax/non-negative", CE)
class Flooded(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) - 0.01


@mutant("softmax/monotone", CE)
class LossTimesProbability(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found * (-found).exp()
