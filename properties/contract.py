"""Contract: what one kind of loss promises, as data. Which laws hold for it follows from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from properties.domain import COMMON, Dimension, Domain
from properties.law import Law
from properties.observation import Observation
from properties.problem import Array, Problem
from reference import UNIT_ROUNDOFF, Answer

COMMON_ARGUMENTS = ("weight", "ignore_index", "reduction", "axis")
"""Arguments of every contract. A layer that lacks one lacks the laws about it."""

DERIVED_ARGUMENTS = ("num_classes",)
"""What follows from the problem and some layers want to be told."""


@dataclass(frozen=True)
class Contract:
    """What a kind of loss promises.

    Args:
        name: the name of its reference function.
        sentence: what the loss is, in one line.
        promises: the families of laws that it answers for, and ``weighted-mean`` where the mean divides by the
            weights of the valid elements. A law that needs something else does not apply.
        oracle: ``oracle(logits, labels, *, cotangent, <arguments>) -> Answer`` in float64; None: no oracle is known.
        arguments: the arguments beyond weight, ignore_index, reduction and axis, with the values to draw.
        own: laws of this contract alone, such as its limits.
        without: ids of laws that do not hold for it.
        precise: whether the oracle takes ``unit_roundoff`` (its answers are set-valued).
        hard_logits: label logits, beside zeros, where the loss jumps or nearly does.
        jumps: whether the loss jumps; finite differences must then stay on one side.
        bad_arguments: constructor values that a layer must refuse.
    """

    name: str
    sentence: str
    promises: tuple[str, ...]
    oracle: Callable[..., Answer] | None = None
    arguments: tuple[Dimension, ...] = ()
    own: tuple[Law, ...] = ()
    without: frozenset[str] = frozenset()
    precise: bool = False
    hard_logits: Callable[[Mapping[str, Any], int], Sequence[float]] | None = None
    jumps: Callable[[Problem, Problem], bool] | None = None
    bad_arguments: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def promised(self, law: Law) -> bool:
        """Whether this contract answers for a law at all, whatever the layer."""
        if law.id in self.without:
            return False
        if law in self.own:
            return True
        able = {*self.promises, *self.argument_names}
        if "oracle" in law.needs and self.oracle is None:
            return False
        if "bad-arguments" in law.needs and not self.bad_arguments:
            return False
        needed = {need.partition("=")[0] for need in law.needs} - {"oracle", "bad-arguments", "rank"}
        return law.family in self.promises and needed <= able

    @property
    def domain(self) -> Domain:
        """Everything that this contract draws."""
        dimensions = {d.name: d for d in (*COMMON, *self.arguments)}
        if self.hard_logits is None:
            logits = dimensions["logits"]
            kept = tuple(v for v in logits.values if v != "edges")
            dimensions["logits"] = Dimension("logits", kept)
        return Domain(dimensions)

    @property
    def argument_names(self) -> tuple[str, ...]:
        """Every argument a layer may take, as the contract names it."""
        return (*COMMON_ARGUMENTS, *(d.name for d in self.arguments))

    def answer(self, problem: Problem) -> Answer:
        """The oracle's answer to a problem."""
        if self.oracle is None:
            raise ValueError(f"contract {self.name} has no oracle")
        arguments = problem.arguments()
        if self.precise:
            arguments["unit_roundoff"] = UNIT_ROUNDOFF[problem.dtype]
        return self.oracle(problem.logits, problem.labels, cotangent=problem.cotangent, **arguments)

    def scales(self, problem: Problem, observation: Observation) -> tuple[Array, Array]:
        """Error scales of value and gradient where no oracle says them: from the size of logits, weights and result."""
        finite = problem.logits[np.isfinite(problem.logits)]
        spread = float(np.ptp(finite)) if finite.size else 0.0
        weight = 1.0 if problem.weight is None else float(problem.weight.max(initial=0.0))
        # an infinite result has no error to scale: NaN and inf are compared as they are
        size = 1.0 + np.nan_to_num(np.abs(observation.value), posinf=0.0).max(initial=0.0)
        unit = (1.0 + spread + np.log(problem.classes)) * max(problem.labels.size, 1) * max(weight, 1.0) * size
        return np.full(observation.value.shape, unit), np.full(problem.logits.shape, unit)
