"""Wrong losses that only a tensor library can have: global modes, and buffers that outlive a call."""

import paddle
from paddle.nn.functional import one_hot

from ..registry import historic
from ..sound import SoundGHM


@historic("B221", "chebai#178", "MUT", contract="ghm", backend="paddle")
class GradModeSwitchedOn(SoundGHM):
    """Gradients are switched off for the weights by a global flag, and then on, whatever they were before."""

    def harmony(self, losses, valid):
        paddle.set_grad_enabled(False)
        found = super().harmony(losses, valid)
        paddle.set_grad_enabled(True)
        return found


@historic("B186", "libuyu/GHM#14", "MUT", contract="ghm", backend="paddle")
class AverageFromZero(SoundGHM):
    """The moving average of the populations starts at 0 and is not corrected for it: first batches weigh too much."""

    def __init__(
        self,
        bins=10,
        momentum=0.0,
        weight=None,
        ignore_index=-100,
        reduction="mean",
        axis=1,
        normalize="occupied",
        denominator="weights",
    ):
        super().__init__(bins, weight, ignore_index, reduction, axis, normalize, denominator)
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {momentum!r}")
        self.momentum = momentum
        if momentum > 0:
            self.register_buffer("average", paddle.zeros([self.regions.count], "float64"))

    def harmony(self, losses, valid):
        if self.momentum == 0:
            return super().harmony(losses, valid)
        members = one_hot(self.regions.index(1 - (-losses).exp()), self.regions.count).astype("float64")
        counted = valid.astype("float64")
        if self.training:
            batch = (members * counted.unsqueeze(1)).sum(axis=0)
            old, new = paddle.full([], self.momentum, "float64"), paddle.full([], 1 - self.momentum, "float64")
            paddle.assign(old * self.average + new * batch, self.average)
        density = self.average * self.regions.divisor(self.average)
        share = counted.sum() / paddle.where(density > 0, density, paddle.ones_like(density))
        return (members * share).sum(axis=1).astype(losses.dtype)
