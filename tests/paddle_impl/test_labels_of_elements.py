"""Labels that keep the class axis, and weights of single elements, in the layers: against the oracles, in all modes."""

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reference
from paddle_impl import CostSensitiveLoss, CrossEntropyLoss, FocalLoss, GHMLoss, SigmoidFocalLoss, TopKLoss
from paddle_impl.pieces import PIECE
from tests.paddle_impl.cases import IDS, LOGITS, SOFT, TARGETS, WEIGHT, agrees, dygraph

OF_CLASSES = [
    (CrossEntropyLoss, reference.cross_entropy, {}),
    (CrossEntropyLoss, reference.cross_entropy, {"label_smoothing": 0.25, "weight": WEIGHT}),
    (FocalLoss, reference.focal, {"gamma": 0.5}),
    (GHMLoss, reference.ghm, {"bins": 3}),
    (TopKLoss, reference.top_k_loss, {"top_k": 0.5}),
    (CostSensitiveLoss, reference.cost_sensitive, {"num_class_list": [3, 1, 7, 2]}),
]
unhurried = settings(deadline=None, max_examples=25)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(("layer", "oracle", "options"), OF_CLASSES)
@given(shape=st.lists(st.integers(0, 3), max_size=3).map(tuple), place=st.integers(0, 3), seed=st.integers(0, 99))
@unhurried
def test_an_unreduced_loss_has_the_shape_of_its_labels(layer, oracle, options, twice, shape, place, seed):
    rng, axis = np.random.default_rng(seed), place % (len(shape) + 1)
    logits = rng.normal(size=np.insert(shape, axis, 4) if shape else (4,)) * 3
    ids = np.expand_dims(np.where(rng.random(shape) < 0.2, -100, rng.integers(0, 4, shape)), axis)
    made = layer(**options, axis=axis, reduction="none", twice_differentiable=twice)
    found = dygraph(made, logits, ids)
    assert found[0].shape == ids.shape
    agrees(found, oracle(logits, ids, axis=axis, reduction="none", **options))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_that_is_the_shape_of_paddles_own(axis):
    logits = paddle.randn([2, 3, 5])
    labels = paddle.zeros([1 if k == axis % 3 else n for k, n in enumerate(logits.shape)], dtype="int64")
    theirs = F.cross_entropy(logits, labels, reduction="none", axis=axis)
    ours = CrossEntropyLoss(reduction="none", axis=axis)(logits, labels)
    assert ours.shape == theirs.shape == labels.shape
    assert np.allclose(ours.numpy(), theirs.numpy(), rtol=1e-5)


def test_logits_of_one_row_keep_both_axes_of_their_labels():
    assert CrossEntropyLoss(reduction="none")(paddle.zeros([1, 2]), paddle.to_tensor([[0]])).shape == [1, 1]
    assert CrossEntropyLoss(reduction="none")(paddle.zeros([1, 2]), paddle.to_tensor([0])).shape == [1]
    assert CrossEntropyLoss(reduction="none")(paddle.zeros([2]), paddle.to_tensor([0])).shape == [1]
    assert CrossEntropyLoss(reduction="none")(paddle.zeros([2]), paddle.to_tensor(0)).shape == []


def test_soft_labels_have_a_loss_for_each_row():
    # they have the logits' shape, which the losses of rows cannot have
    found = dygraph(CrossEntropyLoss(reduction="none"), LOGITS, SOFT)
    assert found[0].shape == (6, 3)
    agrees(found, reference.cross_entropy(LOGITS, SOFT, reduction="none"))


@pytest.mark.parametrize("full_graph", [False, True])
@pytest.mark.parametrize(("layer", "oracle", "options"), OF_CLASSES)
def test_the_class_axis_stays_behind_to_static(layer, oracle, options, full_graph):
    ids = np.expand_dims(IDS, 1)
    traced = paddle.jit.to_static(layer(**options, reduction="none"), full_graph=full_graph)
    agrees(dygraph(traced, LOGITS, ids), oracle(LOGITS, ids, reduction="none", **options), rtol=1e-6)


RNG = np.random.default_rng(11)
OF_IDS, OF_ENTRIES, OF_ROWS = RNG.random(IDS.shape), RNG.random(LOGITS.shape), RNG.random((6, 1, 3))
WEIGHED = [
    (FocalLoss, reference.focal, IDS, OF_IDS),
    (FocalLoss, reference.focal, np.expand_dims(IDS, 1), np.expand_dims(OF_IDS, 1)),
    (SigmoidFocalLoss, reference.sigmoid_focal, TARGETS, OF_ENTRIES),
    (SigmoidFocalLoss, reference.sigmoid_focal, SOFT, OF_ROWS),
    (SigmoidFocalLoss, reference.sigmoid_focal, IDS, OF_ROWS[:, 0]),
]
weighed_cases = pytest.mark.parametrize(("layer", "oracle", "labels", "element_weight"), WEIGHED)
CONFIGURATIONS = [
    {},
    {"gamma": 0.0},
    {"gamma": 0.5, "weight": WEIGHT},
    {"weight": WEIGHT, "denominator": "count"},
    {"reduction": "sum"},
    {"reduction": "none", "gamma": 1.5},
]


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("options", CONFIGURATIONS)
@weighed_cases
def test_weights_of_elements(layer, oracle, labels, element_weight, options, twice):
    made = layer(**options, twice_differentiable=twice)
    found = dygraph(made, LOGITS, labels, element_weight=paddle.to_tensor(element_weight))
    agrees(found, oracle(LOGITS, labels, element_weight=element_weight, **options))


@pytest.mark.parametrize("full_graph", [False, True])
@weighed_cases
def test_weights_of_elements_behind_to_static(layer, oracle, labels, element_weight, full_graph):
    traced = paddle.jit.to_static(layer(), full_graph=full_graph)
    found = dygraph(traced, LOGITS, labels, element_weight=paddle.to_tensor(element_weight))
    agrees(found, oracle(LOGITS, labels, element_weight=element_weight), rtol=1e-6)


@weighed_cases
def test_the_gradient_of_a_weighted_loss_is_its_slope(layer, oracle, labels, element_weight):
    made, direction, step = layer(gamma=1.5), np.random.default_rng(2).normal(size=LOGITS.shape), 1e-6
    call = {"element_weight": paddle.to_tensor(element_weight)}
    ends = [dygraph(made, LOGITS + side * step * direction, labels, **call)[0] for side in (1, -1)]
    gradient = dygraph(made, LOGITS, labels, **call)[1]
    assert np.isclose((gradient * direction).sum(), (ends[0] - ends[1]) / (2 * step), rtol=1e-6)


def test_a_weighted_average_divides_by_the_weights():
    e = paddle.to_tensor(OF_IDS)
    kept = IDS != -100
    losses = FocalLoss(reduction="none")(paddle.to_tensor(LOGITS), paddle.to_tensor(IDS)).numpy()
    found = FocalLoss()(paddle.to_tensor(LOGITS), paddle.to_tensor(IDS), normalizer=e.sum(), element_weight=e)
    assert found.item() == pytest.approx((losses * OF_IDS).sum() / OF_IDS.sum(), rel=1e-12)
    found = FocalLoss()(paddle.to_tensor(LOGITS), paddle.to_tensor(IDS), element_weight=e)
    assert found.item() == pytest.approx((losses * OF_IDS).sum() / kept.sum(), rel=1e-12)


def test_weights_of_many_entries_are_taken_in_pieces():
    x, t = RNG.normal(size=(2, PIECE)), (RNG.random((2, PIECE)) < 0.2).astype(float)
    e = RNG.random((2, PIECE))
    got = dygraph(SigmoidFocalLoss(), x, t, element_weight=paddle.to_tensor(e))
    agrees(got, reference.sigmoid_focal(x, t, element_weight=e), rtol=1e-10)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int64", "bool"])
@pytest.mark.parametrize("layer", [FocalLoss(), SigmoidFocalLoss()])
def test_weights_of_elements_of_every_dtype(layer, dtype):
    e = paddle.to_tensor((OF_IDS < 0.5).astype(float)).astype(dtype)
    z = paddle.to_tensor(LOGITS)
    expected = layer(z, paddle.to_tensor(IDS), element_weight=e.astype("float64"))
    assert layer(z, paddle.to_tensor(IDS), element_weight=e).item() == expected.item()


@pytest.mark.parametrize("anything", [np.nan, np.inf, -1.0])
@weighed_cases
def test_whatever_weighs_an_ignored_element_has_no_influence(layer, oracle, labels, element_weight, anything):
    ignored = np.broadcast_to(labels == -100, element_weight.shape) if labels.size == element_weight.size else None
    if ignored is None:
        ignored = np.zeros(element_weight.shape, bool)
        labels = np.where(np.arange(6).reshape(6, *(1,) * (labels.ndim - 1)) == 2, -100, labels)
        ignored[2] = True
    changed = np.where(ignored, anything, element_weight)
    plain = dygraph(layer(), LOGITS, labels, element_weight=paddle.to_tensor(element_weight))
    found = dygraph(layer(), LOGITS, labels, element_weight=paddle.to_tensor(changed))
    assert ignored.any()
    assert found[0] == plain[0]
    assert np.array_equal(found[1], plain[1])


def test_no_gradient_flows_into_the_weights():
    e = paddle.to_tensor(OF_IDS, stop_gradient=False)
    z = paddle.to_tensor(LOGITS, stop_gradient=False)
    FocalLoss()(z, paddle.to_tensor(IDS), element_weight=e).backward()
    assert e.grad is None


@pytest.mark.parametrize(
    ("element_weight", "error", "words"),
    [
        (OF_IDS, TypeError, "element_weight must be a paddle Tensor, got numpy.ndarray"),
        (paddle.to_tensor(OF_IDS[:4]), ValueError, "got [4, 3]"),
        (paddle.to_tensor(OF_IDS - 9), ValueError, "element_weight must be finite and >= 0, got -8"),
        (paddle.to_tensor(OF_IDS * np.nan), ValueError, "element_weight must be finite and >= 0, got nan"),
        (paddle.to_tensor(OF_IDS + 1j), TypeError, "element_weight must be numbers, got dtype paddle.complex128"),
    ],
)
@pytest.mark.parametrize("layer", [FocalLoss(), SigmoidFocalLoss()])
def test_bad_weights_of_elements(layer, element_weight, error, words):
    with pytest.raises(error) as raised:
        layer(paddle.to_tensor(LOGITS), paddle.to_tensor(np.where(IDS < 0, 1, IDS)), element_weight=element_weight)
    assert words in str(raised.value)


class Weighed(paddle.nn.Layer):
    """A layer that is called with weights of elements, as a training program calls it."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, logits, labels, weights):
        return self.loss(logits, labels, element_weight=weights)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize(
    ("layer", "row"),
    [(FocalLoss, ()), (FocalLoss, (1,)), (SigmoidFocalLoss, ()), (SigmoidFocalLoss, (1,)), (SigmoidFocalLoss, (4,))],
)
def test_weights_of_elements_in_a_program_of_unknown_length(layer, row, reduction):
    made = layer(reduction=reduction)
    shapes, dtypes = [[None, 4], [None, 1], [None, *row]], ["float64", "int64", "float64"]
    specs = [paddle.static.InputSpec(shape, dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    program = paddle.jit.to_static(Weighed(made), input_spec=specs, full_graph=True)
    rng = np.random.default_rng(1)
    for n in (5, 2):
        logits, ids, weights = rng.normal(size=(n, 4)), rng.integers(0, 4, (n, 1)), rng.random((n, *row))
        expected = dygraph(made, logits, ids, element_weight=paddle.to_tensor(weights))
        found = dygraph(program, logits, ids, paddle.to_tensor(weights))
        assert found[0].shape == expected[0].shape
        for got, wanted in zip(found[:2], expected[:2], strict=True):
            assert np.allclose(got, wanted, rtol=1e-10, atol=0)
