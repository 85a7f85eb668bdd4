"""The subdomain that a law samples: minus closed gates, restricted to its level and its precondition."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from properties.judging.contract import CALL_ARGUMENTS, COMMON_ARGUMENTS
from properties.judging.law import Law
from properties.problems.dimensions import COMMON_NAMES, FORMULA_LOGITS
from properties.problems.domain import Domain, EmptyDomainError, Precondition, outside, within


def askable(law: Law, domain: Domain, shut: AbstractSet[str]) -> Domain:
    """What may be put to the layer for a law at all, whatever the law makes of what it draws."""
    return domain.for_law(law.id).open(shut - {law.id})


def law_domain(law: Law, domain: Domain, shut: AbstractSet[str], takes: AbstractSet[str]) -> Domain:
    """The domain that a law samples: without closed gates, restricted to its level and its precondition.

    Raises EmptyDomainError where nothing is left, with the reason.
    """
    for need in law.needs:
        name, _, value = need.partition("=")
        argument = name in (*COMMON_ARGUMENTS, *CALL_ARGUMENTS) or (
            name in domain.dimensions and name not in COMMON_NAMES
        )
        if argument and not value and name not in takes:
            raise EmptyDomainError(f"the layer takes no {name}")
        if name == "entry-weight" and "weight" not in takes:
            raise EmptyDomainError("the layer takes no weight")
        if name == "entry-weight" and "entries" not in domain["weight"]:
            raise EmptyDomainError("weight is drawn from absent alone")
        if name == "weight" and set(domain["weight"]) == {"absent"}:
            raise EmptyDomainError("weight is drawn from absent alone")
        if value and value not in map(str, domain[name]):
            raise EmptyDomainError(f"the layer has no {name}={value}")
    opened = askable(law, domain, shut)
    if law.plain:
        opened = opened.plainest()
    for need in law.needs:
        name, _, value = need.partition("=")
        if value and value not in map(str, opened[name]):
            raise EmptyDomainError(f"{name}={value} is set aside")
    return (
        opened.narrowed_to(law.precondition)
        .narrowed_to(_of_level(law, domain))
        .narrowed_to(_of_mask(law, domain, takes))
    )


def _of_mask(law: Law, domain: Domain, takes: AbstractSet[str]) -> Precondition:
    """Elements are ignored by their label or by a mask; a law about ignored ones needs a layer that takes either."""
    masked = "label_weight" in domain.dimensions and "mask" in domain["label_weight"]
    if "ignored" not in law.needs or masked:
        return {}
    if "ignore_index" not in takes and set(domain["ignore_index"]) == {None}:
        raise EmptyDomainError("the layer takes no ignore_index")
    precondition = {"ignore_index": outside(None)}
    # probabilities of classes, and real numbers, have no value that says ignored
    return precondition if not domain.decides else {**precondition, "targets": outside("soft", "real")}


def _of_level(law: Law, domain: Domain) -> Precondition:
    """Formula laws run in the highest precision there is and on moderate logits, where wrong and inexact lie apart."""
    precondition = dict[str, Callable[[object], bool]]()
    if law.level == "conduct":
        # how a layer conducts itself shows in any precision; the half ones are slow to draw and to build
        wide = [d for d in ("float64", "float32") if d in domain["dtype"]]
        precondition["dtype"] = within(*(wide or domain["dtype"]))
    if law.level == "formula":
        precondition["dtype"] = within(next(d for d in _PRECISIONS if d in domain["dtype"]))
        if "logits" not in law.precondition:
            precondition["logits"] = within(*FORMULA_LOGITS, "edges")
    return precondition


_PRECISIONS = ("float64", "float32", "bfloat16", "float16")
