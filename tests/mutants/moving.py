"""Mutants of the running average of GHM: a sound loss whose memory has one fault each.

The last one is the law's own; the others are put to it by name.
"""

import paddle

from .registry import GHM, mutant
from .sound import SoundGHM
from .sound_regions import Regions


class _Forgetful(SoundGHM):
    """A sound GHM with regions of another kind."""

    kind = Regions

    def cut(self, bins, normalize):
        return self.kind(bins, normalize)


class StartsAtZero(_Forgetful):
    """No correction for the start at 0."""

    class kind(Regions):  # noqa: N801
        def remembered(self, batch):
            super().remembered(batch)
            return self.average if self.training or self.mass > 0 else batch


class LearnsInEval(_Forgetful):
    """Updates in eval()."""

    class kind(Regions):  # noqa: N801
        def remembered(self, batch):
            self.learn(batch.astype("float64"))
            return self.average if self.ema == "mmdet" else self.average / self.mass


class NotSaved(_Forgetful):
    """The average is missing from the state_dict."""

    class kind(Regions):  # noqa: N801
        def remember(self, momentum, ema):
            super().remember(momentum, ema)
            if momentum > 0:
                self.register_buffer("average", self.average, persistable=False)
                self.register_buffer("mass", self.mass, persistable=False)


class EmptyRegionsStay(_Forgetful):
    """Decays only the regions that the batch occupies, whatever it was told."""

    class kind(Regions):  # noqa: N801
        def learn(self, batch):
            before = self.average.clone()
            super().learn(batch)
            paddle.assign(paddle.where(batch > 0, self.average, before), self.average)


class CopiesShare(_Forgetful):
    """A deep copy and its original have one memory."""

    class kind(Regions):  # noqa: N801
        def __deepcopy__(self, memo):
            other = type(self)(self.count, self.normalize)
            other.width, other.momentum, other.ema = self.width, self.momentum, self.ema
            if self.momentum > 0:
                other.register_buffer("average", self.average)
                other.register_buffer("mass", self.mass)
            memo[id(self)] = other
            return other


class WrongPower(_Forgetful):
    """Corrects by 1 - a^(t + 1)."""

    class kind(Regions):  # noqa: N801
        def remembered(self, batch):
            found = super().remembered(batch)
            if self.ema == "mmdet" or not self.mass > 0:
                return found
            old = paddle.full([], self.momentum, "float64")
            return self.average / (1 - (1 - self.mass) * old)


class IgnoredBatchesUncounted(_Forgetful):
    """A batch without valid elements is not seen at all."""

    class kind(Regions):  # noqa: N801
        def learn(self, batch):
            if batch.sum() > 0:
                super().learn(batch)


class NewIsOld(_Forgetful):
    """a and 1 - a the other way round."""

    class kind(Regions):  # noqa: N801
        def remember(self, momentum, ema):
            super().remember(momentum, ema)
            if momentum > 0:
                self.momentum = 1 - momentum


@mutant("modes/moving-average", GHM)
class LastBatchOnly(_Forgetful):
    """Divides by the populations of the batch, and only keeps the average."""

    class kind(Regions):  # noqa: N801
        def remembered(self, batch):
            super().remembered(batch)
            return batch


FAULTS = (
    StartsAtZero,
    LearnsInEval,
    NotSaved,
    EmptyRegionsStay,
    CopiesShare,
    WrongPower,
    IgnoredBatchesUncounted,
    NewIsOld,
    LastBatchOnly,
)
"""Every way to remember wrongly."""
