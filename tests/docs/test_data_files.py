"""The data files are written as their makers write them: one line a law or mutant, in a stable order."""

import json
from importlib import resources

from docs.make.examples_of_laws import FILE, written
from properties.certificates.museum_score import write_record


def test_recorded_examples_stand_as_written():
    text = FILE.read_text(encoding="utf-8")
    record = json.loads(text)
    assert text == written(record)
    assert len(text.splitlines()) == len(record) + 2


def test_the_order_of_what_is_recorded_does_not_matter():
    record = {"b": {"x": [1.0, None]}, "a": {}}
    assert written(record) == written(dict(reversed(record.items())))
    assert json.loads(written(record)) == record


def test_the_matrix_stands_as_written(tmp_path):
    text = resources.files("properties").joinpath("record.json").read_text(encoding="utf-8")
    rows = [{"id": name, **entry} for name, entry in json.loads(text).items()]
    write_record(reversed(rows), tmp_path / "record.json")
    assert (tmp_path / "record.json").read_text(encoding="utf-8") == text
    assert len(text.splitlines()) == len(rows) + 2
