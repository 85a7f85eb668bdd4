"""Source: the text of the files that a subject's layer is written in."""

from __future__ import annotations

import hashlib
import inspect
import sys
import textwrap
from typing import Any

from properties.subjects.subject import Subject

MOST_PARTS = 16
"""The most classes and functions that are searched."""

LIBRARIES = ("properties", "reference", "paddle", "numpy", "scipy", "torch", "hypothesis")


def source_of(subject: Subject) -> str:
    """Return the source of a subject's layer, followed by that of its modules; empty where none is found."""
    try:
        return "\n".join(dict.fromkeys(_texts(subject)))
    except Exception:
        # a user's objects may raise anything when they are inspected, and a search goes on without their constants
        return ""


def hash_of(source: str) -> str:
    """Return the SHA-256 that identifies a version of a source; '' where there is none."""
    return hashlib.sha256(source.encode(errors="surrogatepass")).hexdigest() if source else ""


def _texts(subject: Subject) -> list[str]:
    """Return the source of the user's classes and functions, then that of their modules."""
    parts = [part for part in _parts(subject) if _is_own(part)]
    modules = [sys.modules[part.__module__] for part in parts]
    return [text for part in (*parts, *modules) if (text := _text(part))]


def _text(part: Any) -> str:
    """Return the source of a class, function or module; empty where there is none."""
    try:
        return textwrap.dedent(inspect.getsource(part))
    except (OSError, TypeError):
        return ""


def _parts(subject: Subject) -> list[Any]:
    """Return the classes and functions that build and call a layer, with those that they name or close over."""
    found: list[Any] = []
    queue: list[Any] = [subject.build, subject.call]
    while queue and len(found) < MOST_PARTS:
        part = inspect.unwrap(queue.pop(0))
        part = getattr(part, "func", part)
        if part in found or not callable(part):
            continue
        if inspect.isclass(part):
            found += [base for base in part.__mro__ if base not in found]
            continue
        found.append(part)
        code = getattr(part, "__code__", None)
        known = getattr(part, "__globals__", {})
        queue += [known[name] for name in getattr(code, "co_names", ()) if name in known]
        queue += [cell.cell_contents for cell in getattr(part, "__closure__", None) or ()]
    # the layer before what builds it
    return sorted(found, key=lambda part: not inspect.isclass(part))


def _is_own(part: Any) -> bool:
    """Return whether a class or function belongs to the user, and not to a library."""
    name = getattr(part, "__module__", None) or ""
    return name in sys.modules and name.split(".")[0] not in (*LIBRARIES, *sys.stdlib_module_names)
