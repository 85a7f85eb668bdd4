"""Whose mistake an error is: a contract author's is told by its name, ours as ours; neither is the layer's."""

import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner

from properties import Contract, Subject, UsageError, certify
from properties.certificate import Certificate
from properties.cli import main
from properties.contract import OF_CLASSES
from properties.domain import Dimension
from properties.engine import LawResult
from properties.guard import Guard
from properties.law import Finding, Law, Undecided
from properties.law_course import LawCourse
from properties.laws import LAWS
from properties.laws import oracle as oracle_laws
from properties.laws.conduct import ANSWERS
from properties.mistakes import BROKEN, Broken, ContractError
from properties.serving import Inline
from properties.shard import Shard, law_record, record_of
from properties.strategies import simplest
from properties.target import Target
from properties.vitals import Limits
from properties.work import Task
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

    mine = replace(subject(oracle=oracle, arguments=(DIMENSIONS[name],)), build=Tempered)
    mine = replace(mine, arguments=(*mine.arguments, "temperature"))
    for workers in (0, 1):
        with pytest.raises(ContractError, match=r"^contract mine: .*code raised LookupError: mine"):
            certify(mine, max_examples=20, only=("oracle/value",), workers=workers)


def test_it_is_told_from_a_process_of_its_own_too():
    """Of an oracle that no look at one problem finds out."""
    with pytest.raises(ContractError, match=r"^contract mine: its oracle raised KeyError"):
        certify(subject(oracle=only_small), max_examples=20, only=ONLY, workers=1)


SCRIPT = """
from properties import Contract, Subject
from tests.properties.test_mistakes import subject, tuple_of
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


def of_ours(source, **names):
    """A function whose code is one of the checker's, as far as a traceback tells."""
    space = {"__name__": "properties.laws.somewhere", **names}
    exec(compile(source, "somewhere.py", "exec"), space)
    return space["check"]


FAILING = of_ours("def check(case, **options):\n    case.observe()\n    yield from [][1]\n")


def broken_oracle_value(monkeypatch, check=FAILING):
    """The law oracle/value with another body."""
    laws = tuple(replace(law, check=check) if law.id == "oracle/value" else law for law in oracle_laws.LAWS)
    monkeypatch.setattr("properties.work.LAWS", (*laws, *(law for law in LAWS if law.family != "oracle")))


SOUND = Subject("cross_entropy", CrossEntropy, backend="numpy")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_failure_of_ours_is_named_so_and_the_other_laws_run(monkeypatch, workers):
    broken_oracle_value(monkeypatch)
    certificate = certify(SOUND, max_examples=10, only=("oracle/value", "oracle/gradient"), workers=workers)
    found = certificate.law("oracle/value")
    assert found.outcome == "gave up"
    assert found.reason == f"{BROKEN} in law oracle/value: IndexError: list index out of range (somewhere.py:3)"
    assert found.counterexample is None
    assert certificate.law("oracle/gradient").outcome == "held"
    assert certificate.verdict == "incomplete"


def test_under_a_contract_of_ones_own_it_is_ours_all_the_same(monkeypatch):
    broken_oracle_value(monkeypatch)
    found = certify(subject(), max_examples=10, only=("oracle/value",), workers=0).law("oracle/value")
    assert (found.outcome, found.reason.startswith(BROKEN)) == ("gave up", True)


def test_an_oracle_of_ours_that_raises_is_ours(monkeypatch):
    contract = replace(SOUND.resolved, oracle=raises)
    monkeypatch.setattr("properties.subject.contract_named", lambda name: contract)
    found = certify(SOUND, max_examples=10, only=("oracle/value",), workers=0).law("oracle/value")
    assert found.outcome == "gave up"
    assert found.reason.startswith(BROKEN)
    assert "contract cross_entropy: its oracle raised ZeroDivisionError" in found.reason


def test_the_command_says_incomplete(monkeypatch):
    broken_oracle_value(monkeypatch)
    target = "tests.mutants.museum.classes:CrossEntropy"
    options = ("--contract", "cross_entropy", "--backend", "numpy", "--workers", "0", "--max-examples", "5")
    done = CliRunner(env={"COLUMNS": "160"}).invoke(main, ["certify", target, *options, "--only", "oracle"])
    assert done.exit_code == 3, done.output
    assert f"{BROKEN} in law oracle/value" in done.output
    assert "REFUTED" not in done.output


def test_the_command_fails_with_the_code_of_incomplete():
    """What fails outside of every law must not look like a refutation."""
    code = "import properties.cli as c\nc.run = None\nc.main(['certify', 'tests.mutants.museum.classes:CrossEntropy'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert f"Error: {BROKEN} in the command: TypeError" in done.stderr


def test_where_the_first_law_fails_by_us_the_layer_is_asked_all_the_same(monkeypatch):
    laws = tuple(replace(law, check=FAILING) if law.id == ANSWERS else law for law in LAWS)
    monkeypatch.setattr("properties.work.LAWS", laws)
    certificate = certify(SOUND, max_examples=5, only=(ANSWERS, "oracle/value"), workers=0)
    assert certificate.law(ANSWERS).outcome == "gave up"
    assert certificate.law("oracle/value").outcome == "held"
    assert certificate.verdict == "incomplete"


LATER = of_ours(
    """
def check(case):
    case.observe()
    if case.problem.classes == 2 and case.problem.size > 1:
        raise RuntimeError("on the way down")
    if case.problem.classes > 2:
        yield Finding("More than two classes.", (case.problem,), "value")
""",
    Finding=Finding,
)


def test_what_was_contradicted_before_we_failed_stays_so(monkeypatch):
    """Whether the failure comes first or while the contradiction is made smaller, none of it is the layer's."""
    broken_oracle_value(monkeypatch, LATER)
    for seed in range(6):
        found = certify(SOUND, max_examples=30, only=("oracle/value",), workers=0, seed=seed).law("oracle/value")
        assert found.outcome in ("refuted", "gave up")
        if found.outcome == "refuted":
            assert found.message == "More than two classes."
        else:
            assert found.reason.startswith(BROKEN)


def test_a_script_that_cannot_be_written_does_not_lose_the_contradiction(monkeypatch):
    check = of_ours(
        "def check(case):\n    case.observe()\n    yield Finding('No.', (case.problem,))\n", Finding=Finding
    )
    broken_oracle_value(monkeypatch, check)
    monkeypatch.setattr("properties.work.numpy_script_of", raises)
    found = certify(SOUND, max_examples=5, only=("oracle/value",), workers=0).law("oracle/value")
    assert found.outcome == "refuted"
    assert "there is no script of it" in found.reason


class Observing:
    """Fails as an observer of ours would."""

    def __init__(self, answer):
        self.answer = answer

    def observe(self, problem, probe="plain"):
        return self.answer()


@pytest.mark.parametrize("answer", [raises, lambda: lambda: "this cannot travel"])
def test_next_door_our_failure_is_no_crash_of_the_layer(answer):
    guard = Guard(Observing(answer), 30.0)
    with pytest.raises(Broken, match=f"^{BROKEN} in the process of the layer"):
        guard.observe(simplest(SOUND.full_domain))
    guard.close()


def test_a_draw_that_is_a_matter_of_chance_is_no_law_that_held():
    turns = iter(range(10_000))

    def undecided_settle(config):
        if next(turns) % 7 == 6:
            raise Undecided("by turns")
        return config

    with pytest.raises(ContractError, match="contract mine: its settle raised Undecided"):
        certify(subject(settle=undecided_settle), max_examples=20, only=("oracle/value",), workers=0)


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
    course = LawCourse(shard.info)
    course.begin([20])
    found = course.take(0, record_of(shard, future_of(error)))
    assert found == []
    report = course.report()
    assert report.outcome == "gave up"
    assert str(error) in report.reason


def test_a_block_in_which_we_failed_is_not_held():
    """Twenty examples held, then we failed; the block before it held throughout."""
    shard = shard_of("oracle/value")
    course = LawCourse(shard.info)
    held = LawResult("oracle/value", "held", 20)
    broken = LawResult("oracle/value", "gave up", 20, reason=str(Broken("in law oracle/value: IndexError")))
    for result in (held, broken):
        course.begin([20])
        course.take(0, {"asked": 20, **law_record(shard.info, result)})
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
