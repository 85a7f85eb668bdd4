"""Laws of conduct: a loss answers, reads its arguments, and leaves everything else as it found it.

They rest on a loss being a function: it has no effect but its result, which depends on its arguments alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding, NotApplicable
from properties.judging.law import law
from properties.judging.observation import Failure
from properties.problems.domain import outside, within
from properties.problems.membership import reason_outside
from properties.problems.precision import Array
from properties.problems.problem import Problem

ANSWERS = "conduct/answers"
"""The law before all others: where it does not hold, nothing else is asked."""

SMALL = {
    "size": within("few", "one", "several"),
    "logits": within("lattice", "normal", "ties"),
}


@law(
    ANSWERS,
    level="conduct",
    precondition=SMALL,
    plain=True,
    rests_on="L(z, y) and dL/dz exist for every finite z and every label in [0, C)",
    first=True,
)
def answers(case: Case) -> Iterator[Finding]:
    """The layer answers the simplest problems with a value and a gradient."""
    first = case.attempt()
    if isinstance(first, Failure) and any(not isinstance(case.attempt(other), Failure) for other in _others(case)):
        # it answers others: of what it does not take, the law of that kind tells
        return
    yield from has_gradient(case)


def _others(case: Case) -> Iterator[Problem]:
    """Batches of the same elements of which none has one element, or as many as there are classes, or an axis of 1."""
    problem = case.problem
    axes = len(problem.shape)
    for length in (2, 3) if axes > 1 and problem.size else ():
        chosen = problem.take(np.arange(length**axes) % problem.size)
        mask = None if chosen.label_weight is None else chosen.label_weight.reshape(-1)
        other = chosen.arranged((length,) * axes, problem.axis, chosen.rows, chosen.label_rows, mask)
        if length != problem.classes and not reason_outside(other, case.domain):
            yield other
    for size in (n for n in (2, 3, 5, 7) if n != problem.classes and problem.size):
        other = problem.take(np.arange(size) % problem.size)
        if not reason_outside(other, case.domain):
            yield other


def has_gradient(case: Case) -> Iterator[Finding]:
    """The finding that there is no gradient; a layer that fails raises LayerFailed."""
    observed = case.observe()
    if not observed.gradient_dtype:
        message = "No gradient reaches the logits."
        yield Finding(message, (case.problem,), "gradient", check=("assert logits.grad is not None",))


@law(
    "conduct/inputs-not-mutated",
    level="conduct",
    precondition=SMALL,
    rests_on="a loss is a function: L(z, y, w) leaves z, y and w as they are",
)
def not_mutated(case: Case) -> Iterator[Finding]:
    """Logits, labels and weights are left as they were."""
    facts = case.observe(probe="mutation").facts
    names = [name for name in ("labels", "logits", "weight") if facts.get(name)]
    if names:
        pairs = ", ".join(f"{name}=({name}.numpy(), {name}_before)" for name in names)
        check = (
            f"pairs = dict({pairs})",
            "changed = [name for name, (now, before) in pairs.items() if not np.array_equal(now, before)]",
            "assert not changed, changed",
        )
        message = f"The layer writes into its {listed(names)}."
        yield Finding(message, (case.problem,), "mutation", check=check, items=frozenset(names))


def listed(names: Sequence[str]) -> str:
    """Names as they stand in a sentence."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


@law(
    "conduct/grad-mode",
    level="conduct",
    precondition=SMALL,
    rests_on="a loss is a function: the global switch of gradients is not its business",
)
def grad_mode(case: Case) -> Iterator[Finding]:
    """Whether gradients are recorded is left as found."""
    facts = case.observe(probe="grad-mode").facts
    wrong = [mode for mode in ("enabled", "disabled") if facts[mode] != (mode == "enabled")]
    if wrong:
        left = [f"Called with gradients {m}, the layer leaves them switched {_TURNED[m]}." for m in wrong]
        check = tuple(line for mode in wrong for line in _GRAD_MODE_CHECKS[mode])
        yield Finding(" ".join(left), (case.problem,), "grad mode", check=check, items=frozenset(wrong))


_TURNED = {"enabled": "off", "disabled": "on"}

_GRAD_MODE_CHECKS = {
    "enabled": ("assert paddle.is_grad_enabled()",),
    "disabled": (
        "with paddle.no_grad():",
        "    layer(logits, labels)",
        "    assert not paddle.is_grad_enabled()",
    ),
}


@law(
    "conduct/global-state",
    level="conduct",
    # whoever seeds for a branch of the computation does it where that branch is taken: far out, in larger batches
    precondition={**SMALL, "size": outside("empty"), "logits": outside()},
    rests_on="a loss is a function: it may draw from random, numpy.random and paddle, whose seeds are the caller's",
)
def global_state(case: Case) -> Iterator[Finding]:
    """A layer leaves the seeds of the global random generators alone.

    What the generators draw next must still follow from the caller's seeds.
    """
    names = case.observe(probe="seeds").facts["reseeded"]
    if names:
        message = f"The layer sets the seed of {listed(names)}."
        yield Finding(message, (case.problem,), "seed", check=_seeded_check(names), items=frozenset(names))


def _seeded_check(names: Sequence[str]) -> tuple[str, ...]:
    return (
        *(("import random",) if "random" in names else ()),
        "def drawn_after(seed):",
        *(f"    {_SEEDED[name][0]}(seed)" for name in names),
        "    layer = {build}",
        "    loss = layer(logits, labels)",
        "    loss.backward(paddle.ones_like(loss))",
        f"    return [{', '.join(_SEEDED[name][1] for name in names)}]",
        "one, two = drawn_after(1), drawn_after(2)",
        "assert all(a != b for a, b in zip(one, two)), one",
    )


_SEEDED = {
    "random": ("random.seed", "random.random()"),
    "numpy.random": ("np.random.seed", "np.random.random()"),
    "paddle": ("paddle.seed", 'paddle.rand([1], dtype="float64").item()'),
}


@law(
    "conduct/repeatable",
    level="conduct",
    precondition=SMALL,
    rests_on="a loss is a function: the same (z, y, w) has the same L, bit for bit",
)
def repeatable(case: Case) -> Iterator[Finding]:
    """The same call has the same answer, bit for bit."""
    _remembers_nothing(case)
    check = ("again = layer(logits, labels)", "assert (again.numpy() == loss.numpy()).all(), again")
    message = "The same call, made twice, has two answers."
    for quantity, first, second in _both(case, "repeat"):
        if not np.array_equal(first, second, equal_nan=True):
            yield Finding(message, (case.problem,), quantity, first, second, check=check if quantity == "value" else ())
            return


@law(
    "conduct/prints-nothing",
    level="conduct",
    remark="printing, which changes no number; a layer that closes an output takes it from everybody else",
    # what a layer has to say it says of numbers that it did not expect
    precondition={**SMALL, "size": outside("empty"), "logits": outside()},
    rests_on="a loss is a function: what it says is its result, and what others say is not its business",
)
def prints_nothing(case: Case) -> Iterator[Finding]:
    """Nothing is printed, and standard output and error stay open."""
    facts = case.observe(probe="prints").facts
    found = {}
    if facts["printed"]:
        found["prints"] = f"The layer prints: {facts['printed'][:200]!r}."
    if facts["closed"]:
        found["closes"] = f"The layer closes {' and '.join(facts['closed'])}."
    if found:
        grade = "error" if "closes" in found else "remark"
        yield Finding(" ".join(found.values()), (case.problem,), "output", items=frozenset(found), grade=grade)


@law(
    "conduct/second-call",
    level="conduct",
    precondition=SMALL,
    rests_on="in eval() a loss has no state: L(z, y) does not depend on earlier calls",
    slow=True,
)
def second_call(case: Case) -> Iterator[Finding]:
    """In eval() what the layer was called with before does not matter."""
    check = (
        "layer.eval()",
        "loss = layer(logits, labels)",
        "layer(logits.detach() * 0.5, labels)",
        "again = layer(logits, labels)",
        "np.testing.assert_allclose(again.numpy(), loss.numpy(), rtol=1e-9)",
    )
    _remembers_nothing(case)
    message = "A call of the layer with another batch changes its next answer."
    for quantity, first, second in _both(case, "second-call"):
        for finding in case.same(case.problem, second, first, quantity, message):
            yield replace(finding, check=check if quantity == "value" else ())
            return


def _remembers_nothing(case: Case) -> None:
    if case.problem.config.get("momentum"):
        raise NotApplicable("a layer with momentum remembers the batches before")


def _both(case: Case, probe: str) -> Iterator[tuple[str, Array, Array]]:
    """What a plain call and a probe show of the same problem."""
    plain, probed = case.observe(), case.observe(probe=probe)
    yield "value", plain.value, probed.value
    if plain.gradient is not None and probed.gradient is not None:
        yield "gradient", plain.gradient, probed.gradient


@law(
    "conduct/no-grad",
    level="conduct",
    precondition=SMALL,
    rests_on="whether a gradient is recorded changes no value",
)
def under_no_grad(case: Case) -> Iterator[Finding]:
    """Inside paddle.no_grad() the value is the same."""
    observed = case.observe(probe="no-grad")
    message = "Inside paddle.no_grad() the value is another."
    for finding in case.same(case.problem, observed.value, case.observe().value, "value", message):
        yield replace(finding, check=_INSIDE_CHECK)


_INSIDE_CHECK = (
    "with paddle.no_grad():",
    "    inside = layer(logits, labels)",
    "np.testing.assert_allclose(inside.numpy(), loss.numpy(), rtol=1e-9)",
)


@law(
    "conduct/second-backward",
    level="conduct",
    precondition=SMALL,
    rests_on="dL/dz does not depend on how often it is asked for",
)
def second_backward(case: Case) -> Iterator[Finding]:
    """A second backward through a retained graph gives the same gradient."""
    observed = case.observe(probe="second-backward")
    first, second = observed.gradient, observed.facts["second"]
    if first is not None:
        message = "A second backward through the same graph gives another gradient."
        for finding in case.same(case.problem, np.asarray(second), first, "gradient", message):
            yield replace(finding, quantity="second gradient", check=_BACKWARD_CHECK)


_BACKWARD_CHECK = (
    "first = logits.grad.numpy()",
    "logits.clear_grad()",
    "loss.backward(upstream)",
    "np.testing.assert_allclose(logits.grad.numpy(), first, rtol=1e-6)",
)
