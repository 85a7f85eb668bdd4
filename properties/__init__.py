"""Laws of loss functions, and the tools that hold a Paddle layer against them.

``certify`` checks a :class:`Subject` (or a :class:`Target`, which names one by words) and returns a
:class:`Certificate`; the command ``lossproof`` does the same, and ``parametrize`` makes one test of each law. Wrong
words are told of by :class:`UsageError`.

A loss of your own has a :class:`Contract`: an oracle in NumPy that returns an :class:`Answer`, a :class:`Dimension` for
each argument (with a :class:`Choice` where implementations differ in it), its limits made by :func:`limit`, and a
:class:`KernelFormula` that says how it stands on the kernels of Paddle. A mistake in it is a :class:`ContractError`.
These names stay; nothing else in this package is promised.
"""

from importlib import import_module
from typing import Any

from properties.storage.current_folder import prepare_without

prepare_without()

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

_HOMES = {
    "Answer": "reference",
    "Certificate": "properties.certificates.certificate",
    "Choice": "properties.problems.domain",
    "Contract": "properties.judging.contract",
    "ContractError": "properties.errors",
    "Dimension": "properties.problems.domain",
    "KernelFormula": "properties.judging.kernel_formula",
    "Subject": "properties.subjects.subject",
    "Target": "properties.subjects.target",
    "UsageError": "properties.errors",
    "certify": "properties.runs.certify",
    "limit": "properties.laws.limits",
    "parametrize": "properties.pytest_suite",
}
"""Where each name lies: it is imported when it is first asked for, and ``parametrize`` needs pytest."""


def __getattr__(name: str) -> Any:
    """Import a name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
