"""Formulas of the contracts over tensors of per-element losses, whatever those were computed by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import paddle

from reference.regions import Regions, harmonize
from reference.top_k import count_of

Arguments = Mapping[str, Any]
Formula = Callable[[Any, Any, Any, Arguments], tuple[Any, float]]
"""Of losses, weighted losses, what counts, and arguments: a factor for each loss, and the denominator's portion."""


class CannotSayError(Exception):
    """The kernel has no way to be told what the problem asks."""


def plain_losses(losses: Any, weighted: Any, valid: Any, given: Arguments) -> tuple[Any, float]:
    return paddle.ones_like(losses), 1.0


def focal(losses: Any, weighted: Any, valid: Any, given: Arguments) -> tuple[Any, float]:
    return power_of(-paddle.expm1(-losses), float(given["gamma"])), 1.0


def power_of(base: Any, gamma: float) -> Any:
    """base^gamma without the infinite slope at 0, which only ever meets a loss of 0."""
    positive = base > 0
    power = paddle.where(positive, base, paddle.ones_like(base)) ** gamma
    return power if gamma == 0.0 else paddle.where(positive, power, base)


def harmonized(losses: Any, weighted: Any, valid: Any, given: Arguments) -> tuple[Any, float]:
    return density(-np.expm1(-array_of(losses)), valid, given), 1.0


def harmonized_below(losses: Any, weighted: Any, valid: Any, given: Arguments) -> tuple[Any, float]:
    """Where an edge of a region is met exactly, either side is right."""
    return density(-np.expm1(-array_of(losses)) - EDGE, valid, given), 1.0


EDGE = 1e-7
"""How close to an edge the side is a matter of rounding."""


def density(norm: Any, valid: Any, given: Arguments) -> Any:
    regions = Regions.of(given["bins"])
    counted = array_of(valid).reshape(-1) > 0
    shares = harmonize(regions.index(np.clip(norm, 0.0, 1.0).reshape(-1)), counted, regions.count, given["normalize"])
    return paddle.to_tensor(shares.reshape(norm.shape), dtype=valid.dtype)


def largest(losses: Any, weighted: Any, valid: Any, given: Arguments) -> tuple[Any, float]:
    count = int(array_of(valid).sum())
    k = count_of(given["top_k"], given["k"], count)
    ranked = np.where(array_of(valid) > 0, array_of(weighted), -np.inf).reshape(-1)
    chosen = np.zeros(ranked.size)
    chosen[np.argsort(-ranked, kind="stable")[:k]] = 1.0
    return paddle.to_tensor(chosen.reshape(losses.shape), dtype=losses.dtype), k / count if count else 1.0


def reduced(element: Any, weight: Any, valid: Any, portion: float, given: Arguments) -> Any:
    reduction = given["reduction"]
    if reduction not in ("none", "sum", "mean"):
        raise CannotSayError
    if reduction == "none":
        return element
    total = element.sum()
    if reduction == "sum":
        return total
    divisor = valid if given.get("denominator") == "count" else weight
    denominator = portion * float(array_of(divisor).sum())
    denominator = denominator if given.get("normalizer") is None else given["normalizer"]
    if denominator == 0.0:
        # zeros that a gradient still reaches the logits through
        nothing = paddle.zeros_like(element)
        return paddle.where(nothing > 0, element, nothing).sum()
    return total / denominator


def array_of(tensor: Any) -> np.ndarray:
    return np.asarray(tensor.detach().numpy(), dtype=np.float64)
