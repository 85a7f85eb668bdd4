"""Time and peak memory of every layer, forward and backward, over the kernel of Paddle that it replaces.

    python -m benchmarks.layers [--quick] [--only ghm] [--rounds 50] [--json FILE]

Each round of a layer is timed right beside one of its yardstick, in turns the first and the second of the two, so that
what else the machine does slows both: the ratio is the median of the rounds' ratios, the spread the distance between
their quartiles. Freed memory goes back to the system before each timing: fetching pages is half of a kernel's time on
large shapes, and the one would else live off what the other left. Peak memory is what Paddle's allocator gave out at
most during one forward and backward, above the inputs, which exist before; the gradient and all that the graph keeps
are counted. Scratch space that a kernel takes elsewhere is not seen. The layers check their labels, as they do by
default; the yardsticks have no such check.
"""

import ctypes
import gc
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import paddle
import paddle.nn.functional as F
from paddle.base import core
from rich.console import Console
from rich.progress import Progress, TimeElapsedColumn

import paddle_impl
from benchmarks.frame import Command, table, write
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
from properties.contracts import contract_named
from tests.losses.layers import LAYERS, NEW

SHAPES = {(10, 5, 32, 32): 200, (4096, 1000): 60, (4, 19, 512, 512): 15, (64, 80, 100, 100): 9}
"""Shapes of the logits, classes on axis 1, and how many rounds each is given."""
QUICK = ((10, 5, 32, 32), (4096, 1000))
SECONDS, SECONDS_QUICK = 8.0, 0.6
"""How long the rounds of one row may take, in which the slow ones get fewer (but never less than three)."""

LIBC = ctypes.CDLL("libc.so.6")


@dataclass(frozen=True)
class Yardstick:
    """A kernel of Paddle's own, with the labels it takes."""

    name: str
    short: str
    labels: str
    function: Callable


CROSS_ENTROPY = Yardstick("F.cross_entropy", "CE", "hard", lambda z, y: F.cross_entropy(z, y, axis=1))
SOFT_CROSS_ENTROPY = Yardstick(
    "F.cross_entropy(soft_label=True)", "soft CE", "soft", lambda z, q: F.cross_entropy(z, q, soft_label=True, axis=1)
)
BINARY_CROSS_ENTROPY = Yardstick(
    "F.binary_cross_entropy_with_logits", "BCE", "binary", F.binary_cross_entropy_with_logits
)
SIGMOID_FOCAL = Yardstick(
    "F.sigmoid_focal_loss", "focal", "binary", lambda x, t: F.sigmoid_focal_loss(x, t, reduction="mean")
)
YARDSTICKS = (CROSS_ENTROPY, SOFT_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, SIGMOID_FOCAL)


def counts(classes):
    """A long tail of class counts, from 1,000 down to 10."""
    return [round(1000 * 0.01 ** (c / max(classes - 1, 1))) for c in range(classes)]


# each layer is made for a number of classes
ROWS = {
    "cross_entropy": (lambda classes: CrossEntropyLoss(), CROSS_ENTROPY),
    "focal": (lambda classes: FocalLoss(), CROSS_ENTROPY),
    "ghm": (lambda classes: GHMLoss(), CROSS_ENTROPY),
    "average_top_k": (lambda classes: TopKLoss(), CROSS_ENTROPY),
    "cost_sensitive": (lambda classes: CostSensitiveLoss(counts(classes)), CROSS_ENTROPY),
    "cost_sensitive_soft": (lambda classes: CostSensitiveLoss(counts(classes)), SOFT_CROSS_ENTROPY),
    "sigmoid_focal": (lambda classes: SigmoidFocalLoss(), BINARY_CROSS_ENTROPY),
    "sigmoid_focal_builtin": (lambda classes: SigmoidFocalLoss(), SIGMOID_FOCAL),
    "sigmoid_ghm": (lambda classes: SigmoidGHMLoss(), BINARY_CROSS_ENTROPY),
    "ghm_regression": (lambda classes: GHMRLoss(), BINARY_CROSS_ENTROPY),
}


def row_of(name):
    """The row of a layer as it is by default, over the kernel that takes the labels that its contract draws first."""
    layer = getattr(paddle_impl, LAYERS[name])
    kind = contract_named(name).domain.dimensions["targets"].values[0]
    over = {"hard": CROSS_ENTROPY, "soft": SOFT_CROSS_ENTROPY}.get(kind, BINARY_CROSS_ENTROPY)
    return lambda classes: layer(), over


ROWS |= {name: row_of(name) for name in NEW}


def make_labels(kind, shape):
    """Class ids without the class axis, distributions over the classes, or one 0 or 1 for each entry."""
    if kind == "hard":
        return paddle.randint(0, shape[1], [shape[0], *shape[2:]])
    if kind == "soft":
        return F.softmax(paddle.randn(shape), axis=1)
    return (paddle.rand(shape) < 0.1).astype("float32")


def forward_backward(loss, logits, labels):
    """Seconds for one forward and backward."""
    leaf = logits.detach()
    leaf.stop_gradient = False
    LIBC.malloc_trim(0)
    began = time.perf_counter()
    loss(leaf, labels).backward()
    return time.perf_counter() - began


def allocated():
    """Bytes that the CPU allocator has given out now, and the most it had since the last look."""
    now = core.host_memory_stat_current_value("Allocated", 0)
    most = core.host_memory_stat_peak_value("Allocated", 0)
    core.host_memory_stat_reset_peak_value("Allocated", 0)
    return now, most


def peak_memory(loss, logits, labels):
    """Bytes at the peak of one forward and backward, above what was there before."""
    gc.collect()
    before, _ = allocated()
    forward_backward(loss, logits, labels)
    return allocated()[1] - before


def check_statistics():
    """Refuse to print figures where the allocator's statistics do not see tensors."""
    before, _ = allocated()
    paddle.ones([1 << 20], dtype="float32")
    seen = allocated()[1] - before
    if seen < 4 << 20:
        raise SystemExit(f"this build of Paddle counts {seen} bytes for a tensor of 4 MiB: no peak memory to be had")


def paired_rounds(layer, yardstick, logits, labels, rounds, seconds):
    """Seconds of layer and yardstick, side by side, for each round."""
    pairs = []
    for loss in (layer, yardstick):  # the first call pays for what later ones find ready
        forward_backward(loss, logits, labels)
    began = time.perf_counter()
    while len(pairs) < rounds and (len(pairs) < 3 or time.perf_counter() - began < seconds):
        if len(pairs) % 2:
            ours, theirs = (forward_backward(loss, logits, labels) for loss in (layer, yardstick))
        else:
            theirs, ours = (forward_backward(loss, logits, labels) for loss in (yardstick, layer))
        pairs.append((ours, theirs))
    return pairs


def measure(name, shape, rounds, seconds):
    """One row: the entry of the JSON list."""
    make, yardstick = ROWS[name]
    paddle.seed(0)
    logits, labels = paddle.randn(shape), make_labels(yardstick.labels, shape)
    layer = make(shape[1])
    pairs = paired_rounds(layer, yardstick.function, logits, labels, rounds, seconds)
    ratios = [ours / theirs for ours, theirs in pairs]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else ratios * 3
    peak, peak_yardstick = (peak_memory(loss, logits, labels) for loss in (layer, yardstick.function))
    inputs = sum(tensor.size * tensor.element_size() for tensor in (logits, labels))
    return {
        "loss": name,
        "shape": list(shape),
        "ratio": middle,
        "ratio_spread": high - low,
        "peak_ratio": peak / peak_yardstick,
        "peak_ratio_with_inputs": (peak + inputs) / (peak_yardstick + inputs),
        "yardstick": yardstick.name,
        "milliseconds": 1000 * statistics.median(ours for ours, _ in pairs),
        "yardstick_milliseconds": 1000 * statistics.median(theirs for _, theirs in pairs),
        "peak_megabytes": peak / 1e6,
        "rounds": len(pairs),
    }


def times_table(shape, entries):
    """The rows of one shape."""
    numbers = ("time", "±", "peak", "peak*", "ms", "over ms", "n")
    found = table(f"{shape} float32, {math.prod(shape):,} logits", "loss", "over", numbers=numbers)
    for entry in entries:
        found.add_row(
            entry["loss"],
            ROWS[entry["loss"]][1].short,
            f"{entry['ratio']:.2f}",
            f"{entry['ratio_spread'] / 2:.2f}",
            f"{entry['peak_ratio']:.2f}",
            f"{entry['peak_ratio_with_inputs']:.2f}",
            short(entry["milliseconds"]),
            short(entry["yardstick_milliseconds"]),
            f"{entry['rounds']}",
        )
    return found


def short(number):
    """Three digits, or all before the point."""
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def legend():
    """What the columns mean."""
    names = ", ".join(f"{yardstick.short} {yardstick.name}" for yardstick in YARDSTICKS)
    return (
        f"Forward and backward over: {names}.\n"
        "time: median ratio, ±: half the distance of its quartiles, peak: ratio of peak memory without the inputs, "
        "peak*: with them, n: rounds."
    )


def options(arguments):
    parser = Command(__doc__)
    parser.quick("the two smaller shapes, in less than half a minute")
    parser.numbers(rounds=None, words="rounds of each row (default: more where they are short)")
    parser.json()
    parser.add_argument("--only", choices=sorted(ROWS), metavar="LOSS", help=f"one of {', '.join(ROWS)}")
    return parser.parse_args(arguments)


def main(arguments=None):
    arguments = options(arguments)
    check_statistics()
    gc.disable()  # a collection in the middle of a round is nobody's time
    names = [arguments.only] if arguments.only else list(ROWS)
    shapes = QUICK if arguments.quick else tuple(SHAPES)
    console, entries = Console(), []
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=len(names) * len(shapes))
        for shape in shapes:
            for name in names:
                progress.update(task, description=f"{name} {shape}")
                seconds = SECONDS_QUICK if arguments.quick else SECONDS
                entries.append(measure(name, shape, arguments.rounds or SHAPES[shape], seconds))
                progress.advance(task)
    for shape in shapes:
        console.print(times_table(shape, [entry for entry in entries if entry["shape"] == list(shape)]))
    console.print(legend(), highlight=False)
    write(arguments.json, entries)


if __name__ == "__main__":
    main()
