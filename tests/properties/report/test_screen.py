"""The last screen: the verdict, what was found, and the causes, the most harmful first, on 80 columns and 40 rows."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate
from properties.certificates.events import Ended
from properties.report.causes import headline_of
from properties.report.scripts import MARK, write_scripts
from properties.report.terminal import TerminalReport, show
from properties.report.verdicts import lines_of_call
from tests.properties.certificates.failures import NOTHING, PLAIN, SEVERAL, WEIGHTED, certificate, failed, held

KERNEL = "paddle.nn.functional.cross_entropy"
COUNTED = "Deleting the ignored elements changes the answer: they are counted somewhere."
DIVIDES = "The mean divides by the number of elements (2); the contract says by the sum of their weights (3)."
HINT = "ValueError: (InvalidArgument) No such axis. [Hint: Expected a < b, but received a:2 > b:1.] (at /paddle/k.cc:8)"
IGNORED = SEVERAL.replace(labels=np.array([0, 1, -100]), ignore_index=-100)

REFUTED = certificate(
    held(),
    failed("ignore/deleting-is-masking", IGNORED, 0.6931, 0.5199, message=COUNTED, condition=("an ignored element",)),
    failed("ignore/many-ignored", IGNORED, 0.6931, 0.5, message=COUNTED, script="print(1)\n"),
    failed("ignore/all-ignored", NOTHING, 0.0, np.nan, message="With every element ignored the loss is not 0."),
    failed("shape/rank", SEVERAL, error=HINT, message=f"The layer raises {HINT}"),
    failed("shape/mean-over-denominator", WEIGHTED, message=DIVIDES),
    failed("conduct/second-backward", PLAIN, level="conduct", message="Another gradient.", inherited=KERNEL),
    failed("refusals/bad-weight", level="refusals", message="A class weight of -1.0 gets a number."),
    failed("shape/empty", NOTHING, 0.0, np.nan, grade="remark", message="A batch without elements is NaN."),
    environment={"paddlepaddle": "3.3.1"},
    domain={"dtype": ["float64", "float32"]},
    seconds=18.0,
    call={"words": ["takes rank 2 to 4 logits [N, C, ...], int64 labels [N, ...]; returns a Tensor"]},
    facts={"epsilon": {"words": "the mean divides by the valid count + 1e-05", "agrees": False}},
    dropped={"float16": "RuntimeError: (NotFound) The kernel with key (CPU, Undefined(AnyLayout), float16)"},
    set_aside={"shape/rank": {"rank": [3, 4]}},
)


def screen(found, width=80, **more):
    console = Console(width=width, file=io.StringIO())
    show(console, found, **more)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def test_the_screen_of_a_layer_that_is_refuted(snapshot):
    scripts = {"ignore/deleting-is-masking": Path(".lossproof/Layer-ignore-deleting-is-masking.py")}
    assert screen(REFUTED, scripts=scripts, file=Path("before.json")) == snapshot


def test_the_screen_of_a_layer_that_is_certified_with_remarks(snapshot):
    kept = [law for law in REFUTED.laws if law.id in ("oracle/value", "refusals/bad-weight", "shape/empty")]
    assert screen(replace(REFUTED, laws=tuple(kept), facts={}, dropped={}, set_aside={})) == snapshot


def test_the_screen_says_why_a_layer_is_not_certified(snapshot):
    gave_up = replace(held("shape/rank"), outcome="gave up", reason="40 more examples proved nothing")
    assert screen(certificate(held(), gave_up, gaps=("rank 4 was named in the domain, and never drawn",))) == snapshot


@pytest.mark.parametrize("number", [1, 9, 40])
def test_however_many_causes_there_are_the_first_is_on_the_last_screen(number):
    # nothing in common: each is a cause of its own
    laws = [
        failed(f"limit/{n}", SEVERAL, error=f"ValueError: {'x' * (n + 1)}", message=f"Number {n}. " + "word " * 60)
        for n in range(number)
    ]
    found = certificate(*laws)
    assert len(causes(found)) == number
    lines = screen(found).splitlines()
    assert len(lines) <= 40
    assert any(line.startswith("1  Number") for line in lines)
    assert "Layer against contract cross_entropy" in lines[1]


def test_a_deviation_in_the_last_digits_accuses_nobody():
    law = failed("ignore/deleting-is-masking", IGNORED, 0.5, 0.5 + 1e-8, message=COUNTED)
    assert headline_of(law) == "The value differs by 2e-08 of its size, where a sentence."
    assert "counted somewhere" not in screen(certificate(law))
    assert headline_of(failed("ignore/deleting-is-masking", IGNORED, 0.5, 0.4, message=COUNTED)) == COUNTED


def test_scripts_are_written_and_nothing_else_is_overwritten(tmp_path):
    law = failed("ignore/poison", script="print(1)\n")
    found = causes(certificate(law, failed("shape/rank", SEVERAL, error="ValueError: no")))
    folder = tmp_path / "scripts"
    written = write_scripts("My Layer", found, folder)
    assert written == {"ignore/poison": folder / "My-Layer-ignore-poison.py"}
    assert written["ignore/poison"].read_text() == f"{MARK}print(1)\n"
    # one of ours is written again, somebody else's is left alone
    assert write_scripts("My Layer", found, folder) == written
    written["ignore/poison"].write_text("mine\n")
    assert write_scripts("My Layer", found, folder) == {"ignore/poison": folder / "My-Layer-ignore-poison-2.py"}
    assert written["ignore/poison"].read_text() == "mine\n"


def test_no_folder_is_made_where_there_is_no_script(tmp_path):
    report = TerminalReport(Console(width=80, file=io.StringIO()), tmp_path / "scripts")
    report(Ended(certificate(held())))
    assert not (tmp_path / "scripts").exists()


def test_scripts_that_cannot_be_written_are_no_failure(tmp_path):
    (tmp_path / "file").write_text("in the way")
    console = Console(width=80, file=io.StringIO())
    TerminalReport(console, tmp_path / "file")(Ended(certificate(failed("ignore/poison", script="print(1)\n"))))
    assert "the scripts cannot be written" in " ".join(console.file.getvalue().split())


def test_only_verbose_shows_the_table_and_the_scripts():
    for verbose in (False, True):
        console = Console(width=110, file=io.StringIO())
        TerminalReport(console, verbose=verbose)(Ended(REFUTED))
        text = console.file.getvalue()
        assert ("budget used" in text) == verbose
        assert ("also fails: ignore/many-ignored" in text) == verbose
        assert ("Undefined(AnyLayout)" in text) == verbose
        assert text.count("ignore/deleting-is-masking and 1 more law") == 1


def test_a_trace_of_a_call_stands_on_lines_of_its_own():
    said = {"words": ["tried: called with logits, rank 2: ValueError: no\n    losses.py:3: raise ValueError"]}
    lines = [line.plain for line in lines_of_call(Certificate("x", "ghm", (), 0, 1, call=said))]
    assert lines == ["call: tried: called with logits, rank 2: ValueError: no", "    losses.py:3: raise ValueError"]
