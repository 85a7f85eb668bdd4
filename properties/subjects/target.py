"""Target: a subject by name, ``package.module:Name`` or ``path/file.py:Name``, and how it is loaded."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from properties.contracts import contract_named
from properties.errors import UsageError as UsageError
from properties.errors import did_you_mean
from properties.judging.contract import DERIVED_ARGUMENTS, Contract
from properties.subjects.argument_guesses import sure_guesses
from properties.subjects.foreign import require_loss
from properties.subjects.importing import import_lines, load_module
from properties.subjects.script_text import is_name
from properties.subjects.signature import (
    by_name,
    call_names,
    call_parameters,
    layer_arguments,
    parameters_of,
    takes_any_name,
)
from properties.subjects.subject import Loadable, Source, Subject, call_with_logits_and_labels

NOTHING = "nothing"
"""What an argument is mapped to that no contract argument is to fill, whatever its name."""


@dataclass(frozen=True)
class Target:
    """A subject by name, as it is sent between processes and written into certificates.

    ``mapping`` gives the contract argument for a layer argument of another name, or ``nothing``; ``settings`` fixes
    layer arguments; ``domain`` narrows what is drawn; ``backend`` says what a class or function is called with (None:
    Paddle tensors);
    ``claims`` are those of a Subject, ``call`` is its ``calling``. ``foreign`` says that a stranger wrote it: then it
    must be a loss (see ``properties.subjects.foreign``).
    """

    text: str
    contract: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    domain: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    backend: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    call: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False

    @property
    def label(self) -> str:
        """The text that the user wrote."""
        return self.text

    @property
    def portable(self) -> bool:
        """True: it is made of names and plain values."""
        return True

    @property
    def recorded(self) -> dict[str, Any] | None:
        """What a certificate keeps of it."""
        return self.to_dict()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data from which :meth:`from_dict` makes the same target."""
        return {
            "text": self.text,
            "contract": self.contract,
            "mapping": dict(self.mapping),
            "settings": dict(self.settings),
            "domain": {name: list(values) for name, values in self.domain.items()},
            "backend": self.backend,
            "claims": dict(self.claims),
            **({"call": dict(self.call)} if self.call else {}),
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Target:
        """Return the target that :meth:`to_dict` wrote."""
        return cls(**{**plain, "domain": {name: tuple(values) for name, values in plain.get("domain", {}).items()}})

    def load(self) -> Subject:
        """Import the module and return the subject; UsageError where that cannot be done."""
        where, _, name = self.text.rpartition(":")
        if not where or not name:
            raise UsageError(f"TARGET must be package.module:Name or path/file.py:Name, got {self.text!r}")
        if not all(map(is_name, name.split("."))):
            raise UsageError(f"the Name in TARGET must be a name in Python, got {name!r}")
        module = load_module(where)
        found: Any = module
        for part in name.split("."):
            if not hasattr(found, part):
                raise UsageError(f"{where} has no {name!r}{did_you_mean(part, _public(found))}")
            found = getattr(found, part)
        if self.foreign:
            require_loss(found, module, self.text)
        if isinstance(found, Subject):
            return self._subject_of(found, where, name)
        if not callable(found):
            raise UsageError(f"{self.text} must be a Layer class, a function or a Subject, got {type(found).__name__}")
        if self.contract is None:
            raise UsageError("--contract is required for a class or a function; see `lossproof list contracts`")
        return self._subject_from(found, where, name, self._contract(self.contract))

    @staticmethod
    def _contract(name: str) -> Contract:
        try:
            return contract_named(name)
        except ValueError as error:
            raise UsageError(f"--{error}") from None

    def _subject_of(self, subject: Subject, where: str, name: str) -> Subject:
        if self.mapping or self.settings or self.backend:
            raise UsageError(
                f"{self.text} is a Subject, which says all by itself; --map, --set and --backend go with a class"
            )
        changes: dict[str, Any] = {
            "domain": {**subject.domain, **self.domain},
            "claims": {**subject.claims, **self.claims},
            "calling": {**subject.calling, **self.call},
        }
        if self.contract is not None:
            changes["contract"] = self._contract(self.contract).name
        if not subject.name:
            changes["name"] = name
        if subject.source is None:
            call = "" if subject.call is call_with_logits_and_labels else f"{name}.call"
            changes["source"] = Source(import_lines(where, name), f"{name}.build", call=call)
        return _checked(lambda: replace(subject, **changes))

    def _subject_from(self, found: Callable[..., Any], where: str, name: str, contract: Contract) -> Subject:
        is_class = inspect.isclass(found)
        built, with_call = (
            _parameters(found, self.text, skip=0 if is_class else 2),
            call_parameters(found) if is_class else [],
        )
        parameters = by_name(built)
        names = self._names(parameters, contract, takes_any_name(found))
        taken = by_name(with_call) if is_class else parameters
        called = self._call_names(taken, contract)
        # options that a class takes with the call alone
        said = {*names, *self.settings, *self.mapping}
        late = {n: n for n in contract.argument_names if is_class and n in taken and n not in said}
        if is_class:
            self._check_call(taken, {**called, **late}, name)
        settings, pinned = self._settings(parameters, names, contract, name, takes_any_name(found))
        filled = {*names.values(), *settings}
        for parameter in parameters.values():
            if parameter.default is parameter.empty and parameter.name not in filled:
                raise UsageError(
                    f"{name} needs the argument {parameter.name!r}, which nothing fills: write --set "
                    f"{parameter.name}=VALUE, or --map {parameter.name}=CONTRACT_ARG with one of "
                    f"{', '.join((*contract.argument_names, *DERIVED_ARGUMENTS))}"
                )

        def build(**arguments: Any) -> Any:
            written = {names[known]: value for known, value in arguments.items() if known not in late}
            if late:
                options = {known: value for known, value in arguments.items() if known in late}
                layer = found(**written, **settings)
                return lambda logits, labels, **given: layer(logits, labels, **options, **given)
            if is_class:
                return found(**written, **settings)
            return lambda logits, labels, **given: found(logits, labels, **written, **settings, **given)

        def call(layer: Any, logits: Any, labels: Any, **given: Any) -> Any:
            return layer(logits, labels, **{called[known]: value for known, value in given.items()})

        if "label_weight" in called and taken[called["label_weight"]].default is inspect.Parameter.empty:
            pinned["label_weight"] = ("mask",)
        for known, written in names.items():
            values = contract.domain[known] if known in contract.argument_names else ()
            needed = written in parameters and parameters[written].default is inspect.Parameter.empty
            if needed and None in values and known not in pinned and known != "ignore_index":
                # an argument without a default is never left out
                pinned[known] = tuple(value for value in values if value is not None)
        if is_class:
            handed = {**called, **late}
            signature = (*layer_arguments(built, names, "constructor"), *layer_arguments(with_call, handed, "call"))
        else:
            signature = layer_arguments(built, {**names, **called}, "function")
        source = Source(import_lines(where, name), name, not is_class, {**names, **called}, settings)
        if late:
            lines = (*source.imports, "", *_with_late_options(name, tuple(late)))
            source = replace(source, imports=lines, expression="called_with_options", is_function=True)
        return _checked(
            lambda: Subject(
                contract=contract,
                build=build,
                name=name,
                call=call,
                arguments=tuple(sorted({**names, **called, **late})),
                domain=self.domain,
                pinned=pinned,
                source=source,
                backend=self.backend or "paddle",
                claims=self.claims,
                calling=self.call,
                call_names=call_names(found),
                # what the user fixed counts as given
                signature=tuple(argument for argument in signature if argument.name not in self.settings),
            )
        )

    def _call_names(self, taken: Mapping[str, inspect.Parameter], contract: Contract) -> dict[str, str]:
        """Return the layer's name of each argument of the call that it takes."""
        parameters = list(taken)
        said = {*self.settings, *self.mapping}
        names = {name: name for name in contract.call_arguments if name in parameters and name not in said}
        for written, name in self.mapping.items():
            if name in contract.call_arguments:
                if written not in parameters:
                    raise UsageError(f"--map {written}={name}: the call takes {_in_words(parameters, written)}")
                names[name] = written
        return {**self._sure(taken, names, contract, "call"), **names}

    def _check_call(self, taken: Mapping[str, inspect.Parameter], called: Mapping[str, str], name: str) -> None:
        """Raise UsageError if the call needs an argument that nothing fills."""
        for written, parameter in taken.items():
            if written in self.settings:
                raise UsageError(f"--set {written}: {name} takes it with the call, which --set cannot fix")
            filled = written in called.values() and called.get("normalizer") != written
            if parameter.default is parameter.empty and not filled:
                raise UsageError(
                    f"{name} is called with {written!r}, which has no default and which nothing fills; wrap it in a "
                    f"Subject whose `call` does"
                )

    def _settings(
        self,
        parameters: Mapping[str, inspect.Parameter],
        names: Mapping[str, str],
        contract: Contract,
        name: str,
        takes_any_name: bool,
    ) -> tuple[dict[str, Any], dict[str, tuple[Any, ...]]]:
        """Return what --set fixes: layer arguments of no contract, and contract arguments pinned to one value."""
        settings: dict[str, Any] = {}
        pinned: dict[str, tuple[Any, ...]] = {}
        known = {written: argument for argument, written in names.items()}
        for written, value in self.settings.items():
            argument = known.get(written)
            if argument is None and written not in parameters and not takes_any_name:
                raise UsageError(f"--set {written}: {name} takes {_in_words(parameters, written)}")
            if argument == "weight":
                raise UsageError(f"--set {written}: class weights are drawn; write --domain weight=absent for none")
            if argument in self.domain:
                raise UsageError(
                    f"--set {written} and --domain {argument} both say which values {argument} has: give one of them"
                )
            if argument in contract.argument_names:
                pinned[str(argument)] = (value,)
            else:
                settings[written] = value
        return settings, pinned

    def _names(
        self, parameters: Mapping[str, inspect.Parameter], contract: Contract, takes_any_name: bool
    ) -> dict[str, str]:
        """Return the layer's name of each contract argument that it takes."""
        known = (*contract.argument_names, *DERIVED_ARGUMENTS)
        called = contract.call_arguments
        names = {name: name for name in known if name in parameters and name not in self.settings}
        names |= {name: name for name in contract.argument_names if name in parameters}
        for written, name in self.mapping.items():
            if name in called:
                # what goes with the call under this name is no other argument beside
                names.pop(written, None)
                continue
            if name not in (*known, NOTHING):
                every, close = ", ".join((*known, *called)), did_you_mean(name, (*known, *called))
                raise UsageError(f"--map {written}={name}: contract {contract.name} has {every}{close}")
            if written not in parameters and not takes_any_name:
                raise UsageError(f"--map {written}={name}: the layer takes {_in_words(parameters, written)}")
            names = {k: w for k, w in names.items() if w != written}
            if name != NOTHING:
                names[name] = written
        return {**self._sure(parameters, names, contract, "constructor"), **names}

    def _sure(
        self, parameters: Mapping[str, inspect.Parameter], names: Mapping[str, str], contract: Contract, given: str
    ) -> dict[str, str]:
        """Return what surely is an argument of the contract by another name, where the user says nothing else."""
        said = {*self.mapping, *self.settings}
        listed = layer_arguments((p for p in parameters.values() if p.name not in said), names, given)
        return sure_guesses(contract, listed)


def _with_late_options(name: str, late: tuple[str, ...]) -> tuple[str, ...]:
    """Lines of a script that make a function of a class which takes some options with the call."""
    return (
        "def called_with_options(logits, labels, **options):",
        f"    called = {{name: options.pop(name) for name in {late!r} if name in options}}",
        f"    return {name}(**options)(logits, labels, **called)",
        "",
    )


def loadable(subject: Loadable | str) -> Loadable:
    """What a user means by a subject: a text is that of a target."""
    return Target(subject) if isinstance(subject, str) else subject


def _checked(make: Callable[[], Subject]) -> Subject:
    try:
        return make()
    except (ValueError, TypeError, OverflowError) as error:
        raise UsageError(str(error)) from None


def _parameters(found: Callable[..., Any], text: str, skip: int) -> list[inspect.Parameter]:
    try:
        return parameters_of(found, skip)
    except (TypeError, ValueError):
        raise UsageError(f"{text} has no signature to read; wrap it in a Subject") from None


def _in_words(names: Mapping[str, Any] | Sequence[str], wanted: str) -> str:
    return (", ".join(names) or "no arguments") + did_you_mean(wanted, names)


def _public(found: Any) -> list[str]:
    return [name for name in dir(found) if not name.startswith("_")]
