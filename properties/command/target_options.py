"""What the commands share: the options that say which layer is meant, the console, exit codes."""

from __future__ import annotations

import functools
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import click
from rich.console import Console

from properties.certificates.required import required_of
from properties.errors import broken_in
from properties.subjects.subject import BACKENDS
from properties.subjects.target import Target, parse_value, parse_values

EXIT_CODES = {"certified": 0, "refuted": 1, "incomplete": 3}


class Commands(click.Group):
    """A group of commands that reports a failure of lossproof itself as such: it refutes nothing."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an unforeseen exception is printed, and ends with the exit code of incomplete."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            traceback.print_exc()
            click.echo(f"Error: {broken_in('the command', error)}", err=True)
            sys.exit(EXIT_CODES["incomplete"])


Named = Callable[[str], Target]
"""A function from the text that names a layer to a target, with what the options say of it."""


def about_a_target(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that describe a layer; it gets them as ``named``."""

    @click.option("--contract", metavar="NAME", help="What the layer promises: see `lossproof list contracts`.")
    @click.option(
        "--map", "mapping", multiple=True, metavar="LAYER_ARG=CONTRACT_ARG", help="A layer argument of another name."
    )
    @click.option("--set", "settings", multiple=True, metavar="LAYER_ARG=VALUE", help="Fix a layer argument.")
    @click.option(
        "--domain",
        multiple=True,
        metavar="NAME=V1,V2",
        help="Draw only these values: rank=2,4  dtype=float32  bins=1,2,10  ignore_index=255",
    )
    @click.option(
        "--backend",
        type=click.Choice(tuple(BACKENDS)),
        help="What the loss is called with: Paddle tensors (the default), or NumPy arrays (it returns value and "
        "gradient).",
    )
    @click.option(
        "--claim",
        "claims",
        multiple=True,
        metavar="NAME=VALUE",
        help="What the layer does where losses differ: gradient=detached  denominator=elements  nothing=nan  "
        "precision=float32  normalize=paper",
    )
    @click.option(
        "--promise",
        "promises",
        multiple=True,
        metavar="NAME",
        help="What the loss must hold to, under a contract without an oracle: shift  sign  certain  classes  scale",
    )
    @click.option(
        "--call",
        "call",
        multiple=True,
        metavar="NAME=VALUE",
        help="How the layer is called, where it is not found out rightly: order='labels, logits'  labels=one-hot  "
        "label_dtype=int32  input=softmax  class_axis=-1  weight=list",
    )
    @click.option("--output", metavar="KEY", help="The key or place of the loss in what the layer returns.")
    @functools.wraps(command)
    def told(
        *,
        contract: str | None,
        mapping: Sequence[str],
        settings: Sequence[str],
        domain: Sequence[str],
        backend: str | None,
        claims: Sequence[str],
        promises: Sequence[str],
        call: Sequence[str],
        output: str | None,
        **others: Any,
    ) -> Any:
        def named(text: str) -> Target:
            return Target(
                text,
                contract,
                dict(map(_pair("--map"), mapping)),
                {name: parse_value(value) for name, value in map(_pair("--set"), settings)},
                _domain(domain),
                backend,
                {**dict(map(_pair("--claim"), claims)), **({"promises": ",".join(promises)} if promises else {})},
                {**dict(map(_pair("--call"), call)), **({} if output is None else {"output": output})},
            )

        return command(named=named, **others)

    return told


def required(names: str | None) -> tuple[str, ...]:
    """Return what ``--require`` names, a list with commas; a usage error for an unknown name."""
    listed = tuple(filter(None, (names or "").replace(" ", "").split(",")))
    try:
        required_of(listed)
    except ValueError as error:
        raise click.UsageError(f"--require: {error}") from None
    return listed


require_option = click.option(
    "--require",
    metavar="LEVELS",
    callback=lambda context, option, names: required(names),
    help="What decides verdict and exit code: a list of formula,numerics,conduct,refusals,remarks, or all. By default "
    "the first three; refusals and remarks alone come on top of these.",
)


def console() -> Console:
    """Return a console for the terminal; for a file or a pipe, one that is wide enough for tables."""
    console = Console()
    return console if console.is_terminal else Console(width=max(console.width, 110))


def _domain(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values of each NAME=V1,V2 by name; a name that is given twice has the values of both."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, values in map(_pair("--domain"), texts):
        found[name] = (*found.get(name, ()), *parse_values(values))
    return found


def _pair(option: str) -> Any:
    def split(text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"{option} takes NAME=VALUE, got {text!r}")
        return name, value

    return split
