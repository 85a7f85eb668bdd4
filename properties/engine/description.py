"""Description: what is learned of a subject before any law is put to it, as plain data for a supervisor."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from properties.drawing.decoding import simplest_problem
from properties.engine.call_attempts import LastObserver, Observing
from properties.engine.call_found import call_in_words, kept_by_call
from properties.engine.discovery import Discovered, discover
from properties.engine.granularity import granularity_of
from properties.engine.optional_values import values_meant
from properties.engine.value_kinds import readings_taken
from properties.judging.assumptions import assumed, unsaid
from properties.judging.contract import Contract
from properties.judging.law import Law
from properties.judging.observation import Observer
from properties.laws import LAWS
from properties.problems.domain import Domain
from properties.problems.kinds import kinds_behind
from properties.subjects.arguments_not_given import notes_if_not_given
from properties.subjects.backend import in_style, observer_of
from properties.subjects.source import hash_of, source_of
from properties.subjects.subject import Subject, dtypes_taken


@dataclass(frozen=True)
class LawInfo:
    """What a report says of a law, without the law: it crosses process borders."""

    id: str
    sentence: str
    level: str
    grade: str
    gate: int
    behind: dict[str, list[Any]]
    slow: bool = False
    first: bool = False


@dataclass(frozen=True)
class Description:
    """What a worker learned about a subject: enough for a supervisor that never imports it.

    ``oracle_free`` are the laws that are left where no oracle is known. ``kept`` are the values of arguments that the
    layer was found to take, where it does not take all kinds of them, and ``narrowed`` says why, by argument; ``named``
    are the values that somebody named, by dimension. ``unless_given`` has for each argument of the layer what is to be
    said where no example gave it anything but its default. ``assumed`` says as which loss it is checked where it lacks
    arguments, ``gaps`` what is to be known before it can be certified. ``style`` is how it is called, where that is not
    plain, and ``call`` all that was found about the call. ``source_hash`` identifies the version of its source.
    """

    name: str
    contract: str
    takes: tuple[str, ...]
    dtypes: tuple[str, ...]
    dropped: dict[str, str]
    domain: dict[str, tuple[Any, ...]]
    laws: tuple[LawInfo, ...]
    oracle_free: tuple[str, ...] = ()
    kept: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    narrowed: dict[str, str] = field(default_factory=dict)
    named: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    unless_given: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    assumed: str = ""
    gaps: tuple[str, ...] = ()
    style: Mapping[str, str] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    source_hash: str = ""


def _behind(domain: Domain, law: Law) -> dict[str, list[Any]]:
    """What no other law draws where a gate does not hold."""
    kinds = kinds_behind({law.id})
    return {**domain.behind({law.id}), **({"kind": kinds} if kinds else {})}


def laws_of(contract: Contract) -> tuple[Law, ...]:
    """Every law that a contract promises."""
    return tuple(law for law in (*LAWS, *contract.own) if contract.promised(law))


def domain_of(subject: Subject, dtypes: tuple[str, ...], kept: Mapping[str, tuple[Any, ...]] | None = None) -> Domain:
    """What the subject is asked: in the dtypes that it has kernels for, with the arguments that it takes."""
    domain = subject.full_domain.only(dtype=dtypes, **(kept or {}))
    return domain.open(subject.style.shuts) if subject.style.shuts else domain


def in_this_process(subject: Subject) -> AbstractContextManager[Observer]:
    """What asks a subject here, without protection."""
    return nullcontext(observer_of(subject))


def describe(subject: Subject, observing: Observing = in_this_process) -> Description:
    """A description of the subject, after a look at how it is called and which dtypes it takes.

    ``observing`` makes what asks it. Raises ContractError where the oracle is none, or what else its author wrote into
    the contract raises.
    """
    with subject.authors_mistakes(), LastObserver(observing) as last:
        found = discover(subject, last.of)
        called = in_style(subject, found.style.said)
        with last.of(called) as observer:
            found = _with_granularity(called, observer, found)
            described = _described(in_style(subject, found.style.said), observer, found)
    return replace(described, source_hash=hash_of(source_of(subject)))


def _with_granularity(subject: Subject, observer: Observer, found: Discovered) -> Discovered:
    """What was found about the call, and what has a loss of its own."""
    if "granularity" in subject.calling or not found.answers:
        return found
    domain = subject.full_domain.only(**kept_by_call(subject, found))
    return replace(found, style=replace(found.style, granularity=granularity_of(subject, observer, domain)))


def _described(subject: Subject, observer: Observer, found: Discovered) -> Description:
    contract = subject.resolved
    called = kept_by_call(subject, found)
    kept, narrowed = readings_taken(subject, observer, subject.full_domain.only(**called))
    kept |= called
    meant, unasked = values_meant(subject, observer, subject.full_domain.only(**kept))
    kept |= meant
    dtypes, dropped = dtypes_taken(subject, observer, subject.full_domain.only(**kept))
    domain = domain_of(subject, dtypes, kept)
    said = {*subject.pinned, *subject.domain, *subject.claims, *called}
    if contract.oracle is not None and not subject.shipped:
        # an oracle that answers nothing is told of before the first law
        contract.answer(simplest_problem(domain))
    infos = [
        LawInfo(
            id=law.id,
            sentence=law.sentence,
            level=law.level,
            grade=law.grade,
            gate=law.gate,
            behind=_behind(domain, law) if law.gate else {},
            slow=law.slow,
            first=law.first,
        )
        for law in laws_of(contract)
    ]
    return Description(
        name=subject.title,
        contract=contract.name,
        takes=tuple(sorted(subject.takes)),
        dtypes=dtypes,
        dropped=dropped,
        domain={name: tuple(dict.fromkeys(domain[name])) for name in domain.dimensions},
        laws=tuple(infos),
        oracle_free=tuple(law.id for law in laws_of(contract.without_oracle())),
        kept=kept,
        narrowed=narrowed,
        named={name: tuple(dict.fromkeys(domain[name])) for name in subject.domain},
        unless_given=notes_if_not_given(contract, subject.own_arguments),
        assumed=assumed(contract, subject.takes, domain, said),
        gaps=unsaid(contract, subject.takes, said, by_words=subject.signature is not None),
        style=found.style.said,
        call=call_in_words(subject, found, domain, unasked),
    )
