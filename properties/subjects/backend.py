"""Backend: a way to call losses, and where the code for each one lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Protocol, cast

from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.judging.observation import Observer
from properties.subjects.call_style import CallStyle
from properties.subjects.kernels import Kernels
from properties.subjects.subject import BACKENDS, Subject


class Backend(Protocol):
    """What there is to know of one way to call losses, such as with Paddle's tensors or with NumPy's arrays.

    Each lies in a package of its own, whose module ``backend`` has one as ``BACKEND``. What asks the losses is made by
    subclassing ``ProbingObserver``, which also says which random generators a loss of this backend can reach.
    """

    def observer(self, subject: Subject) -> Observer:
        """What puts problems to the subject's loss, in this process."""
        ...

    def styled(self, subject: Subject, style: CallStyle) -> Subject:
        """The subject as it is called in a style that is not plain."""
        ...

    def kernels(self, subject: Subject) -> Kernels | None:
        """What finds the kernels that the subject's faults may come from; None where no kernels are known."""
        ...

    def script(self, law: Law, finding: Finding, subject: Subject, contract: Contract) -> str:
        """A script that shows a contradiction without lossproof."""
        ...


def backend_of(subject: Subject) -> Backend:
    """The backend of a subject; imports the library that its losses are called with."""
    return cast(Backend, import_module(f"{BACKENDS[subject.backend]}.backend").BACKEND)


def observer_of(subject: Subject) -> Observer:
    """What puts problems to a subject's loss, in this process."""
    return backend_of(subject).observer(subject)


def in_style(subject: Subject, said: Mapping[str, str]) -> Subject:
    """The subject as it is called in the style of which this is said; itself where that is the plain one."""
    style = CallStyle.of(said)
    alike = replace(style, granularity=subject.style.granularity) == subject.style
    if alike or style.plain:
        # what has a loss of its own is nothing that the layer is told
        return subject if style == subject.style else replace(subject, style=style)
    return backend_of(subject).styled(subject, style)
