"""Contracts by name. Every module of this package defines one, as ``CONTRACT``; there is no list to keep."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

from properties.judging.contract import Contract


@lru_cache
def contracts() -> dict[str, Contract]:
    """All contracts, by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{name}").CONTRACT for name in names]
    return {contract.name: contract for contract in found}


def contract_named(name: str) -> Contract:
    """The contract of that name; ValueError for an unknown one."""
    known = contracts()
    if name not in known:
        raise ValueError(f"contract must be one of {', '.join(known)}, got {name!r}")
    return known[name]
