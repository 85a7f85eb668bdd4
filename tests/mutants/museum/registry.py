"""Where exhibits are entered: which defect of which project, and under which contract it is shown."""

from dataclasses import dataclass

EXHIBITS = {}
SOUND = {}


@dataclass(frozen=True)
class Exhibit:
    """A wrong loss after a real one.

    ``id`` is its number in the collection, ``reference`` where the defect was reported, ``kind`` which kind of fault
    it is, ``contract`` what it is held to. ``unseen`` says why no law can tell it from a sound loss, where none can.
    """

    id: str
    reference: str
    kind: str
    text: str
    contract: str
    backend: str | None
    what: str
    simulated: bool = False
    unseen: str = ""


def exhibit(number, reference, kind, contract=None, backend="numpy", simulated=False, unseen=""):
    """Enter a wrong loss; its docstring says what is wrong. ``contract`` None: that of its sound base."""

    def enter(loss):
        if number in EXHIBITS:
            raise ValueError(f"{number} is taken by {EXHIBITS[number].text}")
        held_to = contract or loss.contract
        text = f"{loss.__module__}:{loss.__qualname__}"
        what = " ".join(loss.__doc__.split())
        EXHIBITS[number] = Exhibit(number, reference, kind, text, held_to, backend, what, simulated, unseen)
        return loss

    return enter


def subject_exhibit(number, reference, kind, module, name, subject, what, simulated=False):
    """Enter a wrong loss that is a Subject, under a contract of its own."""
    if number in EXHIBITS:
        raise ValueError(f"{number} is taken by {EXHIBITS[number].text}")
    text, contract = f"{module}:{name}", subject.resolved.name
    EXHIBITS[number] = Exhibit(number, reference, kind, text, contract, None, what, simulated)
    return subject


def sound(loss):
    """Enter a sound loss, which exhibits differ from by one change."""
    SOUND[f"{loss.__module__}:{loss.__qualname__}"] = loss.contract
    return loss
