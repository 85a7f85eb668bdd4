"""Every law refutes a mutant made for it, with a small case and a script that runs; and passes two sound losses."""

import contextlib
import io

import pytest

from properties import Target
from properties.engine import FAILED
from properties.isolation import Inline
from properties.problem import Problem
from properties.work import Task, aside, laws_of
from tests.mutants import MUTANTS

SOUND = {"cross_entropy": "SoundCrossEntropy", "ghm": "SoundGHM"}
EXAMPLES = 200

FEW = 3
"""A counterexample has at most so many elements, but where the law needs more to be about anything."""

CROWDED = {"oracle/value": 4, "limit/two-classes-is-logistic": 4}


def run(text, contract, law_id, examples=EXAMPLES):
    performer = Inline(Target(text, contract))
    description = performer.describe()
    gates = {law.id: law.gate for law in description.laws if law.gate}
    law = next(law for law in description.laws if law.id == law_id)
    task = Task(law_id, 0, examples, description.dtypes, aside(law, gates, frozenset()))
    return performer.run(task, lambda done: None)


def sound_cases():
    for contract, name in SOUND.items():
        subject = Target(f"tests.mutants.sound:{name}", contract).load()
        yield from ((name, contract, law.id) for law in laws_of(subject.resolved))


@pytest.mark.parametrize("law", MUTANTS)
def test_the_mutant_is_refuted(law):
    contract, mutant = MUTANTS[law]
    result = run(mutant, contract, law)
    assert result.outcome in FAILED
    problem: Problem = result.finding.calls[0]
    assert problem.labels.size <= CROWDED.get(law, FEW)
    assert problem.classes <= 8
    assert_script_shows_it(result)


def assert_script_shows_it(result):
    """The script runs by itself; where it compares numbers, it fails as the layer did."""
    with contextlib.redirect_stdout(io.StringIO()):
        code = compile(result.script, "script.py", "exec")
        if result.outcome == "raised" or "assert" in result.script or "raise SystemExit" in result.script:
            with pytest.raises((Exception, SystemExit)):
                exec(code, {"__name__": "__main__"})
        else:
            exec(code, {"__name__": "__main__"})
    assert len(result.script.splitlines()) <= 32


@pytest.mark.parametrize(("name", "contract", "law"), list(sound_cases()))
def test_sound_losses_of_another_make_hold(name, contract, law):
    result = run(f"tests.mutants.sound:{name}", contract, law, examples=60)
    assert result.outcome == "held", result.finding and result.finding.message


def test_every_law_has_a_mutant():
    known = {law for _, _, law in sound_cases()}
    assert known == set(MUTANTS)
