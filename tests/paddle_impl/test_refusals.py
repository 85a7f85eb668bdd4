"""Bad arguments and bad inputs: refused in words that name the argument and the value."""

import numpy as np
import paddle
import pytest

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

ARGUMENTS = [
    (CostSensitiveLoss, {"num_class_list": [3, 2], "empty_class_weight": -1.0}, ValueError, ">= 0, got -1.0"),
    (GHMLoss, {"bins": 0}, ValueError, "bins must be an int >= 1 or a float width in (0, 1], got 0"),
    (GHMLoss, {"bins": 1.5}, ValueError, "got 1.5"),
    (SigmoidGHMLoss, {"bins": "ten"}, TypeError, "got 'ten'"),
    (GHMRLoss, {"momentum": 1.0}, ValueError, "momentum must be a number in [0, 1), got 1.0"),
    (GHMLoss, {"momentum": "a"}, TypeError, "momentum must be a number in [0, 1), got 'a'"),
    (GHMLoss, {"reduction": "avg"}, ValueError, "reduction must be one of none, sum, mean, got 'avg'"),
    (GHMLoss, {"normalize": "all"}, ValueError, "normalize must be one of occupied, paper, got 'all'"),
    (GHMLoss, {"ema": "x"}, ValueError, "ema must be one of corrected, mmdet, got 'x'"),
    (GHMLoss, {"denominator": "n"}, ValueError, "denominator must be one of weights, count, got 'n'"),
    (GHMLoss, {"ignore_index": 1.0}, TypeError, "ignore_index must be an int, got 1.0"),
    (GHMLoss, {"axis": None}, TypeError, "axis must be an int, got None"),
    (GHMLoss, {"weight": [1.0, -1.0]}, ValueError, "weight must be finite and >= 0 for each class, got -1.0"),
    (GHMLoss, {"weight": [[1.0]]}, ValueError, "weight must have shape [C], got shape [1, 1]"),
    (CrossEntropyLoss, {"label_smoothing": 1.5}, ValueError, "label_smoothing must be a number in [0, 1], got 1.5"),
    (CrossEntropyLoss, {"soft_weight": "jax"}, ValueError, "soft_weight must be one of paddle, torch, got 'jax'"),
    (FocalLoss, {"gamma": -0.5}, ValueError, "gamma must be a finite number >= 0, got -0.5"),
    (FocalLoss, {"gamma": float("nan")}, ValueError, "gamma must be a finite number >= 0, got nan"),
    (FocalLoss, {"gamma": "two"}, TypeError, "gamma must be a finite number >= 0, got 'two'"),
    (SigmoidFocalLoss, {"alpha": 1.5}, ValueError, "alpha must be a number in [0, 1] or None, got 1.5"),
    (SigmoidFocalLoss, {"normalizer": -1}, ValueError, "normalizer must be a finite number >= 0"),
    (GHMRLoss, {"mu": 0.0}, ValueError, "mu must be a finite number > 0, got 0.0"),
    (GHMRLoss, {"mu": "small"}, TypeError, "mu must be a finite number > 0, got 'small'"),
    (TopKLoss, {"top_k": 0.5, "k": 3}, ValueError, "give top_k or k, not both, got top_k=0.5 and k=3"),
    (TopKLoss, {"top_k": 0.0}, ValueError, "top_k must be a fraction in (0, 1], got 0.0"),
    (TopKLoss, {"top_k": 70}, ValueError, "top_k must be a fraction in (0, 1], got 70; a number of elements is k="),
    (TopKLoss, {"top_k": "all"}, TypeError, "top_k must be a fraction in (0, 1], got 'all'"),
    (TopKLoss, {"k": 0}, ValueError, "k must be an int >= 1, got 0"),
    (TopKLoss, {"k": 1.5}, TypeError, "k must be an int, got 1.5"),
    (TopKLoss, {"individual": "cubed"}, ValueError, "individual must be one of cross_entropy, logistic, hinge"),
    (CostSensitiveLoss, {"num_class_list": []}, ValueError, "num_class_list must be a list of counts"),
    (
        CostSensitiveLoss,
        {"num_class_list": "many"},
        TypeError,
        "num_class_list must be a list, an array or a Tensor of numbers, got 'many'",
    ),
    (CostSensitiveLoss, {"num_class_list": [3, 0]}, ValueError, "num_class_list has the count 0 for class 1"),
    (
        CostSensitiveLoss,
        {"num_class_list": [3, -2]},
        ValueError,
        "num_class_list must hold finite counts >= 0, got -2.0",
    ),
    (CostSensitiveLoss, {"num_class_list": [3, np.nan]}, ValueError, "finite counts >= 0, got nan"),
    (
        CostSensitiveLoss,
        {"num_class_list": [3, 1], "gamma": -1},
        ValueError,
        "gamma must be a finite number >= 0, got -1",
    ),
    (CostSensitiveLoss, {"num_class_list": [3, 1], "weight": [1.0]}, ValueError, "weight must have 2 numbers"),
]


@pytest.mark.parametrize(("layer", "options", "error", "words"), ARGUMENTS)
def test_bad_arguments(layer, options, error, words):
    with pytest.raises(error) as raised:
        layer(**options)
    assert words in str(raised.value)


ZEROS, ROWS = np.zeros((2, 3)), np.zeros(2, int)
INPUTS = [
    (SigmoidGHMLoss(axis=2), ZEROS, np.zeros((3, 3)), ValueError, "must have the logits' shape, [2, 3], got [3, 3]"),
    (CrossEntropyLoss(), ZEROS, np.zeros(3, int), ValueError, "shape without the class axis, [2], got [3]"),
    (CrossEntropyLoss(), ZEROS, np.zeros(2), ValueError, "soft labels must have the logits' shape, [2, 3], got [2]"),
    (CrossEntropyLoss(), ZEROS, ZEROS - 0.5, ValueError, "soft labels must be finite and >= 0, got -0.5"),
    (CrossEntropyLoss(), ZEROS, ZEROS + np.inf, ValueError, "soft labels must be finite and >= 0, got inf"),
    (FocalLoss(), ZEROS, np.zeros(2), TypeError, "labels must be integers, got dtype paddle.float64"),
    (CrossEntropyLoss(), np.zeros((2, 3), int), ROWS, TypeError, "logits must be floats, got dtype paddle.int64"),
    (CrossEntropyLoss(), np.zeros((2, 0)), ROWS, ValueError, "at least one class along axis 1"),
    (CrossEntropyLoss(), np.zeros(()), np.zeros((), int), ValueError, "class axis, got a scalar"),
    (CrossEntropyLoss(axis=2), ZEROS, ROWS, ValueError, "axis must lie in [-2, 2) for logits of rank 2, got 2"),
    (CrossEntropyLoss(), ZEROS, ROWS + 3, ValueError, "labels must lie in [0, 3) or equal ignore_index=-100, got 3"),
    (TopKLoss(), ZEROS, ROWS - 1, ValueError, "labels must lie in [0, 3) or equal ignore_index=-100, got -1"),
    (GHMLoss(ignore_index=None), ZEROS, ROWS - 100, ValueError, "or equal ignore_index=None, got -100"),
    (FocalLoss(weight=[1.0, 1.0]), ZEROS, ROWS, ValueError, "weight must have 3 numbers, one for each class"),
    (CostSensitiveLoss([1, 2]), ZEROS, ROWS, ValueError, "num_class_list must have 3 numbers, one for each class"),
    (
        SigmoidFocalLoss(),
        ZEROS,
        ZEROS + 1.5,
        ValueError,
        "labels must lie in [0, 1] or equal ignore_index=-100, got 1.5",
    ),
    (SigmoidFocalLoss(), ZEROS, ZEROS + np.nan, ValueError, "equal ignore_index=-100, got nan"),
    (SigmoidGHMLoss(), ZEROS, ROWS + 3, ValueError, "labels must lie in [0, 3) or equal ignore_index=-100, got 3"),
    (SigmoidGHMLoss(), ZEROS, np.zeros(2), TypeError, "class ids must be integers, got dtype paddle.float64"),
    (SigmoidGHMLoss(), ZEROS, np.zeros((3, 3)), ValueError, "logits' shape, [2, 3], or that of class ids, [2]"),
    (GHMRLoss(), ZEROS, np.zeros(2), ValueError, "targets must have the shape of the predictions, [2, 3], got [2]"),
]


@pytest.mark.parametrize(("layer", "logits", "labels", "error", "words"), INPUTS)
def test_bad_inputs(layer, logits, labels, error, words):
    with pytest.raises(error) as raised:
        layer(paddle.to_tensor(logits), paddle.to_tensor(labels))
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("reduction", "normalizer", "error", "words"),
    [
        ("sum", 2.0, ValueError, "normalizer replaces the denominator of reduction='mean'"),
        ("none", 2.0, ValueError, "must be None with reduction='none', got 2.0"),
        ("mean", -1.0, ValueError, "normalizer must be a finite number >= 0 or a Tensor of one, got -1.0"),
        ("mean", float("nan"), ValueError, "got nan"),
        ("mean", "all", TypeError, "got 'all'"),
        ("mean", paddle.to_tensor(-2.0), ValueError, "got -2.0"),
        ("mean", paddle.to_tensor([1.0, 2.0]), ValueError, "got shape [2]"),
    ],
)
@pytest.mark.parametrize("layer", [CrossEntropyLoss, SigmoidFocalLoss, TopKLoss])
def test_bad_normalizers(layer, reduction, normalizer, error, words):
    with pytest.raises(error) as raised:
        layer(reduction=reduction)(paddle.to_tensor(ZEROS), paddle.to_tensor(ROWS), normalizer=normalizer)
    assert words in str(raised.value)


def test_what_a_dict_or_a_function_must_give():
    z, y = paddle.to_tensor(ZEROS), paddle.to_tensor(ROWS)
    with pytest.raises(ValueError, match=r'must have the key "logits", got \[\'features\'\]'):
        CostSensitiveLoss([1, 2, 3])({"features": z}, y)
    with pytest.raises(TypeError, match="logits must be a paddle Tensor, got list"):
        CostSensitiveLoss([1, 2, 3])([z], y)
    with pytest.raises(TypeError, match="individual must return the losses as a Tensor, got float"):
        TopKLoss(individual=lambda logits, labels: 1.0)(z, y)
    with pytest.raises(ValueError, match="label_weight must have the labels' shape"):
        SigmoidGHMLoss()(z, z, label_weight=paddle.ones([4]))
    with pytest.raises(ValueError, match="label_weight is for losses of entries"):
        TopKLoss()(z, y, label_weight=paddle.ones([2]))


def test_the_label_check_can_be_switched_off():
    z = paddle.to_tensor([[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 2\) or equal ignore_index=-100, got 5"):
        CrossEntropyLoss()(z, paddle.to_tensor([5]))
    assert CrossEntropyLoss(check_labels=False)(z, paddle.to_tensor([0])).item() == pytest.approx(1.3132617)
