"""Waits that have a limit: one that is not over in time fails and says what it waited for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

T = TypeVar("T")

# Many times what any of them takes on a busy machine, and below the limit for a whole test.
LIMIT_SECONDS = 120.0

_POLL_SECONDS = 0.01


async def until(condition: Callable[[], bool], what: str) -> None:
    """Returns as soon as the condition holds; `what` completes "waited for ..."."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        _check(deadline, what)
        await asyncio.sleep(_POLL_SECONDS)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Does the same where no event loop runs."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while not condition():
        _check(deadline, what)
        time.sleep(_POLL_SECONDS)


async def within_limit(awaited: Awaitable[T], what: str) -> T:
    """Returns what is awaited; `what` completes "waited for ..."."""
    try:
        return await asyncio.wait_for(awaited, LIMIT_SECONDS)
    except asyncio.TimeoutError:
        pytest.fail(_sentence(what))


def _check(deadline: float, what: str) -> None:
    if time.monotonic() >= deadline:
        pytest.fail(_sentence(what))


def _sentence(what: str) -> str:
    return f"Waited {LIMIT_SECONDS:.0f} s for {what}."
