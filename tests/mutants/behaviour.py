"""Mutants for the laws of numerics and conduct: a sound loss with one change each."""

import contextlib

import paddle
import paddle.nn.functional as F

from tests.mutants.registry import CE, GHM, refutes
from tests.mutants.sound import SoundCrossEntropy, SoundGHM


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
