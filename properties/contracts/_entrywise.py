"""What contracts share whose losses are of single entries: no class axis, targets for every number, a mask."""

from __future__ import annotations

from properties.problems.dimensions import COMMON, TARGETS
from properties.problems.domain import Dimension


def common(
    targets: tuple[str, ...], ignore_index: tuple[int | None, ...] = (-100, -1, 255, None)
) -> tuple[Dimension, ...]:
    """The dimensions of every contract as they are without classes."""
    known = {dimension.name: dimension for dimension in COMMON}
    sentinels = known["ignore_index"]
    return (
        Dimension(
            "targets",
            targets,
            kind=TARGETS.kind,
            absent=targets[0],
            optional={"probability": "targets between 0 and 1"} if "binary" in targets else {},
        ),
        Dimension("classes", (1,)),
        Dimension("axis", (1,), absent=1),
        Dimension("weight", ("absent", "entries"), absent="absent", law="weights/entries-of-a-class"),
        Dimension("label_dtype", ("int64",)),
        Dimension(
            "ignore_index",
            ignore_index,
            sentinels.gate,
            # 0 and 1 are targets
            lambda v: v is None or (isinstance(v, int) and not isinstance(v, bool) and not 0 <= v < 100),
            "negative ints, ints from 100 on, or None",
            absent=None,
        ),
    )


PROMISES = (
    "oracle",
    "ignore",
    "denominator",
    "conventions",
    "shape",
    "numerics",
    "conduct",
    "modes",
    "refusals",
    "arguments",
    "twice-differentiable",
)

WITHOUT = frozenset(
    {
        "shape/one-class",
        "shape/axis",
        "shape/square",
        "shape/label-axis",
        "shape/none-label-axis",
        "ignore/inside-classes",
        "numerics/masked-classes",
        "numerics/linear-past-64",
        "numerics/label-dtype",
        "numerics/small-labels",
        "conduct/takes-weights",
        "conduct/takes-square",
        "conduct/takes-ignored-and-weighted",
        "refusals/weight-length",
        "refusals/bad-weight",
    }
)
"""Laws about class axes and class labels."""
