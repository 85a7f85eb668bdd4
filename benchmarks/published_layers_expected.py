"""Fifteen published losses: what each says of itself, and who is right. Judged from their documentation and source."""

from collections.abc import Mapping
from dataclasses import dataclass, field

SEGMENTATION = "paddleseg.models.losses"
DETECTION = "ppdet.modeling.losses"


@dataclass(frozen=True)
class Published:
    """A published loss and the contract nearest to it.

    ``documented`` is what its documentation promises, ``fault`` in what it breaks that, empty where it does not.
    ``leads`` are words one of which must stand in a finding that refutes it. ``settings`` are arguments without a
    default, or whose default switches off what the loss is for.
    """

    name: str
    target: str
    contract: str
    documented: str
    fault: str = ""
    leads: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


LAYERS = (
    Published(
        "CrossEntropyLoss",
        f"{SEGMENTATION}:CrossEntropyLoss",
        "cross_entropy",
        "the average over pixels that are not ignored, class weights rescale; logits [N, C] or [N, C, D1, ..., Dk]",
        "raises on Paddle 3.3.1 whatever it is given: a float32 mask is multiplied by int64 ones",
        ("Type promotion",),
    ),
    Published(
        "OhemCrossEntropyLoss",
        f"{SEGMENTATION}:OhemCrossEntropyLoss",
        "free",
        "the mean over the hardest pixels, min_kept of them at least",
        "raises on Paddle 3.3.1 where it has pixels to choose from: probabilities plus an int64 mask",
        ("Type promotion",),
        {"min_kept": "1", "thresh": "0.3"},
    ),
    Published(
        "BootstrappedCrossEntropyLoss",
        f"{SEGMENTATION}:BootstrappedCrossEntropyLoss",
        "free",
        "the mean of the losses above a threshold, of min_K at least",
        "raises for an image of min_K pixels: the K-th largest is looked up at index K",
        ("IndexError",),
        {"min_K": "2", "loss_th": "0.3"},
    ),
    Published(
        "FocalLoss",
        f"{SEGMENTATION}:FocalLoss",
        "free",
        "focal loss of two classes; alpha is the weight of class 1, 1 - alpha that of class 0; pixels may be ignored",
        "what stands at an ignored pixel is multiplied by 0: NaN reaches the loss",
        ("poison",),
    ),
    Published(
        "MultiClassFocalLoss",
        f"{SEGMENTATION}.focal_loss:MultiClassFocalLoss",
        "focal",
        "focal loss over a softmax, averaged over pixels that are not ignored",
        "the gradient is NaN where gamma is below 1 and a pixel is certain",
        ("finite", "gamma", "NaN"),
        {"num_class": "3"},
    ),
    Published(
        "BCELoss",
        f"{SEGMENTATION}:BCELoss",
        "free",
        "binary cross entropy of every entry, the mean over entries that are not ignored",
        "what stands at an ignored pixel is multiplied by 0: NaN reaches the loss",
        ("poison",),
    ),
    Published(
        "DiceLoss",
        f"{SEGMENTATION}:DiceLoss",
        "free",
        "Dice, the mean over classes and images; ignored pixels do not contribute",
        "sets the ignored labels of the caller's tensor to 0",
        ("inputs-not-mutated",),
    ),
    Published(
        "LovaszSoftmaxLoss",
        f"{SEGMENTATION}:LovaszSoftmaxLoss",
        "free",
        "Lovasz softmax over the classes that are present; ignored pixels do not contribute",
        "with every pixel ignored an empty tensor comes back, not a number",
        ("all-ignored", "scalar-shape"),
    ),
    Published(
        "LovaszHingeLoss",
        f"{SEGMENTATION}:LovaszHingeLoss",
        "free",
        "Lovasz hinge of one or two channels",
        "of two channels it takes log(p + eps / (1 - p + eps)) for a logit: it does not vanish at certainty",
        ("certain", "vanish"),
    ),
    Published(
        "SECrossEntropyLoss",
        f"{SEGMENTATION}:SECrossEntropyLoss",
        "free",
        "binary cross entropy of which classes occur in an image; logits [N, C] or [N, C, 1, 1]",
        # that it raises for [N, C, 1, 1] is said of the call: a loss that no contract knows promises no rank
    ),
    Published(
        "DetFocalLoss",
        f"{DETECTION}:FocalLoss",
        "sigmoid_focal",
        "sigmoid focal loss of class ids, id C being background",
        "its gradient is NaN where gamma is below 1 and an entry is certain: that of F.sigmoid_focal_loss",
        ("NaN", "finite"),
    ),
    Published(
        "QualityFocalLoss",
        f"{DETECTION}:QualityFocalLoss",
        "free",
        "quality focal loss of (class ids, scores)",
        "with a positive in the batch a float Tensor is multiplied by a bool one",
        ("bool",),
    ),
    Published(
        "VarifocalLoss",
        f"{DETECTION}.varifocal_loss:VarifocalLoss",
        "free",
        "varifocal loss of scores in the shape of the logits, the mean over entries or over avg_factor",
        "inf or NaN where avg_factor is 0, as in a batch without positives",
        ("zero-normalizer",),
    ),
    Published(
        "DistributionFocalLoss",
        f"{DETECTION}:DistributionFocalLoss",
        "cross_entropy",
        "distribution focal loss of distances in [0, n]; of whole distances it is cross entropy",
        "a distance of n looks up class n + 1",
        ("IndexError", "received label value"),
    ),
    Published(
        "CTFocalLoss",
        f"{DETECTION}:CTFocalLoss",
        "free",
        "focal loss of heat maps of probabilities, over the number of positives; certain probabilities are left out",
    ),
)
"""The losses of ``paddleseg==2.8.0`` and ``paddledet==2.6.0``."""
