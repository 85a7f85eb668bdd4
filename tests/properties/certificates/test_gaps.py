"""Nothing is certified that was not looked at."""

import pytest

from properties import Subject, certify
from properties.problems.domain import EmptyDomainError
from tests.mutants.sound import SoundCrossEntropy


class NoneAlone(SoundCrossEntropy):
    def forward(self, logits, labels):
        if labels.size == 1:
            raise IndexError("nothing to compare it with")
        return super().forward(logits, labels)


class NoRank(SoundCrossEntropy):
    """Of more than two axes it makes another loss."""

    def forward(self, logits, labels):
        found = super().forward(logits, labels)
        return found * 2 if logits.ndim > 2 else found


def subject(layer=SoundCrossEntropy, **domain):
    def build(*, weight=None, ignore_index=-100, reduction="mean", axis=1):
        return layer(weight=weight, ignore_index=ignore_index, reduction=reduction, axis=axis)

    return Subject("cross_entropy", build, domain=domain)


def certified(made, *laws, examples=8, **options):
    return certify(made, only=laws, max_examples=examples, workers=0, **options)


@pytest.mark.parametrize(
    ("layer", "gate", "behind"),
    [(NoneAlone, "conduct/takes-one-element", "kind one element"), (NoRank, "shape/rank", "rank 3, 4, 5, 6")],
)
@pytest.mark.parametrize("law", ["oracle/value", "softmax/shift", "conduct/repeatable"])
def test_a_gate_that_does_not_hold_is_part_of_every_verdict(layer, gate, behind, law):
    found = certified(subject(layer), law)
    assert found.law(law).outcome == "held"
    assert found.verdict == "incomplete"
    assert set(found.levels.values()) == {"incomplete"}
    assert [gap for gap in found.gaps if gap.startswith(gate) and behind in gap]


def test_under_a_level_too():
    # the level has the programs of modes/ too, which take most of its time and none of which is asked of a gate
    found = certified(subject(NoRank), "conduct", levels=["conduct"], examples=4)
    assert any(gap.startswith("shape/rank") for gap in found.gaps)
    assert found.verdict != "certified"


def test_a_gate_outside_the_domain_is_no_gap():
    found = certified(subject(NoRank, rank=[2]), "oracle/value")
    assert found.gaps == ()
    assert found.verdict == "certified"


def test_in_full_the_law_of_the_gate_says_so_itself():
    found = certified(subject(NoRank, size=["few"]), "shape/rank", "oracle/value", levels=["formula"])
    assert found.verdict == "refuted"
    assert found.gaps == ()


@pytest.mark.parametrize(
    ("domain", "missing"),
    [
        # no law but one of its own draws an empty batch here
        ({"size": ["few", "empty"]}, "size few"),
        ({"size": ["few", "empty"], "classes": [3]}, "size few"),
        ({"reduction": ["mean", "sum"], "classes": [3]}, ""),
    ],
)
def test_what_was_named_and_never_drawn_is_a_gap(domain, missing):
    found = certified(subject(**domain), "shape/empty", examples=12)
    named = [gap for gap in found.gaps if gap.endswith("was named in the domain, and never drawn")]
    assert bool(named) == bool(missing)
    assert all(gap.startswith(missing.split(",")[0]) for gap in named)
    assert (found.verdict == "certified") == (not missing)


def test_values_behind_a_closed_gate_that_somebody_named():
    found = certified(subject(NoRank, rank=[2, 4]), "oracle/value")
    assert found.verdict == "incomplete"
    assert any("shape/rank" in gap for gap in found.gaps)


def test_a_few_examples_of_many_named_values():
    found = certified(subject(classes=[3, 5, 7, 11, 13, 17, 19]), "oracle/value", examples=2)
    assert found.verdict == "incomplete"
    assert any(gap.startswith("classes") for gap in found.gaps)


def test_a_domain_that_contradicts_itself():
    with pytest.raises(EmptyDomainError, match="no problem has all of what the domain asks for"):
        subject(size=["one"], ignored=["most"])


class NoEmptyBatch(SoundCrossEntropy):
    def forward(self, logits, labels):
        if logits.shape[0] == 0:
            raise IndexError("nothing to look at")
        return super().forward(logits, labels)


def test_a_gate_whose_finding_is_a_remark_is_no_gap():
    found = certified(subject(NoEmptyBatch), "oracle/value")
    assert "shape/empty" in found.set_aside
    assert (found.gaps, found.verdict) == ((), "certified")
