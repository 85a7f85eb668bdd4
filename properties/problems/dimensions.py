"""Dimensions that contracts share: what every one of them has, and what some take up as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from properties.problems.domain import Dimension


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _gate(table: Mapping[Any, str]) -> Callable[[Any], str | None]:
    return lambda value: table.get(value)


def _rank_gate(rank: Any) -> str | None:
    return {1: "shape/rank-one", 2: None}.get(rank, "shape/rank")


def _ignore_index_gate(value: Any) -> str | None:
    if value is None:
        return "ignore/none-is-all-valid"
    if value >= 0 and value < 100:
        return "ignore/inside-classes"
    return None if value == -100 else "ignore/sentinels"


FORMULA_LOGITS = ("lattice", "ties", "normal", "spread", "certain")
NUMERIC_LOGITS = ("saturated", "huge", "offset", "near-ties")

TAKES_WEIGHTS = "conduct/takes-weights"
TAKES_IGNORED = "conduct/takes-ignored"

_SIZES = ("few", "few", "several", "few", "one", "square", "few", "empty", "few", "many", "few")

COMMON = (
    Dimension("rank", (2, 2, 3, 4, 1, 5, 6), _rank_gate, lambda v: _is_int(v) and 1 <= v <= 6, "ints from 1 to 6"),
    Dimension("size", _SIZES, _gate({"empty": "shape/empty"})),
    Dimension(
        "classes",
        (2, 3, 4, 2, 5, 3, 7, 2, 10, 4, 1, 19, 3, 100),
        _gate({1: "shape/one-class"}),
        lambda v: _is_int(v) and 1 <= v <= 1000,
        "ints from 1 to 1000",
    ),
    Dimension(
        "axis",
        (1, 1, -1, 0, 2),
        lambda v: None if v == 1 else "shape/axis",
        lambda v: _is_int(v) and -6 <= v < 6,
        "ints from -6 to 5",
        absent=1,
        tacit=True,
    ),
    Dimension("dtype", ("float64", "float32", "float16", "bfloat16")),
    Dimension("label_dtype", ("int64", "int64", "int32"), _gate({"int32": "numerics/label-dtype"})),
    Dimension("layout", ("contiguous", "contiguous", "strided"), _gate({"strided": "shape/non-contiguous"})),
    Dimension("reduction", ("mean", "sum", "none"), _gate({"none": "shape/none-shape"}), absent="mean", tacit=True),
    Dimension(
        "ignored",
        ("none", "some", "some", "most", "all"),
        _gate({"all": "ignore/all-ignored", "some": TAKES_IGNORED, "most": TAKES_IGNORED}),
        absent="none",
    ),
    Dimension(
        "ignore_index",
        (-100, 255, -1, 0, 1, None),
        _ignore_index_gate,
        lambda v: v is None or _is_int(v),
        "ints or None",
        absent=None,
    ),
    Dimension(
        "weight",
        ("absent", "small", "small", "ones", "with-zero", "tiny", "zero-total"),
        lambda v: None if v == "absent" else "weights/zero-total" if v == "zero-total" else TAKES_WEIGHTS,
        absent="absent",
        tacit=True,
    ),
    Dimension("logits", (*FORMULA_LOGITS, "edges", *NUMERIC_LOGITS)),
)
"""What every contract has. A contract adds the arguments of its own, and may replace any of these."""

TARGETS = Dimension("targets", ("hard",), kind=str)
"""What labels are; a contract that takes others replaces it."""

ANY_ROWS = "any-rows"
"""Soft labels whose rows need not sum to 1; a value of ``targets``."""

DENOMINATOR = Dimension("denominator", ("weights", "weights", "count"), absent="weights", tacit=True, claimable=True)
"""What a mean divides by: the sum of the weights of the valid elements, or their number."""

LABEL_WEIGHT = Dimension("label_weight", ("absent", "mask"), absent="absent")
"""A mask that goes with the call, for losses of single entries."""

COMMON_NAMES = frozenset(dimension.name for dimension in COMMON) | {"targets", "label_weight"}
