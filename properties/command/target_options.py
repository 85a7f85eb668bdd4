"""What the commands share: the options that say which layer is meant."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import click

from properties.certificates.required import required_of
from properties.command.values import given_once
from properties.errors import UsageError
from properties.subjects.literals import parse_value, parse_values
from properties.subjects.subject import BACKENDS
from properties.subjects.target import NOTHING, Target
from properties.texts import cut

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
                _mapping(mapping),
                {name: _read("--set", name, value, parse_value) for name, value in _once("--set", settings).items()},
                _domain(domain),
                backend,
                {**_once("--claim", claims), **({"promises": ",".join(promises)} if promises else {})},
                _calling(call, output),
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


def _once(option: str, texts: Sequence[str]) -> dict[str, str]:
    """Return the value of each NAME=VALUE by name, each of which may be given once."""
    return given_once(option, [_pair(option)(text) for text in texts])


def _mapping(texts: Sequence[str]) -> dict[str, str]:
    """Return the contract argument of each layer argument; a usage error where two would get the same one."""
    found = _once("--map", texts)
    owners: dict[str, str] = {}
    for written, name in found.items():
        if name != NOTHING and owners.setdefault(name, written) != written:
            raise click.UsageError(f"--map {owners[name]}={name} and --map {written}={name}: only one can be {name}")
    return found


def _calling(texts: Sequence[str], output: str | None) -> dict[str, str]:
    """Return what ``--call`` says, and ``--output``, which is short for one of it."""
    found = _once("--call", texts)
    if output is None:
        return found
    return given_once("--output", [*found.items(), ("output", output)])


def _domain(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """Return the values of each NAME=V1,V2 by name; a name that is given twice has the values of both."""
    found: dict[str, tuple[Any, ...]] = {}
    for name, values in map(_pair("--domain"), texts):
        found[name] = (*found.get(name, ()), *_read("--domain", name, values, parse_values))
    return found


def _read(option: str, name: str, text: str, parse: Callable[[str], Any]) -> Any:
    """Return the value that a text is read as; a usage error for one that cannot be read in bounds."""
    try:
        return parse(text)
    except UsageError as error:
        raise click.UsageError(f"{option} {cut(name, 100)}: {error}") from None


def _pair(option: str) -> Callable[[str], tuple[str, str]]:
    def split(text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"{option} takes NAME=VALUE, got {cut(repr(text), 100)}")
        return name, value

    return split
