"""The contract of a weight of the positives: its oracle is what it says, and a sound loss holds it."""

import numpy as np

from properties import Target, certify
from tests.mutants.museum.positive_weight import positive_weight

X = np.array([-700.0, -30.0, -2.0, 0.0, 0.5, 3.0, 40.0, 800.0])


def test_the_oracle_is_the_sum_of_its_two_parts():
    for t in (0.0, 0.25, 1.0):
        found = positive_weight(X, np.full(X.shape, t), pos_weight=3.0, reduction="none")
        expected = 3.0 * t * np.logaddexp(0.0, -X) + (1.0 - t) * np.logaddexp(0.0, X)
        np.testing.assert_allclose(found.value, expected, rtol=1e-14)


def test_its_gradient_is_the_slope_of_its_value():
    x, t, step = X[2:6], np.array([1.0, 0.0, 0.75, 1.0]), 2.0**-16
    ahead, behind = (positive_weight(x + s, t, pos_weight=3.0, reduction="none").value for s in (step, -step))
    slope = positive_weight(x, t, pos_weight=3.0, reduction="sum").gradient
    np.testing.assert_allclose(slope, (ahead - behind) / (2 * step), rtol=1e-8)


def test_a_sound_loss_holds_every_law():
    found = certify(Target("tests.mutants.museum.positive_weight:SUBJECT"), max_examples=100, workers=0)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed]
    assert sum(law.examples > 0 for law in found.laws) > 30
