"""Law: one sentence that a loss layer must fulfil, and the small function that looks for a contradiction."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray

from properties.drawing.regimes import HardLogits
from properties.judging.observation import Failure
from properties.problems.domain import Domain, Precondition
from properties.problems.problem import Problem

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from properties.judging.context import Case

LEVELS = ("formula", "numerics", "conduct")


@dataclass(frozen=True)
class Finding:
    """A contradiction: what was expected, what came, in which calls.

    ``quantity`` is value, gradient, or a word for what else differs. ``calls`` are the problems that were put to the
    layer, the accused one first. ``expected`` and ``got`` are numbers, or None where words are enough.
    ``check`` holds the lines of a script that show the fault where comparing numbers does not. ``items`` name what the
    finding tells of, where these are several independent things: a smaller case must tell of all of them.
    """

    message: str
    calls: tuple[Problem, ...]
    quantity: str = "value"
    expected: NDArray[np.float64] | None = None
    got: NDArray[np.float64] | None = None
    failure: Failure | None = None
    check: tuple[str, ...] = ()
    items: frozenset[str] = frozenset()


Check = Callable[["Case"], Iterable[Finding]]
Draw = Callable[[Domain, HardLogits | None], "SearchStrategy[Problem]"]


@dataclass(frozen=True)
class Law:
    """A law with a stable id (family/name).

    ``precondition`` says which problems it is about; ``gate`` that other laws draw what it is about only where it
    holds: gates of round 1 run first, those of round 2 over what they let through;
    ``needs`` which abilities of the layer or the contract it rests on: ``oracle``, or arguments such as ``weight``;
    ``reference`` that it compares with some loss's oracle, whether the contract has one or not;
    ``plain`` that every option has its simplest value, so that nothing but the layer itself can be at fault;
    ``rests_on`` the formula or rule that makes it true of every sound loss;
    ``most`` caps the examples of a law that takes long over each, and what is spent on shrinking in proportion;
    ``draw`` draws other problems than most laws do (from the law's domain and what the contract says is hard), and
    ``smaller`` says how one of these may be made simpler beyond what is common to all.

    ``opt_in`` says that only contracts which name it among their own laws promise it, whatever families they promise.
    ``slow`` laws start before the others of their round, so that no worker is left with one at the end; ``first`` ones
    show the most, and are put to a wrong loss before the others. Of laws that fail for one reason a ``headline`` stands
    above others of its family, whose counterexamples may be plainer; one whose message begins with ``names_fault``
    stands above all others, since it names the fault itself. The last two hold for laws of the contracts that
    are known by name.
    """

    id: str
    sentence: str
    check: Check
    level: str = "formula"
    severity: str = "error"
    precondition: Precondition = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    gate: int = 0
    plain: bool = False
    rests_on: str = ""
    most: int | None = None
    draw: Draw | None = None
    smaller: Callable[[Problem], Iterator[Problem]] | None = None
    opt_in: bool = False
    slow: bool = False
    first: bool = False
    headline: bool = False
    names_fault: str = ""

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/")[0]


class Attributes(TypedDict, total=False):
    """What may be said of a law beside its id, its sentence and its check; see Law."""

    level: str
    severity: str
    precondition: Precondition
    needs: tuple[str, ...]
    gate: int
    plain: bool
    rests_on: str
    most: int | None
    draw: Draw | None
    smaller: Callable[[Problem], Iterator[Problem]] | None
    opt_in: bool
    slow: bool
    first: bool
    headline: bool
    names_fault: str


def law(id: str, **attributes: Unpack[Attributes]) -> Callable[[Check], Law]:
    """A decorator that makes a Law of its check: the first paragraph of the check's docstring is the law's sentence.

    Raises ValueError for a check without a docstring.
    """

    def declare(check: Check) -> Law:
        paragraph = _docstring(check).partition("\n\n")[0]
        if not paragraph:
            raise ValueError(f"law {id}: its check must have a docstring, the law's sentence")
        return Law(id, " ".join(paragraph.split()), check, **attributes)

    return declare


def _docstring(check: Check) -> str:
    """The docstring of a check, '' where it has none; from its source where `python -OO` has removed it."""
    if check.__doc__ is None and sys.flags.optimize >= 2:
        (definition,) = ast.parse(textwrap.dedent(inspect.getsource(check))).body
        assert isinstance(definition, ast.FunctionDef)
        return ast.get_docstring(definition) or ""
    return inspect.cleandoc(check.__doc__ or "")


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
