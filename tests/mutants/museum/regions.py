"""Sound losses in plain NumPy that weigh an element by how many others have a gradient norm like its own."""

import math

import numpy as np

from ..registry import sound
from .checks import check_bins, check_choice, check_number
from .classes import CrossEntropy
from .entries import EntryLoss
from .tape import Var, sigmoid


class Harmony:
    """Unit regions of gradient norms, and the weights N / (R m)."""

    def settle(self, bins, normalize, momentum=0.0):
        check_bins(bins)
        check_choice("normalize", normalize, ("occupied", "paper"))
        self.bins, self.normalize, self.momentum = bins, normalize, momentum
        self.count = bins if isinstance(bins, int) else math.ceil(1 / bins - 1e-9)

    def index(self, norm):
        """The region of each norm, the last one closed."""
        steps = norm * self.count if isinstance(self.bins, int) else norm / np.asarray(self.bins, norm.dtype)
        return np.clip(np.floor(np.nan_to_num(steps)), 0, self.count - 1).astype(int)

    def harmony(self, norm, valid):
        """N / (R m) of each element; only valid ones are counted."""
        index = self.index(norm)
        population = self.population(index, valid)
        occupied = (population > 0).sum() if self.normalize == "occupied" else self.count
        share = np.divide(valid.sum(), population * occupied, out=np.zeros(self.count), where=population > 0)
        return self.limited(share)[index].astype(norm.dtype)

    def population(self, index, valid):
        return np.bincount(index[valid], minlength=self.count).astype(float)

    def limited(self, share):
        return share


@sound(backend="numpy")
class GHM(Harmony, CrossEntropy):
    """GHM-C over a softmax."""

    contract = "ghm"

    def __init__(
        self,
        bins=10,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        normalize="occupied",
        denominator="weights",
    ):
        self.settle(bins, normalize)
        super().__init__(weight, ignore_index, reduction, axis, denominator=denominator)

    def is_soft(self, labels):
        if np.issubdtype(labels.dtype, np.floating):
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        return False

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        plain = self.losses(self.clean(rows, valid), self.one_hot(np.where(valid, targets, 0), rows.shape[1]))
        return losses * self.harmony(1 - np.exp(-plain.value), valid), counted, valid


class HarmoniousEntries(Harmony, EntryLoss):
    """GHM over single entries."""

    def weighted(self, losses, x, t, valid):
        return losses * self.harmony(self.norm(x.value, t), valid)


@sound(backend="numpy")
class SigmoidGHM(HarmoniousEntries):
    """GHM-C as published."""

    contract = "sigmoid_ghm"

    def __init__(
        self, bins=10, ignore_index=-100, reduction="mean", axis=1, normalize="occupied", denominator="weights"
    ):
        self.settle(bins, normalize)
        super().__init__(ignore_index, reduction, axis, denominator)

    def norm(self, x, t):
        return np.abs(sigmoid(Var(x)).value - t)


@sound(backend="numpy")
class GHMRegression(HarmoniousEntries):
    """GHM-R."""

    contract = "ghm_regression"
    probabilities = False

    def __init__(self, mu=0.02, bins=10, reduction="mean", normalize="occupied", denominator="weights"):
        self.settle(bins, normalize)
        check_number("mu", mu)
        if mu == 0:
            raise ValueError(f"mu must be > 0, got {mu!r}")
        self.mu = mu
        super().__init__(None, reduction, 1, denominator)

    def losses(self, x, t):
        mu = np.asarray(self.mu, x.dtype)
        return ((x - t) * (x - t) + mu * mu).sqrt() - mu

    def norm(self, x, t):
        mu = np.asarray(self.mu, x.dtype)
        return np.abs(x - t) / np.sqrt((x - t) ** 2 + mu * mu)
