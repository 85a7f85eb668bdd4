"""Trains one small network on long-tailed digits with five losses, and draws what each does for the rare classes.

    python examples/long_tailed_digits.py [--epochs 150] [--seed 0] [--out FILE.png] [--losses ce,cs-ce,focal,ghm,atk]

The digits are scikit-learn's (1,797 images of 8 x 8, no download). The training set has 100 zeros and ever fewer of the
other digits, down to 3 nines; the held-out set has the same number of each. Every loss sees the same network from the
same start and the same batches. Needs ``pip install 'lossproof[examples]'``.
"""

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import paddle
from paddle import nn
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from paddle_impl import CostSensitiveLoss, CrossEntropyLoss, FocalLoss, GHMLoss, TopKLoss

CLASSES = 10
MOST, IMBALANCE = 100, 35
"""Training images of the most frequent class, and how many times more than of the rarest."""
HELD_OUT = 70
"""Held-out images of each class."""
HEAD, TAIL = np.arange(5), np.arange(5, 10)
"""The five most and the five least frequent classes."""
BATCH = 64


@dataclass(frozen=True)
class Choice:
    """One of the losses compared: its name, how it is made from the class counts, its line in the picture."""

    title: str
    make: Callable[[list[int]], nn.Layer]
    colour: str
    dashes: str


# the colours are Okabe and Ito's, which the colour-blind tell apart; the dashes help in print
CHOICES = {
    "ce": Choice("cross entropy", lambda counts: CrossEntropyLoss(), "#000000", "-"),
    "cs-ce": Choice("cost-sensitive CE", CostSensitiveLoss, "#E69F00", "--"),
    "focal": Choice("focal", lambda counts: FocalLoss(gamma=2.0), "#0072B2", "-."),
    "ghm": Choice("GHM", lambda counts: GHMLoss(bins=10, momentum=0.75), "#D55E00", "-"),
    "atk": Choice("average top-k", lambda counts: TopKLoss(top_k=0.7), "#009E73", ":"),
}


@dataclass(frozen=True)
class Digits:
    """Images [n, 64] in [0, 1] and their classes, for training (long-tailed) and held out (balanced)."""

    images: np.ndarray
    labels: np.ndarray
    held_images: np.ndarray
    held_labels: np.ndarray

    @property
    def counts(self):
        """Training images of each class."""
        return np.bincount(self.labels, minlength=CLASSES).tolist()


@dataclass
class History:
    """What training under one loss gave: a number for each epoch, and the network."""

    net: nn.Layer
    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    head: list[float] = field(default_factory=list)
    tail: list[float] = field(default_factory=list)
    seconds: float = 0.0


def data(seed=0):
    """The digits, made long-tailed: class c keeps MOST * IMBALANCE^(-c / 9) images for training."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype("float32")
    rng = np.random.default_rng(seed)
    trained, held = [], []
    for c in range(CLASSES):
        members = rng.permutation(np.flatnonzero(labels == c))
        count = round(MOST * IMBALANCE ** (-c / (CLASSES - 1)))
        held.append(members[:HELD_OUT])
        trained.append(members[HELD_OUT : HELD_OUT + count])
    trained, held = np.concatenate(trained), np.concatenate(held)
    return Digits(images[trained], labels[trained], images[held], labels[held])


def network(seed=0, outputs=CLASSES):
    """Two layers and 64 hidden units; the same seed gives the same start."""
    paddle.seed(seed)
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, outputs))


def batches(n, epochs, seed=0):
    """Indices of each batch, epoch by epoch, in an order that depends on the seed alone."""
    rng = np.random.default_rng(seed)
    for _ in range(epochs):
        order = rng.permutation(n)
        yield [order[k : k + BATCH] for k in range(0, n, BATCH)]


def train(loss, digits, epochs=150, seed=0, rate=3e-3, after_epoch=lambda history: None):
    """Train a new network under a loss, a layer called as ``loss(logits, labels)``, and keep its history."""
    net = network(seed)
    optimizer = paddle.optimizer.Adam(rate, parameters=net.parameters())
    history, began = History(net), time.perf_counter()
    for indices in batches(len(digits.labels), epochs, seed):
        losses = [step(net, loss, optimizer, digits.images[i], digits.labels[i]) for i in indices]
        right = predict(net, digits.held_images) == digits.held_labels
        history.loss.append(float(np.mean(losses)))
        history.accuracy.append(float(right.mean()))
        history.head.append(float(right[np.isin(digits.held_labels, HEAD)].mean()))
        history.tail.append(float(right[np.isin(digits.held_labels, TAIL)].mean()))
        after_epoch(history)
    history.seconds = time.perf_counter() - began
    return history


def step(net, loss, optimizer, images, labels):
    """One step of the optimizer; gives the loss before it."""
    value = loss(net(paddle.to_tensor(images)), paddle.to_tensor(labels))
    value.backward()
    optimizer.step()
    optimizer.clear_grad()
    return value.item()


@paddle.no_grad()
def predict(net, images):
    """The class of the largest logit."""
    return net(paddle.to_tensor(images)).argmax(axis=1).numpy()


def pull(loss, logits, labels):
    """|d loss / d logit of the label| of each element, as backward gives it."""
    z = paddle.to_tensor(logits, stop_gradient=False)
    loss(z, paddle.to_tensor(labels)).backward()
    return np.abs(np.take_along_axis(z.grad.numpy(), labels[:, None], 1)[:, 0])


def gradient_norms(net, images, labels):
    """g of each image: how far cross entropy pulls at the logit of its label, 1 - p."""
    with paddle.no_grad():
        logits = net(paddle.to_tensor(images)).numpy()
    return pull(CrossEntropyLoss(reduction="sum"), logits, labels)


def gradient_curves(norms, points=200):
    """What an element of each g pulls with under CE, focal and GHM: g, and three curves over it.

    The element has two classes, whose logits put its label at 1 - g. GHM's depends on the company: the element joins
    all those whose g are ``norms``.
    """
    g = (np.arange(points) + 0.5) / points
    losses = {
        "ce": CrossEntropyLoss(reduction="sum"),
        "focal": FocalLoss(gamma=2.0, reduction="sum"),
        "ghm": GHMLoss(bins=10, reduction="sum"),
    }
    company = two_classes(norms)
    probes = [np.concatenate([company, two_classes(np.array([one]))]) for one in g]
    labels = np.zeros(len(company) + 1, dtype="int64")
    return g, {name: np.array([pull(loss, probe, labels)[-1] for probe in probes]) for name, loss in losses.items()}


def two_classes(norms):
    """Logits [n, 2] under which label 0 has probability 1 - g."""
    g = np.clip(norms.astype("float64"), 1e-9, 1 - 1e-9)
    return np.stack([np.log((1 - g) / g), np.zeros_like(g)], axis=1)


def picture(histories, norms, trained_with, file):
    """Draw loss and tail accuracy over the epochs, how g is spread, and how hard each loss pulls at each g."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 2, figsize=(11, 8), layout="constrained")
    draw_epochs(axes[0, 0], {name: history.loss for name, history in histories.items()})
    axes[0, 0].set(yscale="log", ylabel="training loss (nats, each its own)", title="Loss while training")
    draw_epochs(axes[0, 1], {name: [100 * a for a in history.tail] for name, history in histories.items()})
    axes[0, 1].set(ylim=(0, 100), ylabel="accuracy (%)", title="Held-out accuracy on the five rarest classes")
    draw_spread(axes[1, 0], norms, trained_with)
    draw_curves(axes[1, 1], *gradient_curves(norms))
    for panel in axes.flat:
        panel.grid(alpha=0.25)
        panel.spines[["top", "right"]].set_visible(False)
    figure.suptitle(
        f"Digits with a long tail, {MOST} zeros down to {round(MOST / IMBALANCE)} nines: same start, same batches"
    )
    figure.savefig(file, dpi=130)
    pyplot.close(figure)


def draw_epochs(panel, curves):
    """One line for each loss."""
    for name, values in curves.items():
        look = CHOICES[name]
        epochs = np.arange(1, len(values) + 1)
        panel.plot(epochs, values, look.dashes, color=look.colour, label=look.title, linewidth=1.8)
    panel.set(xlabel="epoch", xlim=(0, None))
    panel.legend(frameon=False)


def draw_spread(panel, norms, trained_with):
    """How many elements each of GHM's ten regions holds."""
    bars = panel.bar(np.arange(10) / 10 + 0.05, np.histogram(norms, 10, (0, 1))[0], 0.096, color="#56B4E9")
    panel.bar_label(bars)
    panel.set(
        yscale="log",
        ylim=(1, 2 * len(norms)),
        xlim=(0, 1),
        xlabel="gradient norm g = 1 - p of the label",
        ylabel="held-out images in each region of GHM",
        title=f"How g is spread after training with {CHOICES[trained_with].title}",
    )


def draw_curves(panel, g, curves):
    """The gradient norm that each loss makes of g."""
    for name, values in curves.items():
        look = CHOICES[name]
        panel.plot(g, values, look.dashes, color=look.colour, label=look.title, linewidth=1.8)
    panel.set(
        yscale="log",
        xlim=(0, 1),
        xlabel="gradient norm g = 1 - p of the label",
        ylim=(1e-4, 10),
        ylabel=r"effective gradient norm $|\partial L\,/\,\partial z_y|$",
        title="How hard each loss pulls at an element",
    )
    panel.legend(frameon=False)


def result_table(histories):
    """Accuracies of the last epoch."""
    table = Table(title="Held-out accuracy after the last epoch", title_justify="left")
    table.add_column("loss")
    for head in ("all", "five most frequent", "five rarest", "seconds"):
        table.add_column(head, justify="right")
    for name, history in histories.items():
        shares = (history.accuracy[-1], history.head[-1], history.tail[-1])
        table.add_row(CHOICES[name].title, *(f"{share:.1%}" for share in shares), f"{history.seconds:.1f}")
    return table


def train_all(names, digits, epochs, seed, console):
    """A history for each loss, with progress while it trains."""
    histories = {}
    columns = (TextColumn("{task.description:18}"), BarColumn(), TextColumn("{task.fields[tail]}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        for name in names:
            task = progress.add_task(CHOICES[name].title, total=epochs, tail="")

            def show(history, task=task):
                progress.update(task, advance=1, tail=f"head {history.head[-1]:4.0%}, tail {history.tail[-1]:4.0%}")

            loss = CHOICES[name].make(digits.counts)
            histories[name] = train(loss, digits, epochs=epochs, seed=seed, after_epoch=show)
    return histories


def chosen(text):
    """The names in ``ce,focal``."""
    names = list(dict.fromkeys(name.strip().lower() for name in text.split(",")))
    for name in names:
        if name not in CHOICES:
            raise argparse.ArgumentTypeError(f"must be some of {','.join(CHOICES)}, got {name!r}")
    return names


def at_least(least):
    """A whole number that is not smaller."""

    def number(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(f"must be a whole number >= {least}, got {text!r}")
        return value

    return number


def image_file(text):
    """A PNG file in a directory that exists."""
    file = Path(text)
    if file.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"must end in .png, got {text!r}")
    if not file.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must lie in a directory that exists, got {text!r}")
    return file


def main(arguments=None):
    """Train, print the accuracies, write the picture; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=at_least(1), default=150, help="for each loss (default: 150)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="of the split, the start and the batches")
    parser.add_argument(
        "--out", type=image_file, default=Path("long_tailed_digits.png"), metavar="FILE.png", help="the picture"
    )
    parser.add_argument("--losses", type=chosen, default=list(CHOICES), metavar=",".join(CHOICES), help="all or some")
    options = parser.parse_args(arguments)
    try:
        import matplotlib  # noqa: F401 - fail before training, not after it

        digits = data(options.seed)
    except ImportError as error:
        print(f"{error.name} is missing: pip install 'lossproof[examples]'", file=sys.stderr)
        return 2
    console = Console()
    counts = ", ".join(f"{digit}: {count}" for digit, count in enumerate(digits.counts))
    console.print(f"Training images of each digit: {counts}. Held out: {HELD_OUT} of each.", highlight=False)
    histories = train_all(options.losses, digits, options.epochs, options.seed, console)
    console.print(result_table(histories))
    trained_with = options.losses[0]
    norms = gradient_norms(histories[trained_with].net, digits.held_images, digits.held_labels)
    picture(histories, norms, trained_with, options.out)
    console.print(f"Picture: {options.out}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
