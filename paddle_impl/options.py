"""The options that all layers share: their types, and how a layer's signature and docstring come to show them.

A layer declares its own arguments and ``**options: Unpack[Options]``, and passes the options to ``super().__init__``.
Their defaults and checks are those of ``LossLayer.__init__``, and its docstring says what each option means.
"""

from __future__ import annotations

import inspect
import re
from typing import Any, TypedDict


class KeywordOptions(TypedDict, total=False):
    """The options that every layer takes by keyword alone."""

    denominator: str
    check_labels: bool
    twice_differentiable: bool
    as_dict: bool | str


class Options(KeywordOptions, total=False):
    """All options. A layer that takes some of them by position, too, declares those itself."""

    weight: Any
    ignore_index: int | None
    reduction: str
    axis: int


SPECS = {f"Unpack[{spec.__name__}]": spec for spec in (KeywordOptions, Options)}
"""By the annotation of ``**options``, the options that it stands for."""


def options_of(init: Any) -> Any:
    """The options that a constructor takes as ``**options``; None where it takes none, or others."""
    return SPECS.get(getattr(init, "__annotations__", {}).get("options"))


def expand(layer: type, base: type) -> None:
    """Replace ``**options`` in the signature and the docstring of a layer by the options of ``base``, one by one.

    A layer whose constructor is inherited, or takes no ``**options`` of these types, stays as it is.
    """
    init = vars(layer).get("__init__")
    spec = options_of(init)
    if spec is None:
        return
    written, shared = inspect.signature(init), inspect.signature(base.__init__).parameters
    own = [p for p in written.parameters.values() if p.kind is not p.VAR_KEYWORD]
    added = [p.replace(kind=p.KEYWORD_ONLY) for name, p in shared.items() if name in spec.__annotations__]
    init.__signature__ = written.replace(parameters=[*own, *added])
    if layer.__doc__ and base.__doc__:
        said, takes, doc = documented(layer.__doc__), init.__signature__.parameters, inspect.cleandoc(layer.__doc__)
        entries = [text for name, text in documented(base.__doc__).items() if name in takes and name not in said]
        layer.__doc__ = re.sub(r"^ *\*\*options:.*$", lambda _: "\n".join(entries), doc, flags=re.MULTILINE)


def documented(docstring: str) -> dict[str, str]:
    """The entries under ``Args:``, by the argument."""
    section = inspect.cleandoc(docstring).partition("Args:\n")[2].partition("\n\n")[0]
    return {text.strip().partition(":")[0]: text for text in re.split(r"\n(?= {4}\S)", section)}
