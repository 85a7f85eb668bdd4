"""A sound loss with a parameter of its own, and the mutant of the law of such parameters."""

import paddle
from paddle import nn

from .registry import mutant, sound
from .sound import SoundCrossEntropy


@sound("free")
class SoundTemperature(SoundCrossEntropy):
    """Divides logits by a temperature that is learned."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.temperature = self.create_parameter([], default_initializer=nn.initializer.Constant(1.5))

    def losses(self, rows, targets):
        return super().losses(rows / self.heat(rows.dtype), targets)

    def heat(self, dtype):
        return self.temperature.astype(dtype)


@mutant("oracle/parameters", "free")
class HalfOfATemperature(SoundTemperature):
    """Hands its temperature half of its gradient."""

    def heat(self, dtype):
        heat = super().heat(dtype)
        return (heat + heat.detach()) / paddle.full([], 2.0, dtype)
