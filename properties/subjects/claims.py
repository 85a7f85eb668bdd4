"""Claims: what a subject says of itself where contracts leave a choice, or where it differs from its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from properties.contracts import known_arguments
from properties.errors import did_you_mean
from properties.judging.contract import Contract
from properties.judging.detached_gradient import GRADIENTS
from properties.laws.promises import PROMISES


def claimable(contract: Contract) -> dict[str, tuple[str, ...]]:
    """What may be claimed under this contract or one of the package's, and which values it has.

    ``gradient`` and ``denominator`` are asked for under every contract, and may always be claimed.
    """
    dimensions = {**known_arguments(), **{dimension.name: dimension for dimension in contract.arguments}}
    values = {n: tuple(dict.fromkeys(d.values)) if n == "denominator" else d.claims for n, d in dimensions.items()}
    promises = {"promises": tuple(PROMISES)} if contract.oracle is None else {}
    return {"gradient": GRADIENTS, **promises, **{name: listed for name, listed in values.items() if listed}}


def held_to(contract: Contract, claims: Mapping[str, str]) -> Contract:
    """The contract as a subject with these claims is held to it; ValueError for claims that it has no room for."""
    known = claimable(contract) if claims else {}
    for name, value in claims.items():
        if name not in known:
            raise ValueError(f"claim must be one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}")
        if name == "promises":
            contract = _promising(contract, value)
            continue
        if value not in known[name]:
            every, close = ", ".join(map(str, known[name])), did_you_mean(value, known[name])
            raise ValueError(f"claim {name} must be one of {every}, got {value!r}{close}")
        if name != "gradient" and name not in contract.argument_names:
            raise ValueError(f"claim {name}={value}: contract {contract.name} has no argument {name}")
    return contract.with_gradient(claims["gradient"]) if "gradient" in claims else contract


def _promising(contract: Contract, names: str) -> Contract:
    """The contract with laws that a user knows to hold; ValueError for one that there is not."""
    for name in names.split(","):
        if name not in PROMISES:
            raise ValueError(
                f"promise must be one of {', '.join(PROMISES)}, got {name!r}{did_you_mean(name, PROMISES)}"
            )
    laws = tuple(PROMISES[name].law for name in dict.fromkeys(names.split(",")))
    return replace(contract, own=(*contract.own, *(law for law in laws if law not in contract.own)))


def pinned_by(claims: Mapping[str, str]) -> dict[str, list[str]]:
    """What claims leave of a domain: the claimed values of arguments."""
    return {name: [value] for name, value in claims.items() if name not in ("gradient", "promises")}
