"""Law: one sentence that a loss layer must fulfil, and the small function that looks for a contradiction."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from hypothesis.strategies import SearchStrategy

from properties.drawing.regimes import HardLogits
from properties.judging.context import Case
from properties.judging.finding import Finding
from properties.problems.domain import Domain, Precondition
from properties.problems.problem import Problem

LEVELS = ("formula", "numerics", "conduct", "refusals")
"""What laws are about: the formula, its numbers in every dtype, conduct beside them, and what is done with nonsense."""

GRADES = ("error", "remark")
"""What a contradiction is worth: an error refutes, a remark is shown."""


Check = Callable[[Case], Iterable[Finding]]
Draw = Callable[[Domain, HardLogits | None], SearchStrategy[Problem]]


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

    ``declinable`` says that a layer may refuse what the law is about, by a ValueError or the like of its own; then it
    does not take that, and nobody asks it again.

    ``opt_in`` says that only contracts which name it among their own laws promise it, whatever families they promise.
    ``slow`` laws start before the others of their round, so that no worker is left with one at the end; ``first`` ones
    show the most, and are put to a wrong loss before the others. Of laws that fail for one reason a ``headline`` stands
    above others of its family, whose counterexamples may be plainer; one whose message begins with ``names_fault``
    stands above all others, since it names the fault itself. The last two hold for laws of the contracts that
    are known by name.

    ``grade`` says what a contradiction is worth, where the finding does not say it itself: an ``error`` refutes a
    layer, a ``remark`` is shown and refutes nothing unless it is asked for. ``remark`` says in words which of its
    findings are remarks, and why they hurt nobody.
    A law ``over_run`` says something of a whole run: what one example shows is a contradiction only where no other
    example shows an effect of the same name (see ``Case.effective``).
    """

    id: str
    sentence: str
    check: Check
    level: str = "formula"
    grade: str = "error"
    remark: str = ""
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
    declinable: bool = False
    over_run: bool = False

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/")[0]


class Attributes(TypedDict, total=False):
    """What may be said of a law beside its id, its sentence and its check; see Law."""

    level: str
    grade: str
    remark: str
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
    declinable: bool
    over_run: bool


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
