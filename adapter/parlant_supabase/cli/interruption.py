"""How a command ends that is interrupted by Ctrl-C."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from parlant_supabase.cli.display import err

_INTERRUPTED = 130
"""Exit code of a process that was ended by Ctrl-C, as shells define it."""


@contextmanager
def interruptible(message: str = "") -> Iterator[None]:
    """Ends the command with a message, not a traceback, when it is interrupted.

    Raises:
        Exit: With the exit code that shells define for it.
    """
    try:
        yield
    except KeyboardInterrupt:
        if message:
            err.print(message)
        raise typer.Exit(_INTERRUPTED) from None
