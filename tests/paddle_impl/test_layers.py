"""What the laws do not see of our layers, and a few cases of what they do.

``tests/test_laws.py`` puts ``modes/`` and ``conduct/`` to every layer. A law lets a layer decline a program or a second
derivative for some options, though; here each layer must take part. Functions behind ``to_static``, copies,
``no_grad``, empty batches and half precision are the laws' own, and have a case for two layers that speaks where the
engine is broken. No law asks for a normalizer as a Tensor, labels of every integer dtype, messages, and large inputs.
"""

import copy
import pickle

import numpy as np
import paddle
import pytest

import reference
from paddle_impl import CostSensitiveLoss, CrossEntropyLoss, GHMLoss, GHMRLoss, SigmoidFocalLoss, SigmoidGHMLoss
from tests.paddle_impl.cases import CASES, IDS, LOGITS, NAMES, ONE_OF_EACH, SOFT, WEIGHT, agrees, dygraph

every_case = pytest.mark.parametrize(("layer", "oracle", "labels", "options"), CASES, ids=NAMES)
every_layer = pytest.mark.parametrize(("layer", "oracle", "labels", "options"), ONE_OF_EACH)
two_layers = pytest.mark.parametrize(
    ("layer", "oracle", "labels", "options"),
    [next(case for case in ONE_OF_EACH if case[0] is layer) for layer in (GHMLoss, SigmoidFocalLoss)],
)


@every_case
def test_dygraph(layer, oracle, labels, options):
    agrees(dygraph(layer(**options), LOGITS, labels), oracle(LOGITS, labels, **options))


@every_case
def test_by_operations(layer, oracle, labels, options):
    agrees(dygraph(layer(**options, twice_differentiable=True), LOGITS, labels), oracle(LOGITS, labels, **options))


@every_case
def test_one_graph(layer, oracle, labels, options):
    traced = paddle.jit.to_static(layer(**options), full_graph=True)
    agrees(dygraph(traced, LOGITS, labels), oracle(LOGITS, labels, **options))


@two_layers
def test_to_static(layer, oracle, labels, options):
    traced = paddle.jit.to_static(layer(**options), full_graph=False)
    agrees(dygraph(traced, LOGITS, labels), oracle(LOGITS, labels, **options))


@every_case
def test_static_program(layer, oracle, labels, options):
    paddle.enable_static()
    try:
        program = paddle.static.Program()
        with paddle.static.program_guard(program):
            z = paddle.static.data("z", [-1, 4, 3], "float64")
            y = paddle.static.data("y", [-1, *labels.shape[1:]], str(labels.dtype))
            z.stop_gradient = False
            loss = layer(**options)(z, y)
            (gradient,) = paddle.static.gradients(loss, z)
            fetched = paddle.static.Executor().run(
                program, feed={"z": LOGITS, "y": labels}, fetch_list=[loss, gradient]
            )
    finally:
        paddle.disable_static()
    agrees(fetched, oracle(LOGITS, labels, **options))


@every_layer
def test_retained_gradients_stay_as_they_are(layer, oracle, labels, options):
    z = paddle.to_tensor(LOGITS, stop_gradient=False)
    loss = layer(**options)(z, paddle.to_tensor(labels)).sum()
    (first,) = paddle.grad(loss, z, retain_graph=True)
    before = first.numpy().copy()
    (second,) = paddle.grad(loss, z)
    assert (first.numpy() == before).all()
    assert (second.numpy() == before).all()


@every_layer
def test_the_second_derivative_is_the_slope_of_the_first(layer, oracle, labels, options):
    z = paddle.to_tensor(LOGITS, stop_gradient=False)
    made = layer(**options, twice_differentiable=True)
    direction = np.random.default_rng(1).normal(size=LOGITS.shape)
    y = paddle.to_tensor(labels)
    (first,) = paddle.grad(made(z, y).sum(), z, create_graph=True)
    (second,) = paddle.grad((first * paddle.to_tensor(direction)).sum(), z)
    step = 1e-6
    ends = [dygraph(made, LOGITS + side * step * direction, labels)[1] for side in (1, -1)]
    assert np.allclose(second.numpy(), (ends[0] - ends[1]) / (2 * step), atol=1e-7)


# the losses of entries inside TopKLoss are made of operations that have second derivatives anyway
@pytest.mark.parametrize(
    ("layer", "oracle", "labels", "options"), [case for case in ONE_OF_EACH if "individual" not in case[3]]
)
def test_create_graph_is_refused_without_it(layer, oracle, labels, options):
    z = paddle.to_tensor(LOGITS, stop_gradient=False)
    loss = layer(**options)(z, paddle.to_tensor(labels)).sum()
    with pytest.raises(Exception, match="make the loss layer with twice_differentiable=True"):
        paddle.grad(loss, z, create_graph=True)


@two_layers
def test_copies_are_equal(layer, oracle, labels, options):
    made = layer(**options)
    expected = copy.deepcopy(made)(paddle.to_tensor(LOGITS), paddle.to_tensor(labels)).numpy()
    again = pickle.loads(pickle.dumps(made))(paddle.to_tensor(LOGITS), paddle.to_tensor(labels)).numpy()
    assert (expected == again).all()


@two_layers
def test_no_gradient_is_computed_inside_no_grad(layer, oracle, labels, options):
    with paddle.no_grad():
        loss = layer(**options)(paddle.to_tensor(LOGITS, stop_gradient=False), paddle.to_tensor(labels))
    assert loss.stop_gradient
    assert np.allclose(loss.numpy(), oracle(LOGITS, labels, **options).value, rtol=1e-12)


@two_layers
def test_an_empty_batch_costs_nothing(layer, oracle, labels, options):
    value, gradient = dygraph(layer(**options), LOGITS[:0], labels[:0])
    assert value.sum() == 0
    assert gradient.shape == (0, 4, 3)


@two_layers
def test_half_precision_is_computed_in_float32(layer, oracle, labels, options):
    half = LOGITS.astype(np.float16)
    labels = labels if labels is IDS else labels.astype(np.float16)
    value, gradient = dygraph(layer(**options), half, labels)
    labels = labels.astype(np.float64) if labels.dtype == np.float16 else labels
    answer = oracle(half.astype(np.float64), labels, **options)
    assert value.dtype == gradient.dtype == np.float16
    assert np.allclose(value, answer.value, rtol=2e-3)
    assert np.allclose(gradient, answer.gradient, rtol=2e-3, atol=1e-3)


MEANS = [case for case in ONE_OF_EACH if case[3].get("reduction", "mean") == "mean"]


@pytest.mark.parametrize(("layer", "oracle", "labels", "options"), MEANS)
def test_a_normalizer_replaces_the_denominator(layer, oracle, labels, options):
    made = layer(**options)
    for normalizer in (2.5, paddle.to_tensor(2.5), paddle.to_tensor([2.5])):
        answer = oracle(LOGITS, labels, normalizer=2.5, **options)
        agrees(dygraph(made, LOGITS, labels, normalizer=normalizer), answer)
    for nothing in (0, paddle.to_tensor(0.0)):
        value, gradient = dygraph(made, LOGITS, labels, normalizer=nothing)
        assert value == 0
        assert not gradient.any()


@pytest.mark.parametrize("traced", [False, True])
def test_float16_gradients_do_not_inherit_the_broken_cast(traced):
    rows = np.array([[2.876953125, -9.34375, 32.0, -16.546875]], dtype=np.float16)
    z = paddle.to_tensor(rows, stop_gradient=False)
    layer = paddle.jit.to_static(CrossEntropyLoss()) if traced else CrossEntropyLoss()
    layer(z, paddle.to_tensor([0])).backward()
    expected = reference.cross_entropy(rows, [0]).gradient.astype(np.float16)
    assert z.grad.numpy().tolist() == expected.tolist()


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8"])
@pytest.mark.parametrize("layer", [CrossEntropyLoss(weight=WEIGHT), GHMLoss(), SigmoidFocalLoss()])
def test_labels_of_every_integer_dtype(layer, dtype):
    ids = np.where(IDS < 0, 1, IDS)
    expected = dygraph(layer, LOGITS, ids)
    got = dygraph(layer, LOGITS, ids.astype(dtype))
    assert got[0] == expected[0]
    assert (got[1] == expected[1]).all()


def test_labels_may_keep_the_class_axis():
    z, y = paddle.to_tensor(LOGITS), paddle.to_tensor(IDS)
    assert GHMLoss()(z, y.unsqueeze(1)).item() == GHMLoss()(z, y).item()


def test_soft_labels_are_told_by_dtype_where_n_equals_c():
    square = LOGITS[:4, :, 0]
    agrees(dygraph(CrossEntropyLoss(), square, SOFT[:4, :, 0]), reference.cross_entropy(square, SOFT[:4, :, 0]))
    ids = np.abs(IDS[:4, :1]) % 4
    agrees(dygraph(CrossEntropyLoss(), square, ids), reference.cross_entropy(square, ids))


def test_an_empty_class_gets_the_weight_it_is_given():
    layer = CostSensitiveLoss([4, 0, 2, 1], empty_class_weight=0.25)
    assert layer.weight.numpy().tolist() == [0.25, 0.25, 0.5, 1.0]


def test_many_entries_are_weighed_in_pieces():
    from paddle_impl.pieces import PIECE

    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(2, PIECE)), (rng.random((2, PIECE)) < 0.2).astype(float)
    mask = (rng.random(x.shape) < 0.9).astype(float)
    for layer, oracle, targets in (
        (SigmoidFocalLoss(), reference.sigmoid_focal, t),
        (
            GHMRLoss(bins=1),
            lambda *given, **call: reference.ghm_regression(*given, bins=1, **call),
            x * 2,
        ),
    ):
        got = dygraph(layer, x, targets, label_weight=paddle.to_tensor(mask))
        agrees(got, oracle(x, targets, label_weight=mask), rtol=1e-10)


@pytest.mark.parametrize("layer", [SigmoidFocalLoss(), SigmoidGHMLoss(), GHMRLoss(bins=3, reduction="none")])
def test_many_entries_have_the_same_gradient_in_a_second_backward(layer):
    x = paddle.to_tensor(np.random.default_rng(0).normal(size=(3, 1 << 16)), stop_gradient=False)
    loss = layer(x, paddle.zeros_like(x)).sum()
    (first,) = paddle.grad(loss, x, retain_graph=True)
    before = first.numpy().copy()
    (second,) = paddle.grad(loss, x)
    assert (first.numpy() == before).all()
    assert (second.numpy() == before).all()
    whole = type(layer)(**({"bins": 3} if isinstance(layer, GHMRLoss) else {}), twice_differentiable=True)
    (expected,) = paddle.grad(whole(x, paddle.zeros_like(x)), x)
    scale = x.size if layer.reduction == "none" else 1
    assert np.allclose(before, expected.numpy() * scale, rtol=1e-10, atol=0)


def test_logits_changed_in_place_before_the_backward_are_refused():
    leaf = paddle.to_tensor(LOGITS, stop_gradient=False)
    x = leaf * 1.0
    loss = SigmoidFocalLoss()(x, paddle.zeros_like(x))
    x.multiply_(paddle.to_tensor(2.0, dtype="float64"))
    with pytest.raises(Exception, match="changed in place after the loss was computed"):
        loss.backward()
