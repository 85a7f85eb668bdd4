"""The law of the moving average: a layer with momentum remembers the batches that it was trained on.

It rests on the oracles that take a history, which is asked for every step of a training, of saving and of copying.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from properties.drawing.regimes import HardLogits
from properties.drawing.strategies import problems
from properties.judging.context import Case
from properties.judging.finding import Finding, LayerFailed, NotApplicable, OutsideDomain, Undecided
from properties.judging.law import Law
from properties.judging.observation import Observation
from properties.judging.tolerance import judge
from properties.laws.conduct_copies import SMALL
from properties.problems.domain import Dimension, Domain, outside
from properties.problems.precision import Array
from properties.problems.problem import Problem
from properties.problems.training import STATE_ACTIONS, Step, batch_at, smaller_trainings, steps_of, with_steps
from reference import MovingPopulation
from reference.regions import Regions

NAME = "modes/moving-average"
PRECISION = "float32"
"""What answers are held to: an average of counts kept in single precision is no fault."""

CLEAR = {"float64": 1e-9, "float32": 1e-5}
"""How far from an edge a gradient norm must lie for its region to be certain."""

MOMENTUM = Dimension(
    "momentum",
    (0.0, 0.5, 0.9, 0.75, 0.99, 0.1),
    accepts=lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and 0.0 <= v < 1.0,
    expected="numbers in [0, 1)",
    absent=0.0,
    law=NAME,
    tacit=True,
    feature=lambda v: f"momentum={v}" if v else "",
)
EMA = Dimension("ema", ("corrected", "mmdet"), absent="corrected", law=NAME, tacit=True)
"""How the average starts and decays; a layer that cannot be told claims ``corrected``."""

BAD_MOMENTUM = (1.0, -0.5, float("nan"), "much", True)

NormsOf = Callable[[Problem], Array]


@dataclass
class _State:
    """What one layer remembers."""

    population: MovingPopulation


class _Memory:
    """What the layer at hand remembers, and the one aside; ``quirks`` are the ways in which a wrong one differs."""

    def __init__(self, first: MovingPopulation, quirks: frozenset[str] = frozenset()) -> None:
        self._first, self._quirks = first, quirks
        self.current = self._aside = _State(first)

    def change(self, action: str, resets: bool) -> None:
        """A step that is no call."""
        if action == "save and load":
            self.current = _State(self._first if "forgets" in self._quirks else self.current.population)
        elif action == "copy":
            self._aside = self.current
            self.current = self._aside if "shares" in self._quirks else _State(self._aside.population)
        elif action == "swap":
            self.current, self._aside = self._aside, self.current
        elif resets:
            self.current.population = self._first

    def before(self, training: bool) -> MovingPopulation:
        """What is remembered before a call, which takes part in it while training."""
        return replace(self.current.population, training=training or "learns in eval" in self._quirks)

    def learn(self, before: MovingPopulation, batch: Array) -> None:
        """A call with a batch of these populations."""
        if batch.any() or "skips nothing" not in self._quirks:
            self.current.population = before.after(batch)


_READINGS: dict[str, tuple[dict[str, Any], ...]] = {
    # of an average, the occupied regions may be those ever seen or those of the batch
    "corrected": ({}, {"occupied_in": "batch"}),
    "mmdet": ({},),
}

_QUIRKS: dict[str, tuple[dict[str, Any], frozenset[str]]] = {
    "the loss without momentum": ({"momentum": 0.0}, frozenset()),
    "an average that starts at 0 and is not corrected for it": ({"corrected": False}, frozenset()),
    "an average of which only the regions occupied in a batch decay": ({"decays": "occupied"}, frozenset()),
    "ema='mmdet'": ({"corrected": False, "decays": "occupied", "occupied_in": "batch"}, frozenset()),
    "ema='corrected'": ({"corrected": True, "decays": "every", "occupied_in": "average"}, frozenset()),
    "an average that calls in eval() change": ({}, frozenset({"learns in eval"})),
    "an average that a batch without valid elements leaves alone": ({}, frozenset({"skips nothing"})),
    "an average that is lost when the state_dict is loaded": ({}, frozenset({"forgets"})),
    "an average that a deep copy and its original share": ({}, frozenset({"shares"})),
}
"""What a layer may do instead, in words."""


def moving_average(norms_of: NormsOf) -> Law:
    """The law for losses whose layer takes ``momentum`` and ``ema``; their oracle takes a ``history``.

    ``norms_of`` gives the gradient norms of the valid elements of a problem.
    """

    def check(case: Case) -> Iterator[Finding]:
        problem = case.problem
        steps = steps_of(problem)
        if not problem.size or not any(step.calls for step in steps):
            return
        found = _asked(case, problem)
        answers, resets = found.facts["steps"], bool(found.facts["resets"])
        wrong = [
            _first_wrong(case, steps, answers, norms_of, resets, reading)
            for reading in _READINGS[problem.config["ema"]]
        ]
        if all(place is not None for place in wrong):
            place = max(place for place in wrong if place is not None)
            yield _finding(case, steps[: place + 1], answers, norms_of, resets)

    return Law(
        NAME,
        "With momentum a layer remembers the running average of the batches trained on, saved and copied with it.",
        check,
        "conduct",
        precondition={
            **SMALL,
            "size": lambda size: size in ("few", "one", "several"),
            "rank": outside(1),
            "momentum": lambda a: a > 0,
        },
        needs=("oracle", "momentum"),
        rests_on="S_j <- a S_j + (1 - a) R_j in training; b_i = N / (S_j m), S over 1 - a^t if its start is corrected",
        draw=_programs,
        smaller=smaller_trainings,
    )


def _asked(case: Case, problem: Problem) -> Observation:
    for step in steps_of(problem):
        if step.calls:
            case.require(batch_at(problem, step))
    try:
        found = case.observe(problem, probe="steps")
    except LayerFailed as failed:
        # where a plain call fails too, that is no matter of memory
        with contextlib.suppress(OutsideDomain):
            case.observe(problem.configure(momentum=0.0))
        raise failed from None
    if "lacks" in found.facts:
        raise NotApplicable(str(found.facts["lacks"]))
    return found


def _walk(
    case: Case, steps: tuple[Step, ...], norms_of: NormsOf, resets: bool, memory: _Memory
) -> Iterator[tuple[int, Problem, MovingPopulation, bool]]:
    """Each call: its place, its batch, what is remembered before it, and whether that says what is right."""
    for place, step in enumerate(steps):
        if not step.calls:
            memory.change(step.action, resets)
            continue
        batch = batch_at(case.problem, step)
        population = _population(batch, norms_of)
        before = memory.before(step.action == "train")
        memory.learn(before, population)
        # nothing is promised of a region that was never seen
        yield place, batch, before, before.after(population).knows(population)


def _first_wrong(
    case: Case,
    steps: tuple[Step, ...],
    answers: list[Observation | None],
    norms_of: NormsOf,
    resets: bool,
    reading: dict[str, Any],
    quirks: frozenset[str] = frozenset(),
) -> int | None:
    """The first step at which the layer does not answer as this average would; None: it always does."""
    memory = _Memory(replace(_start(case.problem), **reading), quirks)
    for place, batch, before, certain in _walk(case, steps, norms_of, resets, memory):
        answer, got = case.contract.answer(batch, history=before), answers[place]
        assert got is not None
        if certain and not judge(got, answer, PRECISION).holds:
            return place
    return None


def _finding(
    case: Case, steps: tuple[Step, ...], answers: list[Observation | None], norms_of: NormsOf, resets: bool
) -> Finding:
    """The finding at the last of these steps, with what the layer does instead, where that has a name."""
    memory = _Memory(_start(case.problem))
    *_, (_, batch, before, _) = _walk(case, steps, norms_of, resets, memory)
    got = answers[len(steps) - 1]
    assert got is not None
    followed = [
        words
        for words, (reading, quirks) in _QUIRKS.items()
        if _first_wrong(case, steps, answers, norms_of, resets, reading, quirks) is None
    ]
    explained = f" It is that of {', or of '.join(followed)}." if followed else ""
    match = judge(got, case.contract.answer(batch, history=before), PRECISION)
    words = "; ".join(map(str, steps[:-1]))
    first = f"After {words}," if words else "For a new layer"
    message = f"{first} the answer to {steps[-1]} is not that of the running average.{explained}"
    problem = with_steps(case.problem, steps)
    return Finding(message, (problem,), match.quantity, match.expected, match.got)


def _start(problem: Problem) -> MovingPopulation:
    config = problem.config
    return MovingPopulation.start(config["momentum"], config["ema"], Regions.of(config["bins"]).count)


def _population(batch: Problem, norms_of: NormsOf) -> Array:
    """R of a batch, whose elements must lie clear of the edges."""
    regions, norms = Regions.of(batch.config["bins"]), norms_of(batch)
    slack = CLEAR[batch.dtype]
    if (regions.index(norms - slack) != regions.index(np.minimum(norms + slack, 1.0))).any():
        raise Undecided("an element lies on the edge of a region")
    return np.bincount(regions.index(norms), minlength=regions.count).astype(np.float64)


_elements = st.lists(st.integers(0, 11), min_size=1, max_size=5).map(tuple)
_steps = st.lists(
    st.one_of(
        st.builds(Step, st.sampled_from(("train", "train", "eval")), _elements),
        st.sampled_from(tuple(STATE_ACTIONS)).map(Step),
    ),
    min_size=1,
    max_size=8,
).map(tuple)


def _programs(domain: Domain, hard_logits: HardLogits | None) -> st.SearchStrategy[Problem]:
    """Problems with a program, whose batches are wholly ignored only where that may be drawn."""

    def programmed(problem: Problem, steps: tuple[Step, ...]) -> Problem:
        known = steps_of(with_steps(problem, steps)) if problem.size else ()
        allowed = "all" in domain["ignored"]
        kept = [s for s in known if not s.calls or allowed or problem.valid.reshape(-1)[list(s.elements)].any()]
        return with_steps(problem, kept)

    return st.builds(programmed, problems(domain, hard_logits), _steps)
