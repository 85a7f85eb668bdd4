"""One mutant for each law: a sound loss with one change. ``MUTANTS`` has them by the law they were made for."""

import contextlib

import paddle
import paddle.nn.functional as F

from tests.mutants.sound import SoundCrossEntropy, SoundGHM

MUTANTS = {}


def refutes(law, contract):
    """Enter a mutant for a law under a contract."""

    def enter(mutant):
        MUTANTS[law] = (contract, mutant)
        return mutant

    return enter


CE, GHM = "cross_entropy", "ghm"


@refutes("oracle/value", CE)
class EpsilonInTheLog(SoundCrossEntropy):
    def losses(self, rows, targets):
        return -(self.pick(F.softmax(rows, axis=1), targets) + 1e-6).log()


@refutes("oracle/gradient", CE)
class LabelEntryTwice(SoundCrossEntropy):
    def losses(self, rows, targets):
        picked = self.pick(rows, targets)
        return super().losses(rows, targets) - (picked - picked.detach())


@refutes("oracle/vjp", CE)
class UpstreamIgnored(SoundCrossEntropy):
    def forward(self, logits, labels):
        return _Deaf.apply(logits, super().forward(logits, labels), labels, super().forward)


class _Deaf(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx, logits, loss, labels, again):
        with paddle.enable_grad():
            leaf = logits.detach()
            leaf.stop_gradient = False
            (ctx.gradient,) = paddle.grad(again(leaf, labels).sum(), leaf)
        return loss.clone()

    @staticmethod
    def backward(ctx, upstream):
        return ctx.gradient, paddle.zeros_like(upstream)


@refutes("oracle/accuracy", CE)
class NoShift(SoundCrossEntropy):
    def losses(self, rows, targets):
        return rows.exp().sum(axis=1).log() - self.pick(rows, targets)


@refutes("oracle/finite-difference", CE)
class SoftmaxDetached(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows.detach(), targets) - (self.pick(rows, targets) - self.pick(rows, targets).detach())


@refutes("limit/one-region-is-cross-entropy", GHM)
class MeanOverElements(SoundGHM):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@refutes("limit/two-classes-is-logistic", CE)
class AlwaysSmoothed(SoundCrossEntropy):
    def losses(self, rows, targets):
        smooth = -F.log_softmax(rows, axis=1).mean(axis=1)
        return 0.99 * super().losses(rows, targets) + 0.01 * smooth


@refutes("ignore/deleting-is-masking", GHM)
class IgnoredInTheHistogram(SoundGHM):
    def counted(self, valid):
        return paddle.ones_like(valid)


@refutes("ignore/poison", CE)
class MaskByProduct(SoundCrossEntropy):
    def clean(self, rows, valid):
        return rows * valid.astype(rows.dtype).unsqueeze(1)


@refutes("ignore/zero-gradient", CE)
class GradientLeaks(SoundCrossEntropy):
    def clean(self, rows, valid):
        return super().clean(rows, valid) + 1e-3 * (rows - rows.detach()).mean()


@refutes("ignore/all-ignored", CE)
class NothingOverNothing(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / weight.sum()


@refutes("ignore/matches-nothing", CE)
class SentinelWraps(SoundCrossEntropy):
    def mask(self, targets, classes):
        if self.ignore_index is None:
            return super().mask(targets, classes)
        return super().mask(targets, classes) & (targets != self.ignore_index % classes)


@refutes("ignore/inside-classes", CE)
class ClassesAreNeverIgnored(SoundCrossEntropy):
    def mask(self, targets, classes):
        inside = self.ignore_index is not None and 0 <= self.ignore_index < classes
        return paddle.ones_like(targets).astype("bool") if inside else super().mask(targets, classes)


@refutes("ignore/sentinels", CE)
class NegativeIsIgnored(SoundCrossEntropy):
    def mask(self, targets, classes):
        inside = self.ignore_index is not None and 0 <= self.ignore_index < classes
        return super().mask(targets, classes) if inside else targets >= 0

    def losses(self, rows, targets):
        return super().losses(rows, targets.clip(0, rows.shape[1] - 1))

    def element_weight(self, targets, valid, rows):
        return super().element_weight(targets.clip(0, rows.shape[1] - 1), valid, rows)


@refutes("ignore/none-is-all-valid", CE)
class NoneIsZero(SoundCrossEntropy):
    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index or 0, reduction, axis)


@refutes("ignore/many-ignored", CE)
class LittleOfEachIgnored(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, weight + 1e-6 * (1 - valid.astype(weight.dtype)), valid)


@refutes("weights/none-is-ones", CE)
class NoneIsUniform(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        found = super().element_weight(targets, valid, rows)
        return found / rows.shape[1] if self.weight is None else found


@refutes("weights/scaling", CE)
class MeanIgnoresWeights(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, valid.astype(losses.dtype), valid)


@refutes("weights/tiny", CE)
class EpsilonInTheDenominator(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / (weight.sum() + 1e-9)


@refutes("weights/zero-weight", CE)
class WeightsClipped(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        return super().element_weight(targets, valid, rows).clip(min=1e-3) * valid.astype(rows.dtype)


@refutes("weights/zero-total", CE)
class WeightlessIsUnweighted(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        found = super().element_weight(targets, valid, rows)
        return paddle.where(found.sum() > 0, found, valid.astype(rows.dtype))


@refutes("weights/relabelling", CE)
class FirstClassCountsTwice(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        return super().element_weight(targets, valid, rows) * (1 + (targets == 0).astype(rows.dtype))


@refutes("shape/permutation", CE)
class FirstElementCountsTwice(SoundCrossEntropy):
    def losses(self, rows, targets):
        first = (paddle.arange(rows.shape[0]) == 0).astype(rows.dtype)
        return super().losses(rows, targets) * (1 + first)


@refutes("shape/rank", CE)
class FlattenedWithoutMoving(SoundCrossEntropy):
    def arrange(self, logits, labels):
        if logits.ndim < 3:
            return super().arrange(logits, labels)
        working = logits if logits.dtype == paddle.float64 else logits.astype("float32")
        return working.reshape([labels.size, -1]), labels.reshape([-1]).astype("int64")


@refutes("shape/rank-one", CE)
class NoBatchNoLoss(SoundCrossEntropy):
    def forward(self, logits, labels):
        loss = super().forward(logits, labels)
        return loss * 0 if logits.ndim == 1 else loss


@refutes("shape/axis", CE)
class AxisIsOne(SoundCrossEntropy):
    def check(self, logits, labels):
        pass

    def arrange(self, logits, labels):
        order = [0, *range(2, logits.ndim), 1]
        if logits.ndim == 1:
            return super().arrange(logits, labels)
        working = logits if logits.dtype == paddle.float64 else logits.astype("float32")
        return working.transpose(order).reshape([-1, logits.shape[1]]), labels.reshape([-1]).astype("int64")


@refutes("shape/none-shape", CE)
class NoneIsFlat(SoundCrossEntropy):
    def reduce(self, losses, weight, valid, shape):
        return losses[valid] if self.reduction == "none" else super().reduce(losses, weight, valid, shape)


@refutes("shape/scalar-shape", CE)
class OneAxisIsLeft(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return super().mean(losses, weight, valid).reshape([1])


@refutes("shape/sum-of-none", CE)
class SumIsMean(SoundCrossEntropy):
    def reduce(self, losses, weight, valid, shape):
        mean = self.reduction == "sum"
        return self.mean(losses, weight, valid) if mean else super().reduce(losses, weight, valid, shape)


@refutes("shape/mean-over-denominator", CE)
class MeanOverEverything(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / max(losses.size, 1)


@refutes("shape/one-element", CE)
class OneIsSqueezed(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found + 1 if rows.shape[0] == 1 else found


@refutes("shape/empty", CE)
class EmptyIsNotZero(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        return losses.sum() / losses.size if losses.size == 0 else super().mean(losses, weight, valid)


@refutes("shape/square", CE)
class SquareIsTurned(SoundCrossEntropy):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        return (rows.t(), targets) if rows.shape[0] == rows.shape[1] else (rows, targets)


@refutes("shape/one-class", CE)
class OneClassIsBinary(SoundCrossEntropy):
    def losses(self, rows, targets):
        return F.softplus(-rows[:, 0]) if rows.shape[1] == 1 else super().losses(rows, targets)


@refutes("shape/non-contiguous", CE)
class ReadsTheBuffer(SoundCrossEntropy):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        return (rows, targets) if logits.is_contiguous() else (rows.flip(1), targets)


@refutes("softmax/shift", CE)
class LogitsPenalised(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) + 1e-3 * (rows * rows).sum(axis=1)


@refutes("softmax/gradient-sums-to-zero", CE)
class OneLogitLeaks(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) + 1e-6 * (rows[:, 0] - rows[:, 0].detach())


@refutes("softmax/non-negative", CE)
class Flooded(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) - 1e-6


@refutes("softmax/monotone", CE)
class LossTimesProbability(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found * (-found).exp()


@refutes("aggregate/weights-sum-to-n", GHM)
class OccupiedForgotten(SoundGHM):
    def divisor(self, population):
        return paddle.ones_like(population)


@refutes("aggregate/edges", GHM)
class EdgesDrift(SoundGHM):
    def region(self, norm):
        return (norm / (self.width + 1e-4)).floor().clip(0, self.regions - 1).astype("int64")


@refutes("aggregate/uneven-width", GHM)
class LastRegionMerged(SoundGHM):
    def cut(self, bins):
        return (int(1 / bins + 1e-9), bins) if isinstance(bins, float) else super().cut(bins)


@refutes("aggregate/width-equals-count", GHM)
class OneRegionTooMany(SoundGHM):
    def cut(self, bins):
        return (int(1 / bins) + 1, 1 / (int(1 / bins) + 1)) if isinstance(bins, float) else super().cut(bins)


@refutes("numerics/finite-at-saturation", CE)
class LogOfSoftmax(SoundCrossEntropy):
    def losses(self, rows, targets):
        powers = (rows - rows.detach().max(axis=1, keepdim=True)).exp()
        return -self.pick(powers / powers.sum(axis=1, keepdim=True), targets).log()


@refutes("numerics/linear-past-64", CE)
class BuiltinKernel(SoundCrossEntropy):
    def losses(self, rows, targets):
        return F.softmax_with_cross_entropy(rows, targets.unsqueeze(1), axis=1).squeeze(1)


@refutes("numerics/masked-classes", CE)
class OneHotProduct(SoundCrossEntropy):
    def losses(self, rows, targets):
        shifted = rows - rows.detach().max(axis=1, keepdim=True)
        log_p = shifted - shifted.exp().sum(axis=1, keepdim=True).log()
        return -(F.one_hot(targets, rows.shape[1]).astype(rows.dtype) * log_p).sum(axis=1)


@refutes("numerics/result-dtype", CE)
class AlwaysFloat32(SoundCrossEntropy):
    def result_dtype(self, logits):
        return paddle.float32


@refutes("numerics/label-dtype", CE)
class Int32Misread(SoundCrossEntropy):
    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        return rows, paddle.zeros_like(targets) if labels.dtype == paddle.int32 else targets


@refutes("numerics/nan-stays-nan", CE)
class NanIsZero(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(paddle.where(rows.isnan(), paddle.zeros_like(rows), rows), targets)


@refutes("conduct/answers", CE)
class GraphIsCut(SoundCrossEntropy):
    def forward(self, logits, labels):
        return super().forward(logits, labels).detach()


@refutes("conduct/takes-weights", CE)
class WeightsRaise(SoundCrossEntropy):
    def element_weight(self, targets, valid, rows):
        if self.weight is not None:
            raise RuntimeError("weights are not supported here")
        return super().element_weight(targets, valid, rows)


@refutes("conduct/takes-ignored", CE)
class IgnoredRaise(SoundCrossEntropy):
    def check_range(self, labels, classes):
        if labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise IndexError("label out of range")


@refutes("conduct/inputs-not-mutated", CE)
class LabelsOverwritten(SoundCrossEntropy):
    def forward(self, logits, labels):
        loss = super().forward(logits, labels)
        if self.ignore_index is not None:
            paddle.assign(paddle.where(labels == self.ignore_index, paddle.zeros_like(labels), labels), labels)
        return loss


@refutes("conduct/grad-mode", CE)
class GradModeLeftOn(SoundCrossEntropy):
    def forward(self, logits, labels):
        loss = super().forward(logits, labels)
        paddle.set_grad_enabled(True)
        return loss


@refutes("conduct/repeatable", CE)
class Noisy(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) * (1 + 1e-6 * paddle.rand([rows.shape[0]]).astype(rows.dtype))


@refutes("conduct/prints-nothing", CE)
class Talkative(SoundCrossEntropy):
    def forward(self, logits, labels):
        print("loss of", logits.shape)
        return super().forward(logits, labels)


@refutes("conduct/second-call", CE)
class Remembers(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        before = getattr(self, "calls", 0)
        self.calls = before + 1
        return found * (1 + 1e-6 * before)


@refutes("conduct/no-grad", CE)
class NeedsTheGraph(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found if paddle.is_grad_enabled() else found * 1.001


@refutes("conduct/second-backward", CE)
class KernelInPlace(BuiltinKernel):
    pass


@refutes("refusals/label-out-of-range", CE)
class LabelsClipped(SoundCrossEntropy):
    def check_range(self, labels, classes):
        pass

    def losses(self, rows, targets):
        return super().losses(rows, targets.clip(0, rows.shape[1] - 1))

    def element_weight(self, targets, valid, rows):
        return super().element_weight(targets.clip(0, rows.shape[1] - 1), valid, rows)


@refutes("refusals/label-shape", CE)
class LabelsTrimmed(SoundCrossEntropy):
    def check_shape(self, expected, got):
        pass

    def arrange(self, logits, labels):
        n = logits.size // logits.shape[self.class_axis(logits)]
        if labels.size == n:
            return super().arrange(logits, labels)
        flat = paddle.concat([labels.flatten()] * n)[:n]
        shape = [d for k, d in enumerate(logits.shape) if k != self.class_axis(logits)]
        return super().arrange(logits, flat.reshape(shape))

    def reduce(self, losses, weight, valid, shape):
        return super().reduce(losses, weight, valid, [-1])


@refutes("refusals/weight-length", CE)
class WeightsPadded(SoundCrossEntropy):
    def check_weight_length(self, classes):
        if self.weight is not None and self.weight.shape[0] < classes:
            self.weight = paddle.concat([self.weight, paddle.ones([classes], dtype=self.weight.dtype)])


@refutes("refusals/bad-weight", CE)
class AnyWeight(SoundCrossEntropy):
    def check_weight(self, weight):
        pass


@refutes("refusals/bad-reduction", CE)
class AnyReduction(SoundCrossEntropy):
    def check_options(self, weight, reduction):
        with contextlib.suppress(ValueError):
            super().check_options(weight, reduction)


@refutes("refusals/bad-arguments", GHM)
class AnyBins(SoundGHM):
    def __init__(self, bins=10, weight=None, ignore_index=-100, reduction="mean", axis=1):
        known = isinstance(bins, (int, float)) and not isinstance(bins, bool) and bins == bins and bins > 0
        super().__init__(bins if known and not (isinstance(bins, float) and bins > 1) else 10, weight, ignore_index)
        self.reduction, self.axis = reduction, axis
