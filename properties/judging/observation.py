"""Observation: what a layer answered to a problem, or how it failed. NumPy only; it crosses process borders."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from properties.problems.precision import Array
from properties.problems.problem import Problem


@dataclass(frozen=True)
class Failure:
    """How a call ended that gave no answer: ``kind`` is raised, crashed or timed out.

    A kind of ``absent`` says that there was no call: what was asked for does not exist for such a layer.
    ``message`` is the whole message, to be searched and compared; as a string a failure is short enough to be read.
    """

    kind: str
    error: str
    message: str

    def __str__(self) -> str:
        text = self.message if len(self.message) <= LONGEST_SHOWN else self.message[:LONGEST_SHOWN] + " ..."
        return f"{self.error}: {text}" if text else self.error

    @property
    def words(self) -> str:
        """The error with its whole message."""
        return f"{self.error}: {self.message}" if self.message else self.error


LONGEST_SHOWN = 600
"""Characters of a message that people are shown."""

LONGEST_KEPT = 100_000
"""Characters of a message beyond which its middle is left out: a message may hold a whole tensor."""


def message_of(error: BaseException) -> str:
    """An exception's words on one line."""
    try:
        text = str(error)
    except Exception as broken:
        return f"(its message cannot be read: {type(broken).__name__})"
    text = " ".join(text.split())
    half = LONGEST_KEPT // 2
    return text if len(text) <= LONGEST_KEPT else f"{text[:half]} ... {text[-half:]}"


def name_of(error: BaseException) -> str:
    """An exception's name; a subclass of a builtin error says so in brackets."""
    name = type(error).__name__
    for builtin in (ValueError, TypeError):
        if isinstance(error, builtin) and name != builtin.__name__:
            return f"{name} ({builtin.__name__})"
    return name


@dataclass(frozen=True)
class Observation:
    """Value and gradient as float64, the shape and dtype they came in, and the facts that a probe gathered.

    ``gradient`` is None where none was asked for; where none arrived it is zeros, and ``gradient_dtype`` is empty.
    A reduced loss that came with one axis of length 1 has none here; ``shape`` has it still.
    """

    value: Array
    gradient: Array | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""
    gradient_dtype: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


PROGRAM_PROBES = frozenset({"program", "to-static", "full-graph", "static-program", "saved", "saved-fixed"})
"""Probes that run Paddle's executor, whose threads do not survive a fork: a process that ran one must not be forked."""


class Observer(Protocol):
    """Anything that can ask a layer: in this process, or in another one that may crash without harm."""

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Build the layer for the problem, call it, and say what happened.

        ``probe`` says what to show: ``value`` runs forward alone, ``plain`` backward too, others more.
        """
        ...
