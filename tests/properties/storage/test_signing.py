"""Seals: a digest for what was altered, a key of this user on this machine for what came from elsewhere."""

import json
import os
import stat

import pytest

from properties.storage.signing import KEY, STATE, sealed, signed_here, state_folder, whole

RECORD = {"name": "x", "numbers": [1, 2.5, -0.0, 1e-300], "nested": {"b": None, "a": "ö\u2028"}}


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv(STATE, str(tmp_path / "state"))
    return tmp_path / "state"


def test_what_was_written_is_known_again(state):
    record = sealed(RECORD)
    assert whole(record)
    assert signed_here(record)
    again = json.loads(json.dumps(record, indent=3, sort_keys=True))
    assert whole(again)
    assert signed_here(again)
    assert stat.S_IMODE((state / KEY).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["name", "numbers", "digest", "signature"])
def test_what_was_altered_is_seen(name):
    record = sealed(RECORD)
    for value in ("y", "", None, [1, 2.5]):
        assert not signed_here({**record, name: value})
        assert whole({**record, name: value}) == (name == "signature")
    assert not whole({**record, "more": 1})
    assert not signed_here({key: value for key, value in record.items() if key != "signature"})
    assert not signed_here(RECORD)


def test_another_key_signs_nothing_here(tmp_path, monkeypatch):
    record = sealed(RECORD)
    monkeypatch.setenv(STATE, str(tmp_path / "elsewhere"))
    assert whole(record)
    assert not signed_here(record)
    # looking makes no key
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_others_may_read_signs_nothing(state):
    record = sealed(RECORD)
    (state / KEY).chmod(0o644)
    assert not signed_here(record)
    assert sealed(RECORD)["signature"] == ""


def test_a_key_that_is_a_link_signs_nothing(state, tmp_path):
    sealed(RECORD)
    os.rename(state / KEY, tmp_path / "key")
    (state / KEY).symlink_to(tmp_path / "key")
    assert sealed(RECORD)["signature"] == ""


def test_without_a_place_for_a_key_nothing_is_signed(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(STATE, str(tmp_path / "file" / "state"))
    record = sealed(RECORD)
    assert record["signature"] == ""
    assert whole(record)
    assert not signed_here(record)


def test_the_state_lies_with_the_user(monkeypatch):
    monkeypatch.delenv(STATE)
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert str(state_folder()) == "/somewhere/lossproof"
