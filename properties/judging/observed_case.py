"""The case that a law is given: one problem, the layer behind an observer, the oracle, and the budget used."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import numpy as np

from properties.errors import ContractError
from properties.judging.context import Transform, unchanged
from properties.judging.contract import Contract
from properties.judging.finding import Finding, LayerFailed, NotApplicable, OutsideDomain, Undecided
from properties.judging.observation import Failure, Observation, Observer
from properties.judging.rounding import agreement, largest_scale, own_scale
from properties.judging.tolerance import Match, closest_answer, compare, judge
from properties.problems.domain import Domain
from properties.problems.membership import reason_outside
from properties.problems.precision import LARGEST, SMALLEST_NORMAL, Array, round_to
from properties.problems.problem import Problem
from reference import Answer


class ObservedCase:
    """A Case (see ``properties.judging.context``) whose layer stands behind an observer.

    ``asked`` are the problems that were put to the layer.
    """

    def __init__(
        self,
        problem: Problem,
        contract: Contract,
        observer: Observer,
        takes: frozenset[str],
        domain: Domain | None = None,
    ) -> None:
        self.problem = problem
        self.contract = contract
        self.takes = takes
        self.domain = contract.domain if domain is None else domain
        self.used = 0.0
        self.effective: set[str] = set()
        self.asked: list[Problem] = []
        self._observer = observer
        self._answers: dict[int, tuple[Problem, Answer]] = {}
        self._observations: dict[int, tuple[Problem, Observation]] = {}

    def on(self, problem: Problem) -> ObservedCase:
        """The same law's case of another problem; what it asks of the layer is asked by this one."""
        other = ObservedCase(problem, self.contract, self._observer, self.takes, self.domain)
        other.asked, other.effective = self.asked, self.effective
        return other

    @property
    def nearness(self) -> float:
        """How near the largest number of the answers came to the largest one of its dtype, as a logarithm below 0."""
        nearest = -np.inf
        for problem, observation in self._observations.values():
            for array in (observation.value, observation.gradient):
                size = 0.0 if array is None else float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
                if size > 0.0:
                    nearest = max(nearest, float(np.log(size) - np.log(LARGEST[problem.dtype])))
        return nearest

    def require(self, problem: Problem, about: Collection[str] = ()) -> None:
        """Raise OutsideDomain for a problem that may not be put to the layer.

        In the dimensions that it is ``about`` it may be anything: what a layer must refuse lies outside of its domain.
        """
        if left := reason_outside(problem, self.domain, about):
            raise OutsideDomain(f"the law would have to leave the domain: {left}")

    def attempt(
        self, problem: Problem | None = None, probe: str = "plain", about: Collection[str] = ()
    ) -> Observation | Failure:
        """Ask the layer; a failure is an answer too."""
        asked = self.problem if problem is None else problem
        self.require(asked, about)
        self.asked.append(asked)
        result = self._observer.observe(asked, probe)
        if isinstance(result, Failure) and result.kind == "absent":
            raise NotApplicable(result.message)
        return result

    def observe(self, problem: Problem | None = None, probe: str = "plain") -> Observation:
        """Ask the layer, which must answer: LayerFailed otherwise."""
        asked = self.problem if problem is None else problem
        if probe == "plain" and id(asked) in self._observations:
            return self._observations[id(asked)][1]
        result = self.attempt(asked, probe)
        if isinstance(result, Failure):
            raise LayerFailed(result, asked)
        if probe == "plain":
            self._observations[id(asked)] = (asked, result)
        return result

    def answer(self, problem: Problem | None = None) -> Answer:
        """The oracle's answer."""
        asked = self.problem if problem is None else problem
        if id(asked) not in self._answers:
            self._answers[id(asked)] = (asked, self.contract.answer(asked))
        return self._answers[id(asked)][1]

    def known(self, problem: Problem) -> Answer | None:
        """The oracle's answer beside a law's own comparison: a problem made on purpose may be none that it answers."""
        if self.contract.oracle is None:
            return None
        try:
            return self.answer(problem)
        except ContractError:
            return None

    def matches(
        self,
        problem: Problem | None = None,
        *,
        answer: Answer | None = None,
        value: bool = True,
        gradient: bool = True,
        message: str = "",
    ) -> Iterator[Finding]:
        """Hold the layer against the oracle's admissible answers (or against ``answer``)."""
        asked = self.problem if problem is None else problem
        observed = self.observe(asked)
        expected = self.answer(asked) if answer is None else answer
        if not expected.decided:
            raise Undecided("more elements lie on a jump of the loss than can be enumerated")
        match = judge(observed, expected, asked.dtype, value=value, gradient=gradient)
        if match.holds:
            self.used = max(self.used, match.used)
        else:
            yield self.finding(match, (asked,), message)

    def agree(
        self,
        accused: Problem,
        witness: Problem,
        message: str,
        *,
        value: Transform | None = unchanged,
        gradient: Transform | None = unchanged,
    ) -> Iterator[Finding]:
        """The layer's answer to ``accused`` must equal its answer to ``witness``, transformed (None: not compared)."""
        left, right = self.observe(accused), self.observe(witness)
        for quantity, transform in (("value", value), ("gradient", gradient)):
            if transform is None:
                continue
            match = self._relate(quantity, accused, left, witness, right, transform)
            if match.holds:
                self.used = max(self.used, match.used)
            elif not self._both_admissible(quantity, accused, left, witness, right):
                yield self._blame(match, accused, left, witness, right, message)
                return

    def same(
        self,
        problem: Problem,
        got: Array,
        other: Array,
        quantity: str,
        message: str,
        scale: Array | float | None = None,
    ) -> Iterator[Finding]:
        """Two answers of the layer that belong to ``problem`` must agree within its budget (or within ``scale``)."""
        if scale is None:
            scale = largest_scale(self.error_scale(quantity, problem, self.observe(problem)))
        floor = SMALLEST_NORMAL[problem.dtype]
        yield from self._held(agreement(got, other, scale, problem.dtype, quantity, floor), problem, message)

    def due(
        self,
        problem: Problem,
        got: Array,
        expected: Array,
        quantity: str,
        message: str,
        scale: Array | float | None = None,
    ) -> Iterator[Finding]:
        """The layer must have numbers that are known, within the oracle's budget (or within ``scale``)."""
        if scale is None:
            scale = largest_scale(self._stated(quantity, problem, self.observe(problem))[0])
        match = compare(got, expected, np.broadcast_to(scale, expected.shape), problem.dtype, quantity)
        yield from self._held(match, problem, message)

    def _held(self, match: Match, problem: Problem, message: str) -> Iterator[Finding]:
        if match.holds:
            self.used = max(self.used, match.used)
        else:
            yield self.finding(match, (problem,), message)

    def finding(self, match: Match, calls: tuple[Problem, ...], message: str) -> Finding:
        """A finding with the numbers of a comparison."""
        return Finding(message, calls, match.quantity, match.expected, match.got)

    def _relate(
        self, quantity: str, accused: Problem, left: Observation, witness: Problem, right: Observation, apply: Transform
    ) -> Match:
        index = 0 if quantity == "value" else 1
        got, other = (left.value, right.value) if index == 0 else (left.gradient, right.gradient)
        if got is None or other is None:
            return Match(got is None and other is None, 0.0, quantity, other, got)
        scale = self.error_scale(quantity, accused, left)
        if other.shape == self._natural_shape(quantity, witness):
            scale = scale + np.abs(apply(self.error_scale(quantity, witness, right)))
            floor = np.abs(apply(np.full(other.shape, SMALLEST_NORMAL[witness.dtype])))
            return agreement(got, apply(other), scale, accused.dtype, quantity, floor)
        return replace(compare(got, other, scale, accused.dtype, quantity), holds=False)

    def _blame(
        self, match: Match, accused: Problem, left: Observation, witness: Problem, right: Observation, message: str
    ) -> Finding:
        """The finding against the call that the oracle contradicts, where there is an oracle and it is but one."""
        due, other = self.known(accused), self.known(witness)
        if due is not None and other is not None and judge(left, due, accused.dtype).holds:
            wrong = judge(right, other, witness.dtype)
            if not wrong.holds:
                return self.finding(wrong, (witness, accused), message)
        found = self.finding(match, (accused, witness), message)
        return replace(found, mutual=self.contract.oracle is None)

    def error_scale(self, quantity: str, problem: Problem, observation: Observation) -> Array:
        """The scale of the error of each of the layer's numbers: the oracle's, where they are the oracle's own."""
        numbers = observation.value if quantity == "value" else observation.gradient
        scale, expected = self._stated(quantity, problem, observation)
        return scale if numbers is None or expected is None else own_scale(numbers, expected, scale, problem)

    def _stated(self, quantity: str, problem: Problem, observation: Observation) -> tuple[Array, Array | None]:
        """The oracle's scale and numbers, of the answer that the layer chose; without an oracle, any loss's scale."""
        known = self.known(problem)
        if known is None:
            return self.contract.scales(problem, observation)[quantity != "value"], None
        answer = closest_answer(observation, known, problem.dtype)[1]
        if quantity == "value":
            return answer.value_scale, answer.value
        return answer.gradient_scale, answer.gradient

    @staticmethod
    def _natural_shape(quantity: str, problem: Problem) -> tuple[int, ...]:
        if quantity == "gradient":
            return problem.logits.shape
        return problem.shape if problem.reduction == "none" else ()

    def _both_admissible(
        self, quantity: str, accused: Problem, left: Observation, witness: Problem, right: Observation
    ) -> bool:
        """Where the loss jumps, two sound calls may fall on two sides; then each must be right by itself."""
        calls = ((accused, left), (witness, right))
        if self.contract.oracle is None:
            # at a tie or a kink any subgradient is right, and the value still has to be one
            if any(self._jumps_at(*call, quantity) for call in calls):
                raise Undecided(f"the layer's {quantity} jumps here, and no oracle says which sides are right")
            return False
        found = [(self.known(p), o, p.dtype) for p, o in calls]
        answers = [(answer, o, dtype) for answer, o, dtype in found if answer is not None]
        if len(answers) < len(found):
            return False
        matches = [(judge(o, answer, dtype), answer) for answer, o, dtype in answers]
        if not any(answer.ambiguous for answer, _, _ in answers):
            # a layer that is not the oracle's jumps where it likes
            if not any(match.holds for match, _ in matches) and any(self._jumps_at(*call) for call in calls):
                raise Undecided("the layer's answer jumps here, where the oracle's does not")
            return False
        if any(not match.holds and not answer.decided for match, answer in matches):
            raise Undecided("more elements lie on a jump of the loss than can be enumerated")
        if not any(match.holds for match, _ in matches):
            raise Undecided("the layer is wrong on both calls, which may differ since more than one answer is right")
        return all(match.holds for match, _ in matches)

    def _jumps_at(self, problem: Problem, observation: Observation, quantity: str = "") -> bool:
        """Whether a hair's breadth away the layer has quite another answer: at a tie, or on an edge.

        ``quantity`` is which of value and gradient is looked at, where it is not both.
        """
        direction = np.where(problem.rng().integers(0, 2, problem.logits.shape) == 0, 1.0, -1.0)
        if quantity:
            # steps of different lengths, or equal logits stay equal
            direction *= problem.rng().uniform(0.25, 1.0, problem.logits.shape)
        size = max(1.0, float(np.abs(problem.logits[np.isfinite(problem.logits)]).max(initial=0.0)))
        breadth = HAIR[problem.dtype] * size
        for sign in (1.0, -1.0):
            moved = round_to(problem.logits + sign * breadth * direction, problem.dtype)
            # a hair's breadth is no matter of the domain
            beside = self.attempt(problem.replace(logits=moved), about=("logits",))
            if isinstance(beside, Failure):
                return True
            if quantity != "gradient" and not _near(beside.value, observation.value, problem.dtype):
                return True
            if quantity == "value":
                continue
            pair = (beside.gradient, observation.gradient)
            if pair[0] is not None and pair[1] is not None and not _near(pair[0], pair[1], problem.dtype):
                return True
        return False


HAIR = {"float64": 2.0**-30, "float32": 2.0**-14, "float16": 2.0**-6, "bfloat16": 2.0**-4}
"""A step in the logits, relative to their size, over which a smooth loss changes by a small part of itself."""


STEEP = 2.0**8
"""How many times its step a smooth loss changes at most, relative to its size; what changes more has jumped."""


def _near(one: Array, other: Array, dtype: str) -> bool:
    """Whether two answers a hair's breadth apart are those of a smooth loss; NaN and inf are not looked at.

    Each number must be within a twentieth of its own size, or within what the step explains of the largest.
    """
    if one.shape != other.shape:
        return False
    both = np.isfinite(one) & np.isfinite(other)
    one, other = one[both], other[both]
    own, size = np.maximum(np.abs(one), np.abs(other)), np.abs(other).max(initial=0.0)
    room = np.maximum(0.05 * own, STEEP * HAIR[dtype] * size)
    return bool((np.abs(one - other) <= np.minimum(room, 0.05 * size)).all())
