"""Contract of the average top-k loss over any individual loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from properties.departures.of_softmax import ENTROPIES
from properties.departures.of_top_k import OF_TOP_K
from properties.departures.top_k_parts import INSIDE, top_k_parts
from properties.judging.assumptions import spoken
from properties.judging.context import Case
from properties.judging.contract import OF_CLASSES, Contract, divisor
from properties.judging.finding import Finding, LayerFailed
from properties.judging.kernel_formula import Arguments, KernelFormula, KernelLosses
from properties.judging.law import Law
from properties.judging.observation import Failure, Observation
from properties.judging.tolerance import Match, compare
from properties.laws.aggregate_top_k import TOP_K_LAWS
from properties.laws.limits import cross_entropy_of, limit
from properties.laws.sigmoid import symmetry
from properties.problems.dimensions import DENOMINATOR
from properties.problems.domain import Dimension, outside, within
from properties.problems.problem import Problem
from reference import Answer, top_k_loss
from reference.top_k import count_of

KINDS = {
    "cross_entropy": "hard",
    "logistic": "probability",
    "hinge": "binary",
    "squared": "real",
    "absolute": "real",
}
"""What the labels of each individual loss are."""


def kind_of(individual: Any) -> str:
    """The kind of labels of an individual loss."""
    return KINDS.get(individual, "hard")


def settle(config: dict[str, Any]) -> dict[str, Any]:
    """A number of elements leaves no room for a fraction."""
    return config if config["k"] is None else {**config, "top_k": None}


def divides_by(problem: Problem) -> float:
    """k W / N, or k."""
    count = int(problem.valid.sum())
    k = count_of(problem.config["top_k"], problem.config["k"], count)
    return divisor(problem) * k / count if count else 0.0


def individual_of(problem: Problem) -> Answer:
    """The individual loss of every element, chosen or not."""
    everything = problem.configure(top_k=1.0, k=None).replace(weight=None, reduction="none", normalizer=None)
    return top_k_loss(problem.logits, problem.labels, **everything.arguments())


def selection_moves(ahead: Problem, behind: Problem) -> bool:
    """Whether other elements are the largest in two problems, or too close a race, or an element lies at a kink."""
    sides = []
    for problem in (ahead, behind):
        plain = problem.configure(top_k=1.0, k=None).replace(reduction="none", normalizer=None)
        arguments = plain.arguments()
        losses = top_k_loss(problem.logits, problem.labels, **arguments)
        values = losses.value[problem.valid]
        k = count_of(problem.config["top_k"], problem.config["k"], len(values))
        order = np.argsort(-values, kind="stable")
        if 0 < k < len(values) and values[order[k - 1]] - values[order[k]] < 1e-9:
            return True
        sides.append((set(order[:k].tolist()), np.sign(losses.gradient)))
    return sides[0][0] != sides[1][0] or bool(_turned(sides[0][1], sides[1][1], ahead))


def _turned(ahead: Any, behind: Any, problem: Problem) -> bool:
    """Whether a slope of hinge or absolute changes its sign, or vanishes, between two problems."""
    return problem.config["individual"] in ("hinge", "absolute") and bool((ahead != behind).any())


def maximum(case: Case) -> Iterator[Finding]:
    """With k = 1 the loss is the largest weighted loss."""
    problem = case.problem
    losses = cross_entropy_of(problem.replace(reduction="none", normalizer=None))
    largest = float(losses.value[problem.valid].max(initial=0.0))
    due = largest / (divides_by(problem) or 1.0) if problem.reduction == "mean" else largest
    message = "With k = 1 the loss is not the largest of the elements'."
    yield from case.due(problem, case.observe().value, np.asarray(due), "value", message)


def reads(values: Mapping[str, Any]) -> str:
    """Average top-k with these values; the average of all losses, and the largest alone, by their own names."""
    individual = str(values.get("individual", "")).replace("_", " ")
    k, top_k = values.get("k", "drawn"), values.get("top_k", "drawn")
    rest = {name: value for name, value in values.items() if name not in ("individual", "k", "top_k")}
    if k is None and top_k == 1:
        plain = "losses" if individual in ("", "cross entropy") else f"{individual} losses"
        loss = f"the average of all {plain}" + ", which is cross entropy" * (individual == "cross entropy")
    elif k == 1:
        loss = f"the largest {individual} loss".replace("  ", " ")
    else:
        loss = "average top-k" + (f" of {individual}" if individual else "")
        rest = {**({"k": k} if isinstance(k, int) else _fraction(k, top_k)), **rest}
    said = spoken(rest, arguments=ARGUMENTS)
    return f"as {loss}{' with ' if said else ''}{said}" if said or loss != "average top-k" else ""


def _fraction(k: Any, top_k: Any) -> dict[str, Any]:
    """A fraction that is the only one."""
    if top_k in (None, "drawn"):
        return {}
    return {"top_k": top_k if k is None else f"{top_k} where k is not given"}


def both_given(case: Case) -> Iterator[Finding]:
    """A number and a fraction of elements at once: refused, or one of the two holds."""
    by_number = case.problem
    fractions = [r for r in dict.fromkeys(case.domain["top_k"]) if r is not None]
    if not fractions:
        return
    fraction = fractions[by_number.salt % len(fractions)]
    asked = by_number.configure(top_k=fraction)
    got = case.attempt(asked)
    if isinstance(got, Failure):
        if got.kind != "raised":
            raise LayerFailed(got, asked)
        return
    matches = [_like(case, got, alone) for alone in (by_number, by_number.configure(k=None, top_k=fraction))]
    if not any(match.holds for match in matches):
        message = (
            f"Given k={by_number.config['k']} and top_k={fraction}, the layer goes by neither, and refuses nothing."
        )
        yield case.finding(matches[0], (asked, by_number), message)


def _like(case: Case, got: Observation, alone: Problem) -> Match:
    """Whether an answer is the layer's own to another problem."""
    due = case.observe(alone)
    scales = [case.error_scale(quantity, alone, due) for quantity in ("value", "gradient")]
    value = compare(got.value, due.value, scales[0], alone.dtype)
    if not value.holds or got.gradient is None or due.gradient is None:
        return value
    return compare(got.gradient, due.gradient, scales[1], alone.dtype, "gradient")


BOTH = Law(
    "refusals/k-and-top-k",
    "A number and a fraction of elements at once are refused, or one of them holds.",
    both_given,
    level="refusals",
    precondition={"k": outside(None), "size": within("few", "several"), "logits": within("lattice", "normal")},
    needs=("oracle", "k", "top_k"),
    rests_on="k and r each say how many losses are averaged: k is given, or the largest j with j / N <= r",
)
"""Everywhere else a number leaves no room for a fraction."""

EVERYTHING = limit(
    "everything-is-cross-entropy",
    "With top_k 1 the loss is cross entropy.",
    {"top_k": (1, 1.0), "k": (None,), "individual": ("cross_entropy",)},
    cross_entropy_of,
    needs=("top_k",),
    rests_on="k = N: s_i = 1 for all i, and k W / N = W",
)

MAXIMUM = Law(
    "limit/one-is-the-maximum",
    "With k 1 the loss is the maximum.",
    maximum,
    precondition={"k": within(1), "individual": within("cross_entropy"), "reduction": within("sum", "mean")},
    needs=("k", "reference"),
    rests_on="k = 1: sum_i s_i o_i l_i = max_i o_i l_i",
)


def _is_cross_entropy(given: Arguments) -> bool:
    return bool(given["individual"] == "cross_entropy")


def _chosen_number(of: KernelLosses) -> tuple[int, int]:
    """How many elements are averaged, of how many that count."""
    count = int(of.operations.numbers(of.valid).sum())
    return count_of(of.arguments["top_k"], of.arguments["k"], count), count


def largest(of: KernelLosses) -> Any:
    """The largest weighted losses; 0 for all others."""
    valid, weighted = of.operations.numbers(of.valid), of.operations.numbers(of.weighted)
    ranked = np.where(valid > 0, weighted, -np.inf).reshape(-1)
    chosen = np.zeros(ranked.size)
    chosen[np.argsort(-ranked, kind="stable")[: _chosen_number(of)[0]]] = 1.0
    return of.weighted * of.operations.constant(chosen.reshape(valid.shape), of.losses)


def _largest_divide_by(of: KernelLosses) -> float:
    k, count = _chosen_number(of)
    return (k / count if count else 1.0) * of.divisor


ARGUMENTS = (
    Dimension(
        "individual",
        ("cross_entropy", "cross_entropy", "logistic", "cross_entropy", "hinge", "squared", "absolute"),
        accepts=lambda v: isinstance(v, str) and v in KINDS,
        expected=f"one of {', '.join(KINDS)}",
        absent="cross_entropy",
        kind=kind_of,
        always_shown=True,
    ),
    Dimension(
        "top_k",
        (0.7, 1.0, 0.5, 1, 0.29, 0.1, 0.9, 0.3),
        accepts=lambda v: v is None or (isinstance(v, (int, float)) and v is not True and 0.0 < v <= 1.0),
        expected="fractions in (0, 1] or None",
        absent=0.7,
        always_shown=True,
        plain=within(1, 1.0),
    ),
    Dimension(
        "k",
        (None, 1, 2, None, 4, 100, 3),
        accepts=lambda v: v is None or (isinstance(v, int) and v is not True and v >= 1),
        expected="ints >= 1 or None",
        always_shown=True,
    ),
    DENOMINATOR,
)

CONTRACT = Contract(
    name="average_top_k",
    sentence="Average top-k: the mean of the k largest weighted losses, no gradient through the choice.",
    promises=OF_CLASSES,
    oracle=top_k_loss,
    arguments=ARGUMENTS,
    settle=settle,
    divisor=divides_by,
    kernel_formula=KernelFormula(largest, divisor=_largest_divide_by, applies=_is_cross_entropy),
    gradient="both",
    bases=(individual_of,),
    departures=(*OF_TOP_K, *ENTROPIES),
    parts=top_k_parts,
    inside=INSIDE,
    essential=(("top_k", "k"),),
    reads=reads,
    own=(EVERYTHING, MAXIMUM, BOTH, symmetry(), *TOP_K_LAWS),
    precise=True,
    jumps=selection_moves,
    bad_arguments={
        "top_k": (0.0, -0.5, 1.5, 5, float("nan"), "most"),
        "k": (0, -1, 2.5, "two", True),
        "individual": ("mse", 3),
        "denominator": ("batch",),
    },
)
