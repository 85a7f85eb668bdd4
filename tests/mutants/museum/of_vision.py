"""Wrong losses after those of vision libraries: Kornia, segmentation_models.pytorch, focal losses of single authors."""

import numpy as np

from properties import Subject

from ..registry import historic
from .chosen import CHOSEN_CLASSES, ChosenClasses
from .classes import CrossEntropy, Focal
from .entries import SigmoidFocal
from .of_keras import Broadcast
from .tape import sigmoid


@historic("B138", "kornia#64", "FML")
class OneMinusTheFocalLoss(Focal):
    """The loss is 1 minus the focal loss: it grows as the prediction gets better."""

    def modulated(self, losses):
        return 1.0 - super().modulated(losses)


@historic("B141", "kornia#1313", "SHP")
class TargetsWithAnAxisTooMany(Broadcast):
    """Targets of the logits' shape get one more axis, and every row meets the targets of every other."""

    def loss(self, logits, labels, label_weight, normalizer):
        if np.issubdtype(labels.dtype, np.floating) and labels.ndim:
            labels = np.expand_dims(labels, 1)
            label_weight = None if label_weight is None else np.expand_dims(label_weight, 1)
        return super().loss(logits, labels, label_weight, normalizer)


@historic("B142", "kornia#1848", "NUM")
class LogarithmOfASigmoid(SigmoidFocal):
    """log(sigmoid(x)) in two steps, which is -inf at a large logit, times 0 at the other target."""

    def binary_cross_entropy(self, x, t):
        return -(sigmoid(x).log() * t + sigmoid(-x).log() * (1 - t))


@historic("B144", "kornia#875", "API")
class AlphaForBothTargets(SigmoidFocal):
    """alpha multiplies the losses of both targets, and so balances nothing."""

    def balance(self, t):
        return np.ones_like(t) if self.alpha is None else np.full_like(t, self.alpha)


@historic("B146", "SMP#852", "DEN")
class IgnoredPixelsDivide(CrossEntropy):
    """The mean divides by the ignored pixels too."""

    def total(self, losses, counted, valid):
        return super().total(losses, counted, valid) + (~valid).sum()


@historic("B151", "SMP#366", "API")
class IgnoreIndexNotRead(SigmoidFocal):
    """ignore_index is taken and not read: an ignored target is a number like any other."""

    def mask(self, targets):
        return np.ones(targets.shape, bool)

    def check_targets(self, t):
        pass


@historic("B152", "SMP#1174", "SHP", simulated=True)
class ViewOfAStridedTensor(CrossEntropy):
    """The logits are flattened as a view, which those that are not contiguous in memory have not."""

    def loss(self, logits, labels, normalizer):
        if not logits.value.flags.c_contiguous:
            raise RuntimeError("view size is not compatible with the input tensor's strides")
        return super().loss(logits, labels, normalizer)


@historic("B153", "AdeelH-focal#2", "DEN")
class MeanOverIgnoredRows(Focal):
    """Ignored rows are left out of the sum and stay in the mean."""

    def total(self, losses, counted, valid):
        return super().total(losses, counted, valid) + (~valid).sum()


@historic("B150", "SMP#396", "API", subject="LIST_READ_AS_A_SHAPE")
class ListReadAsAShape(ChosenClasses):
    """The list of classes becomes an array of that shape, with whatever its memory holds."""

    def array(self, listed):
        # np.ndarray(listed), in memory that nobody has used yet
        return np.zeros(listed, dtype=np.int64)


LIST_READ_AS_A_SHAPE = Subject(CHOSEN_CLASSES, ListReadAsAShape, backend="numpy")
