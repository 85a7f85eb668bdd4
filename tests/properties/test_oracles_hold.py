"""Every oracle, rounded to each precision and asked through no layer at all, holds every law of its contract."""

import numpy as np
import pytest

from properties.contract import DERIVED_ARGUMENTS
from properties.contracts import contracts
from properties.engine import run_law
from properties.observation import Failure, Observation
from properties.problem import round_to
from properties.work import laws_of

NAMES = [name for name, contract in contracts().items() if contract.oracle is not None]


PROBES = (
    "plain",
    "value",
    "mutation",
    "grad-mode",
    "seeds",
    "no-grad",
    "repeat",
    "prints",
    "second-call",
    "second-backward",
)
OF_LAYERS = ("conduct/deepcopy", "conduct/pickle", "conduct/state-dict", "conduct/eval-state", "modes/")
"""Laws about what only a layer is: copies of it, programs of it, what it remembers."""


class OracleObserver:
    """Answers as the oracle does, in the precision of the problem; refuses what the oracle refuses."""

    def __init__(self, contract):
        self._contract = contract

    def observe(self, problem, probe="plain"):
        if probe not in PROBES:
            return Failure("absent", "", f"an oracle has nothing for the probe {probe}")
        try:
            weight = problem.weight
            if weight is not None and problem.dtype != "float64":
                assert np.array_equal(weight, weight.astype(np.float32), equal_nan=True)
            answer = self._contract.answer(problem)
        except (ValueError, TypeError) as error:
            return Failure("raised", type(error).__name__, str(error))
        value, gradient = (round_to(np.asarray(array), problem.dtype) for array in (answer.value, answer.gradient))
        facts = {"enabled": True, "disabled": False, "printed": "", "closed": (), "reseeded": (), "second": gradient}
        return Observation(value, gradient, value.shape, problem.dtype, problem.dtype, facts)


def cases():
    for name in NAMES:
        for law in laws_of(contracts()[name]):
            if law.id.startswith(OF_LAYERS):
                continue
            yield pytest.param(name, law, id=f"{name}-{law.id}")


@pytest.mark.parametrize(("name", "law"), list(cases()))
def test_the_oracle_holds(name, law):
    contract = contracts()[name]
    takes = frozenset((*contract.argument_names, *contract.call_arguments, *DERIVED_ARGUMENTS))
    result = run_law(
        law, contract=contract, observer=OracleObserver(contract), takes=takes, domain=contract.domain, max_examples=60
    )
    assert result.outcome == "held", (result.finding and result.finding.message, result.reason)
    assert result.examples >= min(30, law.most * 60 // 200 if law.most else 30)
