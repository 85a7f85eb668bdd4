"""The losses in 50 digits: closed forms in which no subtraction eats digits, written without looking at the oracles.

A form is the loss of one element: ``value``, ``slopes`` by each of its logits, ``sizes`` of the slopes (the sum of the
absolute values of the terms where a slope is a true difference, else the slope's own) and the gradient ``norm``.
"""

import itertools
from dataclasses import dataclass

import mpmath
import numpy as np

mpmath.mp.dps = 50
RELATIVE = 1e-13
INF = mpmath.inf


@dataclass(frozen=True)
class Form:
    value: mpmath.mpf
    slopes: list
    sizes: list
    norm: mpmath.mpf = None

    def times(self, factor):
        return Form(self.value * factor, [s * factor for s in self.slopes], [s * factor for s in self.sizes], self.norm)


def digits(numbers):
    """Floats, or what is exact already, as exact numbers."""
    return [x if isinstance(x, mpmath.mpf) else mpmath.mpf(float(x)) for x in numbers]


def softmax(row):
    """p_j, 1 - p_j and -log p_j for each class: with r = sum over k != j of exp(z_k - z_j), p = 1 / (1 + r)."""
    z = digits(row)
    p, rest, loss = [], [], []
    for j, own in enumerate(z):
        if own == -INF:
            found = (mpmath.mpf(0), mpmath.mpf(1), INF)
        else:
            r = mpmath.fsum(mpmath.exp(x - own) for k, x in enumerate(z) if k != j and x != -INF)
            found = (1 / (1 + r), r / (1 + r), mpmath.log1p(r))
        for numbers, number in zip((p, rest, loss), found, strict=True):
            numbers.append(number)
    return p, rest, loss


def hard(row, label):
    p, rest, loss = softmax(row)
    slopes = [-rest[label] if j == label else p[j] for j in range(len(p))]
    return Form(loss[label], slopes, [abs(s) for s in slopes], rest[label])


def soft(row, q):
    """-sum q_c log p_c and p_j sum(q) - q_j, which is p_j times the others' q minus q_j (1 - p_j)."""
    p, rest, loss = softmax(row)
    q = digits(q)
    value = mpmath.fsum(q_c * loss_c for q_c, loss_c in zip(q, loss, strict=True) if q_c > 0)
    others = [mpmath.fsum(q_k for k, q_k in enumerate(q) if k != j) for j in range(len(q))]
    slopes = [p[j] * others[j] - q[j] * rest[j] for j in range(len(q))]
    return Form(value, slopes, [p[j] * others[j] + q[j] * rest[j] for j in range(len(q))])


def smoothed(q, smoothing):
    e, q = mpmath.mpf(smoothing), digits(q)
    return [(1 - e) * q_c + e / len(q) for q_c in q]


def focal(row, label, gamma):
    """(1 - p)^g l, and (p_j - [j = y]) ((1 - p)^g + g p (1 - p)^(g - 1) l)."""
    plain, gamma = hard(row, label), mpmath.mpf(gamma)
    q, p = plain.norm, softmax(row)[0][label]
    if q == 0:
        bracket = mpmath.mpf(1 if gamma == 0 else 0)
    else:
        bracket = q**gamma + (gamma * p * q ** (gamma - 1) * plain.value if p > 0 else 0)
    value = plain.value if gamma == 0 else (q**gamma * plain.value if q > 0 else mpmath.mpf(0))
    slopes = [s * bracket for s in plain.slopes]
    return Form(value, slopes, [abs(s) for s in slopes])


def logistic(x, t):
    x, t = digits([x, t])
    p, other = 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x))
    value = t * mpmath.log1p(mpmath.exp(-x)) + (1 - t) * mpmath.log1p(mpmath.exp(x))
    slope = p * (1 - t) - other * t
    return Form(value, [slope], [p * (1 - t) + other * t], abs(slope))


def sigmoid_focal(x, t, gamma, alpha=None):
    """a_t q^g B with q = 1 - p_t, and its derivative a_t (g q^(g - 1) q' B + q^g B')."""
    plain = logistic(x, t)
    x, t = digits([x, t])
    gamma = mpmath.mpf(gamma)
    p, other = 1 / (1 + mpmath.exp(-x)), 1 / (1 + mpmath.exp(x))
    q = p * (1 - t) + other * t
    balance = 1 if alpha is None else mpmath.mpf(alpha) * t + (1 - mpmath.mpf(alpha)) * (1 - t)
    terms = [gamma * q ** (gamma - 1) * p * other * (1 - 2 * t) * plain.value, q**gamma * plain.slopes[0]]
    size = abs(terms[0]) + q**gamma * plain.sizes[0]
    return Form(q**gamma * plain.value, [terms[0] + terms[1]], [size]).times(balance)


def regression(x, t, mu):
    """sqrt(d^2 + mu^2) - mu, which is d^2 / (sqrt(d^2 + mu^2) + mu)."""
    x, t, mu = digits([x, t, mu])
    d = x - t
    root = mpmath.sqrt(d * d + mu * mu)
    return Form(d * d / (root + mu), [d / root], [abs(d) / root], abs(d) / root)


def hinge(x, t):
    x, t = digits([x, t])
    sign = 2 * t - 1
    margin = 1 - sign * x
    slope = -sign if margin > 0 else mpmath.mpf(0)
    return Form(max(margin, mpmath.mpf(0)), [slope], [abs(slope)])


def squared(x, t):
    x, t = digits([x, t])
    return Form((x - t) ** 2, [2 * (x - t)], [2 * abs(x - t)])


def absolute(x, t):
    x, t = digits([x, t])
    return Form(abs(x - t), [mpmath.sign(x - t)], [abs(mpmath.sign(x - t))])


def region(norm, regions):
    """floor(g / width), the last region closed, with the width as the float that it is."""
    width = mpmath.mpf(1) / regions.count if 1 / regions.count == regions.width else mpmath.mpf(regions.width)
    return min(int(mpmath.floor(norm / width)), regions.count - 1)


def harmonized(forms, regions, normalize="occupied"):
    where = [region(form.norm, regions) for form in forms]
    share = len(set(where)) if normalize == "occupied" else regions.count
    return [form.times(mpmath.mpf(len(forms)) / (where.count(j) * share)) for j, form in zip(where, forms, strict=True)]


def largest(forms, k):
    """The k forms of largest value as they are, the others times 0; and k / N."""
    order = sorted(range(len(forms)), key=lambda i: -forms[i].value)
    return [form.times(int(i in order[:k])) for i, form in enumerate(forms)], mpmath.mpf(k) / len(forms)


def check(answer, forms, divisor=1, reduction="none"):
    """Value and gradient of ``answer`` against forms, with rows of slopes flattened, each divided by ``divisor``."""
    values = [form.value / divisor for form in forms]
    if reduction != "none":
        values = [mpmath.fsum(values)]
    for got, exact in zip(answer.value.reshape(-1), values, strict=True):
        assert close(got, exact), (got, exact)
    slopes = [s / divisor for form in forms for s in form.slopes]
    sizes = [s / divisor for form in forms for s in form.sizes]
    for got, exact, size in zip(answer.gradient.reshape(-1), slopes, sizes, strict=True):
        assert close(got, exact, size), (got, exact, size)


def close(got, exact, size=None):
    exact = float(exact)
    if not np.isfinite(exact):
        return got == exact
    return abs(got - exact) <= RELATIVE * float(exact if size is None else size) + 1e-300


def rows():
    """Rows of logits by regime."""
    rng = np.random.default_rng(7)
    inf = np.inf
    return {
        "lattice": [np.array(z, dtype=float) for z in itertools.product((-3, 0, 1, 8), repeat=3)],
        "random": [rng.normal(size=4) * scale for scale in (0.1, 1, 10) for _ in range(20)],
        "saturated": [np.array([a, b, 0.0]) for a in (-1e4, -90, -64, 17, 64, 700) for b in (-1e3, -17, 0, 90, 1e4)],
        "near ties": [np.array([1.0, 1.0 + 2.0**-k, 1.0 - 2.0**-k]) for k in (10, 30, 50)],
        "offset": [1e4 + rng.integers(-40, 40, 5) / 8 for _ in range(10)],
        "masked classes": [np.array(z) for z in ([-inf, 0, 2.0], [1, -inf, -inf], [-inf, 300, 1.5, -40])],
        "one class": [np.array([3.0])],
        "many classes": [rng.normal(size=60) * 3],
    }


def entries():
    """Logits by regime."""
    rng = np.random.default_rng(8)
    saturated = np.array([17, 36.5, 37, 40, 64, 90, 300, 700, 1e4])
    return {
        "lattice": np.array([-8, -3, -1, 0, 1, 2, 5.0]),
        "random": np.concatenate([rng.normal(size=12) * scale for scale in (0.1, 1, 10)]),
        "saturated": np.concatenate([saturated, -saturated]),
        "next to 0": np.array([2.0**-k * sign for k in (10, 30, 60, 1000) for sign in (-1, 1)]),
    }
