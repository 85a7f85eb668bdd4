"""A campaign's folder with links and other people's files in it: each is refused in a sentence, and stays as it is."""

import json
import os

import pytest
from click.testing import CliRunner

from properties import UsageError
from properties.campaigns.campaign import campaign
from properties.campaigns.corpus import Examples
from properties.campaigns.journal.journal import Journal, JournalError
from properties.campaigns.options import CampaignOptions
from properties.certificates.events import CampaignEnded
from properties.command.cli import main
from tests.campaigns import LAWS, SOUND, WRONG, Canned, run

DIARY = "my diary\n" * 100
FILES = ["journal.jsonl", "journal.foreign", "lock", "certificate-0.json", "beginning.json"]
FOLDERS = ["running", "findings", "examples"]


pytestmark = pytest.mark.usefixtures("small_blocks")
"""Several generations of few examples."""


@pytest.fixture
def outside(tmp_path):
    """A file and a folder of the user's, elsewhere."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text(DIARY)
    (tmp_path / "mine" / "1_oracle-value_0_0.example").write_text(DIARY)
    yield tmp_path / "mine"
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["1_oracle-value_0_0.example", "diary.txt"]
    assert {path.read_text() for path in (tmp_path / "mine").iterdir()} == {DIARY}


@pytest.fixture(scope="module")
def ended_early(tmp_path_factory):
    """The files of a campaign that found something and was then interrupted, by name."""
    directory = tmp_path_factory.mktemp("early")
    run(directory, Canned(until=8), (WRONG,), max_examples=60)
    return directory


def copy_of(source, target):
    target.mkdir()
    (target / "journal.jsonl").write_bytes((source / "journal.jsonl").read_bytes())
    return target


def link(path, target):
    """Put a link in the place of what is there."""
    path.unlink(missing_ok=True)
    path.symlink_to(target)


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_is_refused_and_leads_nowhere(name, resume, dangling, outside, ended_early, tmp_path):
    directory = copy_of(ended_early, tmp_path / "out")
    if not resume:
        (directory / "journal.jsonl").unlink()
    target = outside / ("none" if dangling else "." if name in FOLDERS else "diary.txt")
    link(directory / name, target)
    if name == "journal.foreign" and resume:
        with (directory / "journal.jsonl").open("ab") as journal:
            journal.write(b"from elsewhere\n")
    before = sorted(path.name for path in directory.iterdir())
    with pytest.raises(UsageError, match=name.partition("-")[0]) as refused:
        run(directory, Canned(), (WRONG,), resume=resume)
    assert "\n" not in str(refused.value)
    assert (directory / name).is_symlink()
    # what was made is gone again
    assert sorted(path.name for path in directory.iterdir()) == before


@pytest.mark.parametrize("name", ["findings/0123abcd.json", "findings/0123abcd.py", "running/1_a_0_0.example"])
def test_a_link_inside_is_refused(name, outside, ended_early, tmp_path):
    directory = copy_of(ended_early, tmp_path / "out")
    (directory / name).parent.mkdir()
    link(directory / name, outside / "diary.txt")
    with pytest.raises(UsageError, match="is a link or no file"):
        run(directory, Canned(), (WRONG,), resume=True)
    assert (directory / name).is_symlink()


def test_links_among_the_examples_are_refused(outside, tmp_path):
    run(tmp_path / "one", Canned(), (SOUND,), max_examples=40)
    stored, *_ = (tmp_path / "one" / "examples").glob("*/*")
    content = stored.read_bytes()
    link(stored, outside / "diary.txt")
    with pytest.raises(UsageError, match="is a link or no file"):
        run(tmp_path / "one", Canned(), (SOUND,), resume=True, max_examples=80)
    stored.unlink()
    stored.parent.rename(tmp_path / "moved")
    stored.parent.symlink_to(tmp_path / "moved")
    with pytest.raises(UsageError, match="is a link or no"):
        run(tmp_path / "one", Canned(), (SOUND,), resume=True, max_examples=80)
    # what is read from elsewhere is data as well: links, long strings and other names are none of ours
    (tmp_path / "one" / "examples" / stored.parent.name).unlink()
    (tmp_path / "moved").rename(stored.parent)
    link(stored, outside / "diary.txt")
    stored.with_name("0" * 16).write_bytes(content)
    stored.with_name("1" * 16).write_bytes(b"x" * 100_000)
    law = next(law for law in LAWS if folder_of(law, tmp_path / law.replace("/", "-")) == stored.parent.name)
    assert content not in Examples(tmp_path / "one").of(SOUND.text, law)
    # and none of it is removed when others take their place
    Examples(tmp_path / "one").keep(SOUND.text, law, [b"another"])
    assert Examples(tmp_path / "one").of(SOUND.text, law) == (b"another",)
    assert stored.is_symlink()
    assert stored.with_name("0" * 16).exists()


def folder_of(law, directory):
    """The name of the folder in which the strings of a law are stored."""
    directory.mkdir()
    Examples(directory).keep(SOUND.text, law, [b"x"])
    return next((directory / "examples").iterdir()).name


def test_a_link_that_comes_later_ends_it_and_leads_nowhere(outside, tmp_path):
    for name in ("findings", "examples", "certificate-0.json"):
        directory = tmp_path / f"out-{name}"
        events = campaign((WRONG,), CampaignOptions(str(directory), max_examples=60, only=LAWS), Canned(), slots=2)
        next(events)
        link(directory / name, outside / ("diary.txt" if name.endswith("json") else "."))
        *_, ended = events
        assert isinstance(ended, CampaignEnded)
        assert ended.failed
        assert name in ended.why
        assert "stays as it is" in ended.why
        # mended, it goes on
        (directory / name).unlink()
        assert run(directory, Canned(), (WRONG,), resume=True)[-1].why == "every law is done"


def test_a_folder_that_becomes_a_link_is_not_written_through(outside, tmp_path):
    directory = tmp_path / "out"
    with Journal.open(directory, resume=False) as journal:
        journal.append({"value": 0})
        directory.rename(tmp_path / "moved")
        directory.symlink_to(outside)
        with pytest.raises(JournalError, match="somebody put a link in the place of"):
            journal.append({"value": 1})
    assert (tmp_path / "moved" / "journal.jsonl").read_text().count("\n") == 1


def test_the_folder_that_a_user_names_may_be_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "named").symlink_to(tmp_path / "real")
    assert run(tmp_path / "named", Canned(), (SOUND,), max_examples=20)[-1].why == "every law is done"
    assert (tmp_path / "real" / "certificate-0.json").is_file()


@pytest.mark.parametrize("name", ["lock", "journal.jsonl", "certificate-0.json", "beginning.json"])
def test_a_file_of_the_users_stays(name, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).write_text(DIARY)
    with pytest.raises(UsageError, match=name):
        run(tmp_path / "out", Canned(), (SOUND,))
    assert (tmp_path / "out" / name).read_text() == DIARY
    assert {path.name for path in (tmp_path / "out").iterdir()} == {name}


@pytest.mark.parametrize("name", ["lock", "journal.jsonl", "journal.foreign"])
def test_a_second_name_of_a_users_file_is_refused(name, ended_early, tmp_path):
    mine = tmp_path / "mine.txt"
    content = (ended_early / "journal.jsonl").read_text() if name == "journal.jsonl" else ""
    mine.write_text(content)
    directory = copy_of(ended_early, tmp_path / "out")
    (directory / name).unlink(missing_ok=True)
    os.link(mine, directory / name)
    with (directory / "journal.jsonl").open("ab") as journal:
        journal.write(b"from elsewhere\n")
    before = mine.read_text()
    with pytest.raises(UsageError, match=name):
        run(directory, Canned(), (WRONG,), resume=True)
    assert mine.read_text() == before


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_the_users_stays(name, tmp_path):
    file = tmp_path / "out" / name / "1_oracle-value_0_0.example"
    file.parent.mkdir(parents=True)
    file.write_text(DIARY)
    if name == "examples":
        # examples are looked up by hashes: what else lies there is nobody's
        run(tmp_path / "out", Canned(), (SOUND,), max_examples=20)
    else:
        with pytest.raises(UsageError, match=f"{name} is there already"):
            run(tmp_path / "out", Canned(), (SOUND,))
        assert {path.name for path in (tmp_path / "out").iterdir()} == {name}
    assert file.read_text() == DIARY


@pytest.mark.parametrize("there", ["nothing", "a folder", "a lock", "a file of the user's"])
def test_a_target_that_cannot_be_loaded_leaves_what_was_there(there, tmp_path):
    directory = tmp_path / "out"
    if there != "nothing":
        directory.mkdir()
    if there == "a lock":
        (directory / "lock").write_text(DIARY)
    if there == "a file of the user's":
        (directory / "notes.txt").write_text(DIARY)
    before = {path.name: path.read_text() for path in directory.iterdir()} if directory.exists() else None
    result = CliRunner().invoke(main, ["fuzz", str(tmp_path / "gone.py:X"), "--out", str(directory)])
    assert result.exit_code == 2, result.output
    assert (directory.exists()) == (there != "nothing")
    if before is not None:
        assert {path.name: path.read_text() for path in directory.iterdir()} == before


def test_a_certificate_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    run(tmp_path, Canned(), (SOUND,), max_examples=20)
    before = (tmp_path / "certificate-0.json").read_bytes()

    def fails(descriptor):
        raise OSError(28, "No space left on device")

    events = campaign((SOUND,), CampaignOptions(str(tmp_path), resume=True, max_examples=20), Canned(), slots=2)
    next(events)
    monkeypatch.setattr(os, "fsync", fails)
    *_, ended = events
    assert ended.failed
    assert "No space left on device" in ended.why
    assert (tmp_path / "certificate-0.json").read_bytes() == before
    assert json.loads(before)["verdict"]
