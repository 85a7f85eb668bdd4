"""A cost-sensitive cross entropy that behaves as the published one for Paddle does, faults included.

    lossproof certify examples/published/cost_sensitive.py:PublishedCostSensitive --contract cost_sensitive \\
        --domain ignore_index=-100
"""

import paddle
import paddle.nn.functional as F
from paddle import nn


class PublishedCostSensitive(nn.Layer):
    """Cross entropy with the class weights (least count / count)^gamma.

    Args:
        num_class_list: how often each class occurs.
        gamma: how much the counts matter; 0: not at all.
    """

    def __init__(self, num_class_list, gamma=1.0):
        super().__init__()
        least = min(num_class_list)
        costs = [(least / count) ** gamma for count in num_class_list]
        self.costs = paddle.to_tensor(costs, dtype="float32")

    def forward(self, logits, labels):
        """Logits [..., C], or a dict that holds them; labels [...], or rows of probabilities [..., C]."""
        if isinstance(logits, dict):
            logits = logits["logits"]
        # by size alone: the labels [0, 1] of two elements and two classes are taken for soft ones, too
        soft = labels.shape[-1] == logits.shape[-1]
        if soft:
            labels = F.softmax(labels, axis=-1)
        loss = F.cross_entropy(logits, labels, weight=self.costs, soft_label=soft)
        # a mean already: this one changes nothing
        return {"CS_CELoss": loss.mean()}
