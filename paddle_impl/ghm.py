"""GHM-C over a softmax: cross entropy, harmonised by the density of gradient norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import paddle
from paddle import Tensor

from paddle_impl.elements import ElementLoss, Elements, check_choice

NORMALIZERS = ("occupied", "paper")
AVERAGES = ("corrected", "mmdet")


class GHMLoss(ElementLoss):
    r"""Weigh each element's cross entropy by the inverse density of its gradient norm.

    .. math:: g_i = 1 - p_{i y_i}, \quad b_i = \frac{N}{R_{j(i)}\, m}, \quad l_i = w_{y_i} b_i CE_i

    [0, 1] is cut into regions; R_j counts the valid elements whose g lies in region j, N is their number, m the number
    of occupied regions, so that the b_i sum to N. No gradient flows through b. ``bins=1`` is cross entropy.

    Args:
        bins: M, a number of regions (int >= 1), or e, the width of one (float in (0, 1], ceil(1 / e) regions).
        momentum: a in [0, 1). Above 0 the R_j become running averages S_j <- a S_j + (1 - a) R_j of the batches seen in
            ``train()``; ``eval()`` uses them and leaves them alone. They are in the ``state_dict``.
        normalize: m counts the ``occupied`` regions, or all of them (``paper``).
        ema: ``corrected`` decays every region and divides by 1 - a^t, so the first batches count fully; ``mmdet``
            starts at 0, decays occupied regions only and corrects nothing, as a common detection toolbox does.
        weight, reduction, ignore_index, axis, denominator, check_labels: as in
            :class:`~paddle_impl.elements.ElementLoss`.

    Shapes: logits [..., C, ...] with the classes along ``axis``, labels the same without that axis.

    Raises:
        ValueError: an option, shape, weight or label out of range. TypeError: a wrong type or dtype.

    Source: Li, Liu, Wang, *Gradient Harmonized Single-stage Detector*, AAAI 2019, eq. 5 to 9, with g of the softmax.
    """

    def __init__(
        self,
        bins: int | float = 10,
        momentum: float = 0.0,
        weight: Any = None,
        reduction: str = "mean",
        ignore_index: int | None = -100,
        axis: int = 1,
        *,
        normalize: str = "occupied",
        ema: str = "corrected",
        denominator: str = "weights",
        check_labels: bool = True,
    ) -> None:
        super().__init__(
            weight=weight,
            ignore_index=ignore_index,
            reduction=reduction,
            axis=axis,
            denominator=denominator,
            check_labels=check_labels,
        )
        self.regions, self.width = _check_bins(bins)
        self.momentum = _check_momentum(momentum)
        check_choice("normalize", normalize, NORMALIZERS)
        check_choice("ema", ema, AVERAGES)
        self.normalize, self.ema = normalize, ema
        if self.momentum > 0:
            if not paddle.in_dynamic_mode():
                raise ValueError(
                    f"momentum={momentum!r} keeps a running average, which needs a layer made in dynamic mode "
                    "(paddle.jit.to_static works); a static program takes momentum=0"
                )
            # float64: a running average of counts must not lose ones beside 10^8
            self.register_buffer("population", paddle.zeros([self.regions], dtype="float64"))
            self.register_buffer("batches", paddle.zeros([], dtype="float64"))

    def element_losses(self, elements: Elements) -> Tensor:
        """b_i CE_i, with b_i held constant in the gradient."""
        losses = elements.cross_entropy()
        with paddle.no_grad():
            harmony = self._harmonize(losses.detach(), elements)
        return losses * harmony

    def extra_repr(self) -> str:
        """The arguments, as ``print(layer)`` shows them."""
        return f"regions={self.regions}, momentum={self.momentum}, {super().extra_repr()}"

    def _harmonize(self, losses: Tensor, elements: Elements) -> Tensor:
        # g = 1 - p = 1 - exp(-l), without cancellation where p is close to 1
        region = self._region(-paddle.expm1(-losses))
        counted = elements.counted()
        # ignored elements go to a region of their own, past the last
        slot = (
            region
            if elements.valid is None
            else paddle.where(counted > 0, region, paddle.full_like(region, self.regions))
        )
        batch = paddle.bincount(slot.flatten(), minlength=self.regions + 1)[: self.regions]
        population = self._averaged(batch.astype("float64")) if self.momentum > 0 else batch.astype(losses.dtype)
        occupied = (population > 0).astype(population.dtype).sum()
        divisor = occupied if self.normalize == "occupied" else paddle.full_like(occupied, float(self.regions))
        total = counted.sum().astype(population.dtype)
        shares = population * divisor
        harmony = total / paddle.where(shares > 0, shares, paddle.ones_like(shares))
        return paddle.gather(harmony.astype(losses.dtype), region.flatten()).reshape(losses.shape)

    def _region(self, norm: Tensor) -> Tensor:
        """min(floor(g / width), M - 1); NaN has no region, and goes to the first: its loss is NaN all the same."""
        whole = self.width == 1.0 / self.regions
        # tensors, since a static program makes float32 of a Python number even beside float64
        if whole:
            steps = norm * paddle.full([], float(self.regions), dtype=norm.dtype)
        else:
            steps = norm / paddle.full([], self.width, dtype=norm.dtype)
        steps = paddle.where(steps.isnan(), paddle.zeros_like(steps), steps)
        return steps.floor().astype("int64").clip(0, self.regions - 1)

    def _averaged(self, batch: Tensor) -> Tensor:
        """The running average of the populations, with this batch in it while training."""
        if self.training:
            a = paddle.full([], self.momentum, dtype="float64")
            new = a * self.population + (1 - a) * batch
            if self.ema == "mmdet":
                new = paddle.where(batch > 0, new, self.population)
            paddle.assign(new, self.population)
            paddle.assign(self.batches + 1, self.batches)
        if self.ema == "mmdet":
            return self.population.clone()
        seen = 1 - paddle.full([], self.momentum, dtype="float64") ** self.batches
        # before the first batch there is no average: the layer in eval() uses the batch's own counts
        return paddle.where(
            self.batches > 0, self.population / paddle.where(seen > 0, seen, paddle.ones_like(seen)), batch
        )


def _check_bins(bins: Any) -> tuple[int, float]:
    """Number and width of the regions."""
    expected = "bins must be an int >= 1 or a float width in (0, 1]"
    if isinstance(bins, (bool, np.bool_)) or not isinstance(bins, (int, float, np.integer, np.floating)):
        raise TypeError(f"{expected}, got {bins!r}")
    if isinstance(bins, (int, np.integer)):
        if bins < 1:
            raise ValueError(f"{expected}, got {bins!r}")
        return int(bins), 1.0 / int(bins)
    if not 0.0 < bins <= 1.0:
        raise ValueError(f"{expected}, got {bins!r}")
    # 1 / 0.1 may come out a hair above 10: that is no further region
    return math.ceil(1.0 / bins - 1e-9), float(bins)


def _check_momentum(momentum: Any) -> float:
    if isinstance(momentum, bool) or not isinstance(momentum, (int, float, np.integer, np.floating)):
        raise TypeError(f"momentum must be a number in [0, 1), got {momentum!r}")
    if not 0.0 <= momentum < 1.0:
        raise ValueError(f"momentum must be a number in [0, 1), got {momentum!r}")
    return float(momentum)
