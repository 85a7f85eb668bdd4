"""A Paddle loss with one quantity off by a factor; see ``sensitivity``."""

import paddle


class Multiplied(paddle.autograd.PyLayer):
    """A number and its gradient, each with a factor of its own."""

    @staticmethod
    def forward(ctx, tensor, ahead, back):
        ctx.back = back
        return times(tensor, ahead)

    @staticmethod
    def backward(ctx, gradient):
        return times(gradient, ctx.back)


def times(tensor, factor):
    """Multiplied in float64, so that nothing but the product is rounded."""
    wide = tensor.astype("float64")
    return (wide * paddle.full([], factor, "float64")).astype(tensor.dtype)


class Off:
    """A loss with one quantity off by a factor."""

    def __init__(self, loss, quantity, factor, **arguments):
        weight = arguments.get("weight")
        if quantity == "class weight" and weight is not None:
            first = paddle.arange(weight.shape[0]) == 0
            arguments["weight"] = paddle.where(first, times(weight, factor), weight)
        self.loss = loss(**arguments)
        divided = quantity == "denominator" and self.loss.reduction == "mean"
        self.value = factor if quantity == "value" else 1 / factor if divided else 1.0
        self.gradient = factor if quantity == "gradient" else 1 / factor if divided else 1.0

    def __call__(self, logits, labels, **given):
        value = self.loss(Multiplied.apply(logits, 1.0, self.gradient), labels, **given)
        return Multiplied.apply(value, self.value, 1.0)
