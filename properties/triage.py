"""From a shrunk contradiction to its cause: which ingredients of the problem it cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import numpy as np

from properties.contract import Contract
from properties.domain import Domain
from properties.engine import examine
from properties.law import Finding, Law, NotApplicable, Undecided
from properties.observation import Observer
from properties.problem import Problem


def conditions(
    law: Law, finding: Finding, *, contract: Contract, observer: Observer, takes: AbstractSet[str], domain: Domain
) -> tuple[str, ...]:
    """The ingredients without which the law holds, in words; found by taking away one at a time."""
    problem = finding.calls[0]
    if not _stands(law, problem, contract, observer, takes):
        # the law made this problem out of another one: taking things from it would prove nothing
        return ()
    needed = []
    for words, variants in _without_one(problem, law, domain):
        if variants and not any(_stands(law, variant, contract, observer, takes) for variant in variants):
            needed.append(words)
    return tuple(needed)


def _stands(law: Law, problem: Problem, contract: Contract, observer: Observer, takes: AbstractSet[str]) -> bool:
    """Whether the problem refutes the law."""
    try:
        return examine(law, problem, contract, observer, takes)[0] is not None
    except (Undecided, NotApplicable):
        return False


def _without_one(problem: Problem, law: Law, domain: Domain) -> Iterator[tuple[str, list[Problem]]]:
    """For each ingredient that the law does not itself ask for: its name, and the problems without it."""
    fixed = set(law.demand)
    if problem.weight is not None and "weight" not in fixed:
        yield "a class weight", [problem.replace(weight=None)]
    ignored = ~problem.valid
    if ignored.any() and "ignored" not in fixed:
        label = next((c for c in range(problem.classes) if c != problem.ignore_index), None)
        if label is not None:
            yield "an ignored element", [problem.replace(labels=np.where(ignored, label, problem.labels))]
    if "reduction" not in fixed:
        others = [r for r in dict.fromkeys(domain["reduction"]) if r != problem.reduction]
        yield f"reduction {problem.reduction}", [problem.replace(reduction=r) for r in others]
    for name, value in problem.config.items():
        others = [v for v in dict.fromkeys(domain[name]) if v != value]
        if name not in fixed:
            yield f"{name} other than {others[0]}" if others else name, [problem.configure(**{name: others[0]})][:1]
    if problem.logits.ndim > 2 and "rank" not in fixed:
        yield f"logits of rank {problem.logits.ndim}", [problem.take(np.arange(problem.labels.size))]
    if problem.dtype != "float64" and "float64" in domain["dtype"]:
        yield f"dtype {problem.dtype}", [problem.replace(dtype="float64")]
