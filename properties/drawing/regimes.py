"""Regimes: what kinds of logits, labels and weights there are, and how bytes become numbers of each kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.problems.precision import Array
from properties.problems.problem import Labels

Bytes = NDArray[np.uint8]
"""[n, ELEMENT_BYTES]: for each element its label, its mask or mixture, and six logits (more classes use them again)."""

HardLogits = Callable[[Mapping[str, Any], int], Sequence[float]]
"""Given a config and a number of classes, returns logits of the label, beside zeros, at which a contract is hard."""

_LATTICE = (0.0, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 8.0, -8.0, 0.5, -0.5, 16.0, -16.0)
_SATURATED = (0.0, 17.0, -17.0, 64.0, -64.0, 65.0, 90.0, -90.0, 1.0, 100.0, 1000.0, -1000.0, 1e4, -1e4, -65.0)
_CERTAIN = (0.0, 40.0, 0.0, 50.0, 1.0, 45.0, 38.0, 0.5)
"""Logits so far apart that a probability rounds to 1, and always of the wrong class: there the values of a wrong and a
right formula lie far apart. Of the right class loss and gradient are next to 0, and what a layer loses of them is a
matter of rounding. No gap comes near 64, where kernels clip, even after a law has moved the logits by a few units."""
_WEIGHTS = (1.0, 2.0, 3.0, 0.5, 4.0, 1.5)
_MIXTURES = (
    (1.0, 0.0, 0.0),
    (0.5, 0.5, 0.0),
    (0.0, 0.0, 1.0),
    (0.875, 0.0, 0.125),
    (0.75, 0.25, 0.0),
    (0.5, 0.25, 0.25),
    (2.0, 0.0, 0.0),
    (0.25, 0.0, 0.0),
    (0.25, 1.0, 0.5),
    (0.0, 0.0, 0.0),
)
"""Soft labels as shares of one class, of the next one, and of all classes; those at the end do not sum to 1."""
_BINARY = (0.0, 1.0)
_PROBABILITIES = (0.0, 1.0, 0.5, 0.25, 1.0, 0.0, 0.75, 0.1, 0.9)
_REALS = (0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 0.25, 3.0, -0.125, 8.0, 10.5)


def repeat_blocks(blocks: Sequence[bytes], size: str, classes: int, ignored: str) -> list[bytes]:
    """Repeat blocks to reach the requested size; return at least two if only a part of them is to be ignored."""
    found = list(blocks)
    if size == "square":
        found = (found * classes)[:classes]
    if size == "many":
        found = found * 40
    if ignored in ("some", "most") and len(found) == 1:
        found = found * 2
    return found


def class_labels(elements: Bytes, classes: int, ignore_index: int | None) -> Labels:
    """Return class labels, [n], none of them equal to ``ignore_index``."""
    inside = ignore_index is not None and 0 <= ignore_index < classes
    labels: Labels = elements[:, 0].astype(np.int64) % (classes - 1 if inside else classes)
    if ignore_index is not None and inside:
        labels += labels >= ignore_index
    return labels


def soft_labels(elements: Bytes, classes: int, any_rows: bool) -> Array:
    """Return soft labels, [n, C]: one-hot, mixed, smoothed, uniform; with other sums than 1 where there may be any."""
    first = elements[:, 0].astype(np.int64) % classes
    table = np.asarray(_MIXTURES if any_rows else [row for row in _MIXTURES if sum(row) == 1.0])
    one, other, even = table[elements[:, 1] % len(table)].T[:, :, None]
    hot = np.eye(classes)
    return np.asarray(one * hot[first] + other * hot[(first + 1) % classes] + even / classes)


def entry_targets(elements: Bytes, targets: str) -> Array:
    """Return the targets of single entries, [n]."""
    table = {"binary": _BINARY, "probability": _PROBABILITIES, "real": _REALS}[targets]
    return np.asarray(table)[elements[:, 0] % len(table)]


def ignored_mask(elements: Bytes, ignored: str, salt: int) -> NDArray[np.bool_]:
    """Return which elements are ignored, [n]; ``salt`` says which one is left where ``most`` are."""
    n = len(elements)
    mask = np.zeros(n, dtype=bool)
    if ignored == "some":
        mask = elements[:, 1] % 2 == 1
        if n and not mask.any():
            mask[-1] = True
        if n and mask.all():
            mask[0] = False
    elif ignored == "most" and n:
        mask[:] = True
        mask[salt % n] = False
    elif ignored == "all":
        mask[:] = True
    return mask


@lru_cache(maxsize=256)
def _normals(scale: float, limit: float) -> Array:
    """Return 256 numbers: the simplest first, then normal ones with full mantissas."""
    drawn = np.clip(np.random.default_rng(20).normal(size=256) * scale, -limit, limit)
    drawn[: len(_LATTICE)] = _LATTICE
    return np.asarray(drawn)


def _table(regime: str) -> Array:
    """Return the 256 logits that a byte chooses from."""
    if regime == "lattice":
        return np.resize(np.array(_LATTICE), 256)
    if regime == "ties":
        return np.resize(np.array([0.0, 1.0, 2.0]), 256)
    if regime == "normal":
        return _normals(2.0, 32.0)
    if regime == "spread":
        return _normals(15.0, 32.0)
    if regime == "certain":
        return np.resize(np.array(_CERTAIN), 256)
    if regime == "saturated":
        return np.resize(np.array(_SATURATED), 256)
    if regime == "huge":
        return _normals(1000.0, 1e4)
    if regime == "offset":
        return np.asarray(_normals(2.0, 32.0) + 1e4)
    # near ties: ones, a few units in the last place apart in some precision
    exponents = -np.array([60.0, 50.0, 40.0, 30.0, 22.0, 10.0])
    return np.resize(np.concatenate([[0.0], 1.0 + np.exp2(exponents)]), 256)


_tables = lru_cache(_table)


def class_logits(
    elements: Bytes,
    labels: Labels,
    classes: int,
    regime: str,
    config: Mapping[str, Any],
    hard_logits: HardLogits | None,
) -> Array:
    """Return logits, [n, C]; in the regime ``edges`` those of the labels are where the contract is hard."""
    if regime == "edges":
        hard = np.asarray([0.0] if hard_logits is None else hard_logits(config, classes))
        rows = np.zeros((len(elements), classes))
        target = np.clip(labels, 0, classes - 1)
        rows[np.arange(len(elements)), target] = hard[elements[:, 2].astype(np.int64) % len(hard)]
        return rows
    column = np.arange(classes)
    # beyond six classes the same bytes serve again, multiplied, so that a zero byte stays the simplest
    raw = elements[:, 2 + column % 6].astype(np.int64) * (1 + column // 6) % 256
    rows = np.array(_tables(regime)[raw])
    if regime == "certain":
        rows[np.arange(len(elements)), np.clip(labels, 0, classes - 1)] = 0.0
    return rows


def entry_logits(
    elements: Bytes, labels: Array, targets: str, regime: str, config: Mapping[str, Any], hard_logits: HardLogits | None
) -> Array:
    """Return logits, [n, 1]; in the regime ``edges`` they lie as far from their targets as the contract says."""
    if regime != "edges":
        drawn = np.asarray(_tables(regime)[elements[:, 2]])
        if regime == "certain":
            turned = elements[:, 3] % 2 == 1 if targets == "real" else labels > 0.5
            drawn = np.where(turned, 0.0 - drawn, drawn)
        return drawn[:, None]
    choices = np.asarray([0.0] if hard_logits is None else hard_logits(config, 2))
    hard = choices[elements[:, 2].astype(np.int64) % len(choices)]
    moved = labels + hard if targets == "real" else np.where(labels > 0.5, hard, -hard)
    return np.asarray(moved)[:, None]


def class_weights(picks: Sequence[int], pattern: str, classes: int, present: Labels) -> Array | None:
    """Return class weights of a pattern, None where it is ``absent``; ``present`` are the classes that occur."""
    if pattern == "absent":
        return None
    if pattern == "ones":
        return np.ones(classes)
    drawn = np.array([_WEIGHTS[picks[c % 6] * (1 + c // 6) % len(_WEIGHTS)] for c in range(classes)])
    if pattern == "tiny":
        return drawn * 1e-6
    if pattern == "with-zero":
        drawn[[(picks[c % 6] // 16 + c) % 2 == 1 for c in range(classes)]] = 0.0
        if len(present) and not drawn[present].any():
            drawn[present[0]] = 1.0
    elif pattern == "zero-total":
        drawn[present] = 0.0
    return drawn
