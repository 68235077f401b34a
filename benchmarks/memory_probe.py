"""A process that opens a contender's stores and tells how much memory it takes.

    python -m benchmarks.memory_probe CONTENDER PLACE SESSIONS

PLACE is a `Place` as JSON. It prints its memory before the stores are open; then it answers each
line on its standard input with its memory, when it is done: `open` opens them, `read` reads the
events of that many sessions at once. It ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import AsyncExitStack
from typing import TextIO

import psutil
from parlant.core.sessions import SessionId

from benchmarks.contenders import CONTENDERS
from benchmarks.stack import Place


async def probe(contender: str, place: Place, sessions: int, answers: TextIO) -> None:
    """Probes until the standard input ends."""

    def answer() -> None:
        print(psutil.Process().memory_full_info().uss, file=answers, flush=True)

    answer()
    async with AsyncExitStack() as stack:
        commands = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
        )
        assert await commands.readline() == b"open\n"
        stores = await stack.enter_async_context(CONTENDERS[contender].open_stores(place))
        answer()
        while await commands.readline() == b"read\n":
            await asyncio.gather(
                *(
                    stores.sessions.list_events(SessionId(f"s{number}"))
                    for number in range(sessions)
                )
            )
            answer()


def main() -> None:
    """Runs the probe."""
    contender, place, sessions = sys.argv[1:]
    # What Parlant prints is not an answer.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        asyncio.run(probe(contender, Place(**json.loads(place)), int(sessions), answers))


if __name__ == "__main__":
    main()
