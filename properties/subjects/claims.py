"""Claims: what a subject says of itself where contracts leave a choice, or where it differs from its contract."""

from __future__ import annotations

from collections.abc import Mapping

from properties.contracts._gradient_density import NORMALIZE
from properties.judging.contract import Contract
from properties.judging.detached_gradient import GRADIENTS
from properties.problems.domain import DENOMINATOR

CLAIMS: Mapping[str, tuple[str, ...]] = {
    "gradient": GRADIENTS,
    "denominator": tuple(dict.fromkeys(DENOMINATOR.values)),
    "normalize": tuple(dict.fromkeys(NORMALIZE.values)),
}
"""What may be claimed, and which values it has."""


def held_to(contract: Contract, claims: Mapping[str, str]) -> Contract:
    """The contract as a subject with these claims is held to it; ValueError for claims that it has no room for."""
    for name, value in claims.items():
        if name not in CLAIMS:
            raise ValueError(f"claim must be one of {', '.join(CLAIMS)}, got {name!r}")
        if value not in CLAIMS[name]:
            raise ValueError(f"claim {name} must be one of {', '.join(CLAIMS[name])}, got {value!r}")
        if name != "gradient" and name not in contract.argument_names:
            raise ValueError(f"claim {name}={value}: contract {contract.name} has no argument {name}")
    return contract.with_gradient(claims["gradient"]) if "gradient" in claims else contract


def pinned_by(claims: Mapping[str, str]) -> dict[str, list[str]]:
    """What claims leave of a domain: the claimed values of arguments."""
    return {name: [value] for name, value in claims.items() if name != "gradient"}
