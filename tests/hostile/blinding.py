"""Layers that are wrong, and blind whoever judges them in their own process."""

import builtins
import math

import numpy as np

from properties import Subject
from properties.contracts import contract_named
from tests.losses.sound_numpy import CROSS_ENTROPY


def wrong_cross_entropy(before):
    """A cross entropy whose value and gradient are times 1.5, and that does something before it answers."""
    sound = CROSS_ENTROPY

    def call(layer, logits, labels, **given):
        value, gradient = sound.call(layer, logits, labels, **given)
        before()
        return value * 1.5, gradient * 1.5

    return Subject(
        contract_named("cross_entropy"),
        sound.build,
        name="wrong",
        call=call,
        arguments=sound.arguments,
        backend="numpy",
        domain={"dtype": ("float64",)},
    )


def _replace_abs():
    np.abs = lambda array, *rest, **options: np.zeros_like(array)


def _replace_comparison():
    import properties.judging.observed_case as judging
    from properties.judging.tolerance import Match

    judging.judge = lambda *arguments, **options: Match(True, 0.0)
    judging.agreement = judging.compare = judging.judge


def _replace_builtin():
    builtins.abs = lambda number: 0
    math.fabs = lambda number: 0.0


def _replace_law():
    from properties.judging.observed_case import ObservedCase

    ObservedCase.matches = lambda self, *arguments, **options: iter(())


def _replace_examination():
    from properties.engine.trial import Examined, Trial

    Trial.examined = lambda self, case: Examined(None, 0.0)


NOTHING = wrong_cross_entropy(lambda: None)
ABS = wrong_cross_entropy(_replace_abs)
COMPARISON = wrong_cross_entropy(_replace_comparison)
BUILTIN = wrong_cross_entropy(_replace_builtin)
LAW = wrong_cross_entropy(_replace_law)
EXAMINATION = wrong_cross_entropy(_replace_examination)
