"""Schema: what a certificate's JSON may say, field by field, before anything is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import numpy as np

from properties.engine.result import OUTCOMES, LawResult
from properties.judging.law import LEVELS
from properties.problems.problem import Problem
from properties.storage.reading import LARGEST_JSON, Amount, Count, MalformedError, Name, Scalar, Text, shaped

FORMAT = "lossproof-certificate-1"

Outcome = Literal["held", "refuted", "raised", "crashed", "timed out", "undecided", "gave up", "not applicable"]
Level = Literal["formula", "numerics", "conduct", "refusals"]
Required = Literal["formula", "numerics", "conduct", "refusals", "remarks"]
Grade = Literal["error", "remark"]
Verdict = Literal["certified", "refuted", "incomplete"]
Hash = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{16,64})?$")]
NotFinite = Literal["nan", "inf"]
Script = Annotated[str, msgspec.Meta(max_length=LARGEST_JSON)]
"""A script, which is as long as the numbers in it: no longer than the file that it stands in."""

Values = list[Scalar | list[Scalar]]
Numbers = Any
"""Nested lists of numbers: made into arrays, and checked, where they are read."""

assert set(Outcome.__args__) == set(OUTCOMES)  # type: ignore[attr-defined]
assert set(Level.__args__) == set(LEVELS)  # type: ignore[attr-defined]


class _Strict(msgspec.Struct, forbid_unknown_fields=True):
    """A record without fields that nobody knows."""


class Shown(msgspec.Struct):
    """What a law or departure shows; its problems are read by ``problem_from_dict``."""

    quantity: Name
    expected: Numbers
    got: Numbers
    error: Text | None
    problems: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=64)]
    example: dict[str, Any] | None = None
    line: Text = ""
    traceback: list[Text] = []
    mutual: bool = False
    effective: list[Name] = []
    at_rest: list[list[Name]] = []
    features: list[list[Text]] = []


class Counterexample(Shown, forbid_unknown_fields=True):
    """The same in a certificate."""


class Said(msgspec.Struct, kw_only=True):
    """What is said of a law, in a certificate and in the records of a journal."""

    outcome: Outcome
    examples: Count = 0
    undecided: Count = 0
    budget_used: Amount | NotFinite = 0.0
    budget_by_dtype: dict[Name, Amount | NotFinite] = {}
    message: Text = ""
    reason: Text = ""
    condition: list[Text] = []
    repeatable: bool = True
    counterexample: Shown | None = None
    script: Script = ""
    inherited: Name = ""
    repetitions: list[Text] = []
    given: list[Name] = []
    explained: list[Name] = []


class LawLine(Said, kw_only=True, forbid_unknown_fields=True):
    """A law's line in a certificate; ``severity`` is what ``grade`` was called once."""

    id: Name
    level: Level
    sentence: Text
    grade: Grade = "error"
    severity: Text = ""
    counterexample: Counterexample | None = None


class Departure(_Strict):
    """A known way in which the layer is another loss than its contract's."""

    name: Name
    sentence: Text
    parameters: dict[Name, Scalar | list[Scalar]]
    inherited: Name
    counterexample: Counterexample
    script: Script
    needs: Count
    harm: Scalar = None
    law: Name = ""


class Fact(msgspec.Struct, frozen=True):
    """What the layer was found to do; ``found`` is what ``value`` was called once."""

    words: Text
    value: Text = ""
    found: Text = ""
    contract: Text = ""
    examples: Count = 0
    agrees: bool | None = None
    claim: Text = ""


class NotTaken(_Strict):
    """A kind of call that the layer does not take, with the error."""

    kind: Text
    error: Text
    line: Text


class Call(_Strict):
    """What was found about the way in which the layer is called."""

    answers: bool = True
    order: Text = ""
    names: list[Name] = []
    ranks: list[int] = []
    class_axis: int | Name | None = None
    labels: Text = ""
    label_dtype: list[Name] = []
    input: Text = ""
    output: Text = ""
    weight: Text | None = None
    arguments: dict[Name, Name] = {}
    defaults: dict[Name, Text] = {}
    not_taken: list[NotTaken] = []
    words: list[Text] = []
    command: Text = ""
    never_given: list[Name] = []


class TargetLine(_Strict):
    """How the layer was named."""

    text: Text
    contract: Name | None = None
    mapping: dict[Name, Name] = {}
    settings: dict[Name, Any] = {}
    domain: dict[Name, Values] = {}
    backend: Name | None = None
    claims: dict[Name, Text] = {}
    call: dict[Name, Text] = {}


class Found(msgspec.Struct, frozen=True):
    """A finding of a campaign."""

    id: Name
    law: Name
    outcome: Outcome
    message: Text
    grade: Grade = "error"


class Campaign(_Strict):
    """The true counts of a campaign; all absent where it was none."""

    shards: Count = 0
    examples: dict[Name, Count] = {}
    findings: list[Found] = []


class CertificateLines(_Strict):
    """A certificate; ``inferred`` is what ``facts`` were called once."""

    format: Literal["lossproof-certificate-1"]
    subject: Text
    contract: Name
    laws: Annotated[list[LawLine], msgspec.Meta(max_length=10_000)]
    seed: Annotated[int, msgspec.Meta(ge=0)]
    max_examples: Count
    verdict: Verdict | None = None
    levels: dict[Level, Verdict] = {}
    required: list[Required] = []
    remarks: list[dict[Name, Text]] = []
    claimable: dict[Name, Any] = {}
    departures: list[Departure] = []
    unexplained: list[Name] = []
    explained_examples: Count = 0
    examples: Count = 0
    takes: list[Name] = []
    domain: dict[Name, Values] = {}
    set_aside: dict[Name, dict[Name, Values]] = {}
    dropped: dict[Name, Text] = {}
    environment: dict[Name, Text] = {}
    seconds: Amount = 0.0
    facts: dict[Name, Fact] = {}
    inferred: dict[Name, Fact] = {}
    adopted: dict[Name, Name] = {}
    target: TargetLine | None = None
    score: dict[Name, Count] = {}
    forgiven: bool = False
    campaign: Campaign = msgspec.field(default_factory=Campaign)
    gaps: list[Text] = []
    narrowed: dict[Name, Text] = {}
    not_given: dict[Name, dict[Name, Text]] = {}
    assumed: Text = ""
    call: Call = msgspec.field(default_factory=Call)
    source_hash: Hash = ""
    digest: Hash = ""
    signature: Hash = ""


def require_certificate(plain: Any, what: str) -> None:
    """Raise MalformedError where plain data are no certificate: place, value, and what was expected."""
    if not isinstance(plain, dict) or not str(plain.get("format", "")).startswith("lossproof-certificate"):
        found = repr(plain.get("format"))[:60] if isinstance(plain, dict) else type(plain).__name__
        raise MalformedError(f"{what} is no certificate: a certificate has format {FORMAT!r}, got {found}")
    lines = shaped(plain, CertificateLines, what)
    seen: set[str] = set()
    for number, law in enumerate(lines.laws):
        place = f"{what}: at $.laws[{number}]"
        if law.id in seen:
            raise MalformedError(f"{place}: law {law.id!r} is there twice")
        seen.add(law.id)
        if law.outcome == "refuted" and law.counterexample is None:
            raise MalformedError(f"{place}: law {law.id!r} is {law.outcome}, and has no counterexample")
        if law.outcome == "held" and law.counterexample is not None:
            raise MalformedError(f"{place}: law {law.id!r} held, and has a counterexample")
        _require_problems(plain["laws"][number], f"{place}.counterexample")
    for number, departure in enumerate(lines.departures):
        shown = {"outcome": "refuted", "counterexample": plain["departures"][number]["counterexample"]}
        _require_problems(shown, f"{what}: at $.departures[{number}].counterexample ({departure.name})")


def _require_problems(law: Mapping[str, Any], place: str) -> None:
    """Raise MalformedError where a law's problems and numbers cannot be made of what its line says."""
    try:
        found = LawResult.from_dict(str(law.get("id", "")), law)
        asked = found.problem is None or _is_asked(found.problem)
    except MalformedError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError, MemoryError) as error:
        raise MalformedError(f"{place}: {type(error).__name__}: {error}") from None
    if not asked:
        raise MalformedError(f"{place}.example: the logits of elements that count must be finite")


def _is_asked(problem: Problem) -> bool:
    """Whether a problem may be an example of a law: what counts in it is finite."""
    rows, valid = problem.rows, problem.valid.reshape(-1)
    return bool(np.isfinite(rows[valid] if len(rows) == len(valid) else rows).all())
