"""How a law fared: its outcome with the evidence, as the engine makes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from properties.judging.law import Finding
from properties.problems.problem import Problem

FAILED = ("refuted", "raised", "crashed", "timed out")
UNSETTLED = ("undecided", "gave up")
OUTCOMES = ("held", *FAILED, *UNSETTLED, "not applicable")


@dataclass(frozen=True)
class LawResult:
    """How a law fared.

    ``examples`` is the number of valid examples up to the first refutation, ``undecided`` of those that proved nothing,
    ``used`` the largest part of the error budget seen where the law held, ``used_by_dtype`` the same for each dtype.
    ``finding`` is the shrunk contradiction, ``problem`` the example that led to it (the calls of the finding may be
    made from it), ``condition`` the ingredients that it cannot do without, ``script`` shows it without lossproof.
    ``repeatable`` is False where the same problem did not fail again. ``declined`` says that the layer refused what the
    law is about. ``inherited`` names the kernel that shows the same contradiction, where no example
    has another. ``corpus`` are the byte strings of the worst examples that held, where a search keeps them.
    ``repetitions`` say what came of the same problem each time that it was put to the layer again. ``spent`` says that
    the time was over before the examples were. ``seen`` are the values (as text) of the dimensions that somebody named
    which the problems put to the layer had. ``given`` are the contract arguments that the layer was given another
    value of than its own default.
    """

    law: str
    outcome: str
    examples: int = 0
    undecided: int = 0
    used: float = 0.0
    used_by_dtype: Mapping[str, float] = field(default_factory=dict)
    finding: Finding | None = None
    problem: Problem | None = None
    reason: str = ""
    repeatable: bool = True
    declined: bool = False
    condition: tuple[str, ...] = ()
    script: str = ""
    inherited: str = ""
    repetitions: tuple[str, ...] = ()
    spent: bool = False
    corpus: tuple[bytes, ...] = ()
    seen: frozenset[tuple[str, str]] = frozenset()
    given: tuple[str, ...] = ()
