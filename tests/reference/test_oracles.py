"""Axes, masks, weights, denominators and saturation of the oracles.

Most of it is said by laws too, which ``tests/properties/laws/test_oracles_hold.py`` puts to all oracles: the families
``shape/``, ``ignore/``, ``denominator/`` and ``numerics/``. What stays of these here is one case for an oracle, which
speaks where the engine of the laws is broken, and what no law asks: error scales, every denominator by its definition,
axes of entries, masks of any number, and arguments of the oracles alone.
"""

import numpy as np
import pytest

from reference import average_top_k, cross_entropy, focal, ghm, ghm_regression, sigmoid_focal, top_k_loss
from tests.reference import table

RNG = np.random.default_rng(11)
REDUCTIONS = ["none", "sum", "mean"]


@pytest.fixture(autouse=True)
def _the_same_numbers_in_any_order():
    RNG.bit_generator.state = np.random.default_rng(11).bit_generator.state


def same(left, right):
    return np.array_equal(left.value, right.value) and np.array_equal(left.gradient, right.gradient)


@pytest.mark.parametrize("name", ["cross_entropy", "soft paddle", *table.BY_ENTRY])
@pytest.mark.parametrize("axis", [0, 3, -2])
def test_any_axis_is_the_first_one_moved(name, axis):
    oracle = table.ALL[name]
    logits = RNG.normal(size=(2, 3, 4, 5))
    moved = np.moveaxis(logits, axis, 1)
    labels = table.labels_for(name, moved, RNG)
    kept = labels if name in table.BY_CLASS else np.moveaxis(labels, 1, axis)
    options = {"weight": np.linspace(0.5, 2, logits.shape[axis])}
    here = oracle(logits, kept, axis=axis, **options)
    there = oracle(moved, labels, **options)
    # the order of the elements is another one where every entry is one
    assert np.isclose(here.value, there.value, rtol=1e-14)
    assert np.allclose(np.moveaxis(here.gradient, axis, 1), there.gradient, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", table.BY_NUMBER)
def test_a_single_number_has_no_axes(name):
    answer = table.ALL[name](0.5, 0.25, reduction="none")
    assert answer.value.shape == answer.gradient.shape == ()


@pytest.mark.parametrize("name", table.ALL)
def test_the_loss_of_none_has_the_shape_of_the_elements(name):
    logits = RNG.normal(size=(2, 3, 4))
    answer = table.ALL[name](logits, table.labels_for(name, logits, RNG), reduction="none")
    assert answer.value.shape == answer.value_scale.shape == table.value_shape(name, logits)
    assert answer.gradient.shape == answer.gradient_scale.shape == logits.shape


@pytest.mark.parametrize("name", table.BY_ENTRY)
def test_class_ids_are_one_hot(name):
    oracle, logits, ids = table.ALL[name], RNG.normal(size=(2, 3, 4)), RNG.integers(0, 3, (2, 4))
    targets = np.moveaxis(np.eye(3)[ids], -1, 1)
    for labels in (ids, ids[:, None]):
        assert same(oracle(logits, labels), oracle(logits, targets))
    # an ignored id ignores its whole row, and so does a label_weight of its shape
    ids[0, 1] = -100
    mask = np.ones((2, 4))
    mask[0, 1] = 0
    entries = np.broadcast_to(mask[:, None], logits.shape)
    for labels, options in ((ids, {}), (np.abs(ids) % 3, {"label_weight": mask})):
        assert same(oracle(logits, labels, **options), oracle(logits, targets, label_weight=entries))


@pytest.mark.parametrize("name", table.WITH_IGNORE_INDEX)
def test_masking_is_deleting(name):
    # elements of their own: one row for each
    logits = RNG.normal(size=(6, 3)) * 3 if name in table.BY_CLASS else RNG.normal(size=(6, 1)) * 3
    labels = np.array([0, 2, 0, 2, 0, 2]) if name in table.BY_CLASS else np.array([[0.0], [0], [0.5], [0], [0.25], [0]])
    mask = np.array([True, False, True, True, False, True])
    weight = [1, 2, 3] if name in table.BY_CLASS else [2]
    poisoned = np.where(mask[:, None], logits, [[np.nan], [np.nan], [0], [0], [np.inf], [0]])
    where = mask if name in table.BY_CLASS else mask[:, None]
    masked = table.ALL[name](poisoned, np.where(where, labels, 1), weight=weight, ignore_index=1)
    kept = table.ALL[name](logits[mask], labels[mask], weight=weight, ignore_index=1)
    assert masked.value == kept.value
    assert np.array_equal(masked.gradient[mask], kept.gradient)
    assert (masked.gradient[~mask] == 0).all()


@pytest.mark.parametrize("name", table.WITH_LABEL_WEIGHT)
@pytest.mark.parametrize("weightless", [0.0, -1.0, np.nan])
def test_a_label_weight_not_above_0_deletes(name, weightless):
    logits = RNG.normal(size=(6,)) * 3
    labels = np.array([0.0, 1, 0.5, 1, 0.25, 0])
    mask = np.array([True, False, True, True, False, True])
    poisoned, junk = np.where(mask, logits, np.nan), np.where(mask, labels, np.nan)
    masked = table.ALL[name](poisoned, junk, label_weight=np.where(mask, 0.3, weightless))
    kept = table.ALL[name](logits[mask], labels[mask])
    assert masked.value == kept.value
    assert np.array_equal(masked.gradient[mask], kept.gradient)
    assert (masked.gradient[~mask] == 0).all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_masked_losses_are_deleted(reduction):
    losses, mask = RNG.normal(size=6), np.array([True, False, True, True, False, True])
    masked = average_top_k(np.where(mask, losses, np.nan), valid=mask, k=2, reduction=reduction)
    kept = average_top_k(losses[mask], k=2, reduction=reduction)
    assert np.array_equal(masked.value[mask] if reduction == "none" else masked.value, kept.value)
    assert np.array_equal(masked.gradient[mask], kept.gradient)


@pytest.mark.parametrize("name", table.ALL)
def test_a_count_of_0_gives_0(name):
    logits, labels = table.problem(name, RNG)
    options = {"denominator": "count"}
    if name in table.BY_ROW:
        logits, labels = logits[:0], labels[:0]
    elif name in table.WITH_IGNORE_INDEX:
        labels = np.full_like(labels, -100)
    else:
        options["label_weight"] = np.zeros(labels.shape)
    costs_nothing(table.ALL[name](np.full_like(logits, np.nan), labels, **options))


@pytest.mark.parametrize("name", table.ALL)
def test_weights_that_sum_to_0_give_0(name):
    logits, labels = table.problem(name, RNG)
    weightless = {"weight": np.zeros(3)} if table.weight_of(name) else {"normalizer": 0}
    costs_nothing(table.ALL[name](logits, labels, **weightless))


def costs_nothing(answer):
    assert answer.value == 0
    assert (answer.gradient == 0).all()
    assert np.isfinite(answer.gradient_scale).all()


@pytest.mark.parametrize("name", table.ALL)
def test_the_mean_is_the_sum_over_a_denominator(name):
    oracle, (logits, labels) = table.ALL[name], table.problem(name, RNG)
    weighing = table.weight_of(name)
    if name in table.WITH_IGNORE_INDEX:
        labels[1] = -100
    valid = table.value_shape(name, logits)
    n = int(np.prod(valid)) - (0 if name not in table.WITH_IGNORE_INDEX else 1 if name in table.BY_CLASS else 3)
    share = max(n // 2, 1) / n if "top_k" in name else 1.0
    total = oracle(logits, labels, reduction="sum", **weighing)
    for options, divisor in (
        ({"denominator": "count"}, share * n),
        ({"normalizer": 2.5}, 2.5),
        ({"normalizer": 2.5, "denominator": "count"}, 2.5),
        ({}, share * denominator(name, labels, weighing, n)),
    ):
        mean = oracle(logits, labels, **weighing, **options)
        assert np.isclose(mean.value, total.value / divisor, rtol=1e-14)
        assert np.allclose(mean.gradient, total.gradient / divisor, rtol=1e-14, atol=0)
    each = oracle(logits, labels, reduction="none", **weighing)
    assert np.isclose(each.value.sum(), total.value, rtol=1e-14)
    assert np.array_equal(each.gradient, total.gradient)


def denominator(name, labels, weighing, n):
    """W by its definition."""
    if not weighing or name == "soft torch":
        return n
    w = weighing["weight"]
    if name.startswith("cost_sensitive"):
        w = w * (1 / (1 + 3 * np.arange(3))) ** 0.5
    if name in table.BY_CLASS:
        valid = labels[labels != -100]
        if name == "smoothed paddle":
            return (0.8 * w[valid] + 0.2 * w.mean()).sum()
        return w[valid].sum()
    if name in table.BY_ROW:
        q = 0.8 * labels + 0.2 / 3 if name == "soft smoothed" else labels
        return (q * w).sum()
    return (np.broadcast_to(w, labels.shape) * (labels != -100)).sum()


@pytest.mark.parametrize("name", table.ALL)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_the_gradient_is_the_vector_jacobian_product(name, reduction):
    oracle, (logits, labels) = table.ALL[name], table.problem(name, RNG)
    plain = oracle(logits, labels, reduction=reduction)
    cotangent = RNG.normal(size=plain.value.shape)
    answer = oracle(logits, labels, reduction=reduction, cotangent=cotangent)
    assert np.array_equal(answer.value, plain.value)
    rows = name in table.BY_CLASS or name in table.BY_ROW
    spread = cotangent[:, None] if rows and reduction == "none" else cotangent
    assert np.allclose(answer.gradient, spread * plain.gradient, rtol=1e-15, atol=0)


@pytest.mark.parametrize("name", [*table.BY_CLASS, *table.BY_ROW])
def test_masked_classes(name):
    oracle = table.ALL[name]
    soft = name in table.BY_ROW
    inf = np.inf
    with np.errstate(all="raise", under="ignore"):
        here = oracle([[0.5, -inf, 0.0]], [[1.0, 0, 0]] if soft else [0], reduction="none")
        gone = oracle([[-inf, 0.5, 0.0]], [[1.0, 0, 0]] if soft else [0], reduction="none")
    if "smoothed" not in name:
        two = oracle([[0.5, 0.0]], [[1.0, 0]] if soft else [0], reduction="none")
        assert np.isclose(here.value, two.value, rtol=1e-15)
        assert np.allclose(here.gradient[:, [0, 2]], two.gradient, rtol=1e-15)
        assert here.gradient[0, 1] == 0
    assert gone.value == inf
    assert np.isfinite(gone.gradient).all()
    # a scale that is no number would refuse every gradient
    assert np.isfinite(gone.gradient_scale).all()
    assert gone.value_scale == inf
    assert np.isfinite(here.gradient_scale).all()


def test_the_gradient_of_a_masked_label():
    answer = cross_entropy([[-np.inf, 0.0]], [0])
    assert answer.gradient.tolist() == [[-1.0, 1.0]]
    for gamma in (0.0, 0.5, 2.0):
        assert focal([[-np.inf, 0.0]], [0], gamma=gamma).gradient.tolist() == [[-1.0, 1.0]]


@pytest.mark.parametrize("name", table.ALL)
def test_nan_stays_nan(name):
    logits, labels = table.problem(name, RNG)
    labels[:] = 0.5 if name in table.BY_ENTRY else labels
    logits[0, 0] = np.nan
    answer = table.ALL[name](logits, labels, reduction="none")
    assert np.isnan(answer.value.reshape(6, -1)[0, 0])
    assert not np.isnan(answer.value.reshape(6, -1)[1:]).any()
    assert np.isnan(table.ALL[name](logits, labels).value)


@pytest.mark.parametrize("name", table.ALL)
@pytest.mark.parametrize("size", [90, 1e4])
def test_saturation_is_finite_and_the_value_keeps_growing(name, size):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        near, far = (
            table.ALL[name](
                [[at, -at], [-at, at], [0, at]],
                labels_of_saturation(name),
                reduction="none",
            )
            for at in (size, 2 * size)
        )
    for answer in (near, far):
        for numbers in (answer.value, answer.gradient, answer.value_scale, answer.gradient_scale):
            assert np.isfinite(numbers).all()
    worst = 2.0 if "squared" not in name else 4.0
    assert np.isclose(far.value.max(), worst * near.value.max(), rtol=0.2)


def labels_of_saturation(name):
    if name in table.BY_CLASS:
        return [0, 0, 0]
    if name in table.BY_ROW:
        return [[1.0, 0], [1, 0], [0.5, 0.5]]
    return [[0.0, 1], [1, 0], [1, 0]]


def test_a_denominator_is_a_choice_with_a_name():
    logits, labels = np.zeros((3, 2)), [0, 1, -100]
    assert np.isclose(cross_entropy(logits, labels, weight=[2, 1]).value, np.log(2))
    assert np.isclose(cross_entropy(logits, labels, weight=[2, 1], denominator="count").value, 1.5 * np.log(2))
    # under W one element cancels its weight
    one = [cross_entropy([[1.0, 0.0]], [1], weight=[2, w]).value for w in (0.3, 7.0)]
    assert np.isclose(one[0], one[1], rtol=1e-15)


def test_a_row_of_soft_labels_counts_by_its_sum():
    rows, q = RNG.normal(size=(2, 3)), np.array([[0.5, 0.5, 1.0], [1.0, 0, 0]])
    plain = -(q * (rows - np.log(np.exp(rows).sum(1, keepdims=True)))).sum(1)
    assert np.isclose(cross_entropy(rows, q).value, (2 * plain[0] + plain[1]) / 3)
    assert np.isclose(cross_entropy(rows, q, soft_weight="torch").value, plain.mean())


def test_as_many_rows_as_classes_are_told_apart_by_the_dtype():
    rows = RNG.normal(size=(3, 3))
    assert cross_entropy(rows, np.eye(3)).value == cross_entropy(rows, [0, 1, 2]).value
    # the softmax of the labels is nowhere in it
    assert np.isclose(cross_entropy(np.zeros((3, 3)), np.eye(3)).value, np.log(3))


def test_nothing_that_is_given_is_changed():
    for name in table.ALL:
        logits, labels = table.problem(name, RNG)
        before = logits.copy(), labels.copy()
        table.ALL[name](logits, labels)
        assert np.array_equal(logits, before[0])
        assert np.array_equal(labels, before[1])


def test_alpha_weighs_positives_and_negatives():
    answer = sigmoid_focal([0.0, 0.0], [1.0, 0.0], gamma=0, alpha=0.3, reduction="none")
    assert np.allclose(answer.value, np.log(2) * np.array([0.3, 0.7]))
    assert np.allclose(sigmoid_focal([0.0], [1.0], gamma=2, alpha=None).value, np.log(2) / 4)


def test_the_harmonising_weights_sum_to_n_or_share_all_regions():
    logits, labels = RNG.normal(size=(8, 3)) * 3, RNG.integers(0, 3, 8)
    plain = cross_entropy(logits, labels, reduction="none").value
    occupied = ghm(logits, labels, reduction="none", bins=7).value / plain
    assert np.isclose(occupied.sum(), 8)
    paper = ghm(logits, labels, reduction="none", bins=7, normalize="paper").value / plain
    regions = len(np.unique(np.floor(-np.expm1(-plain) * 7)))
    assert np.isclose(paper.sum(), 8 * regions / 7)


def test_ignored_elements_populate_no_region():
    # the ignored ones are zeros inside, whose norm would be 0: they must not thin out the first region
    alone = ghm([[5.0, 0.0], [0.0, 5.0]], [0, 0], reduction="none")
    crowd = ghm([[5.0, 0.0], [0.0, 5.0], *[[np.nan, 0]] * 9], [0, 0, *[-100] * 9], reduction="none")
    assert np.array_equal(crowd.value[:2], alone.value)
    mask = [1, 1, *[0] * 9]
    alone = ghm_regression([0.0, 5], [0, 0.0], reduction="none")
    crowd = ghm_regression([0.0, 5, *[0] * 9], [0.0] * 11, label_weight=mask, reduction="none")
    assert np.array_equal(crowd.value[:2], alone.value)


def test_a_weight_of_0_does_not_make_an_element_invalid():
    # N counts it, so k does
    logits, labels = RNG.normal(size=(4, 2)), [0, 1, 1, 1]
    kept = top_k_loss(logits, labels, weight=[0, 1], top_k=0.5, reduction="none").value
    assert np.count_nonzero(kept) == 2
