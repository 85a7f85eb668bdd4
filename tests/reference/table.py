"""The oracles as the parametrised tests take them, by what their labels are."""

from functools import partial

import numpy as np

from properties.contracts import contract_named
from reference import (
    cost_sensitive,
    cross_entropy,
    focal,
    ghm,
    ghm_regression,
    sigmoid_focal,
    sigmoid_ghm,
    top_k_loss,
)
from tests.losses.layers import NEW


def balanced(logits, labels, *, axis=1, **options):
    """Cost-sensitive cross entropy with a count for each class, however many there are."""
    shape = np.shape(logits)
    counts = 1 + 3 * np.arange(shape[axis if len(shape) > 1 else 0])
    return cost_sensitive(logits, labels, num_class_list=counts, gamma=0.5, axis=axis, **options)


BY_CLASS = {
    "cross_entropy": cross_entropy,
    "smoothed paddle": partial(cross_entropy, label_smoothing=0.2),
    "smoothed torch": partial(cross_entropy, label_smoothing=0.2, soft_weight="torch"),
    "focal": focal,
    "focal 0.5": partial(focal, gamma=0.5),
    "ghm": ghm,
    "ghm 3": partial(ghm, bins=3),
    "top_k_loss": partial(top_k_loss, top_k=0.5),
    "cost_sensitive": balanced,
}
BY_ROW = {
    "soft paddle": cross_entropy,
    "soft torch": partial(cross_entropy, soft_weight="torch"),
    "soft smoothed": partial(cross_entropy, label_smoothing=0.2),
    "cost_sensitive soft": balanced,
}
BY_ENTRY = {
    "sigmoid_focal": sigmoid_focal,
    "sigmoid_focal 0.5": partial(sigmoid_focal, gamma=0.5, alpha=None),
    "sigmoid_ghm": sigmoid_ghm,
    "top_k_loss logistic": partial(top_k_loss, individual="logistic", top_k=0.5),
    "top_k_loss hinge": partial(top_k_loss, individual="hinge", top_k=0.5),
}
BY_NUMBER = {
    "ghm_regression": partial(ghm_regression, mu=0.5),
    "top_k_loss squared": partial(top_k_loss, individual="squared", top_k=0.5),
    "top_k_loss absolute": partial(top_k_loss, individual="absolute", top_k=0.5),
}
OF_KIND = {"hard": BY_CLASS, "soft": BY_ROW, "binary": BY_ENTRY, "probability": BY_ENTRY, "real": BY_NUMBER}
for _contract in map(contract_named, NEW):
    OF_KIND[_contract.domain.dimensions["targets"].values[0]][_contract.oracle.__name__] = _contract.oracle
ALL = {**BY_CLASS, **BY_ROW, **BY_ENTRY, **BY_NUMBER}
WITH_AXIS = {**BY_CLASS, **BY_ROW, **BY_ENTRY}
WITH_IGNORE_INDEX = {**BY_CLASS, **BY_ENTRY}
WITH_LABEL_WEIGHT = {**BY_ENTRY, **BY_NUMBER}


def labels_for(name, logits, rng, axis=1):
    """Labels of the kind that the oracle takes, for logits of any shape."""
    shape = logits.shape
    if name in BY_CLASS:
        return rng.integers(0, shape[axis], shape[:axis] + shape[axis + 1 :])
    if name in BY_ROW:
        return np.moveaxis(rng.dirichlet(np.ones(shape[axis]), shape[:axis] + shape[axis + 1 :]), -1, axis)
    if name in BY_ENTRY:
        return rng.choice([0.0, 1.0, 0.3], shape)
    return rng.normal(size=shape)


def problem(name, rng, n=6, classes=3, scale=3.0):
    logits = rng.normal(size=(n, classes)) * scale
    return logits, labels_for(name, logits, rng)


def value_shape(name, logits, axis=1):
    shape = logits.shape
    return shape[:axis] + shape[axis + 1 :] if name in BY_CLASS or name in BY_ROW else shape


def weight_of(name, classes=3):
    """Class weights, for the oracles that take some."""
    return {} if name == "ghm_regression" else {"weight": np.linspace(0.5, 2, classes)}
