"""Scripts: writes those of causes and departures to files of their own, and overwrites nothing but scripts of ours."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from properties.certificates.causes import Cause
from properties.storage.files import Folder, ForeignFileError

FOLDER = ".lossproof"
"""Where scripts go by default, below the working directory."""

MARK = "# Written by lossproof: shows without it what is wrong.\n"
"""The first line of each script; a file without it is somebody else's, and stays as it is."""


LONGEST_NAME = 180
"""Bytes of the name of a script, its ending and number aside."""

MOST_NAMES = 1_000
"""Names that are tried for one script."""


def write_scripts(
    subject: str, causes: Iterable[Cause], folder: Path, departures: Iterable[Mapping[str, Any]] = ()
) -> Mapping[str, Path]:
    """Write the scripts of causes and departures that have one.

    Returns the file of each by the id of its law, or the name of the departure. Raises OSError where the folder cannot
    be written, ForeignFileError where it is a link.
    """
    scripts = {cause.law.id: cause.law.script for cause in causes}
    scripts |= {departure["name"]: departure["script"] for departure in departures}
    scripts = {name: script for name, script in scripts.items() if script}
    written: dict[str, Path] = {}
    if not scripts:
        return written
    with _opened(folder) as place:
        for name, script in scripts.items():
            file = _free(place, _stem(f"{subject}-{name}"))
            place.write(file, f"{MARK}{script}")
            written[name] = folder / file
    return written


def _opened(folder: Path) -> Folder:
    """Make and open a folder; where a link has its name, that is not followed."""
    if folder.name in ("", ".."):
        return Folder(folder, make=True)
    with Folder(folder.parent, make=True) as above:
        return above.subfolder(folder.name, make=True)


def _stem(words: str) -> str:
    """Return words as the name of a file, cut to what any file system takes."""
    plain = re.sub(r"[^\w.-]+", "-", words).strip("-")
    return plain.encode()[:LONGEST_NAME].decode(errors="ignore") or "script"


def _free(folder: Folder, stem: str) -> str:
    """Return the first name like this that nothing has, or a script of ours."""
    for number in range(1, MOST_NAMES):
        name = f"{stem}.py" if number == 1 else f"{stem}-{number}.py"
        if folder.status(name) is None or _is_ours(folder, name):
            return name
    raise FileExistsError(errno.EEXIST, f"{MOST_NAMES} files of others have the name {stem}")


def _is_ours(folder: Folder, name: str) -> bool:
    try:
        return folder.read(name).startswith(MARK.encode())
    except (ForeignFileError, OSError, ValueError):
        return False
