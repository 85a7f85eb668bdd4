"""More laws of conduct: a layer that was copied, saved or loaded answers as the one it came from.

They rest on a layer being its arguments and its state: equal ones give equal answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from properties.judging.context import Case
from properties.judging.finding import Finding, NotApplicable
from properties.judging.law import law
from properties.judging.observation import Failure, Observation
from properties.judging.rounding import largest_scale
from properties.problems.domain import within
from properties.problems.problem import Problem

SMALL = {
    "size": within("few", "one", "several"),
    "logits": within("lattice", "normal", "ties"),
    "layout": within("contiguous"),
}

SAME_VALUE = (
    "assert again.shape == loss.shape",
    "np.testing.assert_allclose(again.astype('float64').numpy(), loss.astype('float64').numpy(), rtol=1e-5)",
)

SAME_SLOPE = (
    "slope = logits.grad.astype('float64').numpy()",
    "logits.clear_grad()",
    "again.backward(upstream)",
    "np.testing.assert_allclose(logits.grad.astype('float64').numpy(), slope, rtol=1e-5, atol=1e-9)",
)
"""Lines of a script that compare ``again`` with ``loss``."""


def probed(case: Case, probe: str, check: tuple[str, ...], words: str) -> Observation | Finding:
    """What a probe shows, or the finding that the layer fails at it where it answers a plain call.

    Raises NotApplicable where the layer lacks what the probe is about.
    """
    case.observe()
    result = case.attempt(probe=probe)
    if isinstance(result, Failure):
        how = {"raised": "it raises", "crashed": "the process ends with", "timed out": "there is no answer after"}
        return Finding(f"{words}, {how[result.kind]} {result}", (case.problem,), "failure", failure=result, check=check)
    if "lacks" in result.facts:
        raise NotApplicable(str(result.facts["lacks"]))
    return result


def alike(
    case: Case,
    got: Observation,
    expected: Observation,
    message: str,
    check: tuple[str, ...],
    rounding: float = 1.0,
    problem: Problem | None = None,
) -> Iterator[Finding]:
    """Two observations of the problem (the case's own) must agree within its budget, or so many times of it."""
    asked = case.problem if problem is None else problem
    for quantity, left, right in (
        ("value", got.value, expected.value),
        ("gradient", got.gradient, expected.gradient),
    ):
        if left is None or right is None:
            continue
        scale = rounding * largest_scale(case.error_scale(quantity, asked, expected))
        found = list(case.same(asked, left, right, quantity, message, scale))
        lines = (*check, *(SAME_VALUE if quantity == "value" else SAME_SLOPE))
        yield from (replace(finding, check=lines) for finding in found)
        if found:
            return


def _copied(case: Case, probe: str, words: str, check: tuple[str, ...]) -> Iterator[Finding]:
    found = probed(case, probe, check, f"Of the layer {words}")
    if isinstance(found, Finding):
        loud = found.failure is not None and found.failure.kind == "raised"
        yield replace(found, grade="remark") if loud else found
        return
    message = f"The layer {words} has another answer than the layer itself."
    yield from alike(case, found, found.facts["original"], message, check)


_COPIED = (
    "import copy",
    "other = copy.deepcopy(layer)",
    "again = other(logits, labels)",
)

_PICKLED = (
    "import pickle",
    "other = pickle.loads(pickle.dumps(layer))",
    "again = other(logits, labels)",
)

_SAVED = (
    "other = {build}",
    "missing = other.set_state_dict(layer.state_dict())",
    "assert not any(missing or ()), missing",
    "layer.eval(), other.eval()",
    "loss = layer(logits, labels)",
    "again = other(logits, labels)",
)


_NOT_COPIED = "an exception: whoever needs a copy sees at once that there is none; a copy of another answer is an error"


@law(
    "conduct/deepcopy",
    level="conduct",
    remark=_NOT_COPIED,
    precondition=SMALL,
    rests_on="a layer is its arguments and its state: equal ones give equal answers",
)
def deepcopy(case: Case) -> Iterator[Finding]:
    """A deep copy of the layer answers as the layer does."""
    yield from _copied(case, "deepcopy", "copied by copy.deepcopy", _COPIED)


@law(
    "conduct/pickle",
    level="conduct",
    remark=_NOT_COPIED,
    precondition=SMALL,
    rests_on="a layer is its arguments and its state: equal ones give equal answers",
)
def pickle(case: Case) -> Iterator[Finding]:
    """Pickled and read back, the layer answers as before."""
    yield from _copied(case, "pickle", "pickled and read back", _PICKLED)


@law(
    "conduct/state-dict",
    level="conduct",
    precondition=SMALL,
    rests_on="what a layer remembers stands in its state_dict, all of it",
)
def state_dict(case: Case) -> Iterator[Finding]:
    """A new layer with the state_dict of another answers in eval() as that one does."""
    found = probed(case, "state-dict", _SAVED, "With the state_dict of a layer that was called, loaded into a new one")
    if isinstance(found, Finding):
        yield found
        return
    places = {"missing": "does not hold", "unexpected": "holds, for no place in a new layer,"}
    wrong = {name: words for name, words in places.items() if found.facts[name]}
    if wrong:
        told = " and ".join(f"{words} {', '.join(found.facts[name])}" for name, words in wrong.items())
        yield Finding(f"The layer's state_dict {told}.", (case.problem,), "state", check=_SAVED, items=frozenset(wrong))
        return
    message = "In eval() a new layer with the state_dict of one that was called has another answer than that one."
    yield from alike(case, found, found.facts["original"], message, _SAVED)


_UNCHANGED = (
    "layer.eval()",
    "before = {name: state.numpy().copy() for name, state in layer.state_dict().items()}",
    "layer(logits, labels)",
    "for name, state in layer.state_dict().items():",
    "    np.testing.assert_array_equal(state.numpy(), before[name])",
)


@law(
    "conduct/eval-state",
    level="conduct",
    precondition=SMALL,
    rests_on="S changes in training calls alone",
)
def eval_state(case: Case) -> Iterator[Finding]:
    """In eval() a call does not change what the state_dict holds."""
    found = probed(case, "eval-state", _UNCHANGED, "In eval()")
    if isinstance(found, Finding):
        yield found
    elif found.facts["changed"]:
        names = ", ".join(found.facts["changed"])
        yield Finding(
            f"A call in eval() changes the layer's state: {names}.", (case.problem,), "state", check=_UNCHANGED
        )
