"""A layer that takes counts of regions alone, or widths alone, is told so and run with those."""

import pytest

from properties import Target, certify
from properties.workers.inline import Inline

LAYERS = "tests/hostile/bins.py"
MASKING = "ignore/deleting-is-masking"


def target(name, **domain):
    return Target(f"{LAYERS}:{name}", "ghm", domain=domain)


def described(name, **domain):
    return Inline(target(name, **domain)).describe()


@pytest.mark.parametrize("name", ["WidthsAlone", "WidthsInSilence", "SoundWidthsInSilence"])
def test_widths_alone(name):
    known = described(name)
    assert known.narrowed["bins"].startswith("bins is taken as a width alone: ")
    assert all(isinstance(value, float) or value == 1 for value in known.kept["bins"])
    assert {0.5, 0.1, 0.3} <= set(known.kept["bins"])


@pytest.mark.parametrize("name", ["CountsAlone", "CountsInSilence"])
def test_counts_alone(name):
    known = described(name)
    assert known.narrowed["bins"].startswith("bins is taken as a count alone: ")
    assert {10, 2, 4} <= set(known.kept["bins"])
    assert not any(isinstance(value, float) and value < 1 for value in known.kept["bins"])


def test_why_is_told_in_the_layers_words():
    assert described("CountsAlone").narrowed["bins"].endswith("it raises ValueError: bins must be an int, got 0.5")


@pytest.mark.parametrize(
    "where",
    [
        "tests.mutants.sound:SoundGHM",
        "paddle_impl:GHMLoss",
        f"{LAYERS}:Deaf",
        "examples/published_ghm.py:PublishedGHM",
    ],
)
def test_nothing_is_said_of_a_layer_that_takes_both_or_of_a_deaf_one(where):
    known = Inline(Target(where, "ghm")).describe()
    assert not known.narrowed
    assert "bins" not in known.kept


def test_what_a_user_names_is_not_narrowed():
    assert not described("WidthsAlone", bins=(10, 0.5)).kept


@pytest.mark.parametrize(
    "bins", [(1, 0.5), (1.0, 0.5), (1, 0.5, 0.1), (0.5,), (1, 0.25), None], ids=lambda bins: str(bins)
)
@pytest.mark.parametrize("name", ["WidthsAloneCounting", "WidthsInSilence"])
def test_ignored_elements_in_the_histogram_are_found_however_widths_are_named(name, bins):
    named = {} if bins is None else {"bins": bins}
    found = certify(target(name, **named), only=[MASKING], workers=0)
    assert found.law(MASKING).outcome == "refuted"
    assert found.verdict == "refuted"


def test_a_crash_with_the_other_kind_is_an_ability_that_is_lacking():
    found = certify(target("WidthsThatCrash"), only=[MASKING], max_examples=40, workers=1)
    assert "the process ends with SIGSEGV" in found.narrowed["bins"]
    assert found.law(MASKING).outcome == "refuted"


@pytest.mark.parametrize("name", ["WidthsAlone", "CountsAlone", "SoundWidthsInSilence", "CountsInSilence"])
def test_a_sound_layer_of_one_kind_is_certified(name):
    found = certify(target(name), levels=["formula"], max_examples=30, workers=0)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed]
    assert "bins" in found.narrowed
    aside = ("aggregate/width-equals-count", "aggregate/uneven-width")
    assert not {law.id for law in found.failed} & set(aside)
