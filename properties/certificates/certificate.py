"""Certificate: what ran, what held, with which evidence; as JSON and back."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import Any

from properties.certificates.required import DEFAULT, REMARKS
from properties.certificates.schema import FORMAT, require_certificate
from properties.engine.description import LawInfo
from properties.engine.result import FAILED, UNSETTLED, LawResult
from properties.judging.conventions import telling
from properties.judging.law import LEVELS
from properties.problems.serialization import plain_numbers
from properties.storage.files import read_bounded, write_whole
from properties.storage.reading import LARGEST_JSON, MalformedError, plain_json
from properties.storage.signing import SEALS, sealed, signed_here, whole
from properties.texts import valid_texts

PACKAGES = ("lossproof", "paddlepaddle", "numpy", "scipy", "hypothesis")


@dataclass(frozen=True)
class LawReport:
    """One law's line in a certificate.

    ``budget_used`` is in units of roundoff times error scale, of which ``reference.BUDGET`` are allowed;
    ``budget_by_dtype`` says it of each dtype that was drawn.
    ``counterexample`` holds the shrunk problem (and the one it was compared with), what was expected and what came,
    and as ``example`` the problem that the law made them from; under a contract of somebody's own it also names, for
    each of the problems, the arguments that reports leave out (``at_rest``) and what is special about the others
    (``features``). ``inherited`` names the kernel of Paddle that shows the same, where no example showed anything else.
    ``repetitions`` say what came of the same example each time that it was put to the layer again. ``given`` are the
    contract arguments that the layer was given another value of than its own default. ``grade`` says what it is worth
    where it does not hold: an ``error`` refutes, a ``remark`` is shown. ``explained`` names the departures that what it
    shows follows from, number for number.
    """

    id: str
    level: str
    grade: str
    sentence: str
    outcome: str
    examples: int = 0
    undecided: int = 0
    budget_used: float = 0.0
    budget_by_dtype: Mapping[str, float] = field(default_factory=dict)
    message: str = ""
    reason: str = ""
    condition: tuple[str, ...] = ()
    repeatable: bool = True
    counterexample: Mapping[str, Any] | None = None
    script: str = ""
    inherited: str = ""
    repetitions: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    explained: tuple[str, ...] = ()

    @classmethod
    def of(cls, info: LawInfo, result: LawResult) -> LawReport:
        """Return the line of a law that had this result."""
        said = result.to_dict()
        return cls(info.id, info.level, said.pop("grade") or info.grade, info.sentence, **said)

    @cached_property
    def result(self) -> LawResult:
        """The result that it was made of, with problems and numbers in place of plain data."""
        return LawResult.from_dict(self.id, {f.name: getattr(self, f.name) for f in fields(LawReport)})

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> LawReport:
        """From plain data, as JSON has it; a file from before there were remarks has only errors."""
        lists = {name: tuple(plain.get(name, ())) for name in ("condition", "repetitions", "given", "explained")}
        said = {name: value for name, value in plain.items() if name != "severity"}
        # JSON has no infinity
        used: dict[str, Any] = {"budget_used": float(plain.get("budget_used", 0.0))}
        used["budget_by_dtype"] = {name: float(value) for name, value in plain.get("budget_by_dtype", {}).items()}
        return cls(**{"grade": "error", **said, **used, **lists})


@dataclass(frozen=True)
class Certificate:
    """What was checked, and what came of it.

    ``verdict`` is certified, refuted or incomplete; ``levels`` says the same of each level. ``required`` are the levels
    that decide the verdict (those that it has laws of; all of them where it has none), with ``remarks`` where remarks
    refute too; ``remarks`` has, with its sentence, each law that does not hold and refutes nothing.
    ``call`` says what was found about the way in which the layer is called, as ``words`` among others, and ``facts``
    by name what was found about its numbers, each with its ``words``. ``set_aside`` lists the
    values that no other law drew, because the law whose business they are does not hold; ``dropped`` the dtypes that
    the layer has no kernels for, with its error. ``facts`` say by name what the layer was found to do (see
    ``properties.engine.inference``), ``adopted`` which of it is not what the contract says, as claims have it: the laws
    ran with that, and one law for each tells of it. ``target`` says how the subject was named, where it was by words.
    ``score`` says how many wrong losses of the museum the laws that ran refute, of how many under this contract.
    ``forgiven`` says that what is inherited is left out of the verdicts. ``campaign`` has the true counts of a
    campaign: examples of each law, shards, every finding. ``gaps`` says, a sentence each, what would have to be looked
    at before a subject of which every law held could be called certified. ``narrowed`` says, by argument, which kind of
    values the layer was found to take alone, and how that was seen. ``not_given`` has the arguments of the layer
    that stayed at their defaults in all examples, each with its ``default``, the contract ``argument`` that it is
    handed over as, if any, the one that it may be by a ``guess``, if any, and all that in ``words``. ``assumed`` says
    as which loss it was checked, where arguments that it lacks, or has one value of, make another one of it. ``call``
    says how the layer was found to be called (see ``properties.engine.call_found``), ``words`` among it for people.
    ``departures`` describe the layer as its contract with known ways to be wrong, the most harmful first: each has its
    ``name``, ``sentence`` and ``parameters``, the kernel that it is ``inherited`` from (or nothing), a
    ``counterexample`` in the form of a law's, a ``script``, and how many examples ``needs`` it. Of so many ``examples``
    the contract with all of them agrees with the layer in ``explained_examples``; without examples nothing of the kind
    was looked for.
    ``source_hash`` identifies the version of the layer's source, where that could be read. ``foreign`` says that the
    certificate was made of plain data that this machine's user has not signed.
    """

    subject: str
    contract: str
    laws: tuple[LawReport, ...]
    seed: int
    max_examples: int
    takes: tuple[str, ...] = ()
    domain: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    set_aside: Mapping[str, Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    adopted: Mapping[str, str] = field(default_factory=dict)
    target: Mapping[str, Any] | None = None
    score: Mapping[str, int] = field(default_factory=dict)
    forgiven: bool = False
    campaign: Mapping[str, Any] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()
    narrowed: Mapping[str, str] = field(default_factory=dict)
    not_given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    assumed: str = ""
    required: tuple[str, ...] = DEFAULT
    call: Mapping[str, Any] = field(default_factory=dict)
    departures: tuple[Mapping[str, Any], ...] = ()
    explained_examples: int = 0
    examples: int = 0
    source_hash: str = ""
    format: str = FORMAT
    foreign: bool = field(default=False, compare=False)

    @property
    def levels(self) -> dict[str, str]:
        """The verdict of each level that has laws in this certificate."""
        found = {level: [law for law in self.laws if law.level == level] for level in LEVELS}
        verdicts = {level: self._verdict_of(laws) for level, laws in found.items() if laws}
        return {level: self._at_most(verdict) for level, verdict in verdicts.items()}

    @property
    def verdict(self) -> str:
        """The verdict of all laws together that decide it."""
        deciding = self._deciding
        verdicts = {verdict for level, verdict in self.levels.items() if level in deciding}
        incomplete = "incomplete" in verdicts and "refuted" not in verdicts
        laws = [law for law in self.laws if law.level in deciding]
        return "incomplete" if incomplete else self._at_most(self._verdict_of(laws))

    @property
    def _deciding(self) -> frozenset[str]:
        """The levels that decide the verdict: those required, or all where no law of these is in the certificate."""
        there = frozenset(law.level for law in self.laws)
        return there.intersection(self.required) or there

    def _verdict_of(self, laws: Sequence[LawReport]) -> str:
        return verdict_of(laws, self.forgiven, REMARKS in self.required)

    def refutes(self, law: LawReport) -> bool:
        """Whether a law does not hold, and refutes the layer for it."""
        counts = law.level in self._deciding and (law.grade == "error" or REMARKS in self.required)
        return law.outcome in FAILED and counts and not self.forgives(law)

    @property
    def remarks(self) -> list[dict[str, str]]:
        """The laws that do not hold and refute nothing, each with what is to be said of it."""
        shown = [law for law in self.failed if not self.refutes(law) and not self.forgives(law)]
        return [{"law": law.id, "message": law.message or law.reason} for law in shown]

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The laws that refute the layer and follow from no departure; none where no departures were looked for."""
        found = [law.id for law in self.laws if self.refutes(law) and not law.explained]
        return tuple(found) if self.examples else ()

    def _at_most(self, verdict: str) -> str:
        """Return the verdict, incomplete in place of certified where there are gaps."""
        return "incomplete" if verdict == "certified" and self.gaps else verdict

    @property
    def claimable(self) -> dict[str, Any]:
        """What the verdict would be if the subject claimed what it was found to do; empty where it does as it should.

        ``claims`` as the command takes them, the ``verdict``, and all that in ``words``.
        """
        if not self.adopted:
            return {}
        left = tuple(law for law in self.laws if law.id not in self.telling)
        verdict = replace(self, laws=left, adopted={}).verdict
        claims = [f"{name}={value}" for name, value in self.adopted.items()]
        command = " ".join([self.contract, *(f"--claim {claim}" for claim in claims)])
        words = f"{self.verdict.upper()} as `{self.contract}`. As `{command}`: {verdict.upper()}."
        return {"claims": claims, "verdict": verdict, "words": words}

    @property
    def telling(self) -> frozenset[str]:
        """The laws that tell of what was adopted, one for each; all others ran with it."""
        return telling(self.adopted)

    @property
    def failed(self) -> tuple[LawReport, ...]:
        """The laws that do not hold."""
        return tuple(law for law in self.laws if law.outcome in FAILED)

    def forgives(self, law: LawReport) -> bool:
        """Whether a law does not hold and yet is left out of the verdict."""
        return self.forgiven and bool(law.inherited)

    def law(self, law_id: str) -> LawReport:
        """The report of one law; KeyError where it is not in the certificate."""
        for law in self.laws:
            if law.id == law_id:
                return law
        raise KeyError(law_id)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, ready for JSON, with its digest, and this machine's signature unless it was made elsewhere."""
        plain = asdict(self)
        del plain["foreign"]
        ordered = {
            "format": self.format,
            "verdict": self.verdict,
            "levels": self.levels,
            "required": list(self.required),
            "remarks": self.remarks,
            "claimable": self.claimable,
            "departures": plain_numbers(list(self.departures)),
            "unexplained": list(self.unexplained),
            "explained_examples": self.explained_examples,
            "examples": self.examples,
        }
        said = {**ordered, **plain_numbers({k: v for k, v in plain.items() if k not in ordered})}
        return sealed(valid_texts(said), sign=not self.foreign)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any], what: str = "the certificate") -> Certificate:
        """The inverse of :meth:`to_dict`; MalformedError with place and value for anything that no certificate says.

        ``what`` is what messages call it. What follows from the laws, such as the verdict, is not read but made anew.
        """
        require_certificate(plain, what)
        laws = tuple(LawReport.from_dict(law) for law in plain["laws"])
        derived = ("laws", "verdict", "levels", "remarks", "claimable", "unexplained", "inferred", *SEALS)
        # facts had another name once
        named = {**plain, "facts": facts_of(plain.get("facts", plain.get("inferred", {})))}
        rest = {name: value for name, value in named.items() if name not in derived}
        lists = {name: plain.get(name, ()) for name in ("takes", "gaps", "departures")}
        lists["required"] = plain.get("required", DEFAULT)
        found = cls(**{**rest, "laws": laws, **{name: tuple(values) for name, values in lists.items()}})
        return replace(found, foreign=not signed_here(plain))

    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n"

    def write(self, path: str | Path) -> None:
        """Write it to a file, whole or not at all; OSError where that fails."""
        write_whole(path, self.text())

    @classmethod
    def read(cls, path: str | Path) -> Certificate:
        """From JSON; MalformedError where the file holds no certificate, or one that was altered."""
        plain = read_plain(path)
        if "digest" in plain and not whole(plain):
            raise MalformedError(f"{path} was altered after it was written: its digest is of something else")
        found = cls.from_dict(plain, str(path))
        if plain.get("verdict", found.verdict) != found.verdict:
            raise MalformedError(f"{path}: the verdict says {plain['verdict']!r}, and its laws {found.verdict!r}")
        return found

    def timeless(self) -> Certificate:
        """The same without the time it took: equal for equal seeds."""
        return replace(self, seconds=0.0)


def read_plain(path: str | Path) -> dict[str, Any]:
    """Return what the file of a certificate says, as plain data; MalformedError where it is none."""
    try:
        plain = plain_json(read_bounded(path, LARGEST_JSON), str(path))
    except OSError as error:
        raise MalformedError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise error if isinstance(error, MalformedError) else MalformedError(str(error)) from None
    require_certificate(plain, str(path))
    assert isinstance(plain, dict)
    return plain


def facts_of(plain: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return facts as certificates have them, from the ones of an earlier version too."""
    return {
        name: {("value" if key == "found" else key): said for key, said in fact.items()} for name, fact in plain.items()
    }


def verdict_of(laws: Sequence[LawReport], forgiven: bool = False, remarks: bool = False) -> str:
    """Refuted if one law is; else incomplete if one is open, or none held; else certified.

    With ``forgiven`` an inherited contradiction counts like a law that held; without ``remarks`` a remark does.
    """
    passed = [
        law.outcome in FAILED and ((forgiven and bool(law.inherited)) or (law.grade == "remark" and not remarks))
        for law in laws
    ]
    outcomes = ["held" if passes else law.outcome for law, passes in zip(laws, passed, strict=True)]
    if any(outcome in FAILED for outcome in outcomes):
        return "refuted"
    if any(outcome in UNSETTLED for outcome in outcomes) or "held" not in outcomes:
        return "incomplete"
    return "certified"


def environment() -> dict[str, str]:
    """Versions of everything that decides an outcome."""
    return dict(_environment())


@cache
def _environment() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found
