"""Law: one sentence that a loss layer must fulfil, and the small function that looks for a contradiction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from hypothesis.strategies import SearchStrategy

from properties.drawing.regimes import HardLogits
from properties.judging.context import Case
from properties.judging.finding import Finding as Finding
from properties.judging.finding import LayerFailed as LayerFailed
from properties.judging.finding import NotApplicable as NotApplicable
from properties.judging.finding import OutsideDomain as OutsideDomain
from properties.judging.finding import Undecided as Undecided
from properties.problems.domain import Domain, Precondition
from properties.problems.problem import Problem

LEVELS = ("formula", "numerics", "conduct")


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
    """

    id: str
    sentence: str
    check: Callable[[Case], Iterable[Finding]]
    level: str = "formula"
    severity: str = "error"
    precondition: Precondition = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    gate: int = 0
    plain: bool = False
    rests_on: str = ""
    most: int | None = None
    draw: Callable[[Domain, HardLogits | None], SearchStrategy[Problem]] | None = None
    smaller: Callable[[Problem], Iterator[Problem]] | None = None

    @property
    def family(self) -> str:
        """The part of the id before the slash."""
        return self.id.split("/")[0]
