"""Losses that raise on problems of one kind, where they had to answer."""

from .registry import CE, mutant
from .sound import SoundCrossEntropy


@mutant("conduct/answers-all", CE)
class RaisesFarOut(SoundCrossEntropy):
    """Raises where a logit is large, as an assertion about the network would."""

    def forward(self, logits, labels, normalizer=None):
        if logits.size and float(logits.abs().max().astype("float64")) > 5.0:
            raise OverflowError("the network has diverged")
        return super().forward(logits, labels, normalizer)


@mutant("conduct/takes-one-element", CE)
class NeedsTwo(SoundCrossEntropy):
    """Divides by the number of elements less one."""

    def forward(self, logits, labels, normalizer=None):
        share = 1 / (labels.size - 1) if labels.size else 0.0
        return super().forward(logits, labels, normalizer) * (1.0 if share >= 0 else share)


@mutant("conduct/takes-square", CE)
class AsLongIsSoft(SoundCrossEntropy):
    """Takes labels for soft ones where their last axis is as long as there are classes."""

    def forward(self, logits, labels, normalizer=None):
        classes = logits.shape[self.axis] if logits.ndim else 1
        if labels.ndim and labels.ndim < logits.ndim and labels.shape[-1] == classes:
            raise RuntimeError("no kernel for a softmax of int64")
        return super().forward(logits, labels, normalizer)


@mutant("conduct/takes-ignored-and-weighted", CE)
class WeighsIgnored(SoundCrossEntropy):
    """Looks up the weights of ignored elements too."""

    def forward(self, logits, labels, normalizer=None):
        weighted = self.weight is not None and labels.size and self.ignore_index is not None
        if weighted and bool((labels == self.ignore_index).any()):
            raise IndexError("the label of an ignored element has no weight")
        return super().forward(logits, labels, normalizer)


@mutant("conduct/takes-axis-of-one", CE)
class SqueezesEveryAxis(SoundCrossEntropy):
    """Squeezes all axes of length 1 of its labels, and not those of its losses."""

    def forward(self, logits, labels, normalizer=None):
        if labels.ndim > 1 and 1 in labels.shape:
            labels.squeeze().expand(labels.shape[::-1]).reshape([-1, 7, 11])
        return super().forward(logits, labels, normalizer)
