"""Conditioning: on which problems alone a layer departs, found from where that helps and where it breaks something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from properties.departures.conditions import AND
from properties.departures.departure import Fitted
from properties.departures.of_refusals import RAISES
from properties.departures.parts import Mask
from properties.engine.agreement import Model

SAMPLED = 32
"""Problems of which it is looked how a departure does on them, of those that are explained, and of the others."""

PROPOSED = 3
"""Conditions that are proposed, of those that do equally well."""


def narrowed(model: Model, found: Sequence[Fitted], fitted: Fitted, sampled: bool = True) -> list[Fitted]:
    """Return a departure on some problems alone: where it explains some, and breaks none of those explained already."""
    if fitted.where or fitted.departure.change is None:
        return []
    with_it = [*found, fitted]
    explained: list[int] = []
    left: list[int] = []
    for index, one in enumerate(model.observed):
        if fitted.departure.applies(one.problem):
            (explained if model.agrees(found, index) else left).append(index)
    if sampled:
        explained, left = _spread(explained), _spread(left)
    hurt = [index for index in explained if not model.agrees(with_it, index)]
    if not hurt:
        return []
    helped = [index for index in left if model.agrees(with_it, index)]
    return [fitted.only(name) for name in _telling(model, helped, hurt)]


def raising(model: Model) -> list[Fitted]:
    """Return the conditions under which a layer raises: it does wherever one holds."""
    raised = np.flatnonzero(model.raised).tolist()
    answered = np.flatnonzero(~model.raised).tolist()
    return [RAISES.fitted().only(name) for name in _telling(model, raised, answered)]


def _spread(indices: list[int]) -> list[int]:
    step = max(len(indices) // SAMPLED, 1)
    return indices[::step][:SAMPLED]


def _telling(model: Model, inside: Sequence[int], outside: Sequence[int]) -> list[str]:
    """The conditions that hold on none of the problems outside, and on most of those inside; the plainest first."""
    if not inside:
        return []
    found: list[tuple[int, str]] = []
    most = 0
    for pool in (_singles(model), _pairs(model)):
        here = [(int(mask[inside].sum()), name) for name, mask in pool if not mask[outside].any()]
        found += [(number, name) for number, name in here if number > most]
        most = max([most, *(number for number, _ in here)])
        if most == len(inside):
            break
    found.sort(key=lambda each: -each[0])
    return [name for _, name in found[:PROPOSED]]


def _singles(model: Model) -> Iterator[tuple[str, Mask]]:
    yield from model.holding.items()


def _pairs(model: Model) -> Iterator[tuple[str, Mask]]:
    for (one, mask), (other, others) in combinations(model.holding.items(), 2):
        both = mask & others
        if both.any() and (both != mask).any() and (both != others).any():
            yield f"{one}{AND}{other}", both
