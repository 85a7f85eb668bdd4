"""Labels that keep the class axis, and weights of single elements: what an unreduced loss looks like, and its parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reference

OF_CLASSES = {
    "cross_entropy": (reference.cross_entropy, {}),
    "smoothed": (reference.cross_entropy, {"label_smoothing": 0.25}),
    "torch": (reference.cross_entropy, {"label_smoothing": 0.25, "soft_weight": "torch", "weight": [1.0, 2.0, 0.5]}),
    "focal": (reference.focal, {"gamma": 0.5, "weight": [1.0, 2.0, 0.5]}),
    "ghm": (reference.ghm, {"bins": 7}),
    "top_k": (reference.top_k_loss, {"top_k": 0.5}),
    "cost_sensitive": (reference.cost_sensitive, {"num_class_list": [3, 1, 7]}),
}


def problem(seed, shape, axis):
    """Logits of three classes, labels without the class axis, one of them ignored where there are several."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, shape)
    if labels.size > 1:
        labels.flat[0] = -100
    return rng.normal(size=np.insert(shape, axis, 3) if shape else (3,)) * 3, labels


shapes = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@pytest.mark.parametrize("name", OF_CLASSES)
@given(shape=shapes, place=st.integers(0, 4), seed=st.integers(0, 99))
def test_an_unreduced_loss_has_the_shape_of_its_labels(name, shape, place, seed):
    oracle, options = OF_CLASSES[name]
    axis = place % (len(shape) + 1)
    logits, labels = problem(seed, shape, axis)
    kept = np.expand_dims(labels, axis)
    cotangent = np.random.default_rng(seed).normal(size=shape)
    plain = oracle(logits, labels, axis=axis, reduction="none", cotangent=cotangent, **options)
    found = oracle(logits, kept, axis=axis, reduction="none", cotangent=np.expand_dims(cotangent, axis), **options)
    assert plain.value.shape == plain.value_scale.shape == shape
    assert found.value.shape == found.value_scale.shape == kept.shape
    assert np.array_equal(found.value, np.expand_dims(plain.value, axis))
    assert np.array_equal(found.gradient, plain.gradient)
    for reduction in ("sum", "mean"):
        assert oracle(logits, kept, axis=axis, reduction=reduction, **options).value.shape == ()


def test_a_tie_at_the_kth_loss_is_told_apart_in_labels_with_a_class_axis():
    answer = reference.top_k_loss(np.zeros((2, 2)), [[0], [1]], k=1, reduction="none")
    other = answer.value[::-1].copy()
    assert np.array_equal(answer.nearest(other, None).value, other)


def weighed(oracle, logits, labels, element_weight, **options):
    """The sum of the weighted losses over the denominator that the oracle has without them."""
    losses = oracle(logits, labels, reduction="none", **options).value
    mean, total = (oracle(logits, labels, reduction=r, **options).value for r in ("mean", "sum"))
    spread = np.broadcast_to(element_weight, losses.shape)
    return (losses * spread).sum() / (total / mean)


@pytest.mark.parametrize("denominator", ["weights", "count"])
@given(shape=shapes.filter(bool), seed=st.integers(0, 99))
def test_weights_of_elements_multiply_losses_and_no_denominator(denominator, shape, seed):
    logits, labels = problem(seed, shape, 1)
    element_weight = np.random.default_rng(seed).random(shape)
    options = {"weight": [1.0, 2.0, 0.5], "denominator": denominator}
    given_weight = {**options, "element_weight": element_weight}
    plain = reference.focal(logits, labels, reduction="none", **options)
    found = reference.focal(logits, labels, reduction="none", **given_weight)
    assert np.allclose(found.value, plain.value * element_weight, rtol=1e-14)
    mean = reference.focal(logits, labels, **given_weight)
    assert np.isclose(mean.value, weighed(reference.focal, logits, labels, element_weight, **options), rtol=1e-12)
    assert_slope(lambda z: reference.focal(z, labels, **given_weight), logits)


@pytest.mark.parametrize("rows", [False, True])
@given(seed=st.integers(0, 99))
def test_weights_of_entries_or_of_rows(rows, seed):
    rng = np.random.default_rng(seed)
    logits, targets = rng.normal(size=(4, 3, 2)), (rng.random((4, 3, 2)) < 0.5).astype(float)
    element_weight = rng.random((4, 1, 2) if rows else (4, 3, 2))
    options = {"gamma": 0.5, "weight": [1.0, 2.0, 0.5]}
    expected = weighed(reference.sigmoid_focal, logits, targets, element_weight, **options)
    given_weights = [element_weight, element_weight[:, 0]] if rows else [element_weight]
    for each in given_weights:
        found = reference.sigmoid_focal(logits, targets, element_weight=each, **options)
        assert np.isclose(found.value, expected, rtol=1e-12)
        assert_slope(lambda z, e=each: reference.sigmoid_focal(z, targets, element_weight=e, **options), logits)


def assert_slope(answer, logits):
    """The gradient is the slope of the value along a line."""
    direction, step = np.random.default_rng(3).normal(size=logits.shape), 1e-6
    slope = (answer(logits + step * direction).value - answer(logits - step * direction).value) / (2 * step)
    assert np.isclose((answer(logits).gradient * direction).sum(), slope, rtol=1e-6, atol=1e-9)


def test_whatever_weighs_an_ignored_element_has_no_influence():
    logits = np.arange(6.0).reshape(2, 3)
    plain = reference.focal(logits, [1, -100], element_weight=[2.0, 0.0])
    for anything in (np.nan, np.inf, -1.0):
        found = reference.focal(logits, [1, -100], element_weight=[2.0, anything])
        assert found.value == plain.value
        assert np.array_equal(found.gradient, plain.gradient)


@pytest.mark.parametrize(
    ("element_weight", "words"),
    [
        ([1.0], r"labels' shape, \(2,\), got \(1,\)"),
        ([1.0, -2.0], "got -2.0"),
        ([1.0, np.nan], "got nan"),
        ([np.inf, 1.0], "got inf"),
    ],
)
def test_bad_weights_of_elements(element_weight, words):
    with pytest.raises(ValueError, match=words):
        reference.focal(np.zeros((2, 3)), [0, 1], element_weight=element_weight)
    with pytest.raises(ValueError, match="element_weight must"):
        reference.sigmoid_focal(np.zeros((2, 3)), np.zeros((2, 3)), element_weight=element_weight)
