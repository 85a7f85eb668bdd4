"""Foreign targets: what a certificate of somebody else may have called with its settings."""

from __future__ import annotations

import inspect
import sys
from types import ModuleType
from typing import Any

from properties.errors import LIBRARIES, UsageError
from properties.subjects.subject import Subject


def require_loss(found: Any, module: ModuleType, text: str) -> None:
    """Raise UsageError unless a target is a loss: a Layer class, a Subject, or a function that its module defines.

    A certificate names a target and settings for it. Those of a stranger's must reach no other callable, such as
    ``subprocess:Popen``.
    """
    if isinstance(found, Subject):
        return
    own = getattr(found, "__module__", None) == module.__name__ and _root(module) not in _STANDARD
    if (inspect.isclass(found) and _is_layer(found)) or (inspect.isfunction(found) and own):
        return
    raise UsageError(
        f"{text!r} is called with settings of a certificate that was not made on this machine; that must be a "
        "paddle.nn.Layer class, a Subject, or a function that the named module defines"
    )


_STANDARD = sys.stdlib_module_names | LIBRARIES


def _is_layer(found: type) -> bool:
    """Whether a class is a Layer of Paddle; asked by name, since Paddle is imported in its backend alone."""
    return any(base.__name__ == "Layer" and base.__module__.startswith("paddle.") for base in found.__mro__)


def _root(module: ModuleType) -> str:
    return module.__name__.split(".")[0]
