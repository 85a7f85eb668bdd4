"""The whole of a certificate: the table of its laws, and the notes on what was not drawn, set aside, or given up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.diagnosis import is_explained, numbers_of
from properties.engine.result import FAILED, UNSETTLED
from properties.report.verdicts import STYLES
from reference import BUDGET


def table_of_laws(certificate: Certificate) -> Table:
    """Return a row for each law: how it ended, in how many examples, and with how much of the error budget."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), header_style="dim")
    table.add_column("law", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("examples", justify="right", no_wrap=True)
    table.add_column(f"budget used (of {BUDGET:g})", justify="right", no_wrap=True)
    for law in certificate.laws:
        words, style = outcome_words(certificate, law), STYLES.get(law.outcome, "dim")
        if law.outcome in FAILED:
            counted = "" if certificate.refutes(law) else ", a remark"
            owed = "forgiven" if certificate.forgives(law) else "inherited"
            words, style = (f"{words}, {owed}", "yellow") if law.inherited else (f"{words}{counted}", "red")
            style = "yellow" if counted else style
        elif law.outcome in UNSETTLED:
            style = "yellow"
        used = f"{law.budget_used:.2f}" if law.outcome == "held" and law.budget_used else ""
        table.add_row(law.id, Text(words, style=style), str(law.examples or ""), used)
    return table


def outcome_words(certificate: Certificate, law: LawReport) -> str:
    """Return how a law ended; of one that follows from departures, their numbers."""
    if not is_explained(certificate, law):
        return law.outcome
    return f"explained by {', '.join(map(str, numbers_of(certificate, law.explained)))}"


def notes(certificate: Certificate) -> list[str]:
    """Return the reasons of laws that have one, what was not drawn, and why, and the score of the laws that ran."""
    found = reasons(certificate)
    found += [
        f"{dtype} is not drawn, since the layer has no kernel for it: {e}" for dtype, e in certificate.dropped.items()
    ]
    # an inherited fault may be forgiven, but what it would spoil is not drawn all the same
    inherited = {law.id: f" (inherited from {law.inherited})" for law in certificate.failed if law.inherited}
    found += [
        f"set aside, since {law} {_lacks(certificate, law)}{inherited.get(law, '')}: "
        + "; ".join(f"{n} {listed(v)}" for n, v in values.items())
        for law, values in certificate.set_aside.items()
    ]
    return [*found, *filter(None, [_score(certificate)])]


def reasons(certificate: Certificate, outcomes: Sequence[str] = ()) -> list[str]:
    """Return the reasons of laws, each with the laws that have it; only of those with one of the outcomes, if any."""
    found: dict[str, list[str]] = {}
    for law in certificate.laws:
        if law.reason and (not outcomes or law.outcome in outcomes):
            joint = ", since" if law.outcome == "not applicable" else ","
            found.setdefault(f"{law.outcome}{joint} {law.reason}", []).append(law.id)
    return [f"{reason}: {', '.join(laws)}" for reason, laws in found.items()]


def left_out(certificate: Certificate) -> str:
    """Return in one line what no law drew, or but one: dtypes without kernels, and what gates set aside."""
    parts = [f"dtype {listed(certificate.dropped)} (no kernel)"] if certificate.dropped else []
    aside = [
        listed(v) if n == "kind" else f"{n} {listed(v)}"
        for values in certificate.set_aside.values()
        for n, v in values.items()
    ]
    return f"not asked: {'; '.join([*parts, *dict.fromkeys(aside)])}" if parts or aside else ""


def _lacks(certificate: Certificate, gate: str) -> str:
    """Return what keeps a gate shut."""
    absent = any(law.id == gate and law.outcome == "not applicable" for law in certificate.laws)
    return "does not apply" if absent else "does not hold"


def _score(certificate: Certificate) -> str:
    """Return how many wrong losses the laws that ran refute; empty where none is known under the contract."""
    score = certificate.score
    if not score or not score["mutants"]:
        return ""
    kind = "in all" if certificate.contract == "free" else f"under contract {certificate.contract}"
    known = f"{score['killed']} of the {score['mutants']} wrong losses {kind}"
    return f"the laws that ran refute {known}: `lossproof selftest`"


def listed(values: Any) -> str:
    """Return values in one line."""
    return ", ".join(str(value) for value in values)
