"""The error budget: what is rounding, what is wrong, what is neither."""

import numpy as np
import pytest

from properties.contracts import contract_named
from properties.judging.observation import Observation
from properties.judging.observed_case import ObservedCase
from properties.judging.tolerance import compare, judge
from properties.problems.problem import Problem
from reference import Answer, cross_entropy, ghm

CE = contract_named("cross_entropy")
U = 2.0**-53


def arrays(*numbers):
    return tuple(np.asarray(number, dtype=float) for number in numbers)


@pytest.mark.parametrize(("error", "holds"), [(0, True), (7.9 * U, True), (10 * U, False), (1e-9, False)])
def test_eight_units_are_rounding(error, holds):
    match = compare(*arrays(1.0 + error, 1.0, 1.0), "float64")
    assert match.holds == holds


def test_the_budget_used_is_in_units_of_scale():
    match = compare(*arrays(2.0 + 8 * U, 2.0, 4.0), "float64")
    assert match.used == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("got", "expected", "holds"),
    [
        (np.nan, np.nan, True),
        (np.nan, 1.0, False),
        (1.0, np.nan, False),
        (np.inf, np.inf, True),
        (-np.inf, np.inf, False),
        (np.inf, 1e30, False),
        (1e30, np.inf, False),
    ],
)
def test_nan_and_inf_match_exactly(got, expected, holds):
    assert compare(*arrays(got, expected, 1.0), "float64").holds == holds


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_one_odd_number_must_stand_where_it_is_expected(odd):
    expected, scale = np.array([1.0, odd, 0.0]), np.full(3, 1e6)
    assert compare(expected.copy(), expected, scale, "float32").holds
    assert not compare(np.array([odd, 1.0, 0.0]), expected, scale, "float32").holds
    assert not compare(np.array([1.0, 1.0, 0.0]), expected, scale, "float32").holds
    # nor does an infinite scale excuse it
    assert not compare(np.array([1.0, odd, odd]), expected, np.full(3, np.inf), "float32").holds


def test_overflow_of_the_dtype_is_no_error():
    assert compare(*arrays(np.inf, 7e4, 1.0), "float16").holds
    assert not compare(*arrays(np.inf, 6e4, 1.0), "float16").holds
    assert not compare(*arrays(-np.inf, 7e4, 1.0), "float16").holds


def test_a_flush_to_zero_is_no_error():
    assert compare(*arrays(0.0, 1e-39, 0.0), "float32").holds
    assert not compare(*arrays(0.0, 1e-37, 0.0), "float32").holds


def test_of_two_answers_of_a_layer_either_may_be_flushed():
    tiny, floor = 2.0**-20, 2.0**-14
    assert compare(*arrays(tiny, 0.0, 0.0), "float16", floor=floor).holds
    assert compare(*arrays(0.0, tiny, 0.0), "float16", floor=floor).holds
    # against the oracle a number where there is none is an error
    assert not compare(*arrays(tiny, 0.0, 0.0), "float16").holds
    assert not compare(*arrays(2 * floor, 0.0, 0.0), "float16", floor=floor).holds
    # and each may be a spacing off
    assert compare(*arrays(2 * 2.0**-24, 2.0**-22, 0.0), "float16", floor=floor).holds
    assert not compare(*arrays(2 * 2.0**-24, 2.0**-22, 0.0), "float16").holds


def test_a_call_that_flushes_agrees_with_one_that_does_not():
    witness = Problem(np.array([[0.0, -16.0]]), np.array([0]), dtype="float16")
    accused = witness.replace(salt=1)

    class FlushesOnce:
        def observe(self, problem, probe="plain"):
            answer = CE.answer(problem)
            gradient = answer.gradient.astype(np.float16) * (problem is accused)
            return Observation(answer.value, gradient.astype(float))

    case = ObservedCase(accused, CE, FlushesOnce(), frozenset())
    assert case.observe(accused).gradient.any()
    assert not list(case.agree(accused, witness, "differs"))
    assert not list(case.agree(witness, accused, "differs"))


def test_another_shape_never_matches():
    match = compare(*arrays([1.0], 1.0, 1.0), "float64")
    assert not match.holds
    assert match.quantity == "shape of the value"


def test_value_and_gradient_must_match_the_same_answer():
    answer = ghm([[0.0, 0.0], [0.0, 8.0], [0.0, 9.0]], [0, 0, 0], bins=2, reduction="none")
    one, other = answer.admissible
    assert judge(Observation(one.value, one.gradient), answer, "float64").holds
    assert judge(Observation(other.value, other.gradient), answer, "float64").holds
    assert not judge(Observation(one.value, other.gradient), answer, "float64").holds


@pytest.mark.parametrize("scale", [1e4, 1e3, 50, 10, 1])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_a_textbook_float32_cross_entropy_stays_within_half_the_budget(scale, classes):
    rng = np.random.default_rng(1)
    worst = 0.0
    for _ in range(20):
        rows = (rng.normal(size=(5, classes)) * scale).astype(np.float32)
        labels = rng.integers(0, classes, 5)
        shifted = rows - rows.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        total = powers.sum(axis=1, keepdims=True)
        picked = shifted[np.arange(5), labels]
        gradient = powers / total
        gradient[np.arange(5), labels] -= 1
        observation = Observation((np.log(total[:, 0]) - picked).astype(float), gradient.astype(float))
        match = judge(observation, cross_entropy(rows, labels, reduction="none"), "float32")
        worst = max(worst, match.used)
    assert worst <= 4.0


@pytest.mark.parametrize("wrong", ["log(p + 1e-6)", "clip", "no shift", "float32"])
def test_small_wrongs_are_seen(wrong):
    rows, labels = np.array([[0.0, 70.0], [1e4, 1e4 + 3]]), np.array([0, 0])
    shifted = rows - rows.max(axis=1, keepdims=True)
    exact = np.log(np.exp(shifted).sum(axis=1)) - shifted[:, 0]
    with np.errstate(over="ignore"):
        got = {
            "log(p + 1e-6)": -np.log(np.exp(-exact) + 1e-6),
            "clip": np.minimum(exact, 64),
            "no shift": np.log(np.exp(rows).sum(axis=1)) - rows[:, 0],
            "float32": exact.astype(np.float32).astype(float),
        }[wrong]
    answer: Answer = cross_entropy(rows, labels, reduction="none")
    assert judge(Observation(exact), answer, "float64").holds
    assert not judge(Observation(got), answer, "float64").holds
