"""Small errors are caught in few examples: 1e-9 of any quantity in float64, 1e-5 in float32."""

import pytest

from benchmarks.sensitivity import QUANTITIES, caught, numeric_laws, wrong

EXAMPLES = 200
FEW = 40


def refuted_by(contract, dtype, quantity, error, examples=EXAMPLES):
    subject = wrong(contract, dtype, quantity, error)
    first, _ = numeric_laws(subject.resolved)
    return caught(subject, first, examples)


@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-9), ("float32", 1e-5)])
@pytest.mark.parametrize("quantity", QUANTITIES)
@pytest.mark.parametrize("contract", ["cross_entropy", "ghm"])
def test_a_small_error_is_caught(contract, dtype, error, quantity):
    assert refuted_by(contract, dtype, quantity, error)


@pytest.mark.parametrize(("dtype", "error"), [("float64", 1e-18), ("float32", 1e-10)])
@pytest.mark.parametrize("quantity", QUANTITIES)
def test_an_error_below_the_precision_is_none(dtype, error, quantity):
    assert refuted_by("cross_entropy", dtype, quantity, error, FEW) is None
