"""Whose word a resumed campaign takes for what it imports and calls, and what it makes of lines that are no records."""

import json
import shlex

import pytest
from click.testing import CliRunner

from properties import UsageError
from properties.campaigns.campaign import campaign
from properties.campaigns.journal.lines import line_of
from properties.campaigns.options import CampaignOptions
from properties.certificates.events import CampaignEnded, Noted
from properties.command.cli import main
from properties.storage.signing import sealed
from tests.campaigns import LAWS, SOUND, WRONG, Canned, run

pytestmark = pytest.mark.usefixtures("small_blocks")
"""Several generations of few examples."""


@pytest.fixture(autouse=True)
def machine(tmp_path_factory, monkeypatch):
    """A machine of its own: with a key that nothing else has."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("LOSSPROOF_STATE", str(state / "a"))
    return state


@pytest.fixture
def early(tmp_path):
    """A campaign that was interrupted."""
    run(tmp_path / "out", Canned(until=8), (WRONG,), max_examples=40)
    return tmp_path / "out"


def rewritten(directory, change, number=0):
    """The journal with another record in a line."""
    path = directory / "journal.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    said = json.loads(lines[number])
    record = json.dumps(change(said["record"]), separators=(",", ":"))
    lines[number] = line_of(said["journal"], said["n"], record)
    path.write_bytes(b"".join(lines))


def test_what_this_machine_signed_goes_on(early):
    assert run(early, Canned(), (), resume=True)[-1].why == "every law is done"


def test_what_another_machine_signed_is_named_or_trusted(early, machine, monkeypatch):
    monkeypatch.setenv("LOSSPROOF_STATE", str(machine / "b"))
    executor = Canned()
    with pytest.raises(UsageError, match="not signed by this user on this machine") as refused:
        run(early, executor, (), resume=True)
    assert executor.done == []
    words = str(refused.value)
    assert repr(WRONG.text) in words
    assert "\n" not in words
    # the command that it names is one that runs it
    assert words.endswith(shlex.join(["lossproof", "fuzz", "--resume", "--out", str(early), "--trust"]))
    assert not (machine / "b").exists()
    named = run(early, Canned(), (WRONG,), resume=True)
    assert named[-1].why == run(early, Canned(), (), resume=True, trust=True)[-1].why == "every law is done"
    with pytest.raises(UsageError, match="is one of"):
        run(early, Canned(), (SOUND,), resume=True, trust=True)


@pytest.mark.parametrize("how", ["another target", "the seal of another record", "no seal"])
def test_a_header_that_was_changed_loads_nothing(how, early, tmp_path):
    marker = tmp_path / "called"
    evil = tmp_path / "evil\x1b[2J.py"
    evil.write_text(f"open({str(marker)!r}, 'w')\n")

    def change(record):
        record["targets"][0]["text"] = f"{evil}:X"
        if how == "no seal":
            record = {name: value for name, value in record.items() if name not in ("digest", "signature")}
        if how == "the seal of another record":
            record = {**sealed({"some": "record"}), **record, "signature": sealed({"some": "record"})["signature"]}
        return record

    rewritten(early, change)
    result = CliRunner().invoke(main, ["fuzz", "--resume", "--out", str(early)])
    assert result.exit_code == 2, result.output
    assert "--trust" in result.output
    assert "\x1b" not in result.output
    assert ("changed since it was signed" in " ".join(result.output.split())) == (how != "no seal")
    assert not marker.exists()


def test_a_header_of_a_resumed_campaign_may_not_have_odd_limits(early):
    rewritten(early, lambda record: {**record, "time_limit": -1.0})
    with pytest.raises(UsageError, match=r"journal.jsonl, line 1 is no header of a campaign: time_limit: .* got -1.0"):
        run(early, Canned(), (WRONG,), resume=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: {**record, "asked": -5}, "asked: expected `int` >= 0, got -5"),
        (lambda record: {**record, "report": {"outcome": "proved"}}, "report.outcome: invalid enum value"),
        (lambda record: {**record, "law": "no/law"}, "law must be"),
        (lambda record: {"id": [1]}, ""),
    ],
)
def test_a_line_that_is_no_record_is_told_and_its_shard_runs_again(change, words, early, tmp_path):
    calm = run(tmp_path / "calm", Canned(), (WRONG,))[-1]
    lines = (early / "journal.jsonl").read_bytes().splitlines()
    number = max(n for n, line in enumerate(lines) if json.loads(line)["record"]["kind"] == "law")
    rewritten(early, change, number)
    events = run(early, Canned(), (), resume=True)
    if words:
        assert any(
            f"{early}/journal.jsonl, line {number + 1}, is no record" in event.words and words in event.words
            for event in events
            if isinstance(event, Noted)
        )
    ended = events[-1]
    assert [one.timeless().to_dict() for one in ended.certificates] == [
        one.timeless().to_dict() for one in calm.certificates
    ]


def test_many_such_lines_are_not_all_told(early):
    lines = (early / "journal.jsonl").read_bytes().splitlines()
    record = json.loads(lines[-1])["record"]
    with (early / "journal.jsonl").open("ab") as file:
        for number in range(100):
            odd = json.dumps({**record, "id": "0:oracle/value:0:0", "seconds": -1})
            file.write(line_of(json.loads(lines[0])["journal"], 100 + number, odd))
    notes = [event.words for event in run(early, Canned(), (), resume=True) if isinstance(event, Noted)]
    assert sum("is no record" in words for words in notes) <= 10


@pytest.mark.parametrize("how", ["resumed", "begun again", "resumed by name"])
@pytest.mark.parametrize("when", ["before its journal was written", "amid the first record"])
def test_a_campaign_that_was_killed_before_its_first_record_goes_on(how, when, tmp_path):
    class KilledError(Exception):
        """As if by SIGKILL: nothing is cleared away."""

    class Dies(Canned):
        def submit(self, function, shard, *rest):
            raise KilledError

    calm = run(tmp_path / "calm", Canned(), (SOUND,))[-1]
    directory = tmp_path / "out"
    options = CampaignOptions(str(directory), max_examples=40, only=LAWS)
    with pytest.raises(KilledError):
        list(campaign((SOUND,), options, Dies(), slots=2))
    assert sorted(path.name for path in directory.iterdir()) == ["beginning.json", "journal.jsonl", "lock"]
    if when == "amid the first record":
        first = (tmp_path / "calm" / "journal.jsonl").read_bytes()
        (directory / "journal.jsonl").write_bytes(first[:200])
    targets = () if how == "resumed" else (SOUND,)
    limits = {"max_examples": None, "only": ()} if how == "resumed" else {}
    events = run(directory, Canned(), targets, resume=how != "begun again", **limits)
    assert isinstance(events[-1], CampaignEnded)
    assert events[-1].certificates[0].timeless().to_dict() == calm.certificates[0].timeless().to_dict()
    assert not (directory / "beginning.json").exists()


def test_what_it_was_to_be_begun_with_is_trusted_no_more_than_a_journal(tmp_path, machine, monkeypatch):
    directory = tmp_path / "out"
    events = campaign((SOUND,), CampaignOptions(str(directory), max_examples=40), Canned(until=0), slots=2)
    assert list(events) == []
    assert json.loads((directory / "beginning.json").read_text())["targets"][0]["text"] == SOUND.text
    monkeypatch.setenv("LOSSPROOF_STATE", str(machine / "b"))
    with pytest.raises(UsageError, match="--trust"):
        run(directory, Canned(), (), resume=True)
    (directory / "beginning.json").unlink()
    with pytest.raises(UsageError, match="ended before its first record: name its TARGETs"):
        run(directory, Canned(), (), resume=True)


def test_a_journal_from_before_there_were_signatures_is_foreign(early):
    rewritten(early, lambda record: {n: v for n, v in record.items() if n not in ("digest", "signature")})
    with pytest.raises(UsageError, match="not signed by this user on this machine"):
        run(early, Canned(), (), resume=True)
    assert run(early, Canned(), (WRONG,), resume=True)[-1].why == "every law is done"
