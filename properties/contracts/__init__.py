"""Contracts by name. Every module of this package whose name begins with a letter defines one, as ``CONTRACT``."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from properties.errors import did_you_mean
from properties.judging.contract import Contract
from properties.problems.domain import Dimension


@lru_cache
def contracts() -> dict[str, Contract]:
    """All contracts, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found = [importlib.import_module(f"{__name__}.{name}").CONTRACT for name in names]
    return {contract.name: contract for contract in found}


@lru_cache
def known_arguments() -> dict[str, Dimension]:
    """The arguments of all these contracts, by name: of equal names, the first one's.

    A certificate says of a problem what its arguments are called and which values they have. What else there is to know
    of them stands here, and in the certificate itself where the contract is somebody's own.
    """
    found: dict[str, Dimension] = {}
    for contract in contracts().values():
        for dimension in contract.arguments:
            found.setdefault(dimension.name, dimension)
    return found


def contract_named(name: str) -> Contract:
    """The contract of that name; ValueError for an unknown one."""
    known = contracts()
    if name not in known:
        raise ValueError(f"contract must be one of {', '.join(known)}, got {name!r}{did_you_mean(name, known)}")
    return known[name]
