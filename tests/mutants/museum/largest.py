"""A sound average of the k largest losses in plain NumPy."""

import numpy as np

from ..registry import sound
from .checks import check_portion
from .classes import CrossEntropy


@sound(backend="numpy")
class TopK(CrossEntropy):
    """The mean of the k largest weighted cross entropies."""

    contract = "average_top_k"

    def __init__(
        self,
        top_k=None,
        k=None,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        denominator="weights",
    ):
        check_portion(top_k, k)
        self.top_k, self.k = 0.7 if top_k is None and k is None else top_k, k
        super().__init__(weight, ignore_index, reduction, axis, denominator=denominator)

    def is_soft(self, labels):
        if np.issubdtype(labels.dtype, np.floating):
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        return False

    def elements(self, rows, targets):
        losses, counted, valid = super().elements(rows, targets)
        return losses * self.chosen(losses.value, valid), counted, valid

    def chosen(self, losses, valid):
        """1 for the k largest valid losses, 0 for the others; a loss of NaN is the largest of all."""
        keys = np.where(valid, np.nan_to_num(losses, nan=np.inf, posinf=np.inf), -np.inf)
        found = np.zeros(len(losses), losses.dtype)
        found[np.argsort(-keys, kind="stable")[: self.size(int(valid.sum()))]] = 1
        return found

    def size(self, valid):
        """k, or the largest j with j / N <= top_k, at least 1."""
        if self.k is not None:
            return min(self.k, valid)
        return max((j for j in range(min(1, valid), valid + 1) if j <= 1 or j / valid <= self.top_k), default=0)

    def total(self, losses, counted, valid):
        """k W / N."""
        count = int(valid.sum())
        return super().total(losses, counted, valid) * self.size(count) / max(count, 1)
