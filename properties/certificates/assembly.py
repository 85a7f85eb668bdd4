"""Assembly: a certificate, from what is known of a subject and how its laws ended."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from properties.certificates.certificate import Certificate, LawReport, environment
from properties.certificates.gaps import gaps_of, untold
from properties.certificates.museum_score import score_of
from properties.certificates.required import DEFAULT
from properties.engine.description import Description
from properties.engine.gates import GateSchedule
from properties.subjects.arguments_not_given import not_given


def assembled(
    known: Description,
    gates: GateSchedule,
    laws: Sequence[LawReport],
    *,
    outcomes: Mapping[str, str],
    seen: Collection[tuple[str, str]],
    target: Mapping[str, Any] | None,
    seed: int,
    max_examples: int,
    seconds: float,
    forgiven: bool,
    campaign: Mapping[str, Any] | None = None,
    required: Sequence[str] = DEFAULT,
    diagnosis: Mapping[str, Any] = MappingProxyType({}),
) -> Certificate:
    """Return the certificate of a subject.

    Args:
        known: the description of the subject.
        gates: how its gates ended, and what was found out.
        laws: the lines of the laws to report.
        outcomes: how each law ended that ran, gates that nobody asked for too.
        seen: the named values that the reported laws put to the layer, each with its dimension, as text.
        target: the words that named the subject, if any.
        seed: what decided every draw.
        max_examples: examples of each law.
        seconds: how long it took.
        forgiven: whether what is inherited is left out of the verdicts.
        campaign: the counts of a campaign, if it was one.
        required: the levels that decide the verdict, and ``remarks`` where these do.
        diagnosis: the ``departures`` of the layer from its contract, and in how many ``explained_examples`` of so many
            ``examples`` it agrees with the contract that has them; empty where none was made.
    """
    missing = not_given(known.unless_given, (law.given for law in laws))
    return Certificate(
        subject=known.name,
        contract=known.contract,
        laws=tuple(laws),
        seed=seed,
        max_examples=max_examples,
        takes=known.takes,
        domain=known.domain,
        set_aside=gates.set_aside(),
        dropped=known.dropped,
        environment=environment(),
        seconds=round(seconds, 3),
        facts=gates.facts,
        adopted=gates.adopted,
        target=target,
        score=score_of(known.contract, (law.id for law in laws if law.examples)),
        forgiven=forgiven,
        campaign=campaign or {},
        gaps=(
            *gaps_of(known, outcomes, [law.id for law in laws], seen),
            *untold(gates.adopted, {law.id: law.outcome for law in laws}),
        ),
        narrowed=known.narrowed,
        assumed=known.assumed,
        not_given=missing,
        call={**known.call, "never_given": [name for name, told in missing.items() if not told["argument"]]},
        required=tuple(required),
        departures=tuple(diagnosis.get("departures", ())),
        explained_examples=diagnosis.get("explained_examples", 0),
        examples=diagnosis.get("examples", 0),
        source_hash=known.source_hash,
    )
