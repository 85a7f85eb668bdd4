"""Answers of workers on other machines: plain data, read with a schema, whoever sent it."""

import json

import numpy as np
import pytest

from benchmarks.shards import Canned as Answering
from properties.campaigns.answers import answer_of, answer_text, tagged, untagged
from properties.campaigns.shard import Shard, trouble_record
from properties.contracts import contracts
from properties.engine.description import Description
from properties.subjects.target import Target
from properties.workers.inline import Inline
from properties.workers.limits import Limits
from tests.campaigns import SOUND, WRONG, Canned, run
from tests.losses import sound_numpy

DESCRIBE = Shard(0, SOUND, Limits(), "describe")


@pytest.mark.parametrize("target", [SOUND, WRONG, Target("tests.losses.sound_numpy:LOGISTIC")], ids=lambda t: t.text)
def test_a_description_comes_back_as_it_was(target):
    known = Inline(target).describe()
    record = {"id": DESCRIBE.id, "kind": "describe", "description": known, "constants": [0.5, 1e-12], "seconds": 0.0}
    again = answer_of(answer_text({**record, "fingerprint": "0"}), DESCRIBE)
    assert again["description"] == known
    assert type(again["description"].domain["logits"]) is tuple
    assert again["constants"] == [0.5, 1e-12]


def test_what_a_shard_gives_is_taken_and_nothing_else(tmp_path):
    executor = Keeps()
    run(tmp_path, executor, (WRONG,), max_examples=5, only=("oracle/value",))
    for shard, record in executor.records:
        if shard.kind == "describe":
            continue
        text = answer_text(record)
        assert answer_of(text, shard) == json.loads(text)
        with pytest.raises(ValueError, match="must be its record"):
            answer_of(text, Shard(7, SOUND, Limits(), "describe"))
    trouble = trouble_record(DESCRIBE, OSError(28, "No space left on device"))
    assert answer_of(answer_text(trouble), DESCRIBE) == trouble


class Keeps(Canned):
    """Keeps the shards that it carried out, with their records."""

    def __init__(self):
        super().__init__()
        self.records = []

    def submit(self, function, shard, *rest):
        future = super().submit(function, shard, *rest)
        self.records.append((shard, future.result()))
        return future


def odd(**changes):
    """The answer to a description with something else in it."""
    found = Answering(SOUND).record(DESCRIBE)
    plain = json.loads(answer_text({**found, "seconds": 0.0}))
    return json.dumps({**plain, **changes})


@pytest.mark.parametrize(
    "text",
    [
        None,
        b"{}",
        "{",
        "[" * 10**6,
        "[]",
        "3",
        odd(id="1:describe:0:0"),
        odd(description={}),
        odd(description={"description": 3}),
        odd(description={"description": {"dict": [["name", 3]]}}),
        odd(description={"description": {"dict": [[[], 3]]}}),
        odd(description={"description": {"dict": 3}}),
        odd(description={"description": {"eval": "1"}}),
        odd(constants=["x"]),
        odd(seconds=-1),
    ],
)
def test_anything_else_is_a_value_error(text):
    assert isinstance(answer_of(odd(), DESCRIBE)["description"], Description)
    with pytest.raises(ValueError):  # noqa: PT011 - it says what it likes
        answer_of(text, DESCRIBE)


def test_tags_tell_what_json_does_not():
    for value in (1, (1, (2.5, None)), [True, "x"], {"a": ({1: 2},)}, float("inf"), {"dict": [1]}, {"tuple": 3}):
        assert untagged(json.loads(json.dumps(tagged(value)))) == value
    with pytest.raises(TypeError, match="numbers and texts"):
        tagged(np.zeros(3))


def test_descriptions_of_all_contracts_travel():
    subjects = [value for name, value in vars(sound_numpy).items() if name.isupper() and hasattr(value, "resolved")]
    assert subjects
    for subject in subjects:
        known = Inline(subject).describe()
        record = {"id": DESCRIBE.id, "kind": "describe", "description": known, "constants": [], "seconds": 0.0}
        assert answer_of(answer_text({**record, "fingerprint": "0"}), DESCRIBE)["description"] == known


@pytest.mark.parametrize("contract", contracts().values(), ids=lambda contract: contract.name)
def test_what_domains_draw_travels(contract):
    values = {name: tuple(contract.domain[name]) for name in contract.domain.dimensions}
    assert untagged(json.loads(json.dumps(tagged(values)))) == values
