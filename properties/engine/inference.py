"""What a layer does, found out by asking it: its gradient, the denominator of its mean, the regions of its weights.

Each fact has a few hypotheses; problems on which they differ strike out those that the layer contradicts. What cannot
be told apart is said to be so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial

from properties.engine.inference_gradient import choice_followed, gradient
from properties.engine.inference_mean import denominator, epsilon, nothing
from properties.engine.inference_numerics import logarithm, precision
from properties.engine.promises_found import facts_without_oracle
from properties.engine.study import UNKNOWN, Fact, Facts, Inquiry, Lost, Study, Tick
from properties.errors import ContractError, broken_in, raise_if_machines
from properties.judging.observation import Observer
from properties.problems.domain import Domain, EmptyDomainError
from properties.subjects.claims import due_denominator
from properties.subjects.subject import Subject

Question = Callable[[Study, str], Fact | None]
"""Finds out one fact; told what the contract says of it. None: there is nothing to say."""

QUESTIONS: Mapping[str, tuple[str, Question]] = {
    "denominator": ("what the mean divides by", denominator),
    "epsilon": ("what is added to a denominator", epsilon),
    "nothing": ("the mean of nothing", nothing),
    "gradient": ("the gradient", gradient),
    "logarithm": ("what is added inside a logarithm", logarithm),
    "precision": ("the precision inside", precision),
}
"""What is asked under every contract, in words and how; a contract adds the choices of its arguments."""

ALWAYS_SAID = ("gradient", "denominator")
"""Facts about which something is said also where nothing was found out."""


def infer(inquiry: Inquiry, subject: Subject, observer: Observer, tick: Tick = lambda examples: None) -> Facts:
    """Every fact that can be asked of a subject, as plain data.

    A layer that raises on a problem shows nothing by it; one that crashes or hangs is asked no more.
    """
    domain = subject.full_domain.only(dtype=inquiry.dtypes, **inquiry.kept).open(inquiry.shut)
    try:
        study = Study(subject, observer, domain, inquiry.seed, tick)
    except EmptyDomainError as error:
        return unknown(str(error))
    choices = {} if subject.resolved.oracle is None else subject.resolved.choices
    own: dict[str, tuple[str, Question]] = {
        name: (choice.subject, partial(choice_followed, name, choice)) for name, choice in choices.items()
    }
    questions = {**QUESTIONS, **own, **QUESTIONS}
    found: dict[str, Fact] = {}
    for name, (topic, question) in questions.items():
        fact = _answered(study, name, topic, question, subject)
        if fact is not None and (fact.value != UNKNOWN or name in (*ALWAYS_SAID, *own)):
            found[name] = fact
    if subject.resolved.oracle is None and not study.lost:
        said = facts_without_oracle(study.contract, observer, domain, subject.takes, inquiry.seed)
        found |= {name: Fact(value, "", words, examples) for name, value, words, examples in said}
    order = sorted(found, key=lambda name: (*ALWAYS_SAID, *own, name).index(name))
    return {name: asdict(found[name]) for name in order}


def _answered(study: Study, name: str, topic: str, question: Question, subject: Subject) -> Fact | None:
    """The answer to one question, or why there is none."""
    due = due_of(name, subject, study.domain)
    if study.lost:
        return Fact(UNKNOWN, due, f"{topic} was not asked for: {study.lost}")
    try:
        return question(study, due)
    except Lost as ended:
        return Fact(UNKNOWN, due, f"{topic} is undecided: {ended}")
    except MemoryError:
        raise
    except Exception as error:
        raise_if_machines(error)
        told = isinstance(error, ContractError) and not subject.shipped
        whose = error if told else broken_in("this question", error)
        return Fact(UNKNOWN, due, f"{topic} is undecided: {whose}")


def unknown(reason: str) -> Facts:
    """No facts, and why."""
    return {name: asdict(Fact(UNKNOWN, "", f"{QUESTIONS[name][0]} is undecided: {reason}")) for name in ALWAYS_SAID}


def due_of(name: str, subject: Subject, domain: Domain) -> str:
    """What the contract says, as the claims of the subject have it; empty where it leaves a choice open."""
    contract = subject.resolved
    if name == "gradient":
        return contract.gradient
    if name == "denominator":
        claimed = contract.conventions.divisor.name
        return claimed or (str(domain[name][0]) if name in contract.argument_names else due_denominator(contract))
    if name == "nothing":
        return contract.conventions.nothing if "conventions" in contract.promises else ""
    return str(domain[name][0]) if name in contract.argument_names else ""
