"""Importing: the module that a target names, and the lines with which a script imports it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from properties.errors import UsageError, did_you_mean
from properties.subjects.script_text import is_name


def load_module(where: str) -> ModuleType:
    """Import and return the module of that name, or of that file; UsageError where it cannot be imported."""
    if where.endswith(".py"):
        path = Path(where)
        if not path.is_file():
            beside = (each.name for each in path.parent.glob("*.py"))
            raise UsageError(f"there is no file {where}{did_you_mean(path.name, beside)}")
        name = path.stem
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(path.resolve()):
            return sys.modules[name]
        if name in sys.modules:
            # a file must not replace an imported module of the same name
            name = f"lossproof_target_{name}"
        spec = importlib.util.spec_from_file_location(name, path.resolve())
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.path.insert(0, str(path.resolve().parent))
        sys.modules[name] = module
        return _run(where, lambda: (spec.loader.exec_module(module), module)[1])  # type: ignore[union-attr]
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    return _run(where, lambda: importlib.import_module(where))


def _run(where: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise UsageError(f"{where} cannot be imported: {type(error).__name__}: {error}") from error


def import_lines(where: str, name: str) -> tuple[str, ...]:
    """Return the lines of a script that import a name."""
    first = name.split(".")[0]
    if not where.endswith(".py"):
        return _import_of(where, first)
    path = Path(where)
    return ("import sys", f"sys.path.insert(0, {str(path.parent)!r})", *_import_of(path.stem, first))


def _import_of(module: str, name: str) -> tuple[str, ...]:
    """Return the lines that import a name from a module, which may have a name that no statement can have."""
    if all(map(is_name, module.split("."))):
        return (f"from {module} import {name}",)
    return ("import importlib", f"{name} = importlib.import_module({module!r}).{name}")
