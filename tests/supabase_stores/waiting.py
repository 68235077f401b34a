"""Waits for a change that nothing announces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

_MOST_SECONDS = 60


async def until(condition: Callable[[], bool]) -> None:
    """Returns as soon as the condition holds.

    Raises:
        TimeoutError: It does not hold within a minute.
    """
    deadline = time.monotonic() + _MOST_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"what {condition.__qualname__} waits for did not happen")
        await asyncio.sleep(0.01)
