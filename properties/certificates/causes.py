"""Causes: which laws a layer fails for one reason, the most telling law of them first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from properties.certificates.certificate import Certificate, LawReport
from properties.contracts import contracts
from properties.engine.features import ingredients
from properties.judging.law import Law
from properties.laws import LAWS

TELLING = (
    "arguments",
    "conventions",
    "limit",
    "aggregate",
    "ignore",
    "weights",
    "denominator",
    "shape",
    "softmax",
    "sigmoid",
    "numerics",
    "oracle",
)
"""Families of laws, those first that say in words what is wrong."""


@dataclass(frozen=True)
class Cause:
    """A law that does not hold, and the laws that fail where it does."""

    law: LawReport
    also: tuple[str, ...] = ()


def causes(certificate: Certificate) -> tuple[Cause, ...]:
    """Group the laws that do not hold by what their shrunk counterexamples have in common.

    Law B is grouped under law A if every ingredient of A's counterexample also occurs in B's: the plainer problem shows
    the fault already. Laws of refusals and conduct are not about numbers, and are grouped only where the layer raises
    the same error. Inherited faults are kept apart from the layer's own, and come last.
    """
    leaders: list[tuple[LawReport, frozenset[str], list[str]]] = []
    for law in sorted(certificate.failed, key=_order):
        ingredients = ingredients_of(law)
        for leader, needed, also in leaders:
            # with what these laws tell of the others ran: it explains none of them
            if {leader.id, law.id} & certificate.telling:
                continue
            if _same_kind(leader, law) and needed <= ingredients:
                also.append(law.id)
                break
        else:
            leaders.append((law, ingredients, []))
    reports = {law.id: law for law in certificate.failed}
    found = [_headed([leader.id, *also], reports) for leader, _, also in leaders]
    return tuple(sorted(found, key=lambda cause: (bool(cause.law.inherited), _family(cause.law) not in TELLING)))


def _headed(laws: list[str], reports: Mapping[str, LawReport]) -> Cause:
    """Return the group under the law that names the fault, else its plainest, or a more telling one of that family."""
    naming = [law for law in laws if _names_its_fault(reports[law])]
    telling = [law for law in laws if _is_headline(law) and _family(reports[law]) == _family(reports[laws[0]])]
    first = [*naming, *telling, laws[0]][0]
    return Cause(reports[first], tuple(law for law in laws if law != first))


def _names_its_fault(law: LawReport) -> bool:
    """Whether the message of a law names the fault itself."""
    return any(known.names_fault and law.message.startswith(known.names_fault) for known in _known(law.id))


def _is_headline(law: str) -> bool:
    """Whether a law says more than others of its family."""
    return any(known.headline for known in _known(law))


@lru_cache
def _known(law_id: str) -> tuple[Law, ...]:
    """The laws of this id, of any known contract; none for a law of somebody's own contract."""
    own = (law for contract in contracts().values() for law in contract.own)
    return tuple(law for law in (*LAWS, *own) if law.id == law_id)


def ingredients_of(law: LawReport) -> frozenset[str]:
    """Return what is special about the counterexample of a law; its id where there is no problem in it."""
    finding = law.result.finding
    if finding is None or not finding.calls:
        return frozenset({law.id})
    of_arguments = law.result.arguments.get("features", [None])[0]
    return ingredients(finding.calls[0], of_arguments)


def _order(law: LawReport) -> tuple[int, int, str]:
    family = _family(law)
    return (len(ingredients_of(law)), TELLING.index(family) if family in TELLING else len(TELLING), law.id)


def _family(law: LawReport) -> str:
    return law.id.split("/")[0]


def _same_kind(leader: LawReport, law: LawReport) -> bool:
    """Return whether one fault may be behind both: wrong numbers or the same error, of the layer or of one kernel."""
    if leader.inherited != law.inherited:
        return False
    if law.outcome != "refuted" or leader.outcome != "refuted":
        return _error(leader) == _error(law) is not None
    return _family(leader) in TELLING and _family(law) in TELLING


def _error(law: LawReport) -> str | None:
    return None if law.counterexample is None else law.counterexample["error"]
