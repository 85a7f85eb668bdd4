"""Trial: a law put to a layer, with all that decides what one problem shows of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from hypothesis.strategies import SearchStrategy

from properties.drawing.strategies import problems
from properties.engine.examination import declined, failed, unforeseen
from properties.errors import Broken, ContractError
from properties.judging.contract import Contract
from properties.judging.finding import Finding, LayerFailed, NotApplicable, OutsideDomain, Undecided
from properties.judging.law import Law
from properties.judging.law_domain import admissible_domain, law_domain
from properties.judging.observation import Observer
from properties.judging.observed_case import ObservedCase
from properties.judging.restated import in_own_unit
from properties.judging.wrong_gradient import told
from properties.laws.conduct_kinds import ANSWERS_ALL
from properties.problems.domain import Domain
from properties.problems.problem import Problem


class Examined(NamedTuple):
    """What one problem shows of a law.

    ``finding`` is the contradiction, None where there is none. ``used`` is the part of the error budget that was used,
    None where the law put nothing to the layer: then the problem says nothing about it.
    """

    finding: Finding | None
    used: float | None


@dataclass(frozen=True)
class Trial:
    """A law, and the layer that it is put to.

    ``contract`` is what the layer is held to, ``observer`` asks it, ``takes`` are the contract arguments that it has,
    and ``domain`` is what it may be asked at all. ``shut`` are the gates behind which this law asks nothing; a problem
    on which the layer ``raises`` what another law has told of is left out. ``effective`` names what a run of the law
    has shown to have an effect.
    """

    law: Law
    contract: Contract
    observer: Observer
    takes: frozenset[str]
    domain: Domain
    shut: frozenset[str] = frozenset()
    raises: tuple[tuple[str, str], ...] = ()
    effective: frozenset[str] = frozenset()

    @cached_property
    def askable(self) -> Domain:
        """What may be put to the layer for this law, whatever the law makes of what is drawn."""
        return admissible_domain(self.law, self.domain, self.shut)

    @cached_property
    def drawn(self) -> Domain:
        """The domain that the law draws from; EmptyDomainError where nothing is left of it."""
        return law_domain(self.law, self.domain, self.shut, self.takes)

    @property
    def strategy(self) -> SearchStrategy[Problem]:
        """What draws problems for the law; EmptyDomainError where there are none."""
        return (self.law.draw or problems)(self.drawn, self.contract.hard_logits)

    def on(self, observer: Observer) -> Trial:
        """The same law, put to whatever this observer asks."""
        return replace(self, observer=observer)

    def case(self, problem: Problem) -> ObservedCase:
        """The case that the law is given for a problem."""
        case = ObservedCase(problem, self.contract, self.observer, self.takes, self.askable)
        case.effective = set(self.effective)
        return case

    def examine(self, problem: Problem) -> Examined:
        """Put one problem to the law.

        Raises Undecided and NotApplicable as the law does; a layer that fails where it had to answer is a finding.
        """
        return self.examined(self.case(problem))

    def examined(self, case: ObservedCase) -> Examined:
        """Put a case of this trial to the law, as ``examine`` does."""
        try:
            finding = next(iter(self.law.check(case)), None)
        except LayerFailed as ended:
            if ended.failure.line and ended.failure.place in self.raises:
                raise OutsideDomain(f"the layer raises there, as {ANSWERS_ALL} says: {ended.failure}") from ended
            if self.law.declinable and ended.failure.declined:
                raise NotApplicable(declined(ended.failure)) from ended
            finding = failed(ended.failure, ended.problem)
        except (Undecided, NotApplicable, Broken, ContractError, MemoryError):
            raise
        except Exception as error:
            raise unforeseen(self.law, self.contract, error) from error
        if finding is not None and not finding.calls:
            # a contradiction is about a problem, whatever its law says
            finding = replace(finding, calls=(case.problem,))
        # what has no effect at all is not told by the quantity that shows it here
        if finding is not None and not self.law.over_run:
            finding = told(case, finding)
        finding = finding and in_own_unit(finding, self.contract)
        return Examined(finding, case.used if case.asked else None)

    def finding(self, problem: Problem) -> Finding | None:
        """The contradiction that a problem shows; None where it shows none, or where the law cannot judge it."""
        try:
            return self.examine(problem).finding
        except (Undecided, NotApplicable):
            return None

    def holds(self, problem: Problem) -> bool:
        """Whether the law was put to the layer and holds; False where it asked nothing about this problem."""
        try:
            finding, used = self.examine(problem)
        except (Undecided, NotApplicable):
            return False
        return finding is None and used is not None
