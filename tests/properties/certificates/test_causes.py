"""Laws that fail for one reason stand under the one that says most."""

import pytest

from properties import Target, certify
from properties.certificates.causes import causes

LAWS = ("limit", "oracle", "ignore", "weights/scaling", "refusals/bad-weight", "conduct/second-backward")

pytestmark = pytest.mark.xdist_group("causes")
"""One worker has the certificate that they share."""


@pytest.fixture(scope="module")
def found():
    published = Target("examples/published_ghm.py:PublishedGHM", "ghm", {"width": "bins"}, {}, {"bins": (1.0, 0.5)})
    certificate = certify(published, max_examples=40, only=LAWS)
    return certificate, {cause.law.id: cause.also for cause in causes(certificate)}


def test_every_failure_has_one_place(found):
    certificate, grouped = found
    listed = [*grouped, *(law for also in grouped.values() for law in also)]
    assert sorted(listed) == sorted(law.id for law in certificate.failed)


def test_the_telling_law_leads(found):
    _, grouped = found
    assert "weights/scaling" in grouped["limit/one-region-is-cross-entropy"]
    assert "oracle/value" in grouped["limit/one-region-is-cross-entropy"]
    assert "ignore/many-ignored" in grouped["ignore/deleting-is-masking"]


def test_conduct_and_refusals_stand_alone(found):
    _, grouped = found
    assert grouped["conduct/second-backward"] == ()
    assert grouped["refusals/bad-weight"] == ()


def test_each_of_three_faults_leads_a_cause():
    """The plainest counterexample of all is of a narrower last region: it explains nothing where there is none."""
    layer = Target("tests/hostile/looping_widths.py:LoopingWidths", "ghm")
    certificate = certify(layer, max_examples=40, only=("limit", "ignore", "aggregate", "oracle/value"))
    leaders = [cause.law.id for cause in causes(certificate)]
    headlines = {"limit/one-region-is-cross-entropy", "ignore/deleting-is-masking"}
    assert {"aggregate/uneven-width", *headlines} <= set(leaders)
