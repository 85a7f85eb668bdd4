"""The mutant of the law of a layer's own parameters."""

import paddle
from paddle import nn

from .registry import mutant
from .sound import SoundCrossEntropy


@mutant("oracle/parameters", "free")
class HalfOfATemperature(SoundCrossEntropy):
    """Divides logits by a temperature that is learned, and hands it half of its gradient."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.temperature = self.create_parameter([], default_initializer=nn.initializer.Constant(1.5))

    def losses(self, rows, targets):
        heat = self.temperature.astype(rows.dtype)
        return super().losses(rows / ((heat + heat.detach()) / paddle.full([], 2.0, rows.dtype)), targets)
