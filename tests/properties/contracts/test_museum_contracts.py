"""Contracts that only wrong losses of the museum have: a sound loss holds every law of each."""

import numpy as np
import pytest

from properties import Target, certify
from tests.mutants.museum.expected_costs import expected_cost
from tests.mutants.museum.loss_weights import weighted_loss


@pytest.mark.parametrize("module", ["expected_costs", "loss_weights"])
def test_a_sound_loss_holds_every_law(module):
    found = certify(Target(f"tests.mutants.museum.{module}:SUBJECT"), max_examples=40, workers=0)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed]


def test_an_expected_cost_is_that_of_chance():
    answer = expected_cost([[0.0], [np.log(3.0)]], [[0.0], [1.0]], false_positive=2.0, false_negative=8.0)
    # 2 * 1/2 and 8 * 1/4, over two entries
    assert answer.value == pytest.approx(1.5)
    assert answer.gradient[:, 0] == pytest.approx([2.0 / 4 / 2, -8.0 * 3 / 16 / 2])


def test_a_weight_of_the_whole_loss_multiplies_a_mean():
    answer = weighted_loss([[0.0, 0.0]], [1], loss_weight=3.0, weight=[1.0, 5.0])
    assert answer.value == pytest.approx(3.0 * np.log(2.0))
