"""An agent that comes back to its conversations; AGENT_ID names it."""

from __future__ import annotations

import asyncio
import os

import parlant.sdk as p
from parlant_supabase.stores import join_server, supabase_stores


async def main() -> None:
    async with (
        supabase_stores() as stores,
        p.Server(**stores, configure_container=join_server) as server,
    ):
        await server.create_agent(
            name="Support", description="Helps with orders.", id=os.environ["AGENT_ID"]
        )


if __name__ == "__main__":
    asyncio.run(main())
