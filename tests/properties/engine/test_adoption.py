"""A convention that is not the contract's is one finding, which a claim settles, and a claim settles nothing else."""

import numpy as np
import pytest

from properties import Certificate, certify
from properties.contracts import contracts
from properties.engine.adoption import adopted
from properties.engine.inference import infer
from properties.engine.study import Inquiry
from properties.engine.task import Task
from properties.judging.conventions import DENOMINATORS, Divisor, apart_from, telling
from properties.judging.denominators import number_of
from properties.judging.observation import Observation
from properties.report.facts import in_lines
from properties.runs.selftest import museum
from properties.subjects.target import Target
from properties.workers.inline import Inline
from tests.losses.by_convention import over, padded_focal, smoothed_logarithm
from tests.losses.layers import SHIPPED
from tests.mutants.registry import sounds
from tests.properties.oracle_observer import OracleObserver

EXAMPLES = 12
LAWS = (
    "oracle/value",
    "oracle/gradient",
    "oracle/accuracy",
    "ignore",
    "denominator",
    "conventions",
    "numerics/epsilon",
    "numerics/precision-inside",
    "shape/mean-over-denominator",
    "shape/permutation",
    "shape/rank",
)


def run(subject, laws=LAWS):
    known = {law.id for law in Inline(subject).describe().laws} | {
        name.split("/")[0] for name in laws if "/" not in name
    }
    return certify(subject, max_examples=EXAMPLES, workers=0, only=[name for name in laws if name in known])


def facts(subject):
    performer = Inline(subject)
    return performer.infer(Inquiry(0, performer.describe().dtypes))


@pytest.mark.parametrize(
    ("contract", "denominator"),
    [("cross_entropy", "elements"), ("focal", "batch"), ("focal", "one"), ("sigmoid_focal", "positives")],
)
def test_a_denominator_is_one_finding_and_a_claim_settles_it(contract, denominator):
    refuted = run(over(contract, denominator))
    assert [law.id for law in refuted.failed] == ["conventions/denominator"]
    (law,) = refuted.failed
    assert law.message.count("The mean divides by ") == 1
    assert DENOMINATORS[denominator] in law.message
    assert law.script
    claim = f"{contract} --claim denominator={denominator}"
    assert refuted.claimable["words"] == f"REFUTED as `{contract}`. As `{claim}`: CERTIFIED."
    again = Certificate.from_dict(refuted.to_dict())
    assert (again.facts, again.adopted, again.claimable) == (refuted.facts, refuted.adopted, refuted.claimable)
    claimed = run(over(contract, denominator, claims={"denominator": denominator}))
    assert claimed.verdict == "certified", [(law.id, law.message) for law in claimed.failed]
    assert not claimed.claimable


def test_a_mean_of_nothing_that_is_nan_is_one_finding():
    refuted = run(over("cross_entropy", "count", nothing=np.nan))
    assert {law.id for law in refuted.failed} == {"conventions/denominator", "conventions/nothing"}
    claims = {"denominator": "count", "nothing": "nan"}
    assert refuted.adopted == claims
    assert run(over("cross_entropy", "count", nothing=np.nan, claims=claims)).verdict == "certified"
    # what is claimed is checked: the mean of nothing is 0 here
    wrong = run(over("cross_entropy", "count", claims=claims), ("ignore/all-ignored",))
    assert wrong.law("ignore/all-ignored").outcome == "refuted"


def test_a_wrong_claim_is_refuted():
    found = run(over("cross_entropy", "elements", claims={"denominator": "batch"}))
    assert found.verdict == "refuted"
    assert found.facts["denominator"]["value"] == "elements"


def test_a_cast_and_a_small_number_are_two_facts_and_no_wrong_formula():
    found = run(padded_focal())
    assert {law.id for law in found.failed} == {"numerics/precision-inside", "numerics/epsilon"}
    assert found.levels["formula"] == "certified"
    assert found.adopted == {"precision": "float32", "denominator": "weights+1e-10*elements"}
    assert found.claimable["verdict"] == "certified"
    assert "1e-10 is added" in " ".join(words for words, _ in in_lines(found.facts))


def test_a_wrong_layer_stays_refuted_with_what_was_adopted():
    found = run(padded_focal(1e-5, np.float64, share=False, wrong=1.01))
    assert found.law("oracle/value").outcome == "refuted"
    assert found.levels["formula"] == "refuted"


@pytest.mark.parametrize(
    ("epsilon", "share", "value"), [(1e-5, False, "1e-05"), (3e-8, False, "3e-08"), (1e-5, True, "1e-05*elements")]
)
def test_the_size_of_an_added_number_is_found(epsilon, share, value):
    found = facts(padded_focal(epsilon, np.float64, share))
    assert found["epsilon"]["value"] == value
    assert "precision" not in found


@pytest.mark.parametrize("epsilon", [1e-3, 1e-6, 1e-9])
def test_a_number_inside_the_logarithm_is_found(epsilon):
    found = facts(smoothed_logarithm(epsilon))
    assert found["logarithm"]["value"] == f"{epsilon:g}"
    assert "precision" not in found
    assert adopted(found, telling({"denominator": "count"})) == {}


class Over(OracleObserver):
    """Answers as the oracle does, over another denominator."""

    def __init__(self, contract, denominator):
        super().__init__(contract)
        self._denominator = denominator

    def observe(self, problem, probe="plain"):
        if problem.reduction != "mean" or problem.normalizer is not None:
            return super().observe(problem, probe)
        number = number_of(self._denominator, problem, self._contract)
        found = super().observe(problem.replace(reduction="sum"), probe)
        if not number or not isinstance(found, Observation):
            return found
        return Observation(found.value / number, found.gradient / number, (), found.dtype, found.gradient_dtype)


@pytest.mark.parametrize("name", [name for name in contracts() if name in SHIPPED and contracts()[name].oracle])
@pytest.mark.parametrize("denominator", DENOMINATORS)
def test_every_denominator_is_inferred_under_every_contract(name, denominator):
    contract = contracts()[name]
    subject = Target(sounds()[name].text, name).load()
    inquiry = Inquiry(0, ("float64",))
    found = infer(inquiry, subject, Over(contract, denominator))["denominator"]
    if name.startswith(("sigmoid", "ghm_r")) and denominator.endswith("entries"):
        # every entry is an element: no such number
        return
    assert denominator in found["value"].split(" or "), found


@pytest.mark.parametrize("number", ["B066", "B096", "B191"])
def test_a_wrong_loss_of_the_museum_is_not_settled_by_adoption(number):
    exhibit = museum()[number]
    performer = Inline(Target(exhibit.text, exhibit.contract, backend=exhibit.backend))
    known = performer.describe()
    found = adopted(performer.infer(Inquiry(0, known.dtypes)), [law.id for law in known.laws])
    assert found
    for law in telling(found):
        task = Task(law, 0, EXAMPLES, known.dtypes, adopted=found, shrink=False)
        assert performer.run(task, lambda examples: None).outcome == "refuted"


def test_what_a_law_tells_of_is_not_adopted_for_it():
    found = {"denominator": "count+1e-05", "nothing": "nan"}
    assert apart_from("oracle/value", found, "weights") == found
    assert apart_from("conventions/nothing", found, "weights") == {"denominator": "count+1e-05"}
    assert apart_from("conventions/denominator", found, "weights")["denominator"] == "weights+1e-05"
    assert apart_from("numerics/epsilon", found, "weights")["denominator"] == "count"
    assert "denominator" not in apart_from("conventions/denominator", {"denominator": "count"}, "weights")
    assert telling(found) == {"conventions/denominator", "numerics/epsilon", "conventions/nothing"}


@pytest.mark.parametrize("text", ["count", "weights+1e-05", "elements+1e-10*elements"])
def test_a_divisor_is_written_as_it_is_read(text):
    assert str(Divisor.of(text)) == text


@pytest.mark.parametrize("text", ["all", "count+", "count+0", "count+nan", "count+x", "+1e-5", "count-1"])
def test_what_is_no_divisor_is_told(text):
    with pytest.raises(ValueError, match="claim denominator must be one of count, weights, elements"):
        Divisor.of(text)
