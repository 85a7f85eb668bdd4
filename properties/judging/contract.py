"""Contract: what one kind of loss promises, as data. Which laws hold for it follows from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from properties.departures.departure import Departure, Fitted, active, combined, exclusive
from properties.departures.general import GENERAL, unread
from properties.departures.model import modelled
from properties.departures.parts import Loss, PartsOf
from properties.errors import ContractError, did_you_mean
from properties.judging.authored import ANSWER, authored, call_authored, checked_answer
from properties.judging.conventions import Conventions
from properties.judging.detached_gradient import detached_answers
from properties.judging.granularity import ELEMENT, WITHOUT
from properties.judging.kernel_formula import KernelFormula
from properties.judging.law import Law
from properties.judging.observation import Observation
from properties.problems.dimensions import COMMON, TARGETS
from properties.problems.domain import Choice, Dimension, Domain
from properties.problems.precision import Array
from properties.problems.problem import ENTRIES, Problem
from reference import UNIT_ROUNDOFF, Answer

COMMON_ARGUMENTS = ("weight", "ignore_index", "reduction", "axis")
"""Arguments of every contract. A layer that lacks one lacks the laws about it."""

DERIVED_ARGUMENTS = ("num_classes",)
"""What follows from the problem and some layers want to be told."""

OF_CLASSES = (
    "oracle",
    "ignore",
    "weights",
    "denominator",
    "conventions",
    "shape",
    "softmax",
    "numerics",
    "conduct",
    "modes",
    "refusals",
    "arguments",
    "weighted-mean",
    "twice-differentiable",
)
"""What every loss over a softmax promises."""

CALL_ARGUMENTS = ("label_weight", "normalizer", "element_weight")
"""What a layer may take with the call, beside logits and labels."""


@dataclass(frozen=True)
class Bad:
    """Constructor arguments that a layer must refuse with one of ``words``; ``make`` gives them for C classes."""

    make: Callable[[int], Mapping[str, Any]]
    words: tuple[str, ...]


def divisor(problem: Problem, rows: Array | None = None) -> float:
    """What a mean divides by: the sum of the weights of the valid elements, or their number.

    An element's weight is that of its class. Where its label is a row of probabilities, it is the mean of the weights
    of the classes; ``rows`` are such rows, [n, C], in place of the labels.
    """
    counted = problem.config.get("denominator") == "count"
    if counted or (problem.weight is None and problem.targets != "soft"):
        return float(problem.valid.sum())
    weight = np.ones(problem.classes) if problem.weight is None else problem.weight
    shares = problem.one_hot if rows is None else rows
    return float((shares * weight).sum(axis=1)[problem.valid.reshape(-1)].sum())


@dataclass(frozen=True)
class Contract:
    """What a kind of loss promises.

    Args:
        name: the name of its reference function.
        sentence: what the loss is, in one line.
        promises: the families of laws that it answers for; ``weighted-mean`` where the mean divides by the weights of
            the valid elements; ``additive`` where each element has a loss of its own; ``repetition`` where a batch
            twice over has the same mean; ``twice-differentiable`` where the gradient has a slope, away from ``jumps``.
            A law that needs something else does not apply.
        oracle: ``oracle(logits, labels, *, cotangent, <arguments>) -> Answer`` in float64; None: no oracle is known.
        arguments: the arguments beyond weight, ignore_index, reduction and axis, with the values to draw.
        common: dimensions that replace the ones every contract has.
        call_arguments: what a layer may take with the call.
        divisor: ``divisor(problem)``, what a mean divides by; by default the sum of the weights of the valid elements,
            or their number where an argument ``denominator`` is ``count``. Where another argument makes a difference
            to it, such as one that smooths labels, the contract has to say so.
        divisor_words: what that is, after "the contract says": "by the number of all pixels"; empty: by the sum of
            their weights, or by their number.
        lacks: arguments of every contract that make no sense for this one.
        own: laws of this contract alone, such as its limits.
        without: ids of laws that do not hold for it.
        precise: whether the oracle takes ``unit_roundoff`` (its answers are set-valued).
        hard_logits: label logits, beside zeros, where the loss jumps or nearly does.
        jumps: whether the loss jumps; finite differences must then stay on one side.
        bad_arguments: constructor values that a layer must refuse; a ``Bad`` where the value alone does not say all.
        settle: makes drawn arguments agree that exclude each other.
        gradient: whether it differentiates through the weights of the elements (``live``) or holds them fixed
            (``detached``); ``both``: they are constants, so that there is no difference; empty: either will do.
        bases: losses of the elements, unweighted, that the weights multiply, for the detached gradient.
        detaches: whether the oracle's gradient, which is live, is replaced by that of frozen weights.
        essential: groups of arguments; without one of each group it says nothing that a simpler contract does not say,
            and no layer is certified that lacks them all and of which nobody said a value.
        kernel_formula: how the loss is computed from a kernel's loss of each element, so that the layer is not blamed
            for a fault of the kernel; None: only kernels that have an exact counterpart are found to be at fault, and
            those whose refusals the layer passes on.
        granularity: what has a loss of its own, where there is no oracle; see ``properties.judging.granularity``.
        reads: ``reads(values)`` says in words which loss it is where arguments have these values and no others, such as
            "as focal loss with gamma 0, which is cross entropy"; '' where that goes without saying. None: the name of
            the contract and the values. ``properties.judging.assumptions.reading`` makes one.
        conventions: those of a subject, where it claims others than the contract's that no argument stands for.
        departures: ways in which layers are known to differ from this loss, beside those that any loss may have.
        parts: ``parts(problem, settings)`` gives the losses of the elements, made of parts that departures may change;
            None: the oracle's, as they are.
        inside: the settings that ``parts`` knows.
    """

    name: str
    sentence: str
    promises: tuple[str, ...]
    oracle: Callable[..., Answer] | None = None
    arguments: tuple[Dimension, ...] = ()
    common: tuple[Dimension, ...] = ()
    call_arguments: tuple[str, ...] = ("normalizer",)
    divisor: Callable[[Problem], float] = divisor
    divisor_words: str = ""
    lacks: tuple[str, ...] = ()
    own: tuple[Law, ...] = ()
    without: frozenset[str] = frozenset()
    precise: bool = False
    hard_logits: Callable[[Mapping[str, Any], int], Sequence[float]] | None = None
    jumps: Callable[[Problem, Problem], bool] | None = None
    bad_arguments: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    settle: Callable[[dict[str, Any]], dict[str, Any]] = lambda config: config
    gradient: str = ""
    bases: tuple[Callable[[Problem], Answer], ...] = ()
    detaches: bool = False
    essential: tuple[tuple[str, ...], ...] = ()
    kernel_formula: KernelFormula | None = None
    reads: Callable[[Mapping[str, Any]], str] | None = None
    conventions: Conventions = field(default_factory=Conventions)
    granularity: str = ELEMENT
    departures: tuple[Departure, ...] = ()
    parts: PartsOf | None = None
    inside: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Whatever the author wrote is watched: a mistake in it is not taken for the layer's, nor for one of ours."""
        if not isinstance(self.kernel_formula, (KernelFormula, type(None))):
            raise TypeError(f"kernel_formula must be a KernelFormula or None, got {self.kernel_formula!r}")
        for what in ("divisor", "settle", "hard_logits", "jumps"):
            object.__setattr__(self, what, authored(self.name, what, getattr(self, what)))
        object.__setattr__(self, "bases", tuple(authored(self.name, "bases", base) for base in self.bases))

    def with_gradient(self, gradient: str) -> Contract:
        """The contract of a subject that claims this gradient; the same where weights are constants, or jump."""
        if self.gradient in ("", "live", "detached") and self.jumps is None:
            detaches = gradient == "detached" and self.oracle is not None
            if detaches and not self.bases:
                raise ValueError(f"claim gradient=detached: contract {self.name} names no losses that weights multiply")
            return replace(self, gradient=gradient, detaches=detaches)
        return self

    def of_granularity(self, granularity: str) -> Contract:
        """The contract of a loss of entries, images or batches; the same where an oracle says what it is a loss of."""
        if self.oracle is not None or granularity == self.granularity:
            return self
        return replace(self, granularity=granularity, without=self.without | WITHOUT[granularity])

    @property
    def claims_detached(self) -> bool:
        """Whether frozen weights are what a subject claims, and the contract's are not so by nature."""
        return self.gradient == "detached" and self.jumps is None

    def promised(self, law: Law) -> bool:
        """Whether this contract answers for a law at all, whatever the layer."""
        if law.id in self.without:
            return False
        if law in self.own:
            return True
        able = {*self.promises, *self.argument_names, *self.call_arguments}
        if able & {"ignore_index", "label_weight"}:
            able.add("ignored")
        if "oracle" in law.needs and self.oracle is None:
            return False
        if "bad-arguments" in law.needs and not self.bad_arguments:
            return False
        if "choices" in law.needs and not self.choices:
            return False
        if "frozen" in law.needs and self.gradient not in ("live", "detached"):
            return False
        of_contracts = {"oracle", "reference", "bad-arguments", "choices", "frozen", "rank"}
        needed = {need.partition("=")[0] for need in law.needs} - of_contracts
        return law.family in self.promises and needed <= able

    def without_oracle(self) -> Contract:
        """What is left of the contract where nobody knows the answers: no oracle, no limit, no place where it jumps."""
        left = tuple(law for law in self.own if not {"oracle", "reference"} & set(law.needs))
        return replace(self, oracle=None, own=left, precise=False, jumps=None)

    @property
    def domain(self) -> Domain:
        """Everything that this contract draws."""
        dimensions = {d.name: d for d in (*COMMON, TARGETS, *self.arguments)} | {d.name: d for d in self.common}
        if any(d.kind is not None for d in self.arguments):
            # an argument decides what the labels are
            del dimensions["targets"]
        if self.hard_logits is None:
            logits = dimensions["logits"]
            dimensions["logits"] = replace(logits, values=tuple(v for v in logits.values if v != "edges"))
        return Domain(dimensions, self.settle)

    @property
    def choices(self) -> dict[str, Choice]:
        """The arguments of which a layer is asked which value it follows, and what their values stand for."""
        return {d.name: d.choice for d in self.arguments if d.choice is not None}

    def limit_at(self, problem: Problem) -> str:
        """In words which loss this one should be at a problem's arguments, and is not; '' where it is none other."""
        for law in self.own:
            at = law.precondition if law.family == "limit" else {}
            if at and all(name in problem.config and wanted(problem.config[name]) for name, wanted in at.items()):
                return f"{law.sentence.rstrip('.')}: here it is not."
        return ""

    @property
    def of_entries(self) -> bool:
        """Whether every entry of the logits is an element."""
        dimensions = {d.name: d for d in (*self.common, *self.arguments) if d.kind is not None}
        values = {kind(v) for d in dimensions.values() if (kind := d.kind) is not None for v in d.values}
        return bool(values) and values <= set(ENTRIES)

    @property
    def argument_names(self) -> tuple[str, ...]:
        """Every argument a layer's constructor may take, as the contract names it."""
        return (*(name for name in COMMON_ARGUMENTS if name not in self.lacks), *(d.name for d in self.arguments))

    def answer(self, problem: Problem, **more: Any) -> Answer:
        """The oracle's answer to a problem, with the gradient that the contract says; ``more`` goes to the oracle."""
        if self.detaches:
            return detached_answers(self.live_answer, self.bases[0])(problem)
        return self.live_answer(problem, **more)

    @property
    def catalogue(self) -> dict[str, Departure]:
        """The known ways to differ from this contract, by name; empty where there is no oracle."""
        if self.oracle is None:
            return {}
        able = {*self.argument_names, *self.call_arguments}
        known = (*unread(self.arguments), *self.departures, *GENERAL)
        return {d.name: d for d in known if set(d.needs) <= able}

    @property
    def loss(self) -> Loss:
        """What a model of this loss is made of."""
        return Loss(self.answer, self.divisor, self.parts, self.inside)

    def model(self, problem: Problem, departures: Iterable[Fitted | str]) -> Answer:
        """The answer of a loss that differs from this one in these ways, named or with their parameters.

        With none it is the oracle's. Raises ValueError for a name that is not in the catalogue, and for departures of
        which one excludes another.
        """
        fitted = [self._fitted(departure) for departure in departures]
        settings = combined(active(fitted, problem))
        if settings is None or exclusive(fitted):
            raise ValueError(f"departures {', '.join(f.name for f in fitted)} exclude each other")
        return modelled(self.loss, problem, settings)

    def _fitted(self, departure: Fitted | str) -> Fitted:
        if isinstance(departure, Fitted):
            return departure
        known = self.catalogue
        if departure not in known:
            close = did_you_mean(departure, known)
            raise ValueError(f"contract {self.name} knows no departure {departure!r}{close}")
        return known[departure].fitted()

    def known_answer(self, problem: Problem) -> Answer | None:
        """The answer where there is one: no oracle needs to know what a law made wrong on purpose."""
        if self.oracle is None:
            return None
        try:
            return self.answer(problem)
        except ContractError:
            return None

    def live_answer(self, problem: Problem, **more: Any) -> Answer:
        """The oracle's answer as it is; ContractError where it raises, or answers something else than an Answer."""
        oracle = self.oracle
        if oracle is None:
            raise ValueError(f"contract {self.name} has no oracle")
        told = self.told(problem)
        answer = call_authored(
            self.name, "oracle", ANSWER, lambda asked: oracle(asked.logits, asked.given_labels, **told, **more), problem
        )
        return checked_answer(self.name, answer, problem, of_entries=self.of_entries)

    def told(self, problem: Problem) -> dict[str, Any]:
        """What an oracle is told of a problem, beside logits and labels."""
        known = self.argument_names
        arguments = {name: value for name, value in problem.arguments().items() if name in known}
        arguments |= problem.call_arguments() | {"cotangent": problem.cotangent}
        if self.precise:
            arguments["unit_roundoff"] = UNIT_ROUNDOFF[problem.dtype]
        return arguments

    def scales(self, problem: Problem, observation: Observation) -> tuple[Array, Array]:
        """Error scales of value and gradient where no oracle says them: from the size of logits, weights and result."""
        finite = problem.logits[np.isfinite(problem.logits)]
        spread = float(np.ptp(finite)) if finite.size else 0.0
        weight = 1.0 if problem.weight is None else float(problem.weight.max(initial=0.0))
        # an infinite result has no error to scale: NaN and inf are compared as they are
        size = 1.0 + np.nan_to_num(np.abs(observation.value), posinf=0.0).max(initial=0.0)
        unit = (1.0 + spread + np.log(problem.classes)) * max(problem.size, 1) * max(weight, 1.0) * size
        return np.full(observation.value.shape, unit), np.full(problem.logits.shape, unit)
