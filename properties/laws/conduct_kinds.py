"""More laws of conduct: the layer answers problems of every kind that its contract promises; most are gates.

They rest on a loss being defined for every finite logit and every label in [0, C), however many there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import law
from properties.laws.conduct import SMALL, has_gradient
from properties.problems.domain import CLASSES, outside, within
from properties.problems.kinds import AXIS_OF_ONE, IGNORED_AND_WEIGHTED, ONE_ELEMENT, SQUARE, Kind

ANSWERS_ALL = "conduct/answers-all"
"""The law that tells of an exception; where others meet the same one, they leave the problem out."""


@law(
    ANSWERS_ALL,
    level="conduct",
    gate=1,
    rests_on="L(z, y) exists for every finite z and every label in [0, C)",
    first=True,
)
def answers_all(case: Case) -> Iterator[Finding]:
    """The layer answers every problem that has nothing special about it, whatever its numbers are."""
    case.observe()
    yield from ()


@law(
    "conduct/takes-weights",
    level="conduct",
    precondition={**SMALL, "weight": outside("absent", "zero-total"), "targets": CLASSES["targets"]},
    needs=("weight",),
    gate=2,
    rests_on="o_i = v_i w[y_i] for a layer that takes weight",
)
def takes_weights(case: Case) -> Iterator[Finding]:
    """The layer answers where there are class weights."""
    yield from has_gradient(case)


@law(
    "conduct/takes-ignored",
    level="conduct",
    precondition={**SMALL, "ignored": within("some", "most")},
    needs=("ignored",),
    gate=2,
    rests_on="v_i = [y_i != ignore_index] for a layer that takes ignore_index, or a mask",
)
def takes_ignored(case: Case) -> Iterator[Finding]:
    """The layer answers where some elements are ignored."""
    yield from has_gradient(case)


@law(
    ONE_ELEMENT.gate,
    level="conduct",
    precondition={**SMALL, "size": within("one")},
    gate=2,
    rests_on="a batch of one element is a batch",
)
def takes_one_element(case: Case) -> Iterator[Finding]:
    """The layer answers where there is a single element."""
    yield from _of_kind(case, ONE_ELEMENT)


@law(
    AXIS_OF_ONE.gate,
    level="conduct",
    precondition={**SMALL, "rank": lambda r: r > 2},
    gate=4,
    rests_on="what an axis means is said by its place, never by its length",
)
def takes_axis_of_one(case: Case) -> Iterator[Finding]:
    """The layer answers where an axis of its elements has length 1."""
    yield from _of_kind(case, AXIS_OF_ONE)


@law(
    SQUARE.gate,
    level="conduct",
    precondition={**SMALL, "size": within("square"), "targets": within("hard")},
    gate=2,
    rests_on="what an axis means is said by its place, never by its length",
)
def takes_square(case: Case) -> Iterator[Finding]:
    """The layer answers where the last axis of the labels is as long as there are classes."""
    yield from _of_kind(case, SQUARE)


@law(
    IGNORED_AND_WEIGHTED.gate,
    level="conduct",
    precondition={
        **SMALL,
        "weight": outside("absent", "zero-total"),
        "targets": within("hard"),
        "ignored": within("some", "most"),
    },
    needs=("weight", "ignored"),
    gate=3,
    rests_on="o_i = v_i w[y_i]: no weight is looked up for an element that is ignored",
)
def takes_ignored_and_weighted(case: Case) -> Iterator[Finding]:
    """The layer answers where there are ignored elements and class weights."""
    yield from _of_kind(case, IGNORED_AND_WEIGHTED)


def _of_kind(case: Case, kind: Kind) -> Iterator[Finding]:
    """The layer must answer a problem of a kind."""
    if kind.holds(case.problem):
        case.observe()
    yield from ()
