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
