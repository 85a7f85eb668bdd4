"""Every layer with its oracle, a few configurations and a problem: shared by the tests of this folder."""

import inspect

import numpy as np
import paddle

import paddle_impl
import reference
from paddle_impl import (
    CostSensitiveLoss,
    CrossEntropyLoss,
    FocalLoss,
    GHMLoss,
    GHMRLoss,
    SigmoidFocalLoss,
    SigmoidGHMLoss,
    TopKLoss,
)
from properties.contracts import contract_named
from tests.losses.layers import LAYERS, NEW

RNG = np.random.default_rng(5)
LOGITS, IDS = RNG.normal(size=(6, 4, 3)) * 3, RNG.integers(0, 4, (6, 3))
IDS[0, 0] = -100
TARGETS = (RNG.random(LOGITS.shape) < 0.3).astype(float)
TARGETS[1, 1, 1] = -100
SOFT = RNG.random(LOGITS.shape)
REAL = RNG.normal(size=LOGITS.shape) * 3
WEIGHT = [1.0, 2.0, 0.5, 3.0]
COUNTS = [3, 10, 1, 7]

CASES = [
    (CrossEntropyLoss, reference.cross_entropy, IDS, {}),
    (CrossEntropyLoss, reference.cross_entropy, IDS, {"weight": WEIGHT, "reduction": "sum"}),
    (CrossEntropyLoss, reference.cross_entropy, IDS, {"weight": WEIGHT, "denominator": "count"}),
    (CrossEntropyLoss, reference.cross_entropy, IDS, {"weight": WEIGHT, "label_smoothing": 0.1}),
    (
        CrossEntropyLoss,
        reference.cross_entropy,
        IDS,
        {"label_smoothing": 0.1, "weight": WEIGHT, "soft_weight": "torch"},
    ),
    (CrossEntropyLoss, reference.cross_entropy, SOFT, {"weight": WEIGHT}),
    (CrossEntropyLoss, reference.cross_entropy, SOFT, {"weight": WEIGHT, "soft_weight": "torch"}),
    (FocalLoss, reference.focal, IDS, {}),
    (FocalLoss, reference.focal, IDS, {"gamma": 0.3, "weight": WEIGHT}),
    (FocalLoss, reference.focal, IDS, {"gamma": 1.5, "weight": WEIGHT, "reduction": "none"}),
    (GHMLoss, reference.ghm, IDS, {}),
    (GHMLoss, reference.ghm, IDS, {"bins": 0.3, "weight": WEIGHT}),
    (GHMLoss, reference.ghm, IDS, {"bins": 7, "weight": WEIGHT, "normalize": "paper", "reduction": "none"}),
    (TopKLoss, reference.top_k_loss, IDS, {"weight": WEIGHT}),
    (TopKLoss, reference.top_k_loss, IDS, {"k": 5, "reduction": "none"}),
    (TopKLoss, reference.top_k_loss, TARGETS, {"top_k": 0.4, "individual": "logistic", "weight": WEIGHT}),
    (TopKLoss, reference.top_k_loss, TARGETS, {"k": 9, "individual": "hinge", "denominator": "count"}),
    (TopKLoss, reference.top_k_loss, REAL, {"individual": "squared", "reduction": "sum"}),
    (TopKLoss, reference.top_k_loss, REAL, {"individual": "absolute"}),
    (CostSensitiveLoss, reference.cost_sensitive, IDS, {"num_class_list": COUNTS}),
    (CostSensitiveLoss, reference.cost_sensitive, SOFT, {"num_class_list": COUNTS, "gamma": 0.5}),
    (SigmoidFocalLoss, reference.sigmoid_focal, TARGETS, {}),
    (SigmoidFocalLoss, reference.sigmoid_focal, SOFT, {"gamma": 0.3, "alpha": None, "weight": WEIGHT}),
    (SigmoidFocalLoss, reference.sigmoid_focal, IDS, {"gamma": 1.5, "reduction": "none"}),
    (SigmoidGHMLoss, reference.sigmoid_ghm, TARGETS, {}),
    (SigmoidGHMLoss, reference.sigmoid_ghm, IDS, {"bins": 0.3, "weight": WEIGHT}),
    (GHMRLoss, reference.ghm_regression, REAL, {}),
    (GHMRLoss, reference.ghm_regression, REAL, {"mu": 1.0, "bins": 7, "reduction": "none"}),
]
LABELS_OF = {"hard": IDS, "soft": SOFT, "binary": TARGETS, "probability": TARGETS, "real": REAL}
"""Labels by the first kind that a contract draws."""


def case_of(contract):
    """The layer of a contract as it is by default; an argument without a default has the first value drawn."""
    layer = getattr(paddle_impl, LAYERS[contract.name])
    parameters = inspect.signature(layer).parameters
    due = {d.name: d.values[0] for d in contract.arguments if parameters[d.name].default is inspect.Parameter.empty}
    labels = LABELS_OF[contract.domain.dimensions["targets"].values[0]]
    return layer, contract.oracle, labels, due


ADDED = [case_of(contract_named(name)) for name in NEW]
CASES += ADDED
NAMES = [f"{layer.__name__}-{'-'.join(map(str, options.values())) or 'default'}" for layer, _, _, options in CASES]

ONE_OF_EACH = [CASES[i] for i in (1, 5, 8, 11, 13, 15, 19, 22, 25, 26)] + ADDED
"""One configuration of each layer."""


def dygraph(layer, logits, labels, *further, **call):
    """Value and gradient of a layer in dynamic mode."""
    z, y = paddle.to_tensor(logits, stop_gradient=False), paddle.to_tensor(labels)
    loss = layer(z, y, *further, **call)
    loss.sum().backward()
    assert np.array_equal(z.numpy(), logits, equal_nan=True)
    assert np.array_equal(y.numpy(), labels)
    return loss.numpy(), z.grad.numpy()


def agrees(got, answer, rtol=1e-12):
    """Assert that value and gradient are the answer's."""
    assert np.allclose(got[0], answer.value, rtol=rtol)
    assert np.allclose(got[1], answer.gradient, rtol=rtol, atol=1e-14)
