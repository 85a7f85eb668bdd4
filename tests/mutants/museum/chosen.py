"""A contract of its own: the cross entropy of some classes alone, which a list names; and a sound loss under it."""

import numpy as np

from properties import Contract, Subject
from properties.departures.departure import Departure
from properties.judging.contract import divisor
from properties.problems.domain import Dimension
from reference import cross_entropy

from .classes import CrossEntropy

LISTS = {
    "ends": lambda classes: np.array([0, classes - 1]),
    "last": lambda classes: np.array([classes - 1]),
    "first": lambda classes: np.array([0]),
}
"""Which of C classes are chosen, by pattern."""


def indicator(chosen, classes):
    """1 for a chosen class, 0 for the others."""
    found = np.zeros(classes)
    found[np.asarray(chosen)] = 1
    return found


def chosen_classes(logits, labels, *, chosen, axis=1, **arguments):
    """Cross entropy with weight 1 for the chosen classes and 0 for the others."""
    classes = logits.shape[0 if logits.ndim == 1 else axis]
    return cross_entropy(logits, labels, weight=indicator(chosen, classes), axis=axis, **arguments)


def _zeros(shape):
    return np.zeros(shape, dtype=np.int64).reshape(-1)


CHOSEN_CLASSES = Contract(
    name="chosen_classes",
    sentence="Cross entropy of the chosen classes; elements of the others count for nothing.",
    promises=("oracle", "ignore", "shape", "conduct", "refusals", "weighted-mean"),
    oracle=chosen_classes,
    arguments=(
        Dimension("chosen", tuple(LISTS), absent="ends", expand=lambda pattern, classes: LISTS[pattern](classes)),
    ),
    lacks=("weight",),
    departures=(
        Departure(
            "list-read-as-a-shape",
            "The list of classes is read as the shape of an array of zeros: class 0 is chosen, or none.",
            lambda: {"rewrite": (lambda problem: problem.configure(chosen=_zeros(problem.config["chosen"])),)},
            harm=8,
        ),
    ),
    divisor=lambda problem: divisor(
        problem.replace(weight=indicator(problem.config["chosen"], problem.classes), config={})
    ),
)


class ChosenClasses(CrossEntropy):
    """Cross entropy of the listed classes."""

    contract = CHOSEN_CLASSES.name

    def __init__(self, chosen, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(None, ignore_index, reduction, axis)
        self.chosen = self.array(chosen)

    def array(self, listed):
        return np.array(listed, dtype=np.int64)

    def is_soft(self, labels):
        if np.issubdtype(labels.dtype, np.floating):
            raise TypeError(f"labels must be integers, got {labels.dtype}")
        return False

    def class_weight(self, rows):
        return indicator(self.chosen, rows.shape[1]).astype(rows.dtype)


SOUND_CHOSEN_CLASSES = Subject(CHOSEN_CLASSES, ChosenClasses, backend="numpy")
