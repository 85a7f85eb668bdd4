"""A weight of the positives that is not flattened with what it multiplies."""

import numpy as np

from ..registry import historic
from .positive_weight import PositiveWeight, subject


@historic("B199", "fastai#2745", "SHP", subject="WEIGHT_NOT_FLATTENED")
class WeightNotFlattened(PositiveWeight):
    """Logits and targets are flattened, and the weights of the last axis are not."""

    def loss(self, logits, labels, label_weight, normalizer):
        self.columns = logits.shape[-1]
        return super().loss(logits, labels, label_weight, normalizer)

    def share(self, t):
        if self.pos_weight == 1:
            return super().share(t)
        return 1 + (np.full(self.columns, self.pos_weight, t.dtype) - 1) * t


WEIGHT_NOT_FLATTENED = subject(WeightNotFlattened)
