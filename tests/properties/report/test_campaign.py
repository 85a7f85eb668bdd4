"""What a campaign shows: on a terminal, in a pipe, and when it ends."""

import io
import pickle
import threading
from dataclasses import replace

import pytest
from rich.console import Console

from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.events import CampaignEnded, CampaignStarted, Found, Noted, ShardEnded, TargetStarted
from properties.report.campaign import CampaignReport
from properties.report.terminal import show

TARGETS = (("PublishedGHM", "ghm"), ("CrossEntropyLoss", "cross_entropy"), ("ALossWithAVeryLongNameThatGoesOn", "free"))
LAWS = ("oracle/value", "limit/one-region-is-cross-entropy", "numerics/precision")
REFUTED = LawReport(
    "ignore/deleting-is-masking",
    "formula",
    "error",
    "A sentence.",
    "refuted",
    examples=6,
    message="Ignored elements enter the histogram, which changes the weights of [all] others.\nMore of it.",
)
HELD = LawReport("oracle/value", "formula", "error", "A sentence.", "held", examples=1234, budget_used=1.5)
CERTIFICATE = Certificate(
    "PublishedGHM",
    "ghm",
    (REFUTED, HELD),
    seed=7,
    max_examples=200,
    environment={"paddlepaddle": "3.3.1"},
    domain={"dtype": ["float64"]},
    seconds=400.0,
)
ENDED = CampaignEnded("runs/my ghm", (CERTIFICATE,), 390.0, "its time is up", files=("runs/my ghm/certificate.json",))


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def terminal(width=100, height=40):
    environment = {"TERM": "xterm"}
    return Console(
        force_terminal=True, width=width, height=height, file=io.StringIO(), color_system=None, _environ=environment
    )


def pipe():
    return Console(width=110, file=io.StringIO())


def begin(report, targets=TARGETS, **more):
    settings = {"max_time": 28800.0, "max_examples": None, **more}
    report(CampaignStarted("runs/my ghm", tuple(name for name, _ in targets), "2 processes", 7, **settings))
    for number, (name, contract) in enumerate(targets):
        report(TargetStarted(number, name, contract, 41))


def run(report, clock, shards=90, targets=TARGETS):
    """A shard every 1.3 seconds, and two findings of one cause."""
    begin(report, targets)
    report(Noted("the last record was written in part (17 bytes), and is cut off"))
    for shard in range(shards):
        clock.now += 1.3
        number = shard % len(targets)
        law = LAWS[shard // len(targets) % len(LAWS)]
        done = shard // len(targets) + 1
        report(ShardEnded(number, law, "held", 200 + shard, 0.1 + shard % 50 / 10, 1.0, done, 450))
        if shard in (30, 60):
            report(Found(0, f"f{shard}", REFUTED, shard == 30))


def shown(report, width, height=40):
    console = Console(width=width, height=height, file=io.StringIO())
    console.print(report.status())
    return console.file.getvalue()


def test_a_pipe_gets_plain_lines(snapshot):
    console, clock = pipe(), Clock()
    report = CampaignReport(console, clock)
    run(report, clock)
    report(ENDED)
    assert "\x1b" not in console.file.getvalue()
    assert console.file.getvalue() == snapshot


def test_a_pipe_gets_no_line_for_each_shard():
    console, clock = pipe(), Clock()
    report = CampaignReport(console, clock)
    begin(report)
    before = console.file.getvalue()
    for _ in range(800):
        clock.now += 0.125
        report(ShardEnded(0, "oracle/value", "held", 7, 1.0, 0.1, 3, 9))
    lines = console.file.getvalue().removeprefix(before).splitlines()
    assert lines == [
        "30s, 7h59m left, 3 shards, 1,680 examples, 56 per s, no findings",
        "1m, 7h59m left, 3 shards, 3,360 examples, 56 per s, no findings",
        "1m30s, 7h58m left, 3 shards, 5,040 examples, 56 per s, no findings",
    ]


@pytest.mark.parametrize("width", [80, 100])
def test_the_view_of_a_terminal(snapshot, width):
    clock = Clock()
    console = terminal(width)
    report = CampaignReport(console, clock)
    run(report, clock)
    report.close()
    assert shown(report, width) == snapshot


@pytest.mark.parametrize(("width", "height"), [(80, 24), (80, 40), (60, 30), (200, 24)])
def test_the_view_fits_the_terminal(width, height):
    clock = Clock()
    report = CampaignReport(terminal(width, height), clock)
    targets = [(f"{name}{copy}", contract) for copy in range(10) for name, contract in TARGETS]
    run(report, clock, 120, targets)
    report.close()
    lines = shown(report, width, height).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= height
    assert any(line.startswith("and ") and line.endswith(" more targets") for line in map(str.rstrip, lines))
    assert "4/450" in "".join(lines)  # numbers are whole, whatever has to be cut
    assert " ".join(map(str.rstrip, lines)).endswith("2 findings of 1 cause")


def test_a_terminal_shows_the_moment_and_keeps_findings_and_notes():
    console, clock = terminal(), Clock()
    report = CampaignReport(console, clock)
    run(report, clock)
    report(ENDED)
    report.close()
    text = console.file.getvalue()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 1  # the cursor is there again
    moment, _, after = text.rpartition("\x1b[?25h")
    assert "note: the last record was written in part" in moment
    assert "finding f30  PublishedGHM  ignore/deleting-is-masking  refuted: Ignored elements enter" in moment
    assert "runs/my ghm/findings/f30.json f30.py" in moment.replace("\n", " ")
    assert "per s" in moment
    assert "41 laws" not in text
    assert "campaign ended after 6m30s: its time is up; 90 shards" in after
    for thread in threading.enumerate():
        if type(thread).__name__ == "_RefreshThread":
            thread.join(10)
            assert not thread.is_alive()


def test_a_terminal_that_cannot_move_the_cursor_gets_lines():
    console = Console(force_terminal=True, width=100, file=io.StringIO(), _environ={"TERM": "dumb"})
    report = CampaignReport(console, Clock())
    begin(report)
    assert "PublishedGHM against contract ghm: 41 laws" in console.file.getvalue()


def test_the_end_says_what_was_found_and_where():
    console, clock = pipe(), Clock()
    report = CampaignReport(console, clock)
    run(report, clock)
    before = console.file.getvalue()
    report(ENDED)
    text = console.file.getvalue().removeprefix(before)
    assert "PublishedGHM against contract ghm   paddle 3.3.1, float64, seed 7, 400 s" in text
    assert "1  ignore/deleting-is-masking  refuted, example 6" in text
    assert (
        "PublishedGHM  REFUTED  1,240 examples, 30 shards, 2 findings of 1 cause; "
        "certificate runs/my ghm/certificate.json\n"
    ) in text
    assert "campaign ended after 6m30s: its time is up; 90 shards, " in text
    assert "--resume" not in text


def test_an_interrupted_campaign_says_how_to_go_on():
    console = pipe()
    report = CampaignReport(console, Clock())
    begin(report)
    report(CampaignEnded("runs/my ghm", (), 12.0, "interrupted by the keyboard", interrupted=True))
    assert console.file.getvalue().endswith("resume with: lossproof fuzz --resume --out 'runs/my ghm'\n")


def test_a_campaign_that_goes_on_counts_what_is_behind_it():
    console, clock = pipe(), Clock()
    report = CampaignReport(console, clock)
    report(CampaignStarted("runs", ("a:B",), "2", 0, None, 5000, resumed=40))
    report(TargetStarted(0, "B", "free", 9, shards=40, examples=9000, findings=3, causes=2))
    clock.now += 3700
    report(ShardEnded(0, "", "held", 100, 0.0, 1.0, 41, 50))
    first, second, _, last = console.file.getvalue().splitlines()
    assert first == "campaign in runs"
    assert second == "1 target, workers 2, seed 0, at most 5,000 examples of each law, resumed after 40 shards"
    assert last == "1h1m, 41 shards, 9,100 examples, 2 per s, 3 findings of 2 causes"


def test_a_rate_is_that_of_the_last_minute():
    clock = Clock()
    report = CampaignReport(pipe(), clock)
    begin(report, TARGETS[:1])
    for examples in [6000] * 20 + [60] * 70:
        clock.now += 1.0
        report(ShardEnded(0, "oracle/value", "held", examples, 1.0, 1.0, 1, 1))
    assert "  60 " in shown(report, 100)
    clock.now += 100.0
    assert "   0 " in shown(report, 100).splitlines()[4]


def test_memory_does_not_grow_with_shards():
    clock = Clock()
    report = CampaignReport(pipe(), clock)
    sizes = []
    begin(report)
    for shard in range(2000):
        clock.now += 1.3
        report(ShardEnded(shard % 3, LAWS[shard % 3], "held", 200, 1.5, 1.0, 500, 5000))
        report(Found(0, "f0", REFUTED, False))
        if shard in (200, 1999):
            sizes.append(len(pickle.dumps(report._tally)))
    assert abs(sizes[1] - sizes[0]) < 50


def test_events_and_drawing_do_not_disturb_each_other():
    report = CampaignReport(terminal(), Clock())
    begin(report)
    failures, over = [], threading.Event()

    def draw():
        try:
            while not over.is_set():
                report.status()
        except Exception as error:
            failures.append(error)

    drawing = threading.Thread(target=draw)
    drawing.start()
    for number in range(300):
        report(ShardEnded(0, f"family/{number}", "held", 1, 1.0, 1.0, 1, 1))
        report(Found(0, str(number), REFUTED, False)) if number % 30 == 0 else None
    over.set()
    drawing.join(10)
    report.close()
    assert not drawing.is_alive()
    assert failures == []


@pytest.mark.parametrize(("failed", "words"), [(1, "1 likely cause"), (2, "2 likely causes")])
def test_a_certificate_counts_its_likely_causes(failed, words):
    raised = LawReport("conduct/answers", "conduct", "error", "A sentence.", "raised")
    console = pipe()
    show(console, replace(CERTIFICATE, laws=(REFUTED, raised, HELD)[2 - failed :]))
    assert f"REFUTED  {failed} of {failed + 1} laws do not hold, grouped into {words}\n" in console.file.getvalue()
