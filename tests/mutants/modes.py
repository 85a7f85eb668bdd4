"""Mutants for the laws of copies and of modes: a sound loss with one change each."""

import paddle
from paddle import nn
from paddle.amp.auto_cast import amp_state

from .registry import CE, mutant
from .sound import SoundCrossEntropy


@mutant("conduct/deepcopy", CE)
class CopyIsSmoothed(SoundCrossEntropy):
    def __deepcopy__(self, memo):
        other = SoundCrossEntropy(self.weight, self.ignore_index, self.reduction, self.axis, 0.5)
        memo[id(self)] = other
        return other


@mutant("conduct/pickle", CE)
class HoldsAFunction(SoundCrossEntropy):
    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.scale = lambda losses: losses

    def losses(self, rows, targets):
        return self.scale(super().losses(rows, targets))


class Learns(SoundCrossEntropy):
    """Multiplies the loss, in eval(), by a factor that it learns while training."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.make_state(paddle.ones([], dtype="float64"))

    def make_state(self, factor):
        self.register_buffer("learned", factor)

    def learning(self):
        return self.training

    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        if self.learning():
            paddle.assign(self.learned * 1.5, self.learned)
        return found if self.training else found * self.learned.astype(found.dtype)


@mutant("conduct/state-dict", CE)
class StateIsNotSaved(Learns):
    def make_state(self, factor):
        self.register_buffer("learned", factor, persistable=False)


@mutant("conduct/eval-state", CE)
class LearnsInEval(Learns):
    def learning(self):
        return True


@mutant("modes/to-static", CE)
class DoubledWhenTranslated(SoundCrossEntropy):
    times = 1

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "forward":
            # to_static puts its own in this place
            self.times = 2

    def losses(self, rows, targets):
        return super().losses(rows, targets) * self.times


@mutant("modes/full-graph", CE)
class ProgramAddsOne(nn.Layer):
    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__()
        # within: a full graph of a subclass whose methods call super() does not come to an end
        self.inner = SoundCrossEntropy(weight, ignore_index, reduction, axis)

    def forward(self, logits, labels):
        loss = self.inner(logits, labels)
        return loss if paddle.in_dynamic_mode() else loss + 1


@mutant("modes/static-program", CE)
class ProgramHasNoGradient(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found if paddle.in_dynamic_mode() else found.detach()


@paddle.jit.not_to_static
def nothing_of_nothing(loss, logits):
    """0 of an empty batch, whatever its mean is; the size of any batch is -1 in a program."""
    return loss * min(logits.shape[0], 1)


@mutant("modes/dynamic-batch", CE)
class SizeOfAnyBatch(nn.Layer):
    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__()
        self.inner = SoundCrossEntropy(weight, ignore_index, reduction, axis)

    def forward(self, logits, labels):
        return nothing_of_nothing(self.inner(logits, labels), logits)


@mutant("modes/amp", CE)
class CastsItself(SoundCrossEntropy):
    def losses(self, rows, targets):
        found = super().losses(rows, targets)
        return found if amp_state() is None else found.astype("bfloat16").astype(found.dtype)


@mutant("modes/double-backward", CE)
class SecondSlopeCut(SoundCrossEntropy):
    def log_softmax(self, rows):
        shifted = rows - rows.detach().max(axis=1, keepdim=True)
        total = shifted.exp().sum(axis=1, keepdim=True).detach()
        p = shifted.exp().detach() / total
        # the value and the slope of log(sum), of which the slope is held constant
        return shifted - (total.log() + (p * (shifted - shifted.detach())).sum(axis=1, keepdim=True))
