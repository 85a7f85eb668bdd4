"""Loss implementations that are right, of as different make as there are: what no law may refute."""

import importlib.util
from dataclasses import dataclass

from properties import Target
from properties.contracts import contract_named
from properties.engine.description import laws_of
from tests.mutants.registry import sounds
from tests.test_laws import OURS


@dataclass(frozen=True)
class Implementation:
    """A loss and what it is held to: all laws but those ``without`` (ids or families), which it does not promise."""

    name: str
    make: str
    target: Target
    contract: str
    without: tuple[str, ...] = ()

    @property
    def laws(self):
        """The ids of the laws that it answers for."""
        known = laws_of(contract_named(self.contract))
        return tuple(law.id for law in known if not {law.id, law.family} & set(self.without))


def named(make, text, contract, backend=None):
    return Implementation(f"{make} {text.split(':')[1]}", make, Target(text, contract, backend=backend), contract)


def subject(make, text, contract, *without):
    # a formula in a book, and a function of PyTorch, say nothing of which bad arguments they refuse, and with what
    return Implementation(f"{make} {text.split(':')[1]}", make, Target(text), contract, ("refusals", *without))


LAYERS = tuple(named("layer", *entry) for entry in OURS)
PADDLE = tuple(named("composition", loss.text, loss.contract) for loss in sounds().values())
NUMPY = tuple(named("numpy", loss.text, loss.contract, "numpy") for loss in sounds("numpy").values())
LOGSUMEXP = subject("composition", "tests.losses.sound_paddle:LOGSUMEXP", "cross_entropy")
TEXTBOOK = tuple(
    subject("textbook", f"tests.losses.sound_numpy:{name}", contract)
    for name, contract in (
        ("CROSS_ENTROPY", "cross_entropy"),
        ("FOCAL", "focal"),
        ("GHM_C", "ghm"),
        ("LOGISTIC", "sigmoid_focal"),
    )
)
# PyTorch 2.13 is wrong here: NaN logits of an ignored element come back as NaN in its gradient
POISONED = "ignore/poison"
TORCH = (
    subject("torch", "tests.losses.sound_torch:CROSS_ENTROPY", "cross_entropy", POISONED),
    subject("torch", "tests.losses.sound_torch:MEAN_CROSS_ENTROPY", "cross_entropy", POISONED),
    subject("torch", "tests.losses.sound_torch:BINARY_CROSS_ENTROPY", "sigmoid_focal"),
    subject("torch", "tests.losses.sound_torch:MEAN_BINARY_CROSS_ENTROPY", "sigmoid_focal"),
)


def has_torch():
    """Whether PyTorch can be imported here."""
    return importlib.util.find_spec("torch") is not None


def implementations():
    """All that this machine can run."""
    return (*LAYERS, *PADDLE, LOGSUMEXP, *NUMPY, *TEXTBOOK, *(TORCH if has_torch() else ()))
