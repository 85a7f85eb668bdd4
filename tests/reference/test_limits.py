"""Where one loss becomes another, and what a number of elements is."""

import itertools
from fractions import Fraction

import numpy as np
import pytest

from reference import (
    average_top_k,
    cost_sensitive,
    cross_entropy,
    focal,
    ghm,
    ghm_regression,
    sigmoid_focal,
    sigmoid_ghm,
    top_k_loss,
)
from reference.top_k import count_of

SETTINGS = [
    {},
    {"reduction": "sum"},
    {"reduction": "none"},
    {"weight": [1, 2, 0.5]},
    {"weight": [1, 2, 0.5], "denominator": "count"},
    {"weight": [1, 2, 0.5], "ignore_index": 1},
    {"weight": [1, 0, 0.5], "reduction": "none", "ignore_index": 2},
    {"normalizer": 2.5},
]


@pytest.fixture(params=SETTINGS, ids=str)
def setting(request):
    return request.param


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    return rng.normal(size=(7, 3)) * 3, np.array([0, 1, 2, 0, 1, 2, 0])


def equal(left, right, rtol=1e-15):
    assert left.value.shape == right.value.shape
    assert np.allclose(left.value, right.value, rtol=rtol, atol=0)
    # the two may round a gradient entry that cancels apart
    assert np.allclose(left.gradient, right.gradient, rtol=8 * rtol, atol=rtol)


@pytest.mark.parametrize("bins", [1, 1.0])
def test_one_region_is_cross_entropy(bins, batch, setting):
    one, plain = ghm(*batch, bins=bins, **setting), cross_entropy(*batch, **setting)
    assert np.array_equal(one.value, plain.value)
    assert np.array_equal(one.gradient, plain.gradient)


@pytest.mark.parametrize("bins", [1, 1.0])
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_one_region_of_entries_is_binary_cross_entropy_and_smooth_l1(bins, reduction):
    rng = np.random.default_rng(2)
    x, t = rng.normal(size=9) * 3, rng.choice([0, 1, 0.3], 9)
    equal(
        sigmoid_ghm(x, t, bins=bins, reduction=reduction),
        sigmoid_focal(x, t, gamma=0, alpha=None, reduction=reduction),
    )
    plain = np.sqrt((x - t) ** 2 + 0.25) - 0.5
    answer = ghm_regression(x, t, mu=0.5, bins=bins, reduction=reduction)
    assert np.allclose(answer.value, {"none": plain, "sum": plain.sum(), "mean": plain.mean()}[reduction])


def test_gamma_0_is_cross_entropy(batch, setting):
    equal(focal(*batch, gamma=0.0, **setting), cross_entropy(*batch, **setting))
    equal(cost_sensitive(*batch, num_class_list=[5, 1, 9], gamma=0.0, **setting), cross_entropy(*batch, **setting))


def test_equal_counts_are_cross_entropy(batch, setting):
    equal(cost_sensitive(*batch, num_class_list=[7, 7, 7], gamma=1.5, **setting), cross_entropy(*batch, **setting))


def test_costs_are_weights(batch):
    costs = np.sqrt(np.array([1 / 5, 1, 1 / 9]))
    equal(cost_sensitive(*batch, num_class_list=[5, 1, 9], gamma=0.5), cross_entropy(*batch, weight=costs), 1e-14)


@pytest.mark.parametrize("options", [{"top_k": 1}, {"top_k": 1.0}, {"k": 7}, {"k": 1000}])
def test_all_of_the_losses_is_cross_entropy(batch, setting, options):
    equal(top_k_loss(*batch, **options, **setting), cross_entropy(*batch, **setting))


@pytest.mark.parametrize("options", [{}, {"weight": [1, 2, 0.5]}, {"ignore_index": 0}])
def test_k_1_is_the_largest_loss(batch, options):
    each = cross_entropy(*batch, reduction="none", **options)
    answer = top_k_loss(*batch, k=1, reduction="sum", **options)
    where = int(each.value.argmax())
    assert answer.value == each.value[where]
    assert np.array_equal(answer.gradient[where], each.gradient[where])
    assert np.count_nonzero(answer.gradient.any(axis=1)) == 1
    # the mean of weights of mean 1 divides by k, whichever was taken
    counted = top_k_loss(*batch, k=1, denominator="count", **options)
    assert np.isclose(counted.value, each.value[where])


def test_one_hot_rows_are_classes(batch):
    logits, labels = batch
    rows = np.eye(3)[labels]
    for options in (o for o in SETTINGS if "ignore_index" not in o):
        equal(cross_entropy(logits, rows, **options), cross_entropy(logits, labels, **options))
        smooth = {**options, "label_smoothing": 0.1}
        equal(cross_entropy(logits, rows, **smooth), cross_entropy(logits, labels, **smooth))


def test_one_hot_rows_with_weights_on_the_terms_divide_by_the_number_of_elements(batch):
    logits, labels = batch
    options = {"weight": [1, 2, 0.5], "soft_weight": "torch"}
    equal(
        cross_entropy(logits, np.eye(3)[labels], **options),
        cross_entropy(logits, labels, denominator="count", **options),
    )


def test_no_smoothing_is_no_smoothing(batch, setting):
    equal(cross_entropy(*batch, label_smoothing=0.0, **setting), cross_entropy(*batch, **setting))


@pytest.mark.parametrize("options", [{}, {"reduction": "sum"}, {"reduction": "none"}, {"normalizer": 3}])
def test_alpha_one_half_and_gamma_0_is_half_of_binary_cross_entropy(options):
    rng = np.random.default_rng(3)
    x, t = rng.normal(size=9) * 5, rng.choice([0, 1, 0.3, -100], 9)
    half, plain = (
        sigmoid_focal(x, t, gamma=0, alpha=0.5, **options),
        sigmoid_focal(x, t, gamma=0, alpha=None, **options),
    )
    assert np.array_equal(2 * half.value, plain.value)
    assert np.array_equal(2 * half.gradient, plain.gradient)
    valid = t >= 0
    by_hand = np.where(valid, -(t * np.log(1 / (1 + np.exp(-x))) + (1 - t) * np.log(1 / (1 + np.exp(x)))), 0)
    divisor = options.get("normalizer", 1) if options else valid.sum()
    assert np.isclose(plain.value.sum() * divisor, by_hand.sum())
    equal(
        top_k_loss(x, t, individual="logistic", top_k=1, **options),
        plain,
    )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_two_classes_are_a_sigmoid_of_the_difference(gamma):
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=9) * 8, rng.integers(0, 2, 9)
    two = np.column_stack([np.zeros(9), x])
    of_two, of_one = (
        focal(two, t, gamma=gamma, reduction="none"),
        sigmoid_focal(x, t, gamma=gamma, alpha=None, reduction="none"),
    )
    assert np.allclose(of_two.value, of_one.value, rtol=1e-13, atol=0)
    assert np.allclose(of_two.gradient[:, 1], of_one.gradient, rtol=1e-13, atol=0)
    assert np.allclose(of_two.gradient[:, 0], -of_one.gradient, rtol=1e-13, atol=0)


def test_two_classes_of_ghm_are_a_sigmoid_of_the_difference():
    rng = np.random.default_rng(4)
    x, t = rng.normal(size=30) * 8, rng.integers(0, 2, 30)
    of_two, of_one = ghm(np.column_stack([np.zeros(30), x]), t), sigmoid_ghm(x, t)
    assert not of_two.ambiguous
    assert np.isclose(of_two.value, of_one.value, rtol=1e-13)
    assert np.allclose(of_two.gradient[:, 1], of_one.gradient, rtol=1e-13, atol=0)


@pytest.mark.parametrize("k", [1, 2, 7, 30])
def test_the_mean_of_the_k_largest_is_a_minimum_over_thresholds(k):
    rng = np.random.default_rng(5)
    for _ in range(20):
        losses = rng.normal(size=30) * 10
        value = float(average_top_k(losses, k=k).value)
        # the minimum is at one of the losses: the function of t is convex and bends there alone
        minimum = min(t + np.maximum(losses - t, 0).sum() / k for t in losses)
        assert np.isclose(value, minimum, rtol=1e-13)
        anywhere = rng.normal(size=20) * 10
        assert all(t + np.maximum(losses - t, 0).sum() / k >= value - 1e-12 for t in anywhere)


def test_the_mean_falls_from_the_largest_to_the_mean_as_k_grows():
    losses = np.random.default_rng(6).exponential(size=20)
    means = [float(average_top_k(losses, k=k).value) for k in range(1, 21)]
    assert means[0] == losses.max()
    assert np.isclose(means[-1], losses.mean())
    assert all(a > b for a, b in itertools.pairwise(means))


def test_29_percent_of_100_are_29():
    assert int(0.29 * 100) == 28
    assert count_of(0.29, None, 100) == 29
    # the float32 is a smaller number: 29 / 100 lies above it
    assert count_of(np.float32(0.29), None, 100) == 28


@pytest.mark.parametrize("seed", range(4))
def test_a_fraction_keeps_the_largest_number_whose_quotient_it_reaches(seed):
    rng = np.random.default_rng(seed)
    fractions = [*(i / 100 for i in range(1, 101)), 1 / 3, 2 / 3, 1 / 7, 5e-324, 1.0, 1, *rng.random(20) + 1e-9]
    for valid in [*range(1, 60), 97, 100, 128, 1000, *rng.integers(1, 3000, 5)]:
        valid = int(valid)
        quotients = np.arange(1, valid + 1) / valid
        for r in fractions:
            r = min(r, 1.0)
            k = count_of(r, None, valid)
            # quotients rounded to float64, against r as the float that it is
            assert k == max(int((quotients <= r).sum()), 1), (r, valid)
            exact = int(Fraction(r) * valid)
            # rounding may reach the next whole number, and only where the quotient is r itself
            assert k in (max(exact, 1), exact + 1)
            if k == exact + 1 and exact > 0:
                assert k / valid == r


def test_large_batches_are_counted_as_exactly():
    for valid in (10**7, 10**9 + 7, 2**40 + 1):
        for r in (0.29, 0.1, 1 / 3, 0.7, 1.0):
            k = count_of(r, None, valid)
            assert k / valid <= r
            assert k == valid or (k + 1) / valid > r


def test_counts():
    assert count_of(None, None, 10) == 7
    assert count_of(None, 3, 10) == 3
    assert count_of(None, 30, 10) == 10
    assert count_of(0.01, None, 10) == 1
    assert count_of(0.5, None, 0) == 0
    assert count_of(None, np.int64(2), 10) == 2
