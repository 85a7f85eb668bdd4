"""What a campaign leaves behind: a certificate for each target, and the files of each finding."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import Any

from properties.campaigns.folder import FINDINGS, certificate_name
from properties.campaigns.options import CampaignOptions
from properties.campaigns.target_schedule import TargetSchedule
from properties.certificates.assembly import assembled
from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.required import required_of
from properties.storage.files import Folder


def certificate_of(course: TargetSchedule, seed: int, options: CampaignOptions) -> Certificate:
    """Return the certificate of a target, of what ran so far."""
    laws = course.reports()
    return assembled(
        course.known,
        course.gates,
        laws,
        outcomes=course.outcomes,
        seen=course.seen,
        target=course.target.recorded,
        seed=seed,
        max_examples=max((law.examples for law in laws if law.outcome == "held"), default=0),
        seconds=course.seconds,
        forgiven=options.forgive_inherited,
        campaign=_counts(course),
        required=required_of(options.require),
    )


def write_finding(folder: Folder, name: str, report: LawReport) -> None:
    """Write a finding as JSON, and its script beside it."""
    with folder.subfolder(FINDINGS, make=True) as findings:
        findings.write(f"{name}.json", json.dumps(asdict(report), indent=1) + "\n")
        if report.script:
            findings.write(f"{name}.py", report.script + "\n")


def write_certificate(folder: Folder, number: int, certificate: Certificate) -> str:
    """Write the certificate of a target; returns the path of its file."""
    folder.write(certificate_name(number), certificate.text())
    return str(folder.path / certificate_name(number))


def _counts(course: TargetSchedule) -> dict[str, Any]:
    """Return the true counts of a target: everything that ran, also after a law's first finding."""
    return {
        "shards": course.shards,
        "examples": {name: law.examples for name, law in sorted(course.courses.items()) if law.examples},
        "findings": [
            {
                "id": name_of(course.number, report),
                "law": report.id,
                "outcome": report.outcome,
                "message": report.message,
                "grade": report.grade,
            }
            for report in course.findings
        ],
    }


def name_of(number: int, report: LawReport) -> str:
    """Return a short id for a finding: the same for the same case of the same law."""
    case = json.dumps([number, report.id, report.outcome, report.counterexample], sort_keys=True)
    return hashlib.sha256(case.encode()).hexdigest()[:8]
