"""Sound layers that take less than a contract draws, and raise for the rest."""

import paddle

from tests.mutants.sound import SoundCrossEntropy


class Picky(SoundCrossEntropy):
    """Raises for whatever lies outside what it claims to take."""

    def forward(self, logits, labels):
        if not self.takes(logits, labels):
            raise RuntimeError("outside the declared domain")
        return super().forward(logits, labels)


class NoWeights(Picky):
    def takes(self, logits, labels):
        return self.weight is None


class Nineteen(Picky):
    def takes(self, logits, labels):
        return logits.shape[self.class_axis(logits)] == 19


class ClassesFirst(Picky):
    def takes(self, logits, labels):
        return self.axis == 0


class OnlyBfloat16(Picky):
    def takes(self, logits, labels):
        return logits.dtype == paddle.bfloat16


class Ignores19(Picky):
    def takes(self, logits, labels):
        return self.ignore_index == 19


class RankFour(Picky):
    def takes(self, logits, labels):
        return logits.ndim == 4


class ThreeOrFour(Picky):
    def takes(self, logits, labels):
        return logits.ndim in (3, 4)
