"""The backend of Paddle layers."""

from __future__ import annotations

from functools import partial

from properties.judging.contract import Contract
from properties.judging.finding import Finding
from properties.judging.law import Law
from properties.judging.observation import Observer
from properties.subjects.backend import Backend
from properties.subjects.call_style import CallStyle
from properties.subjects.kernels import Kernels
from properties.subjects.paddle_backend.call_style import styled
from properties.subjects.paddle_backend.kernels import kernels_of
from properties.subjects.paddle_backend.observer import PaddleObserver
from properties.subjects.paddle_backend.script import script_of
from properties.subjects.subject import Subject


class PaddleBackend:
    """Layers and functions that are called with Paddle's tensors."""

    def observer(self, subject: Subject) -> Observer:
        """What calls the layer with tensors."""
        return PaddleObserver(subject)

    def styled(self, subject: Subject, style: CallStyle) -> Subject:
        """The subject whose calls are made in a style."""
        return styled(subject, style)

    def kernels(self, subject: Subject) -> Kernels | None:
        """What finds the kernels of Paddle that the layer may stand on."""
        return partial(kernels_of, subject)

    def script(self, law: Law, finding: Finding, subject: Subject, contract: Contract) -> str:
        """A script that needs NumPy, Paddle and the layer alone."""
        return script_of(law, finding, subject, contract)


BACKEND: Backend = PaddleBackend()
