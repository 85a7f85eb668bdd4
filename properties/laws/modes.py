"""Laws of modes: translated to a program, under mixed precision or derived twice, a layer is the same loss.

They rest on plain calls of the layer itself: how a function is run changes neither its value nor its gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from properties.judging.context import Case
from properties.judging.finding import Finding, NotApplicable, Undecided
from properties.judging.law import law
from properties.judging.observation import Observation
from properties.laws.conduct_copies import SMALL, alike, probed
from properties.problems.domain import within
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference import BUDGET, UNIT_ROUNDOFF

MOST = 8
"""Examples of a law that makes programs: each takes a second where a plain one takes a millisecond."""

STEPS = (2.0**-9, 2.0**-11, 2.0**-13)


def _probed_as_eager(case: Case, probe: str, words: str, check: tuple[str, ...]) -> Iterator[Finding]:
    """The finding that a probe does not show what a plain call does, or that the layer fails at it."""
    found = probed(case, probe, check, words)
    if isinstance(found, Finding):
        yield found
        return
    yield from _as_eager(case, found, f"{words}, the layer has another answer than without.", check)


@law(
    "modes/to-static",
    level="conduct",
    precondition=SMALL,
    most=MOST,
    rests_on="a translated layer is the same function: L and dL/dz do not depend on how they are run",
)
def to_static(case: Case) -> Iterator[Finding]:
    """Behind paddle.jit.to_static the layer answers as it does without."""
    yield from _probed_as_eager(case, "to-static", "Behind paddle.jit.to_static", _translation(""))


@law(
    "modes/full-graph",
    level="conduct",
    precondition=SMALL,
    most=MOST,
    rests_on="a graph of the layer is the same function: L and dL/dz do not depend on how they are run",
)
def full_graph(case: Case) -> Iterator[Finding]:
    """As one graph, by paddle.jit.to_static(full_graph=True), the layer answers as it does without, if at all.

    A layer of whose source Paddle can make no graph has not what this is about.
    """
    words, check = "Behind paddle.jit.to_static(full_graph=True)", _translation(", full_graph=True")
    found = probed(case, "full-graph", check, words)
    if not isinstance(found, Finding):
        yield from _as_eager(case, found, f"{words}, the layer has another answer than without.", check)
    elif found.failure is not None and found.failure.kind == "timed out":
        # Paddle's translation of some sources, of which super() is one, does not come to an end
        raise NotApplicable(f"full_graph=True has no program of it after {found.failure.error}")
    else:
        yield found


@law(
    "modes/static-program",
    level="conduct",
    precondition=SMALL,
    most=40,
    rests_on="a program of the layer is the same function: L and dL/dz do not depend on how they are run",
)
def static_program(case: Case) -> Iterator[Finding]:
    """In a static program the layer has the value and the gradient that it has in dynamic mode, if it takes part."""
    found = probed(case, "static-program", _program_of(case.problem, "data"), "In a static program")
    if isinstance(found, Finding):
        yield found
        return
    check = _program_of(case.problem, str(found.facts["weights"]))
    message = "In a static program, the layer has another answer than without."
    for finding in _as_eager(case, found, message, ()):
        yield replace(finding, quantity=f"{finding.quantity} in the program", check=check)


def _as_eager(case: Case, found: Observation, message: str, check: tuple[str, ...]) -> Iterator[Finding]:
    """What came must be what a plain call gives; where more than one answer is right, another right one will do."""
    if case.contract.oracle is not None and case.answer().ambiguous:
        raise Undecided("more than one answer is right, and the two calls may choose differently")
    # a program rounds Python's own numbers to single precision, whatever stands beside them
    rounding = max(1.0, UNIT_ROUNDOFF["float32"] / UNIT_ROUNDOFF[case.problem.dtype])
    yield from alike(case, found, case.observe(), message, check, rounding)


def _translation(options: str) -> tuple[str, ...]:
    return (f"static = paddle.jit.to_static(layer{options})", "again = static(logits, labels)")


_WEIGHTS = {
    "data": "    weight = paddle.static.data('weight', feed['weight'].shape, feed['weight'].dtype)",
    "tensor": "    weight = paddle.assign(numbers)",
    "list": "    weight = numbers.tolist()",
}
"""Class weights in each of their forms."""


def _program_of(problem: Problem, form: str) -> tuple[str, ...]:
    """Lines that build the layer into a static program and run it."""
    if problem.weight is None:
        return _PROGRAM
    known = "feed['weight'] = weight.numpy()" if form == "data" else "numbers = weight.numpy()"
    place = _PROGRAM.index("    layer = {build}")
    return (_PROGRAM[0], known, *_PROGRAM[1:place], _WEIGHTS[form], *_PROGRAM[place:])


_PROGRAM = (
    "feed = {'logits': logits.numpy(), 'labels': labels.numpy()}",
    "(slope,) = paddle.grad(loss.sum(), logits)",
    "expected = [loss.numpy(), slope.numpy()]",
    "paddle.enable_static()",
    "with paddle.static.program_guard(paddle.static.Program()):",
    "    logits = paddle.static.data('logits', feed['logits'].shape, feed['logits'].dtype)",
    "    labels = paddle.static.data('labels', feed['labels'].shape, feed['labels'].dtype)",
    "    logits.stop_gradient = False",
    "    layer = {build}",
    "    loss = layer(logits, labels)",
    "    (slope,) = paddle.static.gradients([loss.sum()], [logits])",
    "    assert slope is not None",
    "    got = paddle.static.Executor().run(feed=feed, fetch_list=[loss, slope])",
    "for ours, theirs in zip(got, expected):",
    "    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-9)",
)


@law(
    "modes/amp",
    level="conduct",
    precondition={**SMALL, "dtype": within("float32")},
    rests_on="auto_cast may narrow matrix products, never a loss: L is that of float32",
)
def under_amp(case: Case) -> Iterator[Finding]:
    """Under paddle.amp.auto_cast float32 logits have the loss that they have without.

    So it is for either half precision that auto_cast may cast to.
    """
    for dtype in ("float16", "bfloat16"):
        check = (
            f"with paddle.amp.auto_cast(True, dtype='{dtype}'):",
            "    again = layer(logits, labels)",
        )
        words = f"Under paddle.amp.auto_cast to {dtype}"
        found = probed(case, f"amp-{dtype}", check, words)
        if isinstance(found, Finding):
            yield found
            return
        yield from _as_eager(case, found, f"{words}, the layer has another answer than without.", check)


@law(
    "modes/double-backward",
    level="conduct",
    precondition={**SMALL, "size": within("few", "one"), "dtype": within("float64")},
    needs=("twice-differentiable",),
    rests_on="H v = d/dh of the gradient at z + h v, at h = 0",
)
def double_backward(case: Case) -> Iterator[Finding]:
    """A second derivative, where the layer gives one, is the slope of the gradient.

    Both are taken along a direction of signs.
    """
    problem = case.problem
    if case.contract.claims_detached:
        raise NotApplicable("with frozen weights the gradient is no slope, and has none of its own to compare with")
    if case.contract.oracle is not None and any(case.matches(problem)):
        # the gradient itself is wrong: that is for other laws to say
        return
    probes = {"second-derivative": "create_graph=True", "twice-differentiable": "twice_differentiable=True"}
    answers, refusals = {}, []
    for probe, words in probes.items():
        found = case.observe(probe=probe)
        if "lacks" in found.facts:
            refusals.append(str(found.facts["lacks"]))
        else:
            answers[words] = found.facts["second"]
    if not answers:
        raise NotApplicable(refusals[0])
    expected, tolerance = _second_derivative(case, problem)
    wrong = {
        words: second
        for words, second in answers.items()
        if second.shape != expected.shape or not (np.abs(second - expected) <= tolerance).all()
    }
    if wrong:
        first, how = next(iter(wrong)), " and with ".join(wrong)
        yield Finding(
            f"With {how} the layer has a second derivative, and it is not the slope of the gradient.",
            (problem,),
            "second derivative",
            expected,
            wrong[first],
            check=_twice(problem, expected, first, float(np.max(tolerance))),
            items=frozenset(wrong),
        )


def _second_derivative(case: Case, problem: Problem) -> tuple[Array, Array]:
    """Central differences of the gradient along the direction, and how wrong they may be."""
    along = problem.rng().choice([-1.0, 1.0], size=problem.logits.shape)
    jumps = case.contract.jumps
    ends = [problem.replace(logits=problem.logits + sign * STEPS[0] * along) for sign in (1.0, -1.0)]
    if jumps is not None and jumps(*ends):
        raise Undecided("an element lies on a jump of the loss, where it has no slope")
    quotients, noise = [], np.zeros(along.shape)
    for step in STEPS:
        (ahead, up), (behind, down) = (_gradient(case, problem, sign * step * along) for sign in (1.0, -1.0))
        quotients.append((ahead - behind) / (2.0 * step))
        noise = (up + down) / step
    noise = BUDGET * UNIT_ROUNDOFF[problem.dtype] * (noise + np.abs(quotients[2]))
    drift = [np.abs(quotients[0] - quotients[1]), np.abs(quotients[1] - quotients[2])]
    if (drift[1] > np.maximum(4.0 * noise, drift[0] / 4.0)).any():
        raise Undecided("the gradient is not smooth within the steps of the difference quotient")
    return quotients[2] + (quotients[2] - quotients[1]) / 15.0, drift[1] + noise


def _gradient(case: Case, problem: Problem, move: Array) -> tuple[Array, Array]:
    """The gradient at moved logits, and the scale of its error."""
    moved = problem.replace(logits=problem.logits + move)
    if case.contract.oracle is None:
        observed = case.observe(moved)
        gradient = np.zeros(move.shape) if observed.gradient is None else observed.gradient
        return gradient, case.error_scale("gradient", moved, observed)
    answer = case.answer(moved)
    return answer.gradient, answer.gradient_scale


def _twice(problem: Problem, expected: Array, words: str, tolerance: float) -> tuple[str, ...]:
    along = problem.rng().choice([-1.0, 1.0], size=problem.logits.shape)
    again = ("layer.twice_differentiable = True",) if words.startswith("twice") else ()
    return (
        *again,
        "loss = layer(logits, labels)",
        "(slope,) = paddle.grad(loss.sum(), logits, create_graph=True)",
        f"along = paddle.to_tensor({along.tolist()}, dtype=slope.dtype)",
        "(second,) = paddle.grad((slope * along).sum(), logits)",
        f"expected = np.array({expected.tolist()})",
        f"np.testing.assert_allclose(second.astype('float64').numpy(), expected, atol={tolerance:.2g}, rtol=1e-7)",
    )
