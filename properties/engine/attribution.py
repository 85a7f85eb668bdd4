"""Inheritance: whose a contradiction is, the layer's own or that of the Paddle kernel that it stands on.

Two ways lead to a kernel. It is asked in the layer's place: the contract's own formula over the kernel's per-element
losses, on the same problem, under the same law. Where it shows the same contradiction with the same numbers or the same
error, and the same formula over exact losses shows none, the layer could not have done better on that kernel. Or the
layer itself is asked again, with the kernel replaced by an exact one: where nothing is contradicted any more, and the
kernel by itself is wrong on what the layer gave it, it was the kernel. No formula is needed for that, so it serves any
contract.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from properties.engine.examination import examine, outcome_of, verdict_on
from properties.judging.contract import Contract
from properties.judging.law import Finding, Law, NotApplicable, Undecided
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.domain import Domain
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

Array = NDArray[np.float64]

SHARE = 1.0 / 16.0
"""Beside the budget, how much of a deviation may be left unexplained."""


@dataclass(frozen=True)
class Kernel:
    """A kernel by its public name, and an observer that asks the contract's loss standing on it.

    ``told`` says that it is given labels and class weights as they are: only such a kernel can refuse them. One that
    ``refuses`` is asked for its refusals alone: its numbers are not the contract's.
    """

    name: str
    observer: Observer
    told: bool = False
    refuses: bool = False


class Replaced(Observer, Protocol):
    """Asks the layer itself, while kernels are replaced by exact ones."""

    def faulty(self, second: bool = False) -> tuple[str, ...]:
        """Those of the kernels that by themselves are wrong on what the layer gave them so far."""
        ...


AND = " and "


@dataclass(frozen=True)
class Standing:
    """What the losses of a contract may stand on: kernels, and exact per-element losses to hold them against.

    ``replaced`` asks the layer with kernels replaced, any of the ``replaceable`` ones.
    """

    kernels: tuple[Kernel, ...] = ()
    exact: Observer | None = None
    replaceable: tuple[str, ...] = ()
    replaced: Callable[[tuple[str, ...]], Replaced] | None = None

    def only(self, names: str) -> Standing:
        """The same with one kernel (or those that were named together), in whatever ways it may be stood on."""
        chosen = names.split(AND)
        return replace(
            self,
            kernels=tuple(kernel for kernel in self.kernels if kernel.name in chosen),
            replaceable=tuple(name for name in self.replaceable if name in chosen),
        )


Kernels = Callable[[Contract], Standing | None]
"""Finds the kernels of a contract; None where there are none."""


class _Attended:
    """Gives a sign of life before each question: a kernel that is slow must not look like a layer that hangs."""

    def __init__(self, observer: Observer, alive: Callable[[], None]) -> None:
        self._observer, self._alive = observer, alive

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Ask the kernel."""
        self._alive()
        return self._observer.observe(problem, probe)


class _AttendedLayer(_Attended):
    """The same for a layer on exact kernels."""

    def __init__(self, observer: Replaced, alive: Callable[[], None]) -> None:
        super().__init__(observer, alive)
        self._replaced = observer

    def faulty(self, second: bool = False) -> tuple[str, ...]:
        """As the layer's observer says."""
        self._alive()
        return self._replaced.faulty(second)


def attended(kernels: Kernels, alive: Callable[[], None]) -> Kernels:
    """The same kernels, with a sign of life before each is asked."""

    def found(contract: Contract) -> Standing | None:
        standing = kernels(contract)
        if standing is None:
            return None
        watched = tuple(replace(one, observer=_Attended(one.observer, alive)) for one in standing.kernels)
        exact = None if standing.exact is None else _Attended(standing.exact, alive)
        replaced = standing.replaced
        layer = None if replaced is None else lambda names: _AttendedLayer(replaced(names), alive)
        return replace(standing, kernels=watched, exact=exact, replaced=layer)

    return found


KernelAtFault = Callable[[Problem, Finding], str]
"""For a problem and what it showed of a layer: the kernel that the contradiction comes from, or ''."""


def kernel_at_fault(
    law: Law, contract: Contract, takes: AbstractSet[str], standing: Standing, domain: Domain | None = None
) -> KernelAtFault:
    """A judge of contradictions: for a problem and what it showed of a layer, the kernel that it comes from, or ''."""

    def judge(problem: Problem, finding: Finding) -> str:
        if "bad-arguments" in law.needs:
            # what a layer's own arguments may be is no matter of kernels
            return ""
        refusing = finding.failure is not None or finding.quantity == "refusal"
        for kernel in standing.kernels:
            if (refusing and not kernel.told) or (kernel.refuses and not refusing):
                continue
            shown = verdict_on(law, problem, contract, kernel.observer, takes, domain)
            if shown is not None and same(finding, shown, contract) and _vanishes(problem, finding):
                return kernel.name
        return "" if refusing else _without(problem, finding)

    def _vanishes(problem: Problem, finding: Finding) -> bool:
        if finding.quantity == "refusal":
            # exact losses refuse nothing
            return True
        assert standing.exact is not None
        shown = verdict_on(law, problem, contract, standing.exact, takes, domain)
        return shown is None or not same(finding, shown, contract)

    def _without(problem: Problem, finding: Finding) -> str:
        """The kernels without whose own faults the layer shows nothing, as few as will do."""
        if standing.replaced is None:
            return ""
        observer = standing.replaced(standing.replaceable)
        if not _holds(problem, observer):
            return ""
        faulty = observer.faulty(second=finding.quantity == "second gradient")
        # what is at fault has to be enough, and without it the layer still shows what it showed
        if not faulty or not _holds(problem, standing.replaced(faulty)) or _holds(problem, standing.replaced(())):
            return ""
        for name in faulty:
            if _holds(problem, standing.replaced((name,))):
                return name
        for name in faulty:
            fewer = tuple(other for other in faulty if other != name)
            if fewer and _holds(problem, standing.replaced(fewer)):
                faulty = fewer
        return AND.join(faulty)

    def _holds(problem: Problem, observer: Observer) -> bool:
        """Whether the law was put to the layer and holds; that it says nothing is not enough."""
        try:
            shown, used = examine(law, problem, contract, observer, takes, domain)
        except (Undecided, NotApplicable):
            return False
        return shown is None and used is not None

    return judge


def same(finding: Finding, shown: Finding, contract: Contract) -> bool:
    """Whether two contradictions of one law on one problem are the same: outcome, quantity, and numbers or error."""
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
    noise = _noise(finding, contract)
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


def _noise(finding: Finding, contract: Contract) -> float:
    """How far two sound computations of these numbers may lie apart."""
    problem = finding.calls[0]
    scales = [1.0]
    # what a law made wrong on purpose, the oracle refuses as it should
    answer = None if finding.quantity == "refusal" else contract.known_answer(problem)
    if answer is not None:
        scales += [_largest(answer.gradient_scale if "gradient" in finding.quantity else answer.value_scale)]
    scales += [_largest(array) for array in (finding.expected, finding.got) if array is not None]
    return 2.0 * BUDGET * UNIT_ROUNDOFF[problem.dtype] * max(scales)


def _largest(array: Array) -> float:
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
