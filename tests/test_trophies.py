"""Defects of Paddle's own kernels that the laws found, each in its smallest case, marked with the version.

When one of these fails on a newer Paddle, the defect is mended: raise the version here and in the documentation.
"""

import math
import signal
import subprocess
import sys

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from paddle.nn import CrossEntropyLoss

pytestmark = pytest.mark.skipif(
    paddle.__version__ != "3.3.1", reason="these defects were found in Paddle 3.3.1, and may be gone in another version"
)


def loss_of(logits, labels, dtype="float64", **options):
    z = paddle.to_tensor(logits, dtype=dtype, stop_gradient=False)
    loss = CrossEntropyLoss(**options)(z, paddle.to_tensor(np.asarray(labels, dtype=np.int64)))
    return loss, z


@pytest.mark.parametrize("ignore_index", [-100, -1])
def test_mean_counts_ignored_elements_where_ignore_index_is_negative(ignore_index):
    loss, _ = loss_of([[0, 0], [0, 0]], [0, ignore_index], ignore_index=ignore_index)
    assert loss.item() == pytest.approx(math.log(2) / 2)
    # with class weights, or a positive ignore_index, the same elements do not count
    weight = paddle.ones([2], dtype="float64")
    loss, _ = loss_of([[0, 0], [0, 0]], [0, ignore_index], ignore_index=ignore_index, weight=weight)
    assert loss.item() == pytest.approx(math.log(2))
    loss, _ = loss_of([[0, 0], [0, 0]], [0, 255], ignore_index=255)
    assert loss.item() == pytest.approx(math.log(2))


def test_value_is_capped_at_a_gap_of_64():
    loss, _ = loss_of([[-65, 0]], [0])
    assert loss.item() == 64
    loss, _ = loss_of([[-math.inf, 0]], [0])
    assert loss.item() == 64


@pytest.mark.parametrize(("dtype", "roundoff"), [("float32", 2.0**-24), ("float64", 2.0**-53)])
def test_mean_of_many_elements_loses_digits_that_their_sum_keeps(dtype, roundoff):
    logits, labels = np.tile([0.0, 1.0], (65_536, 1)), np.zeros(65_536)
    exact = math.log(1 + math.e)
    mean, _ = loss_of(logits, labels, dtype)
    total, _ = loss_of(logits, labels, dtype, reduction="sum")
    assert abs(mean.item() - exact) > 1000 * roundoff * exact
    assert abs(total.item() / 65_536 - exact) < 200 * roundoff * exact


def test_nan_vanishes_in_float32():
    loss, _ = loss_of([[math.nan] + [0] * 7], [0], dtype="float32")
    assert loss.item() == pytest.approx(math.log(8))


def test_second_backward_through_a_retained_graph_is_wrong():
    loss, z = loss_of([[0, 0]], [0])
    loss.backward(retain_graph=True)
    assert z.grad.tolist() == [[-0.5, 0.5]]
    z.clear_grad()
    loss.backward()
    assert z.grad.tolist() == [[-1.0, 0.0]]


PY_LAYER = """
import paddle

class Twice(paddle.autograd.PyLayer):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return 2 * x

    @staticmethod
    def backward(ctx, upstream):
        return 2 * upstream

x = paddle.ones([1])
x.stop_gradient = False
y = Twice.apply(x)
y.backward(retain_graph=True)
print("once", flush=True)
y.backward()
print("twice", flush=True)
"""


def test_second_backward_through_any_py_layer_ends_the_process():
    done = subprocess.run([sys.executable, "-c", PY_LAYER], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("once")
    assert "twice" not in done.stdout
    assert done.returncode == -signal.SIGSEGV


def slope_of(loss, x, t, dtype="float64", **options):
    logits = paddle.to_tensor([x], dtype=dtype, stop_gradient=False)
    loss(logits, paddle.to_tensor([t], dtype=dtype), reduction="sum", **options).backward()
    return logits.grad.item()


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_binary_cross_entropy_is_off_by_one_in_its_gradient_at_a_logit_of_0(target):
    assert slope_of(F.binary_cross_entropy_with_logits, 1e-9, target) == pytest.approx(0.5 - target)
    assert slope_of(F.binary_cross_entropy_with_logits, 0.0, target) == pytest.approx(0.5 - target - 1.0)


def test_sigmoid_focal_loss_has_another_gradient_at_a_logit_of_0_than_next_to_it():
    assert slope_of(F.sigmoid_focal_loss, 1e-9, 0.0) == pytest.approx(0.2237, rel=1e-3)
    assert slope_of(F.sigmoid_focal_loss, 0.0, 0.0) == pytest.approx(0.0362, rel=1e-3)


def test_sigmoid_focal_loss_has_a_nan_gradient_where_the_network_is_sure_and_gamma_below_1():
    assert math.isnan(slope_of(F.sigmoid_focal_loss, 20.0, 1.0, "float32", gamma=0.5))


def test_mean_of_nothing_is_nan():
    loss, _ = loss_of(np.zeros((0, 2)), np.zeros(0))
    assert math.isnan(loss.item())


def test_float16_of_tiny_float32_is_not_zero():
    tiny = paddle.to_tensor([2.0**-78 * 1.3, 2.0**-80, 2.0**-30], dtype="float32")
    assert tiny.astype("float16").astype("float32").tolist()[2] == 0
    assert tiny.astype("float16").astype("float32").tolist()[0] == pytest.approx(7.93e-5, rel=1e-2)
    assert tiny.numpy().astype(np.float16).tolist() == [0, 0, 0]


def test_a_denominator_of_1e_16_equals_0():
    assert (paddle.to_tensor([1e-16, 1e-14], dtype="float64") == 0).tolist() == [True, False]
    assert (paddle.to_tensor([1e-16], dtype="float64") > 0).item()


def test_negative_class_weights_are_taken():
    loss, _ = loss_of([[0, 0]], [0], weight=paddle.to_tensor([-1.0, 1.0], dtype="float64"))
    assert loss.item() == pytest.approx(math.log(2))


NEGATIVE_LOG_LIKELIHOOD = """
import paddle
import paddle.nn.functional as F

# its handler waits for ever for the heap's lock
paddle.disable_signal_handler()
x, y = paddle.zeros([100_000, 2], "float64"), paddle.full([100_000], -100, "int64")
for reduction in ("none", "mean"):
    for _ in range(20):
        losses = F.nll_loss(x, y, reduction=reduction)
        paddle.ones([3]) + paddle.ones([5]).sum()
    print("survived", reduction, float(losses.sum()), flush=True)
"""


def test_nll_loss_writes_a_zero_for_each_ignored_element_past_its_one_number():
    done = subprocess.run(
        [sys.executable, "-c", NEGATIVE_LOG_LIKELIHOOD], capture_output=True, text=True, check=False, timeout=60
    )
    assert "survived none 0.0" in done.stdout
    assert "survived mean" not in done.stdout
    assert done.returncode in (-signal.SIGABRT, -signal.SIGSEGV)


def test_nll_loss_of_weight_0_has_a_value_and_no_gradient():
    x = paddle.to_tensor([[-1.0, -2.0]], dtype="float64", stop_gradient=False)
    loss = F.nll_loss(x, paddle.to_tensor([0]), weight=paddle.to_tensor([0.0, 1.0], dtype="float64"))
    loss.backward()
    assert loss.item() == 0
    assert np.isnan(x.grad.numpy()).any()


def test_nll_loss_of_many_elements_loses_digits():
    x = paddle.to_tensor(np.tile([0.0, -1.3365], (65_536, 1)), dtype="float32")
    loss = F.nll_loss(x, paddle.ones([65_536], "int64"))
    assert abs(loss.item() / 1.3365 - 1) > 1000 * 2.0**-24


def test_binary_cross_entropy_of_a_small_probability_has_no_slope_left():
    # log p = -34.5 is right; its slope is -1/p, and here no more than -10^12
    p = paddle.to_tensor([2.0**-50], dtype="float64", stop_gradient=False)
    loss = F.binary_cross_entropy(p, paddle.ones([1], "float64"))
    loss.backward()
    assert loss.item() == pytest.approx(50 * math.log(2))
    assert p.grad.item() == pytest.approx(-1e12)
    for dtype in ("float32", "float64"):
        x = paddle.to_tensor([-35.0], dtype=dtype, stop_gradient=False)
        F.binary_cross_entropy(F.sigmoid(x), paddle.ones([1], dtype)).backward()
        assert x.grad.item() == pytest.approx(-6.3e-4, rel=1e-2)


def test_binary_cross_entropy_with_logits_is_right_at_0_with_a_weight_of_the_positives():
    one = paddle.ones([1], "float64")
    assert slope_of(F.binary_cross_entropy_with_logits, 0.0, 0.0, pos_weight=one) == 0.5


@pytest.mark.parametrize("layer", [paddle.nn.BCELoss, paddle.nn.BCEWithLogitsLoss])
def test_weights_of_the_batch_weigh_the_last_axis(layer):
    weight = paddle.to_tensor([1.0, 0.0])
    half = paddle.full([2, 2], 0.5 if layer is paddle.nn.BCELoss else 0.0)
    losses = layer(weight=weight, reduction="none")(half, paddle.ones([2, 2]))
    # documented is one weight for each of the N rows
    np.testing.assert_allclose(losses.numpy(), [[math.log(2), 0.0]] * 2, rtol=1e-6)
    with pytest.raises(ValueError, match="Broadcast dimension mismatch"):
        layer(weight=weight)(paddle.full([2, 3], 0.5), paddle.ones([2, 3]))


def test_multi_label_soft_margin_loss_takes_its_classes_along_the_last_axis():
    # documented are (N, C, D1, ...), C weights, and a mean over the C classes
    layer = paddle.nn.MultiLabelSoftMarginLoss(weight=paddle.to_tensor([1.0, 3.0]), reduction="none")
    x, y = paddle.to_tensor([[1.0, 0.0]]), paddle.to_tensor([[1.0, 0.0]])
    assert layer(x, y).item() == pytest.approx((math.log1p(math.exp(-1)) + 3 * math.log(2)) / 2)
    assert layer(x.unsqueeze(-1), y.unsqueeze(-1)).shape == [1, 2]
    with pytest.raises(ValueError, match="Broadcast dimension mismatch"):
        layer(paddle.zeros([1, 2, 3]), paddle.zeros([1, 2, 3]))


def test_multi_label_soft_margin_loss_of_the_documented_label_minus_1_has_no_bound():
    losses = [
        F.multi_label_soft_margin_loss(paddle.to_tensor([[x]]), paddle.to_tensor([[-1.0]])) for x in (-10.0, -100.0)
    ]
    assert [loss.item() for loss in losses] == pytest.approx([-10, -100], rel=1e-4)


def test_relu_turns_nan_into_0_and_with_it_the_hinge_embedding_loss():
    nan = paddle.to_tensor([math.nan])
    assert F.relu(nan).item() == 0
    assert F.hinge_embedding_loss(nan, paddle.to_tensor([-1.0])).item() == 0
    assert math.isnan(F.hinge_embedding_loss(nan, paddle.to_tensor([1.0])).item())


def test_hinge_embedding_loss_broadcasts_labels_of_another_shape():
    x, y = paddle.zeros([2, 1]), paddle.full([2], -1.0)
    assert F.hinge_embedding_loss(x, y, reduction="sum").item() == 4


def square_and_constant(x):
    total = (x * x).sum()
    # shares the memory of x, for which the program has no use any more
    return total + F.sigmoid(x.detach()).sum()


def test_a_program_writes_over_what_was_detached_from():
    x = paddle.to_tensor([0.5, 1.0], stop_gradient=False)
    paddle.jit.to_static(square_and_constant, full_graph=True)(x).backward()
    assert x.numpy().tolist() == F.sigmoid(paddle.to_tensor([0.5, 1.0])).numpy().tolist()
    assert x.grad.numpy().tolist() != [1.0, 2.0]
