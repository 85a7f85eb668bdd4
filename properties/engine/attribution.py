"""Attribution: whose a contradiction is, the layer's own or that of the kernel that it stands on.

Two ways lead to a kernel. It is asked in the layer's place: the contract's own formula over the kernel's per-element
losses, on the same problem, under the same law. Where it shows the same contradiction with the same numbers or the same
error, the same formula over exact losses shows none, and the layer is seen to call that kernel (or its source names
it), the layer could not have done better on it. Or the
layer itself is asked again, with the kernel replaced by an exact one: where nothing is contradicted any more, and the
kernel by itself is wrong on what the layer gave it, it was the kernel. No formula is needed for that, so it serves any
contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from properties.engine.examination import outcome_of
from properties.engine.trial import Trial
from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.observation import Failure, Observer
from properties.judging.restated import restated
from properties.problems.precision import Array
from properties.problems.problem import Problem
from properties.subjects.kernels import AND, KernelSet
from reference import BUDGET, UNIT_ROUNDOFF

PY_LAYER = "paddle.autograd.PyLayer"
SECOND_BACKWARD = "conduct/second-backward"

SHARE = 1.0 / 16.0
"""Beside the budget, how much of a deviation may be left unexplained."""


@dataclass(frozen=True)
class Attribution:
    """Tells whose the contradictions of a trial are: the layer's own, or those of one of the kernels."""

    trial: Trial
    kernels: KernelSet

    def kernel_at_fault(self, problem: Problem, finding: Finding) -> str:
        """The kernel that what a problem showed comes from; '' where it is the layer's own, or nobody knows."""
        if "bad-arguments" in self.trial.law.needs:
            # what a layer's own arguments may be is no matter of kernels
            return ""
        refusing = finding.failure is not None or finding.quantity == "refusal"
        for kernel in self.kernels.kernels:
            if (refusing and not kernel.told) or (kernel.refuses and not refusing):
                continue
            shows = self._shows(kernel.observer, problem, finding) and self._vanishes(problem, finding)
            if shows and self._stands_on(kernel.name, problem, finding):
                return kernel.name
        return "" if refusing else self._without(problem, finding)

    def only(self, names: str) -> Attribution:
        """The same for one kernel, or for those that were named together."""
        return replace(self, kernels=self.kernels.only(names))

    def _shows(self, observer: Observer, problem: Problem, finding: Finding) -> bool:
        """Whether the same contradiction is shown by what an observer asks."""
        shown = self.trial.on(observer).finding(problem)
        return shown is not None and same(finding, shown, self.trial.contract)

    def _stands_on(self, kernel: str, problem: Problem, finding: Finding) -> bool:
        """Whether the layer is seen to stand on a kernel: by coincidence any formula may give the same number."""
        stands_on = self.kernels.stands_on
        return stands_on is None or any(kernel in stands_on(one) for one in (problem, *finding.calls[:1]))

    def _vanishes(self, problem: Problem, finding: Finding) -> bool:
        """Whether the contract's formula over exact losses does not show it."""
        if finding.quantity == "refusal" or self.kernels.exact is None:
            # exact losses refuse nothing, and without a formula a kernel is asked for what it refuses alone
            return True
        return not self._shows(self.kernels.exact, problem, finding)

    def _without(self, problem: Problem, finding: Finding) -> str:
        """The kernels without whose own faults the layer shows nothing, as few as will do."""
        replaced = self.kernels.replaced
        if replaced is None:
            return ""
        observer = replaced(self.kernels.replaceable)
        # the layer itself answers here, by its own conventions
        if not self.trial.on(restated(observer, self.trial.contract)).holds(problem):
            return ""
        faulty = observer.faulty(second=finding.quantity == "second gradient")
        # what is at fault has to be enough, and without it the layer still shows what it showed
        if not faulty or not self._holds_on_exact(faulty, problem) or self._holds_on_exact((), problem):
            return ""
        for name in faulty:
            if self._holds_on_exact((name,), problem):
                return name
        for name in faulty:
            fewer = tuple(other for other in faulty if other != name)
            if fewer and self._holds_on_exact(fewer, problem):
                faulty = fewer
        return AND.join(faulty)

    def _holds_on_exact(self, names: tuple[str, ...], problem: Problem) -> bool:
        """Whether the law holds with exact computations in the place of these kernels."""
        assert self.kernels.replaced is not None
        observer = restated(self.kernels.replaced(names), self.trial.contract)
        return self.trial.on(observer).holds(problem)


def py_layer_at_fault(trial: Trial, problem: Problem, finding: Finding) -> str:
    """Paddle's PyLayer, where a second backward ends the process and that of the simplest PyLayer does so too; or ''.

    Asked is the trial's own observer: where the process ended, it asks in another one, so that no kernel set is needed.
    """
    failure = finding.failure
    if trial.law.id != SECOND_BACKWARD or failure is None or failure.kind != "crashed":
        return ""
    uses = trial.observer.observe(problem, "py-layers")
    if isinstance(uses, Failure) or not uses.facts["applied"]:
        return ""
    alone = trial.observer.observe(problem, "py-layer-twice")
    return PY_LAYER if isinstance(alone, Failure) and alone.error == failure.error else ""


def same(finding: Finding, shown: Finding, contract: Contract, precision: str = "") -> bool:
    """Whether two contradictions of one law on one problem are the same: outcome, quantity, and numbers or error.

    Numbers may differ by the rounding of the problem's dtype, or of a coarser ``precision``.
    """
    if outcome_of(finding) != outcome_of(shown) or finding.quantity != shown.quantity:
        return False
    if not finding.items <= shown.items:
        return False
    if finding.failure is not None or shown.failure is not None:
        return _same_error(finding.failure, shown.failure)
    if finding.items < shown.items:
        # the layer refuses what the kernel does not, and what is left is the kernel's
        return True
    if finding.message != shown.message or not _same_calls(finding.calls, shown.calls):
        return False
    noise = _noise(finding, contract, precision)
    if not (_close(finding.expected, shown.expected, noise) and _close(finding.got, shown.got, noise)):
        return False
    return _explained(finding, shown)


def _same_error(left: Failure | None, right: Failure | None) -> bool:
    """The same exception with the same words; numbers and shapes in them may differ."""
    if left is None or right is None or left.kind != "raised":
        return False
    return (left.kind, left.error, _words(left.message)) == (right.kind, right.error, _words(right.message))


def _words(message: str) -> str:
    return re.sub(r"\[[-\d, ]*\]|-?\d+", "#", message.split("[Hint")[0])


def _same_calls(left: Iterable[Problem], right: Iterable[Problem]) -> bool:
    pairs = list(zip(left, right, strict=False))
    return all(np.array_equal(one.logits, other.logits, equal_nan=True) for one, other in pairs)


def _noise(finding: Finding, contract: Contract, precision: str) -> float:
    """How far two sound computations of these numbers may lie apart."""
    problem = finding.calls[0]
    scales = [1.0]
    # what a law made wrong on purpose, the oracle refuses as it should
    answer = None if finding.quantity == "refusal" else contract.known_answer(problem)
    if answer is not None:
        scales += [_largest(answer.gradient_scale if "gradient" in finding.quantity else answer.value_scale)]
    scales += [_largest(array) for array in (finding.expected, finding.got) if array is not None]
    return 2.0 * BUDGET * max(UNIT_ROUNDOFF[problem.dtype], UNIT_ROUNDOFF.get(precision, 0.0)) * max(scales)


def _largest(array: Array) -> float:
    # NaN and inf have no size: they are compared as they are
    finite = np.abs(array[np.isfinite(array)]) if np.ndim(array) else np.abs(np.atleast_1d(array))
    return float(np.nan_to_num(finite, nan=0.0, posinf=0.0).max(initial=0.0))


def _close(left: Array | None, right: Array | None, noise: float) -> bool:
    """The same NaN and inf, and finite numbers no further apart than noise."""
    if left is None or right is None:
        return left is None and right is None
    return left.shape == right.shape and bool(np.allclose(left, right, rtol=0.0, atol=noise, equal_nan=True))


def _explained(finding: Finding, shown: Finding) -> bool:
    """Whether what the two got differs by far less than either is wrong: a small fault must not hide in the noise."""
    if finding.expected is None or finding.got is None or shown.got is None:
        return True
    if finding.expected.shape != finding.got.shape:
        return True
    with np.errstate(invalid="ignore"):
        wrong, left = np.abs(finding.got - finding.expected), np.abs(finding.got - shown.got)
    if not np.isfinite(wrong).all():
        # NaN and inf agree already; beside them nothing can be weighed
        return True
    return _largest(left) <= SHARE * _largest(wrong)
