"""An ignore_index that no label equals changes nothing: whichever it is, beside whichever other, or none at all."""

import pytest

from properties import Target
from properties.certificates.certificate import LawReport
from properties.engine.gates import aside
from properties.engine.task import Task
from properties.report.cases import case_lines
from properties.workers.inline import Inline

LAW = "ignore/matches-nothing"
GATES = ("ignore/none-is-all-valid", "ignore/inside-classes", "ignore/sentinels")


def put(name, domain=(), shut=frozenset()):
    performer = Inline(
        Target(
            f"tests.hostile.masked:{name}",
            "cross_entropy",
            domain={"targets": ["hard"], "rank": [2, 3], **dict(domain)},
        )
    )
    known = performer.describe()
    laws = {law.id: law for law in known.laws}
    gates = {law.id: law.gate for law in known.laws if law.gate}
    task = Task(LAW, 0, 60, known.dtypes, aside(laws[LAW], gates, frozenset(shut)))
    return LawReport.of(laws[LAW], performer.run(task, lambda done: None))


@pytest.mark.parametrize("name", ["OneHotMask", "NeedsAnIndex", "MasksBackground", "MasksMinusOne", "Masks255"])
@pytest.mark.parametrize("shut", [(), GATES[:1]])
def test_a_mean_that_is_off_for_some_index_is_found(name, shut):
    found = put(name, shut=shut)
    assert found.outcome == "refuted"
    lines = case_lines(found.counterexample)
    # each of the calls says which it was
    assert all("ignore_index" in line for line in lines[:-1]) or name == "NeedsAnIndex" or shut


def test_a_witness_is_one_that_the_domain_has():
    assert put("Masks255", {"ignore_index": [-100, -1]}).outcome == "held"
    assert put("Masks255", {"ignore_index": [-100, 255]}).outcome == "refuted"


def test_with_one_index_alone_the_oracle_says_it():
    found = put("Masks255", {"ignore_index": [255]})
    assert found.outcome == "refuted"
    assert "divides by the number of valid elements times that of classes" in found.message
