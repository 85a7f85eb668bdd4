"""From a shrunk contradiction to its cause: which ingredients of the problem it cannot do without."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from properties.engine.thresholds import thresholds
from properties.engine.trial import Trial
from properties.judging.law import Law
from properties.problems.domain import NEVER_OCCURS, Domain, counts_zero
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem

MOST_ELEMENTS = 12
"""Problems of more elements are not taken apart one by one."""


def conditions(problem: Problem, trial: Trial, stands: Callable[[Problem], bool]) -> tuple[str, ...]:
    """The ingredients, in words, that the refutation needs: without any one of them ``stands`` is no longer true.

    Found by taking one ingredient at a time away from the shrunk problem; what the law itself asks for stays.
    """
    needed, domain = [], trial.askable
    for words, made in _without_one(problem, trial.law, domain):
        variants = [variant for variant in made if not reason_outside(variant, domain)]
        if variants and not any(stands(variant) for variant in variants):
            needed.append(words)
    # a law that takes seconds over each problem is not asked so many more
    found = list(thresholds(problem, trial, stands)) if trial.law.most is None else []
    return tuple(_without_what_is_implied(needed, found))


def _without_what_is_implied(needed: list[str], found: list[str]) -> list[str]:
    """The ingredients with the thresholds in place of what these say more precisely."""
    implied = set[str]()
    for words in found:
        if words.endswith("elements") and words.startswith("at least"):
            implied |= {"at least two elements", "several elements of one class"}
        if words.endswith(" not whole"):
            name = words.removesuffix(" not whole")
            implied |= {one for one in needed if one.startswith(f"{name}=")}
    return list(dict.fromkeys([*(one for one in needed if one not in implied), *found]))


def _without_one(problem: Problem, law: Law, domain: Domain) -> Iterator[tuple[str, list[Problem]]]:
    """For each ingredient that the law does not itself ask for: its name, and the problems without it."""
    fixed = set(law.precondition)
    if problem.weight is not None and "weight" not in fixed:
        yield "a class weight", [problem.replace(weight=None)]
    ignored = ~problem.valid
    if ignored.any() and "ignored" not in fixed:
        label = next((c for c in range(max(problem.classes, 2)) if c != problem.ignore_index), 0)
        if label < problem.classes or problem.entrywise:
            yield "an ignored element", [problem.with_nothing_ignored(label)]
    if problem.weight is None and "weight" not in fixed and len(domain["weight"]) > 1:
        yield "no class weight", [problem.replace(weight=np.ones(problem.classes))]
    if ignored.any() and problem.label_weight is None and "ignore_index" not in fixed:
        others = [i for i in dict.fromkeys(domain["ignore_index"]) if i is not None and not 0 <= i < 100]
        moved = [i for i in others if i != problem.ignore_index]
        yield (
            f"ignore_index={problem.ignore_index}",
            [problem.replace(ignore_index=i, labels=np.where(ignored, i, problem.labels)) for i in moved],
        )
    elif not ignored.any() and problem.targets not in ("soft", "real") and "ignore_index" not in fixed:
        others = [i for i in dict.fromkeys(domain["ignore_index"]) if i != problem.ignore_index]
        free = [i for i in others if i is None or not (problem.labels == i).any()]
        yield f"ignore_index={problem.ignore_index}", [problem.replace(ignore_index=i) for i in free]
    if "reduction" not in fixed:
        others = [r for r in dict.fromkeys(domain["reduction"]) if r != problem.reduction]
        yield f"reduction={problem.reduction}", [problem.replace(reduction=r) for r in others]
    yield from _without_labels_of_its_kind(problem, fixed, domain)
    if problem.normalizer is not None:
        yield "a normalizer", [problem.replace(normalizer=None)]
    if problem.cotangent is not None:
        yield "an upstream gradient", [problem.replace(cotangent=None)]
    for name, value in problem.config.items():
        if name not in domain.dimensions:
            continue
        if name not in fixed and counts_zero(value):
            yield NEVER_OCCURS, [problem.configure(**{name: np.where(value == 0, 1.0, value)})]
        if domain.dimensions[name].kind is not None or domain.dimensions[name].expand is not None:
            continue
        others = [v for v in dict.fromkeys(domain[name]) if v != value]
        if name not in fixed and others:
            settled = [domain.settle({**problem.config, name: other}) for other in others]
            yield f"{name}={value}", [problem.replace(config=config) for config in settled]
    if problem.logits.ndim > 2 and "rank" not in fixed and 2 in domain["rank"]:
        yield f"logits of rank {problem.logits.ndim}", [problem.flat()]
    if problem.dtype != "float64" and "float64" in domain["dtype"]:
        yield problem.dtype, [problem.replace(dtype="float64")]


def _without_labels_of_its_kind(
    problem: Problem, fixed: set[str], domain: Domain
) -> Iterator[tuple[str, list[Problem]]]:
    """What there is about the labels: several elements, several classes among them, rows of probabilities."""
    valid = np.flatnonzero(problem.valid.reshape(-1))
    if len(valid) > 1 and "size" not in fixed and problem.size <= MOST_ELEMENTS:
        ignored = np.flatnonzero(~problem.valid.reshape(-1))
        yield "at least two elements", [problem.take(np.sort([i, *ignored])) for i in valid]
    if problem.targets == "hard":
        labels = problem.label_rows
        present = np.unique(labels[valid])
        if len(present) > 1:
            alike = [np.where(problem.valid.reshape(-1), label, labels) for label in present]
            yield "at least two classes present", [problem.with_labels(one) for one in alike]
        counted = problem.classes - (problem.ignore_index in range(problem.classes))
        if len(valid) > len(present) and 1 < len(valid) <= counted and "targets" not in fixed:
            others = [c for c in range(problem.classes) if c != problem.ignore_index]
            apart = labels.copy()
            apart[valid] = others[: len(valid)]
            yield "several elements of one class", [problem.with_labels(apart)]
    if problem.targets == "soft" and "targets" not in fixed and "hard" in domain["targets"]:
        hardest = np.asarray(problem.label_rows).argmax(axis=1)
        yield "soft labels", [problem.replace(targets="hard", labels=hardest.reshape(problem.shape))]
