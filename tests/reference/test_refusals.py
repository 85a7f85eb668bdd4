"""What the oracles refuse: each refusal names the argument, what was given and what is expected."""

import numpy as np
import pytest

from reference import (
    average_top_k,
    cost_sensitive,
    cross_entropy,
    focal,
    ghm,
    ghm_regression,
    sigmoid_focal,
    sigmoid_ghm,
    top_k_loss,
)
from tests.reference import table

NAN, INF = float("nan"), float("inf")
OPTIONS = [
    ({"reduction": "avg"}, ValueError, "reduction must be one of none, sum, mean, got 'avg'"),
    ({"denominator": "n"}, ValueError, "denominator must be one of weights, count, got 'n'"),
    ({"cotangent": [1, 2]}, ValueError, r"cotangent must have the shape of the loss, \(\), got \(2,\)"),
    ({"normalizer": -1}, ValueError, "normalizer must be finite and >= 0, got -1"),
    ({"normalizer": NAN}, ValueError, "normalizer must be finite and >= 0, got nan"),
    ({"normalizer": "n"}, TypeError, "normalizer must be a number, got 'n'"),
    (
        {"normalizer": 2, "reduction": "sum"},
        ValueError,
        "normalizer replaces the denominator of reduction='mean', got reduction='sum'",
    ),
]
WEIGHTS = [
    ({"weight": [1, 2]}, ValueError, r"weight must have shape \(3,\).*got shape \(2,\)"),
    ({"weight": [1, -2, 1]}, ValueError, "weight must be finite and >= 0 for each class, got -2.0"),
    ({"weight": [1, NAN, 1]}, ValueError, "weight must be finite and >= 0 for each class, got nan"),
    ({"weight": [1, INF, 1]}, ValueError, "weight must be finite and >= 0 for each class, got inf"),
    ({"axis": 2, "weight": [1, 1, 1]}, ValueError, r"axis must lie in \[-2, 2\) for logits of rank 2, got 2"),
    ({"axis": 1.0, "weight": [1, 1, 1]}, TypeError, "axis must be an int, got 1.0"),
    ({"axis": True, "weight": [1, 1, 1]}, TypeError, "axis must be an int, got True"),
]
CLASSES = [
    ({"labels": [0, 7]}, ValueError, r"labels must lie in \[0, 3\) or equal ignore_index=-100, got 7"),
    ({"labels": [0, -1]}, ValueError, r"labels must lie in \[0, 3\) or equal ignore_index=-100, got -1"),
    (
        {"labels": [0, -100], "ignore_index": None},
        ValueError,
        r"labels must lie in \[0, 3\) or equal ignore_index=None, got -100",
    ),
    ({"labels": [0, 1, 2]}, ValueError, r"labels must have the logits' shape.*\(2,\), got \(3,\)"),
    ({"labels": [True, False]}, TypeError, "labels must be integers, got dtype bool"),
    ({"labels": ["a", "b"]}, TypeError, "labels must be integers, got dtype <U1"),
    ({"logits": np.zeros((2, 0))}, ValueError, r"at least one class along axis 1, got shape \(2, 0\)"),
    ({"logits": 0.0, "labels": 0}, ValueError, "logits must have a class axis, got a scalar"),
]
ENTRIES = [
    (
        {"labels": np.full((2, 3), 1.5)},
        ValueError,
        r"labels must lie in \[0, 1\] or equal ignore_index=-100, got 1.5",
    ),
    ({"labels": np.full((2, 3), NAN)}, ValueError, r"labels must lie in \[0, 1\].*got nan"),
    ({"labels": [0, 3]}, ValueError, r"class ids must lie in \[0, 3\) or equal ignore_index=-100, got 3"),
    ({"labels": [0.0, 1.0]}, TypeError, "class ids must be integers, got dtype float64"),
    (
        {"labels": np.zeros(5, int)},
        ValueError,
        r"labels must have the logits' shape, \(2, 3\), or that of class ids, \(2,\), got \(5,\)",
    ),
    (
        {"labels": np.zeros(5, int), "label_weight": np.ones((2, 3))},
        ValueError,
        r"labels must have the logits' shape, \(2, 3\), or that of class ids, \(2,\), got \(5,\)",
    ),
    ({"labels": np.full((2, 3), "a")}, TypeError, "labels must be numbers, got dtype <U1"),
]
NUMBERS = [
    ({"labels": [0.0, 1.0]}, ValueError, r"targets must have the shape of the predictions, \(2, 3\), got \(2,\)"),
    (
        {"labels": np.zeros(5), "label_weight": np.ones((2, 3))},
        ValueError,
        r"targets must have the shape of the predictions, \(2, 3\), got \(5,\)",
    ),
]
MASKS = [
    ({"label_weight": np.ones(7)}, ValueError, r"label_weight must have the labels' shape, \(2, 3\), got \(7,\)"),
]


def cases():
    for name in table.ALL:
        wrong = list(OPTIONS)
        if name in table.WITH_AXIS:
            wrong += WEIGHTS
        if name in table.BY_CLASS:
            wrong += CLASSES
        if name in table.BY_ENTRY:
            wrong += ENTRIES + MASKS
        if name in table.BY_NUMBER:
            wrong += NUMBERS + MASKS
        for options, error, words in wrong:
            # the counts of the table's cost-sensitive loss follow the axis
            if name.startswith("cost_sensitive") and options.keys() & {"axis", "logits"}:
                continue
            yield name, options, error, words


@pytest.mark.parametrize(("name", "options", "error", "words"), list(cases()))
def test_refusals_name_argument_value_and_expectation(name, options, error, words):
    labels = [0, 1] if name in table.BY_CLASS else np.full((2, 3), 0.5)
    with pytest.raises(error, match=words):
        table.ALL[name](**{"logits": np.zeros((2, 3)), "labels": labels, **options})


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([0.0, 1.0], r"soft labels must have the logits' shape, \(2, 3\), got \(2,\)"),
        (np.full((2, 3), -0.5), "soft labels must be finite and >= 0, got -0.5"),
        (np.full((2, 3), NAN), "soft labels must be finite and >= 0, got nan"),
        (np.full((2, 3), INF), "soft labels must be finite and >= 0, got inf"),
    ],
)
def test_bad_soft_labels(labels, words):
    for oracle in (cross_entropy, table.ALL["cost_sensitive"]):
        with pytest.raises(ValueError, match=words):
            oracle(np.zeros((2, 3)), labels)


@pytest.mark.parametrize("oracle", [focal, ghm])
def test_losses_of_classes_alone_refuse_soft_labels(oracle):
    with pytest.raises(TypeError, match="labels must be integers, got dtype float64"):
        oracle(np.zeros((2, 3)), np.full((2, 3), 1 / 3))


@pytest.mark.parametrize("bins", [0, -1, 1.5, 0.0, NAN, INF, "ten", True, None])
@pytest.mark.parametrize("name", ["ghm", "sigmoid_ghm", "ghm_regression"])
def test_bad_bins(name, bins):
    oracle = {"ghm": ghm, "sigmoid_ghm": sigmoid_ghm, "ghm_regression": ghm_regression}[name]
    labels = [0, 1] if name == "ghm" else np.zeros((2, 3))
    words = r"bins must be an int >= 1 or a float width in \(0, 1\], got " + repr(bins)
    with pytest.raises((ValueError, TypeError), match=words):
        oracle(np.zeros((2, 3)), labels, bins=bins)
    with pytest.raises(ValueError, match="normalize must be one of occupied, paper, got 'all'"):
        oracle(np.zeros((2, 3)), labels, normalize="all")


@pytest.mark.parametrize(
    ("oracle", "options", "error", "words"),
    [
        (focal, {"gamma": -1}, ValueError, "gamma must be finite and >= 0, got -1"),
        (focal, {"gamma": NAN}, ValueError, "gamma must be finite and >= 0, got nan"),
        (focal, {"gamma": "2"}, TypeError, "gamma must be a number, got '2'"),
        (focal, {"gamma": True}, TypeError, "gamma must be a number, got True"),
        (sigmoid_focal, {"gamma": INF}, ValueError, "gamma must be finite and >= 0, got inf"),
        (sigmoid_focal, {"alpha": 1.5}, ValueError, r"alpha must be finite and in \[0, 1\], got 1.5"),
        (sigmoid_focal, {"alpha": [0.5]}, TypeError, r"alpha must be a number, got \[0.5\]"),
        (
            cross_entropy,
            {"label_smoothing": 1.5},
            ValueError,
            r"label_smoothing must be finite and in \[0, 1\], got 1.5",
        ),
        (cross_entropy, {"label_smoothing": -0.1}, ValueError, r"label_smoothing must be finite and in \[0, 1\]"),
        (cross_entropy, {"soft_weight": "tf"}, ValueError, "soft_weight must be one of paddle, torch, got 'tf'"),
        (top_k_loss, {"k": 0}, ValueError, "k must be an int >= 1, got 0"),
        (top_k_loss, {"k": 1.0}, TypeError, "k must be an int >= 1, got 1.0"),
        (top_k_loss, {"k": True}, TypeError, "k must be an int >= 1, got True"),
        (top_k_loss, {"top_k": 0.0}, ValueError, r"top_k must be a fraction in \(0, 1\], got 0.0"),
        (
            top_k_loss,
            {"top_k": 5},
            ValueError,
            r"top_k must be a fraction in \(0, 1\], got 5; a number of elements is k",
        ),
        (top_k_loss, {"top_k": NAN}, ValueError, r"top_k must be a fraction in \(0, 1\], got nan"),
        (top_k_loss, {"top_k": True}, TypeError, r"top_k must be a fraction in \(0, 1\], got True"),
        (top_k_loss, {"top_k": 0.5, "k": 2}, ValueError, "give top_k or k, got top_k=0.5 and k=2"),
        (top_k_loss, {"individual": "huber"}, ValueError, "individual must be one of cross_entropy, .*got 'huber'"),
        (cost_sensitive, {"num_class_list": [1, 2]}, ValueError, "num_class_list must hold one count for each of 3 cl"),
        (
            cost_sensitive,
            {"num_class_list": [1, -2, 3]},
            ValueError,
            "num_class_list must hold finite counts >= 0, got -2",
        ),
        (
            cost_sensitive,
            {"num_class_list": [1, NAN, 3]},
            ValueError,
            "num_class_list must hold finite counts.*got nan",
        ),
        (cost_sensitive, {"num_class_list": 3}, ValueError, "num_class_list must be a list of one count.*got 3"),
        (cost_sensitive, {"num_class_list": []}, ValueError, r"num_class_list must be a list of one count.*got \[\]"),
        (cost_sensitive, {"num_class_list": [3, 0, 1]}, ValueError, "the count 0 for class 1; give empty_class_weight"),
        (
            cost_sensitive,
            {"num_class_list": [3, 0, 1], "empty_class_weight": -1.0},
            ValueError,
            "empty_class_weight must be finite and >= 0, got -1.0",
        ),
        (
            cost_sensitive,
            {"num_class_list": [1, 2, 3], "gamma": -1},
            ValueError,
            "gamma must be finite and >= 0, got -1",
        ),
        (cost_sensitive, {"num_class_list": [1, 2, 3], "weight": [1]}, ValueError, r"weight must have shape \(3,\)"),
        (cost_sensitive, {"num_class_list": [1, 2, 3], "axis": 5}, ValueError, r"axis must lie in \[-2, 2\).*got 5"),
    ],
)
def test_bad_options_of_single_losses(oracle, options, error, words):
    labels = np.zeros((2, 3)) if oracle is sigmoid_focal else [0, 1]
    with pytest.raises(error, match=words):
        oracle(np.zeros((2, 3)), labels, **options)


@pytest.mark.parametrize(("mu", "error"), [(0.0, ValueError), (-1.0, ValueError), (NAN, ValueError), ("m", TypeError)])
def test_bad_mu(mu, error):
    with pytest.raises(error, match=f"mu must be .*got {mu!r}"):
        ghm_regression([0.0], [0.0], mu=mu)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": [1.0]}, r"weight must have the shape of the losses, \(2,\), got \(1,\)"),
        ({"valid": [True]}, r"valid must have the shape of the losses, \(2,\), got \(1,\)"),
        ({"weight": [1.0, -1]}, "weight must be finite and >= 0, got -1.0"),
        ({"weight": [1.0, NAN]}, "weight must be finite and >= 0, got nan"),
        ({"weight": [1.0, INF]}, "weight must be finite and >= 0, got inf"),
    ],
)
def test_bad_weights_and_masks_of_given_losses(options, words):
    with pytest.raises(ValueError, match=words):
        average_top_k([1.0, 2.0], **options)
