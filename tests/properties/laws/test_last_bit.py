"""Two answers of a sound layer differ by rounding: no law that compares them accuses the last bit, 0 or not.

The layers here answer by an oracle's formula and round at random, another way at each call. ``own`` is the contract's
loss; the others are losses of another name, whose numbers stand where the contract's oracle has exactly 0. What relates
two calls holds for all of them.
"""

import zlib

import numpy as np
import pytest

from properties.contracts import contract_named, contracts
from properties.engine.description import laws_of
from properties.engine.result import FAILED
from properties.engine.search import SearchOptions, run_law
from properties.engine.trial import Trial
from properties.judging import observed_case as case_module
from properties.judging.observation import Failure, Observation
from properties.problems.precision import round_to
from properties.subjects.backend import observer_of
from reference import UNIT_ROUNDOFF
from tests.losses.sound_numpy import Focal, Textbook, textbook
from tests.properties.oracle_observer import PROBES
from tests.reference import naive

ROUNDINGS = 2
"""Units of its own size by which any number of an answer may be off."""

EXAMPLES = 40

OF_THE_ORACLE = ("shape/one-element", "shape/one-class")
"""Laws that hold a single call against the oracle where there is one, which rightly refutes another loss."""


def one_more(problem):
    k, portion = problem.config["k"], problem.config["top_k"]
    if k is not None:
        return problem.configure(k=k + 1)
    return problem if portion is None else problem.configure(top_k=min(1.0, portion + 0.2))


def everything(problem):
    return problem.configure(top_k=1.0, k=None)


def one_region(problem):
    return problem.configure(bins=1)


def sharper(problem):
    return problem.configure(gamma=problem.config["gamma"] + 1)


def unsmoothed(problem):
    return problem.configure(label_smoothing=0.0)


LOSSES = {
    "cross_entropy": {"unsmoothed": unsmoothed},
    "focal": {"sharper": sharper},
    "sigmoid_focal": {"sharper": sharper},
    "ghm": {"one region": one_region},
    "sigmoid_ghm": {"one region": one_region},
    "ghm_regression": {"one region": one_region},
    "average_top_k": {"one more": one_more, "everything": everything},
    "cost_sensitive": {"costlier": sharper},
}
"""For each contract, losses that are not its own."""

OTHERWISE_DIVIDED = ("unsmoothed", "one more", "everything", "costlier")
"""Losses whose mean is over another number than the contract's, which some laws hold it to."""

PAIRS = [(contract, loss) for contract, others in LOSSES.items() for loss in ("own", *others)]


class Rounding:
    """Answers as the oracle does, each number off by some of its last bits, and chooses the last of what is tied."""

    def __init__(self, contract, change):
        self._contract, self._change = contract, change
        self._rng = np.random.default_rng(7)

    def observe(self, problem, probe="plain"):
        if probe not in PROBES:
            return Failure("absent", "", f"an oracle has nothing for the probe {probe}")
        try:
            answer = self._last(self._change(problem))
        except (ValueError, TypeError) as error:
            return Failure("raised", type(error).__name__, str(error))
        value, gradient, second = (
            round_to(self._off(array, problem.dtype), problem.dtype)
            for array in (answer.value, answer.gradient, answer.gradient)
        )
        facts = {"enabled": True, "disabled": False, "printed": "", "closed": (), "reseeded": (), "second": second}
        return Observation(value, gradient, value.shape, problem.dtype, problem.dtype, facts)

    def _last(self, problem):
        if problem.layout == "label-axis":
            problem = problem.replace(labels=np.expand_dims(problem.labels, problem.axis), layout="contiguous")
        return self._contract.answer(problem)

    def _off(self, array, dtype):
        return array * (1.0 + UNIT_ROUNDOFF[dtype] * self._rng.uniform(-ROUNDINGS, ROUNDINGS, array.shape))


def relational():
    """Every law that needs no oracle's numbers, found and not listed, but what is due to the last bit by its sentence.

    Of arguments it is asked whether they change anything at all, a bit too, and what is refused has no numbers.
    """
    known = {law.id: law for contract in contracts().values() for law in laws_of(contract)}
    return [
        name
        for name, law in known.items()
        if not {"oracle", "reference"} & set(law.needs)
        and "bit for bit" not in law.sentence
        and law.family not in ("arguments", "refusals")
    ]


def put(law_id, contract, loss, dtype="float64", examples=EXAMPLES):
    """The outcome of a law for one of the losses, or None where the contract does not promise it."""
    contract = contract_named(contract)
    law = next((law for law in laws_of(contract) if law.id == law_id), None)
    if law is None or (law_id in OF_THE_ORACLE and loss != "own"):
        return None
    change = LOSSES[contract.name].get(loss, lambda problem: problem)
    domain = contract.domain.only(dtype=[dtype])
    if loss in OTHERWISE_DIVIDED:
        domain = domain.only(reduction=["sum", "none"])
    takes = frozenset({*contract.argument_names, *contract.call_arguments})
    seed = zlib.crc32(f"{contract.name} {loss} {dtype}".encode()) % 1000
    trial = Trial(law, contract, Rounding(contract, change), takes, domain)
    return run_law(trial, SearchOptions(seed=seed, max_examples=examples, shrinks=False))


RELATIONAL = relational()


FEW = [("cross_entropy", "own"), ("average_top_k", "everything"), ("ghm", "one region")]


PRECISIONS = {"float64": (PAIRS, 24), "float32": (FEW, 8), "float16": (FEW, 8)}


@pytest.mark.parametrize("dtype", PRECISIONS)
@pytest.mark.parametrize("law", RELATIONAL)
def test_no_law_accuses_the_last_bit(law, dtype):
    pairs, examples = PRECISIONS[dtype]
    for contract, loss in pairs:
        result = put(law, contract, loss, dtype, examples)
        if result is not None and result.outcome in FAILED:
            shown = result.finding
            pytest.fail(f"{contract}, {loss}: {shown.message} {shown.quantity} {shown.got!r} for {shown.expected!r}")


def test_the_laws_of_two_calls_are_among_them_and_meet_numbers_where_the_oracle_has_exactly_0(monkeypatch):
    compared, foreign = set(), set()
    law = ""
    plain, scaled = case_module.agreement, case_module.own_scale

    def agreement(got, other, *more):
        compared.add(law)
        return plain(got, other, *more)

    def own_scale(numbers, expected, scale, problem):
        if numbers.shape == scale.shape and (numbers[scale == 0] != 0).any():
            foreign.add(law)
        return scaled(numbers, expected, scale, problem)

    monkeypatch.setattr(case_module, "agreement", agreement)
    monkeypatch.setattr(case_module, "own_scale", own_scale)
    for law in RELATIONAL:
        put(law, "average_top_k", "everything", examples=60)
    assert {"weights/relabelling", "shape/permutation", "softmax/shift", "ignore/deleting-is-masking"} <= foreign
    assert len(compared) >= 20
    # what follows from the numbers of a single class, of one element or of none has no place off the selection
    assert len(compared - foreign) <= 8, compared - foreign


@pytest.mark.parametrize(("contract", "loss"), FEW)
@pytest.mark.parametrize("law", ["weights/none-is-ones", "shape/permutation", "weights/relabelling", "softmax/shift"])
def test_two_calls_that_differ_by_a_billionth_are_still_accused(contract, loss, law, monkeypatch):
    calls = iter(range(10**9))
    plain = Rounding._off

    def off(self, array, dtype):
        return plain(self, array, dtype) * (1 + 1e-9 * (next(calls) // 3 % 2))

    monkeypatch.setattr(Rounding, "_off", off)
    assert put(law, contract, loss).outcome == "refuted"


class Margin(Textbook):
    """Clipped margins: the gradient is exactly 0 wherever the label leads by 1."""

    def losses(self, rows, labels):
        index = np.arange(len(rows))
        gap = 1 - rows[index, labels][:, None] + rows
        gap[index, labels] = 0
        slopes = (gap > 0).astype(rows.dtype)
        slopes[index, labels] = -slopes.sum(axis=1)
        return np.maximum(gap, 0).sum(axis=1), slopes


class LastOfTies(Textbook):
    """The k largest cross entropies, of tied ones the last, with p as exp(z - logsumexp(z))."""

    def __init__(self, k=1, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)
        self.k = k

    def losses(self, rows, labels):
        index, top = np.arange(len(rows)), rows.max(axis=1, keepdims=True)
        total = np.log(np.exp(rows - top).sum(axis=1, keepdims=True)) + top
        slopes = np.exp(rows - total)
        slopes[index, labels] -= 1
        return total[:, 0] - rows[index, labels], slopes

    def reduced(self, rows, labels, dtype):
        losses, slopes = self.losses(rows, labels) if len(rows) else (np.zeros(0, dtype), np.zeros_like(rows))
        weight = np.ones(rows.shape[1], dtype) if self.weight is None else self.weight.astype(dtype)
        weight, count = weight[labels], min(self.k or len(rows), len(rows))
        chosen = np.zeros(len(rows), dtype)
        chosen[np.argsort(losses * weight, kind="stable")[::-1][:count]] = 1
        divisor = weight.sum() * count / max(len(rows), 1)
        if self.reduction == "mean" and divisor == 0:
            return np.zeros((), dtype), np.zeros_like(rows)
        return naive.reduce(losses, slopes, weight * chosen, divisor, self.reduction, np.ones((), dtype))


TEXTBOOK = {
    "clipped margin": textbook("free", Margin, dtype=("float64",)),
    "last of ties": textbook(
        "average_top_k",
        LastOfTies,
        dtype=("float64",),
        logits=("lattice", "ties", "normal"),
        top_k=(1.0,),
        k=(None, 1, 2, 3),
    ),
    # of every loss where p is 1 and of every class that weighs nothing
    "certain": textbook("focal", Focal, dtype=("float64",), logits=("spread",), weight=("with-zero", "absent")),
}


@pytest.mark.parametrize("loss", TEXTBOOK)
def test_losses_of_a_textbook_with_gradients_of_0_hold_every_law(loss):
    subject = TEXTBOOK[loss]
    contract, observer = subject.resolved, observer_of(subject)
    for law in laws_of(contract):
        if law.family not in ("refusals", "arguments"):
            trial = Trial(law, contract, observer, subject.takes, subject.full_domain)
            result = run_law(trial, SearchOptions(max_examples=EXAMPLES, shrinks=False))
            assert result.outcome not in FAILED, (law.id, result.finding.message)
