"""The law of ignored class ids, where single entries have ids for targets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.judging.context import Case
from properties.judging.law import Finding, Law, NotApplicable
from properties.judging.observation import Failure
from properties.problems.domain import outside, within


def ignored_ids(case: Case) -> Iterator[Finding]:
    """An ignored class id takes all entries of its row out, where a layer takes ids."""
    problem = case.problem
    if problem.ignore_index is None:
        return
    classes, n = 2 + problem.salt % 3, 2 + problem.salt // 3 % 4
    ids = problem.rng().integers(0, classes, n)
    rows = np.resize(problem.logits, (n, classes))
    named = problem.replace(logits=rows, labels=ids, targets="hard", label_weight=None, axis=1)
    result = case.attempt(named)
    if isinstance(result, Failure) and result.kind == "raised":
        raise NotApplicable(f"the layer refuses class ids ({result.error})")
    masked = named.replace(labels=np.where(np.arange(n) == problem.salt % n, problem.ignore_index, ids))
    if case.contract.known_answer(masked) is None:
        raise NotApplicable("the contract's oracle takes no class ids")
    yield from case.matches(masked, message="An ignored class id does not take the entries of its row out.")


IGNORED_IDS = Law(
    "ignore/class-ids",
    "An ignored class id takes all entries of its row out, where ids are taken.",
    ignored_ids,
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
)
