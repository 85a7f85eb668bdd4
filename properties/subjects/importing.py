"""Importing: the module that a target names, and the lines with which a script imports it."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from properties.errors import UsageError, did_you_mean
from properties.judging.observation import is_layers, message_of, name_of
from properties.subjects.script_text import is_name

INSTALLED = frozenset({"hypothesis", "numpy", "paddle", "properties", "reference", "scipy"}) | sys.stdlib_module_names
"""Names that a file beside a target does not take over: those of Python, of what we stand on, and our own."""


class _Beside:
    """Finds the modules in the folders of targets, before those that are installed, but for ``INSTALLED`` ones.

    A folder on ``sys.path`` would do so for every name: a ``queue.py`` beside a target would be run in place of
    Python's, by whoever imports that next.
    """

    def __init__(self) -> None:
        self.folders: list[str] = []

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module that stands at the top."""
        if path is not None or name in INSTALLED:
            return None
        return PathFinder.find_spec(name, self.folders, target)


_beside = _Beside()


def load_module(where: str) -> ModuleType:
    """Import and return the module of that name, or of that file; UsageError where it cannot be imported."""
    if where.endswith(".py"):
        path = Path(where)
        try:
            there, file = path.is_file(), path.resolve()
        except OSError as error:
            raise UsageError(f"{where} cannot be found: {error.strerror}") from None
        if not there:
            beside = (each.name for each in path.parent.glob("*.py"))
            raise UsageError(f"there is no file {where}{did_you_mean(path.name, beside)}")
        name = path.stem
        if name in sys.modules and getattr(sys.modules[name], "__file__", None) == str(file):
            return sys.modules[name]
        if name in sys.modules or name in INSTALLED:
            # a file must not replace a module of the same name, imported or not
            name = f"lossproof_target_{name}"
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        _look_in(str(file.parent))
        sys.modules[name] = module
        return _run(where, lambda: (spec.loader.exec_module(module), module)[1])  # type: ignore[union-attr]
    with contextlib.suppress(OSError):
        # a current folder that was deleted has no modules
        _look_in(str(Path.cwd()))
    return _run(where, lambda: importlib.import_module(where))


def _look_in(folder: str) -> None:
    """Let the modules of a folder be imported, those of the last folder first."""
    if _beside not in sys.meta_path:
        # before the finder of installed modules, behind those of built-in ones
        sys.meta_path.insert(0, _beside)
    if folder in _beside.folders:
        _beside.folders.remove(folder)
    _beside.folders.insert(0, folder)


def _run(where: str, load: Callable[[], ModuleType]) -> ModuleType:
    try:
        return load()
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt) and not is_layers(error):
            raise
        words = f"{name_of(error)}: {message_of(error)}".rstrip(": ")
        raise UsageError(f"{where} cannot be imported: {words}") from error


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
