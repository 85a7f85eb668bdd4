"""The result of a law: its outcome with the evidence, and the one way in which that is written down and read again."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.engine.deviation import Deviation
from properties.judging.finding import Finding
from properties.judging.observation import Failure
from properties.problems.problem import Problem
from properties.problems.reading import array
from properties.problems.serialization import plain_numbers, problem_from_dict, problem_to_dict

FAILED = ("refuted", "raised", "crashed", "timed out")
UNSETTLED = ("undecided", "gave up")
OUTCOMES = ("held", *FAILED, *UNSETTLED, "not applicable")


@dataclass(frozen=True)
class Progressed:
    """A running law has this many examples behind it."""

    law: str
    examples: int


OF_ARGUMENTS = ("at_rest", "features")
"""What a counterexample says of the arguments in each call: those that are at rest, and what is special of others."""


@dataclass(frozen=True)
class LawResult:
    """How a law fared.

    ``examples`` is the number of valid examples up to the first refutation, ``undecided`` of those that proved nothing,
    ``used`` the largest part of the error budget seen where the law held, ``used_by_dtype`` the same for each dtype.
    ``finding`` is the shrunk contradiction, ``problem`` the example that led to it (the calls of the finding may be
    made from it), ``condition`` the ingredients that it cannot do without, ``script`` shows it without lossproof.
    ``repeatable`` is False where the same problem did not fail again. ``declined`` says that the layer refused what the
    law is about. ``inherited`` names the kernel that shows the same contradiction, where no example
    has another. ``first`` is what the first contradiction seen showed, before it was made smaller;
    ``effective`` names what a law about the whole run saw an effect of.
    ``corpus`` are the byte strings of the worst examples that held, where a search keeps them.
    ``repetitions`` say what came of the same problem each time that it was put to the layer again. ``spent`` says that
    the time was over before the examples were. ``seen`` are the values (as text) of the dimensions that somebody named
    which the problems put to the layer had. ``given`` are the contract arguments that the layer was given another
    value of than its own default. ``arguments`` has what reports must know of the arguments of a contract that is
    somebody's own (see OF_ARGUMENTS); it is empty under one of ours. ``explained`` names the departures of the layer
    that the contradiction follows from, number for number, where no example has one that does not.
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
    first: Deviation | None = None
    effective: frozenset[str] = frozenset()
    seen: frozenset[tuple[str, str]] = frozenset()
    given: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    explained: tuple[str, ...] = ()

    @property
    def remarked(self) -> bool:
        """Whether all that was found is a remark."""
        return self.finding is not None and self.finding.grade == "remark"

    def to_dict(self) -> dict[str, Any]:
        """Return what a certificate says of the law, as plain data: everything but what steers a search."""
        return {
            "outcome": self.outcome,
            "examples": self.examples,
            "undecided": self.undecided,
            "budget_used": round(self.used, 6),
            "budget_by_dtype": {dtype: round(used, 6) for dtype, used in self.used_by_dtype.items()},
            "message": "" if self.finding is None else self.finding.message,
            "reason": self.reason,
            "condition": self.condition,
            "repeatable": self.repeatable,
            "counterexample": self._counterexample(),
            "script": self.script,
            "inherited": self.inherited,
            "repetitions": self.repetitions,
            "given": self.given,
            "grade": "" if self.finding is None else self.finding.grade,
            "explained": self.explained,
        }

    def _counterexample(self) -> dict[str, Any] | None:
        finding, problem = self.finding, self.problem
        if finding is None:
            return None
        return {
            "quantity": finding.quantity,
            "expected": plain_numbers(finding.expected),
            "got": plain_numbers(finding.got),
            "error": None if finding.failure is None else finding.failure.words,
            **_place_of(finding.failure),
            **({"mutual": True} if finding.mutual else {}),
            **({"effective": sorted(self.effective)} if self.effective else {}),
            "problems": [problem_to_dict(call) for call in finding.calls],
            "example": None if problem is None else problem_to_dict(problem),
            **self.arguments,
        }

    def to_record(self) -> dict[str, Any]:
        """Return what a journal keeps: :meth:`to_dict` without the values that are defaults, and what steers a search.

        :meth:`from_record` is the inverse, but for the lines of a finding's check and its items, which are not kept.
        """
        said, defaults = plain_numbers(self.to_dict()), _defaults()
        return {
            "law": self.law,
            "report": {name: value for name, value in said.items() if value != defaults[name]},
            "declined": self.declined,
            "spent": self.spent,
            "seen": sorted(map(list, self.seen)),
            "corpus": [base64.b64encode(each).decode() for each in self.corpus],
        }

    @classmethod
    def from_dict(cls, law: str, plain: Mapping[str, Any], place: str = "") -> LawResult:
        """Read a law's result from what :meth:`to_dict` returned; a field that is not there has its default.

        Raises ValueError, with the place below ``place`` and the value, for numbers and problems that are none.
        """
        said = {**_defaults(), **plain}
        shown = said["counterexample"] or {}
        example = shown.get("example")
        return cls(
            law,
            said["outcome"],
            said["examples"],
            said["undecided"],
            # numbers that are not finite are strings there
            float(said["budget_used"]),
            {dtype: float(used) for dtype, used in said["budget_by_dtype"].items()},
            finding=_finding(said, f"{place}counterexample") if shown else None,
            problem=None if example is None else problem_from_dict(example),
            reason=said["reason"],
            repeatable=said["repeatable"],
            condition=tuple(said["condition"]),
            script=said["script"],
            inherited=said["inherited"],
            repetitions=tuple(said["repetitions"]),
            given=tuple(said["given"]),
            explained=tuple(said["explained"]),
            effective=frozenset(shown.get("effective", ())),
            arguments={name: shown[name] for name in OF_ARGUMENTS if name in shown},
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> LawResult:
        """Read a law's result from a journal's record."""
        said = cls.from_dict(record["law"], record["report"], "report.")
        steering = {
            "declined": record["declined"],
            "spent": record["spent"],
            "seen": frozenset((name, value) for name, value in record.get("seen", ())),
            "corpus": bytes_of(record["corpus"]),
        }
        return cls(**{**vars(said), **steering})


def _place_of(failure: Failure | None) -> dict[str, Any]:
    """Where a layer raised; nothing where it did not."""
    return {} if failure is None else {"line": failure.line, "traceback": list(failure.trace)}


@cache
def _defaults() -> Mapping[str, Any]:
    """What :meth:`LawResult.to_dict` says where there is nothing to say."""
    plain: Mapping[str, Any] = plain_numbers(LawResult("", "").to_dict())
    return plain


def bytes_of(texts: Sequence[str]) -> tuple[bytes, ...]:
    """Byte strings from the text in which a journal has them."""
    return tuple(base64.b64decode(each) for each in texts)


def _finding(said: Mapping[str, Any], place: str) -> Finding:
    """The contradiction that a counterexample shows, with the kind of its failure from the outcome."""
    shown = said["counterexample"]
    failure = None
    if shown["error"] is not None:
        error, _, message = shown["error"].partition(": ")
        kind = said["outcome"] if said["outcome"] != "refuted" else "raised"
        failure = Failure(kind, error, message, shown.get("line", ""), trace=tuple(shown.get("traceback", ())))
    return Finding(
        said["message"],
        tuple(problem_from_dict(plain) for plain in shown["problems"]),
        shown["quantity"],
        _numbers(shown["expected"], f"{place}.expected"),
        _numbers(shown["got"], f"{place}.got"),
        failure,
        grade=said["grade"],
        mutual=shown.get("mutual", False),
    )


def _numbers(plain: Any, place: str) -> NDArray[Any] | None:
    """Numbers as an array that is written down as they are; None where there are none, ValueError for what is none."""
    if plain is None:
        return None
    if not isinstance(plain, bool):
        checked = array(plain, place)
        if isinstance(plain, Mapping):
            return checked
    numbers = np.asarray(plain)
    # NaN and infinities are strings there
    return np.asarray(plain, dtype=np.float64) if numbers.dtype.kind == "U" else numbers
