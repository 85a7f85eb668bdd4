"""Where more than one answer is right: edges of regions, ties at the k-th largest loss, kinks of hinge and absolute."""

import itertools

import numpy as np
import pytest

from reference import BUDGET, UNIT_ROUNDOFF, average_top_k, ghm, ghm_regression, sigmoid_ghm, top_k_loss

LOG2 = float(np.log(2))


def matches(answer, value, gradient):
    """Whether a value and a gradient are an admissible answer, within the budget."""
    answers = answer.admissible if answer.nearest is None else [answer.nearest(np.asarray(value), gradient)]
    unit = BUDGET * UNIT_ROUNDOFF["float64"]
    return any(
        (np.abs(value - a.value) <= unit * a.value_scale).all()
        and (np.abs(gradient - a.gradient) <= unit * a.gradient_scale).all()
        for a in answers
    )


# --- regions of the gradient norm


def test_on_an_edge_both_sides_are_admissible():
    answer = ghm([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]], [0, 0, 0], bins=2, reduction="none")
    assert {round(float(a.value[0]) / LOG2, 9) for a in answer.admissible} == {0.75}
    answer = ghm([[0.0, 0.0], [0.0, 8.0]], [0, 0], bins=2, reduction="none")
    # alone in the first region: b = 2 / (1 * 2); with the other one in the second: b = 2 / (2 * 1)
    assert answer.ambiguous
    assert [round(float(a.value[1]), 3) for a in answer.admissible] == [8.0, 8.0]
    answer = ghm([[0.0, 0.0], [0.0, 8.0], [0.0, 9.0]], [0, 0, 0], bins=2, reduction="none")
    assert sorted(round(float(a.value[0]) / LOG2, 6) for a in answer.admissible) == [1.0, 1.5]


def test_an_entry_at_0_lies_on_the_middle_edge():
    # g = 1/2 beside two entries of the second region: alone 3 / (1 * 2), together 3 / (3 * 1)
    answer = sigmoid_ghm([0.0, 8.0, 9.0], [1.0, 0.0, 0.0], bins=2, reduction="none")
    assert len(answer.alternatives) == 1
    assert sorted(round(float(a.value[0]) / LOG2, 6) for a in answer.admissible) == [1.0, 1.5]
    # value and gradient of an answer belong together
    for a in answer.admissible:
        assert np.isclose(a.gradient[0], -a.value[0] / LOG2 / 2)
    assert not sigmoid_ghm([0.0, 8.0, 9.0], [1.0, 0.0, 0.0], bins=3).ambiguous


def test_an_error_of_three_for_a_mu_of_four_lies_on_an_edge():
    # g = 3 / 5, and the root is exact
    answer = ghm_regression([3.0, 100.0, 50.0], [0.0] * 3, mu=4.0, bins=5, reduction="none")
    assert len(answer.alternatives) == 1
    assert sorted(round(float(a.value[0]), 6) for a in answer.admissible) == [1.5, 1.5]
    answer = ghm_regression([3.0, 100.0, 2.0], [0.0] * 3, mu=4.0, bins=5, reduction="none")
    # with the one of g = 0.447 in the third region, or alone in the fourth
    assert sorted(round(float(a.value[0]), 6) for a in answer.admissible) == [0.75, 1.0]
    assert not ghm_regression([3.0 + 1e-9, 100.0, 2.0], [0.0] * 3, mu=4.0, bins=5).ambiguous
    assert ghm_regression([3.0 + 1e-9, 100.0, 2.0], [0.0] * 3, mu=4.0, bins=5, unit_roundoff=2.0**-24).ambiguous


def test_several_entries_on_edges_are_counted_in_every_combination():
    answer = sigmoid_ghm([0.0, 0.0, 0.0, 9.0], [0.0, 0.0, 1.0, 0.0], bins=2, reduction="none")
    assert len(answer.admissible) == 8
    assert answer.decided
    population = {tuple(np.round(a.value[:3] / LOG2, 9)) for a in answer.admissible}
    # the sides of the three: (n on the left, 4 - n on the right), each its own weight
    expected = set()
    for sides in itertools.product((0, 1), repeat=3):
        where = [*sides, 1]
        expected.add(tuple(round(4 / (where.count(s) * len(set(where))), 9) for s in sides))
    assert population == expected


def test_saturated_points_are_not_ambiguous():
    answer = ghm([[0.0, 1000.0], [1000.0, 0.0]], [0, 0], bins=10, reduction="none")
    assert not answer.ambiguous
    assert answer.value.tolist() == [1000.0, 0.0]
    for bins in (1, 2, 10, 0.3):
        for unit in UNIT_ROUNDOFF.values():
            x = np.array([17.0, 64, 1e4, -17, -64, -1e4])
            if unit < 1e-6:
                assert not sigmoid_ghm(x, np.zeros(6), bins=bins, unit_roundoff=unit).ambiguous
            assert not ghm_regression(1e3 * x, np.zeros(6), bins=bins, unit_roundoff=min(unit, 1e-4)).ambiguous
            assert not ghm_regression(np.zeros(6), np.zeros(6), bins=bins, unit_roundoff=unit).ambiguous


def test_one_region_has_no_edges():
    for bins in (1, 1.0):
        assert not ghm(np.zeros((9, 2)), np.zeros(9, int), bins=bins).ambiguous
        assert not sigmoid_ghm(np.zeros(9), np.zeros(9), bins=bins).ambiguous


def test_too_many_edges_are_undecided_and_say_so():
    for answer in (
        ghm(np.zeros((9, 2)), np.zeros(9, int), bins=2),
        sigmoid_ghm(np.zeros(9), np.ones(9), bins=10),
        ghm_regression(np.full(9, 3.0), np.zeros(9), mu=4.0, bins=5),
    ):
        assert not answer.decided
        assert answer.ambiguous


def test_ignored_elements_lie_on_no_edge():
    assert ghm(np.zeros((9, 2)), np.full(9, -100), bins=2).decided
    assert not sigmoid_ghm(np.zeros(9), np.full(9, -100), bins=2).ambiguous


# --- ties at the k-th largest loss

TIED = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 9.0], [9.0, 0.0]])
"""With labels of TIED_LABELS: the first three losses are equal, the fourth is larger, the fifth smaller."""
TIED_LABELS = np.array([0, 1, 0, 0, 0])


def of_shares(shares, reduction="mean", k=2, weight=None):
    """Value and gradient of the five rows at given shares of them."""
    shares = np.asarray(shares, float)
    whole = top_k_loss(TIED, TIED_LABELS, k=5, reduction="none", weight=weight)
    w = np.ones(2) if weight is None else np.asarray(weight)
    divisor = {"mean": k * w[TIED_LABELS].sum() / 5}.get(reduction, 1.0)
    value = shares * whole.value
    return (value if reduction == "none" else value.sum() / divisor), shares[:, None] * whole.gradient / divisor


VALID = [(1, 0, 0, 1, 0), (0, 1, 0, 1, 0), (0, 0, 1, 1, 0), (1 / 3, 1 / 3, 1 / 3, 1, 0), (0.25, 0, 0.75, 1, 0)]
INVALID = {
    "too many": (1, 1, 0, 1, 0),
    "all": (1, 1, 1, 1, 0),
    "none": (0, 0, 0, 1, 0),
    "a little too much": (0.5, 0.5, 1e-6, 1, 0),
    "a share above 1": (1.5, -0.5, 0, 1, 0),
    "a smaller loss": (0.5, 0, 0, 1, 0.5),
    "not the largest": (1, 1, 0, 0, 0),
    "a part of the largest": (1, 0.5, 0, 0.5, 0),
}


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("shares", VALID)
def test_any_shares_of_the_tied_that_sum_to_what_is_left_are_right(shares, reduction):
    answer = top_k_loss(TIED, TIED_LABELS, k=2, reduction=reduction)
    assert answer.ambiguous
    assert matches(answer, *of_shares(shares, reduction))


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("why", INVALID)
def test_other_shares_are_wrong(why, reduction):
    answer = top_k_loss(TIED, TIED_LABELS, k=2, reduction=reduction)
    value, gradient = of_shares(INVALID[why], reduction)
    assert not matches(answer, value, gradient)
    if reduction != "none":
        # a right value does not excuse the gradient
        assert not matches(answer, answer.value, gradient)


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nearest_is_always_admissible(reduction):
    rng = np.random.default_rng(1)
    answer = top_k_loss(TIED, TIED_LABELS, k=2, reduction=reduction)
    whole, _ = of_shares(np.ones(5), "none")
    _, slopes = of_shares(np.ones(5), reduction)
    for trial in range(300):
        wild = rng.normal(size=(5, 2)) * 10.0 ** rng.integers(-3, 3) if trial % 2 else of_shares(rng.random(5))[1]
        value = rng.normal(size=answer.value.shape) if trial % 3 else answer.value
        near = answer.nearest(value, wild)
        shares = near.gradient[:, 0] / slopes[:, 0]
        assert (shares >= -1e-15).all()
        assert (shares <= 1 + 1e-15).all()
        assert np.isclose(shares.sum(), 2, rtol=1e-12)
        assert shares[3] == 1
        assert shares[4] == 0
        if reduction == "none":
            # the value is that of the same shares
            assert np.allclose(near.value, shares * whole)
    # nothing is known of the gradient: the value alone decides
    near = answer.nearest(answer.value, None)
    assert np.allclose(near.value, answer.value)


def test_ties_within_the_rounding_of_the_other_precision_are_ties():
    logits, labels = [[0.0, 1.0], [0.0, 1.0 + 1e-8]], [0, 0]
    assert not top_k_loss(logits, labels, k=1).ambiguous
    answer = top_k_loss(logits, labels, k=1, unit_roundoff=2.0**-24)
    assert answer.ambiguous
    swapped = top_k_loss(logits[::-1], labels, k=1)
    unit = BUDGET * 2.0**-24
    near = answer.nearest(swapped.value, swapped.gradient[::-1])
    assert (np.abs(swapped.gradient[::-1] - near.gradient) <= unit * near.gradient_scale).all()


def test_no_tie_where_all_of_the_equal_losses_are_kept():
    assert not top_k_loss(TIED, TIED_LABELS, k=4).ambiguous
    assert not top_k_loss(TIED, TIED_LABELS, k=1).ambiguous
    assert top_k_loss(TIED, TIED_LABELS, k=3).ambiguous
    assert not top_k_loss(TIED, TIED_LABELS, k=5).ambiguous


def test_ties_of_weighted_losses():
    # 2 * 3 = 1 * 6: their shares are told apart by gradients of different size
    answer = average_top_k([3.0, 6.0, 1.0], weight=[2, 1, 1], k=1, reduction="sum")
    for share in (0.0, 0.25, 1.0):
        assert matches(answer, 6.0, np.array([2 * share, 1 - share, 0]))
    for gradient in ([2, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0.5, 0], [0, 0, 1]):
        assert not matches(answer, 6.0, np.array(gradient, float))


def test_infinite_losses_tie():
    logits, labels = [[-np.inf, 0.0], [-np.inf, 0.0], [0.0, 0.0]], [0, 0, 0]
    for reduction in ("none", "sum"):
        answer = top_k_loss(logits, labels, k=1, reduction=reduction)
        for chosen in (0, 1):
            gradient = np.zeros((3, 2))
            gradient[chosen] = [-1, 1]
            value = np.where(np.arange(3) == chosen, np.inf, 0) if reduction == "none" else np.asarray(np.inf)
            near = answer.nearest(value, gradient)
            assert np.array_equal(near.value, value)
            assert np.array_equal(near.gradient, gradient)


def test_losses_of_0_leave_no_trace_of_who_was_chosen():
    # four losses of 0 and one above: whichever of the four fills the second place
    x, t = np.array([3.0, 4.0, 0.5, 5.0, 6.0]), np.array([1.0] * 5)
    answer = top_k_loss(x, t, individual="hinge", k=2, reduction="sum")
    assert matches(answer, 0.5, np.array([0, 0, -1.0, 0, 0]))
    assert not matches(answer, 0.5, np.array([0, 0, -0.5, 0, 0]))
    assert not matches(answer, 0.5, np.array([-1.0, 0, -1.0, 0, 0]))


# --- kinks of single losses


def test_the_kink_of_hinge_has_every_slope_between():
    # margin 1 - x is 0 in the first, 1 in the second
    answer = top_k_loss([1.0, 0.0], [1.0, 1.0], individual="hinge", top_k=1.0, reduction="sum")
    for slope in (-1.0, -0.5, 0.0):
        assert matches(answer, 1.0, np.array([slope, -1.0]))
    for slope in (-1.1, 0.1, 1.0):
        assert not matches(answer, 1.0, np.array([slope, -1.0]))
    assert not matches(answer, 1.0, np.array([0.0, -0.9]))
    negative = top_k_loss([-1.0, 0.0], [0.0, 0.0], individual="hinge", top_k=1.0, reduction="sum")
    assert matches(negative, 1.0, np.array([0.5, 1.0]))
    assert not matches(negative, 1.0, np.array([-0.5, 1.0]))


def test_the_kink_of_absolute_has_every_slope_between():
    answer = top_k_loss([2.0, 0.0], [2.0, 3.0], individual="absolute", top_k=1.0)
    for slope in (-1.0, -0.5, 0.0, 1.0):
        assert matches(answer, 1.5, np.array([slope, -1.0]) / 2)
    for slope in (-1.1, 1.1):
        assert not matches(answer, 1.5, np.array([slope, -1.0]) / 2)
    assert not top_k_loss([2.0 + 1e-15, 0.0], [2.0, 3.0], individual="absolute", top_k=1.0).ambiguous


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_a_kink_in_a_tie_shares_what_is_left(reduction):
    # three kinks at loss 0, one loss above: one of the three has a place
    answer = top_k_loss([1.0, 1.0, 1.0, 0.0], [1.0] * 4, individual="hinge", k=2, reduction=reduction)
    value = {"none": np.array([0, 0, 0, 1.0]), "sum": 1.0, "mean": 0.5}[reduction]
    part = 0.5 if reduction == "mean" else 1.0
    for kinks in ([-1, 0, 0], [0, 0, -1], [-0.5, 0, -0.5], [-0.3, -0.3, -0.4], [0, 0, 0], [0, -0.2, 0]):
        assert matches(answer, value, part * np.array([*kinks, -1.0])), kinks
    for kinks in ([-1, -1, 0], [-0.6, 0, -0.6], [1, 0, 0], [-1, 0, -1e-6]):
        assert not matches(answer, value, part * np.array([*kinks, -1.0])), kinks


def test_a_kink_beside_losses_of_0_in_a_tie():
    answer = top_k_loss([1.0, 3.0], [1.0, 1.0], individual="hinge", k=1, reduction="sum")
    for slope in (-1.0, -0.3, 0.0):
        assert matches(answer, 0.0, np.array([slope, 0.0]))
    assert not matches(answer, 0.0, np.array([-1.5, 0.0]))
    assert not matches(answer, 0.0, np.array([-1.0, -0.1]))


def test_ignored_entries_have_no_kinks():
    answer = top_k_loss([1.0, 0.0], [1.0, 1.0], individual="hinge", top_k=1.0, label_weight=[0, 1])
    assert not answer.ambiguous
    assert not top_k_loss([np.nan, 0.0], [1.0, 1.0], individual="absolute", top_k=1.0).ambiguous


def test_kinks_under_a_cotangent_and_weights():
    upstream = np.array([-2.0, 3.0])
    answer = top_k_loss(
        [[1.0, 0.0]],
        [[1.0, 1.0]],
        individual="hinge",
        top_k=1.0,
        weight=[4, 5],
        reduction="none",
        cotangent=upstream[None],
    )
    for slope in (-1.0, -0.5, 0.0):
        assert matches(answer, np.array([[0, 5.0]]), np.array([[slope * 4 * -2, -15.0]]))
    for slope in (-1.1, 0.1):
        assert not matches(answer, np.array([[0, 5.0]]), np.array([[slope * 4 * -2, -15.0]]))
