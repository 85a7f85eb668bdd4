"""The published GHM layer and its half repair, under an earlier name: they are written in ``published/ghm.py``.

    lossproof certify examples/published_ghm.py:PublishedGHM --contract ghm --map width=bins \\
        --domain bins=1.0,0.5,0.25,0.1,0.3
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def _from_folder(name: str) -> ModuleType:
    """The module of that name in the folder beside this file, whoever imports this one and from where."""
    known, file = f"published_{name}_in_folder", Path(__file__).resolve().parent / "published" / f"{name}.py"
    if known not in sys.modules:
        spec = importlib.util.spec_from_file_location(known, file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[known] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[known])
    return sys.modules[known]


_ghm = _from_folder("ghm")
PublishedGHM = _ghm.PublishedGHM
HalfRepairedGHM = _ghm.HalfRepairedGHM
