"""Where the command ``lossproof`` starts: Ctrl-C ends it with 130 from its first moment on."""

from __future__ import annotations

import os
import sys

from properties.command.exit_codes import INTERRUPTED


def main() -> None:
    """Import the commands, which takes a second, and run one."""
    try:
        from properties.command.cli import main as command
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
        # nothing has begun; what is half imported must not be asked to end well
        os._exit(INTERRUPTED)
    command()
