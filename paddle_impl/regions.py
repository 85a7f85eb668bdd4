"""Unit regions of the gradient norm: their populations, the running average of these, and the weights of GHM."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import paddle
from paddle import Tensor

from paddle_impl.checks import check_choice, is_number, shown
from paddle_impl.entries import Entries, Piece
from paddle_impl.gradients import eager
from paddle_impl.precision import constant
from paddle_impl.programs import sizes

NORMALIZERS = ("occupied", "paper")
AVERAGES = ("corrected", "mmdet")
MOST_REGIONS = 2**31 - 2
"""As many as an int32 tells apart, and one more for what is ignored."""


class Harmony:
    """Mixed into a layer: regions of the gradient norm, with an optional running average in the layer's buffers.

    Args:
        bins: M, a number of regions (int >= 1), or e, the width of one (float in (0, 1], ceil(1 / e) regions).
        momentum: a in [0, 1). Above 0 the R_j become running averages S_j <- a S_j + (1 - a) R_j of the batches seen in
            ``train()``; ``eval()`` uses them and leaves them alone. They are in the ``state_dict``. What
            ``paddle.jit.save`` writes learns nothing further: save the layer in ``eval()``.
        normalize: m counts the ``occupied`` regions, or all of them (``paper``).
        ema: ``corrected`` decays every region and divides by 1 - a^t, so the first batches count fully; ``mmdet``
            starts at 0, decays only the regions occupied in the batch, counts only these in m, and corrects nothing, as
            a common detection toolbox does.
    """

    def set_regions(self, bins: int | float, momentum: float, normalize: str, ema: str) -> None:
        """Check the arguments and make the buffers. Raises ValueError or TypeError."""
        self.regions, self.width = _check_bins(bins)
        self.bins = self.regions if isinstance(bins, (int, np.integer)) else self.width
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

    @paddle.no_grad()
    def harmony(self, norm: Tensor, kept: Tensor | None, count: Any) -> Tensor:
        """b_i = N / (R_j m) of each element, from its gradient norm in [0, 1]; ``count`` is N, of the ``kept`` ones."""
        region = self._region(norm)
        weights = self._weights(self._population(region, kept), count, norm.dtype)
        return paddle.gather(weights, region.flatten()).reshape(sizes(norm))

    def _population(self, region: Tensor, kept: Tensor | None) -> Tensor:
        """[M] how many of the kept elements lie in each region."""
        if kept is None:
            return paddle.bincount(region.flatten(), minlength=self.regions)
        # ignored elements go to a region of their own, past the last
        slot = paddle.where(kept, region, paddle.full_like(region, self.regions))
        return paddle.bincount(slot.flatten(), minlength=self.regions + 1)[: self.regions]

    def _weights(self, batch: Tensor, count: Any, dtype: paddle.dtype) -> Tensor:
        """[M] N / (R_j m) in ``dtype``, from this batch's populations and those seen before."""
        population = self._averaged(batch.astype("float64")) if self.momentum > 0 else batch.astype(dtype)
        divisor = self.regions
        if self.normalize == "occupied":
            counted = batch if self.momentum > 0 and self.ema == "mmdet" else population
            divisor = (counted > 0).sum().astype(population.dtype)
        shares = population * divisor
        # an empty region is asked for by ignored elements, and in eval()
        shares = paddle.where(shares > 0, shares, paddle.ones_like(shares))
        total = constant(count, shares) if isinstance(count, int) else count.astype(shares.dtype)
        return (total / shares).astype(dtype)

    def _region(self, norm: Tensor) -> Tensor:
        """min(floor(g / width), M - 1); NaN has no region, and goes to the first: its loss is NaN all the same."""
        whole = self.width == 1.0 / self.regions
        # a whole number is exact in every precision
        steps = norm * float(self.regions) if whole else norm / constant(self.width, norm)
        # a cast rounds towards 0, and what it makes of NaN lies outside
        region = steps.astype("int32")
        return region.clip_(0, self.regions - 1) if paddle.in_dynamic_mode() else region.clip(0, self.regions - 1)

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


class HarmonyOfEntries(Harmony):
    """Mixed into an :class:`~paddle_impl.entries.EntryLoss`: the gradient norm of an entry is the size of its slope.

    A subclass says ``losses``, and for pieces without a graph ``value_and_slope`` and ``slopes``.
    """

    def slopes(self, x: Tensor, t: Tensor) -> Tensor:
        """The derivative of each loss by x before it is weighed, of size at most 1, in a new Tensor."""
        raise TypeError(f"{type(self).__name__} must define slopes(x, t)")

    @paddle.no_grad()
    def prepare(self, entries: Entries) -> tuple[Tensor, Any]:
        """[M] weights of the regions; of a single piece also losses, slopes and regions."""
        if entries.plain:
            population, known = self._population(self._region(self.slopes(*entries.whole()).abs()), entries.kept), None
        else:
            population, known = self._by_pieces(entries)
        return self._weights(population, entries.count(), entries.logits.dtype), known

    @eager
    def _by_pieces(self, entries: Entries) -> tuple[Tensor, Any]:
        """[M] populations; of a single piece also losses, slopes and regions."""
        if entries.single():
            piece = next(entries.pieces())
            value, slope = self.value_and_slope(piece.x, piece.t)
            region = self._region(slope.abs())
            return self._population(region, piece.kept), (value, slope, region)
        norms = ((self.slopes(piece.x, piece.t).abs_(), piece.kept) for piece in entries.pieces())
        return sum(self._population(self._region(norm), kept) for norm, kept in norms), None

    def weighted(self, piece: Piece, prepared: tuple[Tensor, Any]) -> tuple[Tensor, Tensor]:
        """Losses and slopes of a piece, weighed."""
        weights, known = prepared
        if known is None:
            value, slope = self.value_and_slope(piece.x, piece.t)
            region = self._region(slope.abs())
        else:
            value, slope, region = known
        harmony = piece.shown(paddle.gather(weights, region))
        return value.multiply_(harmony), slope.multiply_(harmony)

    def weighted_slopes(self, piece: Piece, prepared: tuple[Tensor, Any]) -> Tensor:
        """The slopes alone."""
        slope = self.slopes(piece.x, piece.t)
        return slope.multiply_(piece.shown(paddle.gather(prepared[0], self._region(slope.abs()))))

    def constant(self, x: Tensor, t: Tensor, prepared: tuple[Tensor, Any]) -> Tensor:
        """b of all entries."""
        slope = self.slopes(x, t)
        return paddle.gather(prepared[0], self._region(slope.abs()).flatten()).reshape(sizes(slope))


def _check_bins(bins: Any) -> tuple[int, float]:
    """Number and width of the regions."""
    expected = "bins must be an int >= 1 or a float width in (0, 1]"
    if not is_number(bins):
        raise TypeError(f"{expected}, got {shown(bins)}")
    if isinstance(bins, (int, np.integer)):
        if bins < 1:
            raise ValueError(f"{expected}, got {bins!r}")
        if bins > MOST_REGIONS:
            raise ValueError(f"{expected}, of at most {MOST_REGIONS} regions, got {bins!r}")
        return int(bins), 1.0 / int(bins)
    if not 0.0 < bins <= 1.0:
        raise ValueError(f"{expected}, got {bins!r}")
    width = float(bins)
    if width * MOST_REGIONS < 1.0:
        raise ValueError(f"{expected}, of at most {MOST_REGIONS} regions, got {bins!r}")
    # 1 / 0.1 may come out a hair above 10: that is no further region
    return math.ceil(1.0 / width - 1e-9), width


def _check_momentum(momentum: Any) -> float:
    if not is_number(momentum):
        raise TypeError(f"momentum must be a number in [0, 1), got {shown(momentum)}")
    if not 0.0 <= momentum < 1.0:
        raise ValueError(f"momentum must be a number in [0, 1), got {momentum!r}")
    return float(momentum)
