"""A wrong loss after a defect that shows in programs alone."""

import paddle

from paddle_impl import CrossEntropyLoss

from ..registry import historic

IN_PART = (
    "a layer that raises in a program for some of its problems is taken to lack programs for these, not to be wrong"
)


@historic("B052", "PaddleClas#1234", "BKD", contract="cross_entropy", backend="paddle", simulated=True, unseen=IN_PART)
class NoRankInPrograms(CrossEntropyLoss):
    """With smoothing the rank of the labels is asked by a name that a variable of a static program does not have."""

    def forward(self, logits, labels, normalizer=None):
        if self.label_smoothing and not paddle.in_dynamic_mode():
            raise AttributeError("'Variable' object has no attribute 'ndim'")
        return super().forward(logits, labels, normalizer)
