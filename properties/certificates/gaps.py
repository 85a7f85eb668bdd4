"""Gaps: what keeps a layer from being certified even though every law held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from properties.engine.description import Description
from properties.engine.result import FAILED, UNSETTLED
from properties.judging.conventions import law_of, telling
from properties.laws.conduct import ANSWERS


def gaps_of(
    description: Description,
    outcomes: Mapping[str, str],
    reported: Collection[str],
    seen: Collection[tuple[str, str]],
) -> tuple[str, ...]:
    """A sentence for each gap.

    Args:
        description: what is known of the subject.
        outcomes: how each gate and each law ended.
        reported: the laws whose outcomes decide the verdict by themselves.
        seen: the named values that some problem had which was put to the layer, each with its dimension, as text.
    """
    if outcomes.get(ANSWERS) in FAILED:
        # nothing else was asked, and the verdict says so
        return description.gaps
    return (*description.gaps, *_closed(description, outcomes, reported), *_never_drawn(description.named, seen))


def untold(adopted: Mapping[str, str], outcomes: Mapping[str, str]) -> list[str]:
    """Conventions that the laws ran with, and of which the law that tells of them has nothing to show."""
    return [
        f"the laws ran with {name}={value}, which {law_of(name)} does not show"
        for name, value in adopted.items()
        if not {outcomes.get(law, "") for law in telling({name: value})} & set(FAILED)
    ]


def _closed(description: Description, outcomes: Mapping[str, str], reported: Collection[str]) -> list[str]:
    """Gates that do not hold, though nobody asked for a report of them."""
    found = []
    for info in description.laws:
        outcome = outcomes.get(info.id, "")
        if info.gate and info.id not in reported and outcome in (*FAILED, *UNSETTLED):
            behind = "; ".join(f"{name} {_listed(values)}" for name, values in info.behind.items())
            kept = f", so that nothing was asked with {behind}" if behind else ""
            found.append(f"{info.id}, which others rest on, is {outcome}{kept}")
    return found


def _never_drawn(named: Mapping[str, tuple[Any, ...]], seen: Collection[tuple[str, str]]) -> list[str]:
    """Values that somebody named and that no problem had."""
    missing = {name: [v for v in values if (name, str(v)) not in seen] for name, values in named.items()}
    return [
        f"{name} {_listed(values)} was named in the domain, and never drawn"
        for name, values in missing.items()
        if values
    ]


def _listed(values: Collection[Any]) -> str:
    return ", ".join(map(str, values))
