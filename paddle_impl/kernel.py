"""Cross entropy of a softmax, fast where the framework's kernel is right and exact where it is not.

Paddle's fused kernel costs half of the same operations composed, but (3.3, CPU) it clips shifted logits at -64, loses
NaN in float32 from eight classes on, and has no second derivative. Two numbers read back tell when that matters.
"""

from __future__ import annotations

import math

import paddle
from paddle import Tensor

# the functional API's softmax_with_cross_entropy prints a deprecation warning and calls this
from paddle.nn.functional.loss import base_softmax_with_cross_entropy as fused

from paddle_impl.elements import Elements
from paddle_impl.gradients import once_differentiable, with_gradient
from paddle_impl.programs import detached

CLIP = 60.0
"""Gaps below it were not clipped at 64 by the kernel."""
ROUNDOFF = {paddle.float32: 2.0**-24, paddle.float64: 2.0**-53}


def cross_entropy(elements: Elements) -> Tensor:
    """logsumexp(z) - z_y of each element, [...], 0 where ignored; gradient p - e_y."""
    if elements.plain or 0 in elements.labels.shape:
        return composed(elements)
    losses, p = fused(
        elements.logits,
        elements.labels.unsqueeze(elements.axis),
        ignore_index=-100 if elements.kept is None else elements.ignored,
        return_softmax=True,
        axis=elements.axis,
    )
    once_differentiable(losses, [p])
    del p
    largest, total = losses.max().item(), elements.logits.sum().item()
    if not (math.isfinite(total) and math.isfinite(largest)):
        # NaN or inf somewhere, maybe where it is ignored
        elements.plain = True
        return composed(elements)
    losses = losses.squeeze(elements.axis)
    if largest < CLIP:
        return losses
    with paddle.no_grad():
        exact = composed(elements)
    # the gradient is right as it is: e^-64 where e^-1000 is meant
    return with_gradient(exact, losses)


def composed(elements: Elements) -> Tensor:
    """The same by operations that have derivatives of all orders, shifted by the maximum first."""
    logits, axis = elements.masked_logits(), elements.axis
    shifted = logits - detached(logits).max(axis=axis, keepdim=True)
    total = shifted.exp().sum(axis=axis)
    labels = elements.known_labels().astype("int64").unsqueeze(axis)
    picked = paddle.take_along_axis(shifted, labels, axis, broadcast=False).squeeze(axis)
    return elements.masked(total.log() - picked)


def soft_cross_entropy(logits: Tensor, q: Tensor, mass: Tensor, axis: int, plain: bool) -> Tensor:
    """-sum_c q_c log p_c of each element, [...]; gradient p ``mass`` - q, where ``mass`` [...] is the sum of q."""
    if plain or 0 in logits.shape:
        return soft_composed(logits, q, mass, axis)
    largest, smallest = logits.detach().max().item(), logits.detach().min().item()
    if not math.isfinite(largest - smallest):
        return soft_composed(logits, q, mass, axis)
    scale = None
    # the kernel's gradient is p - q, whatever q sums to
    if max(mass.max().item() - 1.0, 1.0 - mass.min().item()) > 4.0 * ROUNDOFF[logits.dtype]:
        scale = paddle.where(mass > 0, mass, paddle.ones_like(mass))
        q, mass, scale = q / scale.unsqueeze(axis), mass / scale, mass
    losses, p = fused(logits, q, soft_label=True, return_softmax=True, axis=axis)
    once_differentiable(losses, [p])
    del p
    losses = losses.squeeze(axis)
    if largest - smallest > CLIP:
        with paddle.no_grad():
            exact = soft_composed(logits, q, mass, axis)
        losses = with_gradient(exact, losses)
    return losses if scale is None else losses * scale


def soft_composed(logits: Tensor, q: Tensor, mass: Tensor, axis: int) -> Tensor:
    """The same by operations that have derivatives of all orders; a class with q = 0 and p = 0 adds nothing."""
    shifted = logits - detached(logits).max(axis=axis, keepdim=True)
    total = shifted.exp().sum(axis=axis)
    terms = paddle.where(q > 0, q * shifted, paddle.zeros_like(q))
    return total.log() * mass - terms.sum(axis=axis)
