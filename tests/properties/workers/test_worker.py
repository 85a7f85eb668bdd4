"""Layers that crash, hang or lie: each gets its outcome, the run goes on, nothing is left behind."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from properties import Subject, Target, UsageError, certify
from properties.runs.certify import Options, run
from tests.processes import descendants

LAYERS = str(Path(__file__).parents[2] / "hostile" / "layers.py")


def certificate(name, **options):
    return certify(Target(f"{LAYERS}:{name}", "cross_entropy"), max_examples=20, **options)


@pytest.mark.parametrize(("name", "error"), [("Aborts", "SIGABRT"), ("Leaves", "exit code 0")])
def test_a_layer_that_ends_the_process(name, error):
    found = certificate(name)
    assert found.verdict == "refuted"
    assert found.law("conduct/answers").outcome == "crashed"
    assert error in found.law("conduct/answers").message
    assert {law.outcome for law in found.laws} == {"crashed", "not applicable"}


def test_a_crash_shrinks_and_the_other_laws_go_on():
    found = certificate("AbortsWhenWeighted")
    law = found.law("conduct/takes-weights")
    assert law.outcome == "crashed"
    problem = law.counterexample["problems"][0]
    # a single element, and as many as there are classes, are kinds of which other laws tell
    assert len(problem["labels"]) == 3
    assert problem["weight"] == [1.0, 1.0]
    assert found.law("oracle/value").outcome == "held"
    assert "weight" in found.set_aside["conduct/takes-weights"]


def test_a_layer_that_never_answers():
    began = time.monotonic()
    found = certificate("Sleeps", time_limit=1.0)
    assert found.law("conduct/answers").outcome == "timed out"
    # some sixty hangs of a second each; a busy machine takes its own time
    assert time.monotonic() - began < 200


def test_a_layer_that_sometimes_never_answers():
    found = certificate("SleepsWhenWeighted", time_limit=1.0)
    assert found.law("conduct/takes-weights").outcome == "timed out"
    assert found.law("oracle/value").outcome == "held"


def test_a_layer_that_prints_and_overwrites_its_labels(capfd):
    found = certificate("PrintsAndMutates")
    assert found.law("conduct/prints-nothing").outcome == "refuted"
    assert "labels" in found.law("conduct/prints-nothing").message
    assert found.law("conduct/inputs-not-mutated").outcome == "refuted"
    assert found.law("oracle/value").outcome == "held"
    assert capfd.readouterr().out == ""


def test_a_subject_of_lambdas_runs_in_workers_too():
    sound = Target("tests.mutants.sound:SoundCrossEntropy", "cross_entropy").load()
    subject = Subject(
        contract="cross_entropy",
        build=lambda *, weight, ignore_index, reduction: sound.build(
            weight=weight, ignore_index=ignore_index, reduction=reduction
        ),
    )
    found = certify(subject, max_examples=10, workers=3)
    assert {law.outcome for law in found.laws} == {"held", "not applicable"}
    assert found.law("shape/axis").reason == "the layer takes no axis"


def test_no_handler_stands_between_a_crash_and_the_end_however_late_paddle_comes():
    # in a process of its own, since this one has loaded Paddle long since
    done = subprocess.run([sys.executable, "-m", "tests.hostile.late"], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["held None", "held None", "False"], done.stdout + done.stderr


def test_a_crash_of_a_subject_of_lambdas_is_replaced():
    layers = Target(f"{LAYERS}:AbortsWhenWeighted", "cross_entropy").load()
    subject = Subject(contract="cross_entropy", build=lambda *, weight, reduction: layers.build(weight=weight))
    found = certify(subject, max_examples=10, workers=2, only=["oracle/value", "conduct"])
    assert found.law("conduct/takes-weights").outcome == "crashed"
    assert found.law("conduct/repeatable").outcome == "held"


@pytest.mark.parametrize(
    ("name", "law", "outcome"),
    [
        ("RaisesInFloat32", "conduct/answers-all", "raised"),
        ("AbortsInFloat32", "numerics/finite-at-saturation", "crashed"),
    ],
)
def test_a_dtype_that_fails_is_no_missing_ability(name, law, outcome):
    found = certificate(name, only=["oracle/accuracy", law])
    assert found.law(law).outcome == outcome
    assert found.verdict == "refuted"


def test_half_precision_without_kernels_is_a_missing_ability_and_said():
    found = certificate("NoHalf", only=["numerics/result-dtype"])
    assert found.law("numerics/result-dtype").outcome == "held"
    assert set(found.dropped) == {"float16", "bfloat16"}
    assert "no half precision" in found.dropped["float16"]


def test_a_gradient_missing_in_some_dtype_is_seen():
    assert certificate("DetachedInHalf", only=["oracle/accuracy"]).law("oracle/accuracy").outcome == "refuted"


def test_a_layer_that_dies_between_two_calls_is_a_finding_too():
    found = certificate("DiesLater", only=["oracle", "softmax"])
    assert found.verdict == "refuted"
    assert "crashed" in {law.outcome for law in found.laws}


@pytest.mark.parametrize(
    ("module", "words"),
    [("broken_module", "RuntimeError: no such device"), ("aborting_module", "ends the process with SIGABRT")],
)
def test_a_module_that_cannot_be_imported(module, words):
    path = Path(__file__).parents[2] / "hostile" / f"{module}.py"
    with pytest.raises(UsageError, match=words):
        certify(Target(f"{path}:Layer", "ghm"))


def test_no_process_is_left_behind():
    before = descendants()
    events = run(Target(f"{LAYERS}:Honest", "cross_entropy"), Options(max_examples=500))
    for _ in range(3):
        next(events)
    events.close()
    deadline = time.monotonic() + 60
    # the fork server and its resource tracker stay for the next run, by design of multiprocessing
    while len(descendants() - before) > 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(descendants() - before) <= 2
