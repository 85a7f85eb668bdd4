"""Exit codes: what each of them means, in one table that the help, the documentation and the commands agree on."""

from __future__ import annotations

CERTIFIED = 0
REFUTED = 1
USAGE = 2
INCOMPLETE = 3
INTERNAL = 70
INTERRUPTED = 130

EXIT_CODES = {"certified": CERTIFIED, "refuted": REFUTED, "incomplete": INCOMPLETE}
"""The exit code of each verdict."""

MEANINGS = {
    CERTIFIED: "certified",
    REFUTED: "refuted",
    USAGE: "usage",
    INCOMPLETE: "incomplete",
    INTERNAL: "internal error",
    INTERRUPTED: "interrupted",
}
"""What each code says; no command ends with another one."""

IN_WORDS = "Exit codes: " + ", ".join(f"{code} {words}" for code, words in MEANINGS.items()) + "."
"""The table as one sentence of a help."""


def unwritten(code: int) -> int:
    """Return the code of a command that could not write what was asked for: nobody may take it for complete."""
    return INCOMPLETE if code == CERTIFIED else code
