"""The recommended wiring."""

import asyncio

import parlant.sdk as p
from parlant_supabase.stores import join_server, supabase_stores, warm_start


async def main() -> None:
    async with (
        supabase_stores() as stores,
        p.Server(
            **stores, configure_container=join_server, initialize_container=warm_start
        ) as server,
    ):
        await server.create_agent(name="My Agent", description="Remembers.", id="my-agent")


if __name__ == "__main__":
    asyncio.run(main())
