"""What a campaign leaves behind: a certificate for each target, and the files of each finding."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from properties.campaigns.target_schedule import TargetSchedule
from properties.certificates.certificate import Certificate, LawReport, environment
from properties.certificates.museum_score import score_of
from properties.subjects.arguments_not_given import not_given


def certificate_of(course: TargetSchedule, seed: int, forgiven: bool = False) -> Certificate:
    """The certificate of a target, of what ran so far."""
    known, reports = course.known, course.reports()
    return Certificate(
        subject=known.name,
        contract=known.contract,
        laws=reports,
        seed=seed,
        max_examples=max((law.examples for law in reports if law.outcome == "held"), default=0),
        takes=known.takes,
        domain=known.domain,
        set_aside=course.set_aside(),
        dropped=known.dropped,
        environment=environment(),
        seconds=round(course.seconds, 3),
        inferred=course.inferred,
        target=course.target.to_dict(),
        score=score_of(known.contract, (law.id for law in reports if law.examples)),
        forgiven=forgiven,
        campaign=_counts(course),
        gaps=course.gaps(),
        narrowed=known.narrowed,
        assumed=known.assumed,
        not_given=not_given(known.unless_given, (law.given for law in reports)),
    )


def write_finding(directory: Path, name: str, report: LawReport) -> None:
    """A finding as JSON, and its script beside it."""
    folder = directory / "findings"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(asdict(report), indent=1) + "\n", encoding="utf-8")
    if report.script:
        (folder / f"{name}.py").write_text(report.script + "\n", encoding="utf-8")


def _counts(course: TargetSchedule) -> dict[str, Any]:
    """The true counts of a target: everything that ran, also after a law's first finding."""
    return {
        "shards": course.shards,
        "examples": {name: law.examples for name, law in sorted(course.courses.items()) if law.examples},
        "findings": [
            {
                "id": name_of(course.number, report),
                "law": report.id,
                "outcome": report.outcome,
                "message": report.message,
            }
            for report in course.findings
        ],
    }


def name_of(number: int, report: LawReport) -> str:
    """A short name for a finding: the same for the same case of the same law."""
    case = json.dumps([number, report.id, report.outcome, report.counterexample], sort_keys=True)
    return hashlib.sha256(case.encode()).hexdigest()[:8]
