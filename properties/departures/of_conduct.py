"""Departures that are no change of numbers: what a layer does beside its answers, named by the law that tells of it."""

from __future__ import annotations

from properties.departures.departure import Departure

TOLD: dict[str, tuple[str, str, int]] = {
    "conduct/inputs-not-mutated": ("writes-into-inputs", "It writes into what it is given.", 3),
    "conduct/second-call": ("remembers-the-last-batch", "What it was called with before changes its answer.", 4),
    "conduct/eval-state": ("learns-in-eval", "A call in eval() changes what it remembers.", 4),
    "conduct/repeatable": ("not-repeatable", "The same call has different answers.", 4),
    "conduct/second-backward": (
        "second-backward-differs",
        "A second backward through the same graph gives another gradient.",
        82,
    ),
    "conduct/no-grad": ("other-value-without-gradients", "Inside paddle.no_grad() the value is another.", 28),
    "conduct/grad-mode": ("changes-the-gradient-mode", "It leaves the recording of gradients switched.", 28),
    "conduct/global-state": ("changes-global-state", "It changes the state of a global random generator.", 28),
    "conduct/prints-nothing": ("prints", "It prints, or leaves standard output otherwise.", 60),
    "conduct/deepcopy": ("copies-differ", "A deep copy of it answers otherwise.", 40),
    "conduct/pickle": ("pickles-differ", "Pickled and read back it answers otherwise, or cannot be.", 60),
    "conduct/state-dict": ("state-dict-loses", "Its state_dict does not hold what it remembers.", 40),
    "modes/to-static": ("otherwise-to-static", "Behind paddle.jit.to_static it answers otherwise.", 42),
    "modes/full-graph": ("otherwise-as-one-graph", "As one graph it answers otherwise, or cannot be one.", 42),
    "modes/static-program": ("otherwise-in-programs", "In a static program it answers otherwise.", 42),
    "modes/dynamic-batch": ("otherwise-when-saved", "Saved with a dynamic batch it answers otherwise.", 42),
    "modes/amp": ("otherwise-in-amp", "Under paddle.amp.auto_cast it answers otherwise.", 42),
    "modes/double-backward": ("wrong-second-derivative", "Its second derivative is wrong.", 44),
    "modes/moving-average": ("other-running-average", "Its running average is another.", 14),
    "numerics/nan-stays-nan": ("nan-vanishes", "NaN in a valid logit gives a number.", 81),
    "numerics/result-dtype": ("result-of-another-dtype", "Its loss or gradient has another dtype than the logits.", 65),
    "numerics/small-labels": ("small-labels-differ", "Labels of smaller integer types have another loss.", 48),
    "numerics/mean-of-a-large-sum": (
        "half-precision-overflows",
        "In float16 a mean that fits overflows on its way.",
        46,
    ),
    "numerics/many-elements": ("digits-lost-in-large-sums", "A large batch loses digits on its way.", 50),
    "refusals/label-out-of-range": ("labels-outside-unchecked", "A label outside the classes gets an answer.", 72),
    "refusals/label-shape": ("labels-of-other-shapes", "Labels that do not fit the logits get an answer.", 72),
    "refusals/broadcasting": ("labels-broadcast", "Labels with an axis too many or too few are broadcast.", 71),
    "refusals/weight-length": (
        "weights-of-other-length",
        "Class weights that are not one for each class get an answer.",
        73,
    ),
    "refusals/bad-weight": ("bad-weights-unchecked", "A negative or non-finite class weight gets an answer.", 74),
    "refusals/bad-reduction": ("reduction-unchecked", "A reduction that does not exist gets an answer.", 75),
    "refusals/bad-arguments": ("arguments-unchecked", "Constructor values out of range get an answer.", 76),
}
"""By law: the name of the departure, its sentence, and its place in a report."""

OF_CONDUCT = tuple(Departure(name, sentence, law=law, harm=harm) for law, (name, sentence, harm) in TOLD.items())
