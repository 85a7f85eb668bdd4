"""Cases in words: problems in one line each, with all that tells them apart, and what was expected and came."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from properties.contracts import known_arguments
from properties.problems.arguments import at_rest
from properties.problems.problem import Problem
from properties.problems.serialization import problem_from_dict
from properties.subjects.written_numbers import LONGEST_NUMBERS, people

USUAL = {"dtype": "float64", "label_dtype": "int64", "layout": "contiguous"}
"""Fields that a description has by their value alone, and only where it is another one than this."""

NAMES = {"cotangent": "upstream gradient"}

NOT_GIVEN = object()


def describe(problem: Problem) -> str:
    """Return a problem in one line, without options at rest."""
    return descriptions([problem])[0]


def descriptions(problems: Sequence[Problem], resting: Sequence[Collection[str]] | None = None) -> list[str]:
    """Return problems in one line each; a field that differs between them stands in each, at rest or not.

    ``resting`` names for each problem the arguments that are at rest; None: those of our own contracts that are.
    """
    resting = [at_rest(problem, known_arguments()) for problem in problems] if resting is None else resting
    fields = [_fields(problem) for problem in problems]
    names = list(dict.fromkeys(name for own in fields for name in own))
    parts: list[list[str]] = [[] for _ in problems]
    for name in names:
        values = [own.get(name, NOT_GIVEN) for own in fields]
        varied = any(not _alike(*pair) for pair in combinations(values, 2))
        texts = _texts(name, values)
        for part, problem, rests, text in zip(parts, problems, resting, texts, strict=True):
            if varied or _matters(problem, name, rests):
                part.append(text)
    return ["   ".join(part) for part in parts]


def case_lines(counterexample: Mapping[str, Any]) -> list[str]:
    """Return the lines of a counterexample: its calls, and what came of them."""
    # what was to be refused stands by itself
    joint = "and " if counterexample["quantity"] == "refusal" else "compared with "
    problems = [problem_from_dict(plain) for plain in counterexample["problems"]]
    told = descriptions(problems, counterexample.get("at_rest"))
    lines = [f"{joint if number else ''}{words}" for number, words in enumerate(told)]
    if counterexample.get("line"):
        lines.append(f"at {counterexample['line']}")
    return [f"    {line}" for line in (*lines, *outcome_of(counterexample))]


def outcome_of(counterexample: Mapping[str, Any]) -> list[str]:
    """Return the line of what was expected and what came; empty where neither is a number."""
    numbers = [counterexample[name] for name in ("expected", "got")]
    arrays = [None if plain is None else np.asarray(plain, dtype=np.float64) for plain in numbers]
    expected, got = told_apart(arrays)
    if expected == got == "-":
        return []
    of = "" if counterexample["quantity"] == "value" else f"{counterexample['quantity']}: "
    if counterexample.get("mutual"):
        # nothing says which of the two calls is wrong
        return [f"{of}one call gives {got}   the other {expected}"]
    return [f"{of}expected {expected}   got {got}"]


def told_apart(arrays: Sequence[NDArray[Any] | None]) -> list[str]:
    """Write arrays for people, with as many digits, indices and shapes as it takes to see which of them differ."""
    pairs = [(i, j) for i, j in combinations(range(len(arrays)), 2) if not _alike(arrays[i], arrays[j])]
    whole: list[str] = []
    for digits in (4, 8, 12, 17):
        whole = ["-" if array is None else people(array, digits) for array in arrays]
        if all(whole[i] != whole[j] for i, j in pairs):
            break
    texts = [text if len(text) <= LONGEST_NUMBERS else text[:LONGEST_NUMBERS] + " ..." for text in whole]
    added: list[dict[str, None]] = [{} for _ in arrays]
    for i, j in pairs:
        if texts[i] == texts[j]:
            for place, words in zip((i, j), _difference(arrays[i], arrays[j]), strict=True):
                added[place][words] = None
    return [text + "".join(words) for text, words in zip(texts, added, strict=True)]


def _difference(one: Any, other: Any) -> tuple[str, str]:
    """Return, in words for each of two arrays, where they differ first."""
    if one.shape != other.shape:
        return f" of shape {list(one.shape)}", f" of shape {list(other.shape)}"
    flat = np.flatnonzero(~_equal_numbers(one, other))
    index = tuple(int(i) for i in np.unravel_index(flat[0], one.shape))
    return f" with {people(one[index], 17)} at {list(index)}", f" with {people(other[index], 17)} at {list(index)}"


def _equal_numbers(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which numbers are the same; NaN equals NaN, and 0.0 does not equal -0.0."""
    same = (one == other) & (np.signbit(one) == np.signbit(other))
    return np.asarray(same | ((one != one) & (other != other)))


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(_equal_numbers(one, other).all())
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return False
    return type(one) is type(other) and repr(one) == repr(other)


def _fields(problem: Problem) -> dict[str, Any]:
    """Return all fields of a problem by name, in the order in which they are told."""
    return {
        "logits": problem.logits,
        "labels": problem.labels,
        "targets": problem.targets,
        "weight": problem.weight,
        "ignore_index": problem.ignore_index,
        "label_weight": problem.label_weight,
        **{f"config {name}": value for name, value in problem.config.items()},
        "normalizer": problem.normalizer,
        "reduction": problem.reduction,
        "axis": problem.axis,
        **{name: getattr(problem, name) for name in USUAL},
        "cotangent": problem.cotangent,
        "salt": problem.salt,
    }


def _matters(problem: Problem, name: str, resting: Collection[str]) -> bool:
    """Return whether the description of a single problem has this field."""
    if name in ("logits", "labels", "reduction"):
        return True
    if name.startswith("config "):
        argument = name.removeprefix("config ")
        return argument in problem.config and argument not in resting
    if name == "ignore_index":
        ignores = problem.label_weight is None and not problem.valid.all()
        return problem.ignore_index is not None and (ignores or problem.ignore_index != -100)
    if name == "axis":
        return problem.axis != 1 and problem.logits.ndim > 1
    if name in USUAL:
        return bool(getattr(problem, name) != USUAL[name])
    return name in ("weight", "label_weight", "normalizer", "cotangent") and getattr(problem, name) is not None


def _texts(name: str, values: Sequence[Any]) -> list[str]:
    """Return a field of each problem, in words."""
    if name in USUAL:
        return [str(value) for value in values]
    short = name.removeprefix("config ")
    title = NAMES.get(short, short)
    if name.startswith("config "):
        return [f"{title} {_argument(value)}" for value in values]
    arrays = [value if isinstance(value, np.ndarray) else None for value in values]
    numbers = told_apart(arrays) if any(array is not None for array in arrays) else ["" for _ in values]
    return [
        f"{title} {_plain(value) if array is None else text}"
        for value, array, text in zip(values, arrays, numbers, strict=True)
    ]


def _argument(value: Any) -> str:
    if value is NOT_GIVEN:
        return "not given"
    return repr(value.tolist()) if isinstance(value, np.ndarray) else repr(value)


def _plain(value: Any) -> str:
    """Write a word, or a number in as few digits as name it."""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)
