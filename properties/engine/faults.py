"""Faults: contradictions already shown, described so that a later one can be recognised as the same."""

from __future__ import annotations

from dataclasses import dataclass

from properties.engine.examination import outcome_of
from properties.engine.features import ingredients
from properties.judging.finding import Finding
from properties.problems.problem import Problem


@dataclass(frozen=True)
class Fault:
    """A fault that a law has shown: how it ends, and what the smallest case has that shows it.

    ``call`` is what is special about the call, ``example`` about the problem that was drawn; both take at least
    ``elements`` elements and ``classes`` classes.
    """

    outcome: str
    error: str
    call: frozenset[str]
    example: frozenset[str]
    elements: int
    classes: int

    @property
    def everywhere(self) -> bool:
        """Whether the fault takes nothing that a problem may lack: behind it there is nothing to see."""
        return self.elements <= 1 and self.classes <= 2 and not (self.example if self._final else self.call)

    @property
    def _final(self) -> bool:
        return self.outcome in ("crashed", "timed out")

    def explains(self, finding: Finding) -> bool:
        """Whether a contradiction ends in the same way and has all that this fault takes."""
        same = outcome_of(finding) == self.outcome and error_of(finding) == self.error
        return same and self._fits(finding.calls[0], self.call)

    def ends(self, problem: Problem) -> bool:
        """Whether this fault would end the process, or keep it for ever, on such a problem."""
        return self._final and self._fits(problem, self.example)

    def _fits(self, problem: Problem, needed: frozenset[str]) -> bool:
        large = problem.size >= self.elements and problem.classes >= self.classes
        return large and needed <= ingredients(problem)


def error_of(finding: Finding) -> str:
    """The kind of failure behind a contradiction, or ''."""
    return "" if finding.failure is None else finding.failure.error
