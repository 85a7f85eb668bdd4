"""The running average of the populations of unit regions that GHM with momentum divides by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reference.answer import Array
from reference.elements import check_choice

AVERAGES = ("corrected", "mmdet")


@dataclass(frozen=True)
class MovingPopulation:
    """S, the running average of the populations R of the batches seen so far, with momentum a.

    .. math:: S_j \\leftarrow a S_j + (1 - a) R_j

    ``decays`` says which regions change with a batch: ``every`` one, or those that it has ``occupied``. ``corrected``
    divides S by 1 - a^t after t batches, which makes up for the start at 0. m counts the regions occupied in the
    ``average``, or in the ``batch`` (``occupied_in``). One that is not ``training`` is used as it stands.
    """

    momentum: float
    total: Array
    batches: int = 0
    decays: str = "every"
    corrected: bool = True
    occupied_in: str = "average"
    training: bool = True

    @classmethod
    def start(cls, momentum: float, ema: str, regions: int) -> MovingPopulation:
        """Before the first batch. ``ema``: ``corrected``, or ``mmdet``, which decays occupied regions from 0 on.

        Raises ValueError for a momentum outside [0, 1), or another ema; TypeError for one that is no number.
        """
        if isinstance(momentum, bool) or not isinstance(momentum, (int, float)):
            raise TypeError(f"momentum must be a number in [0, 1), got {momentum!r}")
        if not 0.0 <= momentum < 1.0:
            raise ValueError(f"momentum must be a number in [0, 1), got {momentum!r}")
        check_choice("ema", ema, AVERAGES)
        first = cls(float(momentum), np.zeros(regions))
        return first if ema == "corrected" else replace(first, decays="occupied", corrected=False, occupied_in="batch")

    def after(self, batch: Array) -> MovingPopulation:
        """The average once a batch with these populations has been seen; the same one outside training."""
        if not self.training:
            return self
        total = self.momentum * self.total + (1.0 - self.momentum) * batch
        if self.decays == "occupied":
            total = np.where(batch > 0, total, self.total)
        return replace(self, total=total, batches=self.batches + 1)

    def knows(self, batch: Array) -> bool:
        """Whether every region that the batch has occupied was ever seen: otherwise N / (S_j m) is no number."""
        return bool((self.total[batch > 0] > 0).all())

    def shares(self, batch: Array, normalize: str) -> Array:
        """S_j m of each region, for a batch that is in the average already."""
        average = self.total
        if self.corrected and self.batches:
            average = average / (1.0 - self.momentum**self.batches)
        counted = average if self.occupied_in == "average" else batch
        return average * (np.count_nonzero(counted) if normalize == "occupied" else len(batch))
