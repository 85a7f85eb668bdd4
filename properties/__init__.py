"""Laws of loss functions, and the tools that hold a Paddle layer against them.

``certify`` checks a :class:`Subject` (or a :class:`Target`, which names one by words) and returns a
:class:`Certificate`; the command ``lossproof`` does the same, and ``parametrize`` makes one test of each law. Wrong
words are told of by :class:`UsageError`.

A loss of your own has a :class:`Contract`: an oracle in NumPy that returns an :class:`Answer`, a :class:`Dimension` for
each argument (with a :class:`Choice` where implementations differ in it), its limits made by :func:`limit`, and a
:class:`KernelFormula` that says how it stands on the kernels of Paddle. A mistake in it is a :class:`ContractError`.
These names stay; nothing else in this package is promised.
"""

from typing import Any

from properties.storage.current_folder import prepare_without

prepare_without()

from properties.certificates.certificate import Certificate  # noqa: E402
from properties.errors import ContractError, UsageError  # noqa: E402
from properties.judging.contract import Contract  # noqa: E402
from properties.judging.kernel_formula import KernelFormula  # noqa: E402
from properties.laws.limits import limit  # noqa: E402
from properties.problems.domain import Choice, Dimension  # noqa: E402
from properties.runs.certify import certify  # noqa: E402
from properties.subjects.subject import Subject  # noqa: E402
from properties.subjects.target import Target  # noqa: E402
from reference import Answer  # noqa: E402

__all__ = [
    "Answer",
    "Certificate",
    "Choice",
    "Contract",
    "ContractError",
    "Dimension",
    "KernelFormula",
    "Subject",
    "Target",
    "UsageError",
    "certify",
    "limit",
    "parametrize",
]


def __getattr__(name: str) -> Any:
    """``parametrize`` needs pytest, which only the test extra installs."""
    if name == "parametrize":
        from properties.pytest_suite import parametrize

        return parametrize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
