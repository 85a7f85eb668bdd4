"""The layers of ``calling_styles`` themselves: called as each wants, the right ones give the oracle's number."""

import numpy as np
import paddle
import pytest

from reference import cost_sensitive, cross_entropy, focal, ghm, sigmoid_focal, top_k_loss
from tests.losses.calling_styles import balanced, detection, segmentation
from tests.losses.calling_styles.table import STYLES

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.normal(size=(2, 3, 2, 4)), RNG.integers(0, 3, (2, 2, 4))
LAST = LOGITS.transpose(0, 2, 3, 1)
HOLES = np.where(RNG.random(LABELS.shape) < 0.2, 255, LABELS)
WEIGHTS = [1.0, 2.0, 0.5]
COUNTS = np.array([100.0, 10.0, 3.0])
ROWS, IDS = RNG.normal(size=(5, 3)), np.array([0, 3, 1, 2, 3])
HOT = np.eye(4)[IDS][:, :3]


def tensor(array, dtype="float64"):
    return paddle.to_tensor(array, dtype=dtype)


def ids(array, dtype="int64"):
    return tensor(array, dtype)


def probabilities(logits):
    return paddle.nn.functional.softmax(tensor(logits), axis=1)


WEIGHTED = cross_entropy(LOGITS, HOLES, weight=np.array(WEIGHTS), ignore_index=255)
PLAIN = cross_entropy(LOGITS, LABELS)
ENTRIES = sigmoid_focal(ROWS, HOT, gamma=2.0, alpha=0.25)

CALLS = {
    "PixelCrossEntropy": (WEIGHTED, lambda of: of(WEIGHTS)(tensor(LOGITS), ids(HOLES))),
    "ChannelsLast": (WEIGHTED, lambda of: of(np.array(WEIGHTS), 255)(tensor(LAST), ids(HOLES))),
    "LabelMaps": (WEIGHTED, lambda of: of(tensor(WEIGHTS), 255)(tensor(LOGITS), ids(HOLES[:, None]))),
    "TrailingAxis": (WEIGHTED, lambda of: of(WEIGHTS, 255)(tensor(LOGITS), ids(HOLES[..., None]))[0]),
    "OneHot": (PLAIN, lambda of: of()(tensor(LOGITS), tensor(np.eye(3)[LABELS].transpose(0, 3, 1, 2)))),
    "OfProbabilities": (PLAIN, lambda of: of()(probabilities(LOGITS), ids(LABELS))),
    "LabelsFirst": (focal(LOGITS, LABELS), lambda of: of()(ids(LABELS, "int32"), tensor(LOGITS))),
    "InADict": (PLAIN, lambda of: of()(tensor(LOGITS), ids(LABELS))["loss"]),
    "TwoTerms": (PLAIN, lambda of: of()(tensor(LOGITS), ids(LABELS))["ce"]),
    "SingleFocal": (
        focal(LOGITS, HOLES, weight=np.array(WEIGHTS), ignore_index=255),
        lambda of: of(alpha=WEIGHTS)(tensor(LOGITS, "float32"), ids(HOLES)),
    ),
    "SingleFocalByCount": (
        focal(LOGITS, HOLES, weight=np.array(WEIGHTS), ignore_index=255, denominator="count"),
        lambda of: of(alpha=WEIGHTS)(tensor(LOGITS, "float32"), ids(HOLES)),
    ),
    "FloatLabels": (PLAIN, lambda of: of()(tensor(LOGITS), tensor(LABELS, "float32"))),
    "BackgroundFocal": (ENTRIES, lambda of: of()(tensor(ROWS), ids(IDS))),
    "FocalOfProbabilities": (ENTRIES, lambda of: of()(paddle.nn.functional.sigmoid(tensor(ROWS)), tensor(HOT))),
    "TargetsFirst": (
        sigmoid_focal(ROWS, HOT, gamma=2.0, alpha=0.25, normalizer=3),
        lambda of: of()(tensor(HOT), tensor(ROWS), avg_factor=3),
    ),
    "CountsOfRegions": (
        ghm(LOGITS, HOLES, bins=10, ignore_index=255),
        lambda of: of(10, 255)(tensor(LOGITS), ids(HOLES)),
    ),
    "WidthsOfRegions": (
        ghm(LOGITS, HOLES, bins=0.3, ignore_index=255),
        lambda of: of(0.3, 255)(tensor(LOGITS), ids(HOLES)),
    ),
    "HardestShare": (
        top_k_loss(LOGITS, HOLES, top_k=0.7, ignore_index=255),
        lambda of: of(0.7, 255)(tensor(LOGITS), ids(HOLES)),
    ),
    "RareClasses": (
        cost_sensitive(LOGITS, HOLES, num_class_list=COUNTS, ignore_index=255),
        lambda of: of(COUNTS, 1.0, 255)(tensor(LOGITS), ids(HOLES)),
    ),
}

LOUD = {
    "PixelCrossEntropy": lambda of: of()(tensor(ROWS), ids([0] * 5)),
    "LabelMaps": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "OneHot": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "OfProbabilities": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "LabelsFirst": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "SingleFocal": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "FloatLabels": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "BackgroundFocal": lambda of: of()(tensor(LOGITS), ids(LABELS)),
    "FocalOfProbabilities": lambda of: of()(tensor(ROWS), tensor(HOT)),
    "CountsOfRegions": lambda of: of(0.5),
    "WidthsOfRegions": lambda of: of(2),
    "RareClasses": lambda of: of(COUNTS.tolist()),
}
"""Other calls than theirs."""


def layer(name):
    return next(vars(m)[name] for m in (segmentation, detection, balanced) if name in vars(m))


@pytest.mark.parametrize("name", CALLS)
def test_a_right_layer_gives_the_oracles_number(name):
    due, call = CALLS[name]
    tolerance = 1e-6 if name.startswith("SingleFocal") else 1e-12
    np.testing.assert_allclose(float(call(layer(name))), float(due.value), rtol=tolerance)


@pytest.mark.parametrize("name", LOUD)
def test_a_call_of_another_style_is_refused(name):
    with pytest.raises((AssertionError, TypeError, ValueError)):
        LOUD[name](layer(name))


def test_every_right_layer_has_a_wrong_twin():
    right = {style.name for style in STYLES if style.right}
    wrong = {base.__name__ for style in STYLES if not style.right for base in layer(style.name).__mro__[1:]}
    assert right == set(CALLS)
    assert right - wrong == {"SingleFocalByCount"}
