"""Attempts: plain problems put to a layer in one style of call after another, and what comes of each.

A style is right where the losses are in proportion to the oracle's over several batches: what a mean divides by is no
matter of the call. Where no style is right, one that gets an answer will do, the plain one before all others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from properties.engine.call_attempt import ALIKE, Attempt, alike, ratio, spread_of
from properties.engine.inference_problems import Prober
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.membership import reason_outside
from properties.problems.problem import Problem
from properties.subjects.backend import in_style
from properties.subjects.call_style import VALUES, CallStyle, styles
from properties.subjects.subject import Subject

SHAPES: Mapping[int, tuple[int, ...]] = {2: (5,), 3: (2, 4), 4: (2, 2, 4), 5: (2, 2, 1, 2), 6: (2, 1, 2, 1, 2)}
"""The shape of the elements of logits of each rank; none has as many elements as classes."""

FIRST_RANKS = (2, 4, 3)
"""Ranks by which styles are told apart."""

BATCHES = 3
"""Batches of one shape over which losses must be in proportion to the oracle's."""

MUCH = 0.5
"""The part of another style's spread below which a style is nearer to the oracle."""

MOST_CHANGES, MOST_SECONDS = 3, 10.0
"""Changes of the plain style that are tried at once, and seconds spent on it."""

Observing = Callable[[Subject], AbstractContextManager[Observer]]
"""Makes what asks a subject, and ends it."""


class LastObserver(ExitStack):
    """Keeps what asked a subject last, since a new one may cost a process; it ends with this."""

    def __init__(self, observing: Observing) -> None:
        super().__init__()
        self._observing = observing
        self._style: CallStyle | None = None
        self._observer: Observer | None = None

    def of(self, subject: Subject) -> AbstractContextManager[Observer]:
        """What asks a subject as it is called in its style."""
        if self._observer is None or self._style != subject.style:
            self.close()
            self._observer, self._style = self.enter_context(self._observing(subject)), subject.style
        return nullcontext(self._observer)


class Trials:
    """Styles put to one subject."""

    def __init__(
        self, subject: Subject, observing: Observing, narrowed: Mapping[str, tuple[Any, ...]], seconds: float
    ) -> None:
        self._subject, self._observing = subject, observing
        domain = subject.full_domain.only(**narrowed)
        plain = domain.open(domain.gates)
        axis = domain.dimensions["axis"]
        # logits of rank 1 have their classes along axis 0, others where a chosen axis says, if they have so many
        fits = subject.resolved.of_entries or not axis.chosen
        self.ranks = tuple(
            rank
            for rank in dict.fromkeys(domain["rank"])
            if fits or (0 in axis.values if rank == 1 else any(-rank <= place < rank for place in axis.values))
        )
        varied = {name: domain.dimensions[name] for name in ("rank", "weight")}
        self._domain, self._plain = domain, replace(plain, dimensions={**plain.dimensions, **varied})
        self._by_axis: dict[int, list[Prober]] = {}
        self._probers(CallStyle.of(subject.calling))
        self.attempts: list[Attempt] = []
        self._until = time.monotonic() + seconds

    def _probers(self, style: CallStyle) -> list[Prober]:
        """What makes plain problems for a style, in double precision and in single."""
        if style.axis not in self._by_axis:
            takes, arguments = self._subject.takes, self._subject.resolved.argument_names
            domain = self._plain.only(**style.fit(self._plain, "axis" in takes))
            listed = [d for d in ("float64", "float32") if d in domain["dtype"]] or domain["dtype"][:1]
            self._by_axis[style.axis] = [Prober(domain.only(dtype=[d]), takes, arguments, 0) for d in listed]
        return self._by_axis[style.axis]

    def _asking(self, style: CallStyle) -> AbstractContextManager[Observer]:
        """What asks the layer in a style; ValueError for one in which its backend cannot call it."""
        return self._observing(in_style(self._subject, style.said))

    def _free(self) -> dict[str, tuple[str, ...]]:
        """What may vary in the call of this subject."""
        subject = self._subject
        entries = subject.resolved.of_entries
        if subject.signature is None:
            # whoever wrote the call by hand has said how it goes
            return {}
        free = {"order": VALUES["order"], "labels": VALUES["labels"], "label_dtype": VALUES["label_dtype"]}
        free["labels"] = ("class ids", "background ids") if entries else VALUES["labels"][:-1]
        if subject.backend == "paddle":
            free["input"] = ("logits", "sigmoid") if entries else ("logits", "softmax", "log-softmax", "sigmoid")
        if subject.per_class:
            free["per_class"] = VALUES["per_class"] if subject.backend == "paddle" else VALUES["per_class"][:-1]
        if "axis" not in subject.takes and not entries:
            free["class_axis"] = VALUES["class_axis"]
        return free

    def best(self) -> Attempt:
        """The style that shows most, of those that have to be tried."""
        said = self._subject.calling
        asked = CallStyle.of(said)
        found = self.attempt(asked, FIRST_RANKS)
        free = self._free()
        if not found.answered and "order" in free and _labels_first(self._subject.call_names):
            free["order"] = free["order"][::-1]
            asked = CallStyle.of({"order": free["order"][0], **said})
            found = self._better(found, self.attempt(asked, FIRST_RANKS))
        if found.right or (found.finite and not self._known):
            return self._of_axis(found, free)
        most = 1 if found.answered else MOST_CHANGES
        for style in styles(asked, said, free):
            changes = sum(getattr(style, name) != getattr(asked, name) for name in free)
            if changes > most or time.monotonic() > self._until:
                break
            if changes:
                found = self._better(found, self.attempt(style, FIRST_RANKS))
            if found.right or (found.finite and not self._known):
                break
        return self._of_axis(found, free)

    @property
    def _known(self) -> bool:
        """Whether there is an oracle, and so a style can be right."""
        return self._subject.resolved.oracle is not None

    @staticmethod
    def _better(found: Attempt, other: Attempt) -> Attempt:
        """The one that shows more; the first where they show as much, or it is plain and answers as the other does."""
        if not other.right and not found.right and other.finite and not found.finite:
            # plain problems have finite losses
            return other
        if other.right or found.right:
            return other if len(other.right) > len(found.right) else found
        if other.answered and found.answered and found.style.said:
            # neither is right, nor plain: the one that is nearer
            return other if other.spread < MUCH * found.spread else found
        return other if other.answered and not found.answered else found

    def _of_axis(self, found: Attempt, free: Mapping[str, tuple[str, ...]]) -> Attempt:
        """The same style with classes along the last axis, where that is right at more ranks."""
        wanted = {rank for rank in FIRST_RANKS if rank in self.ranks}
        if "class_axis" not in free or wanted <= found.right:
            return found
        axes = VALUES["class_axis"] if "class_axis" not in self._subject.calling else (found.style.class_axis,)
        forms = ("class axis", "last axis") if found.style.labels in ("class axis", "last axis") else ()
        for axis in axes:
            for form in forms if "labels" not in self._subject.calling and forms else (found.style.labels,):
                other = replace(found.style, class_axis=axis, labels=form)
                if other != found.style:
                    found = self._better(found, self.attempt(other, FIRST_RANKS))
        return found

    def attempt(self, style: CallStyle, ranks: tuple[int, ...]) -> Attempt:
        """Put plain problems of these ranks to the layer in a style."""
        found = Attempt(style)
        try:
            asking = self._asking(style)
        except ValueError:
            return found
        keys: list[str] | None = None
        with asking as observer:
            for rank in (r for r in ranks if r in self.ranks):
                if not style.output and "output" not in self._subject.calling:
                    keys = self._keys(observer, rank, style)
                    if keys is not None:
                        break
                found = self._at(rank, observer, found)
                if any(failure.kind == "timed out" for failure in found.failures.values()):
                    break
        if keys:
            # its loss stands under a key
            return self.attempt(replace(style, output=_loss_of(keys)), ranks)
        self.attempts.append(found)
        return found

    def _keys(self, observer: Observer, rank: int, style: CallStyle) -> list[str] | None:
        """The keys of the Tensors that come back; None where a Tensor does, or nothing."""
        for prober in self._probers(style):
            result = observer.observe(self._problem(prober, rank), "returned")
            if isinstance(result, Observation):
                keys: list[str] | None = result.facts["keys"]
                return keys
        return None

    def _at(self, rank: int, observer: Observer, found: Attempt) -> Attempt:
        """What a layer answers to batches of one rank."""
        failure: Failure | None = None
        for prober in self._probers(found.style):
            ratios, failure, finite = [], None, True
            first: Problem | None = None
            for _ in range(BATCHES):
                problem = self._problem(prober, rank)
                if first is not None and first.rows.shape == problem.rows.shape:
                    # the same labels: what a mean divides by is the same number in all batches
                    problem = first.with_rows(problem.rows)
                first = problem
                result = observer.observe(problem, "value")
                if isinstance(result, Failure):
                    failure = result
                    break
                finite = finite and bool(np.isfinite(result.value).all())
                ratios.append(ratio(self._subject, problem, result))
            if failure is None:
                found = replace(found, finite=found.finite | ({rank} if finite else frozenset()))
                right = found.right | ({rank} if alike(ratios) else frozenset())
                spread = min(found.spread, spread_of(ratios))
                return replace(found, right=frozenset(right), answered=found.answered | {rank}, spread=spread)
            if failure.kind == "timed out":
                break
        assert failure is not None
        return replace(found, failures={**found.failures, rank: failure})

    def _problem(self, prober: Prober, rank: int) -> Problem:
        problem = _of_rank_one(prober) if rank == 1 else prober.make(rank, SHAPES[rank])
        if problem.entrywise and problem.targets == "binary" and problem.labels.ndim > 1:
            # whatever a row of targets is written as, it has at most one that is 1
            hot = np.cumsum(problem.labels, axis=1) <= 1
            problem = problem.replace(labels=np.where(hot, problem.labels, 0.0))
        return prober.plain if self._outside(problem) else problem

    def _outside(self, problem: Problem) -> bool:
        """Whether the layer may not be asked this problem; the axis and the dtype are those of a style."""
        return bool(reason_outside(problem, self._domain, ("rank", "axis", "dtype")))

    def unsteady(self, found: Attempt) -> dict[int, Failure]:
        """The ranks at which the layer answers plain batches, but not those of one class, or of two classes."""
        failures: dict[int, Failure] = {}
        with self._asking(found.style) as observer:
            for rank in sorted(found.answered - {1}):
                plain = self._problem(self._probers(found.style)[-1], rank)
                for problem in (p for p in _simplest(plain) if not self._outside(p)):
                    result = observer.observe(problem, "value")
                    if isinstance(result, Failure):
                        failures[rank] = result
                        break
        return failures

    def apart(self, found: Attempt, base: int) -> dict[int, Failure]:
        """The ranks above a base at which the same elements have another loss."""
        failures: dict[int, Failure] = {}
        if self._plain.dimensions["rank"].chosen:
            return failures
        with self._asking(found.style) as observer:
            plain = self._problem(self._probers(found.style)[-1], base)
            due = observer.observe(plain, "value")
            for rank in sorted(r for r in found.answered if r > base):
                # the last axis of pixels in two
                half = plain.shape[-1] // 2 if plain.shape[-1] % 2 == 0 else plain.shape[-1]
                shape = (*plain.shape[:-1], half, plain.shape[-1] // half, *(1,) * (rank - base - 1))
                problem = plain.arranged(shape, plain.axis, plain.rows, plain.label_rows, None)
                if self._outside(problem):
                    continue
                result = observer.observe(problem, "value")
                if not isinstance(due, Failure) and not isinstance(result, Failure) and not _close(due, result):
                    failures[rank] = Failure("raised", f"another loss than the same elements have at rank {base}", "")
        return failures

    def at_all_ranks(self, found: Attempt) -> Attempt:
        """The same style at the ranks that were not tried yet."""
        more = tuple(rank for rank in self.ranks if rank not in found.answered | found.failures.keys())
        if not more:
            return found
        with self._asking(found.style) as observer:
            for rank in more:
                found = self._at(rank, observer, found)
        return found

    def weighted(self, found: Attempt) -> tuple[Attempt, Failure | None]:
        """The same style with class weights as the layer takes them; how it fails where it takes them in no form."""
        probers = self._probers(found.style)
        able = probers[0].able.weights and not probers[0].plain.entrywise
        if "weight" in self._subject.calling or self._subject.signature is None or not able:
            return found, None
        rank = next(rank for rank in (*FIRST_RANKS, *self.ranks) if rank in found.answered)
        failure: Failure | None = None
        for form in VALUES["weight"]:
            style = replace(found.style, weight=form)
            with self._asking(style) as observer:
                for prober in probers:
                    problem = prober.make(max(rank, 2), SHAPES[max(rank, 2)], weighted=True)
                    if self._outside(problem):
                        weight = problem.weight if problem.classes == prober.plain.classes else None
                        problem = prober.plain.replace(weight=weight)
                    if problem.weight is None or self._outside(problem):
                        return found, None
                    result = observer.observe(problem, "value")
                    if not isinstance(result, Failure):
                        return replace(found, style=style), None
                    failure = failure or result
        return found, failure


_LABELS = ("label", "target", "gt", "truth", "y_true")
_LOGITS = ("logit", "input", "pred", "score", "output", "prob", "y_pred", "x")


def _labels_first(names: tuple[str, ...]) -> bool:
    """Whether the layer's own names of its arguments say that labels come first."""
    told = [name.lower() for name in names]
    labels = len(told) == 2 and any(word in told[0] for word in _LABELS)
    return labels and any(word in told[1] for word in _LOGITS)


def _of_rank_one(prober: Prober) -> Problem:
    """Logits of one axis: those of one element, or of a few entries."""
    if prober.plain.entrywise:
        return prober.make(1, (4,))
    one = prober.make(2, (1,))
    return one.arranged((), 0, one.rows, one.label_rows, None)


def _close(one: Observation, other: Observation) -> bool:
    """Whether two losses are the same number, or the same numbers."""
    alike = np.allclose(one.value.sum(), other.value.sum(), rtol=ALIKE, atol=ALIKE, equal_nan=True)
    return one.value.size == other.value.size and bool(alike)


def _simplest(problem: Problem) -> Iterator[Problem]:
    """Logits of 0 where all elements are of one class, the first or the second; and a batch of two classes."""
    if problem.targets != "hard" or problem.classes < 3:
        return
    zeros = problem.with_rows(np.zeros_like(problem.rows))
    yield from (zeros.replace(labels=np.full_like(problem.labels, label)) for label in (0, 1))
    yield problem.replace(labels=problem.labels % 2).take_classes([0, 1])


def _loss_of(keys: list[str]) -> str:
    """The key that is the loss, by its name; else the first one."""
    named = [key for key in keys if key == "loss"] or [key for key in keys if "loss" in key.lower()]
    return (named or keys)[0]
