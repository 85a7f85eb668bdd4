"""Axes, masks, weights, reductions, cotangents and refusals of the oracles."""

import numpy as np
import pytest

from reference import cross_entropy, ghm

RNG = np.random.default_rng(11)


@pytest.mark.parametrize("oracle", [cross_entropy, ghm])
@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2])
def test_any_axis_is_the_first_one_moved(oracle, axis):
    logits = RNG.normal(size=(2, 3, 4, 5))
    moved = np.moveaxis(logits, axis, 1)
    labels = RNG.integers(0, logits.shape[axis], moved[:, 0].shape)
    here, there = oracle(logits, labels, axis=axis, reduction="none"), oracle(moved, labels, reduction="none")
    assert np.array_equal(here.value, there.value)
    assert np.array_equal(np.moveaxis(here.gradient, axis, 1), there.gradient)


@pytest.mark.parametrize("oracle", [cross_entropy, ghm])
def test_a_single_element_has_no_axes(oracle):
    answer = oracle([0.0, 1.0, 2.0], np.array(1), reduction="none")
    assert answer.value.shape == ()
    assert answer.gradient.shape == (3,)


@pytest.mark.parametrize("oracle", [cross_entropy, ghm])
def test_labels_may_keep_the_class_axis(oracle):
    logits, labels = RNG.normal(size=(2, 3, 4)), RNG.integers(0, 3, (2, 4))
    assert oracle(logits, labels[:, None]).value == oracle(logits, labels).value


@pytest.mark.parametrize("oracle", [cross_entropy, ghm])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_masking_is_deleting(oracle, reduction):
    logits, labels = RNG.normal(size=(6, 3)) * 3, RNG.integers(0, 3, 6)
    mask = np.array([True, False, True, True, False, True])
    poisoned = np.where(mask[:, None], logits, np.nan)
    masked = oracle(poisoned, np.where(mask, labels, -100), weight=[1, 2, 3], reduction=reduction)
    kept = oracle(logits[mask], labels[mask], weight=[1, 2, 3], reduction=reduction)
    value = masked.value[mask] if reduction == "none" else masked.value
    assert np.array_equal(value, kept.value)
    assert np.array_equal(masked.gradient[mask], kept.gradient)
    assert (masked.gradient[~mask] == 0).all()


@pytest.mark.parametrize("oracle", [cross_entropy, ghm])
@pytest.mark.parametrize(
    ("logits", "labels", "options"),
    [
        (np.zeros((2, 3)), [-100, -100], {}),
        (np.zeros((0, 3)), np.zeros(0, int), {}),
        (np.zeros((2, 3)), [0, 0], {"weight": [0, 1, 1]}),
        (np.zeros((2, 3)), [-100, -100], {"denominator": "count"}),
    ],
)
def test_a_denominator_of_0_gives_0(oracle, logits, labels, options):
    answer = oracle(logits, labels, **options)
    assert answer.value == 0
    assert (answer.gradient == 0).all()


def test_the_denominators():
    logits, labels = np.zeros((3, 2)), [0, 1, -100]
    assert np.isclose(cross_entropy(logits, labels, weight=[2, 1]).value, np.log(2))
    assert np.isclose(cross_entropy(logits, labels, weight=[2, 1], denominator="count").value, 1.5 * np.log(2))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_the_gradient_is_the_vector_jacobian_product(reduction):
    logits, labels = RNG.normal(size=(4, 3)), RNG.integers(0, 3, 4)
    cotangent = RNG.normal(size=(4,) if reduction == "none" else ())
    answer = cross_entropy(logits, labels, reduction=reduction, cotangent=cotangent)
    step = 1e-6
    for place in np.ndindex(4, 3):
        moved = [logits.copy(), logits.copy()]
        moved[0][place] += step
        moved[1][place] -= step
        ahead, behind = (cross_entropy(z, labels, reduction=reduction).value for z in moved)
        assert np.isclose(((ahead - behind) * cotangent).sum() / (2 * step), answer.gradient[place], atol=1e-8)


def test_masked_classes():
    answer = cross_entropy([[0.0, -np.inf, 0.0]], [0])
    assert np.isclose(answer.value, np.log(2))
    assert answer.gradient.tolist() == [[-0.5, 0.0, 0.5]]
    answer = cross_entropy([[-np.inf, 0.0]], [0])
    assert answer.value == np.inf
    assert answer.gradient.tolist() == [[-1.0, 1.0]]


def test_nan_stays_nan():
    assert np.isnan(cross_entropy([[np.nan, 0.0]], [1]).value)
    assert np.isnan(ghm([[0.0, np.nan]], [0]).value)


@pytest.mark.parametrize("bins", [1, 1.0])
def test_one_region_is_cross_entropy(bins):
    logits, labels = RNG.normal(size=(5, 3)), RNG.integers(0, 3, 5)
    for options in ({}, {"weight": [1, 2, 0.5]}, {"reduction": "none"}, {"ignore_index": 1}):
        one, plain = ghm(logits, labels, bins=bins, **options), cross_entropy(logits, labels, **options)
        assert np.array_equal(one.value, plain.value)
        assert np.array_equal(one.gradient, plain.gradient)


def test_the_harmonising_weights_sum_to_n_or_share_all_regions():
    logits, labels = RNG.normal(size=(8, 3)) * 3, RNG.integers(0, 3, 8)
    plain = cross_entropy(logits, labels, reduction="none").value
    occupied = ghm(logits, labels, reduction="none", bins=7).value / plain
    assert np.isclose(occupied.sum(), 8)
    paper = ghm(logits, labels, reduction="none", bins=7, normalize="paper").value / plain
    regions = len(np.unique(np.floor(-np.expm1(-plain) * 7)))
    assert np.isclose(paper.sum(), 8 * regions / 7)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"reduction": "avg"}, ValueError, "reduction must be one of none, sum, mean, got 'avg'"),
        ({"denominator": "n"}, ValueError, "denominator must be one of weights, count, got 'n'"),
        ({"weight": [1, 2]}, ValueError, r"weight must have shape \(3,\).*got shape \(2,\)"),
        ({"weight": [1, -2, 1]}, ValueError, "weight must be finite and >= 0 for each class, got -2.0"),
        ({"weight": [1, np.nan, 1]}, ValueError, "got nan"),
        ({"axis": 2}, ValueError, r"axis must lie in \[-2, 2\) for logits of rank 2, got 2"),
        ({"axis": 1.0}, TypeError, "axis must be an int, got 1.0"),
        ({"cotangent": [1, 2]}, ValueError, r"cotangent must have the shape of the loss, \(\), got \(2,\)"),
        ({"labels": [0, 7]}, ValueError, r"labels must lie in \[0, 3\) or equal ignore_index=-100, got 7"),
        ({"labels": [0, 1, 2]}, ValueError, r"labels must have.*\(2,\), got \(3,\)"),
        ({"labels": [0.0, 1.0]}, TypeError, "labels must be integers, got dtype float64"),
        ({"logits": np.zeros((2, 0))}, ValueError, "at least one class"),
        ({"logits": 0.0, "labels": 0}, ValueError, "class axis, got a scalar"),
    ],
)
def test_refusals_name_argument_value_and_expectation(options, error, words):
    arguments = {"logits": np.zeros((2, 3)), "labels": [0, 1], **options}
    for oracle in (cross_entropy, ghm):
        with pytest.raises(error, match=words):
            oracle(**arguments)


@pytest.mark.parametrize("bins", [0, -1, 1.5, 0.0, float("nan"), "ten", True, None])
def test_bad_bins(bins):
    with pytest.raises((ValueError, TypeError), match="bins must be an int >= 1 or a float width"):
        ghm(np.zeros((2, 3)), [0, 1], bins=bins)


def test_label_smoothing_is_not_silently_ignored():
    with pytest.raises(ValueError, match=r"label_smoothing must be 0, got 0.1"):
        cross_entropy(np.zeros((2, 3)), [0, 1], label_smoothing=0.1)


def test_bad_normalize():
    with pytest.raises(ValueError, match="normalize must be one of occupied, paper, got 'all'"):
        ghm(np.zeros((2, 3)), [0, 1], normalize="all")
