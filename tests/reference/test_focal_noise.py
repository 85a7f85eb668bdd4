"""A sound focal loss by automatic differentiation: what is wrong in its gradient far below the row's own is noise."""

import numpy as np
import pytest

from reference import BUDGET, UNIT_ROUNDOFF, focal, sigmoid_focal


def by_autograd(x, gamma):
    """(1 - exp(-l))^gamma l with l = softplus(-x), and its slope as the chain rule computes it, step by step."""
    loss = np.logaddexp(0.0, -x)
    rest = 1.0 - np.exp(-loss)
    slope = rest**gamma + gamma * rest ** (gamma - 1.0) * np.exp(-loss) * loss
    return rest**gamma * loss, slope * -1.0 / (1.0 + np.exp(x))


def within_budget(got, expected, scale):
    return (np.abs(got - expected) <= BUDGET * UNIT_ROUNDOFF["float64"] * scale).all()


@pytest.mark.parametrize("gamma", [1.0, 2.0, 5.0])
def test_a_sound_sigmoid_focal_loss_is_within_the_budget_at_every_certainty(gamma):
    x = np.linspace(-30.0, 36.0, 2001)
    answer = sigmoid_focal(x, np.ones_like(x), gamma=gamma, alpha=None, reduction="none")
    value, slope = by_autograd(x, gamma)
    assert within_budget(value, answer.value, answer.value_scale)
    assert within_budget(slope, answer.gradient, answer.gradient_scale)


def test_noise_is_no_more_than_that():
    """An entry that is wrong by a millionth of its row is none, nor is one of the size of the noise itself."""
    answer = focal([[12.0, 0.0]], [0], gamma=2.0, reduction="none")
    row = np.abs(answer.gradient).max()
    assert 1e-17 < row < 1e-13
    assert not within_budget(answer.gradient * (1.0 + 1e-6), answer.gradient, answer.gradient_scale)
    assert BUDGET * UNIT_ROUNDOFF["float64"] * answer.gradient_scale.max() < 1e-6 * row
