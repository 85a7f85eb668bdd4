"""Cost-sensitive cross entropy: class weights from how often each class occurs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
from numpy.typing import ArrayLike

from reference.answer import Answer, Array
from reference.cross_entropy import weighted_cross_entropy
from reference.elements import check_axis, check_number, check_weight
from reference.options import Options, oracle


def class_costs(num_class_list: ArrayLike, gamma: float, empty_class_weight: float | None = None) -> Array:
    """(N_min / N_c)^gamma for each class, N_min over the classes that occur; ``empty_class_weight`` for the others."""
    counts = np.asarray(num_class_list, dtype=np.float64)
    gamma = check_number("gamma", gamma, 0.0)
    if counts.ndim != 1 or counts.size == 0:
        raise ValueError(f"num_class_list must be a list of one count for each class, got {num_class_list!r}")
    wrong = ~(np.isfinite(counts) & (counts >= 0))
    if wrong.any():
        raise ValueError(f"num_class_list must hold finite counts >= 0, got {counts[wrong][0]}")
    empty = counts == 0
    if empty_class_weight is not None:
        check_number("empty_class_weight", empty_class_weight, 0.0)
    if not empty.any():
        return np.asarray((counts.min() / counts) ** gamma)
    if empty_class_weight is None:
        raise ValueError(
            f"num_class_list has the count 0 for class {int(np.flatnonzero(empty)[0])}; give empty_class_weight for it"
        )
    smallest = counts[~empty].min() if not empty.all() else 1.0
    return np.where(empty, empty_class_weight, (smallest / np.where(empty, 1.0, counts)) ** gamma)


@oracle
def cost_sensitive(
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    num_class_list: Sequence[float] | Array,
    gamma: float = 1.0,
    empty_class_weight: float | None = None,
    soft_weight: str = "paddle",
    **options: Unpack[Options],
) -> Answer:
    r"""Compute cross entropy with the class weights (N_min / N_c)^gamma, and its gradient.

    .. math:: w_c = (N_{min} / N_c)^\gamma, \quad l_i = w_{y_i} (\log \sum_c e^{z_{ic}} - z_{i y_i})

    Args:
        num_class_list: [C], N_c, how often each class occurs; 0 only with ``empty_class_weight``.
        gamma: >= 0; 0 is cross entropy.
        empty_class_weight: w_c of the classes that never occur.
        weight: further class weights; the costs multiply them.
        logits, labels, ignore_index, reduction, axis, soft_weight, denominator, normalizer, cotangent: as in
            ``cross_entropy``; soft labels are taken as they are.

    Raises:
        ValueError, TypeError: as ``cross_entropy``, and for counts or a gamma out of range.

    Source: Zhang et al., *Bag of Tricks for Long-Tailed Visual Recognition*, AAAI 2021, eq. 1.

    Example:
        >>> answer = cost_sensitive([[2.0, 0.0, 1.0], [0.0, 3.0, 0.0]], [0, 1], num_class_list=[400, 100, 25])
        >>> answer.value.round(4).item()
        0.1575
    """
    costs = class_costs(num_class_list, gamma, empty_class_weight)
    shape = np.shape(logits)
    classes = shape[check_axis(options["axis"], len(shape))]
    if len(costs) != classes:
        raise ValueError(f"num_class_list must hold one count for each of {classes} classes, got {len(costs)} counts")
    if options["weight"] is not None:
        costs = costs * check_weight(options["weight"], classes)
    options["weight"] = costs
    elements, losses = weighted_cross_entropy(logits, labels, soft_weight=soft_weight, **options)
    return elements.reduce(losses)
