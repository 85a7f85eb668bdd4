"""Runs the oracles' tests as other processors would: under several kernels of the BLAS, and without NumPy's SIMD code.

    python -m tests.reference.on_kernels

An oracle's error scale must hold on whatever machine it is computed. OpenBLAS has a kernel for each generation of
processors, and NumPy code of its own; both choose what they find, and both can be told otherwise. Only what this
processor can carry out is tried: a kernel beyond it ends the process.
"""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

KERNELS = {
    "Prescott": {"pni"},
    "Nehalem": {"pni", "sse4_2"},
    "Sandybridge": {"pni", "sse4_2", "avx"},
    "Haswell": {"pni", "sse4_2", "avx", "avx2", "fma"},
    "SkylakeX": {"pni", "sse4_2", "avx", "avx2", "fma", "avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl"},
}
"""Kernels of OpenBLAS, the oldest first, and the flags of a processor that can carry them out."""

TRIED = ("Prescott", "Haswell", "SkylakeX")
"""The ends of that list, and what most machines have."""

FILES = ("gradients", "kinks", "limits", "oracles", "sums")
EXACT = ("against_mpmath", "entries_against_mpmath")
"""The tests that look at digits; against those of 50 places once, where the processor differs most from this one."""

NAMES = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename")


def flags_of(cpuinfo: str) -> set[str]:
    """The flags that /proc/cpuinfo lists; none where it does not know any."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((set(flags.split()) for name, _, flags in lines if name.strip() == "flags"), set())


def kernels_for(flags: set[str]) -> list[str]:
    """The kernels to try on a processor with these flags; at least two where it can carry out two."""
    able = [name for name, needed in KERNELS.items() if needed <= flags]
    chosen = [name for name in able if name in TRIED]
    return chosen if len(chosen) > 1 else able


def loaded_kernel() -> str:
    """The kernel that this process' OpenBLAS has chosen; empty where NumPy came with another BLAS."""
    folder = Path(np.__file__).parent.parent / "numpy.libs"
    for path in folder.glob("*openblas*"):
        library = ctypes.CDLL(str(path))
        for name in NAMES:
            if hasattr(library, name):
                corename = getattr(library, name)
                corename.restype = ctypes.c_char_p
                return str(corename().decode())
    return ""


def simd_features() -> list[str]:
    """The instruction sets beyond its baseline that NumPy makes use of here."""
    return list(np.show_config(mode="dicts")["SIMD Extensions"].get("found", ()))


def environment(kernel: str, plain: bool) -> dict[str, str]:
    """The environment of a process under this kernel; ``plain`` takes NumPy's SIMD code from it."""
    own = {name: value for name, value in os.environ.items() if name != "NPY_DISABLE_CPU_FEATURES"}
    disabled = {"NPY_DISABLE_CPU_FEATURES": " ".join(simd_features())} if plain else {}
    return {**own, "OPENBLAS_CORETYPE": kernel, **disabled}


def described(kernel: str, plain: bool) -> str:
    """What a process under this kernel says that it runs with."""
    code = "from tests.reference.on_kernels import *; print(loaded_kernel(), len(simd_features()))"
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment(kernel, plain), capture_output=True, text=True, check=True
    )
    core, features = run.stdout.split()
    return f"kernel {core}, {features} of NumPy's instruction sets beyond the baseline"


def main() -> int:
    cpuinfo = Path("/proc/cpuinfo")
    kernels = kernels_for(flags_of(cpuinfo.read_text(encoding="utf-8"))) if cpuinfo.exists() else []
    if not kernels or not loaded_kernel():
        print("no kernels to choose from: this needs Linux, an x86 processor and NumPy with OpenBLAS")
        return 0
    for kernel in kernels:
        plain = kernel == kernels[0]
        files = [f"tests/reference/test_{name}.py" for name in (*FILES, *(EXACT if plain else ()))]
        began = time.monotonic()
        print(f"OPENBLAS_CORETYPE={kernel}: {described(kernel, plain)}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *files], env=environment(kernel, plain), check=False
        )
        print(f"{time.monotonic() - began:.0f} s", flush=True)
        if done.returncode:
            print(
                f"under OPENBLAS_CORETYPE={kernel} the oracles' tests fail: {described(kernel, plain)}", file=sys.stderr
            )
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
