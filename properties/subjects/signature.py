"""Signature: a layer's arguments, their defaults, and which contract argument fills each of them."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

REQUIRED: Any = inspect.Parameter.empty
"""Stands for the default of an argument that has none."""

BY_NAME = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Unknown(enum.Enum):
    """Stands for the default of an argument that no signature shows."""

    UNKNOWN = "unknown"


UNKNOWN = Unknown.UNKNOWN


@dataclass(frozen=True)
class LayerArgument:
    """An argument of a layer, by the layer's name of it.

    ``fills`` is the contract argument that is passed as it; empty where none is. ``given`` says how it could be passed:
    to a ``function``, to a ``constructor``, with the ``call`` of a layer, to the functions of a subject made by hand
    (``build``), or by ``position`` alone.
    """

    name: str
    default: Any = UNKNOWN
    annotation: str = ""
    fills: str = ""
    given: str = "constructor"


def parameters_of(found: Callable[..., Any], skip: int) -> list[inspect.Parameter]:
    """Return the parameters of a callable, except ``*args``, ``**kwargs`` and the first ``skip`` positional ones.

    Raises TypeError or ValueError where there is no signature to read.
    """
    parameters = inspect.signature(found).parameters.values()
    placed = [p for p in parameters if p.kind in BY_PLACE]
    return [*placed[skip:], *(p for p in parameters if p.kind is p.KEYWORD_ONLY)]


def readable_parameters(found: Callable[..., Any], skip: int = 0) -> list[inspect.Parameter]:
    """Return :func:`parameters_of` a callable; an empty list where there is no signature to read."""
    try:
        return parameters_of(found, skip)
    except (TypeError, ValueError):
        return []


def by_name(parameters: Iterable[inspect.Parameter]) -> dict[str, inspect.Parameter]:
    """Return the parameters that can be given by name, by their names."""
    return {p.name: p for p in parameters if p.kind in BY_NAME}


def takes_any_name(found: Callable[..., Any]) -> bool:
    """Return whether a callable takes arguments of any name."""
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(found).parameters.values())


def call_parameters(found: Any) -> list[inspect.Parameter]:
    """Return what a class's call takes after logits and labels; an empty list where that cannot be read."""
    return readable_parameters(getattr(found, "forward", None) or found.__call__, 3)


def call_names(found: Any) -> tuple[str, ...]:
    """Return the names of the two arguments that a class's call, or a function, takes by place first."""
    method = (getattr(found, "forward", None) or found.__call__) if inspect.isclass(found) else found
    placed = [p.name for p in readable_parameters(method) if p.kind in BY_PLACE]
    first = int(inspect.isclass(found))
    return tuple(placed[first : first + 2])


def layer_arguments(
    parameters: Iterable[inspect.Parameter], names: Mapping[str, str], given: str
) -> tuple[LayerArgument, ...]:
    """Return a layer's arguments from its parameters; ``names`` maps contract arguments to the layer's names."""
    fills = {written: argument for argument, written in names.items()}
    found = []
    for p in parameters:
        how = "position" if p.kind is p.POSITIONAL_ONLY else given
        found.append(LayerArgument(p.name, p.default, _annotation(p), fills.pop(p.name, ""), how))
    # an argument that is passed through **kwargs shows no default
    return (*found, *(LayerArgument(written, fills=argument, given=given) for written, argument in fills.items()))


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        return ""
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
