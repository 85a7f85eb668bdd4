"""Losses that a textbook has, that PyTorch has, and that logsumexp gives: every law that they promise holds."""

import pytest

from properties import certify
from properties.contracts import contracts
from tests.losses.sound_losses import LOGSUMEXP, TEXTBOOK, TORCH, has_torch, implementations

EXAMPLES = 12

needs_torch = pytest.mark.skipif(not has_torch(), reason="PyTorch is not installed; the package does not need it")
CASES = [
    *(pytest.param(each, id=each.name) for each in (*TEXTBOOK, LOGSUMEXP)),
    *(pytest.param(each, id=each.name, marks=needs_torch) for each in TORCH),
]


@pytest.mark.parametrize("implementation", CASES)
def test_every_promised_law_holds(implementation):
    found = certify(implementation.target, max_examples=EXAMPLES, workers=0, only=implementation.laws)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed]
    assert found.law("oracle/value").examples == EXAMPLES
    assert {"float64", "float32"} <= set(found.law("oracle/accuracy").budget_by_dtype)


def test_every_contract_with_an_oracle_has_implementations_of_two_makes():
    makes = {}
    for each in implementations():
        makes.setdefault(each.contract, set()).add(each.make)
    assert all(len(found) >= 2 for contract, found in makes.items() if contracts()[contract].oracle is not None)


def test_names_are_unique():
    names = [each.name for each in implementations()]
    assert len(names) == len(set(names))


@needs_torch
def test_what_pytorch_does_not_promise_it_does_not_hold():
    found = certify(TORCH[0].target, max_examples=EXAMPLES, workers=0, only=["ignore/poison"])
    assert found.law("ignore/poison").outcome == "refuted"
