"""Laws that a loss without an oracle may promise: shift, sign, certainty, classes and scale.

Under a contract that nobody knows the answers of, what holds of a layer is found and said. Whoever knows that it must
hold asks for it, and then it is a law like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.judging.law import Law, law
from properties.laws import softmax
from properties.problems.domain import CLASSES, outside, within

FAR = 40.0
"""How far the label's logit lies above 0 at certainty, and the others below."""

NEARLY = 1e-6
"""What the loss may be there: a probability that rounds, an epsilon."""

_PLAIN = {**CLASSES, "classes": outside(1), "size": outside("empty"), "weight": within("absent")}


@law(
    "promise/certain",
    precondition={**_PLAIN, "ignored": within("none"), "dtype": within("float64", "float32")},
    rests_on="p_y -> 1 as the label's logit rises above the others: nothing is lost where nothing is wrong",
    opt_in=True,
)
def certain(case: Case) -> Iterator[Finding]:
    """Where every element is certain and right, the loss is 0."""
    problem = case.problem
    sure = problem.with_rows(np.where(problem.one_hot > 0, FAR, -FAR))
    value = case.observe(sure).value
    if (np.abs(value) > NEARLY).any():
        largest = float(np.abs(value).max())
        message = f"Where every element is certain and right, the loss is {largest:.5g}: it does not vanish."
        yield Finding(message, (sure,), "value", np.zeros_like(value), value)


@law(
    "promise/classes",
    precondition=_PLAIN,
    rests_on="L(z P, P y) = L(z, y) for every permutation P of the classes",
    opt_in=True,
)
def classes_alike(case: Case) -> Iterator[Finding]:
    """Renaming the classes, with their logits, renames the gradient and nothing else."""
    problem = case.problem
    order = np.roll(np.arange(problem.classes), 1 + problem.salt % (problem.classes - 1))
    if problem.ignore_index is not None and 0 <= problem.ignore_index < problem.classes:
        return
    labels = problem.labels.copy()
    labels[problem.valid] = np.argsort(order)[labels[problem.valid]]
    renamed = problem.replace(labels=labels).take_classes(order)
    yield from case.agree(
        renamed,
        problem,
        "Renaming the classes changes more than their names.",
        gradient=lambda g: problem.unflatten(problem.flatten(g)[:, order]),
    )


@law(
    "promise/scale",
    precondition={**_PLAIN, "logits": within("lattice", "normal")},
    rests_on="L(2 z) = L(z): the loss goes by directions, or by ranks",
    opt_in=True,
)
def scale(case: Case) -> Iterator[Finding]:
    """A factor on all logits changes nothing."""
    problem = case.problem
    doubled = problem.with_rows(problem.rows * 2.0)
    yield from case.agree(doubled, problem, "A factor on all logits changes the answer.", gradient=None)


SHIFT = replace(softmax.shift, id="promise/shift", opt_in=True)
SIGN = replace(softmax.non_negative, id="promise/sign", opt_in=True)


@dataclass(frozen=True)
class Promise:
    """A law that may be asked for, and what is said of a layer for which it holds, and of one for which it does not."""

    law: Law
    holds: str
    fails: str


PROMISES: Mapping[str, Promise] = {
    "shift": Promise(SHIFT, "invariant to a shift of the logits", "not invariant to a shift of the logits"),
    "sign": Promise(SIGN, "never below 0", "below 0"),
    "certain": Promise(certain, "0 where every element is certain and right", "not 0 where every element is certain"),
    "classes": Promise(classes_alike, "the same under other names of the classes", "another under other class names"),
    "scale": Promise(scale, "invariant to a factor on the logits", "not invariant to a factor on the logits"),
}
"""By the name under which a user asks for it."""
