"""Authored functions: what the author of a contract wrote, checked at each call.

Such a function may raise, or return something of the wrong kind. Either is reported as a mistake in the contract, and
not as a fault of the layer or of the checker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

import numpy as np

from properties.errors import Broken, ContractError, words_of
from properties.problems.problem import Problem
from reference import Answer

FIELDS = ("value", "gradient", "value_scale", "gradient_scale")
ANSWER = f"a reference.Answer({', '.join(FIELDS)}) of float64 arrays"


@dataclass(frozen=True)
class AuthoredFunction:
    """A function of a contract, called like the function itself; ContractError where it raises or returns nonsense."""

    contract: str
    what: str
    function: Callable[..., Any]

    def __call__(self, *given: Any) -> Any:
        """Return the function's result, once it is of the expected kind."""
        fits, expected = EXPECTED[self.what]
        result = call_authored(self.contract, self.what, expected, self.function, *given)
        if not fits(result):
            raise author_mistake(self.contract, self.what, f"returned {_shown(result)}", expected, *given)
        return result


def authored(contract: str, what: str, function: Any) -> Any:
    """Return a contract's function so that its calls are checked; None where there is none."""
    if function is None or not callable(function):
        return function
    if isinstance(function, AuthoredFunction):
        return replace(function, contract=contract)
    return AuthoredFunction(contract, what, function)


def call_authored(
    contract: str, what: str, expected: str, function: Callable[..., Any], *given: Any, **named: Any
) -> Any:
    """Return the result of a contract's function; raise ContractError where it raises."""
    try:
        return function(*given, **named)
    except (ContractError, Broken, MemoryError):
        raise
    except Exception as error:
        raise author_mistake(contract, what, f"raised {words_of(error)}", expected, *given) from error


def author_mistake(contract: str, what: str, did: str, expected: str, *given: Any) -> ContractError:
    """Return the error of a contract: which function, what it did, what was expected, and with which arguments."""
    about = ", ".join(map(_about, given))
    return ContractError(f"contract {contract}: its {what} {did}; expected {expected} (asked about {about})")


def checked_answer(
    contract: str, answer: Any, problem: Problem, what: str = "oracle", of_entries: bool = False
) -> Answer:
    """Return an oracle's answer, once each of its fields has the shape and dtype that it must have.

    A loss ``of_entries`` that is given class ids has one number for each entry of the logits, unreduced.
    """
    if not isinstance(answer, Answer):
        raise author_mistake(contract, what, f"returned {_shown(answer)}", ANSWER, problem)
    labelled = problem.given_labels.shape if problem.layout == "label-axis" else problem.shape
    unreduced = problem.logits.shape if of_entries and problem.targets == "hard" else labelled
    value = unreduced if problem.reduction == "none" else ()
    for one in answer.admissible:
        if not isinstance(one, Answer):
            raise author_mistake(contract, what, f"returned an alternative that is {_shown(one)}", ANSWER, problem)
        for name, shape in zip(FIELDS, (value, problem.logits.shape) * 2, strict=True):
            _check_field(contract, what, name, getattr(one, name), shape, problem)
    if answer.nearest is None:
        return answer
    return replace(answer, nearest=_Nearest(contract, answer.nearest, problem, of_entries))


@dataclass(frozen=True)
class _Nearest:
    """An answer's function ``nearest``, checked like the answer itself."""

    contract: str
    function: Callable[..., Any]
    problem: Problem
    of_entries: bool

    def __call__(self, value: Any, gradient: Any) -> Answer:
        """Return the admissible answer that is nearest to a value and a gradient."""
        what = "oracle's nearest"
        try:
            found = self.function(value, gradient)
        except Exception as error:
            raise author_mistake(self.contract, what, f"raised {words_of(error)}", ANSWER, self.problem) from error
        return checked_answer(self.contract, found, self.problem, what, self.of_entries)


def _check_field(contract: str, what: str, name: str, array: Any, shape: tuple[int, ...], problem: Problem) -> None:
    expected = f"a float64 array of shape {list(shape)}"
    if not isinstance(array, (np.ndarray, np.float64)):
        raise author_mistake(contract, what, f"returned an Answer whose {name} is {_shown(array)}", expected, problem)
    if array.dtype != np.float64 or array.shape != shape:
        found = f"has dtype {array.dtype} and shape {list(array.shape)}"
        raise author_mistake(contract, what, f"returned an Answer whose {name} {found}", expected, problem)
    if name.endswith("_scale") and (array < 0).any():
        found = f"holds {float(np.nanmin(array)):g}"
        raise author_mistake(
            contract, what, f"returned an Answer whose {name} {found}", "error scales of at least 0", problem
        )


def _is_number(value: Any) -> bool:
    if not isinstance(value, (Real, np.ndarray)):
        return False
    array: Any = np.asarray(value)
    return array.ndim == 0 and array.dtype.kind in "fiu" and not bool(np.isnan(array))


def _is_numbers(value: Any) -> bool:
    if not isinstance(value, (Sequence, np.ndarray)) or isinstance(value, str) or np.ndim(value) != 1 or not len(value):
        return False
    return np.asarray(value).dtype.kind in "fiu"


EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "divisor": (_is_number, "a number"),
    "settle": (lambda v: isinstance(v, Mapping) and all(isinstance(name, str) for name in v), "a dict of arguments"),
    "hard_logits": (_is_numbers, "a list of at least one number"),
    "jumps": (lambda v: isinstance(v, (bool, np.bool_)), "True or False"),
    "bases": (lambda v: isinstance(v, Answer), ANSWER),
}
"""For each function of a contract, a check of its result and the words for what it has to return."""


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {len(value)} ({', '.join(type(item).__name__ for item in value)})"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {list(value.shape)}"
    return f"a {type(value).__name__}"


def _about(value: Any) -> str:
    if not isinstance(value, Problem):
        return repr(value)
    words = [
        f"logits {list(value.logits.shape)}",
        f"labels {list(value.labels.shape)}",
        f"reduction={value.reduction!r}",
    ]
    words += [f"{name}={one!r}" for name, one in value.config.items() if np.size(one) <= 8]
    return " ".join(words) + ("" if value.weight is None else f" weight [{value.weight.size}]")
