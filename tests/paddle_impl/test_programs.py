"""Layers where training and serving take them: translated, and saved with sizes unknown and loaded."""

import numpy as np
import paddle
import pytest
from paddle.static import InputSpec

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
from tests.paddle_impl.cases import (
    CASES,
    COUNTS,
    IDS,
    ONE_OF_EACH,
    REAL,
    SOFT,
    TARGETS,
    WEIGHT,
    dygraph,
)

KINDS = {"ids": IDS, "soft": SOFT, "targets": TARGETS, "real": REAL}
BATCHES = (20, 7, 1, 0)
DIGITS = {"float32": 3e-5, "float64": 1e-12}

FURTHER = [
    (CrossEntropyLoss, "ids", {"ignore_index": None}),
    (CrossEntropyLoss, "ids", {"ignore_index": 2, "weight": WEIGHT, "reduction": "none"}),
    (CrossEntropyLoss, "soft", {"label_smoothing": 0.2, "weight": WEIGHT, "reduction": "none"}),
    (CrossEntropyLoss, "ids", {"label_smoothing": 0.2, "ignore_index": 1, "denominator": "count"}),
    (FocalLoss, "ids", {"gamma": 0.0, "weight": WEIGHT, "denominator": "count"}),
    (GHMLoss, "ids", {"bins": 1.0, "weight": WEIGHT, "denominator": "count"}),
    (GHMLoss, "ids", {"bins": 3, "normalize": "paper", "reduction": "sum"}),
    (TopKLoss, "ids", {"top_k": 1.0, "weight": WEIGHT, "reduction": "sum"}),
    (TopKLoss, "ids", {"k": 4, "weight": WEIGHT, "denominator": "count"}),
    (CostSensitiveLoss, "ids", {"num_class_list": COUNTS, "weight": WEIGHT, "gamma": 0.3, "reduction": "none"}),
    (SigmoidFocalLoss, "ids", {"weight": WEIGHT, "ignore_index": 3, "reduction": "sum"}),
    (SigmoidFocalLoss, "targets", {"normalizer": 3.0}),
    (SigmoidGHMLoss, "ids", {"bins": 4, "normalize": "paper", "reduction": "none"}),
    (SigmoidGHMLoss, "targets", {"bins": 0.25, "weight": WEIGHT, "denominator": "count"}),
    (GHMRLoss, "real", {"bins": 0.5, "reduction": "sum"}),
    (FocalLoss, "ids", {"ignore_index": None}),
    (GHMLoss, "ids", {"ignore_index": None}),
    (TopKLoss, "ids", {"ignore_index": None}),
    (TopKLoss, "targets", {"individual": "hinge", "ignore_index": None}),
    (TopKLoss, "targets", {"individual": "logistic", "ignore_index": None}),
    (SigmoidFocalLoss, "soft", {"ignore_index": None}),
    (SigmoidGHMLoss, "soft", {"ignore_index": None}),
    (SigmoidGHMLoss, "targets", {"ignore_index": None, "reduction": "none"}),
]
SAVED = [
    *((layer, next(k for k, v in KINDS.items() if v is labels), options) for layer, _, labels, options in CASES),
    *FURTHER,
]
EACH = [case for case in SAVED if (case[0], case[2]) in [(layer, options) for layer, _, _, options in ONE_OF_EACH]]


def batch(kind, shape, dtype, ignored=-100):
    """Logits of a shape with the classes along axis 1, and labels of a kind."""
    rng = np.random.default_rng(shape[0])
    logits = (rng.normal(size=shape) * 3).astype(dtype)
    if kind == "ids":
        labels = rng.integers(0, shape[1], (shape[0], *shape[2:]))
        labels[rng.random(labels.shape) < 0.2] = ignored
        return logits, labels
    if kind == "targets":
        labels = (rng.random(shape) < 0.3).astype(dtype)
        labels[rng.random(shape) < 0.2] = ignored
        return logits, labels
    return logits, (rng.random(shape) if kind == "soft" else rng.normal(size=shape) * 3).astype(dtype)


def unknown(array, known=()):
    """The specification of an array of which a program knows the sizes along some axes alone."""
    sizes = [size if axis in known else None for axis, size in enumerate(array.shape)]
    return InputSpec(sizes, str(array.dtype))


def loaded(layer, specs, folder):
    paddle.jit.save(layer, str(folder / "loss"), input_spec=specs)
    program = paddle.jit.load(str(folder / "loss"))
    # a program that was loaded gives gradients in train() alone
    program.train()
    return program


def same(program, layer, logits, labels, **call):
    """Assert that a program answers as the layer does, value and gradient."""
    got, expected = dygraph(program, logits, labels, *call.values()), dygraph(layer, logits, labels, **call)
    digits = DIGITS[str(logits.dtype)]
    assert got[0].dtype == expected[0].dtype
    assert got[0].shape == expected[0].shape
    assert np.allclose(got[0], expected[0], rtol=digits, atol=digits)
    assert np.allclose(got[1], expected[1], rtol=digits, atol=digits)


def ignoring(options):
    return -100 if options.get("ignore_index", -100) is None else options.get("ignore_index", -100)


def drawn(kind, shape, dtype, options):
    logits, labels = batch(kind, shape, dtype, ignoring(options))
    if options.get("ignore_index", -100) is None:
        labels = np.abs(labels) % shape[1]
    return logits, labels


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "kind", "options"), SAVED)
def test_saved_with_sizes_unknown(layer, kind, options, dtype, tmp_path):
    made = layer(**options)
    logits, labels = drawn(kind, (2, 4, 3), dtype, options)
    known = (1,) if labels.ndim == logits.ndim else ()
    program = loaded(made, [unknown(logits, (1,)), unknown(labels, known)], tmp_path)
    for size in BATCHES:
        same(program, made, *drawn(kind, (size, 4, 1 + size % 3), dtype, options))
    if kind in ("ids", "targets") and options.get("ignore_index", -100) is not None:
        same(program, made, logits, np.full_like(labels, ignoring(options)))


@pytest.mark.parametrize("shape", [(4,), (4, 2, 3)], ids=["rows", "images"])
@pytest.mark.parametrize(("layer", "kind", "options"), EACH)
def test_rows_and_images(layer, kind, options, shape, tmp_path):
    made = layer(**options)
    logits, labels = batch(kind, (2, *shape), "float32")
    known = (1,) if labels.ndim == logits.ndim else ()
    program = loaded(made, [unknown(logits, (1,)), unknown(labels, known)], tmp_path)
    for size in BATCHES:
        same(program, made, *batch(kind, (size, *shape), "float32"))


@pytest.mark.parametrize(("layer", "kind", "options"), EACH)
def test_the_number_of_classes_may_be_unknown_too(layer, kind, options, tmp_path):
    made = layer(**options)
    logits, labels = batch(kind, (2, 4, 3), "float64")
    program = loaded(made, [unknown(logits), unknown(labels)], tmp_path)
    for size in BATCHES:
        same(program, made, *batch(kind, (size, 4, 3), "float64"))


@pytest.mark.parametrize(("layer", "kind", "options"), EACH)
def test_to_static_with_sizes_unknown(layer, kind, options):
    logits, labels = batch(kind, (2, 4, 3), "float64")
    specs = [unknown(logits, (1,)), unknown(labels, (1,) if labels.ndim == logits.ndim else ())]
    program = paddle.jit.to_static(layer(**options), input_spec=specs, full_graph=True)
    for size in BATCHES:
        same(program, layer(**options), *batch(kind, (size, 4, 3), "float64"))


@pytest.mark.parametrize("full_graph", [False, True])
@pytest.mark.parametrize(("layer", "kind", "options"), FURTHER)
def test_to_static(layer, kind, options, full_graph):
    program = paddle.jit.to_static(layer(**options), full_graph=full_graph)
    same(program, layer(**options), *drawn(kind, (7, 4, 3), "float64", options))


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize(("layer", "kind", "options"), [case for case in EACH if case[0] is not GHMRLoss])
def test_classes_along_another_axis(layer, kind, options, axis, tmp_path):
    made = layer(**options, axis=axis)

    def turned(size):
        logits, labels = batch(kind, (size, 4, 3), "float64")
        return np.moveaxis(logits, 1, axis), np.moveaxis(labels, 1, axis) if labels.ndim == 3 else labels

    logits, labels = turned(2)
    program = loaded(made, [unknown(logits, (axis % 3,)), unknown(labels)], tmp_path)
    for size in BATCHES:
        same(program, made, *turned(size))


@pytest.mark.parametrize("dtype", ["int32", "uint8"])
@pytest.mark.parametrize("layer", [CrossEntropyLoss(weight=WEIGHT), GHMLoss(), SigmoidFocalLoss(weight=WEIGHT)])
def test_labels_with_a_class_axis_of_length_one(layer, dtype, tmp_path):
    logits, labels = batch("ids", (2, 4, 3), "float64", ignored=0)
    program = loaded(layer, [unknown(logits, (1,)), InputSpec([None, 1, None], dtype)], tmp_path)
    for size in BATCHES:
        logits, labels = batch("ids", (size, 4, 3), "float64", ignored=0)
        same(program, layer, logits, labels[:, None].astype(dtype))


@pytest.mark.parametrize("layer", [SigmoidFocalLoss(weight=WEIGHT), SigmoidGHMLoss(), GHMRLoss()])
def test_masks(layer, tmp_path):
    kind = "real" if isinstance(layer, GHMRLoss) else "targets"
    logits, labels = batch(kind, (2, 4, 3), "float64")
    program = loaded(layer, [unknown(logits, (1,)) for _ in range(3)], tmp_path)
    for size in BATCHES:
        logits, labels = batch(kind, (size, 4, 3), "float64")
        mask = paddle.to_tensor((np.random.default_rng(size).random(logits.shape) < 0.6).astype("float64"))
        same(program, layer, logits, labels, label_weight=mask)


def test_masks_of_class_ids(tmp_path):
    layer = SigmoidFocalLoss()
    logits, labels = batch("ids", (2, 4, 3), "float64")
    rows = InputSpec([None, None], "float64")
    program = loaded(layer, [unknown(logits, (1,)), unknown(labels), rows], tmp_path)
    logits, labels = batch("ids", (7, 4, 3), "float64")
    same(program, layer, logits, labels, label_weight=paddle.to_tensor((labels > 0).astype("float64")))


@pytest.mark.parametrize("shape", [[], [1]])
def test_a_normalizer_of_the_program(shape, tmp_path):
    layer = CrossEntropyLoss(weight=WEIGHT)
    logits, labels = batch("ids", (2, 4), "float64")
    program = loaded(layer, [unknown(logits, (1,)), unknown(labels), InputSpec(shape, "float64")], tmp_path)
    for size in BATCHES:
        logits, labels = batch("ids", (size, 4), "float64")
        same(program, layer, logits, labels, normalizer=paddle.full(shape, 2.5, dtype="float64"))


LAYERS_WITH_MOMENTUM = [(GHMLoss, "ids"), (SigmoidGHMLoss, "targets"), (GHMRLoss, "real")]


@pytest.mark.parametrize("ema", ["corrected", "mmdet"])
@pytest.mark.parametrize(("layer", "kind"), LAYERS_WITH_MOMENTUM)
def test_a_running_average_is_saved_as_eval_has_it(layer, kind, ema, tmp_path):
    made = layer(bins=4, momentum=0.5, ema=ema)
    for size in (5, 9):
        dygraph(made, *batch(kind, (size, 4), "float64"))
    made.eval()
    logits, labels = batch(kind, (2, 4), "float64")
    program = loaded(made, [unknown(logits, (1,)), unknown(labels, (1,) if labels.ndim == 2 else ())], tmp_path)
    for size in BATCHES:
        same(program, made, *batch(kind, (size, 4), "float64"))


@pytest.mark.parametrize(("layer", "kind"), LAYERS_WITH_MOMENTUM)
def test_a_running_average_is_trained_by_to_static_and_left_alone_by_what_is_saved(layer, kind, tmp_path):
    options = {"bins": 4, "momentum": 0.5}
    logits, labels = batch(kind, (2, 4), "float64")
    specs = [unknown(logits, (1,)), unknown(labels, (1,) if labels.ndim == 2 else ())]
    made, saved = layer(**options), layer(**options)
    trained = paddle.jit.to_static(layer(**options), input_spec=specs, full_graph=True)
    program = loaded(saved, specs, tmp_path)
    before = [array.numpy().sum() for array in program.state_dict().values()]
    for size in (5, 9):
        for each in (made, trained, program):
            dygraph(each, *batch(kind, (size, 4), "float64"))
    assert np.allclose(trained.population.numpy(), made.population.numpy())
    assert trained.batches.item() == 2
    assert saved.batches.item() == 0
    assert np.array_equal([array.numpy().sum() for array in program.state_dict().values()], before)


# to_static translates what it finds by its name in a module
def doubled(logits, labels):
    losses = (logits - labels).abs()
    if losses.sum() > 0:
        losses = losses * 2
    return losses


def test_a_function_of_the_users_own_is_still_translated(tmp_path):
    layer = TopKLoss(k=3, individual=doubled)
    logits, labels = batch("real", (2, 4), "float64")
    program = loaded(layer, [unknown(logits, (1,)), unknown(labels, (1,))], tmp_path)
    for size in (20, 7, 1):
        same(program, layer, *batch("real", (size, 4), "float64"))


def test_sizes_that_are_known_are_compared_at_once(tmp_path):
    with pytest.raises(ValueError, match=r"labels must have the logits' shape without the class axis, \[-1, 3\]"):
        loaded(CrossEntropyLoss(), [InputSpec([None, 4, 3], "float32"), InputSpec([None, 2], "int64")], tmp_path)
    with pytest.raises(ValueError, match="weight must have 3 numbers"):
        loaded(CrossEntropyLoss(weight=WEIGHT), [InputSpec([None, 3], "float32"), InputSpec([None], "int64")], tmp_path)
    with pytest.raises(ValueError, match="class ids or targets"):
        loaded(SigmoidFocalLoss(), [InputSpec([None, None], "float32"), InputSpec([None, 1], "int64")], tmp_path)


@pytest.mark.parametrize(("layer", "kind", "options"), EACH)
def test_sizes_that_are_not_are_compared_by_the_program(layer, kind, options, tmp_path):
    logits, labels = batch(kind, (2, 4), "float32")
    program = loaded(layer(**options), [unknown(logits, (1,)), unknown(labels)], tmp_path)
    for rows in (1, 5):
        _, labels = batch(kind, (rows, 4), "float32")
        with pytest.raises(Exception, match="ReshapeOp"):
            program(paddle.ones([7, 4]), paddle.to_tensor(labels))
