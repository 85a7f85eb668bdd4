"""The options that all oracles share: their types, their defaults, and the signature that shows them.

An oracle declares its own arguments and ``**options: Unpack[Options]``, passes the options to the function that
arranges logits and labels, and calls ``reduce`` on the result. ``@oracle`` shows every option in the signature.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, TypedDict, TypeVar, cast, get_args, get_type_hints

from numpy.typing import ArrayLike

from reference.answer import Answer

ORACLES: dict[str, Callable[..., Answer]] = {}
"""Every oracle of this package whose module has been imported, by name."""

Function = TypeVar("Function", bound=Callable[..., Answer])


@dataclass(frozen=True)
class Reduction:
    """How per-element losses are reduced, and the upstream gradient; ``cross_entropy`` documents each option."""

    reduction: str = "mean"
    denominator: str = "weights"
    normalizer: float | None = None
    cotangent: ArrayLike | None = None


class ReductionOptions(TypedDict, total=False):
    """The fields of :class:`Reduction` as keyword arguments."""

    reduction: str
    denominator: str
    normalizer: float | None
    cotangent: ArrayLike | None


class Options(ReductionOptions, total=False):
    """The options of every oracle that takes class weights and ignored elements."""

    weight: ArrayLike | None
    ignore_index: int | None
    axis: int


MEAN = Reduction()
DEFAULTS: dict[str, Any] = {"weight": None, "ignore_index": -100, "axis": 1, **asdict(MEAN)}


def oracle(function: Function) -> Function:
    """Expand ``**options`` in the signature of an oracle, and fill in their defaults when it is called.

    The annotation of ``options`` says which they are. The call raises TypeError for an argument of any other name.
    """
    (spec,) = get_args(get_type_hints(function)["options"])
    types = {name: annotation.__forward_arg__ for name, annotation in spec.__annotations__.items()}
    defaults = {name: value for name, value in DEFAULTS.items() if name in types}
    written = inspect.signature(function)
    own = [p for p in written.parameters.values() if p.kind is not p.VAR_KEYWORD]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[name])
        for name, default in defaults.items()
    ]
    signature = written.replace(parameters=[*own, *shared])

    @functools.wraps(function)
    def with_options(*given: Any, **named: Any) -> Answer:
        for name in named:
            if name not in signature.parameters:
                raise TypeError(f"{function.__name__}() got an unexpected keyword argument {name!r}")
        return function(*given, **{**defaults, **named})

    with_options.__signature__ = signature  # type: ignore[attr-defined]
    if function.__module__.startswith("reference."):
        ORACLES[function.__name__] = with_options
    return cast(Function, with_options)
