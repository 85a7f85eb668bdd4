"""Causes: which laws a layer fails for one reason, the most telling law of them first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from properties.certificates.certificate import Certificate, LawReport
from properties.engine.features import ingredients
from properties.problems.problem import Problem

TELLING = (
    "arguments",
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

HEADLINES = ("limit/one-region-is-cross-entropy", "ignore/deleting-is-masking")
"""Laws that say more than others of their family, whose counterexamples may be plainer."""


NAMES_IT = {"aggregate/last-region-is-closed": "The last region is open"}
"""Laws that lead, whatever family is the plainest, where their message begins so: then it names the fault itself."""


@dataclass(frozen=True)
class Cause:
    """A law that does not hold, and the laws that fail where it does."""

    law: LawReport
    also: tuple[str, ...] = ()


def causes(certificate: Certificate) -> tuple[Cause, ...]:
    """Group the laws that do not hold by what their shrunk counterexamples have in common.

    A law fails for the reason of another one whose counterexample needs no ingredient that its own has not: the plainer
    problem shows the fault already. Refusals and conduct are no matter of numbers, and stand alone, but where a layer
    raises the same error. What is inherited stands apart from what is the layer's own, and comes last.
    """
    leaders: list[tuple[LawReport, frozenset[str], list[str]]] = []
    for law in sorted(certificate.failed, key=_order):
        ingredients = ingredients_of(law)
        for leader, needed, also in leaders:
            if _same_kind(leader, law) and needed <= ingredients:
                also.append(law.id)
                break
        else:
            leaders.append((law, ingredients, []))
    reports = {law.id: law for law in certificate.failed}
    found = [_headed([leader.id, *also], reports) for leader, _, also in leaders]
    return tuple(sorted(found, key=lambda cause: (bool(cause.law.inherited), _family(cause.law) not in TELLING)))


def _headed(laws: list[str], reports: Mapping[str, LawReport]) -> Cause:
    """The group under a law that names the fault, else under its plainest law or one of that family which says more."""
    naming = [law for law in laws if law in NAMES_IT and reports[law].message.startswith(NAMES_IT[law])]
    telling = [law for law in HEADLINES if law in laws and _family(reports[law]) == _family(reports[laws[0]])]
    first = [*naming, *telling, laws[0]][0]
    return Cause(reports[first], tuple(law for law in laws if law != first))


def ingredients_of(law: LawReport) -> frozenset[str]:
    """What is special about the counterexample of a law."""
    if law.counterexample is None or not law.counterexample["problems"]:
        return frozenset({law.id})
    of_arguments = law.counterexample.get("features", [None])[0]
    return ingredients(Problem.from_dict(law.counterexample["problems"][0]), of_arguments)


def _order(law: LawReport) -> tuple[int, int, str]:
    family = _family(law)
    return (len(ingredients_of(law)), TELLING.index(family) if family in TELLING else len(TELLING), law.id)


def _family(law: LawReport) -> str:
    return law.id.split("/")[0]


def _same_kind(leader: LawReport, law: LawReport) -> bool:
    """Whether one fault may be behind both: wrong numbers, or the same error; of the layer, or of one kernel."""
    if leader.inherited != law.inherited:
        return False
    if law.outcome != "refuted" or leader.outcome != "refuted":
        return _error(leader) == _error(law) is not None
    return _family(leader) in TELLING and _family(law) in TELLING


def _error(law: LawReport) -> str | None:
    return None if law.counterexample is None else law.counterexample["error"]
