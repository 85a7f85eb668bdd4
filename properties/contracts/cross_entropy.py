"""Contract of cross entropy with hard, smoothed and soft labels."""

from properties.contract import OF_CLASSES, Contract
from properties.domain import DENOMINATOR, TARGETS, Dimension
from properties.laws.limits import ONE_HOT, SMOOTHED, TWO_CLASSES
from reference import cross_entropy

SOFT = Dimension(
    "targets", ("hard", "hard", "soft"), lambda v: ONE_HOT.id if v == "soft" else None, kind=TARGETS.kind, absent="hard"
)
"""Hard labels, and soft ones where the layer takes them."""

SOFT_WEIGHT = Dimension("soft_weight", ("paddle", "paddle", "torch"), absent="paddle")

CONTRACT = Contract(
    name="cross_entropy",
    sentence="Cross entropy of a softmax; the mean divides by the sum of the valid elements' weights.",
    promises=(*OF_CLASSES, "additive", "repetition"),
    oracle=cross_entropy,
    arguments=(
        Dimension(
            "label_smoothing",
            (0.0, 0.0, 0.1, 0.0, 0.5, 0.0, 1.0),
            lambda v: SMOOTHED.id if v else None,
            lambda v: isinstance(v, (int, float)) and 0.0 <= v <= 1.0,
            "numbers in [0, 1]",
            absent=0.0,
        ),
        SOFT_WEIGHT,
        DENOMINATOR,
    ),
    common=(SOFT,),
    own=(TWO_CLASSES, ONE_HOT, SMOOTHED),
    bad_arguments={
        "label_smoothing": (-0.1, 1.5, float("nan"), "some"),
        "soft_weight": ("keras", None),
        "denominator": ("batch", 3),
    },
)
