"""The backend of losses that are called with NumPy arrays."""

from __future__ import annotations

from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.judging.observation import Observer
from properties.subjects.backend import Backend
from properties.subjects.call_style import CallStyle
from properties.subjects.kernels import Kernels
from properties.subjects.numpy_backend.call_style import styled
from properties.subjects.numpy_backend.observer import NumpyObserver
from properties.subjects.numpy_backend.script import script_of
from properties.subjects.subject import Subject


class NumpyBackend:
    """Losses in NumPy, which stand on no kernels that may be at fault."""

    def observer(self, subject: Subject) -> Observer:
        """What calls the loss with arrays."""
        return NumpyObserver(subject)

    def styled(self, subject: Subject, style: CallStyle) -> Subject:
        """The subject whose calls are made in a style."""
        return styled(subject, style)

    def kernels(self, subject: Subject) -> Kernels | None:
        """None: there are no kernels to look for."""
        return None

    def script(self, law: Law, finding: Finding, subject: Subject, contract: Contract) -> str:
        """A script that needs NumPy and the loss alone."""
        return script_of(law, finding, subject, contract)


BACKEND: Backend = NumpyBackend()
