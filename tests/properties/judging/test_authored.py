"""Whose mistake an error is: a contract author's is told by its name, ours as ours; neither is the layer's."""

from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from properties import Contract, Subject, UsageError, certify
from properties.campaigns.law_schedule import LawSchedule
from properties.campaigns.shard import Shard, record_of
from properties.certificates.certificate import Certificate
from properties.command.cli import main
from properties.engine.result import LawResult
from properties.engine.task import Task
from properties.errors import BROKEN, Broken, ContractError
from properties.judging.contract import OF_CLASSES
from properties.judging.finding import Finding, Undecided
from properties.judging.law import Law
from properties.problems.domain import Dimension
from properties.subjects.target import Target
from properties.workers.inline import Inline
from properties.workers.limits import Limits
from reference import cross_entropy
from tests.mutants.museum.classes import CrossEntropy

PROMISES = (*OF_CLASSES, "additive", "repetition")
ONLY = ("oracle/value", "oracle/finite-difference", "shape/mean-over-denominator")


def subject(**fields):
    contract = Contract("mine", "A loss of mine.", PROMISES, **{"oracle": cross_entropy, **fields})
    return Subject(contract, CrossEntropy, backend="numpy", arguments=("weight", "ignore_index", "reduction", "axis"))


def answering(**changed):
    def oracle(*given, **arguments):
        answer = cross_entropy(*given, **arguments)
        return replace(answer, **{name: change(getattr(answer, name)) for name, change in changed.items()})

    return oracle


def tuple_of(*given, **arguments):
    answer = cross_entropy(*given, **arguments)
    return answer.value, answer.gradient


def only_small(logits, labels, **arguments):
    if logits.size > 4:
        raise KeyError("too many")
    return cross_entropy(logits, labels, **arguments)


def forgetful(logits, labels, cotangent=None):
    """Knows of no weight, no ignore_index, no reduction."""


def raises(*given, **named):
    raise ZeroDivisionError("mine")


MISTAKES = {
    "a tuple": ({"oracle": tuple_of}, "oracle returned a tuple of 2 (ndarray, ndarray)"),
    "nothing": ({"oracle": lambda *given, **named: None}, "oracle returned None"),
    "a number": ({"oracle": lambda *given, **named: 1.5}, "oracle returned 1.5"),
    "single precision": ({"oracle": answering(value=np.float32)}, "oracle returned an Answer whose value"),
    "a Python float": ({"oracle": answering(value=float)}, "an Answer whose value"),
    "a value of one axis": ({"oracle": answering(value=np.atleast_1d)}, "whose value has dtype float64 and shape [1]"),
    "a gradient of another shape": ({"oracle": answering(gradient=np.ravel)}, "whose gradient has dtype float64"),
    "no gradient": ({"oracle": answering(gradient=lambda a: None)}, "whose gradient is None"),
    "one scale for all": ({"oracle": answering(gradient_scale=np.max)}, "whose gradient_scale has"),
    "scales below 0": ({"oracle": answering(value_scale=np.negative)}, "whose value_scale holds -"),
    "an alternative that is none": ({"oracle": answering(alternatives=lambda a: (1.0,))}, "alternative that is 1.0"),
    "an oracle that raises": ({"oracle": raises}, "oracle raised ZeroDivisionError: mine"),
    "one that raises at times": ({"oracle": only_small}, "oracle raised KeyError: 'too many'"),
    "one that is told too much": ({"oracle": forgetful}, "oracle raised TypeError"),
    "a nearest that raises": ({"oracle": answering(nearest=lambda a: raises)}, "oracle's nearest raised ZeroDivision"),
    "a divisor that raises": ({"divisor": raises}, "divisor raised ZeroDivisionError: mine"),
    "a divisor that is a word": ({"divisor": lambda problem: "N"}, "divisor returned 'N'; expected a number"),
    "a settle that raises": ({"settle": raises}, "settle raised ZeroDivisionError: mine"),
    "a settle that gives nothing back": ({"settle": lambda config: config.clear()}, "settle returned None"),
    "hard logits that raise": ({"hard_logits": raises}, "hard_logits raised ZeroDivisionError: mine"),
    "hard logits that are none": ({"hard_logits": lambda config, classes: []}, "hard_logits returned"),
    "jumps that raise": ({"jumps": raises}, "jumps raised ZeroDivisionError: mine"),
    "jumps that are a word": ({"jumps": lambda one, other: "no"}, "jumps returned 'no'; expected True or False"),
    "bases that raise": ({"bases": (raises,)}, "bases raised ZeroDivisionError: mine"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_contract_is_its_authors(name):
    fields, words = MISTAKES[name]
    with pytest.raises(ContractError, match=r"^contract mine: its ") as told:
        certify(subject(**fields), max_examples=20, only=ONLY, workers=0)
    assert words in str(told.value)
    assert "expected" in str(told.value)
    assert BROKEN not in str(told.value)
    assert isinstance(told.value, UsageError)


def never(*given):
    raise LookupError("mine")


DIMENSIONS = {
    "expand": Dimension("temperature", (1.0, 2.0), expand=never, absent=1.0),
    "expand, of one value": Dimension(
        "temperature", (1.0, 2.0), expand=lambda v, classes: v if v == 1.0 else never(), absent=1.0
    ),
    "gate": Dimension("temperature", (1.0, 2.0), never, absent=1.0),
}


@pytest.mark.parametrize("name", DIMENSIONS)
def test_what_its_arguments_raise_is_its_authors_too(name):
    """Of arguments that the layer takes, so that they are drawn."""

    class Tempered(CrossEntropy):
        def __init__(self, temperature=1.0, **options):
            super().__init__(**options)

    def oracle(*given, temperature=1.0, **arguments):
        return cross_entropy(*given, **arguments)

    def certified(workers):
        # an argument that never expands is met when the subject is made, others when it is drawn
        mine = replace(subject(oracle=oracle, arguments=(DIMENSIONS[name],)), build=Tempered)
        mine = replace(mine, arguments=(*mine.arguments, "temperature"))
        return certify(mine, max_examples=20, only=("oracle/value",), workers=workers)

    for workers in (0, 1):
        with pytest.raises(ContractError, match=r"^contract mine: .*code raised LookupError: mine"):
            certified(workers)


def test_it_is_told_from_a_process_of_its_own_too():
    """Of an oracle that no look at one problem finds out."""
    with pytest.raises(ContractError, match=r"^contract mine: its oracle raised KeyError"):
        certify(subject(oracle=only_small), max_examples=20, only=ONLY, workers=1)


SCRIPT = """
from properties import Contract, Subject
from tests.properties.judging.test_authored import subject, tuple_of
MINE = subject(oracle=tuple_of)
"""


def test_the_command_calls_it_usage(tmp_path):
    (tmp_path / "mine.py").write_text(SCRIPT)
    for command in (("certify",), ("fuzz", "--out", str(tmp_path / "out"))):
        target = str(tmp_path / "mine.py") + ":MINE"
        done = CliRunner(env={"COLUMNS": "160"}).invoke(main, [*command, target, "--max-examples", "5"])
        assert done.exit_code == 2, done.output
        assert "contract mine: its oracle returned a tuple" in done.output
    assert not (tmp_path / "out").exists()


def own_law(check):
    return Law("mine/own", "A law of mine.", check)


def test_a_law_that_the_author_wrote_is_the_authors():
    def check(case):
        case.observe()
        yield Finding("Never.", (), "value", case.nothing_of_the_kind)

    with pytest.raises(ContractError, match=r"^contract mine: under law mine/own its code raised AttributeError"):
        certify(subject(own=(own_law(check),)), max_examples=5, only=("mine/own",), workers=0)


def test_a_contradiction_is_about_a_problem_whatever_its_law_says():
    def check(case):
        case.observe()
        yield Finding("This law holds for nothing.", (), "nothing")

    found = certify(subject(own=(own_law(check),)), max_examples=5, only=("mine/own",), workers=0).law("mine/own")
    assert found.outcome == "refuted"
    assert found.counterexample["problems"]


def test_a_draw_that_is_a_matter_of_chance_is_no_law_that_held():
    turns = iter(range(10_000))

    def undecided_settle(config):
        if next(turns) % 7 == 6:
            raise Undecided("by turns")
        return config

    with pytest.raises(ContractError, match="contract mine: its settle raised Undecided"):
        certify(subject(settle=undecided_settle), max_examples=20, only=("oracle/value",), workers=0)


SOUND = Subject("cross_entropy", CrossEntropy, backend="numpy")


def shard_of(law):
    description = Inline(SOUND).describe()
    info = next(info for info in description.laws if info.id == law)
    task = Task(law, 0, 20, description.dtypes)
    return Shard(0, Target("somewhere:Loss"), Limits(10.0), info=info, task=task)


def future_of(error):
    future = Future()
    future.set_exception(error)
    return future


@pytest.mark.parametrize("error", [ContractError("contract mine: its oracle raised"), Broken("in a worker")])
def test_a_campaign_survives_either(error):
    shard = shard_of("oracle/value")
    course = LawSchedule(shard.info)
    course.begin([20])
    found = course.take(0, record_of(shard, future_of(error)))
    assert found == []
    report = course.report()
    assert report.outcome == "gave up"
    assert str(error) in report.reason


def test_a_block_in_which_we_failed_is_not_held():
    """Twenty examples held, then we failed; the block before it held throughout."""
    shard = shard_of("oracle/value")
    course = LawSchedule(shard.info)
    held = LawResult("oracle/value", "held", 20)
    broken = LawResult("oracle/value", "gave up", 20, reason=str(Broken("in law oracle/value: IndexError")))
    for result in (held, broken):
        course.begin([20])
        course.take(0, {"asked": 20, **result.to_record()})
    assert course.report().outcome == "gave up"
    assert BROKEN in course.report().reason
    assert not course.closed


def test_what_a_law_made_wrong_on_purpose_the_oracle_may_refuse():
    """Labels of shape (n, 1, 1) are broadcast; whose fault that is was asked of the oracle, which has no answer."""
    target = Target("tests/hostile/focal_alpha.py:AlphaFocal", "focal", {"alpha": "weight"})
    certificate = certify(target, max_examples=5, only=("refusals/broadcasting",), workers=0)
    found = certificate.law("refusals/broadcasting")
    assert found.outcome == "refuted"
    assert "are broadcast to another loss" in found.message


def refusing_sums(logits, labels, *, reduction="mean", **arguments):
    """Knows no sum: whoever asks for one beside the law's own comparison must do without."""
    if reduction == "sum":
        raise NotImplementedError("sum")
    return cross_entropy(logits, labels, reduction=reduction, **arguments)


def test_what_is_asked_beside_a_laws_own_comparison_may_be_refused():
    """That the mean divides by all elements can't be said in words; that it is wrong, can."""

    class MeanOverAll(CrossEntropy):
        def __call__(self, logits, labels):
            value, backward = super().__call__(logits, labels)
            share = 0.5 if self.reduction == "mean" else 1.0
            return value * share, lambda upstream: backward(upstream) * share

    wrong = replace(subject(oracle=refusing_sums), build=MeanOverAll, domain={"reduction": ("mean",)})
    certificate = certify(wrong, max_examples=20, only=("oracle/value",), workers=0)
    found = certificate.law("oracle/value")
    assert (found.outcome, found.message) == ("refuted", "The value is not the contract's.")


def test_a_campaign_says_whose_mistake_it_was(tmp_path):
    """Of an oracle that raises where no first look finds it out: its laws give up, the others are done."""
    (tmp_path / "mine.py").write_text(SCRIPT.replace("tuple_of", "only_small"))
    options = ("--max-examples", "60", "--workers", "1", "--only", "oracle/value", "--only", "conduct/repeatable")
    target, out = str(tmp_path / "mine.py") + ":MINE", str(tmp_path / "out")
    done = CliRunner(env={"COLUMNS": "200"}).invoke(main, ["fuzz", target, "--out", out, *options])
    assert done.exit_code == 3, done.output
    assert "contract mine: its oracle raised KeyError: 'too many'" in " ".join(done.output.split())
    certificate = Certificate.read(tmp_path / "out" / "certificate-0.json")
    assert certificate.law("oracle/value").outcome == "gave up"
    assert certificate.law("conduct/repeatable").outcome == "held"
