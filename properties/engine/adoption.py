"""Adoption: the conventions that a layer was found to follow, with which the laws run in place of the contract's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from properties.judging.conventions import WIDER, law_of

NO_CLAIMS = ("epsilon",)
"""Facts whose claim is part of another one's."""


def adopted(facts: Mapping[str, Mapping[str, Any]], asked: Collection[str]) -> dict[str, str]:
    """Return what a subject would claim that is found to do so; nothing where no law that is asked would tell of it."""
    claims = {name: str(fact.get("claim", "")) for name, fact in facts.items() if law_of(name) in asked}
    found = {name: claim for name, claim in claims.items() if claim and name not in NO_CLAIMS}
    added = claims.get("epsilon")
    if added:
        divides = found.get("denominator") or str(facts["denominator"]["contract"])
        if divides:
            found["denominator"] = f"{divides}+{added}"
    return found


def narrower(dtypes: tuple[str, ...], claims: Mapping[str, str]) -> tuple[str, ...]:
    """Return the dtypes in which a layer is asked that computes in a claimed precision."""
    wider = WIDER.get(claims.get("precision", ""), ())
    return tuple(dtype for dtype in dtypes if dtype not in wider)
