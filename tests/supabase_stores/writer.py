"""A server of its own process that writes events to sessions, for the tests of concurrency.

    python -m tests.supabase_stores.writer URL KEY PREFIX COUNT SESSION...

It says `ready`, waits for a line, writes COUNT events to each session, all at once, and says
`done`.
"""

from __future__ import annotations

import asyncio
import random
import sys

from parlant.core.sessions import EventKind, EventSource, SessionId
from parlant_supabase.stores import supabase_stores


async def main(url: str, key: str, prefix: str, count: int, session_ids: list[str]) -> None:
    async with supabase_stores(
        {"url": url, "key": key},
        session_prefix=f"{prefix}s_",
        customer_prefix=f"{prefix}c_",
        variable_prefix=f"{prefix}v_",
    ) as stores:
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        writes = [session_id for session_id in session_ids for _ in range(count)]
        random.shuffle(writes)
        await asyncio.gather(
            *(
                stores["session_store"].create_event(
                    SessionId(session_id), EventSource.CUSTOMER, EventKind.MESSAGE, "t", {}
                )
                for session_id in writes
            )
        )
        print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5:]))
