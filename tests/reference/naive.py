"""The losses as anyone would write them in NumPy, in the precision of the logits: sound, and no better than that.

Each takes logits [n, C] or [n] and labels, and returns the losses of the elements and their slopes by the logits; the
first rounding error of every operation is in them. ``reduce`` makes the mean of them.
"""

import numpy as np


def softmax(z):
    shifted = z - z.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    total = powers.sum(axis=1, keepdims=True, dtype=z.dtype)
    return powers / total, np.log(total) - shifted


def hard(z, y):
    p, losses = softmax(z)
    row = np.arange(len(y))
    slopes = p.copy()
    slopes[row, y] -= z.dtype.type(1)
    return losses[row, y], slopes, p[row, y]


def cross_entropy(z, y):
    return hard(z, y)[:2]


def soft(z, q):
    p, losses = softmax(z)
    return (q * losses).sum(axis=1), p * q.sum(axis=1, keepdims=True) - q


def focal(z, y, gamma, rest="1 - p"):
    one, gamma = z.dtype.type(1), z.dtype.type(gamma)
    losses, slopes, p = hard(z, y)
    q = one - p if rest == "1 - p" else -np.expm1(-losses)
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = np.where(q > 0, gamma * p * q ** (gamma - one) * losses, 0)
    return q**gamma * losses, slopes * (q**gamma + turned)[:, None]


def sigmoid(x):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def logistic(x, t):
    return np.maximum(x, 0) - x * t + np.log1p(np.exp(-np.abs(x))), sigmoid(x) - t


def sigmoid_focal(x, t, gamma, alpha):
    number = x.dtype.type
    one, gamma, alpha = number(1), number(gamma), number(alpha)
    p, (losses, slopes) = sigmoid(x), logistic(x, t)
    q = p * (one - t) + (one - p) * t
    balance = alpha * t + (one - alpha) * (one - t)
    with np.errstate(divide="ignore", invalid="ignore"):
        turned = np.where(q > 0, gamma * q ** (gamma - one) * p * (one - p) * (one - number(2) * t) * losses, 0)
    return balance * q**gamma * losses, balance * (turned + q**gamma * slopes)


def smooth_l1(x, t, mu):
    d, mu = x - t, x.dtype.type(mu)
    root = np.sqrt(d * d + mu * mu)
    return root - mu, d / root


def hinge(x, t):
    sign = 2 * t - 1
    margin = 1 - sign * x
    return np.maximum(margin, 0), np.where(margin > 0, -sign, 0)


def squared(x, t):
    return (x - t) ** 2, 2 * (x - t)


def absolute(x, t):
    return np.abs(x - t), np.sign(x - t)


def harmonize(norms, bins):
    place = np.minimum(np.floor(norms * norms.dtype.type(bins)), bins - 1).astype(int)
    population = np.bincount(place, minlength=bins)
    return (len(norms) / (population[place] * np.count_nonzero(population))).astype(norms.dtype)


def largest(losses, k):
    chosen = np.zeros_like(losses)
    chosen[np.argsort(-losses)[:k]] = 1
    return chosen


def reduce(losses, slopes, factor, divisor, reduction, cotangent):
    """Value and gradient of a reduction of losses that are multiplied by a ``factor`` each."""
    number = losses.dtype.type
    losses = losses * factor
    if slopes.ndim > 1:
        factor = factor[:, None]
        cotangent = np.reshape(cotangent, (-1, 1)) if reduction == "none" else cotangent
    slopes = slopes * factor * np.asarray(cotangent, losses.dtype)
    if reduction == "none":
        return losses, slopes
    divisor = number(divisor if reduction == "mean" else 1)
    return losses.sum(dtype=losses.dtype) / divisor, slopes / divisor
