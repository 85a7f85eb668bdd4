"""Where every loss that is sound, or wrong in a known way, is entered: what it is, and which contract it is held to."""

import importlib
import pkgutil
from dataclasses import dataclass
from functools import cache

CE, GHM, FOCAL, COST, TOP_K = "cross_entropy", "ghm", "focal", "cost_sensitive", "average_top_k"
SIGMOID_FOCAL, SIGMOID_GHM, GHM_R = "sigmoid_focal", "sigmoid_ghm", "ghm_regression"

HERE, MUSEUM = __package__, f"{__package__}.museum"

_ENTERED = {}


@dataclass(frozen=True)
class Loss:
    """A loss in one of four roles, and what it goes by there, its ``id``.

    sound: no law refutes it; by its contract. mutant: wrong, made for one law; by the law. twin: wrong, made without a
    law in mind; by its name. exhibit: wrong after a defect that was reported; by its number in the museum.

    ``what`` is its docstring; ``backend`` is None for a Subject, which brings its own. Of an exhibit ``reference`` says
    where the defect was reported, ``kind`` which kind of fault it is, ``simulated`` that its cause was made again by
    other means, and ``unseen`` why no law can tell it from a sound loss, where none can.
    """

    role: str
    id: str
    text: str
    contract: str
    backend: str | None
    what: str
    reference: str = ""
    kind: str = ""
    simulated: bool = False
    unseen: str = ""

    @property
    def name(self):
        """Its name in its module."""
        return self.text.partition(":")[2]


def sound(contract=None, backend="paddle"):
    """Enter a sound loss, which wrong ones differ from by one change."""
    return lambda loss: _enter(loss, "sound", contract or loss.contract, contract or loss.contract, backend)


def mutant(law, contract):
    """Enter a wrong loss that one law must refute."""
    return lambda loss: _enter(loss, "mutant", law, contract)


def twin(contract):
    """Enter a wrong loss that any law must refute."""
    return lambda loss: _enter(loss, "twin", loss.__qualname__, contract)


def historic(number, reference, kind, contract=None, backend="numpy", subject=None, **more):
    """Enter a wrong loss after a real one, under the contract of its sound base unless another is given.

    ``subject`` names the Subject in its module that stands for it, where a class and a contract do not say enough.
    """
    more |= {"reference": reference, "kind": kind}
    backend = None if subject else backend
    return lambda loss: _enter(loss, "exhibit", number, contract or loss.contract, backend, subject, **more)


def _enter(loss, role, name, contract, backend="paddle", subject=None, **more):
    # a contract has a sound loss for each backend, and all else goes by one name
    key = (role, name, backend if role == "sound" else None)
    if key in _ENTERED:
        raise ValueError(f"the {role} {name} is {_ENTERED[key].text} already")
    text = f"{loss.__module__}:{subject or loss.__qualname__}"
    _ENTERED[key] = Loss(role, name, text, contract, backend, " ".join((loss.__doc__ or "").split()), **more)
    return loss


def sounds(backend="paddle"):
    """The sound losses of a backend by contract."""
    return _entered_in(MUSEUM if backend == "numpy" else HERE, "sound", backend=backend)


def mutants():
    """The mutants by law."""
    return _entered_in(HERE, "mutant")


def twins(contract=None):
    """The wrong twins by name, all or those of one contract."""
    return _entered_in(HERE, "twin", **({"contract": contract} if contract else {}))


def exhibits():
    """The wrong losses after real ones by number."""
    return _entered_in(MUSEUM, "exhibit")


@cache
def _enter_all(package):
    # the museum has a package of its own: most of its losses need no Paddle, all of the others do
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not module.ispkg:
            importlib.import_module(f"{package}.{module.name}")


def _entered_in(package, role, **asked):
    _enter_all(package)
    found = [loss for loss in _ENTERED.values() if loss.role == role]
    chosen = [loss for loss in found if all(getattr(loss, name) == value for name, value in asked.items())]
    return {loss.id: loss for loss in sorted(chosen, key=lambda loss: loss.id)}
