"""Precision: the floating-point types that a problem may be asked in, their limits, and rounding to one of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""An array of float64 numbers. Numbers of narrower types are kept as the float64 numbers that equal them."""

SMALLEST_NORMAL = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}
"""The smallest positive normal number of each type."""

LARGEST: dict[str, float] = {
    "float64": float(np.finfo(np.float64).max),
    "float32": float(np.finfo(np.float32).max),
    "float16": 65504.0,
    "bfloat16": float.fromhex("0x1.fep127"),
}
"""The largest finite number of each type."""


def round_to(array: Array, dtype: str) -> Array:
    """Return the numbers of ``dtype`` nearest to those of ``array``, as float64."""
    if dtype == "float64":
        return array
    if dtype == "bfloat16":
        bits = np.atleast_1d(array.astype(np.float32)).view(np.uint32)
        # round half to even on the upper 16 bits; NaN and inf keep their pattern
        rounded = ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32)
        nearest = np.where(np.isfinite(bits.view(np.float32)), rounded.view(np.float32), bits.view(np.float32))
        return nearest.astype(np.float64).reshape(array.shape)
    with np.errstate(over="ignore"):
        return array.astype(dtype).astype(np.float64)
