"""Law domain: the part of a domain that a law samples, without what is behind closed gates."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from properties.judging.contract import CALL_ARGUMENTS, COMMON_ARGUMENTS
from properties.judging.law import Law
from properties.problems.dimensions import COMMON_NAMES, FORMULA_LOGITS
from properties.problems.domain import Domain, EmptyDomainError, Precondition, outside, within


def admissible_domain(law: Law, domain: Domain, shut: AbstractSet[str]) -> Domain:
    """Return the domain of all problems that the layer may be given for a law, drawn by it or derived from these."""
    return domain.for_law(law.id).open(shut - {law.id})


def law_domain(law: Law, domain: Domain, shut: AbstractSet[str], takes: AbstractSet[str]) -> Domain:
    """Return the domain that a law samples: without closed gates, restricted to its precondition and level.

    Raises EmptyDomainError, with the reason, where nothing is left.
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
    opened = admissible_domain(law, domain, shut)
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
    """Return what a law about ignored elements requires where the layer takes no mask; for other laws, nothing."""
    masked = "label_weight" in domain.dimensions and "mask" in domain["label_weight"]
    if "ignored" not in law.needs or masked:
        return {}
    if "ignore_index" not in takes and set(domain["ignore_index"]) == {None}:
        raise EmptyDomainError("the layer takes no ignore_index")
    precondition = {"ignore_index": outside(None)}
    # soft labels and real targets have no value that means ignored
    return precondition if not domain.decides else {**precondition, "targets": outside("soft", "real")}


def _of_level(law: Law, domain: Domain) -> Precondition:
    """Return what the level of a law requires.

    Laws about the formula run in the highest precision there is and on moderate logits, where a wrong number differs
    from an inexact one.
    """
    precondition = dict[str, Callable[[object], bool]]()
    if law.level in ("conduct", "refusals"):
        # conduct is the same in any precision, and half precisions are slow to draw and to build
        wide = [d for d in ("float64", "float32") if d in domain["dtype"]]
        precondition["dtype"] = within(*(wide or domain["dtype"]))
    if law.level == "formula":
        precondition["dtype"] = within(next(d for d in _PRECISIONS if d in domain["dtype"]))
        if "logits" not in law.precondition:
            precondition["logits"] = within(*FORMULA_LOGITS, "edges")
    return precondition


_PRECISIONS = ("float64", "float32", "bfloat16", "float16")
