"""The laws, one module a family. What is not here and no contract's own is no law."""

from __future__ import annotations

from properties.judging.law import Law
from properties.laws import (
    arguments,
    conduct,
    conduct_copies,
    denominator,
    ignore,
    modes,
    modes_saved,
    numerics,
    numerics_large_batch,
    oracle,
    refusals,
    shape,
    shape_batch,
    softmax,
    weights,
)

LAWS: tuple[Law, ...] = (
    *oracle.LAWS,
    *ignore.LAWS,
    *weights.LAWS,
    *denominator.LAWS,
    *shape.LAWS,
    *shape_batch.LAWS,
    *softmax.LAWS,
    *numerics.LAWS,
    *numerics_large_batch.LAWS,
    *conduct.LAWS,
    *conduct_copies.LAWS,
    *modes.LAWS,
    *modes_saved.LAWS,
    *refusals.LAWS,
    *arguments.LAWS,
)
"""The laws that any contract may promise; a contract adds its own."""
