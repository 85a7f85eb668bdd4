"""Mutants for the laws of numerics and conduct: a sound loss with one change each."""

import contextlib

import paddle
import paddle.nn.functional as F

from .registry import CE, GHM, mutant
from .sound import SoundCrossEntropy, SoundGHM


@mutant("numerics/finite-at-saturation", CE)
class LogOfSoftmax(SoundCrossEntropy):
    def log_softmax(self, rows):
        powers = (rows - rows.detach().max(axis=1, keepdim=True)).exp()
        return (powers / powers.sum(axis=1, keepdim=True)).log()


@mutant("numerics/linear-past-64", CE)
class BuiltinKernel(SoundCrossEntropy):
    def cross_entropy(self, rows, targets):
        if targets.ndim == 2:
            return F.softmax_with_cross_entropy(rows, targets, soft_label=True, axis=1).squeeze(1)
        return F.softmax_with_cross_entropy(rows, targets.unsqueeze(1), axis=1).squeeze(1)


@mutant("numerics/masked-classes", CE)
class OneHotProduct(SoundCrossEntropy):
    def cross_entropy(self, rows, targets):
        hot = F.one_hot(targets, rows.shape[1]).astype(rows.dtype) if targets.ndim == 1 else targets
        return -(hot * self.log_softmax(rows)).sum(axis=1)


@mutant("numerics/result-dtype", CE)
class AlwaysFloat32(SoundCrossEntropy):
    def result_dtype(self, logits):
        return paddle.float32


@mutant("numerics/label-dtype", CE)
class Int32Misread(SoundCrossEntropy):
    def trimmed(self, logits, labels):
        return super().trimmed(logits, paddle.zeros_like(labels) if labels.dtype == paddle.int32 else labels)


@mutant("numerics/small-labels", CE)
class BytesAreMasks(SoundCrossEntropy):
    def trimmed(self, logits, labels):
        return super().trimmed(logits, labels.astype("bool") if labels.dtype == paddle.uint8 else labels)


@mutant("numerics/nan-stays-nan", CE)
class NanIsZero(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(paddle.where(rows.isnan(), paddle.zeros_like(rows), rows), targets)


@mutant("numerics/many-elements", CE)
class RunningSum(SoundCrossEntropy):
    def mean(self, losses, weight, valid):
        sums = losses.cumsum(0)
        return super().mean(sums[-1:] if losses.shape[0] else sums, weight, valid)


@mutant("conduct/answers", CE)
class GraphIsCut(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        return super().forward(logits, labels, normalizer).detach()


@mutant("conduct/takes-weights", CE)
class WeightsRaise(SoundCrossEntropy):
    def class_weight(self, rows):
        if self.weight is not None:
            raise RuntimeError("weights are not supported here")
        return super().class_weight(rows)


@mutant("conduct/takes-ignored", CE)
class IgnoredRaise(SoundCrossEntropy):
    def check_range(self, labels, classes):
        if labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise IndexError("label out of range")


@mutant("conduct/inputs-not-mutated", CE)
class LabelsOverwritten(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        loss = super().forward(logits, labels, normalizer)
        if self.ignore_index is not None and not self.is_soft(labels):
            paddle.assign(paddle.where(labels == self.ignore_index, paddle.zeros_like(labels), labels), labels)
        return loss


@mutant("conduct/grad-mode", CE)
class GradModeLeftOn(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        loss = super().forward(logits, labels, normalizer)
        paddle.set_grad_enabled(True)
        return loss


@mutant("conduct/global-state", CE)
class SetsTheSeed(SoundCrossEntropy):
    """Sets Paddle's seed in each call, for answers that repeat."""

    def losses(self, rows, targets):
        paddle.seed(2020)
        return super().losses(rows, targets)


@mutant("conduct/repeatable", CE)
class Noisy(SoundCrossEntropy):
    def losses(self, rows, targets):
        return super().losses(rows, targets) * (1 + 1e-6 * paddle.rand([rows.shape[0]]).astype(rows.dtype))


@mutant("conduct/prints-nothing", CE)
class Talkative(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        print("loss of", logits.shape)
        return super().forward(logits, labels, normalizer)


@mutant("conduct/second-call", CE)
class Remembers(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        before = getattr(self, "calls", 0)
        self.calls = before + 1
        return found * (1 + 1e-6 * before)


@mutant("conduct/no-grad", CE)
class NeedsTheGraph(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found if paddle.is_grad_enabled() else found * 1.001


@mutant("conduct/second-backward", CE)
class KernelInPlace(BuiltinKernel):
    pass


@mutant("refusals/label-out-of-range", CE)
class LabelsClipped(SoundCrossEntropy):
    def check_range(self, labels, classes):
        pass

    def arrange(self, logits, labels):
        rows, targets = super().arrange(logits, labels)
        if targets.ndim == 2:
            return rows, targets
        valid = self.mask(targets, rows.shape[1])
        return rows, paddle.where(valid, targets.clip(0, rows.shape[1] - 1), targets)


@mutant("refusals/label-shape", CE)
class LabelsTrimmed(SoundCrossEntropy):
    def trimmed(self, logits, labels):
        found = super().trimmed(logits, labels)
        axis = self.class_axis(logits)
        first = [d for k, d in enumerate(logits.shape) if k != axis or self.is_soft(labels)][:1]
        return found if found.shape[:1] == first else paddle.concat([found] * first[0])[: first[0]]


@mutant("refusals/weight-length", CE)
class WeightsPadded(SoundCrossEntropy):
    def check_weight_length(self, classes):
        if self.weight is not None and self.weight.shape[0] != classes:
            longer = paddle.concat([self.weight, paddle.ones([classes], dtype=self.weight.dtype)])
            self.weight = longer[:classes]


@mutant("refusals/bad-weight", CE)
class AnyWeight(SoundCrossEntropy):
    def check_weight(self, weight):
        pass


@mutant("refusals/bad-reduction", CE)
class AnyReduction(SoundCrossEntropy):
    def check_options(self, weight, reduction):
        with contextlib.suppress(ValueError):
            super().check_options(weight, reduction)


@mutant("refusals/bad-arguments", GHM)
class AnyBins(SoundGHM):
    def cut(self, bins, normalize):
        known = isinstance(bins, (int, float)) and not isinstance(bins, bool) and bins > 0
        return super().cut(bins if known and not (isinstance(bins, float) and bins > 1) else 10, normalize)


@mutant("numerics/mean-of-a-large-sum", CE)
class SumInHalf(SoundCrossEntropy):
    def forward(self, logits, labels, normalizer=None):
        self.half = logits.dtype == paddle.float16
        return super().forward(logits, labels, normalizer)

    def over(self, total, divisor):
        return super().over(total.astype("float16").astype(total.dtype) if self.half else total, divisor)
