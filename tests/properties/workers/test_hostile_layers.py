"""The hostile layers do no harm unprovoked: then each is sound cross entropy, so that a search has to find the rest."""

import inspect

import numpy as np
import paddle
import pytest

from tests.hostile import zoo

HARMLESS = [name for name in zoo.EXPECTED if name not in ("SlowBy1s", "LeavesGradModeOff")]


def test_every_layer_has_its_expectation():
    layers = {n for n, c in vars(zoo).items() if inspect.isclass(c) and issubclass(c, paddle.nn.Layer)}
    assert set(zoo.EXPECTED) == layers - {"Hostile", "SoundCrossEntropy", "CrossEntropyLoss"}


@pytest.mark.parametrize("name", HARMLESS)
def test_unprovoked_it_answers(name):
    logits = paddle.to_tensor(np.linspace(-15.0, 15.0, 12).reshape(6, 2))
    loss = getattr(zoo, name)()(logits, paddle.to_tensor([0, 1, 0, 1, 0, 1]))
    expected = zoo.Honest()(logits, paddle.to_tensor([0, 1, 0, 1, 0, 1]))
    assert loss.item() == pytest.approx(expected.item(), rel=1e-14)


def test_a_problem_provokes_by_its_size_and_a_logit_far_out():
    labels = paddle.zeros([5], "int64")
    assert zoo.provoked(paddle.full([5, 2], 20.0), labels)
    assert not zoo.provoked(paddle.full([5, 2], 16.0), labels)
    assert not zoo.provoked(paddle.full([4, 2], 20.0), labels[:4])


def test_the_journal_of_a_named_directory_gets_garbage(tmp_path):
    (tmp_path / "journal.jsonl").write_text("{}\n")
    zoo.WritesIntoJournal(directory=str(tmp_path))(paddle.full([5, 2], 20.0), paddle.zeros([5], "int64"))
    assert (tmp_path / "journal.jsonl").read_bytes().startswith(b'{}\n{"event"')
    assert (tmp_path / "stray.jsonl").exists()


def test_an_unspeakable_error_has_no_words():
    with pytest.raises(zoo.Unspeakable) as found:
        zoo.UnspeakableError().harm()
    with pytest.raises(RuntimeError):
        str(found.value)
