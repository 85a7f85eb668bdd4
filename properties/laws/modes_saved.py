"""The law of saved programs: saved for a batch of any size and loaded, a layer is the same loss.

It rests on plain calls of the layer itself, with batches of several sizes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding, NotApplicable, Undecided
from properties.judging.law import law
from properties.judging.observation import Failure, Observation
from properties.laws.conduct_copies import SMALL, alike
from properties.problems.batches import shapes_of_any_batch, with_batches
from properties.problems.domain import outside
from properties.problems.membership import reason_outside as outside_of
from properties.problems.problem import Problem
from reference import UNIT_ROUNDOFF

WORDS = "Saved with a dynamic batch by paddle.jit.save and loaded"


@law(
    "modes/dynamic-batch",
    level="conduct",
    precondition={**SMALL, "rank": outside(1)},
    most=8,
    rests_on="a program is the same function of every batch: L and dL/dz do not depend on when n is known",
)
def dynamic_batch(case: Case) -> Iterator[Finding]:
    """Saved with a dynamic batch by paddle.jit.save and loaded, the layer answers as it does without, if it can be
    saved.

    The program is saved once, for any size, and then asked for batches of several sizes.
    """
    problem = _unmasked(case)
    if problem.call_arguments():
        return
    batches = _batches(case, problem)
    expected = [case.observe(batch) for batch in batches]
    parts = [np.arange(batch.size) for batch in batches]
    found = case.attempt(with_batches(batches[0], [list(part) for part in parts]), "saved")
    if isinstance(found, Failure):
        yield from _fails(case, batches[0], found)
        return
    if "lacks" in found.facts:
        raise NotApplicable(str(found.facts["lacks"]))
    ambiguous = 0
    for batch, got, plain in zip(batches, found.facts["answers"], expected, strict=True):
        if isinstance(got, Failure):
            yield from _fails(case, batch, got)
        elif case.contract.oracle is not None and case.answer(batch).ambiguous:
            ambiguous += 1
        else:
            yield from _as_eager(case, batch, got, plain)
    if ambiguous == len(batches):
        raise Undecided("more than one answer is right, and the two calls may choose differently")


def _unmasked(case: Case) -> Problem:
    """The problem without a mask, where the domain has such.

    A program takes its inputs in order, and what goes with a call is known by its name alone.
    """
    absent = {name: case.domain.dimensions.get(name) for name in ("label_weight", "ignored")}
    allowed = all(d is not None and {"absent", "none"} & set(d.values) for d in absent.values())
    return case.problem.replace(label_weight=None) if allowed else case.problem


def _batches(case: Case, problem: Problem) -> list[Problem]:
    """The problem's elements along one axis; then half of them, and one, where the domain has problems so small."""
    n = problem.size
    # what is valid comes first, so that a small batch is not one of ignored elements alone
    order = np.argsort(~problem.valid.reshape(-1), kind="stable")
    whole = problem.take(order)
    smaller = [whole.take(np.arange(size)) for size in dict.fromkeys(((n + 1) // 2, 1)) if size < n]
    return [whole, *(batch for batch in smaller if not outside_of(batch, case.domain))]


def _fails(case: Case, batch: Problem, failure: Failure) -> Iterator[Finding]:
    """The finding that a layer fails with a dynamic batch, where it does not with this batch's size alone."""
    fixed = case.attempt(batch, "saved-fixed")
    answers = [fixed] if isinstance(fixed, Failure) else fixed.facts["answers"]
    for answer in answers:
        if isinstance(answer, Failure):
            raise NotApplicable(f"saved with fixed sizes it does not answer either ({answer.error})")
    how = {"raised": "the layer raises", "crashed": "the process ends with", "timed out": "there is no answer after"}
    message = f"{WORDS}, {how[failure.kind]} {failure}; saved for this size alone it answers."
    yield Finding(message, (batch,), "failure", failure=failure, check=_script(batch))


def _as_eager(case: Case, batch: Problem, got: Observation, plain: Observation) -> Iterator[Finding]:
    if not got.gradient_dtype:
        # what was saved may have no way back
        got = Observation(got.value)
    message = f"{WORDS}, the layer has another answer than without."
    # a program rounds Python's own numbers to single precision, whatever stands beside them
    rounding = max(1.0, UNIT_ROUNDOFF["float32"] / UNIT_ROUNDOFF[batch.dtype])
    yield from alike(case, got, plain, message, _script(batch), rounding, batch)


def _script(batch: Problem) -> tuple[str, ...]:
    """Lines that save another layer of the kind, load it, and call it."""
    logits, labels = shapes_of_any_batch(batch)
    return (
        "import tempfile",
        "from paddle.static import InputSpec",
        f"spec = [InputSpec({logits}, logits.dtype), InputSpec({labels}, labels.dtype)]",
        "with tempfile.TemporaryDirectory() as folder:",
        "    paddle.jit.save({build}, folder + '/layer', input_spec=spec)",
        "    loaded = paddle.jit.load(folder + '/layer')",
        "loaded.train()",
        "again = loaded(logits, labels)",
    )
