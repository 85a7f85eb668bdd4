"""Campaigns: what they do follows from their journal; whoever ends one, and whenever, nothing is lost or done twice."""

import json
import pickle
from concurrent.futures import Executor, Future
from dataclasses import replace

import pytest

from properties import UsageError
from properties.campaigns.campaign import campaign
from properties.campaigns.corpus import Examples
from properties.campaigns.options import CampaignOptions
from properties.campaigns.shard import fingerprint_of, run_shard
from properties.certificates.certificate import Certificate
from properties.certificates.events import CampaignEnded, CampaignStarted, Found, Noted, ShardEnded, TargetStarted
from properties.drawing.decoding import simplest_problem
from properties.engine.examination import failed
from properties.engine.result import LawResult
from properties.judging.observation import Failure
from properties.laws.conduct import ANSWERS
from properties.subjects.source import source_of
from properties.subjects.source_constants import constants_of
from properties.subjects.target import Target
from properties.workers.inline import Inline

WRONG = Target("tests.mutants.museum.of_paddle:WeightInsideTheLog", "cross_entropy", backend="numpy")
SOUND = Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy")
LAWS = ("oracle/value", "oracle/gradient", "weights/scaling")


CARRIED_OUT = {}
"""What became of shards that were carried out: the same shard has the same result, and need not run again here."""


pytestmark = pytest.mark.usefixtures("small_blocks")
"""Several generations of few examples."""


class Here(Executor):
    """Carries out shards in this process, at once; says which."""

    def __init__(self, until=None, afresh=False):
        self.done, self._until, self._performers = [], until, {}
        self._results = {} if afresh else CARRIED_OUT

    def submit(self, function, shard, *rest):
        if self._until is not None and len(self.done) >= self._until:
            raise KeyboardInterrupt
        self.done.append(shard.id)
        future = Future()
        key = pickle.dumps(shard)
        if key not in self._results:
            self._results[key] = self.carried_out(shard)
        future.set_result(self._results[key])
        return future

    def carried_out(self, shard):
        """What ``run_shard`` does, without a process."""
        inline = self._performers.setdefault(shard.target.text, Inline(shard.target))
        said = {"id": shard.id, "kind": shard.kind, "seconds": 0.0}
        if shard.kind == "describe":
            source = source_of(shard.target.load())
            return {
                **said,
                "description": inline.describe(),
                "constants": list(constants_of(source)),
                "fingerprint": fingerprint_of(source),
            }
        if shard.kind == "infer":
            return {**said, "inferred": inline.infer(shard.inquiry)}
        # repetitions take processes of their own
        result = inline.run(replace(shard.task, repetitions=0), lambda examples: None)
        return {**said, "asked": shard.task.max_examples, **result.to_record()}


class Keeps(Here):
    """Keeps the shards that it carried out."""

    def __init__(self, **more):
        super().__init__(**more)
        self.shards = []

    def submit(self, function, shard, *rest):
        self.shards.append(shard)
        return super().submit(function, shard, *rest)

    def first(self, law):
        """The first block of a law."""
        return next(shard for shard in self.shards if shard.law == law)


def run(directory, executor, targets=(WRONG, SOUND), **options):
    """Every event of a campaign."""
    asked = CampaignOptions(str(directory), **{"max_examples": 70, "only": LAWS, **options})
    return list(campaign(targets, asked, executor, slots=2))


def outcome(events):
    """Certificates, times aside, of what a campaign said at its end."""
    (ended,) = [event for event in events if isinstance(event, CampaignEnded)]
    return [certificate.timeless().to_dict() for certificate in ended.certificates]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A campaign that nobody disturbed: where it is, what it said, which shards it ran."""
    directory, executor = tmp_path_factory.mktemp("undisturbed"), Here()
    return directory, run(directory, executor), executor.done


def names(directory):
    return sorted(path.name for path in (directory / "findings").iterdir())


def test_a_campaign_says_what_it_does(undisturbed):
    _, events, done = undisturbed
    assert isinstance(events[0], CampaignStarted)
    assert [event.name for event in events if isinstance(event, TargetStarted)] == [
        "WeightInsideTheLog",
        "CrossEntropy",
    ]
    assert isinstance(events[-1], CampaignEnded)
    assert events[-1].why == "every law is done"
    wrong, sound = events[-1].certificates
    assert (wrong.verdict, sound.verdict) == ("refuted", "certified")
    assert len(done) == len(set(done))


def test_counts_are_true(undisturbed):
    _, events, _ = undisturbed
    _, sound = events[-1].certificates
    ran = sum(event.examples for event in events if isinstance(event, ShardEnded) and event.target == 1)
    assert sum(sound.campaign["examples"].values()) == ran
    assert {law.examples for law in sound.laws} == {70}
    assert sound.campaign["shards"] == sum(isinstance(e, ShardEnded) and e.target == 1 for e in events) + 1


def test_findings_are_files_with_their_evidence(undisturbed):
    directory, events, _ = undisturbed
    found = [event for event in events if isinstance(event, Found)]
    assert found[0].new
    assert names(directory) == sorted(f"{event.id}.{kind}" for event in found for kind in ("json", "py"))
    report = json.loads((directory / "findings" / f"{found[0].id}.json").read_text())
    assert report["counterexample"]["problems"]
    listed = {entry["id"] for entry in events[-1].certificates[0].campaign["findings"]}
    assert {event.id for event in found} == listed


def test_certificates_are_written(undisturbed):
    directory, events, _ = undisturbed
    written = [Certificate.read(path).to_dict() for path in sorted(directory.glob("certificate-*.json"))]
    assert written == [certificate.to_dict() for certificate in events[-1].certificates]
    assert [str(path) for path in sorted(directory.glob("certificate-*.json"))] == list(events[-1].files)


def test_the_number_of_slots_changes_nothing(undisturbed, tmp_path):
    asked = CampaignOptions(str(tmp_path), max_examples=70, only=LAWS)
    assert outcome(list(campaign((WRONG, SOUND), asked, Here(afresh=True), slots=7))) == outcome(undisturbed[1])


@pytest.mark.parametrize("whole", [True, False])
def test_resumed_from_any_record_it_ends_where_it_would_have(undisturbed, tmp_path, whole):
    directory, events, done = undisturbed
    lines = (directory / "journal.jsonl").read_bytes().splitlines(keepends=True)
    # every seventh record, so that all kinds of moments are among them
    for kept in range(1, len(lines), 7):
        other = tmp_path / str(kept)
        other.mkdir()
        torn = b"" if whole else lines[kept][: len(lines[kept]) // 2]
        (other / "journal.jsonl").write_bytes(b"".join(lines[:kept]) + torn)
        executor = Here()
        resumed = run(other, executor, targets=(), resume=True)
        assert outcome(resumed) == outcome(events)
        assert names(other) == names(directory)
        # nothing that the journal has ran again, but the look at each target
        assert sorted(executor.done[2:]) == sorted(
            set(done[2:]) - {json.loads(line)["record"].get("id") for line in lines[:kept]}
        )
        notes = [event.words for event in resumed if isinstance(event, Noted)]
        assert bool(notes) is not whole


def test_interrupted_it_ends_with_what_it_has_and_goes_on(undisturbed, tmp_path):
    events = run(tmp_path, Here(until=30))
    assert events[-1].interrupted
    assert [certificate.verdict for certificate in events[-1].certificates][1] == "incomplete"
    assert outcome(run(tmp_path, Here(), resume=True)) == outcome(undisturbed[1])


def test_more_examples_later(undisturbed, tmp_path):
    run(tmp_path, Here(), targets=(SOUND,), max_examples=15)
    events = run(tmp_path, Here(), targets=(SOUND,), max_examples=40, resume=True)
    assert {law.examples for law in events[-1].certificates[0].laws} == {40}


def test_the_same_law_goes_on_behind_a_fault(undisturbed):
    _, events, _ = undisturbed
    wrong = events[-1].certificates[0]
    behind = [
        event for event in events if isinstance(event, ShardEnded) and event.target == 0 and event.law == "oracle/value"
    ]
    assert wrong.law("oracle/value").outcome == "refuted"
    assert behind[0].outcome == "refuted"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"resume": True, "targets": (SOUND,)}, "is one of"),
        ({}, "holds a journal already"),
    ],
)
def test_refused(undisturbed, change, words):
    directory, _, _ = undisturbed
    with pytest.raises(UsageError, match=words):
        run(directory, Here(), **change)


def test_nothing_to_resume(tmp_path):
    with pytest.raises(UsageError, match="no journal to resume"):
        run(tmp_path, Here(), resume=True)


def test_unknown_law(tmp_path):
    with pytest.raises(UsageError, match="no law or family 'orakel'"):
        run(tmp_path, Here(), only=("orakel",))


def test_of_several_targets_each_has_the_laws_of_its_contract(tmp_path):
    other = Target("tests.mutants.museum.entries:SigmoidFocal", "sigmoid_focal", backend="numpy")
    events = run(tmp_path, Here(), targets=(SOUND, other), max_examples=5, only=("oracle/value", "weights/tiny"))
    laws = [[law.id for law in certificate.laws] for certificate in events[-1].certificates]
    assert laws == [["oracle/value", "weights/tiny"], ["oracle/value"]]
    with pytest.raises(UsageError, match="no law or family 'weights/tiny'"):
        run(tmp_path / "none", Here(), targets=(SOUND, other), only=("weights/tiny",))


def test_nobody_is_asked_twice_over_or_for_examples_that_are_not_there(tmp_path):
    with pytest.raises(UsageError, match="named more than once"):
        run(tmp_path / "one", Here(), targets=(SOUND, SOUND))
    with pytest.raises(UsageError, match="holds no examples"):
        run(tmp_path / "two", Here(), targets=(SOUND,), examples=str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_resumed_without_limits_it_has_those_that_it_was_begun_with(tmp_path):
    run(tmp_path, Here(until=25), targets=(SOUND,), max_examples=45)
    events = run(tmp_path, Here(), targets=(), max_examples=None, resume=True)
    assert {law.examples for law in events[-1].certificates[0].laws} == {45}


def test_a_layer_that_fails_to_answer_here_and_there_is_asked_elsewhere(tmp_path):
    class Hangs(Keeps):
        """Whose layer hangs where there are seven classes or more."""

        def carried_out(self, shard):
            record = super().carried_out(shard)
            if shard.law != ANSWERS or shard.generation:
                return record
            problem = simplest_problem(SOUND.load().full_domain.only(classes=[7]))
            failure = Failure("timed out", "10 s", "")
            hung = LawResult(ANSWERS, "timed out", 4, finding=failed(failure, problem), problem=problem)
            return {**record, **hung.to_record()}

    executor = Hangs(afresh=True)
    events = run(tmp_path, executor, targets=(SOUND,), max_examples=20)
    certificate = events[-1].certificates[0]
    assert certificate.law("oracle/value").outcome == "held"
    (fault,) = executor.first("oracle/value").task.known
    assert (fault.outcome, fault.classes) == ("timed out", 7)


def test_a_layer_that_changed_is_another_campaign(tmp_path):
    class Changed(Here):
        def carried_out(self, shard):
            return {**super().carried_out(shard), "fingerprint": "g"}

    run(tmp_path, Here(), targets=(SOUND,), max_examples=20)
    with pytest.raises(UsageError, match="changed since the campaign"):
        run(tmp_path, Changed(afresh=True), targets=(SOUND,), max_examples=40, resume=True)


def test_a_shard_that_is_lost_is_said(tmp_path):
    class Loses(Here):
        def submit(self, function, shard, *rest):
            if shard.law != "oracle/value":
                return super().submit(function, shard, *rest)
            future = Future()
            future.set_exception(RuntimeError("three workers died of it"))
            return future

    events = run(tmp_path, Loses(), targets=(SOUND,), max_examples=20)
    law = events[-1].certificates[0].law("oracle/value")
    assert (law.outcome, "three workers died" in law.reason) == ("gave up", True)
    assert events[-1].certificates[0].verdict == "incomplete"


@pytest.mark.parametrize(
    "wrong",
    [{"max_examples": 0}, {"workers": 0}, {"max_time": 0.0}, {"time_limit": -1.0}, {"memory": 10}, {"seed": -1}],
)
def test_options_out_of_range(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        CampaignOptions("anywhere", **wrong)


def test_a_shard_in_a_process_of_its_own_says_the_same(tmp_path):
    executor = Keeps()
    run(tmp_path, executor, targets=(WRONG,), max_examples=60, only=("oracle/value",))
    shard = executor.first("oracle/value")
    there, here = run_shard(shard), Here().carried_out(shard)
    repetitions = there["report"].pop("repetitions")
    assert len(repetitions) == 3
    assert set(repetitions) == {repetitions[0]}
    assert repetitions[0].startswith("refuted, got")
    assert {**there, "seconds": 0.0} == here


def test_the_worst_problems_are_kept_for_a_later_campaign(undisturbed, tmp_path):
    directory, _, _ = undisturbed
    kept = Examples(directory).of(SOUND.text, "oracle/value")
    assert kept
    later, anew = Keeps(), Keeps()
    run(tmp_path / "later", later, targets=(SOUND,), max_examples=20, examples=str(directory))
    first = later.first("oracle/value")
    assert (first.generation, first.task.seek.corpus) == (0, kept)
    # a campaign that begins with nothing draws what a certificate does
    run(tmp_path / "anew", anew, targets=(SOUND,), max_examples=20)
    assert anew.first("oracle/value").task.seek is None
