"""The result of a law is written down and read again without loss."""

import json

import numpy as np

from properties.certificates.certificate import LawReport
from properties.drawing.decoding import simplest_problem
from properties.engine.result import LawResult
from properties.judging.finding import Finding
from properties.subjects.target import Target
from properties.workers.inline import Inline

SOUND = Target("tests.mutants.museum.classes:CrossEntropy", "cross_entropy", backend="numpy")


def test_a_journal_keeps_all_that_is_known_of_a_finding():
    info = Inline(SOUND).describe().laws[0]
    problem = simplest_problem(SOUND.load().full_domain)
    finding = Finding("It is wrong.", (problem,), "value", np.array(1.0), np.array(np.inf))
    for result in (
        LawResult(info.id, "held", 7, 2, 0.5, {"float64": 0.5}),
        LawResult(info.id, "refuted", 3, finding=finding, problem=problem, repeatable=False, repetitions=("held",) * 3),
        LawResult(info.id, "gave up", reason="too few", corpus=(b"\x00\xff",)),
    ):
        record = json.loads(json.dumps(result.to_record(), allow_nan=False))
        read = LawResult.from_record(record)
        assert LawReport.of(info, read) == LawReport.of(info, result)
        assert json.loads(json.dumps(read.to_record())) == record
        assert read.corpus == result.corpus
