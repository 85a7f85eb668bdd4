"""Laws of batches, symmetry and arguments: every dead argument is found, and no loss that is sound is accused."""

import inspect
from pathlib import Path

import paddle
import pytest

from properties import Subject, Target, certify
from properties.engine.description import laws_of
from properties.engine.search import SearchOptions, run_law
from properties.engine.trial import Trial
from properties.runs.replay import replay
from properties.subjects.paddle_backend.observer import PaddleObserver
from tests.mutants.registry import sounds
from tests.mutants.sound import SoundCostSensitive, SoundCrossEntropy, SoundFocal, SoundGHM
from tests.mutants.sound_entries import SoundGHMRegression, SoundSigmoidFocal, SoundSigmoidGHM
from tests.mutants.sound_top_k import SoundTopK

EFFECT = "arguments/has-effect"
PUBLISHED = f"{Path(__file__).parents[3] / 'examples' / 'published_ghm.py'}:PublishedGHM"
LAYERS = {
    "cross_entropy": SoundCrossEntropy,
    "focal": SoundFocal,
    "ghm": SoundGHM,
    "cost_sensitive": SoundCostSensitive,
    "sigmoid_focal": SoundSigmoidFocal,
    "sigmoid_ghm": SoundSigmoidGHM,
    "ghm_regression": SoundGHMRegression,
    "average_top_k": SoundTopK,
}
DEAD = [
    *(("cross_entropy", name) for name in ("weight", "ignore_index", "axis", "soft_weight", "denominator")),
    ("ghm", "bins"),
    *(("sigmoid_focal", name) for name in ("alpha", "reduction")),
    ("ghm_regression", "mu"),
    ("cost_sensitive", "gamma"),
    ("average_top_k", "k"),
]
ASKED = {
    "ignore_index": {"ignore_index": [-100, 0, 1]},
    "axis": {"size": ["square"], "axis": [0, 1], "rank": [2]},
}
"""What a layer that is deaf to an argument can be asked without raising."""


def run(subject, law_id, max_examples=200, takes=None, shrinks=True):
    contract = subject.resolved
    law = next(law for law in laws_of(contract) if law.id == law_id)
    taken = subject.takes if takes is None else takes
    trial = Trial(law, contract, PaddleObserver(subject), taken, subject.full_domain)
    return run_law(trial, SearchOptions(max_examples=max_examples, shrinks=shrinks))


def deaf(contract, name, under=None, only=None):
    """A sound loss that takes an argument and computes with another value of it."""
    layer = LAYERS[contract]
    defaults = {n: p.default for n, p in inspect.signature(layer.__init__).parameters.items()}
    named = tuple(n for n in defaults if n != "self")

    def build(**given):
        fixed = {"ignore_index": -100, "k": 2 if given.get("k") is not None else None}.get(name, defaults[name])
        return layer(**{**given, name: fixed})

    return Subject(contract=under or contract, build=build, arguments=only or named, domain=ASKED.get(name, {}))


@pytest.mark.parametrize(("contract", "name"), DEAD)
def test_a_dead_argument_is_named(contract, name):
    # the name counts here; how small such a case becomes is asked of a mutant
    result = run(deaf(contract, name), EFFECT, max_examples=100, shrinks=False)
    assert result.outcome == "refuted"
    assert result.finding.message.startswith(f"The argument {name} has no effect: ")


@pytest.mark.parametrize("name", ["weight", "ignore_index", "reduction"])
def test_without_an_oracle_too(name):
    taken = ("weight", "ignore_index", "reduction", "axis")
    result = run(deaf("cross_entropy", name, under="free", only=taken), EFFECT, shrinks=False)
    assert result.outcome == "refuted"
    assert result.finding.message.startswith(f"The argument {name} has no effect: ")


class Maximum(SoundTopK):
    """The largest weighted loss alone; its mean divides by the weight of that one."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__("cross_entropy", None, 1, weight, ignore_index, reduction, axis)

    def forward(self, logits, labels):
        losses, weight, valid, shape = self.inner.elements(logits, labels)
        chosen = self.chosen(losses.detach(), weight, valid).astype(losses.dtype)
        if self.reduction == "mean":
            return self.over((losses * chosen).sum(), (weight * chosen).sum())
        return self.reduce(losses * chosen, weight, valid, shape, None)


class Margin(SoundCrossEntropy):
    """The multi-class hinge: 0, with no slope, wherever the margin is kept."""

    def __init__(self, weight=None, ignore_index=-100, reduction="mean", axis=1):
        super().__init__(weight, ignore_index, reduction, axis)

    def cross_entropy(self, rows, targets):
        other = paddle.nn.functional.one_hot(targets, rows.shape[1]) == 0
        gap = 1 + rows - self.pick(rows, targets).unsqueeze(1)
        return paddle.where(other & (gap > 0), gap, paddle.zeros_like(gap)).sum(axis=1)


@pytest.mark.parametrize("layer", [Maximum, Margin, SoundCrossEntropy, SoundFocal, SoundGHM])
def test_a_sound_loss_that_no_oracle_knows_is_not_accused(layer):
    arguments = ("weight", "ignore_index", "reduction", "axis")
    subject = Subject(contract="free", build=lambda **given: layer(**given), arguments=arguments)
    for law in (EFFECT, "refusals/broadcasting"):
        result = run(subject, law, max_examples=150)
        assert result.outcome == "held", result.finding and result.finding.message


def test_free_promises_nothing_about_batches():
    known = {law.id for law in laws_of(Subject(contract="free", build=SoundCrossEntropy, arguments=()).resolved)}
    assert not known & {"shape/row-independence", "shape/duplication", "shape/sum-is-additive"}


def test_who_promises_what():
    def having(law):
        return {
            name
            for name, loss in sounds().items()
            if law in {one.id for one in laws_of(Target(loss.text, name).load().resolved)}
        }

    additive = {"cross_entropy", "focal", "cost_sensitive", "sigmoid_focal"}
    assert having("shape/row-independence") == additive
    assert having("shape/sum-is-additive") == additive
    assert having("shape/duplication") == set(sounds()) - {"average_top_k", "free"}
    assert having("sigmoid/symmetry") == {"sigmoid_focal", "sigmoid_ghm", "average_top_k"}


def test_answers_that_are_the_same_by_chance_are_no_dead_argument():
    # its mean over one element is the sum, whatever the weight
    plain = {
        "reduction": ("mean", "sum"),
        "rank": (2,),
        "ignored": ("none",),
        "ignore_index": (-100,),
        "label_dtype": ("int64",),
    }
    subject = Target(PUBLISHED, "ghm", {"width": "bins"}, domain={"bins": (1.0, 0.5), **plain}).load()
    result = run(subject, EFFECT, max_examples=60)
    assert result.outcome == "held", result.finding and result.finding.message


def test_an_argument_that_can_only_have_one_value_is_not_judged():
    subject = Subject(
        contract="focal",
        build=lambda **given: SoundFocal(**{**given, "gamma": 2.0}),
        arguments=("gamma",),
        domain={"gamma": [2.0]},
    )
    result = run(subject, EFFECT, max_examples=30)
    assert result.outcome == "not applicable"
    assert "no argument that the layer takes" in result.reason


def test_what_the_law_makes_of_a_problem_stays_in_the_domain():
    seen = set()

    def build(**given):
        seen.add(given["gamma"])
        return SoundFocal(**given)

    subject = Subject(contract="focal", build=build, arguments=("gamma",), domain={"gamma": [0.5, 5.0]})
    assert run(subject, EFFECT, max_examples=30).outcome == "held"
    assert seen == {0.5, 5.0}


def test_alpha_is_turned_only_where_its_mirror_may_be_asked_for():
    def outcome(values):
        domain = {"alpha": values}
        subject = Subject("sigmoid_focal", lambda **g: SoundSigmoidFocal(**g), arguments=("alpha",), domain=domain)
        return run(subject, "sigmoid/symmetry", max_examples=30)

    assert outcome([0.25, 0.75]).outcome == "held"
    assert outcome([0.25]).outcome == "not applicable"


def test_replay_draws_what_the_certificate_drew():
    subject = Target("tests.mutants.batch:GammaUnheard", "focal")
    certificate = certify(subject, only=[EFFECT], max_examples=10, workers=0)
    assert [one.status for one in replay(certificate)] == ["still failing"]
