"""What is to be found out about each layer of this package: how it is called, and whether it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PACKAGE = "tests.losses.calling_styles"


@dataclass(frozen=True)
class Style:
    """A layer, the contract that it is checked under, and what a certificate must say of it.

    ``call`` has entries of the certificate's ``call``. A layer that is ``right`` is certified, where ``claims`` are
    named with those. Of a wrong one at least one of ``laws`` does not hold. ``options`` are given to the command:
    what nobody could find out.
    """

    target: str
    contract: str
    call: Mapping[str, Any]
    laws: tuple[str, ...] = ()
    claims: Mapping[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        """Whether no law is broken."""
        return not self.laws

    @property
    def name(self) -> str:
        """The layer's own name."""
        return self.target.rpartition(":")[2]


def pair(module: str, contract: str, right: str, wrong: str, laws: tuple[str, ...], **told: Any) -> tuple[Style, Style]:
    """A right layer and a wrong one that are called alike."""
    options, call = told.pop("options", ()), {"never_given": told.pop("never_given", []), **told}
    targets = [f"{PACKAGE}.{module}:{name}" for name in (right, wrong)]
    sound = Style(targets[0], contract, call, options=options)
    return sound, Style(targets[1], contract, call, laws, options=options)


STYLES: tuple[Style, ...] = (
    *pair(
        "segmentation",
        "cross_entropy",
        "PixelCrossEntropy",
        "PixelCrossEntropyOfAll",
        ("ignore/deleting-is-masking", "shape/mean-over-denominator"),
        order="logits, labels",
        names=["logit", "label"],
        ranks=[4],
        class_axis=1,
        labels="class ids",
        input="logits",
        output="Tensor",
        weight="list",
        arguments={"weight": "class_weight", "ignore_index": "ignore_label", "reduction": "reduction"},
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "ChannelsLast",
        "ChannelsLastFirstClass",
        ("ignore/deleting-is-masking", "shape/mean-over-denominator"),
        names=["input", "label"],
        class_axis=-1,
        labels="class ids",
        input="logits",
        weight="array",
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "LabelMaps",
        "LabelMapsBroadcast",
        ("oracle/value", "shape/none-shape", "shape/sum-of-none"),
        names=["pred", "target"],
        ranks=[4],
        class_axis=1,
        labels="class axis",
        weight="Tensor",
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "TrailingAxis",
        "TrailingAxisCountsLosses",
        ("oracle/value", "shape/mean-over-denominator"),
        names=["x", "label"],
        labels="last axis",
        output="0",
        weight="list",
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "OneHot",
        "OneHotOverEntries",
        ("shape/mean-over-denominator", "oracle/value"),
        names=["inputs", "labels"],
        labels="one-hot",
        output="Tensor",
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "OfProbabilities",
        "OfProbabilitiesWithFloor",
        ("oracle/value",),
        names=["prob", "label"],
        input="softmax",
        labels="class ids",
    ),
    *pair(
        "segmentation",
        "focal",
        "LabelsFirst",
        "LabelsFirstDetached",
        ("oracle/gradient", "oracle/finite-difference"),
        order="labels, logits",
        names=["labels", "logits"],
        label_dtype="int32",
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "InADict",
        "InADictOverflows",
        ("numerics/finite-at-saturation", "oracle/accuracy"),
        names=["logits", "labels"],
        output="loss",
        labels="class ids",
        weight="list",
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "TwoTerms",
        "TwoTermsMixed",
        ("oracle/value",),
        output="ce",
        options=("--output", "ce"),
    ),
    *pair(
        "segmentation",
        "focal",
        "SingleFocal",
        "SingleFocalOfSquare",
        ("oracle/value",),
        # a guess that is offered: `--map alpha=weight`
        never_given=["alpha"],
        arguments={"gamma": "gamma", "ignore_index": "ignore_index", "reduction": "reduction"},
    ),
    Style(
        f"{PACKAGE}.segmentation:SingleFocalByCount",
        "focal",
        {"never_given": ["alpha"]},
        claims={"denominator": "count"},
    ),
    *pair(
        "segmentation",
        "cross_entropy",
        "FloatLabels",
        "FloatLabelsWithoutBackground",
        ("oracle/value",),
        label_dtype="float32",
        labels="class ids",
    ),
    *pair(
        "detection",
        "sigmoid_focal",
        "BackgroundFocal",
        "BackgroundIsFirst",
        ("oracle/value",),
        names=["pred", "target"],
        ranks=[2],
        labels="background ids",
        never_given=["loss_weight"],
    ),
    *pair(
        "detection",
        "sigmoid_focal",
        "FocalOfProbabilities",
        "FocalOfProbabilitiesPositives",
        ("oracle/value",),
        names=["pred", "target"],
        input="sigmoid",
        never_given=["loss_weight"],
    ),
    *pair(
        "detection",
        "sigmoid_focal",
        "TargetsFirst",
        "TargetsFirstPerImage",
        ("denominator/normalizer",),
        order="labels, logits",
        names=["target", "pred"],
        input="logits",
        never_given=["loss_weight"],
    ),
    *pair(
        "balanced",
        "ghm",
        "CountsOfRegions",
        "CountsOfRegionsLastOpen",
        ("oracle/accuracy", "numerics/linear-past-64", "oracle/value"),
        input="logits",
    ),
    *pair(
        "balanced",
        "ghm",
        "WidthsOfRegions",
        "WidthsOfRegionsWithIgnored",
        ("ignore/deleting-is-masking",),
        input="logits",
    ),
    *pair(
        "balanced",
        "average_top_k",
        "HardestShare",
        "HardestShareOfAll",
        ("ignore/sentinels", "ignore/inside-classes"),
        arguments={"top_k": "top_ratio", "ignore_index": "ignore_index", "reduction": "reduction"},
    ),
    *pair(
        "balanced",
        "cost_sensitive",
        "RareClasses",
        "RareClassesSummingToC",
        ("shape/mean-over-denominator", "oracle/value"),
        arguments={
            "num_class_list": "samples_per_cls",
            "gamma": "gamma",
            "ignore_index": "ignore_index",
            "reduction": "reduction",
        },
    ),
)
"""The layers of this package."""
