"""Contract of cost-sensitive cross entropy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.contracts.cross_entropy import SOFT, SOFT_WEIGHT, by_class, cross_entropy_base
from properties.contracts.cross_entropy import divides_by as cross_entropy_divides_by
from properties.contracts.focal import GAMMA
from properties.departures import softmax_parts
from properties.departures.of_costs import OF_COSTS
from properties.departures.of_costs import costs_of as weights_of_classes
from properties.departures.of_labels import OF_LABELS
from properties.departures.of_places import OF_CLASSES_BY_PLACE
from properties.departures.of_slopes import OF_SLOPES
from properties.departures.of_soft_labels import OF_SOFT_LABELS
from properties.departures.of_softmax import OF_SOFTMAX
from properties.judging.assumptions import reading
from properties.judging.context import Case
from properties.judging.contract import OF_CLASSES, Bad, Contract, divisor
from properties.judging.finding import Finding, LayerFailed
from properties.judging.kernel_formula import KernelFormula
from properties.judging.law import Law
from properties.judging.observation import Failure
from properties.judging.tolerance import judge
from properties.laws.limits import cross_entropy_of, gamma_zero, limit, one_hot_is_hard
from properties.problems.dimensions import DENOMINATOR
from properties.problems.domain import Dimension, outside, within
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import Answer, cost_sensitive
from reference.cost_sensitive import class_costs

COUNTS: dict[str, Callable[[int], NDArray[Any]]] = {
    "long-tailed": lambda c: np.maximum(np.round(1000.0 * 0.5 ** np.arange(c)), 1.0),
    "equal": lambda c: np.full(c, 10.0),
    "rising": lambda c: np.arange(1.0, c + 1.0),
    "steep": lambda c: np.where(np.arange(c) % 2 == 0, 1.0, 100_000.0),
    "with-empty": lambda c: np.where(np.arange(c) == c - 1, 0.0, 7.0),
}
"""How often each of C classes occurs, by pattern."""


def counts(pattern: Any, classes: int) -> Array:
    """The counts of a pattern, or those that somebody wrote."""
    return np.asarray(COUNTS[pattern](classes) if isinstance(pattern, str) else pattern, dtype=np.float64)


def _is_counts(value: Any) -> bool:
    if not isinstance(value, tuple):
        return value in COUNTS
    numbers = [isinstance(v, (int, float)) and not isinstance(v, bool) and 0 < v < float("inf") for v in value]
    return bool(numbers) and all(numbers)


def settle(config: dict[str, Any]) -> dict[str, Any]:
    """A class that never occurs needs a weight of its own."""
    listed = config["num_class_list"]
    if config["empty_class_weight"] is None:
        return {**config, "num_class_list": np.where(listed == 0, 1.0, listed)}
    return config


def divides_by(problem: Problem) -> float:
    """The sum of the weights that costs and class weights make."""
    if problem.config["denominator"] == "count":
        return divisor(problem)
    costs = costs_of(problem.config)
    return cross_entropy_divides_by(problem.replace(weight=costs if problem.weight is None else costs * problem.weight))


def costs_of(given: Mapping[str, Any]) -> Array:
    """The weight of each class that the arguments make."""
    return class_costs(given["num_class_list"], given["gamma"], given["empty_class_weight"])


def never_occurs(case: Case) -> Iterator[Finding]:
    """A count of 0, of a class that no element has and then of one that has an element, and no weight given for it."""
    problem = case.problem
    empty = problem.classes - 1
    listed = counts("with-empty", problem.classes)
    asked = _elsewhere(problem, empty).configure(num_class_list=listed, empty_class_weight=None)
    if asked.label_rows.size and not _occurs(asked, empty) and _answers(case, asked):
        # whatever weight the class has, it multiplies nothing
        yield from case.matches(asked, answer=_with_weight(case, asked, 1.0), message=OTHERS_CHANGE)
    if problem.targets == "hard" and problem.size and problem.ignore_index != empty and problem.logits.ndim > 1:
        single = problem.take([0])
        yield from _of_the_empty_class(case, asked.take([0]).replace(labels=np.full_like(single.labels, empty)))


OTHERS_CHANGE = "A class that never occurs, neither in num_class_list nor among the labels, changes the loss."
NO_WEIGHT = "An element of a class that never occurs in num_class_list has a loss that no finite weight of it gives."


def _of_the_empty_class(case: Case, single: Problem) -> Iterator[Finding]:
    if not _answers(case, single):
        return
    observed, plain = case.observe(single), _with_weight(case, single, 1.0)
    weights = (1.0, 0.0, *_read_off(case, single))
    if not any(judge(observed, _with_weight(case, single, w), single.dtype).holds for w in weights):
        yield case.finding(judge(observed, plain, single.dtype), (single,), NO_WEIGHT)


def _read_off(case: Case, single: Problem) -> list[float]:
    """The weight that a layer gives to an element, from its loss at equal logits, log C, which loses no digits."""
    even = single.with_rows(np.zeros_like(single.rows))
    if not _answers(case, even):
        return []
    weight = float(case.observe(even).value.sum()) / float(_with_weight(case, even, 1.0).value.sum())
    return [weight] if np.isfinite(weight) and weight > 0 else []


def _answers(case: Case, problem: Problem) -> bool:
    """Whether there is an answer at all: any exception is a refusal, the end of the process is none."""
    result = case.attempt(problem)
    if isinstance(result, Failure) and result.kind != "raised":
        raise LayerFailed(result, problem)
    return not isinstance(result, Failure)


def _with_weight(case: Case, problem: Problem, weight: float) -> Answer:
    """The oracle's answer, with a weight for the class that never occurs."""
    return case.answer(problem.configure(empty_class_weight=weight))


def _elsewhere(problem: Problem, empty: int) -> Problem:
    """The problem without elements of a class: they are of another one, and no soft label has a part of it."""
    if problem.targets == "soft":
        rows = np.array(problem.label_rows)
        rows[:, empty] = 0.0
        return problem.with_labels(rows)
    others = [c for c in range(problem.classes) if c not in (empty, problem.ignore_index)]
    moved = (problem.labels == empty) & problem.valid
    return problem.replace(labels=np.where(moved, others[0] if others else empty, problem.labels))


def _occurs(problem: Problem, label: int) -> bool:
    return problem.targets == "hard" and bool((problem.labels == label)[problem.valid].any())


NEVER_OCCURS = Law(
    "weights/class-that-never-occurs",
    "A class with count 0 is refused, or has a finite weight and leaves the other classes alone.",
    never_occurs,
    precondition={
        "num_class_list": within("with-empty"),
        "empty_class_weight": within(None),
        "classes": outside(1),
        "size": outside("empty"),
        "ignored": within("none", "some", "most"),
        "weight": within("absent", "ones", "small"),
    },
    needs=("oracle", "num_class_list"),
    rests_on="(N_min / 0)^gamma is no number: N_min is that of the classes that occur, and w_c of the others is given",
)
"""The other laws draw a count of 0 only beside ``empty_class_weight``, which many layers lack."""

EQUAL = limit(
    "equal-counts-is-cross-entropy",
    "With equal counts the loss is cross entropy.",
    {"num_class_list": ("equal",)},
    cross_entropy_of,
    needs=("num_class_list",),
    rests_on="N_c = N_min for all c gives w_c = (N_min / N_c)^gamma = 1",
)


def in_words(listed: Any) -> str:
    """Class counts, by pattern or as somebody wrote them."""
    return f"{listed} class counts" if isinstance(listed, str) else f"class counts {', '.join(map(str, listed))}"


def without_costs(values: Mapping[str, Any]) -> str:
    """The name of what is left where all classes cost the same."""
    listed = values.get("num_class_list")
    if listed == "equal" or (isinstance(listed, tuple) and len(set(listed)) == 1):
        return "cross entropy"
    if values.get("gamma") != 0:
        return ""
    no_other = values.get("empty_class_weight", "drawn") is None
    return "cross entropy" if no_other else "cross entropy but for classes without samples"


def _bad(make: Any, *words: str) -> Bad:
    return Bad(lambda c: {"num_class_list": make(c), "empty_class_weight": None}, words)


ARGUMENTS = (
    Dimension(
        "num_class_list",
        ("long-tailed", "equal", "rising", "steep", "with-empty"),
        accepts=_is_counts,
        expected=f"one of {', '.join(COUNTS)}, or a list of counts > 0",
        absent="equal",
        expand=counts,
        always_shown=True,
    ),
    Dimension(
        "gamma",
        (1.0, 0.0, 0.5, 2.0, 0),
        accepts=GAMMA.accepts,
        expected=GAMMA.expected,
        absent=1.0,
        always_shown=True,
    ),
    Dimension(
        "empty_class_weight",
        (None, None, 1.0, 0.0, 0.25),
        accepts=lambda v: v is None or (isinstance(v, (int, float)) and v >= 0),
        expected="numbers >= 0 or None",
        always_shown=True,
    ),
    SOFT_WEIGHT,
    DENOMINATOR,
)

CONTRACT = Contract(
    name="cost_sensitive",
    sentence="Cross entropy with the class weights (N_min / N_c)^gamma.",
    promises=(*OF_CLASSES, "additive", "repetition"),
    oracle=cost_sensitive,
    arguments=ARGUMENTS,
    common=(SOFT,),
    settle=settle,
    divisor=divides_by,
    kernel_formula=KernelFormula(class_weights=costs_of, by_class=by_class),
    gradient="both",
    bases=(cross_entropy_base,),
    departures=(*OF_COSTS, *OF_SOFTMAX, *OF_SLOPES, *OF_CLASSES_BY_PLACE, *OF_SOFT_LABELS, *OF_LABELS),
    parts=softmax_parts.softmax_parts(weight=weights_of_classes),
    inside=softmax_parts.INSIDE,
    essential=(("num_class_list",),),
    reads=reading("cost-sensitive cross entropy", {"num_class_list": in_words}, without_costs, ARGUMENTS),
    own=(gamma_zero(empty_class_weight=(None,)), EQUAL, one_hot_is_hard, NEVER_OCCURS),
    bad_arguments={
        "num_class_list": (
            _bad(lambda c: np.where(np.arange(c) == 0, 0.0, 5.0), "0", "0.0"),
            _bad(lambda c: np.full(c, -3.0), "-3", "-3.0"),
            _bad(lambda c: np.full(c, np.nan), "nan"),
            _bad(lambda c: np.ones(c + 1), "num_class_list"),
        ),
        "gamma": (-1.0, float("nan"), "two"),
        "empty_class_weight": (-1.0, float("nan"), "none"),
        "denominator": ("batch",),
    },
)
