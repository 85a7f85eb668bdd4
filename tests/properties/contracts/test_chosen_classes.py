"""The cross entropy of chosen classes has a contract of its own, which a sound loss holds."""

from properties import certify
from tests.mutants.museum.chosen import SOUND_CHOSEN_CLASSES


def test_a_sound_loss_holds_every_law():
    found = certify(SOUND_CHOSEN_CLASSES, max_examples=60, workers=0)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed]
