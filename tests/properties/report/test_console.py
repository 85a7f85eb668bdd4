"""What reaches a terminal: text of a layer or a file is shown, its control characters and its markup are not obeyed."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from properties.certificates.comparison import changes
from properties.certificates.events import (
    CampaignEnded,
    CampaignStarted,
    Ended,
    LawEnded,
    Noted,
    Started,
    TargetStarted,
)
from properties.report.campaign import CampaignReport
from properties.report.changes import show_changes, show_replay
from properties.report.console import PlainConsole
from properties.report.terminal import TerminalReport
from properties.runs.replay import Replayed
from tests.properties.certificates.failures import SEVERAL, WEIGHTED, certificate, failed, held

EVIL = (
    "x\x1b[31m\x1b]0;title\x07\r\x08\x9b2J\u202e\u2066\u200b\n  CERTIFIED [red]y[/red] [link=http://z]w[/link] \udcff"
)
FOREIGN = st.one_of(st.just(EVIL), st.text(st.characters(exclude_categories=()), min_size=1, max_size=30))
CODES = re.compile(r"\x1b\[[0-9;]*m")


def printed(show, *, terminal=False):
    """What is written; on a terminal less rich's own colors, which text cannot make."""
    file = io.StringIO()
    console = PlainConsole(file=file, width=100, force_terminal=terminal, color_system="standard" if terminal else None)
    show(console)
    found = file.getvalue()
    return CODES.sub("", found) if terminal else found


def clean(text):
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("terminal", [False, True])
def test_text_is_shown_wherever_it_stands(terminal):
    def show(console):
        table = Table(EVIL, "b", title=EVIL)
        table.add_row(EVIL, Text(EVIL))
        for one in (EVIL, Text(EVIL, style="bold"), table):
            console.print(one)
        console.rule(Text(EVIL))

    # a title is no terminal's: the colors of a text would be obeyed, and then be taken away here
    file = io.StringIO()
    show(PlainConsole(file=file, width=100, force_terminal=terminal, color_system=None))
    assert clean(file.getvalue())
    assert "\\x1b[31m" in file.getvalue()
    assert "[red]y[/red]" in file.getvalue()
    assert "\\u202e" in file.getvalue()
    # a line feed makes no line: none looks like a verdict of ours
    assert not any(line.startswith("  CERTIFIED") for line in file.getvalue().split("\n"))


def test_styles_stay_where_they_were():
    text = Text("a\x1b\nb", style="")
    text.append("c\x1bd", style="bold")
    file = io.StringIO()
    PlainConsole(file=file, force_terminal=True, color_system="standard").print(text)
    assert file.getvalue() == "a\\x1b\\nb\x1b[1mc\\x1bd\x1b[0m\n"


def of(word):
    """A certificate that has foreign text wherever a layer can put some."""
    found = certificate(
        held(),
        failed("shape/rank", SEVERAL, error=f"{word}: {word}", message=word, condition=(word,), reason=word),
        failed(
            "shape/mean-over-denominator", WEIGHTED, 1.0, np.nan, message=word, inherited=word, script=f"# {word}\n"
        ),
        failed("refusals/bad-weight", level="refusals", message=word, grade="remark"),
        environment={"paddlepaddle": word},
        domain={"dtype": [word]},
        call={"words": [word]},
        facts={"epsilon": {"words": word, "agrees": False}, "denominator": {"words": word, "agrees": None}},
        dropped={word: word},
        assumed=word,
        gaps=(word,),
        narrowed={word: word},
        not_given={word: {"argument": "", "guess": word, "default": word, "words": word}},
    )
    return replace(found, subject=word, contract=word)


@given(FOREIGN)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_field_of_a_certificate_reaches_a_terminal_raw(word):
    found = of(word)

    def show(console):
        report = TerminalReport(console, verbose=True)
        report(Started(word, word, 1, 1))
        report(LawEnded(found.laws[0]))
        report(Ended(found))
        report.close()
        show_changes(console, found, replace(found, subject="y"), changes(found, found), word)
        show_replay(console, [Replayed(word, "different", word, word, word)])
        campaign = CampaignReport(console)
        campaign(CampaignStarted(word, (word,), word, 0, 1.0, 1))
        campaign(TargetStarted(0, word, word, 1))
        campaign(Noted(word))
        campaign(CampaignEnded(word, (found,), 1.0, word, interrupted=True, files=(word,)))
        campaign.close()

    assert clean(printed(show))
