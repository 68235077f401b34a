"""A Parlant agent that remembers: sessions, customers and variables are in your Supabase project.

Set SUPABASE_URL, SUPABASE_KEY and what your language model needs, such as EMCIE_API_KEY. Run
`python my_agent.py`, talk to it at http://localhost:8800, stop it with Ctrl-C and start it again.
"""

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


asyncio.run(main())
