"""An average top-k loss by rows, which behaves as the copied one does, faults included.

    lossproof certify examples/published/average_top_k.py:PublishedTopK --contract average_top_k --domain rank=2
    lossproof certify examples/published/average_top_k.py:PublishedTopK --contract average_top_k --domain rank=2 \\
        --domain ignore_index=-100
"""

import paddle
import paddle.nn.functional as F
from paddle import nn


class PublishedTopK(nn.Layer):
    """The mean of the largest cross entropies of a batch, each computed in a turn of a loop.

    Args:
        top_k: the fraction of the rows whose losses are averaged.
    """

    def __init__(self, top_k=0.6):
        super().__init__()
        self.top_k = top_k

    def forward(self, logits, labels):
        """Logits [N, C], labels [N]."""
        log_p = F.log_softmax(logits, axis=1)
        # of an ignored row this is 0, and the row stays
        losses = paddle.stack([F.nll_loss(row.unsqueeze(0), labels[i].unsqueeze(0)) for i, row in enumerate(log_p)])
        largest, _ = paddle.topk(losses, int(self.top_k * losses.shape[0]))
        return largest.mean()
