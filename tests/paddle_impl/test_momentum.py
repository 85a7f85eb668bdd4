"""GHM's running average against a model of it in NumPy: training, eval, state, both ways to start."""

import numpy as np
import paddle
import pytest

import reference
from paddle_impl import GHMLoss
from reference.cross_entropy import softmax_of
from reference.elements import arrange
from reference.ghm import Regions

BINS, MOMENTUM = 5, 0.75


def batches(count):
    rng = np.random.default_rng(2)
    return [(rng.normal(size=(n, 3)) * 3, rng.integers(0, 3, n)) for n in rng.integers(2, 9, count)]


def populations(logits, labels):
    elements = arrange(logits, labels)
    where = Regions.of(BINS).index(softmax_of(elements).p_rest)
    return np.bincount(where, minlength=BINS).astype(float), where


class Model:
    """The average of the populations: decays every region and corrects the start, or decays occupied ones from 0."""

    def __init__(self, ema):
        self.ema, self.mass, self.seen = ema, np.zeros(BINS), 0

    def weights(self, logits, labels, training):
        batch, where = populations(logits, labels)
        if training:
            new = MOMENTUM * self.mass + (1 - MOMENTUM) * batch
            self.mass = np.where(batch > 0, new, self.mass) if self.ema == "mmdet" else new
            self.seen += 1
        mass = self.mass
        if self.ema == "corrected":
            mass = mass / (1 - MOMENTUM**self.seen) if self.seen else batch
        shares = mass * np.count_nonzero(mass)
        return len(labels) / np.where(shares > 0, shares, 1)[where]


@pytest.mark.parametrize("ema", ["corrected", "mmdet"])
def test_the_layer_follows_the_model(ema):
    layer, model = GHMLoss(bins=BINS, momentum=MOMENTUM, ema=ema, reduction="none"), Model(ema)
    for step, (logits, labels) in enumerate(batches(12)):
        training = step % 4 != 3
        layer.train() if training else layer.eval()
        plain = reference.cross_entropy(logits, labels, reduction="none").value
        expected = plain * model.weights(logits, labels, training)
        got = layer(paddle.to_tensor(logits), paddle.to_tensor(labels)).numpy()
        assert np.allclose(got, expected, rtol=1e-12), step
        assert np.allclose(layer.population.numpy(), model.mass)


def test_the_first_batch_counts_fully():
    logits, labels = batches(1)[0]
    first = GHMLoss(bins=BINS, momentum=MOMENTUM)(paddle.to_tensor(logits), paddle.to_tensor(labels)).item()
    assert first == pytest.approx(float(reference.ghm(logits, labels, bins=BINS).value), rel=1e-12)


def test_eval_before_any_training_uses_the_batch_and_keeps_nothing():
    logits, labels = batches(1)[0]
    layer = GHMLoss(bins=BINS, momentum=MOMENTUM)
    layer.eval()
    for _ in range(2):
        value = layer(paddle.to_tensor(logits), paddle.to_tensor(labels)).item()
        assert value == pytest.approx(float(reference.ghm(logits, labels, bins=BINS).value), rel=1e-12)
    assert layer.batches.item() == 0


def test_the_state_travels_in_the_state_dict():
    trained, fresh = (GHMLoss(bins=BINS, momentum=MOMENTUM) for _ in range(2))
    for logits, labels in batches(3):
        trained(paddle.to_tensor(logits), paddle.to_tensor(labels))
    assert set(trained.state_dict()) == {"population", "batches"}
    fresh.set_state_dict(trained.state_dict())
    for layer in (trained, fresh):
        layer.eval()
    logits, labels = batches(4)[-1]
    values = [layer(paddle.to_tensor(logits), paddle.to_tensor(labels)).item() for layer in (trained, fresh)]
    assert values[0] == values[1]


def test_to_static_keeps_the_average_too():
    layer = paddle.jit.to_static(GHMLoss(bins=BINS, momentum=MOMENTUM), full_graph=True)
    model = Model("corrected")
    for logits, labels in batches(3):
        weights = model.weights(logits, labels, True)
        plain = reference.cross_entropy(logits, labels, reduction="none").value
        got = layer(paddle.to_tensor(logits), paddle.to_tensor(labels)).item()
        assert got == pytest.approx((plain * weights).mean(), rel=1e-12)


def test_without_momentum_there_is_no_state():
    assert not GHMLoss(weight=[1.0, 2.0]).state_dict()


def test_a_static_program_refuses_momentum():
    paddle.enable_static()
    try:
        with pytest.raises(ValueError, match=r"momentum=0.5 keeps a running average"):
            GHMLoss(momentum=0.5)
    finally:
        paddle.disable_static()
