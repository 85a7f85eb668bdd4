"""Causes: which laws a layer fails for one reason, the most telling law first, the most harmful reason first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from properties.certificates.certificate import Certificate, LawReport
from properties.certificates.deviation import Deviation, deviation_of
from properties.certificates.harm import bucket, harm, is_convention
from properties.contracts import contracts
from properties.engine.features import ingredients
from properties.judging.law import Law
from properties.laws import LAWS

TELLING = (
    "arguments",
    "conventions",
    "limit",
    "aggregate",
    "ignore",
    "weights",
    "denominator",
    "shape",
    "softmax",
    "sigmoid",
    "numerics",
    "oracle",
)
"""Families of laws, those first that say in words what is wrong."""

ABOUT = {"ignore": frozenset({"ignored", "nothing valid"}), "weights": frozenset({"class weights"})}
"""Families of laws by what their problems have where they name the fault."""

SPECIAL = ("two-class", "shape/one-element", "shape/square", "shape/one-class", "numerics/many-elements")
"""Parts of the ids of laws about a special size, which say least of what is wrong beyond it."""

NEUTRAL = frozenset({"several elements", "mean", "none", "rank above 2"})
"""Ingredients that a law may have beyond the plainest one's and still stand for it."""


@dataclass(frozen=True)
class Cause:
    """A law that does not hold, and the laws that fail where it does.

    ``refutes`` says whether it refutes the layer: else it is a remark, or inherited and forgiven.
    """

    law: LawReport
    also: tuple[str, ...] = ()
    refutes: bool = True

    @cached_property
    def deviation(self) -> Deviation:
        """How far the answer is from what was due."""
        return deviation_of(self.law)


@dataclass(frozen=True)
class _Failed:
    """A law that does not hold, with what its place among others is decided by."""

    law: LawReport
    refutes: bool
    ingredients: frozenset[str]
    deviation: Deviation

    @property
    def family(self) -> str:
        return self.law.id.split("/")[0]

    @property
    def telling(self) -> int:
        # a law of ignored elements names nothing where none is ignored
        idle = self.family in ABOUT and not self.ingredients & ABOUT[self.family]
        return TELLING.index(self.family) if self.family in TELLING and not idle else len(TELLING)

    @property
    def special(self) -> bool:
        return any(part in self.law.id for part in SPECIAL)

    @property
    def of_value(self) -> bool:
        return "gradient" not in self.deviation.quantity

    @property
    def plainness(self) -> tuple[int, bool, bool, int, str]:
        """The plainest problem first; of equal ones that of a wrong value, then the one that says most."""
        return (len(self.ingredients), not self.of_value, self.special, self.telling, self.law.id)

    def explains(self, other: _Failed) -> bool:
        """Whether one fault may be behind both: what this one takes is there too, and goes wrong in the same way."""
        if (self.refutes, self.law.inherited) != (other.refutes, other.law.inherited):
            return False
        if self.law.explained != other.law.explained:
            # what follows from other departures is another fault
            return False
        if not self.deviation.kindred(other.deviation):
            return False
        if self.deviation.kind == "failure":
            # the same words are the same line of the layer, whatever law it was met under
            return True
        if self.deviation.kind == "words" or not {self.family, other.family} <= set(TELLING):
            return False
        if other.of_value and not self.of_value:
            # a wrong gradient makes no value wrong
            return False
        if (self._of_mean and not _is_mean(other.law)) or (other._of_mean and not _is_mean(self.law)):
            # what a mean divides by makes no sum wrong, and is said only where the sum is right
            return False
        return self.ingredients <= other.ingredients

    @property
    def _of_mean(self) -> bool:
        """Whether the fault is what a mean divides by."""
        return "divides by" in self.law.message


def causes(certificate: Certificate) -> tuple[Cause, ...]:
    """Group the laws that do not hold by what their shrunk counterexamples have in common, the most harmful first.

    Law B is grouped under law A if every ingredient of A's counterexample also occurs in B's, and the two deviate in
    the same way: the plainer problem shows the fault already. The same error is one cause under whatever laws. Each
    law stands in one cause. Inherited faults are kept apart from the layer's own, and come last; remarks after them.
    """
    failed = [
        _Failed(law, certificate.refutes(law), ingredients_of(law), deviation_of(law)) for law in certificate.failed
    ]
    telling = certificate.telling.intersection
    groups: list[list[_Failed]] = []
    for one in sorted(failed, key=lambda one: one.plainness):
        # with what these laws tell of the others ran: it explains none of them
        home = next(
            (group for group in groups if group[0].explains(one) and not telling({group[0].law.id, one.law.id})), None
        )
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return tuple(map(_headed, sorted(groups, key=_rank)))


def _rank(group: Sequence[_Failed]) -> tuple[object, ...]:
    """What orders causes: what refutes, then the layer's own, then the harm of the most harmful law of each."""
    leader = _leader(group)
    worst = min(harm(one.law, one.deviation) for one in group)
    # where the leader names a convention, the others show what follows from it
    place = max(worst[0], 2) if is_convention(leader.law, leader.deviation) else worst[0]
    least = min(len(one.ingredients) for one in group)
    forgiven = not leader.refutes and leader.law.grade == "error"
    return (not leader.refutes, not forgiven, bool(leader.law.inherited), place, *worst[1:], least, leader.law.id)


def _headed(group: Sequence[_Failed]) -> Cause:
    first = _leader(group)
    return Cause(first.law, tuple(one.law.id for one in group if one is not first), first.refutes)


def _leader(group: Sequence[_Failed]) -> _Failed:
    """Return the law that shows most: one that names the fault, else the largest deviation that words fit best.

    Laws of a special size lead nothing but their own kind, nor does a law whose problem takes much more than the
    plainest one.
    """
    near = [one for one in group if one.ingredients <= group[0].ingredients | NEUTRAL]
    common = [one for one in near if not one.special] or [one for one in group if not one.special] or list(group)
    return min(
        (one for one in {id(one): one for one in (*common, *group)}.values()),
        key=lambda one: (
            not _names_its_fault(one.law),
            one not in common,
            bucket(one.deviation),
            one.law.level != "formula",
            not (_is_headline(one.law.id) and one.family == group[0].family),
            one.telling,
            one.plainness,
        ),
    )


def _is_mean(law: LawReport) -> bool:
    """Whether a counterexample is about a mean."""
    finding = law.result.finding
    return finding is not None and bool(finding.calls) and finding.calls[0].reduction == "mean"


def _names_its_fault(law: LawReport) -> bool:
    """Whether the message of a law names the fault itself."""
    return any(known.names_fault and law.message.startswith(known.names_fault) for known in _known(law.id))


def _is_headline(law: str) -> bool:
    """Whether a law says more than others of its family."""
    return any(known.headline for known in _known(law))


@lru_cache
def _known(law_id: str) -> tuple[Law, ...]:
    """The laws of this id, of any known contract; none for a law of somebody's own contract."""
    own = (law for contract in contracts().values() for law in contract.own)
    return tuple(law for law in (*LAWS, *own) if law.id == law_id)


def ingredients_of(law: LawReport) -> frozenset[str]:
    """Return what is special about the counterexample of a law; its id where there is no problem in it."""
    finding = law.result.finding
    if finding is None or not finding.calls:
        return frozenset({law.id})
    of_arguments = law.result.arguments.get("features", [None])[0]
    return ingredients(finding.calls[0], of_arguments)
