"""Gradient norms of exactly 1: an open last region is a wrong formula, not an inexact one, in every GHM."""

import numpy as np
import paddle
import pytest

from properties import Subject, certify
from properties.certificates.causes import causes
from properties.contracts import contract_named, ghm, ghm_regression, sigmoid_ghm
from properties.drawing.decoding import simplest_problem
from properties.engine.execution import perform
from properties.engine.task import Task
from properties.laws.aggregate_density import _with_norms_of_one
from properties.subjects.paddle_backend.observer import PaddleObserver
from reference import UNIT_ROUNDOFF
from tests.mutants.density import OpenRegions
from tests.mutants.sound import SoundGHM
from tests.mutants.sound_entries import SoundGHMRegression, SoundSigmoidGHM
from tests.mutants.sound_regions import Regions

LAW = "aggregate/last-region-is-closed"
NORMS = {"ghm": ghm.norms, "sigmoid_ghm": sigmoid_ghm.norms, "ghm_regression": ghm_regression.norms}


class OneMoreForOne(Regions):
    """A norm of 1 has a region of its own, behind the last."""

    def __init__(self, bins, normalize):
        super().__init__(bins, normalize)
        self.count += 1

    def index(self, norm):
        inside = (norm / paddle.full([], self.width, norm.dtype)).floor().clip(0, self.count - 2)
        return paddle.where(norm < 1, inside, paddle.full_like(norm, self.count - 1)).astype("int64")


def sound(cut=Regions):
    """A sound loss of each kind, cut into regions in some way."""

    def with_cut(loss):
        return type(loss.__name__, (loss,), {"cut": lambda self, bins, normalize: cut(bins, normalize)})

    losses = {"ghm": SoundGHM, "sigmoid_ghm": SoundSigmoidGHM, "ghm_regression": SoundGHMRegression}
    return {name: with_cut(loss) for name, loss in losses.items()}


def put(contract, loss, examples=60, dtypes=("float64", "float32"), law=LAW):
    subject = Subject(contract, lambda **given: loss(**given), arguments=ARGUMENTS[contract])
    task = Task(law, 0, examples, dtypes)
    return perform(task, subject, PaddleObserver(subject), lambda *_: True)


_SHARED = ("reduction", "bins", "normalize")
ARGUMENTS = {
    "ghm": ("weight", "ignore_index", "axis", *_SHARED),
    "sigmoid_ghm": ("ignore_index", *_SHARED),
    "ghm_regression": ("mu", *_SHARED),
}


@pytest.mark.parametrize("contract", ARGUMENTS)
def test_an_open_last_region_is_a_wrong_formula(contract):
    result = put(contract, sound(OpenRegions)[contract])
    assert result.outcome == "refuted"
    assert result.finding.message.startswith("The last region is open: an element whose gradient norm is 1 is in no")
    assert result.finding.calls[0].size == 1


@pytest.mark.parametrize("contract", ARGUMENTS)
def test_a_region_behind_the_last_is_a_wrong_formula(contract):
    result = put(contract, sound(OneMoreForOne)[contract], examples=200)
    assert result.outcome == "refuted"
    assert "does not count in the last region" in result.finding.message
    assert result.finding.calls[0].size <= 3


@pytest.mark.parametrize("dtype", ["float64", "float32", "bfloat16"])
@pytest.mark.parametrize("contract", ARGUMENTS)
def test_a_closed_one_holds(contract, dtype):
    result = put(contract, sound()[contract], examples=150, dtypes=(dtype,))
    assert (result.outcome, result.examples) == ("held", 150), result.finding


@pytest.mark.parametrize("contract", ARGUMENTS)
def test_the_norm_is_1_where_the_law_says_so(contract):
    """Else the law would ask of another region than the last, or overflow."""
    chosen = contract_named(contract)
    for salt in range(6):
        for dtype in ("float64", "float32", "float16", "bfloat16"):
            problem = simplest_problem(chosen.domain).replace(dtype=dtype, salt=salt)
            made, ones = _with_norms_of_one(problem)
            norm = NORMS[contract](made)[ones]
            assert np.isfinite(made.logits).all()
            assert (norm >= 1.0 - UNIT_ROUNDOFF[dtype] / 2).all(), (dtype, norm)


@pytest.mark.parametrize("contract", ["ghm", "sigmoid_ghm"])
def test_the_oracle_too_sees_it_where_formulas_are_compared(contract):
    result = put(contract, sound(OpenRegions)[contract], examples=200, law="oracle/value")
    assert result.outcome == "refuted"
    assert np.abs(result.finding.calls[0].logits).max() <= 50.0
    assert result.finding.got == 0.0 or np.isnan(result.finding.got)


def test_a_report_leads_with_it():
    subject = Subject("ghm", lambda **given: sound(OpenRegions)["ghm"](**given), arguments=ARGUMENTS["ghm"])
    only = ["oracle", "aggregate", "limit", "shape/one-element"]
    first = causes(certify(subject, max_examples=60, workers=0, levels=["formula"], only=only))[0]
    assert first.law.message.startswith("The last region is open")
    assert "limit/one-region-is-cross-entropy" in first.also
