"""Departures on the screen, in the table of laws and in files: what is explained, by which, and what is left."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from properties.certificates.certificate import Certificate
from properties.certificates.comparison import changes
from properties.certificates.events import Ended
from properties.command.cli import main
from properties.contracts import contracts
from properties.report import explain
from properties.report.causes import label_of
from properties.report.changes import show_changes
from properties.report.departures import closing_lines, show_departures
from properties.report.scripts import write_scripts
from properties.report.table import outcome_words
from properties.report.terminal import TerminalReport, show
from tests.properties.certificates.failures import PLAIN, SEVERAL, WEIGHTED, certificate, departure, failed, held

KERNEL = "paddle.nn.functional.cross_entropy"
IGNORED = SEVERAL.replace(labels=np.array([0, 1, -100]), ignore_index=-100)
LARGE = PLAIN.replace(logits=np.array([[0.0, 100.0]]))

DEPARTURES = (
    departure(
        "ignored-in-histogram",
        IGNORED,
        0.6931,
        0.5199,
        sentence="Ignored elements enter the histogram, with gradient norm 1.",
        script="print(1)\n",
        needs=41,
    ),
    departure(
        "mean-by-count",
        WEIGHTED,
        0.6931,
        1.386,
        sentence="The mean divides by the number of valid elements, not by the sum of their weights.",
    ),
    departure(
        "soft-edges",
        PLAIN,
        1.0,
        1.1,
        sentence="The edges of regions are 0.0001 wide.",
        parameters={"width": 0.0001},
        quantity="gradient",
    ),
    departure(
        "capped-losses",
        LARGE,
        100.0,
        64.0,
        sentence="Losses are capped at 64.",
        parameters={"cap": 64},
        inherited=KERNEL,
        needs=3,
    ),
)

LAWS = (
    held(),
    failed("ignore/deleting-is-masking", IGNORED, 0.6931, 0.5199, explained=("ignored-in-histogram",)),
    failed("ignore/many-ignored", IGNORED, 0.6931, 0.5, explained=("ignored-in-histogram",)),
    failed("shape/mean-over-denominator", WEIGHTED, explained=("mean-by-count",)),
    failed("weights/scaling", WEIGHTED, explained=("ignored-in-histogram", "mean-by-count")),
    failed("numerics/linear-past-64", LARGE, level="numerics", explained=("capped-losses",), inherited=KERNEL),
    failed("refusals/bad-weight", level="refusals", message="A class weight of -1.0 gets a number."),
)

STRAY = failed(
    "shape/rank", SEVERAL, error="ValueError: no such axis", message="The layer raises ValueError: no such axis"
)


def diagnosed(*laws, **more):
    said = {"departures": DEPARTURES, "explained_examples": 312, "examples": 312, "seconds": 18.0, **more}
    return certificate(*laws, domain={"dtype": ["float64"]}, environment={"paddlepaddle": "3.3.1"}, **said)


WHOLE = diagnosed(*LAWS)


def screen(found, width=80, report=show, **more):
    console = Console(width=width, file=io.StringIO())
    report(console, found, **more)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def closing(found):
    return [line.plain for line in closing_lines(found)]


@pytest.mark.parametrize("width", [80, 120])
def test_the_screen_of_a_layer_that_is_explained(width, snapshot):
    scripts = {"ignored-in-histogram": Path(".lossproof/Layer-ignored-in-histogram.py")}
    assert screen(WHOLE, width, scripts=scripts, file=Path("before.json")) == snapshot


def test_the_screen_of_a_layer_that_is_not_all_explained(snapshot):
    assert screen(diagnosed(*LAWS, STRAY, explained_examples=300)) == snapshot


def test_each_departure_in_full(snapshot):
    assert screen(WHOLE, 100, show_departures) == snapshot


def test_without_departures_or_examples_the_screen_is_as_it_was():
    plain = replace(WHOLE, departures=(), explained_examples=0, examples=0)
    laws = tuple(replace(law, explained=()) for law in plain.laws)
    assert "likely causes" in screen(plain)
    assert "departure" not in screen(plain)
    # found none
    assert screen(replace(plain, laws=laws, examples=312)) == screen(replace(plain, laws=laws))


@pytest.mark.parametrize("stray", [0, 1, 9, 40])
@pytest.mark.parametrize("number", [1, 5, 40])
def test_however_many_there_are_the_first_of_each_are_on_the_last_screen(stray, number):
    words = "word " * 60
    departures = [departure(f"d{n}", sentence=f"Departure {n}. {words}") for n in range(number)]
    laws = [
        failed(f"limit/{n}", error=f"ValueError: {'x' * (n + 1)}", message=f"Law {n}. {words}") for n in range(stray)
    ]
    lines = screen(diagnosed(held("shape/rank"), *laws, departures=tuple(departures))).splitlines()
    assert len(lines) <= 40
    assert any(line.startswith("1  Departure 0") for line in lines)
    assert any(line.startswith("A  Law 0") for line in lines) == bool(stray)
    assert "agrees with this layer in all 312 observed examples" in " ".join(" ".join(lines).split())
    shown = sum(line[:1].isdigit() and "Departure" in line for line in lines)
    left = next((int(line.split()[1]) for line in lines if line.endswith("more departures")), 0)
    assert shown + left == number


def test_what_is_explained_is_no_cause_and_no_remark():
    remark = failed("shape/empty", grade="remark", message="A batch is NaN.", explained=("mean-by-count",))
    text = screen(diagnosed(*LAWS, remark))
    assert "shape/empty" not in text
    assert "Not explained" not in text
    assert "1 remark, which" in text


@pytest.mark.parametrize(
    ("laws", "more", "words"),
    [
        (LAWS, {}, "Without 1 to 3, it would be certified but for 4 (1 law), as far as these examples tell."),
        (LAWS[:5], {}, "Without 1 to 3, it would be certified, as far as these examples tell."),
        (LAWS, {"explained_examples": 311}, "Without 1 to 3, no law that was asked would refute it but for 4 (1 law)."),
        (
            LAWS,
            {"adopted": {"denominator": "count"}},
            "Without 1 to 3, no law that was asked would refute it but for 4",
        ),
        (LAWS, {"set_aside": {"shape/rank": {"rank": [3]}}}, "Without 1 to 3, no law that was asked would refute it"),
        (LAWS, {"gaps": ("a gap",)}, "Without 1 to 3, no law that was asked would refute it"),
        (
            (*LAWS, STRAY),
            {},
            "Without 1 to 3, 1 law would still refute it that is not explained, and 1 that follows from 4.",
        ),
        ((*LAWS[:5], STRAY), {}, "Without 1 to 3, 1 law would still refute it that is not explained."),
        (LAWS, {"departures": DEPARTURES[3:]}, "Without 1, 4 laws would still refute it that are not explained."),
        (LAWS, {"forgiven": True}, "Without 1 to 3, it would be certified, as far as these examples tell."),
    ],
)
def test_what_would_be_left_follows_from_the_laws(laws, more, words):
    assert closing(diagnosed(*laws, **more))[1].startswith(words)


def test_nothing_is_foretold_of_a_layer_that_no_law_refutes():
    assert closing(diagnosed(held())) == [
        "With these 4 `cross_entropy` agrees with this layer in all 312 observed examples: "
        "nothing else was found wrong with it."
    ]


def test_the_count_of_examples_is_the_true_one():
    assert closing(diagnosed(*LAWS, explained_examples=311))[0] == (
        "With these 4 `cross_entropy` agrees with this layer in 311 of 312 observed examples; 1 is not explained."
    )
    # a law that is not explained is something else that is wrong
    assert closing(diagnosed(*LAWS, STRAY, examples=1312, explained_examples=1312))[0] == (
        "With these 4 `cross_entropy` agrees with this layer in all 1,312 observed examples."
    )


def test_the_table_names_the_departures_by_number():
    words = {law.id: outcome_words(WHOLE, law) for law in WHOLE.laws}
    assert words["ignore/deleting-is-masking"] == "explained by 1"
    assert words["weights/scaling"] == "explained by 1, 2"
    assert words["refusals/bad-weight"] == "refuted"
    assert words["oracle/value"] == "held"
    console = Console(width=110, file=io.StringIO())
    TerminalReport(console, verbose=True)(Ended(WHOLE))
    text = console.file.getvalue()
    assert "explained by 4, inherited" in text
    assert "by 1 and 2  weights/scaling  refuted, example 3" in text
    # causes have letters where departures have numbers
    assert "A  refusals/bad-weight" in text


def test_laws_that_do_not_hold_and_are_not_explained_are_unexplained():
    assert WHOLE.unexplained == ()
    assert diagnosed(*LAWS, STRAY).unexplained == ("shape/rank",)
    assert diagnosed(*LAWS, required=("refusals",)).unexplained == ("refusals/bad-weight",)
    assert diagnosed(*LAWS, STRAY, examples=0).unexplained == ()
    inherited = replace(STRAY, inherited=KERNEL)
    assert diagnosed(inherited, forgiven=True).unexplained == ()
    assert diagnosed(inherited).unexplained == ("shape/rank",)


def test_what_follows_from_inherited_departures_alone_is_forgiven():
    found = diagnosed(held(), LAWS[5])
    assert (found.verdict, replace(found, forgiven=True).verdict) == ("refuted", "certified")


def test_json_and_back(tmp_path):
    odd = departure("not-a-number", came=np.nan)
    found = diagnosed(*LAWS, STRAY, departures=(*DEPARTURES, odd))
    found.write(tmp_path / "file.json")
    plain = json.loads((tmp_path / "file.json").read_text())
    keys = list(plain)
    at = keys.index("claimable") + 1
    assert keys[at : at + 4] == ["departures", "unexplained", "explained_examples", "examples"]
    assert [each["name"] for each in plain["departures"]][-1] == "not-a-number"
    assert (plain["unexplained"], plain["explained_examples"], plain["examples"]) == (["shape/rank"], 312, 312)
    again = Certificate.read(tmp_path / "file.json")
    assert again.to_dict() == plain
    assert again.departures == found.departures
    assert screen(again) == screen(found)


def test_a_file_of_before_has_no_departures(tmp_path):
    plain = certificate(*LAWS).to_dict()
    for name in ("departures", "unexplained", "explained_examples", "examples"):
        del plain[name]
    again = Certificate.from_dict(plain)
    assert (again.departures, again.unexplained, again.explained_examples, again.examples) == ((), (), 0, 0)


def test_scripts_of_departures_are_written_by_name(tmp_path):
    written = write_scripts("Layer", (), tmp_path, DEPARTURES)
    assert written == {"ignored-in-histogram": tmp_path / "Layer-ignored-in-histogram.py"}


def test_a_diff_says_which_departures_went_came_and_are_others():
    new = departure("added", sentence="A number is added.")
    wider = {**DEPARTURES[2], "parameters": {"width": 0.001}}
    after = replace(WHOLE, departures=(DEPARTURES[1], wider, DEPARTURES[3], new))
    found = changes(WHOLE, after)
    assert found.gone == ("ignored-in-histogram: Ignored elements enter the histogram, with gradient norm 1.",)
    assert found.come == ("added: A number is added.",)
    assert found.changed == ("soft-edges: width 0.0001 -> 0.001",)
    console = Console(width=120, file=io.StringIO())
    show_changes(console, WHOLE, after, found)
    assert "  gone          departure ignored-in-histogram: Ignored" in console.file.getvalue()
    assert "  come          departure added: A number is added." in console.file.getvalue()
    assert "  changed       departure soft-edges: width 0.0001 -> 0.001" in console.file.getvalue()
    same = changes(WHOLE, WHOLE)
    assert (same.gone, same.come, same.changed, same.coverage) == ((), (), (), ())


def test_a_diff_tells_where_departures_were_looked_for_once():
    before = replace(WHOLE, departures=(), examples=0, explained_examples=0)
    found = changes(before, WHOLE)
    assert (found.gone, found.come, found.coverage) == ((), (), ("departures: not looked for before",))
    back = changes(WHOLE, before)
    assert (back.gone, back.coverage, back.lost) == ((), ("departures: no longer looked for",), False)


@pytest.fixture
def known():
    """A contract with departures, and one of them."""
    contract = next(name for name in ("ghm", "cross_entropy") if contracts()[name].catalogue)
    return contract, next(iter(contracts()[contract].catalogue.values()))


def lossproof(*arguments):
    return CliRunner(env={"COLUMNS": "140"}).invoke(main, arguments)


def test_departures_are_listed(known):
    contract, _ = known
    everything = json.loads(lossproof("list", "departures", "--json").output)
    assert {each["name"] for each in everything} == set(explain.known_departures())
    chosen = json.loads(lossproof("list", "departures", "--contract", contract, "--json").output)
    assert [each["name"] for each in chosen] == [each["name"] for each in everything if contract in each["contracts"]]
    assert {each["name"] for each in chosen} == set(contracts()[contract].catalogue)
    done = lossproof("list", "departures", "--contract", contract)
    assert done.exit_code == 0
    assert all(name in done.output for name in contracts()[contract].catalogue)
    wrong = lossproof("list", "departures", "--contract", "gmh")
    assert wrong.exit_code == 2
    assert "did you mean 'ghm'" in " ".join(wrong.output.split())


def test_a_departure_explained(known):
    contract, one = known
    done = lossproof("explain", one.name)
    assert done.exit_code == 0, done.output
    words = " ".join(done.output.split())
    assert " ".join(one.sentence.split()) in words
    assert contract in words
    assert all(parameter in words for parameter in one.parameters)
    close = lossproof("explain", one.name[:-1])
    assert close.exit_code == 2
    assert f"did you mean '{one.name}'" in " ".join(close.output.split())


def test_a_departure_may_be_an_error():
    raising = departure("no-weights", WEIGHTED, error="ValueError: no weights here", quantity="failure")
    text = screen(diagnosed(held(), departures=(raising,)), 110)
    assert "1  It is no-weights. ValueError: no weights here" in text
    assert "expected" not in text
    assert "With it `cross_entropy` agrees" in text
    assert "no-weights: " in text


@pytest.mark.parametrize(("number", "label"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (53, "BA"), (703, "AAA")])
def test_causes_have_letters_where_departures_have_numbers(number, label):
    assert label_of(WHOLE, number) == label
    assert label_of(certificate(), number) == str(number)


def test_laws_that_take_several_departures_alone_are_told_of_each():
    text = " ".join(screen(diagnosed(LAWS[4]), 200).split())
    assert "its repair, with that of 2, mends weights/scaling" in text
    assert "its repair, with that of 1, mends weights/scaling" in text
