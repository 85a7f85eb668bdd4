"""Wrong losses that the laws must refute, and the sound ones that they are made from by one change each."""

from tests.mutants import behaviour, entries, formula, largest, modes, moving, shares
from tests.mutants.registry import MUTANTS, TWINS

__all__ = ["MUTANTS", "SOUND", "TWINS", "behaviour", "entries", "formula", "largest", "modes", "moving", "shares"]

SOUND = {
    "average_top_k": "tests.mutants.sound_top_k:SoundTopK",
    "cost_sensitive": "tests.mutants.sound:SoundCostSensitive",
    "cross_entropy": "tests.mutants.sound:SoundCrossEntropy",
    "focal": "tests.mutants.sound:SoundFocal",
    "ghm": "tests.mutants.sound:SoundGHM",
    "ghm_regression": "tests.mutants.sound_entries:SoundGHMRegression",
    "sigmoid_focal": "tests.mutants.sound_entries:SoundSigmoidFocal",
    "sigmoid_ghm": "tests.mutants.sound_entries:SoundSigmoidGHM",
}
"""Sound losses of another make than the layers, by contract."""
