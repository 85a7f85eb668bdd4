"""Where one loss becomes another, and what a number of elements is.

That each oracle has its limits is said by the laws of ``limit/``, which ``tests/properties/laws/test_oracles_hold.py``
puts to all oracles. Here is one case of each, by no more than the oracles: something speaks where the engine of the
laws is broken. The rest is what no law says: limits without a law, and how many elements a fraction is.
"""

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


X, T = np.array([-30.0, -0.5, 0.0, 2.0, 9.0]), np.array([0.0, 1, 0.3, 1, 0])
LIMITS = {
    "one region": lambda *batch, **o: (ghm(*batch, bins=1, **o), cross_entropy(*batch, **o)),
    "gamma 0": lambda *batch, **o: (focal(*batch, gamma=0.0, **o), cross_entropy(*batch, **o)),
    "gamma 0 of costs": lambda *batch, **o: (
        cost_sensitive(*batch, num_class_list=[5, 1, 9], gamma=0.0, **o),
        cross_entropy(*batch, **o),
    ),
    "equal counts": lambda *batch, **o: (
        cost_sensitive(*batch, num_class_list=[7, 7, 7], gamma=1.5, **o),
        cross_entropy(*batch, **o),
    ),
    "all of the losses": lambda *batch, **o: (top_k_loss(*batch, top_k=1, **o), cross_entropy(*batch, **o)),
    "one-hot rows": lambda z, y, **o: (cross_entropy(z, np.eye(3)[y], **o), cross_entropy(z, y, **o)),
}


@pytest.mark.parametrize("name", LIMITS)
def test_one_case_of_a_limit_of_classes(name, batch):
    equal(*LIMITS[name](*batch, weight=[1, 2, 0.5]))


def test_one_case_of_each_limit_of_entries():
    plain = sigmoid_focal(X, T, gamma=0, alpha=None)
    equal(sigmoid_ghm(X, T, bins=1), plain)
    equal(top_k_loss(X, T, individual="logistic", top_k=1), plain)
    half = sigmoid_focal(X, T, gamma=0, alpha=0.5)
    assert np.array_equal(2 * half.gradient, plain.gradient)
    assert np.isclose(ghm_regression(X, T, mu=0.5, bins=1).value, (np.sqrt((X - T) ** 2 + 0.25) - 0.5).mean())


def test_one_case_of_two_classes_being_a_sigmoid():
    two, ids = np.column_stack([np.zeros(5), X]), np.array([0, 1, 1, 1, 0])
    for of_two, of_one in (
        (focal(two, ids, gamma=0.5), sigmoid_focal(X, ids, gamma=0.5, alpha=None)),
        (ghm(two, ids), sigmoid_ghm(X, ids)),
    ):
        assert np.isclose(of_two.value, of_one.value, rtol=1e-13)
        assert np.allclose(of_two.gradient[:, 1], of_one.gradient, rtol=1e-13, atol=0)


def test_costs_are_weights(batch):
    costs = np.sqrt(np.array([1 / 5, 1, 1 / 9]))
    equal(cost_sensitive(*batch, num_class_list=[5, 1, 9], gamma=0.5), cross_entropy(*batch, weight=costs), 1e-14)


@pytest.mark.parametrize("k", [7, 1000])
def test_a_number_of_all_losses_is_cross_entropy(batch, setting, k):
    equal(top_k_loss(*batch, k=k, **setting), cross_entropy(*batch, **setting))


def test_one_hot_rows_with_weights_on_the_terms_divide_by_the_number_of_elements(batch):
    logits, labels = batch
    options = {"weight": [1, 2, 0.5], "soft_weight": "torch"}
    equal(
        cross_entropy(logits, np.eye(3)[labels], **options),
        cross_entropy(logits, labels, denominator="count", **options),
    )


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
