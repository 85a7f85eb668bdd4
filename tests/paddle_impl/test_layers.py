"""What the laws do not see of our layers: modes, state, construction, printing, derivatives of second order."""

import copy
import pickle

import numpy as np
import paddle
import pytest

import reference
from paddle_impl import CrossEntropyLoss, GHMLoss

RNG = np.random.default_rng(5)
LOGITS, LABELS = RNG.normal(size=(6, 4, 3)) * 3, RNG.integers(0, 4, (6, 3))
LABELS[0, 0] = -100
WEIGHT = [1.0, 2.0, 0.5, 3.0]

CASES = [
    (CrossEntropyLoss, reference.cross_entropy, {}),
    (CrossEntropyLoss, reference.cross_entropy, {"weight": WEIGHT, "reduction": "sum"}),
    (CrossEntropyLoss, reference.cross_entropy, {"weight": WEIGHT, "denominator": "count"}),
    (GHMLoss, reference.ghm, {}),
    (GHMLoss, reference.ghm, {"bins": 0.3, "weight": WEIGHT}),
    (GHMLoss, reference.ghm, {"bins": 7, "weight": WEIGHT, "normalize": "paper", "reduction": "none"}),
]


def dygraph(layer, logits, labels):
    z = paddle.to_tensor(logits, stop_gradient=False)
    loss = layer(z, paddle.to_tensor(labels))
    loss.sum().backward()
    return loss.numpy(), z.grad.numpy()


def agrees(got, answer):
    assert np.allclose(got[0], answer.value, rtol=1e-12)
    assert np.allclose(got[1], answer.gradient, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("layer", "oracle", "options"), CASES)
def test_dygraph(layer, oracle, options):
    agrees(dygraph(layer(**options), LOGITS, LABELS), oracle(LOGITS, LABELS, **options))


@pytest.mark.parametrize("full_graph", [False, True])
@pytest.mark.parametrize(("layer", "oracle", "options"), CASES)
def test_to_static(layer, oracle, options, full_graph):
    traced = paddle.jit.to_static(layer(**options), full_graph=full_graph)
    agrees(dygraph(traced, LOGITS, LABELS), oracle(LOGITS, LABELS, **options))


@pytest.mark.parametrize(("layer", "oracle", "options"), CASES)
def test_static_program(layer, oracle, options):
    paddle.enable_static()
    try:
        program = paddle.static.Program()
        with paddle.static.program_guard(program):
            z = paddle.static.data("z", [-1, 4, 3], "float64")
            y = paddle.static.data("y", [-1, 3], "int64")
            z.stop_gradient = False
            loss = layer(**options)(z, y)
            (gradient,) = paddle.static.gradients(loss, z)
            fetched = paddle.static.Executor().run(
                program, feed={"z": LOGITS, "y": LABELS}, fetch_list=[loss, gradient]
            )
    finally:
        paddle.disable_static()
    agrees(fetched, oracle(LOGITS, LABELS, **options))


@pytest.mark.parametrize("layer", [CrossEntropyLoss, GHMLoss])
def test_second_derivative(layer):
    z = paddle.to_tensor([[0.0, 1.0, 2.0]], dtype="float64", stop_gradient=False)
    (first,) = paddle.grad(layer()(z, paddle.to_tensor([0])), z, create_graph=True)
    (second,) = paddle.grad(first[0, 1], z)
    p = np.exp([0.0, 1.0, 2.0]) / np.exp([0.0, 1.0, 2.0]).sum()
    # d p_1 / d z_j = p_1 ([j = 1] - p_j)
    assert np.allclose(second.numpy()[0], p[1] * (np.array([0, 1, 0]) - p))


@pytest.mark.parametrize("layer", [CrossEntropyLoss(weight=WEIGHT), GHMLoss(bins=0.3, weight=WEIGHT, momentum=0.5)])
def test_copies_are_equal(layer):
    expected = copy.deepcopy(layer)(paddle.to_tensor(LOGITS), paddle.to_tensor(LABELS)).numpy()
    again = pickle.loads(pickle.dumps(layer))(paddle.to_tensor(LOGITS), paddle.to_tensor(LABELS)).numpy()
    assert expected == again


@pytest.mark.parametrize("traced", [False, True])
def test_float16_gradients_do_not_inherit_the_broken_cast(traced):
    rows = np.array([[2.876953125, -9.34375, 32.0, -16.546875]], dtype=np.float16)
    z = paddle.to_tensor(rows, stop_gradient=False)
    layer = paddle.jit.to_static(CrossEntropyLoss()) if traced else CrossEntropyLoss()
    layer(z, paddle.to_tensor([0])).backward()
    expected = reference.cross_entropy(rows, [0]).gradient.astype(np.float16)
    assert z.grad.numpy().tolist() == expected.tolist()


def test_labels_may_keep_the_class_axis():
    z, y = paddle.to_tensor(LOGITS), paddle.to_tensor(LABELS)
    assert GHMLoss()(z, y.unsqueeze(1)).item() == GHMLoss()(z, y).item()


def test_the_label_check_can_be_switched_off():
    z = paddle.to_tensor([[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 2\) or equal ignore_index=-100, got 5"):
        CrossEntropyLoss()(z, paddle.to_tensor([5]))
    assert CrossEntropyLoss(check_labels=False)(z, paddle.to_tensor([0])).item() == pytest.approx(1.3132617)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"bins": 0}, ValueError, "bins must be an int >= 1 or a float width in (0, 1], got 0"),
        ({"bins": 1.5}, ValueError, "got 1.5"),
        ({"bins": "ten"}, TypeError, "got 'ten'"),
        ({"momentum": 1.0}, ValueError, "momentum must be a number in [0, 1), got 1.0"),
        ({"momentum": "a"}, TypeError, "momentum must be a number in [0, 1), got 'a'"),
        ({"reduction": "avg"}, ValueError, "reduction must be one of none, sum, mean, got 'avg'"),
        ({"normalize": "all"}, ValueError, "normalize must be one of occupied, paper, got 'all'"),
        ({"ema": "x"}, ValueError, "ema must be one of corrected, mmdet, got 'x'"),
        ({"denominator": "n"}, ValueError, "denominator must be one of weights, count, got 'n'"),
        ({"ignore_index": 1.0}, TypeError, "ignore_index must be an int, got 1.0"),
        ({"axis": None}, TypeError, "axis must be an int, got None"),
        ({"weight": [1.0, -1.0]}, ValueError, "weight must be finite and >= 0 for each class, got -1.0"),
        ({"weight": [[1.0]]}, ValueError, "weight must have shape [C], got shape [1, 1]"),
    ],
)
def test_bad_arguments(options, error, words):
    with pytest.raises(error) as raised:
        GHMLoss(**options)
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("logits", "labels", "error", "words"),
    [
        (np.zeros((2, 3)), np.zeros((3,), int), ValueError, "shape without the class axis, [2], got [3]"),
        (np.zeros((2, 3)), np.zeros((2,)), TypeError, "labels must be integers, got dtype paddle.float64"),
        (np.zeros((2, 3), int), np.zeros((2,), int), TypeError, "logits must be floats, got dtype paddle.int64"),
        (np.zeros((2, 0)), np.zeros((2,), int), ValueError, "at least one class along axis 1"),
        (np.zeros(()), np.zeros((), int), ValueError, "class axis, got a scalar"),
    ],
)
def test_bad_inputs(logits, labels, error, words):
    with pytest.raises(error) as raised:
        CrossEntropyLoss()(paddle.to_tensor(logits), paddle.to_tensor(labels))
    assert words in str(raised.value)


def test_printing_a_layer_shows_its_arguments():
    assert "regions=4, momentum=0.0, reduction='mean', ignore_index=-100, axis=1" in repr(GHMLoss(bins=0.3))
