"""Subject: somebody's loss layer, how to build and call it, which arguments it takes and what it claims to accept."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from properties.contracts import contract_named, contracts
from properties.drawing.decoding import simplest_problem
from properties.errors import ContractError, UsageError, is_foreign, words_of
from properties.judging.contract import DERIVED_ARGUMENTS, Contract
from properties.judging.observation import Failure, Observation, Observer
from properties.problems.domain import Domain
from properties.problems.membership import reason_outside
from properties.subjects.call_style import CallStyle
from properties.subjects.claims import held_to, pinned_by
from properties.subjects.signature import LayerArgument, layer_arguments, readable_parameters

BACKENDS: Mapping[str, str] = {
    "paddle": "properties.subjects.paddle_backend",
    "numpy": "properties.subjects.numpy_backend",
}
"""For each backend the package that asks its losses; imported once a subject needs it. See ``backend.Backend``."""


def call_with_logits_and_labels(layer: Any, logits: Any, labels: Any, **arguments: Any) -> Any:
    """How a loss layer is called unless the subject says otherwise."""
    return layer(logits, labels, **arguments)


@dataclass(frozen=True)
class Source:
    """How a script gets at the layer without lossproof: lines that import it, and the expression that builds it."""

    imports: tuple[str, ...]
    expression: str
    is_function: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    call: str = ""
    weight: str = "Tensor"
    per_class: str = "list"


class Loadable(Protocol):
    """What a subject can be had from: a Subject itself, or a target that names one."""

    @property
    def label(self) -> str:
        """What to call it before it is loaded."""
        ...

    @property
    def portable(self) -> bool:
        """Whether it can be sent to a process that was not forked from this one."""
        ...

    @property
    def recorded(self) -> dict[str, Any] | None:
        """Plain data from which another process can make it again; None where there are none."""
        ...

    def load(self) -> Subject:
        """The subject; raises UsageError where it cannot be had."""
        ...


@dataclass(frozen=True)
class Subject:
    """A loss layer under test.

    Args:
        contract: name of the contract that it is held to, or a Contract.
        build: called with contract arguments by keyword, returns what is called with logits and labels. Its
            keyword parameters say which arguments the layer takes; laws about others are not applicable.
        call: ``call(layer, logits, labels)``, the loss as a Tensor. Further parameters with the names of call
            arguments (``label_weight``, ``normalizer``) say that the layer takes them.
        name: for reports.
        arguments: the contract arguments that ``build`` and ``call`` take, where their signatures do not say.
        domain: for some ingredients of a problem, the values that the layer claims to take
            (``{"bins": [1, 2, 10], "rank": [2, 4]}``).
        source: how a script builds the layer by itself.
        backend: ``paddle``; or ``numpy`` for a loss that is called with NumPy arrays and returns its value and its
            gradient: an array, for an upstream gradient of ones, or a function of the upstream gradient.
        pinned: values that follow from how the layer is called, as ``domain`` has them, but nobody's claim.
        claims: what the layer does where that is another choice than the contract's: ``{"gradient": "detached"}``,
            ``{"denominator": "elements"}``, ``{"nothing": "nan"}``, ``{"normalize": "paper"}``. It is held to them.
        signature: the arguments of the layer itself, where it was made from a class or a function, less those that
            somebody fixed.
        calling: what is known of how it is called (see ``CallStyle``): ``{"labels": "one-hot", "output": "loss"}``;
            the rest is found out by trying.
        call_names: the layer's own names of logits and labels, in the order of the call.
        style: how it is called by the laws.

    Raises ValueError for an unknown contract, argument, domain or claim.
    """

    contract: str | Contract
    build: Callable[..., Any]
    call: Callable[..., Any] = call_with_logits_and_labels
    name: str = ""
    arguments: tuple[str, ...] | None = None
    domain: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    source: Source | None = None
    backend: str = "paddle"
    claims: Mapping[str, str] = field(default_factory=dict)
    pinned: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    signature: tuple[LayerArgument, ...] | None = None
    calling: Mapping[str, str] = field(default_factory=dict)
    call_names: tuple[str, ...] = ()
    style: CallStyle = field(default_factory=CallStyle)

    def __post_init__(self) -> None:
        if self.backend not in BACKENDS:
            raise ValueError(f"backend must be one of {', '.join(BACKENDS)}, got {self.backend!r}")
        if not callable(self.build):
            raise TypeError(f"build must be callable, got {self.build!r}")
        CallStyle.of(self.calling)
        contract = self.resolved
        known = (*contract.argument_names, *contract.call_arguments, *DERIVED_ARGUMENTS)
        unknown = [name for name in self.takes if name not in known]
        if unknown:
            raise ValueError(f"build takes {unknown[0]!r}; contract {contract.name} has {', '.join(known)}")
        # a domain that nothing can be drawn from must not wait for the first law
        with self.authors_mistakes():
            simplest_problem(self.full_domain)

    @property
    def label(self) -> str:
        """What to call it where its own name is nobody else's."""
        return "the subject"

    @property
    def portable(self) -> bool:
        """False: its functions are those of this process."""
        return False

    @property
    def recorded(self) -> dict[str, Any] | None:
        """None: it cannot be made again from plain data."""
        return None

    def load(self) -> Subject:
        """The subject itself."""
        return self

    @property
    def resolved(self) -> Contract:
        """The contract itself, as the claims have it."""
        contract = contract_named(self.contract) if isinstance(self.contract, str) else self.contract
        return held_to(contract, self.claims).of_granularity(self.style.granularity)

    @property
    def shipped(self) -> bool:
        """Whether its contract is one of ours: a mistake in that is nobody else's."""
        return isinstance(self.contract, str) or any(self.contract is one for one in contracts().values())

    @contextmanager
    def authors_mistakes(self) -> Iterator[None]:
        """ContractError for what the author of the contract wrote and what raises in here."""
        try:
            yield
        except UsageError:
            raise
        except Exception as error:
            if self.shipped or not is_foreign(error):
                raise
            raise ContractError(f"contract {self.resolved.name}: its code raised {words_of(error)}") from error

    @property
    def takes(self) -> frozenset[str]:
        """The contract arguments that the layer takes."""
        if self.arguments is not None:
            return frozenset(self.arguments)
        parameters = inspect.signature(self.build).parameters.values()
        named = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
        open_ended = any(p.kind is p.VAR_KEYWORD for p in parameters)
        called = set(inspect.signature(self.call).parameters) & set(self.resolved.call_arguments)
        return frozenset((named | set(self.resolved.argument_names) if open_ended else named) | called)

    @property
    def own_arguments(self) -> tuple[LayerArgument, ...]:
        """The layer's arguments and what fills them; of a subject made by hand, what ``build`` and ``call`` take."""
        if self.signature is not None:
            return self.signature
        called = self.takes & set(self.resolved.call_arguments)
        names = {name: name for name in sorted(self.takes - called)}
        handed = {name: name for name in sorted(called)}
        return (
            *layer_arguments(readable_parameters(self.build), names, "build"),
            *layer_arguments(readable_parameters(self.call, 3), handed, "build"),
        )

    @property
    def title(self) -> str:
        """A name for people."""
        return self.name or getattr(self.build, "__name__", "subject").replace("<lambda>", "subject")

    def called_in(
        self, style: CallStyle, build: Callable[..., Any], call: Callable[..., Any], source: Source | None
    ) -> Subject:
        """The same subject built and called in a style; what it takes, and its own arguments, are those of before."""
        return replace(
            self,
            build=build,
            call=call,
            arguments=tuple(sorted(self.takes)),
            signature=self.own_arguments,
            source=source,
            style=style,
        )

    @property
    def per_class(self) -> tuple[str, ...]:
        """The arguments, beside class weights, that the layer takes a list of a number for each class for."""
        dimensions = self.resolved.domain.dimensions
        listed = {n for n, d in dimensions.items() if d.expand is not None and n != "weight"}
        return tuple(sorted(self.takes & listed))

    @property
    def full_domain(self) -> Domain:
        """What the contract draws, less what the layer cannot be told, less what it does not claim."""
        domain, arguments = self.resolved.domain, set(self.resolved.argument_names)
        told = {**pinned_by(self.resolved, self.claims), **self.pinned, **self.domain}
        # what the contract itself says makes no sense for it, no layer of it can be told either
        untold = (arguments | {n for n in self.resolved.lacks if n in domain.dimensions}) - self.takes
        absent = {name: domain.dimensions[name].absent for name in untold}
        if "label_weight" in domain.dimensions and "label_weight" not in self.takes:
            absent["label_weight"] = "absent"
        unmasked = "label_weight" not in self.takes and not told.get("ignore_index")
        if unmasked and "ignore_index" not in self.takes:
            absent["ignored"] = "none"
        for name, values in self.domain.items():
            if isinstance(values, str) or not isinstance(values, Sequence) or not values:
                raise TypeError(f"domain {name} must be a sequence of at least one value, got {values!r}")
            if name in arguments - self.takes and len({repr(value) for value in values}) > 1:
                raise ValueError(f"domain {name} must be one value, since the layer takes no {name}; got {values!r}")
        return domain.lacking(**{n: v for n, v in absent.items() if n not in told}).only(**told)


def dtypes_taken(
    subject: Subject, observer: Observer, domain: Domain | None = None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """The dtypes to draw, and those that were dropped with the layer's error.

    A layer without kernels for half precision lacks an ability; so does one that takes float32 alone. Where it raises
    in float32, or crashes or hangs anywhere, or where the user named the dtype, it is for the laws to say so.
    """
    domain = subject.full_domain if domain is None else domain
    asked = tuple(dict.fromkeys(domain["dtype"]))
    answers = {dtype: _plainly_asked(observer, domain.only(dtype=[dtype])) for dtype in asked}
    single = not isinstance(answers.get("float32"), Failure) and "float32" in answers
    if all(isinstance(answer, Failure) for answer in answers.values()):
        # it fails in every dtype: that is not about kernels
        return asked, {}
    dropped = {
        dtype: str(answer)
        for dtype, answer in answers.items()
        if isinstance(answer, Failure)
        and answer.kind == "raised"
        and "dtype" not in subject.domain
        and (dtype in ("float16", "bfloat16") or (dtype == "float64" and single))
    }
    return tuple(dtype for dtype in asked if dtype not in dropped) or asked, dropped


def _plainly_asked(observer: Observer, domain: Domain) -> Observation | Failure:
    """What a layer answers to the simplest problem, or to a batch of its elements where it raises on that."""
    problem = simplest_problem(domain)
    answer = observer.observe(problem)
    batch = problem.take(np.arange(5) % problem.size) if problem.size else problem
    if isinstance(answer, Failure) and answer.kind == "raised" and not reason_outside(batch, domain):
        larger = observer.observe(batch)
        return answer if isinstance(larger, Failure) else larger
    return answer
