"""Kernels that a layer may stand on, and how each of them is asked in the layer's place or replaced under it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from properties.judging.contract import Contract
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.problem import Problem


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
class KernelSet:
    """What the losses of a contract may stand on: kernels, and exact per-element losses to hold them against.

    ``replaced`` asks the layer with kernels replaced, any of the ``replaceable`` ones. ``stands_on`` says which kernels
    a layer is seen to stand on in a problem; None: nobody knows, and any may be blamed.
    """

    kernels: tuple[Kernel, ...] = ()
    exact: Observer | None = None
    replaceable: tuple[str, ...] = ()
    replaced: Callable[[tuple[str, ...]], Replaced] | None = None
    stands_on: Callable[[Problem], frozenset[str]] | None = None

    def only(self, names: str) -> KernelSet:
        """The same with one kernel (or those that were named together), in whatever ways it may be stood on."""
        chosen = names.split(AND)
        return replace(
            self,
            kernels=tuple(kernel for kernel in self.kernels if kernel.name in chosen),
            replaceable=tuple(name for name in self.replaceable if name in chosen),
        )


Kernels = Callable[[Contract], KernelSet | None]
"""Finds the kernels of a contract; None where there are none."""


class Attended:
    """An observer that gives a sign of life before each question: what is slow is not what hangs."""

    def __init__(self, observer: Observer, alive: Callable[[], None]) -> None:
        self._observer, self._alive = observer, alive

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Give a sign of life, and ask."""
        self._alive()
        return self._observer.observe(problem, probe)


class _AttendedLayer(Attended):
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

    def found(contract: Contract) -> KernelSet | None:
        standing = kernels(contract)
        if standing is None:
            return None
        watched = tuple(replace(one, observer=Attended(one.observer, alive)) for one in standing.kernels)
        exact = None if standing.exact is None else Attended(standing.exact, alive)
        replaced = standing.replaced
        layer = None if replaced is None else lambda names: _AttendedLayer(replaced(names), alive)
        return replace(standing, kernels=watched, exact=exact, replaced=layer)

    return found
