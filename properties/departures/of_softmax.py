"""Departures inside a softmax: maps of logits, what is added inside logarithms, caps, a softmax too many, smoothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from properties.departures.departure import Departure, Settings
from properties.departures.of_class_weights import OF_PROBABILITIES
from properties.departures.of_elements import ELEMENTS
from properties.departures.softmax_parts import softmax_rows
from properties.problems.precision import Array
from properties.problems.problem import Problem

CROSS_ENTROPY = "paddle.nn.functional.cross_entropy"

Back = Callable[[Array], Array]


def _through_softmax(rows: Array, problem: Problem) -> tuple[Array, Back]:
    p = softmax_rows(rows)
    return p, lambda slope: p * (slope - (p * slope).sum(axis=1, keepdims=True))


def _through_log_softmax_negated(rows: Array, problem: Problem) -> tuple[Array, Back]:
    p = softmax_rows(rows)
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


def _other_base(base: int) -> Settings:
    by = float(np.log(base))
    return {"entropy": (lambda e, p: (e / by, np.full(e.shape, 1.0 / by)),)}


def _poly(epsilon: float) -> Settings:
    return {"entropy": (lambda e, p: (e + epsilon * (1.0 - np.exp(-e)), 1.0 + epsilon * np.exp(-e)),)}


def _times_probability(entropy: Array, problem: Problem) -> tuple[Array, Array]:
    p = np.exp(-entropy)
    return entropy * p, p * (1.0 - entropy)


def _focused(gamma: float) -> Settings:
    def change(entropy: Array, problem: Problem) -> tuple[Array, Array]:
        p, rest = np.exp(-entropy), -np.expm1(-entropy)
        bend = np.where(rest > 0, gamma * rest ** (gamma - 1.0), 0.0) * p
        return rest**gamma * entropy, rest**gamma + bend * entropy

    return {"entropy": (change,)}


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
    Departure("other-logarithm", "The logarithm has base {base}.", _other_base, {"base": (2, 10)}, harm=8),
    Departure(
        "poly-term", "{epsilon} (1 - p) is added to cross entropy.", _poly, {"epsilon": (1.0, 2.0, 0.5, -1.0)}, harm=8
    ),
    Departure(
        "no-logarithm",
        "The probability stands in the place of its logarithm.",
        lambda: {"entropy": (_probability_itself,)},
        harm=8,
    ),
    Departure(
        "entropy-times-probability",
        "Cross entropy is multiplied by p.",
        lambda: {"entropy": (_times_probability,)},
        harm=8,
    ),
    Departure(
        "entropy-focused",
        "Cross entropy is multiplied by (1 - p) to the power {gamma}.",
        _focused,
        {"gamma": (2.0, 1.0, 0.5, 3.0, 5.0)},
        harm=8,
    ),
    Departure("rest-for-entropy", "1 - p stands in the place of cross entropy.", lambda: {"entropy": (_rest,)}, harm=8),
)


OF_SOFTMAX = (*MAPS, *ENTROPIES, *ELEMENTS, *OF_PROBABILITIES)
