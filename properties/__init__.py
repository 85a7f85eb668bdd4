"""Laws of loss functions, and the tools that hold a Paddle layer against them.

``certify`` checks a :class:`Subject` and returns a :class:`Certificate`; the command ``lossproof`` does the same.
"""

from typing import Any

from properties.certificates.certificate import Certificate
from properties.errors import ContractError, UsageError
from properties.judging.contract import Contract
from properties.runs.certify import certify
from properties.subjects.subject import Subject
from properties.subjects.target import Target

__all__ = ["Certificate", "Contract", "ContractError", "Subject", "Target", "UsageError", "certify", "parametrize"]


def __getattr__(name: str) -> Any:
    """``parametrize`` needs pytest, which only the test extra installs."""
    if name == "parametrize":
        from properties.pytest_suite import parametrize

        return parametrize
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
