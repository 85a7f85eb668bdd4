"""Replay: the counterexamples of a certificate, put again to the layer as it is today."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.diagnosis import law_of
from properties.engine.adoption import adopted
from properties.engine.description import Description
from properties.engine.result import FAILED, LawResult
from properties.engine.study import Inquiry
from properties.engine.task import Task
from properties.subjects.subject import Loadable
from properties.subjects.target import Target, UsageError
from properties.workers.worker import Worker

STATUSES = ("fixed", "still failing", "forgiven", "remark", "not applicable", "different")

PASSED = ("fixed", "forgiven", "remark", "not applicable")
"""What is no failure: where a layer was repaired so that it no longer takes a thing, a law about it has no object."""


@dataclass(frozen=True)
class Replayed:
    """What came of one counterexample: ``fixed``, ``still failing``, ``different``, and in words why.

    ``forgiven`` is what still fails as it did, and as a kernel of Paddle does, where that is forgiven; ``remark`` what
    still fails as it did, and refutes nothing under what the certificate requires; ``not applicable`` what the layer
    can no longer be asked. ``cause`` is the law that leads its group in the report; ``departure`` names the one
    whose counterexample it is, put to a law of the oracle. ``refuted`` says that the layer contradicts the law today:
    what is different may also be that nobody could tell.
    """

    law: str
    status: str
    words: str = ""
    cause: str = ""
    departure: str = ""
    refuted: bool = False


def replay(
    certificate: Certificate,
    subject: Loadable | str | None = None,
    *,
    time_limit: float = 10.0,
    forgive_inherited: bool = False,
    trust: bool = False,
) -> Iterator[Replayed]:
    """Put each counterexample of a certificate again to its law, on the layer as it is today.

    ``subject`` stands for the repaired layer where it has another name: a Target or Subject, or the text of a target,
    which keeps everything else (``--map``, ``--set``, ``--domain``) as the certificate has it.
    They come by cause, grouped as in the report, and after them those of the departures. ``forgive_inherited``
    forgives what is a kernel's, whether the certificate does or not.
    What a certificate from elsewhere names is not imported unless ``subject`` names it too, or ``trust`` says so.
    Raises UsageError then, and where no layer can be loaded, or one that is held to another contract.
    """
    worker = Worker(_subject(certificate, subject, trust), time_limit)
    with contextlib.closing(worker):
        description = worker.describe()
        if description.contract != certificate.contract:
            raise UsageError(
                f"the certificate is of contract {certificate.contract}, the layer of {description.contract}"
            )
        known = {info.id for info in description.laws}
        shut = frozenset(certificate.set_aside)
        conventions = _adopted(worker, description, certificate)
        for cause, law in _by_cause(certificate):
            example = law.result.problem
            if law.id not in known:
                words = f"contract {certificate.contract} has no such law any more"
                yield Replayed(law.id, "different", words, cause)
            elif example is None:
                yield Replayed(law.id, "different", "the certificate holds no example of it", cause)
            else:
                task = Task(
                    law.id,
                    certificate.seed,
                    1,
                    (example.dtype,),
                    shut,
                    example=example,
                    kept=description.kept,
                    style=description.style,
                    adopted=conventions,
                    effective=law.result.effective,
                )
                forgives = certificate.forgives(law) or forgive_inherited
                result = worker.run(task, lambda examples: None)
                yield replace(_compared(law, result, certificate, forgives), cause=cause)
        yield from _departures(worker, description, certificate, forgive_inherited)


def _departures(
    worker: Worker, description: Description, certificate: Certificate, forgives: bool
) -> Iterator[Replayed]:
    """Put the counterexample of each departure to the law of the oracle that shows it.

    One that a law tells of is put to that law with all others.
    """
    for departure in certificate.departures:
        if departure.get("law"):
            continue
        law = law_of(departure)
        finding = law.result.finding
        example = law.result.problem or (finding.calls[0] if finding is not None and finding.calls else None)
        if law.id not in {info.id for info in description.laws}:
            words = f"contract {certificate.contract} has no law {law.id}"
            told = Replayed(law.id, "different", words)
        elif example is None:
            told = Replayed(law.id, "different", "the certificate holds no example of it")
        else:
            # the contract as it stands: what was adopted for other laws may be this very departure
            task = Task(
                law.id,
                certificate.seed,
                1,
                (example.dtype,),
                example=example,
                kept=description.kept,
                style=description.style,
            )
            result = worker.run(task, lambda examples: None)
            told = _compared(law, result, certificate, forgives or certificate.forgives(law))
        yield replace(told, departure=departure["name"])


def _by_cause(certificate: Certificate) -> Iterator[tuple[str, LawReport]]:
    """The laws that do not hold, each with the law that leads its group."""
    for cause in causes(certificate):
        for law in (cause.law.id, *cause.also):
            yield cause.law.id, certificate.law(law)


def _adopted(worker: Worker, description: Description, certificate: Certificate) -> dict[str, str]:
    """The conventions of the layer as it is today; none where the certificate knows of none."""
    if not certificate.adopted:
        return {}
    shut = frozenset(certificate.set_aside)
    facts = worker.infer(Inquiry(certificate.seed, description.dtypes, shut, description.kept, description.style))
    return adopted(facts, [law.id for law in certificate.laws])


def _subject(certificate: Certificate, subject: Loadable | str | None, trust: bool) -> Loadable:
    if subject is not None and not isinstance(subject, str):
        return subject
    if certificate.target is None:
        if subject is None:
            raise UsageError("the certificate does not say which layer it is of; name the target")
        return Target(subject)
    target = Target.from_dict(certificate.target)
    if subject is not None:
        # the user named what runs; what it is called with is still the certificate's
        return replace(target, text=subject, foreign=certificate.foreign and bool(target.settings))
    if certificate.foreign and not trust:
        raise UsageError(
            f"the certificate was not made by this user on this machine, so {target.text!r}, which it names, is not "
            f"imported: name what is to run by --target {shlex.quote(target.text)}, or say --trust"
        )
    return replace(target, foreign=certificate.foreign)


def _compared(law: LawReport, result: LawResult, certificate: Certificate, forgives: bool) -> Replayed:
    if result.outcome == "held":
        return Replayed(law.id, "fixed")
    if result.outcome == "not applicable":
        return Replayed(law.id, "not applicable", result.reason)
    if result.outcome not in FAILED or result.finding is None:
        return Replayed(law.id, "different", f"{result.outcome}: {result.reason}")
    before = law.result.finding
    assert before is not None
    same = result.outcome == law.outcome and result.finding.quantity == before.quantity
    if same and forgives and result.inherited:
        return Replayed(law.id, "forgiven", f"inherited from {result.inherited}")
    if same and not certificate.refutes(law) and result.remarked == (law.grade == "remark"):
        return Replayed(law.id, "remark", result.finding.message)
    return Replayed(law.id, "still failing" if same else "different", result.finding.message, refuted=True)
