"""Where formulas meet floating point: saturation, wide gaps, NaN and inf, masked positions, rounding of k, ties."""

import numpy as np
import paddle
import pytest

import reference
from paddle_impl import (
    CrossEntropyLoss,
    FocalLoss,
    GHMLoss,
    GHMRLoss,
    SigmoidFocalLoss,
    SigmoidGHMLoss,
    TopKLoss,
)
from paddle_impl.top_k import count_of
from tests.paddle_impl.cases import IDS, LOGITS, TARGETS, agrees, dygraph

SATURATED = np.array([[0.0, 0, 0], [100, -100, 0], [-100, 100, 0], [1e4, 0, -1e4], [-1e4, 1e4, 0], [17, -17, 0]])
ROW_LABELS = np.array([0, 0, 0, 0, 0, 1])
BUDGET = 8 * 2.0**-24


def within_budget(got, answer):
    assert (np.abs(got[0] - answer.value) <= BUDGET * answer.value_scale + 1e-37).all()
    assert (np.abs(got[1] - answer.gradient) <= BUDGET * answer.gradient_scale + 1e-37).all()


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("gamma", [0.0, 0.3, 0.5, 1.0, 2.0, 3.7])
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_focal_losses_are_exact_at_saturation(gamma, reduction, twice):
    options = {"gamma": gamma, "reduction": reduction}
    rows = SATURATED.astype(np.float32)
    got = dygraph(FocalLoss(**options, twice_differentiable=twice), rows, ROW_LABELS)
    within_budget(got, reference.focal(rows, ROW_LABELS, unit_roundoff=2.0**-24, **options))
    targets = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0.5], [1, 0.3, 0], [1, 0, 1], [0, 0, 1]], dtype=np.float32)
    got = dygraph(SigmoidFocalLoss(**options, twice_differentiable=twice), rows, targets)
    within_budget(got, reference.sigmoid_focal(rows, targets, unit_roundoff=2.0**-24, **options))


@pytest.mark.parametrize("scale", [0.01, 1.0, 30.0, 1e3])
@pytest.mark.parametrize("offset", [0.0, 1e4])
@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_is_exact_past_a_gap_of_64(scale, offset, soft):
    z = (LOGITS * scale + offset).astype(np.float32)
    y = np.abs(np.sin(LOGITS)) if soft else IDS
    within_budget(dygraph(CrossEntropyLoss(), z, y.astype(np.float32) if soft else y), reference.cross_entropy(z, y))


@pytest.mark.parametrize("classes", [3, 10])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layer", [CrossEntropyLoss, FocalLoss, GHMLoss, TopKLoss])
def test_nan_stays_nan(layer, dtype, classes):
    z = np.zeros((4, classes), dtype)
    z[1, 2] = np.nan
    value, gradient = dygraph(layer(), z, np.array([0, 1, 2, 0]))
    assert np.isnan(value)
    assert np.isnan(gradient[1]).all()


@pytest.mark.parametrize("layer", [SigmoidFocalLoss, SigmoidGHMLoss, GHMRLoss])
def test_nan_stays_nan_in_entries(layer):
    x = np.zeros((4, 3), "float32")
    x[1, 2] = np.nan
    value, gradient = dygraph(layer(), x, np.zeros((4, 3), "float32"))
    assert np.isnan(value)
    assert np.isnan(gradient).sum() == 1


@pytest.mark.parametrize("layer", [CrossEntropyLoss(), FocalLoss(0.5), GHMLoss(bins=1)])
def test_masked_classes_and_impossible_labels(layer):
    z = np.random.default_rng(0).normal(size=(4, 9))
    z[0, 3] = z[1, 2] = z[1, 0] = -np.inf
    labels = np.array([1, 2, 0, 0])
    oracle = {CrossEntropyLoss: reference.cross_entropy, GHMLoss: reference.cross_entropy}.get(type(layer))
    answer = oracle(z, labels) if oracle else reference.focal(z, labels, gamma=0.5)
    agrees(dygraph(layer, z, labels), answer)
    assert np.isinf(answer.value)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layer", [CrossEntropyLoss(), FocalLoss(), GHMLoss(), TopKLoss(), SigmoidFocalLoss()])
def test_what_is_ignored_has_no_influence(layer, poison):
    z = LOGITS.copy()
    z[0, :, 0] = poison
    clean, dirty = dygraph(layer, LOGITS, IDS), dygraph(layer, z, IDS)
    assert dirty[0] == pytest.approx(clean[0], rel=1e-12)
    assert np.allclose(dirty[1], clean[1], rtol=1e-12, atol=1e-16)
    assert not dirty[1][0, :, 0].any()


@pytest.mark.parametrize("layer", [CrossEntropyLoss(), FocalLoss(), GHMLoss(), TopKLoss(), SigmoidGHMLoss()])
def test_all_ignored_costs_nothing(layer):
    value, gradient = dygraph(layer, LOGITS, np.full_like(IDS, -100))
    assert value == 0
    assert not gradient.any()


@pytest.mark.parametrize("layer", [SigmoidFocalLoss(), SigmoidGHMLoss(bins=3)])
def test_a_mask_of_entries(layer):
    oracle = {SigmoidFocalLoss: reference.sigmoid_focal, SigmoidGHMLoss: reference.sigmoid_ghm}[type(layer)]
    options = {"bins": 3} if isinstance(layer, SigmoidGHMLoss) else {}
    mask = np.random.default_rng(3).choice([0.0, 1.0, -1.0, 2.5, np.nan], LOGITS.shape)
    logits, targets = np.where(mask > 0, LOGITS, np.nan), np.where(mask > 0, TARGETS, 7.0)
    answer = oracle(LOGITS, np.where(mask > 0, TARGETS, 0.0), label_weight=mask, **options)
    agrees(dygraph(layer, logits, targets, label_weight=paddle.to_tensor(mask)), answer)
    rows = np.random.default_rng(4).choice([0.0, 1.0, np.nan], IDS.shape)
    answer = oracle(LOGITS, IDS, label_weight=rows, **options)
    agrees(dygraph(layer, LOGITS, IDS, label_weight=paddle.to_tensor(rows)), answer)


@pytest.mark.parametrize("rank", [0, 1, 3])
def test_entries_of_any_rank(rank):
    x, t = np.full((2,) * rank, 0.3), np.full((2,) * rank, 1.0)
    agrees(dygraph(SigmoidFocalLoss(), x, t), reference.sigmoid_focal(x, t))
    agrees(dygraph(GHMRLoss(), x, t), reference.ghm_regression(x, t))


@pytest.mark.parametrize("size", [1e-10, 1e-3, 1.0, 1e10, 1e30])
def test_regression_from_tiny_to_huge_errors(size):
    x = (np.array([0.5, -1.0, 2.0, 0.0]) * size).astype(np.float32)
    options = {"bins": 1, "reduction": "none"}
    got = dygraph(GHMRLoss(**options), x, np.zeros_like(x))
    within_budget(got, reference.ghm_regression(x, np.zeros_like(x), unit_roundoff=2.0**-24, **options))


@pytest.mark.parametrize("fraction", [0.29, 0.7, 0.57, 1 / 3, 0.1, 1.0, 1e-9])
def test_the_number_kept_is_the_largest_within_the_fraction(fraction):
    for n in (1, 2, 3, 7, 10, 100, 1000):
        k = count_of(fraction, None, n)
        assert k == max(1, sum(j / n <= fraction for j in range(1, n + 1)))
    assert count_of(0.29, None, 100) == 29


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("k", [1, 3, 5])
def test_ties_are_cut_to_exactly_k(k, traced):
    layer = TopKLoss(k=k, reduction="none")
    layer = paddle.jit.to_static(layer, full_graph=True) if traced else layer
    value, gradient = dygraph(layer, np.zeros((6, 4)), np.array([0, 1, 2, 3, -100, 0]))
    assert (value > 0).sum() == k
    assert value[4] == 0
    assert ((gradient != 0).any(axis=1) == (value > 0)).all()


def test_losses_of_a_function_of_ones_own():
    def doubled(logits, labels):
        return 2.0 * logits[:, 0]

    x = np.array([[3.0], [1.0], [2.0], [9.0]])
    labels = np.array([0, 1, 0, -100])
    value, gradient = dygraph(TopKLoss(k=2, individual=doubled), x, labels)
    assert value == 5.0
    assert gradient[:, 0].tolist() == [1.0, 0.0, 1.0, 0.0]
    weighted = TopKLoss(k=2, individual=doubled, weight=[1.0, 10.0])
    # o l is 6, 20, 4; W / N is 4
    assert dygraph(weighted, x, labels)[0] == pytest.approx((20 + 6) / (2 * 4))


def test_the_maximum_and_the_average_are_its_ends():
    ones = reference.cross_entropy(LOGITS, IDS, reduction="none").value
    assert dygraph(TopKLoss(k=1), LOGITS, IDS)[0] == pytest.approx(ones.max())
    assert dygraph(TopKLoss(top_k=1), LOGITS, IDS)[0] == pytest.approx(dygraph(CrossEntropyLoss(), LOGITS, IDS)[0])
    assert dygraph(TopKLoss(k=10**6), LOGITS, IDS)[0] == pytest.approx(dygraph(CrossEntropyLoss(), LOGITS, IDS)[0])
