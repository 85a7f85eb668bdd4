"""The running average of the GHM layers against a model of it in NumPy: training, eval, state, both ways to start."""

import numpy as np
import paddle
import pytest

import reference
from paddle_impl import GHMLoss, GHMRLoss, SigmoidGHMLoss
from reference.regions import Regions

BINS, MOMENTUM = 5, 0.75


def softmax_norm(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return 1 - (p / p.sum(axis=1, keepdims=True))[np.arange(len(z)), y]


def sigmoid_norm(x, t):
    return np.abs(1 / (1 + np.exp(-x)) - t)


def regression_norm(x, t):
    return np.abs(x - t) / np.hypot(x - t, 0.02)


LAYERS = [
    (GHMLoss, reference.cross_entropy, softmax_norm, lambda rng, shape: rng.integers(0, 3, shape[0])),
    (
        SigmoidGHMLoss,
        lambda *given, **options: reference.sigmoid_ghm(*given, bins=1, **options),
        sigmoid_norm,
        lambda rng, shape: (rng.random(shape) < 0.4).astype(float),
    ),
    (
        GHMRLoss,
        lambda *given, **options: reference.ghm_regression(*given, bins=1, **options),
        regression_norm,
        lambda rng, shape: rng.normal(size=shape) / 20,
    ),
]
every_layer = pytest.mark.parametrize(("layer", "plain", "norm", "draw"), LAYERS)


def batches(count, draw):
    rng = np.random.default_rng(2)
    shapes = [(n, 3) for n in rng.integers(2, 9, count)]
    scale = 0.05 if draw is LAYERS[2][3] else 3
    return [(rng.normal(size=shape) * scale, draw(rng, shape)) for shape in shapes]


class Model:
    """The average of the populations: decays every region and corrects the start, or decays occupied ones from 0."""

    def __init__(self, ema, norm):
        self.ema, self.norm, self.mass, self.seen = ema, norm, np.zeros(BINS), 0

    def weights(self, logits, labels, training=True):
        where = Regions.of(BINS).index(self.norm(logits, labels))
        batch = np.bincount(where.reshape(-1), minlength=BINS).astype(float)
        if training:
            new = MOMENTUM * self.mass + (1 - MOMENTUM) * batch
            self.mass = np.where(batch > 0, new, self.mass) if self.ema == "mmdet" else new
            self.seen += 1
        mass = self.mass
        if self.ema == "corrected":
            mass = mass / (1 - MOMENTUM**self.seen) if self.seen else batch
        # the toolbox divides by the number of regions that the batch has occupied
        shares = mass * np.count_nonzero(batch if self.ema == "mmdet" else mass)
        return where.size / np.where(shares > 0, shares, 1)[where]


def value(layer, logits, labels):
    return layer(paddle.to_tensor(logits), paddle.to_tensor(labels)).numpy()


@pytest.mark.parametrize("ema", ["corrected", "mmdet"])
@every_layer
def test_the_layer_follows_the_model(layer, plain, norm, draw, ema):
    made, model = layer(bins=BINS, momentum=MOMENTUM, ema=ema, reduction="none"), Model(ema, norm)
    for step, (logits, labels) in enumerate(batches(12, draw)):
        training = step % 4 != 3
        made.train() if training else made.eval()
        expected = plain(logits, labels, reduction="none").value * model.weights(logits, labels, training)
        assert np.allclose(value(made, logits, labels), expected, rtol=1e-12), step
        assert np.allclose(made.population.numpy(), model.mass)


@every_layer
def test_the_first_batch_counts_fully(layer, plain, norm, draw):
    logits, labels = batches(1, draw)[0]
    with_momentum = value(layer(bins=BINS, momentum=MOMENTUM), logits, labels)
    assert with_momentum == pytest.approx(value(layer(bins=BINS), logits, labels), rel=1e-12)


@every_layer
def test_eval_before_any_training_uses_the_batch_and_keeps_nothing(layer, plain, norm, draw):
    logits, labels = batches(1, draw)[0]
    made = layer(bins=BINS, momentum=MOMENTUM)
    made.eval()
    for _ in range(2):
        assert value(made, logits, labels) == pytest.approx(value(layer(bins=BINS), logits, labels), rel=1e-12)
    assert made.batches.item() == 0


@every_layer
def test_the_state_travels_in_the_state_dict(layer, plain, norm, draw):
    trained, fresh = (layer(bins=BINS, momentum=MOMENTUM) for _ in range(2))
    for logits, labels in batches(3, draw):
        value(trained, logits, labels)
    assert set(trained.state_dict()) == {"population", "batches"}
    fresh.set_state_dict(trained.state_dict())
    for made in (trained, fresh):
        made.eval()
    logits, labels = batches(4, draw)[-1]
    assert value(trained, logits, labels) == value(fresh, logits, labels)


@every_layer
def test_to_static_keeps_the_average_too(layer, plain, norm, draw):
    made = paddle.jit.to_static(layer(bins=BINS, momentum=MOMENTUM), full_graph=True)
    model = Model("corrected", norm)
    for logits, labels in batches(3, draw):
        expected = plain(logits, labels, reduction="none").value * model.weights(logits, labels)
        assert value(made, logits, labels) == pytest.approx(expected.mean(), rel=1e-12)


@every_layer
def test_a_batch_that_is_not_finite_is_seen_once(layer, plain, norm, draw):
    logits, labels = batches(1, draw)[0]
    logits[0, 0] = np.nan
    made = layer(bins=BINS, momentum=MOMENTUM)
    assert np.isnan(value(made, logits, labels))
    assert made.batches.item() == 1


def test_without_momentum_there_is_no_state():
    assert not GHMLoss(weight=[1.0, 2.0]).state_dict()


def test_a_static_program_refuses_momentum():
    paddle.enable_static()
    try:
        with pytest.raises(ValueError, match=r"momentum=0.5 keeps a running average"):
            GHMLoss(momentum=0.5)
    finally:
        paddle.disable_static()
