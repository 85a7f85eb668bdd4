"""Departures that any contract may be held against, whatever its oracle computes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from properties.departures.departure import Departure
from properties.departures.of_conduct import OF_CONDUCT
from properties.departures.of_ignored import OF_IGNORED
from properties.departures.of_means import OF_MEANS
from properties.departures.of_places import OF_ELEMENTS_BY_PLACE
from properties.departures.of_reductions import OF_REDUCTIONS
from properties.departures.of_refusals import OF_REFUSALS, RAISES
from properties.departures.of_weights import OF_WEIGHTS
from properties.problems.domain import Dimension

GENERAL = (
    *OF_MEANS,
    *OF_IGNORED,
    *OF_WEIGHTS,
    *OF_REDUCTIONS,
    *OF_ELEMENTS_BY_PLACE,
    *OF_REFUSALS,
    RAISES,
    *OF_CONDUCT,
)

NAMED_OTHERWISE = ("label_smoothing", "soft_weight", "momentum", "ema")
"""Arguments of which a departure of another name says that they are not read, or that one batch tells nothing of."""


def unread(dimensions: Iterable[Dimension]) -> tuple[Departure, ...]:
    """Return for each argument of a contract that may be absent that it is taken and not read.

    Not so where it decides what labels are."""
    return tuple(
        _unread(d.name, d.absent)
        for d in dimensions
        if d.absent is not None and d.expand is None and d.kind is None and d.name not in NAMED_OTHERWISE
    )


def _unread(name: str, absent: Any) -> Departure:
    return Departure(
        f"{name}-unread",
        f"{name} is taken and not read: it is {absent}.",
        lambda: {"rewrite": (lambda problem: problem.configure(**{name: absent}),)},
        needs=(name,),
        harm=15,
        applies=lambda problem: problem.config.get(name, absent) != absent,
    )
