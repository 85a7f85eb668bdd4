"""Class weights in static programs: variables of theirs, Tensors made there or before, and numbers."""

import numpy as np
import paddle
import pytest

from paddle_impl import CostSensitiveLoss, CrossEntropyLoss
from tests.paddle_impl.cases import CASES, COUNTS, LOGITS, WEIGHT, agrees


def in_a_program(layer, logits, labels, weight, form):
    """Value and gradient in a static program of unknown sizes, where class weights come in a form."""
    feed = {"z": logits, "y": labels}
    paddle.enable_static()
    try:
        program = paddle.static.Program()
        with paddle.static.program_guard(program):
            z = paddle.static.data("z", [-1, 4, -1], "float64")
            y = paddle.static.data("y", [-1, *[4][: labels.ndim - 2], -1], str(labels.dtype))
            z.stop_gradient = False
            loss = layer(weight=form(weight, feed))(z, y)
            (gradient,) = paddle.static.gradients(loss, z)
            return paddle.static.Executor().run(program, feed=feed, fetch_list=[loss, gradient])
    finally:
        paddle.disable_static()


def fed(size, dtype):
    def form(weight, feed):
        feed["w"] = np.asarray(weight, dtype=dtype)
        return paddle.static.data("w", [size], dtype)

    return form


EAGER_WEIGHT = paddle.to_tensor(WEIGHT, dtype="float32")
FORMS = {
    "data": fed(4, "float64"),
    "data of unknown size": fed(-1, "float32"),
    "to_tensor": lambda weight, feed: paddle.to_tensor(weight, dtype="float64"),
    "assign": lambda weight, feed: paddle.assign(np.asarray(weight, dtype="float32")),
    "product": lambda weight, feed: paddle.ones([4]) * paddle.to_tensor(weight),
    "list": lambda weight, feed: weight,
    "array": lambda weight, feed: np.asarray(weight),
    "eager": lambda weight, feed: EAGER_WEIGHT,
    "eager half": lambda weight, feed: EAGER_HALF,
}
EAGER_HALF = EAGER_WEIGHT.astype("bfloat16")
WEIGHED = [case for case in CASES if "weight" in case[3]]
WEIGHED += [
    (case[0], case[1], case[2], {**case[3], "weight": WEIGHT}) for case in CASES if case[0] is CostSensitiveLoss
]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize(("layer", "oracle", "labels", "options"), WEIGHED)
def test_class_weights_of_a_program(layer, oracle, labels, options, form):
    rest = {name: value for name, value in options.items() if name != "weight"}
    found = in_a_program(lambda weight: layer(**rest, weight=weight), LOGITS, labels, WEIGHT, form)
    agrees(found, oracle(LOGITS, labels, **options))


@pytest.mark.parametrize(("layer", "oracle", "labels", "options"), WEIGHED)
def test_a_layer_made_before_the_program(layer, oracle, labels, options):
    made = layer(**options)
    agrees(in_a_program(lambda weight: made, LOGITS, labels, None, lambda *_: None), oracle(LOGITS, labels, **options))


@pytest.mark.parametrize("layer", [CrossEntropyLoss, lambda **given: CostSensitiveLoss(COUNTS, **given)])
def test_class_weights_of_a_program_are_refused_where_they_are_known_to_be_wrong(layer):
    negative = paddle.to_tensor([1.0, -1.0, 1.0, 1.0])
    paddle.enable_static()
    try:
        with paddle.static.program_guard(paddle.static.Program()):
            for shape in ([4, 1], []):
                with pytest.raises(ValueError, match=r"weight must have shape \["):
                    layer(weight=paddle.static.data(f"w{len(shape)}", shape))
            with pytest.raises(ValueError, match="weight must be finite and >= 0"):
                layer(weight=negative)
            with pytest.raises(ValueError, match=r"must have 4 numbers.* got 3|shape \[4\]"):
                layer(weight=paddle.static.data("v", [3]))(
                    paddle.static.data("z", [-1, 4]), paddle.static.data("y", [-1], "int64")
                )
    finally:
        paddle.disable_static()
