"""Ends a server so that the next one can go on at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterable

from parlant_supabase.stores.turns import Turn


def end_on_sigterm() -> None:
    """Has SIGTERM end the process as Ctrl-C does, unless the application handles it itself.

    Containers are stopped with SIGTERM, at which Python's default is to die on the spot.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


async def finish_turns(turns: Iterable[Turn], seconds: float) -> None:
    """Lets turns end by themselves, and cancels those that are not over in time.

    Args:
        turns: The turns that run.
        seconds: How long to wait. What is cancelled is left to the next server.
    """
    running = {turn.task: turn for turn in turns if turn.task is not None and not turn.task.done()}
    if not running:
        return
    _, unfinished = await asyncio.wait(running, timeout=seconds)
    for task in unfinished:
        running[task].is_interrupted = True
        task.cancel("The server stops")
    if unfinished:
        # They say that they were cancelled, which takes a few requests.
        await asyncio.wait(unfinished, timeout=seconds)
