"""The laws that any contract may promise; a contract adds its own. A module here has laws of one family.

Every module whose name begins with a letter is looked through for laws, so that a law need only be declared. Laws that
are ``opt_in``, and those that a function makes for a contract, are left to the contracts that name them.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

from properties.judging.law import Law

FAMILIES = (
    "oracle",
    "ignore",
    "weights",
    "denominator",
    "conventions",
    "shape",
    "softmax",
    "numerics",
    "conduct",
    "modes",
    "refusals",
    "arguments",
)
"""The order in which families run and are reported, others after them; in a module laws keep the order of its text."""


def _modules() -> list[str]:
    """The modules of laws in the order of their families; `shape_batch` has more laws of the family `shape`."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name[0].isalpha())
    places = {family: place for place, family in enumerate(FAMILIES)}
    return sorted(names, key=lambda name: places.get(name.partition("_")[0], len(FAMILIES)))


def _declared_in(name: str) -> Iterator[Law]:
    """The laws that a module declares and that no contract has to name."""
    module = importlib.import_module(f"{__name__}.{name}")
    return (value for value in vars(module).values() if isinstance(value, Law) and not value.opt_in)


LAWS: tuple[Law, ...] = tuple(law for name in _modules() for law in _declared_in(name))
