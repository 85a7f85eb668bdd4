"""Hypothesis home: where Hypothesis keeps tables and constants that it has read once, no folder of the user's work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import platformdirs
from hypothesis import configuration


def keep_storage_away() -> None:
    """Let Hypothesis write into the user's cache, and not into the current folder.

    Under pytest, and where the user named a folder, that stays as it is.
    """
    if "_hypothesis_pytestplugin" in sys.modules or os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY"):
        return
    if vars(configuration).get("__hypothesis_home_directory") is None:
        configuration.set_hypothesis_home_dir(Path(platformdirs.user_cache_dir("lossproof", False)) / "hypothesis")
