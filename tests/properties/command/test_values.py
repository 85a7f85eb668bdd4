"""Values of options: each malformed one has an answer that names the option, the value and what was expected."""

import os

import pytest
from click.testing import CliRunner

from properties.command.cli import main
from properties.subjects.literals import parse_value, parse_values
from properties.subjects.target import Target, UsageError
from tests.properties.command.malformed import nothing_starts

LAYER = ("certify", "paddle_impl:GHMLoss", "--contract", "ghm")
CERTIFICATE = '{\n "format": "lossproof-certificate-1",\n'


def lossproof(*words):
    with nothing_starts():
        done = CliRunner(env={"COLUMNS": "120"}).invoke(main, words)
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--time-limit", "nan"), "'--time-limit': expected a number from 0.1 to 86400, got 'nan'"),
        (("--time-limit", "inf"), "'--time-limit': inf is not in the range"),
        (("--time-limit", "1e308"), "'--time-limit': 1e+308 is not in the range"),
        (("--time-limit", "soon"), "'--time-limit': 'soon' is not a valid float"),
        (("--workers", "²"), "'--workers': expected a whole number from 0 to 1024, got '²'"),
        (("--workers", "٣"), "'--workers': expected a whole number from 0 to 1024, got '٣'"),
        (("--workers", "1_0"), "'--workers': expected a whole number from 0 to 1024, got '1_0'"),
        (("--workers", "1000000000"), "'--workers': 1000000000 is not in the range"),
        (("--seed", str(10**40)), "'--seed': expected a whole number from 0 to 9223372036854775807, got '1000"),
        (("--max-examples", str(10**30)), f"'--max-examples': {10**30} is not in the range"),
        (("--max-examples", "9" * 5000), "'--max-examples': expected a whole number from 1 to 1000000000000, got '999"),
        (("--set", "bins=" + "-" * 9_000 + "1"), "--set bins: a value must not be nested that deeply, got '---"),
        (("--set", "bins=" + "-" * 90_000), "--set takes at most 10,000 characters, got 90,005"),
        (("--set=bins=" + "-" * 90_000,), "--set takes at most 10,000 characters, got 90,011"),
        (("--domain", "bins=" + "-" * 9_000 + "1"), "--domain bins: a value must not be nested that deeply"),
        (("--map", "a=weight", "--map", "b=weight"), "--map a=weight and --map b=weight: only one can be weight"),
        (("--map", "a=bins", "--map", "a=weight"), "--map a is given twice, as bins and weight: give it one value"),
        (("--map", "a=bins", "--map", "a=bins"), "--map a is given twice"),
        (("--set", "bins=1", "--set", "bins=2"), "--set bins is given twice, as 1 and 2"),
        (("--claim", "gradient=live", "--claim", "gradient=detached"), "--claim gradient is given twice, as live and"),
        (("--call", "labels=one-hot", "--call", "labels=x"), "--call labels is given twice"),
        (("--call", "output=1", "--output", "2"), "--output output is given twice, as 1 and 2"),
        (("--set", "bins"), "--set takes NAME=VALUE, got 'bins'"),
        (("--set", "a\x00=1"), "--set takes text without control characters, got 'a\\x00=1'"),
        (("--only", "\x1b[31m"), "--only takes text without control characters, got '\\x1b[31m'"),
        (("--only", "\udcff"), "--only takes text that is valid UTF-8, got '\\udcff'"),
        (("--json", ""), "'--json': expected the name of a file or directory, got ''"),
        (("--scripts", " "), "'--scripts': expected the name of a file or directory, got ' '"),
    ],
)
def test_certify_says_what_it_expected(words, named):
    code, output = lossproof(*LAYER, *words)
    assert code == 2, output
    assert named in output


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--memory-limit", "inf"), "'--memory-limit': inf is not in the range"),
        (("--memory-limit", "nan"), "'--memory-limit': expected a number from 0.1 to 65536, got 'nan'"),
        (("--block-limit", "nan"), "'--block-limit': expected a number from 1 to 86400, got 'nan'"),
        (("--max-time", "99999999d"), "'--max-time': expected a duration of at most ten years (3650d)"),
        (("--max-time", "٣h"), "'--max-time': a duration above 0, such as 8h"),
        (("--workers", "²"), "'--workers': expected auto or a number from 1 to 1024, got '²'"),
        (("--workers", str(10**9)), "'--workers': expected auto or a number from 1 to 1024, got '1000000000'"),
        (("--workers", "9" * 5000), "'--workers': expected auto or a number from 1 to 1024, got '999"),
        (("--out", ""), "'--out': expected the name of a file or directory, got ''"),
        (("--out", "a\nb"), "--out takes text without control characters, got 'a\\nb'"),
    ],
)
def test_fuzz_says_what_it_expected(tmp_path, monkeypatch, words, named):
    monkeypatch.chdir(tmp_path)
    code, output = lossproof("fuzz", "paddle_impl:GHMLoss", "--contract", "ghm", *words)
    assert code == 2, output
    assert named in output
    assert not list(tmp_path.iterdir())


def test_a_target_is_a_line_of_text():
    for target, named in (
        ("a\nb:C", "an argument takes text without control characters, got 'a\\nb:C'"),
        ("a\0b:C", "an argument takes text without control characters, got 'a\\x00b:C'"),
        ("a\udcffb:C", "an argument takes text that is valid UTF-8, got 'a\\udcffb:C'"),
    ):
        for command in ("certify", "replay", "diff", "explain", "fuzz"):
            code, output = lossproof(command, target)
            assert (code, named in output) == (2, True), output


def test_a_device_is_no_certificate():
    for device in ("/dev/zero", "/dev/full", "/dev/null"):
        code, output = lossproof("replay", device)
        assert (code, f"expected a file, got the device '{device}'" in output.replace("PosixPath", "")) == (2, True), (
            output
        )


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (
            ("--domain", "ignore_index=99999999999999999999"),
            "domain ignore_index takes whole numbers of 64 bits, got 999",
        ),
        (("--set", "ignore_index=99999999999999999999"), "domain ignore_index takes whole numbers of 64 bits, got 999"),
        (("--domain", "axis=5", "--domain", "rank=2"), "axis is one of 5 alone"),
        (("--domain", "rank=1e9"), "domain rank takes ints from 1 to 6, got 1000000000.0"),
        (("--domain", "size=10000000000"), "domain size takes one of few, several"),
        (("--domain", "rank={}"), "domain rank takes ints from 1 to 6, got {}"),
        (("--set", "bins=1", "--domain", "bins=1"), "--set bins and --domain bins both say which values bins has"),
        (("--set", "width=1", "--map", "width=bins", "--domain", "bins=1"), "--set width and --domain bins both say"),
    ],
)
def test_what_is_wrong_only_with_a_target_is_a_usage_error_too(words, named):
    done = CliRunner(env={"COLUMNS": "120"}).invoke(
        main, [*target_of(words), *words, "--workers", "0", "--max-examples", "1", "--only", "oracle/value"]
    )
    assert done.exit_code == 2, done.output
    assert named in " ".join(done.output.split())


def target_of(words):
    from tests.properties.command.test_cli import PUBLISHED

    return ("certify", PUBLISHED if "width=bins" in words else LAYER[1], *LAYER[2:])


def test_a_domain_is_written_once_as_a_whole():
    with pytest.raises(UsageError, match="both say"):
        Target("paddle_impl:GHMLoss", "ghm", settings={"bins": 1}, domain={"bins": (1,)}).load()


def test_a_value_is_read_in_bounds():
    assert parse_value("[1, 2]") == [1, 2]
    assert parse_value("a b") == "a b"
    assert parse_values("1,[2,3],x") == (1, "[2", "3]", "x")
    for text in ("-" * 9_000 + "1", "1+" * 4_900 + "1", "~" * 9_000 + "1"):
        for read in (parse_value, parse_values):
            with pytest.raises(UsageError, match="nested that deeply"):
                read(text)
    for text in ("(" * 5_000, "[" * 5_000, "{" * 5_000):
        assert parse_value(text) == text
    with pytest.raises(UsageError, match="at most 10,000 characters"):
        parse_value("1" * 10_001)


@pytest.mark.parametrize(
    ("command", "option", "what", "ours"),
    [
        (LAYER, "--json", "certificate", CERTIFICATE),
        (("selftest", "--only", "B001"), "--json", "matrix of a selftest", '{\n "mutants": 1,\n'),
        (("selftest",), "--record", "record of a selftest", '{\n"B001": {"contract": "x"}}'),
    ],
)
def test_nothing_but_a_file_of_its_kind_is_overwritten(tmp_path, command, option, what, ours):
    victim = tmp_path / "source.py"
    for content in ("class Good: pass\n", "{}", '{"format": "something else"}', ours.replace('"', "'")):
        victim.write_text(content)
        code, output = lossproof(*command, option, str(victim))
        assert code == 2, output
        assert f"{option}: {victim} is there already and is no {what}: it is not overwritten" in output
        assert victim.read_text() == content
    link = tmp_path / "link"
    link.symlink_to(victim)
    code, output = lossproof(*command, option, str(link))
    assert (code, "is a link or no file, and stays as it is" in output) == (2, True)
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "no" / "file", "/proc/x.json", tmp_path / ("n" * 300)):
        code, output = lossproof(*command, option, str(place))
        assert (code, option in output) == (2, True), output
    # one of ours is taken: what comes after is another usage error
    victim.write_text(ours)
    assert "overwritten" not in lossproof(*command[:1], "--nonsense", option, str(victim))[1]
    assert victim.read_text() == ours
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "pipe", "source.py"]
