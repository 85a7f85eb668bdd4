"""Claims: what a subject says of itself where contracts leave a choice, or where it differs from its contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from properties.contracts import known_arguments
from properties.errors import did_you_mean
from properties.judging.contract import Contract
from properties.judging.conventions import DENOMINATORS, NOTHING, PRECISIONS, WIDER, Conventions, Divisor
from properties.judging.detached_gradient import GRADIENTS
from properties.laws.promises import PROMISES

OF_EVERY_CONTRACT: Mapping[str, tuple[str, ...]] = {
    "gradient": GRADIENTS,
    "denominator": tuple(DENOMINATORS),
    "nothing": tuple(NOTHING),
    "precision": PRECISIONS,
}
"""What may be claimed under every contract, with its values; a denominator also with a number that is added to it."""


def claimable(contract: Contract) -> dict[str, tuple[str, ...]]:
    """What may be claimed under this contract or one of the package's, and which values it has."""
    dimensions = {**known_arguments(), **{dimension.name: dimension for dimension in contract.arguments}}
    own = {name: dimension.claims for name, dimension in dimensions.items() if name not in OF_EVERY_CONTRACT}
    promises = {"promises": tuple(PROMISES)} if contract.oracle is None else {}
    return {**OF_EVERY_CONTRACT, **promises, **{name: listed for name, listed in own.items() if listed}}


def held_to(contract: Contract, claims: Mapping[str, str]) -> Contract:
    """The contract as a subject with these claims is held to it; ValueError for claims that it has no room for."""
    known = claimable(contract) if claims else {}
    for name, value in claims.items():
        if name not in known:
            raise ValueError(f"claim must be one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}")
        if name == "promises":
            contract = _promising(contract, value)
            continue
        if name == "denominator":
            Divisor.of(value)
        elif value not in known[name]:
            every, close = ", ".join(map(str, known[name])), did_you_mean(value, known[name])
            raise ValueError(f"claim {name} must be one of {every}, got {value!r}{close}")
        if name not in OF_EVERY_CONTRACT and name not in contract.argument_names:
            raise ValueError(f"claim {name}={value}: contract {contract.name} has no argument {name}")
    if "gradient" in claims:
        contract = contract.with_gradient(claims["gradient"])
    conventions = Conventions(_divisor(contract, claims), claims.get("nothing", "zero"))
    return contract if conventions == contract.conventions else replace(contract, conventions=conventions)


def _divisor(contract: Contract, claims: Mapping[str, str]) -> Divisor:
    """What has to be restated of a claimed denominator: what no argument of the contract stands for."""
    divisor = Divisor.of(claims["denominator"]) if "denominator" in claims else Divisor()
    return replace(divisor, name="") if divisor.name in _pinned(contract, claims).get("denominator", ()) else divisor


def pinned_by(contract: Contract, claims: Mapping[str, str]) -> dict[str, list[str]]:
    """What claims leave of a domain: the claimed values of arguments, and the dtypes of a claimed precision."""
    pinned = _pinned(contract, claims)
    if "precision" in claims:
        wider = WIDER[claims["precision"]]
        pinned["dtype"] = [dtype for dtype in contract.domain["dtype"] if dtype not in wider]
    return pinned


def _pinned(contract: Contract, claims: Mapping[str, str]) -> dict[str, list[str]]:
    values = {dimension.name: dimension.values for dimension in contract.arguments}
    named = {name: Divisor.of(value).name if name == "denominator" else value for name, value in claims.items()}
    return {name: [value] for name, value in named.items() if name != "gradient" and value in values.get(name, ())}


def due_denominator(contract: Contract) -> str:
    """The denominator that a contract says; empty where it names none."""
    if contract.conventions.divisor.name:
        return contract.conventions.divisor.name
    dimension = next((dimension for dimension in contract.arguments if dimension.name == "denominator"), None)
    return "" if dimension is None else str(dimension.values[0])


def _promising(contract: Contract, names: str) -> Contract:
    """The contract with laws that a user knows to hold; ValueError for one that there is not."""
    for name in names.split(","):
        if name not in PROMISES:
            raise ValueError(
                f"promise must be one of {', '.join(PROMISES)}, got {name!r}{did_you_mean(name, PROMISES)}"
            )
    laws = tuple(PROMISES[name].law for name in dict.fromkeys(names.split(",")))
    return replace(contract, own=(*contract.own, *(law for law in laws if law not in contract.own)))
