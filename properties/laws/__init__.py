"""The laws, one module a family. What is not here and no contract's own is no law."""

from __future__ import annotations

from properties.judging.law import Law
from properties.laws import (
    arguments,
    batch,
    conduct,
    copies,
    crowds,
    denominator,
    ignore,
    modes,
    numerics,
    oracle,
    refusals,
    saved,
    shape,
    softmax,
    weights,
)

LAWS: tuple[Law, ...] = (
    *oracle.LAWS,
    *ignore.LAWS,
    *weights.LAWS,
    *denominator.LAWS,
    *shape.LAWS,
    *batch.LAWS,
    *softmax.LAWS,
    *numerics.LAWS,
    *crowds.LAWS,
    *conduct.LAWS,
    *copies.LAWS,
    *modes.LAWS,
    *saved.LAWS,
    *refusals.LAWS,
    *arguments.LAWS,
)
"""The laws that any contract may promise; a contract adds its own."""
