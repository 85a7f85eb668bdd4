"""Every oracle, rounded to each precision and asked through no layer at all, holds every law of its contract."""

import pytest

from properties.contracts import contracts
from properties.engine.description import laws_of
from properties.engine.search import SearchOptions, run_law
from properties.engine.trial import Trial
from properties.judging.contract import DERIVED_ARGUMENTS
from tests.properties.oracle_observer import OracleObserver

NAMES = [name for name, contract in contracts().items() if contract.oracle is not None]

OF_LAYERS = ("conduct/deepcopy", "conduct/pickle", "conduct/state-dict", "conduct/eval-state", "modes/")
"""Laws about what only a layer is: copies of it, programs of it, what it remembers."""


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
    trial = Trial(law, contract, OracleObserver(contract), takes, contract.domain)
    result = run_law(trial, SearchOptions(max_examples=60))
    assert result.outcome == "held", (result.finding and result.finding.message, result.reason)
    assert result.examples >= min(30, law.most * 60 // 200 if law.most else 30)
