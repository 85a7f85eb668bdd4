"""Laws of ignored elements: to ignore an element is to delete it, whatever stands in its place.

They rest on an ignored element having weight 0 in every sum, count and histogram of the contract's formula.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from properties.judging.context import Case, zeros_inserted
from properties.judging.explanations import explanation
from properties.judging.finding import Finding, NotApplicable
from properties.judging.granularity import shares
from properties.judging.law import law
from properties.judging.observation import Failure, Observation
from properties.problems.domain import outside, within
from properties.problems.precision import Array
from properties.problems.problem import Problem

MASKED = {"ignored": within("some", "most")}
_NEEDS = ("ignored",)
_BY_LABEL = ("ignore_index",)

MANY = 10_000
POISONS = (np.nan, np.inf, -np.inf, 1e30)


def deleting(case: Case, message: str, asked: Problem | None = None) -> Iterator[Finding]:
    """Value and gradient equal those of the problem without the ignored elements."""
    problem = case.problem if asked is None else asked
    mask = problem.valid
    if mask.all():
        return
    kept = problem.take(mask.reshape(-1))
    insert = zeros_inserted(mask)

    def value(values: Array) -> Array:
        return np.asarray(insert(values.reshape(-1)).reshape(mask.shape)) if problem.reduction == "none" else values

    def gradient(array: Array) -> Array:
        return problem.unflatten(insert(kept.flatten(array)))

    yield from case.agree(problem, kept, message, value=value, gradient=gradient)


@law(
    "ignore/deleting-is-masking",
    precondition=MASKED,
    needs=_NEEDS,
    rests_on="masking = deleting: v_i = 0 gives o_i = 0, in every sum, count and histogram",
    headline=True,
)
def deleting_is_masking(case: Case) -> Iterator[Finding]:
    """Ignored elements count for nothing: deleting them changes neither value nor gradient."""
    yield from deleting(case, "Deleting the ignored elements changes the answer: they are counted somewhere.")


@law(
    "ignore/label-and-mask",
    precondition={"label_weight": within("mask"), "ignore_index": outside(None), "size": within("few", "several")},
    needs=("ignore_index", "label_weight"),
    rests_on="v_i = [y_i != ignore_index] [label_weight_i > 0]: either takes an element out",
)
def label_and_mask(case: Case) -> Iterator[Finding]:
    """Beside a mask, an element is ignored by its label all the same."""
    problem = case.problem
    valid = np.flatnonzero(problem.valid.reshape(-1))
    if problem.label_weight is None or len(valid) < 2:
        return
    labels = problem.label_rows.astype(np.float64)
    labels[valid[problem.salt % len(valid)]] = problem.ignore_index
    both = problem.with_labels(labels)
    yield from deleting(case, "Beside a mask, what is ignored by its label is counted somewhere.", both)


@law(
    "ignore/poison",
    precondition=MASKED,
    needs=_NEEDS,
    rests_on="v_i = 0 gives o_i = 0 whatever z_i is; 0 times NaN is NaN, so it is left out, not multiplied",
)
def poison(case: Case) -> Iterator[Finding]:
    """NaN, inf and huge logits at ignored positions change nothing."""
    problem = case.problem
    if problem.valid.all():
        return
    rows = problem.rows.copy()
    rows[~problem.valid.reshape(-1)] = POISONS[problem.salt % len(POISONS)]
    poisoned = problem.with_rows(rows)
    yield from case.agree(poisoned, problem, "What stands at ignored positions changes the answer.")


@law(
    "ignore/zero-gradient",
    precondition=MASKED,
    needs=_NEEDS,
    rests_on="v_i = 0 gives o_i = 0 and dL/dz_i = 0",
)
def zero_gradient(case: Case) -> Iterator[Finding]:
    """At ignored positions the gradient is exactly 0, and so is an unreduced loss."""
    problem = case.problem
    ignored = ~problem.valid.reshape(-1)
    if not ignored.any():
        return
    observed, wrong = case.observe(), {}
    if observed.gradient is not None and (problem.flatten(observed.gradient)[ignored] != 0).any():
        expected = problem.unflatten(problem.flatten(observed.gradient) * ~ignored[:, None])
        wrong["gradient"] = ("The gradient is not 0 at an ignored element.", expected, observed.gradient)
    unreduced = problem.reduction == "none" and observed.value.shape == problem.shape
    if unreduced and (observed.value[~problem.valid] != 0).any():
        expected = np.where(problem.valid, observed.value, 0.0)
        wrong["value"] = ("`none` is not 0 at an ignored element.", expected, observed.value)
    yield from told(problem, wrong)


def told(problem: Problem, wrong: Mapping[str, tuple[str, Array, Array]]) -> Iterator[Finding]:
    """One finding of all the quantities that are wrong, each with words, what is due and what came."""
    if wrong:
        quantity, (_, expected, got) = next(iter(wrong.items()))
        message = " ".join(words for words, _, _ in wrong.values())
        yield Finding(message, (problem,), quantity, expected, got)


@law(
    "ignore/all-ignored",
    precondition={"ignored": within("all")},
    needs=_NEEDS,
    gate=3,
    rests_on="N = 0 gives W = 0, and a loss over 0 is defined as 0: L = 0, dL/dz = 0",
)
def all_ignored(case: Case) -> Iterator[Finding]:
    """With every element ignored, loss and gradient are 0."""
    if case.problem.valid.any():
        return
    yield from nothing(case, "With every element ignored the loss is not 0.")


def nothing(case: Case, message: str) -> Iterator[Finding]:
    """Value and gradient must be zeros."""
    problem = case.problem
    observed = case.observe()
    zero = np.zeros(problem.shape if problem.reduction == "none" else ())
    if shares(case.contract.granularity):
        yield from _one_number(problem, observed)
    else:
        yield from case.due(problem, observed.value, zero, "value", message)
    if observed.gradient is not None:
        yield from case.due(problem, observed.gradient, np.zeros_like(problem.logits), "gradient", message)


def _one_number(problem: Problem, observed: Observation) -> Iterator[Finding]:
    """A loss of what elements have in common must be a finite number where there are none: 0, or 1 as a ratio."""
    if problem.reduction != "none" and observed.value.shape != ():
        message = f"A reduced loss must be one number, and has shape {observed.value.shape}."
        yield Finding(message, (problem,), "value", np.zeros(()), observed.value)
    elif not np.isfinite(observed.value).all():
        yield Finding("The loss of nothing is not finite.", (problem,), "value", got=observed.value)


@law(
    "ignore/matches-nothing",
    precondition={"ignored": within("none")},
    needs=_BY_LABEL,
    rests_on="v_i = [y_i != ignore_index] = 1 for all i",
    slow=True,
)
def matches_nothing(case: Case) -> Iterator[Finding]:
    """An ignore_index that no label equals changes nothing.

    This holds for every such number, and for None.
    """
    problem = case.problem
    without = problem.ignore_index is None
    for index in _unmatched(problem, case.domain["ignore_index"]):
        witness = problem.replace(ignore_index=index)
        refused = index is None and _raises(case.attempt(witness))
        without = without or (index is None and not refused)
        if not refused:
            own = f"it is another with {problem.ignore_index} than with {index}"
            message = f"An ignore_index that matches no label changes the answer: {own}."
            found = next(case.agree(problem, witness, message), None)
            if found is not None:
                yield found
                return
    if not without and case.contract.oracle is not None:
        # with one they may all be wrong alike
        words = f"With ignore_index={problem.ignore_index}, which no label equals, the loss is not the contract's."
        for finding in case.matches(message=words):
            yield replace(finding, message=explanation(case, finding) or words)


def _unmatched(problem: Problem, values: Sequence[int | None]) -> list[int | None]:
    """The values of ignore_index that no label of the problem equals, its own left out; none at all first."""
    own = problem.ignore_index
    labels = problem.labels if problem.targets != "soft" else np.zeros(0)
    free = [v for v in dict.fromkeys(values) if v != own and (v is None or not (labels == v).any())]
    return sorted(free, key=lambda value: value is not None)


def _raises(result: Observation | Failure) -> bool:
    return isinstance(result, Failure) and result.kind == "raised"


@law(
    "ignore/inside-classes",
    declinable=True,
    precondition={**MASKED, "targets": within("hard"), "ignore_index": lambda v: v is not None and 0 <= v < 100},
    needs=_BY_LABEL,
    gate=3,
    rests_on="v_i = [y_i != ignore_index], for ignore_index in [0, C) too",
)
def inside_classes(case: Case) -> Iterator[Finding]:
    """An ignore_index that is the number of a class masks like any other."""
    index = case.problem.ignore_index
    yield from deleting(case, f"With ignore_index={index}, the number of a class, masking is not deleting.")


@law(
    "ignore/sentinels",
    declinable=True,
    precondition={
        **MASKED,
        "ignore_index": lambda v: v is not None and v != -100 and not 0 <= v < 100,
    },
    needs=_BY_LABEL,
    gate=3,
    rests_on="v_i = [y_i != ignore_index], whatever number outside [0, C) it is",
)
def sentinels(case: Case) -> Iterator[Finding]:
    """Any number outside the classes may be the ignore_index, -1 and 255 too."""
    index = case.problem.ignore_index
    yield from deleting(case, f"With ignore_index={index} masking is not deleting.")


@law(
    "ignore/none-is-all-valid",
    precondition={"ignore_index": within(None)},
    needs=_BY_LABEL,
    gate=3,
    rests_on="ignore_index None: v_i = 1 for all i",
)
def none_is_all_valid(case: Case) -> Iterator[Finding]:
    """ignore_index=None means that every element counts."""
    problem = case.problem
    result = case.attempt()
    if isinstance(result, Failure) and _raises(result):
        raise NotApplicable(f"the layer refuses ignore_index=None ({result.error})")
    witness = problem.replace(ignore_index=-100)
    yield from case.agree(problem, witness, "ignore_index=None differs from an ignore_index that matches nothing.")


@law(
    "ignore/many-ignored",
    precondition={**MASKED, "size": within("few"), "classes": lambda c: c <= 19},
    needs=_NEEDS,
    rests_on="W = sum_i v_i w[y_i]: ten thousand zeros add nothing",
    slow=True,
)
def many_ignored(case: Case) -> Iterator[Finding]:
    """One valid element among 10,000 ignored ones has the loss it has alone."""
    for _ in _crowded(case, MANY):
        # the smallest crowd that already does it is the better proof
        for crowd in (1, 2, 10, 100, 1000, MANY):
            yield from _crowded(case, crowd)


def _crowded(case: Case, crowd: int) -> Iterator[Finding]:
    problem = case.problem
    if problem.valid.all():
        return
    alone = problem.take([int(np.flatnonzero(problem.valid.reshape(-1))[0])])
    others = np.arange(crowd + 1) != problem.salt % crowd
    crowded = alone.take(np.zeros(crowd + 1, dtype=np.int64)).ignoring(others)
    masked = crowded.with_rows(np.where(others[:, None], 0.0, crowded.rows))
    insert = zeros_inserted(~others)
    yield from case.agree(
        masked,
        alone,
        f"{crowd:,} ignored elements beside a valid one change its loss.",
        value=(lambda v: insert(v.reshape(-1)).reshape(masked.shape)) if problem.reduction == "none" else lambda v: v,
        gradient=lambda g: masked.unflatten(insert(alone.flatten(g))),
    )


def with_class_ids(problem: Problem, least: int = 1) -> Problem:
    """A problem of single entries as one of rows with class ids: at salt 0 as small as it is, each id 0.

    So it shrinks as any other: what the salt adds goes with it, and the rows and columns with those of the problem.
    """
    more = problem.salt
    n = max(problem.shape[0] if problem.shape else 0, least) + more % 3
    classes = max(problem.shape[1] if len(problem.shape) > 1 else 1, 2) + more // 3 % 3
    ids = problem.rng().integers(0, classes, n) if more else np.zeros(n, dtype=np.int64)
    rows = np.resize(problem.logits, (n, classes)) if problem.size else np.zeros((n, classes))
    return problem.replace(logits=rows, labels=ids, targets="hard", label_weight=None, axis=1)


@law(
    "ignore/class-ids",
    precondition={
        "rank": within(2),
        "layout": within("contiguous"),
        "label_weight": within("absent"),
        "ignore_index": outside(None),
        "ignored": within("none"),
        "size": outside("empty"),
    },
    needs=("oracle", "ignore_index"),
    rests_on="v_i = 0 for the element i takes its entries (i, c) out, for every c",
    opt_in=True,
)
def ignored_ids(case: Case) -> Iterator[Finding]:
    """An ignored class id takes all entries of its row out, where ids are taken."""
    problem = case.problem
    if problem.ignore_index is None:
        return
    named = with_class_ids(problem, least=2)
    ids, n = named.labels, named.size
    result = case.attempt(named)
    if isinstance(result, Failure) and result.kind == "raised":
        raise NotApplicable(f"the layer refuses class ids ({result.error})")
    masked = named.replace(labels=np.where(np.arange(n) == problem.salt % n, problem.ignore_index, ids))
    if case.contract.known_answer(masked) is None:
        raise NotApplicable("the contract's oracle takes no class ids")
    yield from case.matches(masked, message="An ignored class id does not take the entries of its row out.")
