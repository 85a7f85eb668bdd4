"""Current folder: it may have been deleted, which must not keep anybody from being told so."""

from __future__ import annotations

import importlib
import os

_ASKS = "hypothesis.configuration"
"""The module that asks for the current folder when it is imported, and fails where there is none."""


def prepare_without() -> None:
    """Where the current folder was deleted, import from another one what cannot be imported without any."""
    try:
        os.getcwd()
    except OSError:
        here = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.chdir("/")
            importlib.import_module(_ASKS)
        finally:
            os.fchdir(here)
            os.close(here)
