"""Every law refutes a mutant made for it, with a small case and a script that runs; twins fall, sound losses hold."""

import contextlib
import io
import subprocess
import sys
from functools import lru_cache

import pytest

from properties import Target
from properties.contracts import contracts
from properties.engine.description import laws_of
from properties.engine.gates import aside
from properties.engine.result import FAILED
from properties.engine.task import Task
from properties.problems.problem import Problem
from properties.workers.inline import Inline
from tests.losses.layers import shipped_contracts
from tests.mutants.registry import exhibits, historic, mutant, mutants, sound, sounds, twin, twins

EXAMPLES = 200

FEW = 3
"""A counterexample has at most so many elements, but where the law needs more to be about anything."""

CROWDED = {
    "oracle/value": 4,
    "limit/two-classes-is-logistic": 4,
    # of fewer, either of the two numbers takes as many, or the share that is off is lost
    "refusals/k-and-top-k": 5,
    # each of two axes has a length other than 1, of which another law tells
    "shape/rank": 4,
    "aggregate/fraction": 100,
    "numerics/many-elements": 16_384,
}

OPTIONAL = {"modes/full-graph", "modes/static-program", "modes/double-backward", "modes/dynamic-batch"}
"""What a sound layer may decline: it reads its numbers back, or its operations have one derivative."""


PROGRAMS = ("modes/to-static", "modes/full-graph", "modes/dynamic-batch")
TRANSLATED = ("cross_entropy", "sigmoid_ghm")


class Bench:
    """A loss, and the laws that it may be put to."""

    def __init__(self, text, contract):
        self.performer = Inline(Target(text, contract))
        self.description = self.performer.describe()
        self.laws = {law.id: law for law in self.description.laws}
        self.gates = {law.id: law.gate for law in self.laws.values() if law.gate}

    def run(self, law_id, examples=EXAMPLES, shrink=True):
        shut = aside(self.laws[law_id], self.gates, frozenset())
        task = Task(law_id, 0, examples, self.description.dtypes, shut, shrink=shrink)
        return self.performer.run(task, lambda done: None)


# a layer is built anew for each question: a bench holds nothing that a law could leave behind
bench = lru_cache(Bench)


def run(text, contract, law_id, examples=EXAMPLES):
    return bench(text, contract).run(law_id, examples)


def sound_cases():
    for contract, loss in sounds().items():
        subject = Target(loss.text, contract).load()
        for law in laws_of(subject.resolved):
            # a program takes seconds: one loss of each build stands for those that share its forward
            if law.id not in PROGRAMS or contract in TRANSLATED:
                yield loss.text, contract, law.id


@pytest.mark.parametrize("law", mutants())
def test_the_mutant_is_refuted(law):
    mutant = mutants()[law]
    result = run(mutant.text, mutant.contract, law)
    assert result.outcome in FAILED
    problem: Problem = result.finding.calls[0]
    assert problem.labels.size <= CROWDED.get(law, FEW)
    assert problem.classes <= 8
    assert_script_shows_it(result)


def assert_script_shows_it(result):
    """The script runs by itself; where it compares numbers, it fails as the layer did."""
    assert len(result.script.splitlines()) <= 32
    if "static" in result.script:
        # this process must not run a program: it could not be forked any more
        done = subprocess.run([sys.executable, "-c", result.script], capture_output=True, check=False)
        assert done.returncode == 1
        return
    with contextlib.redirect_stdout(io.StringIO()):
        code = compile(result.script, "script.py", "exec")
        if result.outcome == "raised" or "assert" in result.script or "raise SystemExit" in result.script:
            with pytest.raises((Exception, SystemExit)):
                exec(code, {"__name__": "__main__"})
        else:
            exec(code, {"__name__": "__main__"})


@pytest.mark.parametrize("twin", twins())
def test_the_wrong_twin_falls(twin):
    wrong = twins()[twin]
    on_bench = bench(wrong.text, wrong.contract)
    # most fall by the oracle; that they fall is what counts here, not how small the case is
    laws = sorted(on_bench.laws, key=lambda law: not law.startswith("oracle/"))
    assert any(on_bench.run(law, examples=60, shrink=False).outcome == "refuted" for law in laws)


def test_every_contract_with_an_oracle_has_a_sound_loss_and_wrong_twins():
    known = {name for name, contract in shipped_contracts().items() if contract.oracle is not None}
    assert known <= set(sounds())
    assert set(sounds()) <= set(contracts())
    for name in known:
        assert len(twins(name)) >= 3


@pytest.mark.parametrize(("name", "contract", "law"), list(sound_cases()))
def test_sound_losses_of_another_make_hold(name, contract, law):
    result = run(name, contract, law, examples=40)
    assert result.outcome == "held" or (law in OPTIONAL and result.declined), result.finding and result.finding.message


def test_every_law_has_a_mutant():
    known = {law.id for contract in shipped_contracts().values() for law in laws_of(contract)}
    assert {law for _, _, law in sound_cases()} >= known
    assert known <= set(mutants())
    assert set(mutants()) <= {law.id for contract in contracts().values() for law in laws_of(contract)}


@pytest.mark.parametrize(
    ("enter", "taken"),
    [
        (sound("focal"), "the sound focal is tests.mutants.sound:SoundFocal"),
        (mutant("ignore/poison", "focal"), "the mutant ignore/poison is "),
        (twin("focal"), "the twin MuInside is tests.mutants.twins:MuInside"),
        (historic("B001", "nobody", "FML", contract="focal"), "the exhibit B001 is tests.mutants.museum."),
    ],
)
def test_a_name_is_given_once(enter, taken):
    assert twins("ghm_regression")["MuInside"].contract == "ghm_regression"
    assert exhibits()["B001"].id == "B001"
    with pytest.raises(ValueError, match=taken):
        enter(type("MuInside", (), {}))
