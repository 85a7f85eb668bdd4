"""Every layer in any configuration, drawn by Hypothesis, and a problem that it takes."""

import numpy as np
import paddle
from hypothesis import strategies as st

import paddle_impl
from tests.paddle_impl.cases import IDS, LOGITS, REAL

CLASSES = 4

numbers = st.floats(0.0, 8.0).map(lambda x: round(x, 3))
"""Numbers >= 0."""


@st.composite
def class_weights(draw):
    """None, or numbers for each class: as a list, an array, or a Tensor of any dtype."""
    values = draw(st.none() | st.lists(numbers, min_size=CLASSES, max_size=CLASSES))
    if values is None:
        return None
    dtype = draw(st.sampled_from([None, "numpy", "float32", "float64", "bfloat16", "int64"]))
    if dtype is None:
        return values
    return np.asarray(values) if dtype == "numpy" else paddle.to_tensor(values).astype(dtype)


def maybe(**options):
    """Any of these keyword arguments."""
    return st.fixed_dictionaries({}, optional=options)


COMMON = {
    "reduction": st.sampled_from(["none", "sum", "mean"]),
    "denominator": st.sampled_from(["weights", "count"]),
    "check_labels": st.booleans(),
    "twice_differentiable": st.booleans(),
    "as_dict": st.booleans() | st.sampled_from(["loss", "CE Loss"]),
}
CLASSIFIED = {**COMMON, "weight": class_weights(), "ignore_index": st.sampled_from([-100, 255, 1]), "axis": st.just(1)}
REGIONS = {
    "bins": st.integers(1, 30) | st.floats(0.02, 1.0) | st.sampled_from([np.float32(0.1), np.int64(7)]),
    "momentum": st.sampled_from([0.0, 0.75, 0.9]),
    "normalize": st.sampled_from(["occupied", "paper"]),
    "ema": st.sampled_from(["corrected", "mmdet"]),
}
GAMMA = {"gamma": numbers | st.integers(0, 5)}
SOFT = {"soft_weight": st.sampled_from(["paddle", "torch"])}
counts = st.lists(st.integers(1, 5000) | st.floats(0.5, 9.5), min_size=CLASSES, max_size=CLASSES)

OPTIONS = {
    "CrossEntropyLoss": maybe(**CLASSIFIED, **SOFT, label_smoothing=st.floats(0.0, 1.0)),
    "FocalLoss": maybe(**CLASSIFIED, **GAMMA),
    "SigmoidFocalLoss": st.builds(
        lambda options, normalizer: {**options, **({"normalizer": normalizer} if "reduction" not in options else {})},
        maybe(**CLASSIFIED, **GAMMA, alpha=st.none() | st.floats(0.0, 1.0)),
        st.none() | numbers | numbers.map(paddle.to_tensor),
    ),
    "GHMLoss": maybe(**CLASSIFIED, **REGIONS),
    "SigmoidGHMLoss": maybe(**CLASSIFIED, **REGIONS),
    "GHMRLoss": maybe(**COMMON, **REGIONS, mu=st.floats(0.001, 10.0)),
    "TopKLoss": st.builds(
        lambda options, amount: {**options, **amount},
        maybe(**CLASSIFIED, individual=st.sampled_from(["cross_entropy", "logistic", "hinge"])),
        maybe(top_k=st.floats(0.01, 1.0)) | maybe(k=st.integers(1, 40)),
    ),
    "CostSensitiveLoss": st.builds(
        lambda options, counted: {
            **options,
            "num_class_list": counted if "empty_class_weight" not in options else [0, *counted[1:]],
        },
        maybe(**CLASSIFIED, **SOFT, **GAMMA, empty_class_weight=numbers),
        counts | counts.map(np.asarray) | counts.map(paddle.to_tensor),
    ),
}
NAMES = sorted(OPTIONS)


def made(name, options):
    """The layer of that name."""
    return getattr(paddle_impl, name)(**options)


def problem_of(name, options):
    """Logits and labels that it takes."""
    ids = np.where(IDS == -100, options.get("ignore_index", -100), IDS)
    entries = name == "TopKLoss" and options.get("individual", "cross_entropy") != "cross_entropy"
    labels = REAL if name == "GHMRLoss" else (LOGITS > 1).astype(float) if entries else ids
    return paddle.to_tensor(LOGITS, stop_gradient=False), paddle.to_tensor(labels)


def unpacked(loss):
    """A loss, out of its dict if it is in one."""
    return next(iter(loss.values())) if isinstance(loss, dict) else loss
