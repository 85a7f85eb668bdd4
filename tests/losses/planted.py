"""Sound losses with one rare defect each: what a search must look for, since chance seldom meets it.

Every class differs from a loss of ``sound_numpy`` in one step, in the way that such things go wrong: two comparisons
that leave a hole between them, a counter that is too narrow, a block whose rest is dropped.
"""

from dataclasses import dataclass

import numpy as np

from properties import Subject
from tests.losses.sound_numpy import GHM, Focal, Logistic, textbook
from tests.reference import naive


@dataclass(frozen=True)
class Planted:
    """A wrong loss, the law that it breaks, and what would have to be met for that to show."""

    name: str
    subject: Subject
    law: str
    met: str


PLANTED = []


def planted(contract, law, met, **domain):
    def enter(loss):
        PLANTED.append(Planted(loss.__name__, textbook(contract, loss, **domain), law, met))
        return loss

    return enter


ENTRIES = {"gamma": (0,), "alpha": (None,)}


class Entries(Logistic):
    """Binary cross entropy whose losses and slopes a subclass spoils."""

    def spoiled(self, x, losses, slopes):
        return losses, slopes

    def __call__(self, logits, labels):
        value, backward = super().__call__(logits, labels)
        x, t = logits.reshape(-1), labels.reshape(-1).astype(logits.dtype)
        sound = naive.logistic(x, t)
        losses, slopes = (a.astype(x.dtype) for a in self.spoiled(x, *sound))
        if np.array_equal(losses, sound[0]) and np.array_equal(slopes, sound[1]):
            return value, backward
        shape = logits.shape
        if self.reduction == "none":
            return losses.reshape(shape), lambda upstream: slopes.reshape(shape) * upstream
        divisor = x.dtype.type(max(len(x), 1) if self.reduction == "mean" else 1)
        return losses.sum(dtype=x.dtype) / divisor, lambda upstream: slopes.reshape(shape) * upstream / divisor


@planted("sigmoid_focal", "oracle/value", "a logit that is exactly a threshold of the source", **ENTRIES)
class NeitherBranch(Entries):
    """Linear above a threshold and a softplus below; on it, nothing."""

    def spoiled(self, x, losses, slopes):
        return losses * ((x > 12.5) | (x < 12.5)), slopes


@planted("sigmoid_focal", "oracle/value", "a logit between a threshold and its float32 neighbour", **ENTRIES)
class RoundedThreshold(Entries):
    """One of two comparisons is made in float32, so that a hole is left between them."""

    def spoiled(self, x, losses, slopes):
        return losses * ((x < 7.3) | (x > np.float64(np.float32(7.3)))), slopes


@planted("focal", "oracle/value", "a probability within 1e-4 of a threshold")
class HoleInProbabilities(Focal):
    """Elements of probabilities in a narrow band belong to neither of two branches."""

    def losses(self, rows, labels):
        losses, slopes = super().losses(rows, labels)
        p = naive.hard(rows, labels)[2]
        kept = (p < 0.03) | (p >= 0.03 * (1 + 1e-4))
        return losses * kept, slopes * kept[:, None]


@planted("focal", "oracle/gradient", "a cross entropy within 1e-4 of a threshold")
class GradientOffAtCap(Focal):
    """The gradient is gone where the cross entropy lies at a cap that never applies."""

    def losses(self, rows, labels):
        losses, slopes = super().losses(rows, labels)
        plain = naive.cross_entropy(rows, labels)[0]
        return losses, slopes * ~((plain > 6.9 * (1 - 1e-4)) & (plain < 6.9))[:, None]


@planted("ghm", "oracle/value", "at least 3,000 elements", bins=(1, 2, 3, 10))
class RestOfBlocks(GHM):
    """Large batches go block by block, and the rest that fills no block is left out."""

    def factor(self, losses):
        found = super().factor(losses)
        block = 3000
        if len(found) > block:
            found[len(found) - len(found) % block :] = 0
        return found


@planted("ghm", "oracle/value", "256 elements in one region; no number of the source says so", bins=(1, 2, 3, 10))
class NarrowCounter(GHM):
    """Regions are counted in eight bits."""

    def factor(self, losses):
        if not len(losses):
            return losses
        # a NaN has no region, and its loss is NaN in any of them
        norms = np.nan_to_num(1 - np.exp(-losses))
        place = np.minimum(np.floor(norms * norms.dtype.type(self.bins)), self.bins - 1).astype(int)
        population = np.bincount(place, minlength=self.bins).astype(np.uint8).astype(float)
        found = len(losses) / (np.maximum(population[place], 1) * max(np.count_nonzero(population), 1))
        return found.astype(losses.dtype)


@planted("sigmoid_focal", "oracle/accuracy", "a running sum of hundreds of losses", **ENTRIES)
class RunningSum(Logistic):
    """Losses are added one after the other in their own precision."""

    def __call__(self, logits, labels):
        value, backward = super().__call__(logits, labels)
        if self.reduction == "none" or not logits.size:
            return value, backward
        losses = naive.logistic(logits.reshape(-1), labels.reshape(-1).astype(logits.dtype))[0]
        divisor = logits.dtype.type(logits.size if self.reduction == "mean" else 1)
        return np.add.accumulate(losses)[-1] / divisor, backward


@planted("focal", "oracle/value", "one class more than a multiple of 32")
class OneClassTooMany(Focal):
    """Classes go in blocks of 32, and a last block of one class is left out."""

    def losses(self, rows, labels):
        classes = rows.shape[1]
        if classes > 32 and classes % 32 == 1:
            rows = rows.copy()
            rows[labels != classes - 1, -1] = -1e4
        return super().losses(rows, labels)


@planted("focal", "oracle/value", "an error that grows with elements, classes, weights and losses together")
class GrowingError(Focal):
    """Rounding errors that add up: each element, class and weight brings its own."""

    def reduced(self, rows, labels, dtype):
        value, slopes = super().reduced(rows, labels, dtype)
        weight = np.ones(1) if self.weight is None else self.weight
        spread = 1 + np.log2(weight.max(initial=1) / weight[weight > 0].min(initial=1))
        size = np.log2(1 + len(rows)) * np.log2(1 + rows.shape[1]) * spread * (1 + np.abs(rows).max(initial=0) / 8)
        return value * (1 + np.finfo(dtype).eps * size * 0.025), slopes


@planted("focal", "oracle/value", "an error that doubles with each of eight things, when all of them come together")
class ManyCauses(Focal):
    """Steps that each lose a digit where a problem is unusual in one way."""

    def __call__(self, logits, labels):
        value, backward = super().__call__(logits, labels)
        weight = np.ones(1) if self.weight is None else self.weight
        unusual = (
            logits.ndim > 3,
            logits.shape[0 if logits.ndim == 1 else self.axis] > 7,
            labels.size > 8,
            labels.dtype == np.int32,
            weight.max(initial=1) > 2 * weight[weight > 0].min(initial=1),
            np.abs(logits).max(initial=0) > 12,
            self.reduction == "sum",
            bool((labels == self.ignore_index).any()),
        )
        lost = np.finfo(logits.dtype).eps * 0.14 * 2.0 ** sum(unusual)
        return (value * (1 + lost)).astype(value.dtype), backward


@planted("focal", "oracle/value", "five options at once, and nothing that leads there")
class FiveOptions(Focal):
    """One combination of options takes a path that nobody ran."""

    def __call__(self, logits, labels):
        value, backward = super().__call__(logits, labels)
        odd = logits.ndim == 5 and self.axis == 2 and self.reduction == "none" and self.ignore_index == 255
        return (value * 2 if odd and self.gamma == 0.5 else value), backward


@planted("focal", "oracle/accuracy", "a weighted sum that float16 cannot hold, though the mean can", dtype=("float16",))
class HalfSum(Focal):
    """The sum of the weighted losses is kept in float16 on the way to the mean, at a hundredth of its size."""

    def reduced(self, rows, labels, dtype):
        value, slopes = super().reduced(rows.astype(np.float32), labels, np.dtype(np.float32))
        weight = np.ones(rows.shape[1]) if self.weight is None else self.weight
        total = np.abs(value).max(initial=0) * (weight[labels].sum() if self.reduction == "mean" else 1)
        lost = not np.isfinite(np.float16(total / 40))
        return (value * np.inf if lost else value).astype(dtype), slopes.astype(dtype)
