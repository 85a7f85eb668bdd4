"""Required: which levels decide a verdict, and whether remarks do."""

from __future__ import annotations

from collections.abc import Sequence

from properties.judging.law import LEVELS

DEFAULT = ("formula", "numerics", "conduct")
"""What is required of every layer: what a layer does with nonsense is shown, and refutes where that is asked for."""

REMARKS = "remarks"
"""The word that makes remarks refute."""

NAMES = (*LEVELS, REMARKS, "all")
"""What may be required by name."""


def required_of(names: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the levels that decide a verdict, and ``remarks`` where these do too; ValueError for an unknown name.

    Names of levels that are required anyhow narrow them to these; ``refusals`` and ``remarks`` alone come on top;
    ``all`` is everything.
    """
    for name in names:
        if name not in NAMES:
            raise ValueError(f"required may be {', '.join(NAMES)}, got {name!r}")
    if "all" in names:
        return (*LEVELS, REMARKS)
    wanted = set(names) if set(names) & set(DEFAULT) else {*DEFAULT, *names}
    return tuple(name for name in (*LEVELS, REMARKS) if name in wanted)
