"""Departures inside a softmax: maps of logits, what is added inside logarithms, caps, a softmax too many, smoothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.parts import mapped, weight_of_elements
from properties.departures.softmax_parts import rows_of
from properties.problems.precision import Array
from properties.problems.problem import Problem
from reference.cross_entropy import Softmax
from reference.elements import Losses

CROSS_ENTROPY = "paddle.nn.functional.cross_entropy"

Back = Callable[[Array], Array]


def _softmax(rows: Array) -> Array:
    powers = np.exp(rows - rows.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _through_softmax(rows: Array, problem: Problem) -> tuple[Array, Back]:
    p = _softmax(rows)
    return p, lambda slope: p * (slope - (p * slope).sum(axis=1, keepdims=True))


def _through_log_softmax_negated(rows: Array, problem: Problem) -> tuple[Array, Back]:
    p = _softmax(rows)
    return np.logaddexp.reduce(
        rows, axis=1, keepdims=True
    ) - rows, lambda slope: p * slope.sum(axis=1, keepdims=True) - slope


def _through_sigmoid(rows: Array, problem: Problem) -> tuple[Array, Back]:
    p = 1.0 / (1.0 + np.exp(-np.clip(rows, -700, 700)))
    return p, lambda slope: slope * p * (1.0 - p)


def _over(temperature: float) -> Settings:
    return {"logits": (lambda rows, problem: (rows / temperature, lambda slope: slope / temperature),)}


def _capped(cap: float) -> Settings:
    def change(rows: Array, problem: Problem) -> tuple[Array, Back]:
        bent = np.tanh(rows / cap)
        return cap * bent, lambda slope: slope * (1.0 - bent * bent)

    return {"logits": (change,)}


def _clipped_logits(cap: float) -> Settings:
    def change(rows: Array, problem: Problem) -> tuple[Array, Back]:
        inside = np.abs(rows) <= cap
        return np.clip(rows, -cap, cap), lambda slope: slope * inside

    return {"logits": (change,)}


def _offset(step: float) -> Settings:
    def change(rows: Array, problem: Problem) -> tuple[Array, Back]:
        return rows + step * np.arange(rows.shape[1]), lambda slope: slope

    return {"logits": (change,)}


def _margin(margin: float) -> Settings:
    def change(rows: Array, problem: Problem) -> tuple[Array, Back]:
        return rows - margin * problem.one_hot, lambda slope: slope

    return {"logits": (change,)}


def _by_counts(tau: float) -> Settings:
    """Logits are adjusted by the logarithms of the class counts."""

    def change(rows: Array, problem: Problem) -> tuple[Array, Back]:
        counts = np.asarray(problem.config["num_class_list"], dtype=np.float64)
        with np.errstate(divide="ignore"):
            return rows + tau * np.log(counts / counts.sum()), lambda slope: slope

    return {"logits": (change,)}


def _floor(floor: float) -> Settings:
    """What is taken off the logits before the exponential is at least the floor: nothing changes above it."""

    def change(rows: Array, problem: Problem) -> tuple[Array, Back]:
        top = rows.max(axis=1, keepdims=True, initial=-np.inf)
        shifted = rows - top
        inside = shifted >= floor
        return np.maximum(shifted, floor), lambda slope: slope * inside

    return {"logits": (change,)}


def _floor_in_value(floor: float) -> Settings:
    """The same with a gradient that does not know of it."""

    def rewrite(problem: Problem) -> Problem:
        rows = problem.rows
        top = rows.max(axis=1, keepdims=True, initial=-np.inf)
        with np.errstate(invalid="ignore"):
            return problem.with_rows(np.maximum(rows - top, floor))

    return {"values": (rewrite,)}


MAPS = (
    Departure(
        "softmax-twice",
        "Probabilities are taken for logits: the softmax is taken twice.",
        lambda: {"logits": (_through_softmax,)},
        harm=8,
    ),
    Departure(
        "log-softmax-negated-twice",
        "Negative log-probabilities are taken for logits.",
        lambda: {"logits": (_through_log_softmax_negated,)},
        harm=8,
    ),
    Departure(
        "sigmoid-before-softmax",
        "The logits go through a sigmoid first.",
        lambda: {"logits": (_through_sigmoid,)},
        harm=8,
    ),
    Departure(
        "temperature",
        "The logits are divided by {temperature}.",
        _over,
        {"temperature": (2.0, 0.5, 4.0, 10.0, 0.1, 0.25, 1.5, 0.07, 20.0, -1.0)},
        harm=8,
    ),
    Departure(
        "soft-cap",
        "The logits are capped at {cap} by a tanh.",
        _capped,
        {"cap": (30.0, 50.0, 10.0, 20.0, 5.0, 15.0)},
        harm=8,
    ),
    Departure(
        "logits-clipped",
        "The logits are clipped at {cap}.",
        _clipped_logits,
        {"cap": (10.0, 20.0, 5.0, 15.0, 30.0, 2.0)},
        harm=8,
    ),
    Departure(
        "class-offset",
        "Each class has {step} more added to its logit than the one before.",
        _offset,
        {"step": (0.1, 1.0, -0.1, 0.5, 0.01)},
        harm=8,
    ),
    Departure(
        "margin",
        "The logit of the label is {margin} less.",
        _margin,
        {"margin": (0.1, 0.2, 0.35, 0.5, 1.0, -0.1)},
        harm=8,
    ),
    Departure(
        "logits-adjusted-by-counts",
        "The logits are adjusted by {tau} times the logarithms of the class counts.",
        _by_counts,
        {"tau": (1.0, -1.0, 0.5, 0.25)},
        needs=("num_class_list",),
        harm=8,
    ),
    Departure(
        "logits-floored",
        "Logits further than {floor} from the largest count as that far.",
        _floor,
        {"floor": (-64.0, -50.0, -30.0, -20.0, -10.0, -88.0)},
        harm=45,
    ),
    Departure(
        "losses-capped-at-64",
        "Losses are capped at 64.",
        lambda: _floor_in_value(-64.0),
        inherited=CROSS_ENTROPY,
        harm=80,
    ),
)


def _log_of(epsilon: float) -> Settings:
    def change(entropy: Array, problem: Problem) -> tuple[Array, Array]:
        p = np.exp(-entropy)
        return -np.log(p + epsilon), p / (p + epsilon)

    return {"entropy": (change,)}


def _clip_of(epsilon: float) -> Settings:
    def change(entropy: Array, problem: Problem) -> tuple[Array, Array]:
        p = np.exp(-entropy)
        inside = np.asarray(((p >= epsilon) & (p <= 1.0 - epsilon)) * 1.0)
        return np.asarray(-np.log(np.clip(p, epsilon, 1.0 - epsilon))), inside

    return {"entropy": (change,)}


def _clip_below(epsilon: float) -> Settings:
    cap = -np.log(epsilon)
    return {"entropy": (lambda entropy, p: (np.minimum(entropy, cap), (entropy <= cap) * 1.0),)}


def _cap(cap: float) -> Settings:
    return {"entropy": (lambda entropy, p: (np.minimum(entropy, cap), (entropy <= cap) * 1.0),)}


def _power(exponent: float) -> Settings:
    return {"entropy": (lambda e, p: (e**exponent, exponent * e ** (exponent - 1.0)),)}


def _other_base(base: float) -> Settings:
    by = float(np.log(base))
    return {"entropy": (lambda e, p: (e / by, np.full(e.shape, 1.0 / by)),)}


def _poly(epsilon: float) -> Settings:
    return {"entropy": (lambda e, p: (e + epsilon * (1.0 - np.exp(-e)), 1.0 + epsilon * np.exp(-e)),)}


def _probability_itself(entropy: Array, problem: Problem) -> tuple[Array, Array]:
    p = np.exp(-entropy)
    return -p, p


def _rest(entropy: Array, problem: Problem) -> tuple[Array, Array]:
    p = np.exp(-entropy)
    return 1.0 - p, p


EPSILONS = (1e-6, 1e-8, 1e-7, 1e-5, 1e-10, 1e-12, 1e-4, 1e-3, 1e-2)

ENTROPIES = (
    Departure(
        "epsilon-in-logarithm", "The logarithm is taken of p + {epsilon}.", _log_of, {"epsilon": EPSILONS}, harm=55
    ),
    Departure(
        "probability-clipped",
        "Probabilities are clipped to [{epsilon}, 1 - {epsilon}] before the logarithm.",
        _clip_of,
        {"epsilon": EPSILONS},
        harm=45,
    ),
    Departure(
        "probability-floored",
        "Probabilities below {epsilon} count as that.",
        _clip_below,
        {"epsilon": EPSILONS},
        harm=45,
    ),
    Departure(
        "loss-capped",
        "The loss of an element is capped at {cap}, and has no gradient from there on.",
        _cap,
        {"cap": (10.0, 5.0, 20.0, 100.0, 50.0, 2.0)},
        harm=45,
    ),
    Departure(
        "entropy-to-a-power",
        "Cross entropy is raised to the power {exponent}.",
        _power,
        {"exponent": (2.0, 0.5, 3.0, 1.5)},
        harm=8,
    ),
    Departure("other-logarithm", "The logarithm has base {base}.", _other_base, {"base": (2.0, 10.0)}, harm=8),
    Departure(
        "poly-term", "{epsilon} (1 - p) is added to cross entropy.", _poly, {"epsilon": (1.0, 2.0, 0.5, -1.0)}, harm=8
    ),
    Departure(
        "no-logarithm",
        "The probability stands in the place of its logarithm.",
        lambda: {"entropy": (_probability_itself,)},
        harm=8,
    ),
    Departure("rest-for-entropy", "1 - p stands in the place of cross entropy.", lambda: {"entropy": (_rest,)}, harm=8),
)


def _inside_logarithm(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """-log(w p)."""
    weight = weight_of_elements(problem)
    with np.errstate(divide="ignore", invalid="ignore"):
        return mapped(losses, np.where(weight > 0, losses.value - np.log(weight), np.inf), np.ones_like(weight))


def _on_probabilities(problem: Problem, softmax: Softmax, losses: Losses) -> Losses:
    """-log of a softmax that class weights multiply before it is made to sum to 1 again."""
    weight = np.ones(problem.classes) if problem.weight is None else problem.weight
    shares = softmax.p * weight
    total = shares.sum(axis=1)
    labels = np.where(problem.valid.reshape(-1), problem.labels.reshape(-1), 0)
    own = weight[labels]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = losses.value + np.log(total) - np.log(own)
        slope = losses.slope + shares / total[:, None] - softmax.p
    return Losses(value, slope, losses.value_scale + 8.0 + np.abs(value), losses.slope_scale + 8.0)


WEIGHTED = (
    Departure(
        "weights-in-logarithm",
        "Class weights multiply the probabilities, inside the logarithm.",
        lambda: {"weigh": _inside_logarithm},
        needs=("weight",),
        harm=15,
    ),
    Departure(
        "weights-on-probabilities",
        "Class weights multiply the probabilities, which are then made to sum to 1 again.",
        lambda: {"weigh": _on_probabilities},
        needs=("weight",),
        harm=15,
    ),
)


def _e(problem: Problem) -> float:
    return float(problem.config.get("label_smoothing", 0.0))


def _masked(rows: Array, problem: Problem) -> Array:
    return rows * problem.valid.reshape(-1, 1)


def _others_only(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (1.0 - problem.one_hot) * e / max(c - 1, 1), problem)


def _others_of_c(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (1.0 - problem.one_hot) * e / c, problem)


def _one_over_c(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked((1.0 - e) * problem.one_hot + (e > 0) / c, problem)


def _half(problem: Problem) -> Array:
    e = _e(problem)
    return _masked((problem.one_hot + e) / 2.0 if e else problem.one_hot, problem)


def _none(problem: Problem) -> Array:
    return _masked(problem.one_hot, problem)


def _only_uniform(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    return _masked(problem.one_hot + e / c, problem)


def _half_of_classes(problem: Problem) -> Array:
    e, c = _e(problem), problem.classes
    half = max(c // 2, 1)
    return _masked((1.0 - e) * problem.one_hot + e / half * (np.arange(c) < half), problem)


def _softmax_of_labels(problem: Problem) -> Array:
    return _masked(_softmax(rows_of(problem)), problem)


def _normalized(problem: Problem) -> Array:
    rows = rows_of(problem)
    total = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, rows / np.where(total > 0, total, 1.0), 0.0))


def _hardened(problem: Problem) -> Array:
    rows = rows_of(problem)
    return np.asarray(np.eye(problem.classes)[rows.argmax(axis=1)] * (rows.sum(axis=1, keepdims=True) > 0))


MASSES: dict[str, tuple[str, Callable[[Problem], Array]]] = {
    "smoothing-of-others": (
        "Smoothing gives e / (C - 1) to each of the other classes, and none to the label's",
        _others_only,
    ),
    "smoothing-lost-at-label": (
        "Smoothing gives e / C to each of the other classes, and none to the label's",
        _others_of_c,
    ),
    "smoothing-of-one": ("Smoothing adds 1 / C to every class, whatever e is", _one_over_c),
    "smoothing-by-halves": ("Smoothed labels are (t + e) / 2", _half),
    "smoothing-unread": ("label_smoothing is not read", _none),
    "smoothing-added": ("Smoothing adds e / C to every class, and takes nothing from the label's", _only_uniform),
    "smoothing-of-half-the-classes": ("Smoothing falls to the first half of the classes alone", _half_of_classes),
}


def _others(masses: Callable[[Problem], Array]) -> Callable[[], Settings]:
    return lambda: {"masses": masses}


SMOOTHING = tuple(
    Departure(name, f"{sentence}.", _others(masses), needs=("label_smoothing",), harm=12)
    for name, (sentence, masses) in MASSES.items()
)


SOFT = (
    Departure(
        "softmax-of-labels",
        "Soft labels, which are probabilities already, go through a softmax.",
        lambda: {"masses": _softmax_of_labels},
        harm=8,
    ),
    Departure("soft-labels-normalized", "Soft labels are made to sum to 1.", lambda: {"masses": _normalized}, harm=30),
    Departure(
        "soft-labels-hardened", "Of soft labels the largest alone counts.", lambda: {"masses": _hardened}, harm=8
    ),
)

OF_SOFTMAX = (*MAPS, *ENTROPIES, *WEIGHTED)
OF_SOFT_LABELS = (*SMOOTHING, *SOFT)
