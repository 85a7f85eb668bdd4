"""What the layers of this package compute: rows of logits to losses of elements, and those to one number."""

import paddle
from paddle import nn

from tests.mutants.museum.checks import check_choice, check_classes, check_finite, check_shape, known
from tests.mutants.sound import SoundLoss, power

widened, narrowed, over = SoundLoss.widened, SoundLoss.narrowed, SoundLoss.over


def rows_of(logits, axis=1):
    """Rows [n, C] of logits whose classes are along an axis."""
    order = list(range(logits.ndim))
    order.append(order.pop(axis))
    return logits.transpose(order).reshape([-1, logits.shape[axis]])


def without(shape, axis):
    """A shape without one of its axes."""
    left = list(shape)
    left.pop(axis)
    return left


def log_softmax(rows):
    """Logarithms of the probabilities of each row."""
    shifted = rows - rows.detach().max(axis=1, keepdim=True)
    return shifted - shifted.exp().sum(axis=1, keepdim=True).log()


def focal_of(losses, gamma):
    """Cross entropies [n] times (1 - p)^gamma."""
    infinite = losses.detach().isinf()
    finite = paddle.where(infinite, paddle.zeros_like(losses), losses)
    return paddle.where(infinite, losses, power(1 - (-finite).exp(), gamma) * finite)


class ClassLoss(nn.Layer):
    """A mean of losses of elements of one class each; a subclass says how it is called, or errs in a step."""

    forms = (list, tuple)
    whole = True

    def __init__(self, weight=None, ignore_index=-100, reduction="mean"):
        super().__init__()
        if weight is not None and not isinstance(weight, self.forms):
            raise TypeError(f"class weights must be {self.forms}, got {type(weight)}")
        check_choice("reduction", reduction, ("none", "sum", "mean"))
        self.class_weights = None if weight is None else paddle.to_tensor(weight, dtype="float64")
        if weight is not None:
            check_finite("weight", known(self.class_weights))
        self.ignored, self.reduction = ignore_index, reduction

    def of_elements(self, logits, labels, axis=None):
        """The loss of logits with labels that lack their class axis."""
        axis = min(1, logits.ndim - 1) if axis is None else axis
        check_shape("labels", without(logits.shape, axis), labels.shape)
        if labels.is_floating_point() and self.whole:
            raise TypeError(f"labels must be class ids, got {labels.dtype}")
        return self.of_rows(rows_of(logits, axis), labels.astype("int64").flatten(), labels.shape)

    def of_rows(self, rows, ids, shape):
        """The loss of rows [n, C] with class ids [n], in their shape where nothing is reduced."""
        dtype, rows = rows.dtype, widened(rows)
        check_classes(known(ids), rows.shape[1], self.ignored)
        valid = self.valid(ids)
        rows = paddle.where(valid.unsqueeze(1), rows, paddle.zeros_like(rows))
        safe = paddle.where(valid, ids, paddle.zeros_like(ids))
        weights = self.weights(safe, rows)
        losses = paddle.where(valid, self.losses(rows, safe) * weights, paddle.zeros_like(weights))
        reduced = self.reduced(losses, weights, valid.astype(rows.dtype))
        return narrowed(reduced.reshape(shape if self.reduction == "none" else []), dtype)

    def valid(self, ids):
        return paddle.ones(ids.shape, "bool") if self.ignored is None else ids != self.ignored

    def weights(self, ids, rows):
        if self.class_weights is None:
            return paddle.ones([ids.shape[0]], rows.dtype)
        if self.class_weights.shape[0] != rows.shape[1]:
            raise ValueError(f"weight has {self.class_weights.shape[0]} numbers for {rows.shape[1]} classes")
        return paddle.gather(self.class_weights.astype(rows.dtype), ids)

    def losses(self, rows, ids):
        return -paddle.take_along_axis(log_softmax(rows), ids.unsqueeze(1), 1).squeeze(1)

    def reduced(self, losses, weights, valid):
        if self.reduction == "none":
            return losses
        return losses.sum() if self.reduction == "sum" else over(losses.sum(), self.divisor(losses, weights, valid))

    def divisor(self, losses, weights, valid):
        return (weights * valid).sum()
