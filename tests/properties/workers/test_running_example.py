"""The record of the running example: cheap, exact, and read as data that anybody may have written."""

import os
import pickle
import zlib

import msgspec
import numpy as np
import pytest

from properties.problems.problem import Problem
from properties.workers.running_example import RunningExample, open_record, read_running, write_running

SMALL = Problem(
    np.linspace(-3.0, 3.0, 12).reshape(4, 3),
    np.array([0, 1, 2, -100]),
    weight=np.array([1.0, np.inf, np.nan]),
    config={"bins": 10, "gamma": 2.5, "alpha": np.ones(3), "far": float("-inf"), "pair": (1, None, "a")},
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "running.example"


def write(path, example):
    file = open_record(str(path))
    write_running(file, example)
    os.close(file)


def same(one, other):
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return one == other and type(one) is type(other)


@pytest.mark.parametrize(
    "problem",
    [
        SMALL,
        SMALL.take(np.zeros(4, dtype=bool)),
        SMALL.replace(labels=np.full((4, 3), 1 / 3), targets="soft", normalizer=2.0, ignore_index=None),
        SMALL.replace(label_weight=np.ones(4), element_weight=np.zeros(4), cotangent=np.array(1.0)),
        Problem(np.zeros((300, 2)), np.zeros(300, dtype=np.int64)),
    ],
)
def test_what_is_written_is_read(path, problem):
    write(path, RunningExample(7, problem))
    found = read_running(path)
    assert found.examples == 7
    assert found.same(RunningExample(7, problem))
    assert not found.same(RunningExample(8, problem))
    assert all(same(getattr(found.problem, name), value) for name, value in vars(problem).items())


def test_a_longer_example_before_leaves_nothing(path):
    write(path, RunningExample(1, Problem(np.zeros((300, 2)), np.zeros(300, dtype=np.int64))))
    write(path, RunningExample(2, SMALL))
    assert read_running(path).examples == 2


class Bomb:
    """Does harm when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def framed(content):
    return len(content).to_bytes(8, "big") + zlib.crc32(content).to_bytes(4, "big") + content


def written(**changes):
    """The content of a sound record with some of its values changed."""
    return {"examples": 1, "fields": {}, "config": {}, **changes}


def test_nothing_is_unpickled(path, tmp_path):
    path.write_bytes(framed(pickle.dumps(Bomb(tmp_path / "harm"))))
    assert read_running(path) is None
    assert not (tmp_path / "harm").exists()


def changed(path, change):
    """A sound record with its JSON changed."""
    write(path, RunningExample(1, SMALL))
    plain = msgspec.json.decode(path.read_bytes()[12:])
    change(plain)
    path.write_bytes(framed(msgspec.json.encode(plain)))
    return read_running(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda plain: plain.update(examples=-1),
        lambda plain: plain.update(examples="1"),
        lambda plain: plain.update(more=1),
        lambda plain: plain["fields"].pop("salt"),
        lambda plain: plain["fields"].update(more=1),
        lambda plain: plain["fields"].update(logits=None),
        lambda plain: plain["fields"].update(logits=1.0),
        lambda plain: plain["fields"].update(axis=5),
        lambda plain: plain["fields"].update(axis=True),
        lambda plain: plain["fields"].update(dtype="object"),
        lambda plain: plain["fields"].update(targets="any"),
        lambda plain: plain["fields"].update(reduction=["mean"]),
        lambda plain: plain["fields"].update(ignore_index="0"),
        lambda plain: plain["fields"]["logits"].update(shape=[3, 5]),
        lambda plain: plain["fields"]["logits"].update(shape=[-1, 3]),
        lambda plain: plain["fields"]["logits"].update(shape=[2**62, 2**62]),
        lambda plain: plain["fields"]["logits"].update(dtype="|O"),
        lambda plain: plain["fields"]["logits"].update(data="!"),
        lambda plain: plain["fields"]["labels"].update(shape=[4, 1, 1, 1, 1]),
        lambda plain: plain["fields"].update(label_weight=plain["fields"]["logits"]),
    ],
)
def test_what_is_odd_is_no_record(path, change):
    assert changed(path, lambda plain: None) is not None
    found = changed(path, change)
    # labels of another shape are still one number for each element
    assert found is None or found.problem.size == 4


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 12, b"x" * 40, framed(b"[]"), framed(b"[" * 100_000), (2**60).to_bytes(8, "big") + b"y" * 9],
    ids=range(6),
)
def test_garbage_is_no_record(path, content):
    path.write_bytes(content)
    assert read_running(path) is None


def test_no_link_is_followed_and_what_it_points_to_stays(path, tmp_path):
    target = tmp_path / "precious"
    write(target, RunningExample(1, SMALL))
    before = target.read_bytes()
    path.symlink_to(target)
    assert open_record(str(path)) is None
    assert read_running(path) is None
    assert target.read_bytes() == before


def test_what_is_no_file_is_no_record(path):
    os.mkfifo(path)
    assert open_record(str(path)) is None
    assert read_running(path) is None


def test_an_argument_that_json_cannot_hold_leaves_no_record(path):
    write(path, RunningExample(1, SMALL))
    write(path, RunningExample(2, SMALL.configure(odd=object())))
    assert read_running(path) is None
