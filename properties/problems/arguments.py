"""The arguments of a problem in a report: which of them need not be shown, and what is special about the others."""

from __future__ import annotations

from collections.abc import Mapping

from properties.problems.domain import Dimension
from properties.problems.problem import Problem

Arguments = Mapping[str, Dimension]
"""What is known of the arguments of a loss, by name."""


def at_rest(problem: Problem, arguments: Arguments) -> tuple[str, ...]:
    """The arguments that a report leaves out: each has the value of a layer that does not take it."""
    return tuple(name for name in problem.config if name in arguments and _is_at_rest(problem, arguments[name]))


def features_of_arguments(problem: Problem, arguments: Arguments) -> tuple[str, ...]:
    """What is special about the values of arguments, in words; nothing of an argument without a ``feature``."""
    known = {name: arguments[name].feature for name in problem.config if name in arguments}
    words = (feature(problem.config[name]) for name, feature in known.items() if feature is not None)
    return tuple(filter(None, words))


def _is_at_rest(problem: Problem, dimension: Dimension) -> bool:
    if dimension.always_shown:
        return False
    try:
        return dimension.is_absent(problem.config[dimension.name], problem.classes)
    except Exception:
        # what an author wrote may raise, or compare as nothing does: then the argument is shown
        return False
