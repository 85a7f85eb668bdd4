"""The repaired layer of the examples: right in every formula; what else it fails it has from Paddle's kernel."""

from properties import Target, certify

BINS = (1.0, 0.5, 0.25, 0.1, 0.3)


def test_it_is_certified_but_for_what_it_inherits():
    target = Target(
        "examples/repaired_ghm.py:RepairedGHM", "ghm", {"width": "bins"}, {}, {"bins": BINS, "rank": (2, 3, 4)}
    )
    found = certify(target, max_examples=20, forgive_inherited=True)
    assert found.verdict == "certified", [(law.id, law.message) for law in found.failed if not law.inherited]
    assert found.levels["formula"] == "certified"
    assert not any(law.level == "formula" for law in found.failed)
    assert {law.inherited for law in found.failed} == {"paddle.nn.functional.cross_entropy"}
    assert "conduct/second-backward" in {law.id for law in found.failed}
