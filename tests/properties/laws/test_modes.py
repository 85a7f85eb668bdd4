"""Programs run apart: no process that may yet be forked runs one; and memories that fail are named."""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import paddle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from properties import Target, certify
from properties.contracts import contracts
from properties.drawing.decoding import simplest_problem
from properties.drawing.strategies import problems
from properties.judging.observation import Failure
from properties.problems.batches import batches_of, shapes_of_any_batch, with_batches
from properties.problems.serialization import problem_from_dict, problem_to_dict
from properties.problems.training import Step, smaller_trainings, steps_of, with_steps
from properties.subjects.paddle_backend.observer import PaddleObserver
from properties.workers.forked_observer import ProgramsApart
from tests.mutants.moving import FAULTS
from tests.properties.laws.test_mutants import assert_script_shows_it, run

LAYERS = str(Path(__file__).parents[2] / "hostile" / "layers.py")

EXPLAINED = {
    "StartsAtZero": "starts at 0 and is not corrected",
    "LearnsInEval": "calls in eval() change",
    "NotSaved": "lost when the state_dict is loaded",
    "EmptyRegionsStay": "only the regions occupied in a batch decay",
    "CopiesShare": "a deep copy and its original share",
    "IgnoredBatchesUncounted": "a batch without valid elements leaves alone",
    "LastBatchOnly": "the loss without momentum",
}


def observer(text="tests.mutants.sound:SoundCrossEntropy"):
    subject = Target(text, "cross_entropy").load()
    return PaddleObserver(subject), simplest_problem(subject.full_domain.only(dtype=["float64"]))


@lru_cache
def refuted(name):
    return run(f"tests.mutants.moving:{name}", "ghm", "modes/moving-average")


not_saved = pytest.mark.xdist_group("NotSaved")
"""Two tests look at one refutation."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(f.__name__, marks=[not_saved] if f.__name__ == "NotSaved" else []) for f in FAULTS],
)
def test_every_wrong_memory_is_refuted_by_a_short_program(name):
    result = refuted(name)
    assert result.outcome == "refuted"
    assert EXPLAINED.get(name, "is not that of the running average") in result.finding.message
    problem = result.finding.calls[0]
    assert len(steps_of(problem)) <= 4
    assert problem.size <= 3
    assert_script_shows_it(result)


@not_saved
def test_a_counterexample_with_a_program_can_be_put_again():
    result = refuted("NotSaved")
    again = problem_from_dict(problem_to_dict(result.problem))
    assert steps_of(again) == steps_of(result.problem)


def test_programs_survive_fewer_elements_and_become_smaller():
    _, problem = observer()
    problem = problem.take([0, 0, 0])
    program = with_steps(problem, [Step("train", (0, 2)), Step("copy"), Step("eval", (2,))])
    assert steps_of(program.drop(0, [2]))[0].elements == (0, 0)
    assert all(len(str(p.config["program"])) <= len(str(program.config["program"])) for p in smaller_trainings(program))
    assert any(p.size == 2 for p in smaller_trainings(program))


def test_programs_run_in_another_process():
    made, problem = observer()
    apart = ProgramsApart(made, 60.0)
    try:
        assert not isinstance(apart.observe(problem, "static-program"), Failure)
        assert apart._forked._process.is_alive()
    finally:
        apart.close()
    assert paddle.in_dynamic_mode()


POISONED = """
import paddle

def twice(x):
    return x * 2

paddle.jit.to_static(twice, full_graph=True)(paddle.ones([2]))
from properties.workers import forked_observer as guard
from properties.workers.forked_observer import ProgramsApart
from tests.properties.laws.test_modes import observer
guard.TRANSLATION_LIMIT = 5.0
made, problem = observer()
apart = ProgramsApart(made, 60.0)
print("value", apart.observe(problem, "to-static").value)
apart.close()
"""


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        ("WeightsLostInPrograms", "weight = paddle.static.data('weight'"),
        ("WeightsAreNumbers", "weight = numbers.tolist()"),
    ],
)
def test_class_weights_go_into_a_program_in_the_most_demanding_form_that_is_taken(layer, line):
    result = run(f"tests.hostile.in_programs:{layer}", "cross_entropy", "modes/static-program")
    assert result.outcome == "refuted"
    assert line in result.script
    assert_script_shows_it(result)


NAME = "modes/dynamic-batch"


def test_a_layer_that_compares_sizes_cannot_be_saved_with_a_dynamic_batch():
    result = run("tests.hostile.in_programs:ComparesSizes", "cross_entropy", NAME)
    assert result.outcome == "raised"
    assert "the layer raises ValueError: labels do not fit the logits; saved for this size" in result.finding.message
    assert_script_shows_it(result)


def test_a_layer_that_cannot_be_saved_at_all_is_not_accused():
    result = run("tests.hostile.in_programs:NoProgram", "cross_entropy", NAME)
    assert result.outcome == "not applicable"
    assert "saved with fixed sizes it does not answer either" in result.reason


def test_a_batch_of_one_is_asked_of_what_was_saved_with_more():
    text = "tests.hostile.in_programs:OneElementInPrograms"
    result = run(text, "cross_entropy", NAME)
    assert result.outcome == "refuted"
    assert result.finding.calls[0].size == 1
    # where the domain has none, none is asked
    several = Target(text, "cross_entropy", domain={"size": ["several"]})
    assert certify(several, max_examples=8, workers=1, only=[NAME]).law(NAME).outcome == "held"


@pytest.mark.parametrize("name", [name for name in contracts() if name != "free"])
def test_batches_are_parts_of_the_problem_along_one_axis(name):
    domain = contracts()[name].domain.only(rank=[2, 3, 4], size=["few", "several"])

    @given(problems(domain), st.data())
    @settings(max_examples=60, deadline=None)
    def check(problem, data):
        sizes = data.draw(st.lists(st.integers(1, problem.size), min_size=1, max_size=3))
        parts = [list(range(size)) for size in sizes]
        batches = batches_of(with_batches(problem, parts))
        logits, labels = shapes_of_any_batch(batches[0])
        for part, batch in zip(parts, batches, strict=True):
            assert batch.size == len(part)
            assert batch.config == problem.config
            for shape, array in ((logits, batch.logits), (labels, batch.labels)):
                assert shape.count(None) == 1
                assert [len(part) if size is None else size for size in shape] == list(array.shape)

    check()


def test_a_process_that_cannot_be_forked_runs_its_programs_itself(tmp_path):
    script = tmp_path / "poisoned.py"
    script.write_text(POISONED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=200)
    assert "value 0.69" in done.stdout


def test_a_layer_that_crashes_after_its_programs_ran_is_found():
    target = Target(f"{LAYERS}:AbortsOnForeignLabels", "cross_entropy")
    # one worker runs one law after the other
    found = certify(target, max_examples=10, workers=1, only=["modes", "refusals/label-out-of-range"])
    assert found.law("modes/to-static").outcome == "held"
    assert found.law("refusals/label-out-of-range").outcome == "crashed"
    assert "SIGABRT" in found.law("refusals/label-out-of-range").message
