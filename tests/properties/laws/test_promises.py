"""Every promise of a loss without an oracle is kept by a sound loss, and refutes one that breaks it."""

import pytest

from properties.laws.promises import PROMISES
from properties.runs.certify import certify
from properties.subjects.target import Target
from tests.losses.promised import PROMISED


def promised(loss, name):
    target = Target(f"{loss.__module__}:{loss.__name__}", "free", claims={"promises": name})
    return certify(target, max_examples=40, workers=0, only=[PROMISES[name].law.id]).law(PROMISES[name].law.id)


def test_every_promise_has_both():
    assert set(PROMISED) == set(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_a_loss_that_keeps_it_is_not_accused(name):
    found = promised(PROMISED[name][0], name)
    assert (found.outcome, found.message) == ("held", "")
    assert found.examples == 40


@pytest.mark.parametrize("name", PROMISES)
def test_a_loss_that_breaks_it_is_refuted(name):
    found = promised(PROMISED[name][1], name)
    assert found.outcome == "refuted"
    assert found.counterexample["problems"]
