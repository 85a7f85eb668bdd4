"""What changed between two certificates of one contract: repaired, broken, and what is no longer or newly looked at."""

from __future__ import annotations

from dataclasses import dataclass

from properties.certificates.certificate import Certificate, LawReport
from properties.engine.result import FAILED


@dataclass(frozen=True)
class Changes:
    """Laws by what became of them, and ``coverage``: in words, what one certificate looked at and the other did not.

    ``lost`` says whether anything that held, or was drawn, is no longer looked at. ``forgiven`` are laws that do
    not hold in the second certificate, which forgives it; where it does not, they are broken or still failing.
    """

    repaired: tuple[str, ...]
    broken: tuple[str, ...]
    still_failing: tuple[str, ...]
    coverage: tuple[str, ...]
    lost: bool
    forgiven: tuple[str, ...] = ()


def changes(before: Certificate, after: Certificate) -> Changes:
    """Compare two certificates; ValueError where they are of different contracts."""
    if before.contract != after.contract:
        raise ValueError(f"the certificates are of different contracts, {before.contract} and {after.contract}")
    old, new = ({law.id: law for law in certificate.laws} for certificate in (before, after))
    both = [law for law in old if law in new]
    failed = [law for law in both if new[law].outcome in FAILED and not after.forgives(new[law])]
    lost = [*_unlooked(old, new), *_fewer(before, after, "no longer")]
    found = [*_unlooked(new, old, "not before"), *_fewer(after, before, "not before")]
    return Changes(
        repaired=tuple(law for law in both if old[law].outcome in FAILED and new[law].outcome == "held"),
        broken=tuple(law for law in failed if old[law].outcome not in FAILED),
        still_failing=tuple(law for law in failed if old[law].outcome in FAILED),
        coverage=(*lost, *found),
        lost=bool(lost),
        forgiven=tuple(law for law in both if new[law].outcome in FAILED and after.forgives(new[law])),
    )


def _unlooked(old: dict[str, LawReport], new: dict[str, LawReport], when: str = "no longer") -> list[str]:
    """Laws with a verdict in ``old`` and none in ``new``."""
    words = []
    for law, report in old.items():
        if report.outcome != "held" and report.outcome not in FAILED:
            continue
        if law not in new:
            words.append(f"{law}: {when} run")
        elif new[law].outcome != "held" and new[law].outcome not in FAILED:
            words.append(
                f"{law}: {report.outcome} {'before' if when == 'no longer' else 'now'}, {new[law].outcome} else"
            )
    return words


def _fewer(wide: Certificate, narrow: Certificate, when: str) -> list[str]:
    """Values that were drawn for ``wide`` and not for ``narrow``."""
    words = []
    for name, values in wide.domain.items():
        kept = [value for value in values if value not in _drawn(narrow, name) and value in _drawn(wide, name)]
        if kept:
            words.append(f"{name} {', '.join(map(str, kept))}: {when} drawn")
    return words


def _drawn(certificate: Certificate, name: str) -> list[object]:
    """The values of an ingredient that every law drew."""
    aside = {str(value) for values in certificate.set_aside.values() for value in values.get(name, ())}
    return [value for value in certificate.domain.get(name, ()) if str(value) not in aside]
