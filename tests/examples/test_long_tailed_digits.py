"""Every layer trains a network, which a broken gradient does not; and the example does what its command line says."""

import sys

import numpy as np
import paddle
import paddle.nn.functional as F
import pytest

from examples import long_tailed_digits as example
from paddle_impl import (
    CostSensitiveLoss,
    CrossEntropyLoss,
    FocalLoss,
    GHMLoss,
    GHMRLoss,
    SigmoidFocalLoss,
    SigmoidGHMLoss,
    TopKLoss,
)

DIGITS = example.data(seed=0)
EPOCHS = 60
FLOOR = 0.7
"""Held-out accuracy that a sound loss passes with room, and a broken gradient (about 0.1, as by chance) cannot."""
CEILING = 0.5
"""Held-out error, in standard deviations of the target, that a sound regression stays below."""


def smoothed(loss, amount=0.1):
    """The loss under soft labels that give every class a share of ``amount``."""

    def call(logits, labels):
        return loss(logits, F.label_smooth(F.one_hot(labels, example.CLASSES), epsilon=amount))

    return call


LAYERS = {
    "cross_entropy": lambda: CrossEntropyLoss(),
    "label_smoothing": lambda: CrossEntropyLoss(label_smoothing=0.1),
    "soft_labels": lambda: smoothed(CrossEntropyLoss()),
    "cost_sensitive": lambda: CostSensitiveLoss(DIGITS.counts),
    "cost_sensitive_soft_labels": lambda: smoothed(CostSensitiveLoss(DIGITS.counts)),
    "focal": lambda: FocalLoss(),
    "ghm": lambda: GHMLoss(),
    "ghm_momentum": lambda: GHMLoss(momentum=0.75),
    "average_top_k": lambda: TopKLoss(),
    "sigmoid_focal": lambda: SigmoidFocalLoss(),
    "sigmoid_ghm": lambda: SigmoidGHMLoss(),
}


def sign_flipped(gradient, labels):
    return -gradient


def label_entry_missing(gradient, labels):
    return gradient * (1 - F.one_hot(labels, gradient.shape[1]))


def detached(gradient, labels):
    return paddle.zeros_like(gradient)


def of_another_element(gradient, labels):
    return gradient.roll(1, axis=0)


DAMAGES = [sign_flipped, label_entry_missing, detached, of_another_element]


def damaged(loss, damage):
    """The same loss, with its gradient damaged on the way back."""

    def call(logits, labels):
        logits = logits * 1  # a tensor of its own, to which the hook belongs
        logits.register_hook(lambda gradient: damage(gradient, labels))
        return loss(logits, labels)

    return call


def accuracy(loss):
    return example.train(loss, DIGITS, epochs=EPOCHS).accuracy[-1]


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_trains(name):
    assert accuracy(LAYERS[name]()) > FLOOR


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["cross_entropy", "ghm", "sigmoid_focal"])
def test_a_broken_gradient_does_not_train(name, damage):
    assert accuracy(damaged(LAYERS[name](), damage)) < FLOOR - 0.2


def test_class_costs_help_the_rare_classes():
    # early in training, where the margin is widest: the rest catches up later, but not to the end
    plain, costly = (example.train(LAYERS[name](), DIGITS, epochs=15) for name in ("cross_entropy", "cost_sensitive"))
    assert costly.tail[-1] > plain.tail[-1] + 0.2


def regression_error(loss):
    """Held-out error of a linear fit to the mean intensity of each image, in standard deviations of these."""
    targets = [images.mean(axis=1, keepdims=True) for images in (DIGITS.images, DIGITS.held_images)]
    scale, centre = targets[0].std(), targets[0].mean()
    train, held = ((target - centre) / scale for target in targets)
    paddle.seed(0)
    net = paddle.nn.Linear(64, 1)
    rate = paddle.optimizer.lr.CosineAnnealingDecay(0.05, T_max=500)
    optimizer = paddle.optimizer.Adam(rate, parameters=net.parameters())
    for _ in range(500):
        loss(net(paddle.to_tensor(DIGITS.images)), paddle.to_tensor(train)).backward()
        optimizer.step()
        optimizer.clear_grad()
        rate.step()
    with paddle.no_grad():
        got = net(paddle.to_tensor(DIGITS.held_images)).numpy()
    return float(np.sqrt(((got - held) ** 2).mean()))


def test_regression_trains():
    # mu of the size of the errors: with the usual 0.02 nearly all of so few elements share the last region
    assert regression_error(GHMRLoss(mu=0.5)) < CEILING


@pytest.mark.parametrize("damage", [sign_flipped, detached, of_another_element])
def test_a_broken_regression_does_not_train(damage):
    assert regression_error(damaged(GHMRLoss(mu=0.5), damage)) > CEILING + 0.2


def test_the_training_set_has_a_long_tail_and_the_held_out_set_has_none():
    assert DIGITS.counts[0] == example.MOST
    assert DIGITS.counts[-1] == round(example.MOST / example.IMBALANCE)
    assert DIGITS.counts == sorted(DIGITS.counts, reverse=True)
    assert np.bincount(DIGITS.held_labels).tolist() == [example.HELD_OUT] * example.CLASSES


def test_the_same_seed_trains_the_same_network():
    first, again, other = (example.train(GHMLoss(momentum=0.5), DIGITS, epochs=2, seed=seed) for seed in (3, 3, 4))
    assert first.loss == again.loss
    assert first.loss != other.loss


def test_gradient_curves():
    crowd = np.concatenate([np.full(900, 0.01), np.full(10, 0.45), np.full(90, 0.99)])
    g, curves = example.gradient_curves(crowd, points=50)
    assert np.allclose(curves["ce"], g)
    assert (curves["focal"] < g)[g < 0.5].all()
    # ten among a thousand pull ten times as hard as if all were even, the crowd a tenth
    assert curves["ghm"][g < 0.1].max() < 0.1
    assert (curves["ghm"] > 10 * g)[(g > 0.4) & (g < 0.5)].all()


def test_the_command_writes_table_and_picture(tmp_path, capsys):
    file = tmp_path / "digits.png"
    assert example.main(["--epochs", "2", "--losses", "ghm,CE", "--out", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "GHM" in printed
    assert "cross entropy" in printed
    assert "focal" not in printed
    assert file.read_bytes().startswith(b"\x89PNG")
    assert file.stat().st_size > 20_000


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--losses", "ce,hinge"], "must be some of ce,cs-ce,focal,ghm,atk, got 'hinge'"),
        (["--epochs", "0"], "must be a whole number >= 1, got '0'"),
        (["--seed", "x"], "must be a whole number >= 0, got 'x'"),
        (["--out", "digits.jpg"], "must end in .png, got 'digits.jpg'"),
        (["--out", "nowhere/digits.png"], "must lie in a directory that exists, got 'nowhere/digits.png'"),
    ],
)
def test_usage(arguments, words, capsys):
    with pytest.raises(SystemExit) as left:
        example.main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("module", ["sklearn", "matplotlib"])
def test_a_missing_package_is_named(module, monkeypatch, capsys):
    for name in [name for name in sys.modules if name.split(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert example.main(["--epochs", "1"]) == 2
    assert "pip install 'lossproof[examples]'" in capsys.readouterr().err
