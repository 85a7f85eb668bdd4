"""Observation: what a layer answered to a problem, or how it failed. NumPy only, since it is sent between processes."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from properties.problems.precision import Array
from properties.problems.problem import Problem
from properties.texts import one_line


@dataclass(frozen=True)
class Failure:
    """How a call without an answer ended: its ``kind`` is ``raised``, ``crashed`` or ``timed out``.

    The kind ``absent`` says that there was no call, since such a layer does not have what was asked for. ``message`` is
    the whole message, to be searched and compared; ``str`` of a failure cuts it to a length that can be read. ``line``
    is the line of the layer's own source that an exception came through last, as ``file.py:12: code``; ``declined``
    says that the layer raised it there by a statement of its own, and so refuses what it was given. ``trace`` has all
    lines of source that the exception came through, the call of the layer first.
    """

    kind: str
    error: str
    message: str
    line: str = field(default="", compare=False)
    declined: bool = field(default=False, compare=False)
    trace: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        text = self.message if len(self.message) <= LONGEST_SHOWN else self.message[:LONGEST_SHOWN] + " ..."
        return f"{self.error}: {text}" if text else self.error

    @property
    def place(self) -> tuple[str, str]:
        """Which exception it is, and where in the layer's own source: the same for all problems that meet it there."""
        return self.error, self.line

    @property
    def words(self) -> str:
        """The error with its whole message."""
        return f"{self.error}: {self.message}" if self.message else self.error


LONGEST_SHOWN = 600
"""Characters of a message that are shown."""

LONGEST_KEPT = 20_000
"""Characters of a message beyond which its middle is left out: a message may hold a whole tensor."""

LONGEST_NAME = 200
"""Characters of an exception's name that are kept."""


def message_of(error: BaseException) -> str:
    """Return an exception's message on one line, of a bounded length and of characters that can be written."""
    try:
        text = str(error)
    except BaseException as broken:
        if not is_layers(broken):
            raise
        return f"(its message cannot be read: {legible(type(broken).__name__, LONGEST_NAME)})"
    return legible(text, LONGEST_KEPT)


def legible(text: str, most: int) -> str:
    """Return text of anybody's on one line, without its middle where it is long, and as it can be encoded."""
    # of a subclass of str, what it holds
    text = str.__getitem__(text, slice(None))
    # more than is kept, since white space becomes less
    if len(text) > 4 * most:
        text = f"{text[: 2 * most]} ... {text[-2 * most :]}"
    text = " ".join(str.encode(text, "utf-8", "backslashreplace").decode().split())
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} ... {text[-half:]}"


def is_layers(error: BaseException) -> bool:
    """Whether what came out of a layer is its exception, whatever its class, and no interrupt of the user's.

    Where interrupts are ignored, as in workers, all are the layer's.
    """
    if isinstance(error, (Exception, SystemExit, GeneratorExit)):
        return True
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def name_of(error: BaseException) -> str:
    """Return an exception's name, and in brackets ValueError or TypeError if it is a subclass of that."""
    # a class may be called anything
    name = one_line(legible(type(error).__name__, LONGEST_NAME), LONGEST_NAME)
    for builtin in (ValueError, TypeError):
        if isinstance(error, builtin) and name != builtin.__name__:
            return f"{name} ({builtin.__name__})"
    return name


@dataclass(frozen=True)
class Observation:
    """Value and gradient as float64, the shape and dtype that the layer returned, and the facts that a probe found.

    ``gradient`` is None where none was asked for; where the layer gave none it is zeros, and ``gradient_dtype`` is
    empty. A reduced loss of shape [1] is a scalar in ``value``; ``shape`` is the shape that the layer returned.
    """

    value: Array
    gradient: Array | None = None
    shape: tuple[int, ...] = ()
    dtype: str = ""
    gradient_dtype: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


PROGRAM_PROBES = frozenset({"program", "to-static", "full-graph", "static-program", "saved", "saved-fixed"})
"""Probes that run Paddle's executor. Its threads do not survive a fork: a process that ran one must not be forked."""


class Observer(Protocol):
    """Asks a layer: in this process, or in another one that may crash without harm."""

    def observe(self, problem: Problem, probe: str = "plain") -> Observation | Failure:
        """Build the layer for the problem, call it, and return what happened.

        ``probe`` says what is observed: ``value`` runs forward alone, ``plain`` backward too, and others more.
        """
        ...
