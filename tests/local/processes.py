"""What happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

_PATIENCE_SECONDS = 60
_POLL_SECONDS = 0.05


def wait_for(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; it is a failure if it never does."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(_POLL_SECONDS)


def is_alive(pid: int) -> bool:
    """Say whether the process runs."""
    try:
        # Where nobody reaps orphans, as in a bare container, their entries stay.
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
