"""Membership: whether a problem lies inside a domain, and which of the domain's values it has.

A problem that a law derives from another one (fewer elements, other weights, another axis) may be outside what the user
says that the layer takes, or have a value behind a closed gate. Such a problem is never put to the layer.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from properties.problems.domain import SIZES, Dimension, Domain
from properties.problems.kinds import kind_set_aside
from properties.problems.problem import Problem

LARGE_BATCH = SIZES["several"][1] + 1
"""The least number of elements of a large batch."""

TINY_WEIGHT = 1e-5
"""Class weights up to this size count as tiny."""

MODERATE_LOGITS, LARGE_LOGITS, OFFSET_LOGITS = 33.0, 1e4 + 1.0, 1e4 + 33.0
"""The largest logits of a regime, with room for the steps of difference quotients."""

LARGEST_LOGITS: Mapping[str, float] = {
    "lattice": MODERATE_LOGITS,
    "ties": MODERATE_LOGITS,
    "normal": MODERATE_LOGITS,
    "spread": MODERATE_LOGITS,
    "edges": MODERATE_LOGITS,
    "certain": 64.0,
    "near-ties": MODERATE_LOGITS,
    "saturated": LARGE_LOGITS,
    "huge": LARGE_LOGITS,
    "offset": OFFSET_LOGITS,
}


def reason_outside(problem: Problem, domain: Domain, about: Collection[str] = ()) -> str:
    """Return in words why a problem is outside a domain; '' where it is inside.

    A dimension whose values the user chose admits these alone; any other one admits all values but those behind the
    domain's closed gates. The dimensions named in ``about`` are not looked at.
    """
    for name, dimension in domain.dimensions.items():
        if name in about or not (dimension.chosen or domain.shut):
            continue
        values = values_of(problem, name, domain)
        if values is None or any(_among(value, dimension.values) for value in values):
            continue
        if dimension.chosen:
            return f"{name} is one of {_listed(dimension.values)} alone"
        if values and all(dimension.gate(value) in domain.shut for value in values):
            return f"{name} {values[0]} is set aside"
    kind = kind_set_aside(problem, domain.shut) if domain.shut else ""
    return f"{kind}: that is set aside" if kind else ""


def values_met(problem: Problem, domain: Domain, names: Collection[str]) -> set[tuple[str, Any]]:
    """Return the values of these dimensions that a problem has, each as (name of the dimension, value)."""
    found = set()
    for name in names:
        values = values_of(problem, name, domain)
        listed = domain.dimensions[name].values
        found |= {(name, value) for value in listed if values is None or _among(value, values)}
    return found


def values_of(problem: Problem, name: str, domain: Domain) -> tuple[Any, ...] | None:
    """Return the values of a dimension that a problem may have been drawn with; None where any value may be."""
    if name in _COMMON:
        return _COMMON[name](problem, domain.dimensions[name])
    if name not in problem.config:
        return None
    return _configured(problem, name, domain)


def _configured(problem: Problem, name: str, domain: Domain) -> tuple[Any, ...]:
    """Return the drawn values of a contract's own argument that give what the problem has.

    ``Domain.settle`` may have changed a value that excludes another argument's.
    """
    dimension, given = domain.dimensions[name], problem.config[name]
    found = []
    for value in dict.fromkeys(dimension.values):
        written = value if dimension.expand is None else dimension.expand(value, problem.classes)
        if _same(written, given) or _same(domain.settle({**problem.config, name: written})[name], given):
            found.append(value)
    return tuple(found) if found or isinstance(given, np.ndarray) else (given,)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return type(one) is type(other) and bool(one == other)


def _among(value: Any, values: Sequence[Any]) -> bool:
    return any(_same(value, other) for other in values)


def _listed(values: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _rank(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    return (problem.logits.ndim,)


def _size(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    n = problem.size
    found = [name for name in ("one", "few", "several", "empty") if SIZES[name][0] <= n <= SIZES[name][1]]
    return (*found, *(("square",) if n == problem.classes else ()), *(("many",) if n >= LARGE_BATCH else ()))


def _classes(problem: Problem, dimension: Dimension) -> tuple[Any, ...] | None:
    return None if problem.entrywise else (problem.classes,)


def _axis(problem: Problem, dimension: Dimension) -> tuple[Any, ...] | None:
    """All numbers of the same axis; None for logits of one axis, which have no other, unless the user chose."""
    ndim = max(problem.logits.ndim, 1)
    if ndim == 1 and not dimension.chosen:
        return None
    return tuple(dict.fromkeys((problem.axis, problem.axis % ndim, problem.axis % ndim - ndim)))


def _ignored(problem: Problem, dimension: Dimension) -> tuple[Any, ...] | None:
    valid, n = int(problem.valid.sum()), problem.size
    if n == 0:
        return None
    if valid in (0, n):
        return ("none",) if valid else ("all",)
    return ("some", "most") if valid == 1 else ("some",)


def _weight(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    weight = problem.weight
    if weight is None:
        return ("absent",)
    if problem.entrywise:
        return ("entries",)
    if not weight.all():
        present = (problem.one_hot * weight).any(axis=1)
        return ("zero-total",) if problem.valid.any() and not present.any() else ("with-zero",)
    if (np.abs(weight) <= TINY_WEIGHT).all():
        return ("tiny",)
    return ("ones", "small") if (weight == 1).all() else ("small",)


def _label_weight(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    return ("absent",) if problem.label_weight is None else ("mask",)


def _layout(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    """A layout of labels that keep the class axis counts as contiguous: it is a matter of shape."""
    return ("contiguous",) if problem.layout == "label-axis" else (problem.layout,)


def _logits(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    """The regimes whose logits may be as large as the problem's."""
    largest = np.abs(problem.logits).max(initial=0.0)
    return tuple(regime for regime in dimension.values if largest <= LARGEST_LOGITS.get(regime, np.inf))


def _targets(problem: Problem, dimension: Dimension) -> tuple[Any, ...]:
    kind = dimension.kind or str
    return tuple(value for value in dimension.values if kind(value) == problem.targets) or (problem.targets,)


_COMMON: Mapping[str, Callable[[Problem, Dimension], tuple[Any, ...] | None]] = {
    "rank": _rank,
    "size": _size,
    "classes": _classes,
    "axis": _axis,
    "dtype": lambda problem, dimension: (problem.dtype,),
    "label_dtype": lambda problem, dimension: (problem.label_dtype,),
    "layout": _layout,
    "reduction": lambda problem, dimension: (problem.reduction,),
    "ignored": _ignored,
    "ignore_index": lambda problem, dimension: (problem.ignore_index,),
    "weight": _weight,
    "label_weight": _label_weight,
    "logits": _logits,
    "targets": _targets,
}
