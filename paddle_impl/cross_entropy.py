"""Cross entropy of a softmax, exact at every size of logits."""

from __future__ import annotations

from paddle import Tensor

from paddle_impl.elements import ElementLoss, Elements


class CrossEntropyLoss(ElementLoss):
    r"""Compute the cross entropy of a softmax with hard labels.

    .. math:: l_i = w_{y_i} (\log \sum_c e^{z_{ic}} - z_{i y_i})

    ``mean`` divides by the sum of the valid elements' weights. Unlike ``paddle.nn.CrossEntropyLoss`` of Paddle 3.3 the
    loss keeps growing past a gap of 64 between the largest logit and the label's.

    Shapes: logits [..., C, ...] with the classes along ``axis`` (any rank >= 1), labels the same without that axis, or
    with length 1 there. float16 and bfloat16 are computed in float32; the result has the logits' dtype.

    Args: ``weight``, ``ignore_index``, ``reduction``, ``axis``, ``denominator``, ``check_labels`` as in
    :class:`~paddle_impl.elements.ElementLoss`.

    Raises:
        ValueError: an option, shape, weight or label out of range. TypeError: a wrong type or dtype.

    Source: Bishop, *Pattern Recognition and Machine Learning* (2006), eq. 4.108.
    """

    def element_losses(self, elements: Elements) -> Tensor:
        """logsumexp(z) - z_y."""
        return elements.cross_entropy()
