"""Cross entropies that smooth labels wrongly, or smooth what they should leave alone."""

import numpy as np

from ..registry import historic
from .classes import CrossEntropy
from .tape import where


@historic("B188", "mmpretrain#203", "RED")
class SummedBeforeReduction(CrossEntropy):
    """With smoothing the losses are summed before the reduction, which finds a single number."""

    def reduce(self, losses, counted, valid, shape, normalizer):
        if not self.label_smoothing:
            return super().reduce(losses, counted, valid, shape, normalizer)
        total = losses.sum()
        return total if normalizer is None else self.over(total, normalizer)


@historic("B200", "ConvE#55", "FML")
class WholeShareForEveryClass(CrossEntropy):
    """Smoothing adds 1 / C to every class, where e / C is due."""

    def smoothed(self, rows, count):
        e = self.label_smoothing
        return (1 - e) * rows + 1 / count if e else rows


@historic("B201", "aprender#2199", "FML")
class ComplementShared(CrossEntropy):
    """The other classes share 1 - e, and not e."""

    def smoothed(self, rows, count):
        e = self.label_smoothing
        return (1 - e) * rows + (1 - rows) * (1 - e) / count if e else rows


@historic("B202", "eladhoffer#13", "FML")
class SoftLabelsHalved(CrossEntropy):
    """Soft labels become (q + e) / 2, in place."""

    def shares(self, classes, count):
        if classes.ndim == 1 or not self.label_smoothing:
            return super().shares(classes, count)
        classes += self.label_smoothing
        classes /= 2
        return classes


@historic("B203", "fairseq#3182", "FML")
class SharedAmongTheOthers(CrossEntropy):
    """e is shared among the other classes, and the label keeps 1 - e: smoothing of another meaning."""

    def smoothed(self, rows, count):
        e = self.label_smoothing
        return (1 - e) * rows + (1 - rows) * e / (count - 1) if e and count > 1 else rows


@historic("B204", "annotated-transformer#18", "DEG")
class NothingToPad(CrossEntropy):
    """With smoothing the padded rows are filled with zeros, which fails where none is padded."""

    def masked(self, losses, valid):
        if self.label_smoothing:
            padded = np.flatnonzero(~valid)
            if padded.ndim > 0 and not padded.size:
                raise IndexError("index_fill_(): expected a non-empty index")
        return super().masked(losses, valid)


@historic("B205", "bert-summarizer#41", "IGN")
class PadsSmoothed(CrossEntropy):
    """Padded elements keep the smoothed part of their loss."""

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        if not self.label_smoothing:
            return losses, counted, valid
        even = -self.log_softmax(rows).mean(axis=1) * self.label_smoothing
        return where(valid, losses, even), counted, valid


@historic("B206", "tinygrad#3570", "IGN")
class SmoothingOverAllRows(CrossEntropy):
    """The smoothed part of the mean is taken over all elements, ignored ones too."""

    def elements(self, rows, targets):
        self.even = -self.log_softmax(rows).mean(axis=1) * self.label_smoothing
        return super().elements(rows, targets)

    def mean(self, losses, counted, valid, normalizer):
        found = super().mean(losses, counted, valid, normalizer)
        if not self.label_smoothing or normalizer is not None:
            return found
        right = self.over(where(valid, self.even, 0.0).sum(), valid.sum())
        return found - right + self.over(self.even.sum(), len(valid))


@historic("B207", "MindAct#1633", "NUM")
class NoughtTimesInfinity(CrossEntropy):
    """Without smoothing its term is added all the same, times 0."""

    def picked(self, surprise, shares):
        found = super().picked(surprise, shares)
        return found if self.label_smoothing else found + surprise.sum(axis=1) * self.label_smoothing


@historic("B226", "Paddle CE label_smoothing+ignore", "IGN")
class SmoothedBeforeIgnoring(CrossEntropy):
    """With smoothing ignored labels become one-hot too, and the mean counts numbers of the rows."""

    def mask(self, targets, classes):
        valid = super().mask(targets, classes)
        return np.ones_like(valid) if self.label_smoothing else valid

    def check_range(self, labels, classes):
        if not self.label_smoothing:
            super().check_range(labels, classes)
        elif ((labels < 0) | (labels >= classes)).any():
            raise ValueError(f"one_hot needs labels in [0, {classes})")

    def counted(self, classes, shares, rows):
        usual = super().counted(classes, shares, rows)
        index = -1 if self.ignore_index is None else self.ignore_index
        if not self.label_smoothing or self.weight is not None or index < 0:
            return usual
        return (shares != index).sum(axis=1)
