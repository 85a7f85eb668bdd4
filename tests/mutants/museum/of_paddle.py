"""Wrong losses after defects of Paddle's own cross entropies."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .entries import SigmoidFocal
from .positive_weight import PositiveWeight, subject
from .tape import Var, sigmoid


@historic("B001", "Paddle#23708", "DEN")
class MeanOfAllElements(CrossEntropy):
    """The mean divides by all elements, ignored ones too; there are no class weights."""

    def __init__(self, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(ignore_index=ignore_index, reduction=reduction, axis=axis)

    def total(self, losses, counted, valid):
        return super().total(losses, counted, valid) + (~valid).sum()


@historic("B002", "Paddle#30180", "SEN")
class ValidCountedUnlessDefault(CrossEntropy):
    """Only with an ignore_index other than -100 does the mean divide by the number of valid elements."""

    def total(self, losses, counted, valid):
        found = super().total(losses, counted, valid)
        return found + (~valid).sum() if self.ignore_index == -100 and self.weight is None else found


@historic("B003", "Paddle#48663", "DEN")
class MeanOfAllUnweighted(CrossEntropy):
    """Without class weights the mean divides by all elements, ignored ones too."""

    def total(self, losses, counted, valid):
        found = super().total(losses, counted, valid)
        return found + (~valid).sum() if self.weight is None else found


@historic("B006", "Paddle#24352", "FML")
class WeightInsideTheLog(CrossEntropy):
    """Class weights multiply the probabilities, inside the logarithm, and not the losses."""

    def losses(self, rows, shares):
        weight = Var(self.class_weight(rows))
        return self.picked(-(self.log_softmax(rows) + weight.log()), shares)

    def factor(self, shares, rows):
        return np.ones(len(shares), rows.dtype)


@historic("B007", "Paddle#34718", "SEN")
class WeightsLookedUpBeforeMasking(CrossEntropy):
    """With class weights the range of the labels is checked before the ignored ones are masked."""

    def check_range(self, labels, classes):
        if self.weight is not None and labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"target must lie in [0, {classes}), got {labels.min()} to {labels.max()}")
        super().check_range(labels, classes)


@historic("B009", "Paddle#25549", "SYS")
class AddressOfAnIgnoredLabel(CrossEntropy):
    """The backward pass takes 1 at row times C plus label, for ignored labels too: that lies in another row."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if targets.ndim == 2:
            return losses, counted, valid
        address = np.arange(len(targets)) * rows.shape[1] + targets
        stray = ~valid & (address >= 0) & (address < rows.size)

        def write(g):
            found = np.zeros(rows.size, g.dtype)
            np.subtract.at(found, address[stray], g[stray])
            return found.reshape(rows.shape)

        return Var(losses.value, ((losses, lambda g: g), (rows, write))), counted, valid


@historic("B010", "Paddle#31201", "SEN")
class RangeBeforeIgnored(CrossEntropy):
    """An ignored label outside the classes is refused like any other."""

    def check_range(self, labels, classes):
        if labels.size and not 0 <= labels.min() <= labels.max() < classes:
            raise ValueError(f"label must lie in [0, {classes}), got {labels.min()} to {labels.max()}")


@historic("B011", "Paddle#31122", "CHK")
class LabelsClipped(CrossEntropy):
    """A label outside the classes counts as the nearest class, and nothing is said."""

    def check_range(self, labels, classes):
        return

    def class_of(self, targets, valid, classes):
        return np.where(valid, np.clip(targets, 0, classes - 1), 0)


@historic("B012", "Paddle#28622", "IGN")
class IgnoredInTheBackward(CrossEntropy):
    """An ignored element whose label is a class has no loss, and a gradient all the same."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if targets.ndim == 2:
            return losses, counted, valid
        classes = rows.shape[1]
        leaks = ~valid & (targets >= 0) & (targets < classes)
        shown = self.losses(rows, self.one_hot(np.clip(targets, 0, classes - 1), classes))
        back = (lambda g: g), (lambda g: np.where(leaks, g, 0).astype(g.dtype))
        return Var(losses.value, ((losses, back[0]), (shown, back[1]))), counted, valid


@historic("B013", "Paddle#5395", "RED")
class UpstreamForgotten(CrossEntropy):
    """The backward pass does not look at the upstream gradient."""

    def backward(self, result, leaf, upstream):
        return super().backward(result, leaf, np.ones_like(upstream))


@historic("B014", "Paddle#21165", "NUM")
class MaximumClippedAt64(CrossEntropy):
    """The maximum that is taken off the logits is -64 at least."""

    def log_softmax(self, rows):
        shifted = rows - (np.maximum(rows.max(axis=1, keepdims=True), -64) if rows.size else 0.0)
        return shifted - shifted.exp().sum(axis=1, keepdims=True).log()


@historic("B016", "Paddle#54730", "FML", subject="WHOLE_LOSS_SCALED")
class WholeLossScaled(PositiveWeight):
    """The weight of the positives multiplies the whole loss by 1 + (w - 1) t, the negative part too."""

    def losses(self, x, t):
        return self.binary_cross_entropy(x, t) * self.share(t)


WHOLE_LOSS_SCALED = subject(WholeLossScaled)


@historic("B018", "Paddle#64226", "FML", subject="WEIGHT_OF_EVERY_PROBABILITY")
class WeightOfEveryProbability(PositiveWeight):
    """The gradient is w sigmoid(x) - t, which the slope of the loss is at w = 1 alone."""

    def losses(self, x, t):
        slope = self.pos_weight * sigmoid(x).value - t
        return Var(super().losses(x, t).value, ((x, lambda g: (g * slope).astype(g.dtype)),))


WEIGHT_OF_EVERY_PROBABILITY = subject(WeightOfEveryProbability)


@historic("B020", "Paddle#70896", "BKD", simulated=True)
class TwoKernelsTwoEpsilons(SigmoidFocal):
    """The float32 kernel counts the valid entries from an epsilon of 1e-5 on, the float64 kernel from 0."""

    def total(self, losses, x, t, valid):
        return super().total(losses, x, t, valid) + (1e-5 if losses.dtype == np.float32 else 0)


@historic("B022", "Paddle#47813", "FML")
class WeightFoldedIntoTheElement(CrossEntropy):
    """With smoothing the class weights are mixed into one factor of the element, where each belongs to its term."""

    def is_by_class(self, shares):
        return super().is_by_class(shares) and not self.label_smoothing


@historic("B023", "Paddle#53516", "SYS", simulated=True)
class IndexOverflows(CrossEntropy):
    """The index of a logit has too few bits (six of them here): behind its range it begins again at 0."""

    def picked(self, surprise, shares):
        index = np.arange(surprise.size) % 2**6
        return super().picked(surprise.reshape(-1)[index].reshape(surprise.shape), shares)


@historic("B027", "Paddle#59451", "BKD", simulated=True)
class GradientOfTheOtherOutput(CrossEntropy):
    """Of an operator with two outputs, probabilities and losses, the upstream gradient goes into the first."""

    def losses(self, rows, shares):
        powers = (rows - rows.max(axis=1, keepdims=True)).exp() if rows.size else rows
        outputs = powers / powers.sum(axis=1, keepdims=True), super().losses(rows, shares)
        return Var(outputs[1].value, ((outputs[0], lambda g: np.broadcast_to(g[:, None], rows.shape)),))


@historic("B028", "PaddleCustomDevice#398", "BKD")
class KernelWithoutIgnoreIndex(CrossEntropy):
    """The kernel of the device is not told the ignore_index, and takes a label outside the classes for the nearest."""

    def mask(self, targets, classes):
        return np.ones(len(targets), bool)

    def class_of(self, targets, valid, classes):
        return np.clip(targets, 0, classes - 1)
