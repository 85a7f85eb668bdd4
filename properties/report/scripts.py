"""Scripts: writes those of causes and departures to files of their own, and overwrites nothing but scripts of ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from properties.certificates.causes import Cause

FOLDER = ".lossproof"
"""Where scripts go by default, below the working directory."""

MARK = "# Written by lossproof: shows without it what is wrong.\n"
"""The first line of each script; a file without it is somebody else's, and stays as it is."""


def write_scripts(
    subject: str, causes: Iterable[Cause], folder: Path, departures: Iterable[Mapping[str, Any]] = ()
) -> Mapping[str, Path]:
    """Write the scripts of causes and departures that have one.

    Returns the file of each by the id of its law, or the name of the departure. Raises OSError where the folder cannot
    be written.
    """
    scripts = {cause.law.id: cause.law.script for cause in causes}
    scripts |= {departure["name"]: departure["script"] for departure in departures}
    written = {}
    for name, script in scripts.items():
        if script:
            folder.mkdir(parents=True, exist_ok=True)
            file = _free(folder, re.sub(r"[^\w.-]+", "-", f"{subject}-{name}").strip("-"))
            file.write_text(f"{MARK}{script}", encoding="utf-8")
            written[name] = file
    return written


def _free(folder: Path, name: str) -> Path:
    """Return the first file of this name that is not there, or is a script of ours."""
    number, file = 1, folder / f"{name}.py"
    while file.exists() and not _is_ours(file):
        number += 1
        file = folder / f"{name}-{number}.py"
    return file


def _is_ours(file: Path) -> bool:
    return file.is_file() and file.read_bytes().startswith(MARK.encode())
