"""Wrong losses that the laws must refute, and the sound ones that they are made from by one change each."""

import importlib

__all__ = ["MUTANTS", "SOUND", "TWINS"]

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

_ENTERED_BY = (
    "batch",
    "behaviour",
    "conventional",
    "density",
    "entries",
    "formula",
    "largest",
    "modes",
    "moving",
    "shares",
)


def __getattr__(name):
    """The mutants by law, entered when first asked for: they need Paddle, most losses of the museum do not."""
    if name in ("MUTANTS", "TWINS"):
        registry = importlib.import_module(".registry", __name__)
        for module in _ENTERED_BY:
            importlib.import_module(f".{module}", __name__)
        return getattr(registry, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
