"""Finding: what a law has to say against a layer, and the other ways in which putting a problem to a law may end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from properties.judging.observation import Failure
from properties.problems.problem import Problem


@dataclass(frozen=True)
class Finding:
    """A contradiction: what was expected, what came, in which calls.

    ``quantity`` is value, gradient, or a word for what else differs. ``calls`` are the problems that were put to the
    layer, the accused one first. ``expected`` and ``got`` are numbers, or None where words are enough.
    ``check`` holds the lines of a script that show the fault where comparing numbers does not. ``items`` name what the
    finding tells of, where these are several independent things: a smaller case must tell of all of them. ``grade`` is
    what it is worth, ``error`` or ``remark``; empty: what its law says. Where it is ``mutual``, two calls contradict
    each other, and nothing says which is wrong: ``expected`` is the other's number.
    """

    message: str
    calls: tuple[Problem, ...]
    quantity: str = "value"
    expected: NDArray[np.float64] | None = None
    got: NDArray[np.float64] | None = None
    failure: Failure | None = None
    check: tuple[str, ...] = ()
    items: frozenset[str] = frozenset()
    grade: str = ""
    mutual: bool = False


class LayerFailed(Exception):  # noqa: N818 - an outcome, not an error of ours
    """The layer raised, crashed or hung where it had to answer."""

    def __init__(self, failure: Failure, problem: Problem) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.problem = problem


class Undecided(Exception):  # noqa: N818
    """This example proves nothing: too many answers are admissible."""


class NotApplicable(Exception):  # noqa: N818
    """The layer turns out not to have what the law is about; the message says what."""


class OutsideDomain(NotApplicable):
    """What the law makes of this problem may not be put to the layer; the message says why."""
