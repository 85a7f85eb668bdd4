"""What changed between two certificates of one contract: laws repaired or broken, and what is checked more or less."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from properties.certificates.certificate import Certificate, LawReport
from properties.engine.result import FAILED
from properties.errors import UsageError


@dataclass(frozen=True)
class Changes:
    """Laws by what became of them, and ``coverage``: in words, what one certificate checked and the other did not.

    ``lost`` says whether anything that had a verdict, or was drawn, is no longer checked. ``forgiven`` are laws that do
    not hold in the second certificate, which forgives it; where it does not, they are broken or still failing; and
    ``remarks`` those that refute nothing there. ``gone``, ``come`` and ``changed`` tell of departures, a line each;
    they are empty where one of the certificates was made without looking for any.
    """

    repaired: tuple[str, ...]
    broken: tuple[str, ...]
    still_failing: tuple[str, ...]
    coverage: tuple[str, ...]
    lost: bool
    forgiven: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def changes(before: Certificate, after: Certificate) -> Changes:
    """Compare two certificates; UsageError, a ValueError, where they are of different contracts."""
    if before.contract != after.contract:
        raise UsageError(f"the certificates are of different contracts, {before.contract} and {after.contract}")
    old, new = ({law.id: law for law in certificate.laws} for certificate in (before, after))
    both = [law for law in old if law in new]
    failed = [law for law in both if after.refutes(new[law])]
    remarks = {remark["law"] for remark in after.remarks}
    lost = [*_unlooked(old, new), *_fewer(before, after)]
    found = [*_unlooked(new, old, lost=False), *_fewer(after, before, lost=False)]
    return Changes(
        repaired=tuple(law for law in both if old[law].outcome in FAILED and new[law].outcome == "held"),
        broken=tuple(law for law in failed if old[law].outcome not in FAILED),
        still_failing=tuple(law for law in failed if old[law].outcome in FAILED),
        coverage=(*lost, *found, *_not_looked_for(before, after)),
        lost=bool(lost),
        forgiven=tuple(law for law in both if new[law].outcome in FAILED and after.forgives(new[law])),
        remarks=tuple(law for law in both if law in remarks),
        **_departures(before, after),
    )


def _not_looked_for(before: Certificate, after: Certificate) -> list[str]:
    """Say where departures were looked for in one certificate alone."""
    if bool(before.examples) == bool(after.examples):
        return []
    return [f"departures: {'no longer looked for' if before.examples else 'not looked for before'}"]


def _departures(before: Certificate, after: Certificate) -> dict[str, tuple[str, ...]]:
    """Say which departures went, which came, and of which the parameters are others now."""
    if not (before.examples and after.examples):
        return {}
    old, new = ({each["name"]: each for each in certificate.departures} for certificate in (before, after))
    changed = [
        f"{name}: {', '.join(_parameters(old[name]['parameters'], new[name]['parameters']))}"
        for name in old
        if name in new and old[name]["parameters"] != new[name]["parameters"]
    ]
    return {
        "gone": tuple(f"{name}: {each['sentence']}" for name, each in old.items() if name not in new),
        "come": tuple(f"{name}: {each['sentence']}" for name, each in new.items() if name not in old),
        "changed": tuple(changed),
    }


def _parameters(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Say of each parameter that is another one what it was and is."""
    names = [name for name in dict.fromkeys((*old, *new)) if old.get(name) != new.get(name)]
    return [f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}" for name in names]


def _unlooked(one: dict[str, LawReport], other: dict[str, LawReport], lost: bool = True) -> list[str]:
    """Say which laws have a verdict in ``one`` and none in ``other``, the later one if something was ``lost``."""
    words = []
    for law, report in one.items():
        if report.outcome != "held" and report.outcome not in FAILED:
            continue
        if law not in other:
            words.append(f"{law}: {'no longer run' if lost else 'not run before'}")
        elif other[law].outcome != "held" and other[law].outcome not in FAILED:
            this, that = ("before", "now") if lost else ("now", "before")
            words.append(f"{law}: {report.outcome} {this}, {other[law].outcome} {that}")
    return words


def _fewer(wide: Certificate, narrow: Certificate, lost: bool = True) -> list[str]:
    """Say which values were drawn for ``wide`` and not for ``narrow``, the later one if something was ``lost``."""
    words = []
    for name, values in wide.domain.items():
        kept = [value for value in values if value not in _drawn(narrow, name) and value in _drawn(wide, name)]
        if kept:
            words.append(f"{name} {', '.join(map(str, kept))}: {'no longer drawn' if lost else 'not drawn before'}")
    return words


def _drawn(certificate: Certificate, name: str) -> list[object]:
    """Return the values of a dimension that every law drew."""
    aside = {str(value) for values in certificate.set_aside.values() for value in values.get(name, ())}
    return [value for value in certificate.domain.get(name, ()) if str(value) not in aside]
