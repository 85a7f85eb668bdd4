"""Whatever a layer is wrongly given it refuses by a ValueError or a TypeError that names the argument and the value."""

import decimal
import fractions

import numpy as np
import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paddle_impl import CostSensitiveLoss, CrossEntropyLoss, FocalLoss, GHMLoss, SigmoidFocalLoss, SigmoidGHMLoss
from tests.paddle_impl.cases import IDS, LOGITS, REAL
from tests.paddle_impl.drawn import NAMES, made

NAN, INF = float("nan"), float("inf")
OBJECTS = ["two", "", b"1", [1.0], [], {}, {"a": 1}, (), {1}, object(), 1j, np.zeros(3), np.zeros((2, 2)), len, int]
OBJECTS += [decimal.Decimal(1), paddle.ones([2]), slice(None), np.array("a"), NotImplemented]
TRUTHS = [True, False, np.True_]
REALS = [0.5, NAN, INF, -INF, np.float32(0.5), fractions.Fraction(1, 3)]
HUGE = 10**400
NUMBER_WRONG = [None, *OBJECTS, *TRUTHS, NAN, INF, -INF, -0.5, HUGE, -HUGE]
"""What is no finite number >= 0."""
CHOICE_WRONG = [None, *OBJECTS, *TRUTHS, *REALS, 1, "MEAN", "mean "]
INT_WRONG = [*OBJECTS, *TRUTHS, *REALS, HUGE, -(2**63) - 1, 2**63]
SWITCH_WRONG = [None, *OBJECTS, *REALS, 0, 1, "True"]
LIST_WRONG = ["two", "", b"1", {}, {"a": 1}, {1}, object(), 1j, len, int, True, ["1", "2"], [None] * 4, [1, [2, 3]]]
LIST_WRONG += [
    [1.0, -1.0, 1.0, 1.0],
    [NAN] * 4,
    [INF] * 4,
    [True] * 4,
    [1j] * 4,
    np.ones((4, 1)),
    1.0,
    NAN,
    [[1.0]] * 4,
]
LIST_WRONG += [
    np.ones(4, complex),
    paddle.ones([4], dtype="bool"),
    paddle.ones([2, 2]),
    np.array(["a"] * 4),
    [object()],
]

WRONG = {
    "reduction": CHOICE_WRONG,
    "denominator": CHOICE_WRONG,
    "normalize": CHOICE_WRONG,
    "ema": CHOICE_WRONG,
    "soft_weight": CHOICE_WRONG,
    "individual": [None, *[v for v in OBJECTS if not callable(v)], *TRUTHS, *REALS, "crossentropy"],
    "ignore_index": INT_WRONG,
    "axis": [None, *INT_WRONG],
    "k": [*INT_WRONG[:-2], 0, -1],
    "check_labels": SWITCH_WRONG,
    "twice_differentiable": SWITCH_WRONG,
    "as_dict": [None, *[v for v in OBJECTS if not (isinstance(v, str) and v)], *REALS, 0, 1],
    "gamma": NUMBER_WRONG,
    "alpha": [*NUMBER_WRONG[1:], 1.5, 2],
    "label_smoothing": [*NUMBER_WRONG, 1.5, 2],
    "momentum": [*NUMBER_WRONG, 1.0, 1, 2],
    "mu": [*NUMBER_WRONG, 0, 0.0, fractions.Fraction(1, HUGE)],
    "bins": [*NUMBER_WRONG, 0, 0.0, -1, 1.5, 2**31, 1e-10],
    "top_k": [*NUMBER_WRONG[1:], 0, 0.0, 1.5, 2],
    "empty_class_weight": NUMBER_WRONG[1:],
    "normalizer": NUMBER_WRONG[1:],
    "weight": LIST_WRONG,
    "num_class_list": [None, *LIST_WRONG, [], [0, 0, 0, 0], np.zeros((0,))],
}
"""By constructor argument, values that no layer takes."""


def arguments_of(name):
    """The constructor arguments of a layer that the table knows, and what else it must be told."""
    import inspect

    import paddle_impl

    parameters = inspect.signature(getattr(paddle_impl, name)).parameters
    return [argument for argument in parameters if argument != "self"]


def test_the_table_knows_every_argument():
    assert {argument for name in NAMES for argument in arguments_of(name)} == set(WRONG)


def told(name, argument):
    """The other arguments that a layer cannot do without."""
    return {"num_class_list": [1, 2, 3, 4]} if name == "CostSensitiveLoss" and argument != "num_class_list" else {}


def refusal(argument, call, *given, **named):
    """The message with which a call is refused: it begins with the argument, and ends with what it got."""
    try:
        found = call(*given, **named)
    except (ValueError, TypeError) as error:
        message = str(error)
        assert argument in message.split(", got ")[0], message
        assert ", got " in message or "give empty_class_weight" in message, message
        return message
    raise AssertionError(f"{given!r} {named!r} is taken, and gives {found!r}")


@pytest.mark.parametrize(("name", "argument"), [(name, a) for name in NAMES for a in arguments_of(name)])
def test_a_constructor_refuses(name, argument):
    for value in WRONG[argument]:
        refusal(argument, made, name, {**told(name, argument), argument: value})


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_one_wrong_argument_among_any_that_are_right(name, data):
    from tests.paddle_impl.drawn import OPTIONS

    options = data.draw(OPTIONS[name])
    argument = data.draw(st.sampled_from(arguments_of(name)))
    value = data.draw(st.sampled_from(WRONG[argument]))
    with pytest.raises((ValueError, TypeError)):
        made(name, {**options, argument: value})


LABELS = {"GHMRLoss": REAL}
INPUT_WRONG = [
    None, "logits", b"1", 1, 1.0, True, [[0.0, 1.0]], (), {1}, object(), len, LOGITS, LOGITS.astype(np.float32),
    np.float32(1), paddle.nn.ReLU(), paddle.nn.Linear, paddle.zeros(LOGITS.shape, "complex64"),
]  # fmt: skip
"""What is no Tensor of numbers."""


def inputs_of(name):
    layer = made(name, told(name, ""))
    labels = LABELS.get(name, np.where(IDS < 0, 1, IDS))
    return layer, paddle.to_tensor(LOGITS), paddle.to_tensor(labels)


@pytest.mark.parametrize("name", NAMES)
def test_a_call_refuses_logits(name):
    layer, _, labels = inputs_of(name)
    wrong = [*INPUT_WRONG, *(paddle.zeros(LOGITS.shape, dtype) for dtype in ("int64", "int32", "uint8", "bool"))]
    for logits in wrong:
        message = refusal(layer.inputs[0], layer, logits, labels)
        if not isinstance(logits, paddle.Tensor):
            assert "must be a paddle Tensor, got" in message
    with pytest.raises(ValueError, match=r'key "logits", got'):
        layer({"features": labels}, labels)


@pytest.mark.parametrize("name", NAMES)
def test_a_call_refuses_labels(name):
    layer, logits, labels = inputs_of(name)
    shapes = [labels[:4], labels[..., :2], labels.unsqueeze(0), labels.unsqueeze(-1), labels.flatten(), labels[0, 0]]
    shapes += [labels.unsqueeze(0).unsqueeze(0), paddle.zeros([0], labels.dtype), paddle.zeros([6, 3, 4], labels.dtype)]
    for wrong in [*INPUT_WRONG, *shapes]:
        message = refusal(layer.inputs[1], layer, logits, wrong)
        if not isinstance(wrong, paddle.Tensor):
            assert f"{layer.inputs[1]} must be a paddle Tensor, got" in message


@pytest.mark.parametrize("name", ["SigmoidFocalLoss", "SigmoidGHMLoss", "GHMRLoss", "FocalLoss"])
def test_a_call_refuses_weights_of_its_own(name):
    layer, logits, labels = inputs_of(name)
    argument = "element_weight" if name == "FocalLoss" else "label_weight"
    for wrong in [*INPUT_WRONG[1:], paddle.ones([4]), paddle.ones([6, 4]), paddle.ones([1, 6, 4, 3]), paddle.ones([])]:
        refusal(argument, layer, logits, labels, **{argument: wrong})


@pytest.mark.parametrize("name", NAMES)
def test_a_call_refuses_normalizers(name):
    layer, logits, labels = inputs_of(name)
    tensors = [paddle.to_tensor(v) for v in (-1.0, NAN, INF, True)]
    tensors += [paddle.ones([2]), paddle.ones([1, 1]), paddle.zeros([0]), paddle.to_tensor(1j)]
    for wrong in [*NUMBER_WRONG[1:], *tensors]:
        refusal("normalizer", layer, logits, labels, normalizer=wrong)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"GHMRLoss"}))
@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "uint8"])
@pytest.mark.parametrize("label", [-1, -7, -99, 255, 65535, 4, 5, 100])
def test_a_label_that_looks_like_a_mask_is_advised_on(name, dtype, label):
    info = np.iinfo(dtype)
    if not info.min <= label <= info.max:
        return
    ids = np.where(np.arange(6)[:, None] == 3, label, np.abs(IDS) % 4).astype(dtype)
    advice = f"; ignore_index={label}?" if label < 0 or label in (255, 65535) else ""
    message = refusal("labels", made(name, told(name, "")), paddle.to_tensor(LOGITS), paddle.to_tensor(ids))
    assert message == f"labels must lie in [0, 4) or equal ignore_index=-100, got {label}{advice}"
    loss = made(name, {**told(name, ""), "ignore_index": label})(paddle.to_tensor(LOGITS), paddle.to_tensor(ids))
    assert np.isfinite(loss.item())


def test_an_entry_that_looks_like_a_mask_is_advised_on():
    for target, advice in (
        (-1.0, "-1; ignore_index=-1?"),
        (255.0, "255; ignore_index=255?"),
        (1.5, "1.5"),
        (-0.5, "-0.5"),
    ):
        targets = np.zeros((2, 3))
        targets[0, 0] = target
        for layer in (SigmoidFocalLoss(), SigmoidGHMLoss()):
            message = refusal("labels", layer, paddle.zeros([2, 3], "float64"), paddle.to_tensor(targets))
            assert message == f"labels must lie in [0, 1] or equal ignore_index=-100, got {advice}"


@pytest.mark.parametrize("label", [2**31, 2**32, 2**40, -(2**32)])
def test_an_ignore_index_of_more_bits_than_the_labels_ignores_none(label):
    z, y = paddle.to_tensor(LOGITS), paddle.to_tensor(np.abs(IDS) % 4, dtype="int32")
    for options in ({"check_labels": False}, {"check_labels": True}):
        expected = CrossEntropyLoss(ignore_index=None)(z, y).item()
        assert CrossEntropyLoss(ignore_index=label, **options)(z, y).item() == expected


@pytest.mark.parametrize(
    ("layer", "argument", "words"),
    [
        (
            FocalLoss,
            {"alpha": 0.25},
            "FocalLoss has no argument 'alpha': alpha of each class is weight=[...]; one alpha",
        ),
        (FocalLoss, {"alpha": [1.0, 2.0]}, "SigmoidFocalLoss(alpha=...)"),
        (CrossEntropyLoss, {"soft_label": True}, "soft labels are told by their dtype"),
        (CrossEntropyLoss, {"use_softmax": False}, "take logits"),
        (GHMLoss, {"loss_weight": 1.0}, "multiply the loss by it"),
        (SigmoidFocalLoss, {"avg_factor": 3}, "normalizer=..."),
        (CostSensitiveLoss, {"cls_num_list": [1, 2]}, "num_class_list=[...]"),
    ],
)
def test_arguments_by_another_name(layer, argument, words):
    with pytest.raises(TypeError) as raised:
        layer(**argument)
    assert words in str(raised.value)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_argument_is_pythons_own_error(name):
    with pytest.raises(TypeError, match="unexpected keyword argument 'temperature'"):
        made(name, {**told(name, ""), "temperature": 2.0})
