"""Conditioning: on which problems alone a layer departs, found from where that helps and where it breaks something."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from properties.departures.conditions import AND
from properties.departures.departure import Fitted
from properties.departures.of_refusals import RAISES
from properties.departures.parts import Mask
from properties.engine.agreement import Model

SAMPLED = 32
"""Problems of which it is looked how a departure does on them, of those that are explained, and of the others."""

EVIDENCE = 3
"""Problems that a condition must explain, so that it is not made up for one of them."""

JOINED, BEAM = 3, 12
"""Conditions that are joined at most, and conjunctions that are kept to be joined with one more."""

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
    return [RAISES.fitted().only(name) for name in _telling(model, raised, answered, exactly=True)]


def _spread(indices: list[int]) -> list[int]:
    step = max(len(indices) // SAMPLED, 1)
    return indices[::step][:SAMPLED]


def _telling(model: Model, inside: Sequence[int], outside: Sequence[int], exactly: bool = False) -> list[str]:
    """The conditions that hold on none of the problems outside, and on most of those inside; the plainest first.

    Where it need not be ``exactly`` so, those too that are wrong least often.
    """
    if len(inside) < EVIDENCE:
        return []
    found: list[tuple[int, int, str]] = []
    nearly: list[str] = []
    beam: list[tuple[str, Mask]] = [("", np.ones(len(model.observed), dtype=bool))]
    for depth in range(JOINED):
        extended = dict(_extended(model, beam))
        told = [(int((~mask[inside]).sum()), int(mask[outside].sum()), name) for name, mask in extended.items()]
        found += [(lost, depth, name) for lost, wrong, name in told if not wrong and len(inside) - lost >= EVIDENCE]
        told.sort(key=lambda each: each[0] + each[1])
        if not exactly:
            nearly += [name for lost, wrong, name in told[:1] if wrong and lost + wrong < len(inside) - EVIDENCE]
        if any(not lost for lost, *_ in found):
            break
        beam = [(name, extended[name]) for *_, name in told[:BEAM]]
    found.sort(key=lambda each: each[:2])
    return [*(name for *_, name in found[:PROPOSED]), *nearly]


def _extended(model: Model, beam: Sequence[tuple[str, Mask]]) -> Iterator[tuple[str, Mask]]:
    """Every conjunction with one condition more, which makes a difference to it."""
    seen: set[bytes] = set()
    for name, mask in beam:
        for other, holding in model.holding.items():
            both = mask & holding
            if (
                both.any()
                and (both != mask).any()
                and (both != holding).any() | (not name)
                and both.tobytes() not in seen
            ):
                seen.add(both.tobytes())
                yield f"{name}{AND}{other}" if name else other, both
