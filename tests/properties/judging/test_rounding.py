"""Two answers of one layer: what is rounding between them, whatever the scale, and what is not."""

from functools import partial

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from properties.contracts import contract_named
from properties.judging.observation import Observation
from properties.judging.observed_case import ObservedCase
from properties.judging.rounding import agreement, condition_number, largest_scale, own_scale
from properties.laws.conduct_copies import alike
from properties.problems.precision import LARGEST, SMALLEST_NORMAL, round_to
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

DTYPES = tuple(UNIT_ROUNDOFF)
U = UNIT_ROUNDOFF["float64"]
CE = contract_named("cross_entropy")


def spacing(numbers, dtype):
    """The distance to the next number of the dtype."""
    magnitude = np.maximum(np.abs(numbers), SMALLEST_NORMAL[dtype])
    return 2.0 * UNIT_ROUNDOFF[dtype] * 2.0 ** np.floor(np.log2(magnitude))


@st.composite
def numbers(draw):
    """A dtype, and numbers that it has, of every size from the smallest to the largest, 0 among them."""
    dtype = draw(st.sampled_from(DTYPES))
    finite = st.floats(-LARGEST[dtype], LARGEST[dtype])
    by_exponent = st.builds(
        lambda mantissa, exponent: mantissa * 2.0**exponent,
        st.floats(-1.0, 1.0),
        st.floats(np.log2(SMALLEST_NORMAL[dtype]) - 8, np.log2(LARGEST[dtype]) - 1),
    )
    listed = draw(st.lists(finite | by_exponent | st.just(0.0), max_size=6))
    return dtype, round_to(np.array(listed, dtype=float), dtype)


@given(numbers(), st.lists(st.integers(-4, 4), min_size=6, max_size=6))
def test_a_few_last_bits_apart_is_no_difference(drawn, steps):
    dtype, one = drawn
    other = one + np.array(steps[: len(one)]) * spacing(one, dtype)
    other = np.where((np.abs(other) <= LARGEST[dtype]) & (one != 0), other, one)
    for scale in (0.0, np.zeros(one.shape), np.full(one.shape, np.inf)):
        assert agreement(one, other, scale, dtype).holds
        assert agreement(other, one, scale, dtype).holds


@given(numbers(), st.integers(0, 5), st.sampled_from([1.0, 2.0, 1e3]))
def test_beyond_the_budget_is_a_difference(drawn, place, times):
    dtype, one = drawn
    unit = UNIT_ROUNDOFF[dtype]
    # what the smallest normal number of float64 holds of a difference is none in any dtype
    assume(
        len(one) and abs(one[place % len(one)]) >= max(2 * SMALLEST_NORMAL[dtype], SMALLEST_NORMAL["float64"] / unit)
    )
    # far from the largest number, where the dtype has room for another
    assume(np.abs(one).max() < LARGEST[dtype] / 4)
    other = one.copy()
    other[place % len(one)] *= 1.0 + 5.0 * times * BUDGET * unit
    assert not agreement(one, other, 0.0, dtype).holds
    assert not agreement(other, one, 0.0, dtype).holds


@given(numbers())
def test_a_number_where_there_is_none_is_a_difference(drawn):
    dtype, one = drawn
    assume((np.abs(one) > 20 * UNIT_ROUNDOFF[dtype] * SMALLEST_NORMAL[dtype]).any())
    assume(np.abs(one).max() >= SMALLEST_NORMAL[dtype])
    assert not agreement(one, np.zeros(one.shape), 0.0, dtype).holds


def test_what_may_be_flushed_is_told():
    tiny, none, normal = np.array([1e-39]), np.zeros(1), SMALLEST_NORMAL["float32"]
    assert agreement(tiny, none, 0.0, "float32", floor=normal).holds
    assert agreement(none, tiny, 0.0, "float32").holds
    assert not agreement(2 * np.array([normal]), none, 0.0, "float32", floor=normal).holds


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_stands_where_it_stood(odd):
    one = np.array([1.0, odd, 0.0])
    assert agreement(one, one.copy(), np.array([1.0, np.inf, np.nan]), "float64").holds
    assert agreement(one, one * [1 + 2 * U, 1, 1], 0.0, "float64").holds
    assert not agreement(one, np.array([1.0, 7.0, 0.0]), np.inf, "float64").holds


def test_other_shapes_and_empty_ones():
    match = agreement(np.zeros(3), np.zeros(()), 1.0, "float64")
    assert (match.holds, match.quantity) == (False, "shape of the value")
    assert agreement(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)), "float64").holds
    assert largest_scale(np.zeros((0, 2))) == 0.0
    assert largest_scale(np.array([1.0, np.inf, np.nan, 3.0])) == 3.0


PROBLEM = Problem(np.array([[0.0, 8.0, -4.0], [2.0, 2.0, 1.0]]), np.array([0, 1]))


def test_numbers_of_the_oracle_keep_its_scale():
    expected, scale = np.array([1.0, -2.0, 0.0]), np.array([3.0, 4.0, 0.0])
    got = expected * (1 + U)
    assert own_scale(got, expected, scale, PROBLEM).tolist() == scale.tolist()


def test_a_number_where_the_oracle_has_none_rounds_as_its_own_formula_does():
    expected, scale = np.array([1.0, 0.0]), np.array([3.0, 0.0])
    first, second = own_scale(np.array([1.0, 0.25]), expected, scale, PROBLEM)
    assert (first, second) == (3.0, 0.25 * condition_number(PROBLEM) + 3.0)
    # where nothing is due at all, by its own size alone
    assert own_scale(np.array([0.0, 0.25]), np.zeros(2), np.zeros(2), PROBLEM)[1] == 0.25 * condition_number(PROBLEM)


@pytest.mark.parametrize("odd", [np.nan, np.inf])
def test_scales_are_numbers_wherever_the_oracles_are(odd):
    found = own_scale(np.array([odd, 1.0, odd]), np.array([1.0, odd, odd]), np.ones(3), PROBLEM)
    assert np.isfinite(found).all()
    assert own_scale(np.zeros(2), np.zeros(3), np.ones(3), PROBLEM).shape == (3,)
    assert own_scale(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros((0, 2)), PROBLEM).shape == (0, 2)


def test_the_condition_does_not_see_what_is_ignored():
    poisoned = Problem(np.array([[0.0, 8.0], [1e30, np.nan]]), np.array([0, -100]))
    assert condition_number(poisoned) < 20
    masked = Problem(np.array([[0.0, -np.inf]]), np.array([0]))
    assert condition_number(masked) < 5
    assert np.isfinite(condition_number(Problem(np.zeros((0, 3)), np.zeros(0, int))))


class Off:
    """Zeros where the oracle says so, but for one number that rounds otherwise each time."""

    def __init__(self, number):
        self.number, self.calls = number, 0

    def observe(self, problem, probe="plain"):
        self.calls += 1
        answer = CE.answer(problem)
        gradient = answer.gradient.copy()
        gradient[problem.labels == -100] = self.number * (1 + 2 * U * (self.calls % 2))
        return Observation(answer.value, gradient)


NUMBER = 0.012144448839631604


@pytest.mark.parametrize("number", [NUMBER, 1e-300, 1e300, 3e-5])
def test_the_last_bit_where_the_oracle_has_exactly_0(number):
    masked = PROBLEM.replace(labels=np.array([0, -100]))
    case = ObservedCase(masked, CE, Off(number), frozenset())
    other = masked.replace(salt=1)
    assert not list(case.agree(masked, other, "differs"))
    assert case.observe(masked).gradient[1, 0] != case.observe(other).gradient[1, 0]
    assert not list(alike(case, case.observe(other), case.observe(masked), "differs", ()))
    same = partial(
        case.same, masked, case.observe(other).gradient, case.observe(masked).gradient, "gradient", "differs"
    )
    assert not list(same())
    # but a number is due, and has another: nothing of its own excuses that
    assert list(case.due(masked, case.observe(masked).gradient, np.zeros_like(masked.logits), "gradient", "is not 0"))
    assert list(case.agree(masked, masked.replace(labels=np.array([0, 1])), "differs"))


def test_an_infinite_number_does_not_hide_the_rounding_of_the_others():
    rows = np.array([[0.0, -np.inf], [0.0, 3.0]])
    problem = Problem(rows, np.array([1, 0]), reduction="none")

    class Rounds:
        def observe(self, problem, probe="plain"):
            answer = CE.answer(problem)
            return Observation(answer.value * (1 + 4 * U), None)

    case = ObservedCase(problem, CE, Rounds(), frozenset())
    value = case.observe().value
    assert np.isinf(value[0])
    assert not list(case.same(problem, value, CE.answer(problem).value, "value", "differs"))
