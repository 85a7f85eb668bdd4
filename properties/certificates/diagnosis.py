"""Diagnosis: which laws follow from which departures of a layer, and what would be left without some of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate, LawReport
from properties.engine.result import FAILED


def is_explained(certificate: Certificate, law: LawReport) -> bool:
    """Whether a law does not hold, and what it shows follows from the departures of the certificate."""
    known = {departure["name"] for departure in certificate.departures}
    return law.outcome in FAILED and bool(law.explained) and known.issuperset(law.explained)


def numbers_of(certificate: Certificate, names: Collection[str]) -> list[int]:
    """Return the places, from 1 on, that departures of these names have in a certificate."""
    return [number for number, departure in enumerate(certificate.departures, 1) if departure["name"] in names]


def explained_by(certificate: Certificate, name: str) -> tuple[list[LawReport], list[LawReport]]:
    """Return the laws that follow from a departure alone, and those that take others too, the most telling first."""
    ranked = [law for cause in causes(certificate) for law in (cause.law.id, *cause.also)]
    having = [law for law in map(certificate.law, ranked) if name in law.explained and is_explained(certificate, law)]
    return [law for law in having if len(law.explained) == 1], [law for law in having if len(law.explained) > 1]


def without(certificate: Certificate, names: Collection[str]) -> Certificate:
    """Return the certificate as if the laws held that follow from these departures and no other."""
    gone = [law for law in certificate.laws if is_explained(certificate, law) and set(law.explained) <= set(names)]
    return replace(
        certificate, laws=tuple(replace(law, outcome="held") if law in gone else law for law in certificate.laws)
    )


def is_complete(certificate: Certificate) -> bool:
    """Whether the contract with the departures is the layer, as far as anybody looked: in all examples and laws."""
    return certificate.examples == certificate.explained_examples and not certificate.unexplained


def certified_without(certificate: Certificate, names: Collection[str]) -> bool:
    """Whether the layer would be certified without these departures, as far as the examples tell.

    Nothing is said where the laws left something out for what the layer does: that would be asked of a repaired one.
    """
    looked = not certificate.set_aside and not certificate.adopted
    agreed = certificate.examples > 0 and certificate.examples == certificate.explained_examples
    return looked and agreed and without(certificate, names).verdict == "certified"


def law_of(departure: Mapping[str, Any]) -> LawReport:
    """Return the law that shows a departure, of the oracle where no other tells of it, with the departure's case."""
    shown = departure["counterexample"]
    of = "gradient" if "gradient" in shown["quantity"] else "value"
    return LawReport(
        departure.get("law") or f"oracle/{of}",
        "formula",
        "error",
        departure["sentence"],
        "refuted" if shown["error"] is None else "raised",
        message=departure["sentence"],
        counterexample=shown,
        script=departure["script"],
        inherited=departure["inherited"],
        explained=(departure["name"],),
    )
