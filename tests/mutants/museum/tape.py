"""NumPy with a memory: numbers that know how they came about, so that a changed formula brings its gradient along."""

import numpy as np


class Var:
    """An array and, for each array it was made from, how an upstream gradient goes back there."""

    __array_priority__ = 1000

    def __init__(self, value, parents=()):
        self.value = np.asarray(value)
        self.parents = parents

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)

    def __add__(self, other):
        return binary(self, other, np.add, lambda g, a, b, out: g, lambda g, a, b, out: g)

    __radd__ = __add__

    def __sub__(self, other):
        return binary(self, other, np.subtract, lambda g, a, b, out: g, lambda g, a, b, out: -g)

    def __rsub__(self, other):
        return constant(other, self.dtype) - self

    def __mul__(self, other):
        return binary(self, other, np.multiply, lambda g, a, b, out: g * b, lambda g, a, b, out: g * a)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return binary(self, other, np.divide, lambda g, a, b, out: g / b, lambda g, a, b, out: -g * out / b)

    def __rtruediv__(self, other):
        return constant(other, self.dtype) / self

    def __neg__(self):
        return unary(self, -self.value, lambda g: -g)

    def __pow__(self, exponent):
        slope = exponent * self.value ** (exponent - 1) if exponent else np.zeros_like(self.value)
        return unary(self, self.value ** np.asarray(exponent, self.dtype), lambda g: g * slope.astype(g.dtype))

    def __getitem__(self, index):
        def back(g):
            full = np.zeros_like(self.value)
            np.add.at(full, index, g)
            return full

        return unary(self, self.value[index], back)

    def exp(self):
        out = np.exp(self.value)
        return unary(self, out, lambda g: g * out)

    def log(self):
        return unary(self, np.log(self.value), lambda g: g / self.value)

    def log1p(self):
        return unary(self, np.log1p(self.value), lambda g: g / (1 + self.value))

    def sqrt(self):
        out = np.sqrt(self.value)
        return unary(self, out, lambda g: g / (2 * out))

    def abs(self):
        return unary(self, np.abs(self.value), lambda g: g * np.sign(self.value))

    def clip(self, low=None, high=None):
        out = np.clip(self.value, low, high)
        return unary(self, out, lambda g: np.where(out == self.value, g, 0).astype(g.dtype))

    def sum(self, axis=None, keepdims=False):
        out = self.value.sum(axis=axis, keepdims=keepdims, dtype=self.dtype)

        def back(g):
            opened = g if axis is None or keepdims else np.expand_dims(g, axis)
            return np.broadcast_to(opened, self.shape)

        return unary(self, out, back)

    def mean(self, axis=None, keepdims=False):
        total = self.sum(axis, keepdims)
        return total / (self.size / max(total.size, 1))

    def max(self, axis=None, keepdims=False):
        """The maximum as a constant."""
        return self.value.max(axis=axis, keepdims=keepdims)

    def reshape(self, *shape):
        return unary(self, self.value.reshape(*shape), lambda g: g.reshape(self.shape))

    def moveaxis(self, source, target):
        return unary(self, np.moveaxis(self.value, source, target), lambda g: np.moveaxis(g, target, source))

    def astype(self, dtype):
        return unary(self, self.value.astype(dtype), lambda g: g.astype(self.dtype))

    def detach(self):
        return Var(self.value)


def constant(value, dtype):
    return value if isinstance(value, Var) else Var(np.asarray(value, dtype))


def unary(parent, value, back):
    return Var(value, ((parent, back),))


def binary(left, right, operate, left_back, right_back):
    left, right = constant(left, getattr(right, "dtype", None)), constant(right, left.dtype)
    a, b = left.value, right.value
    out = operate(a, b)
    return Var(
        out,
        (
            (left, lambda g: unbroadcast(left_back(g, a, b, out), a.shape)),
            (right, lambda g: unbroadcast(right_back(g, a, b, out), b.shape)),
        ),
    )


def where(condition, yes, no):
    """Choose element by element; the branch not taken gets a gradient of exactly 0."""
    like = yes if isinstance(yes, Var) else no
    yes, no = constant(yes, like.dtype), constant(no, like.dtype)
    out = np.where(condition, yes.value, no.value)
    return Var(
        out,
        (
            (yes, lambda g: unbroadcast(np.where(condition, g, 0).astype(g.dtype), yes.shape)),
            (no, lambda g: unbroadcast(np.where(condition, 0, g).astype(g.dtype), no.shape)),
        ),
    )


def maximum(left, right):
    left = constant(left, getattr(right, "dtype", None))
    return where(left.value >= getattr(right, "value", right), left, right)


def sigmoid(x):
    small = np.exp(-np.abs(x.value))
    out = np.where(x.value >= 0, 1 / (1 + small), small / (1 + small)).astype(x.dtype)
    slope = (small / (1 + small) ** 2).astype(x.dtype)
    return unary(x, out, lambda g: g * slope)


def softplus(x):
    """log(1 + exp(x)) without overflow."""
    return unary(x, np.logaddexp(0, x.value).astype(x.dtype), lambda g: g * sigmoid(x).value)


def unbroadcast(gradient, shape):
    """Sum a gradient over the axes along which its array was repeated."""
    while gradient.ndim > len(shape):
        gradient = gradient.sum(axis=0)
    for axis, length in enumerate(shape):
        if length == 1 and gradient.shape[axis] != 1:
            gradient = gradient.sum(axis=axis, keepdims=True)
    return gradient


def gradient_of(result, leaf, upstream):
    """What an upstream gradient of ``result`` is at ``leaf``."""
    gradients = {id(result): np.broadcast_to(np.asarray(upstream, result.dtype), result.shape)}
    for node in reversed(_ordered(result)):
        arrived = gradients.pop(id(node), None) if node is not leaf else None
        if arrived is None:
            continue
        for parent, back in node.parents:
            sent = back(arrived)
            before = gradients.get(id(parent))
            gradients[id(parent)] = sent if before is None else before + sent
    return np.array(gradients.get(id(leaf), np.zeros_like(leaf.value)), dtype=leaf.dtype)


def _ordered(result):
    """Every number behind ``result``, parents first."""
    found, seen, stack = [], set(), [(result, False)]
    while stack:
        node, done = stack.pop()
        if done:
            found.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent, _ in node.parents)
    return found
