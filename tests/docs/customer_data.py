"""Stores a customer called Ann, with a conversation that was idle for a year, in the project.

python -m tests.docs.customer_data
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone

from parlant.core.agents import AgentId
from parlant.core.customers import CustomerId
from parlant.core.sessions import EventKind, EventSource
from parlant_supabase.stores import supabase_stores


async def store_ann() -> None:
    """Stores the customer, a session of two messages and a value."""
    a_year_ago = datetime.now(timezone.utc) - timedelta(days=365)
    async with supabase_stores() as stores:
        ann = await stores["customer_store"].create_customer("Ann", id=CustomerId("ann"))
        session = await stores["session_store"].create_session(
            ann.id, AgentId("support"), creation_utc=a_year_ago, title="Lost parcel"
        )
        for number, (source, name, text) in enumerate(
            (
                (EventSource.CUSTOMER, "Ann", "Where is my parcel?"),
                (EventSource.AI_AGENT, "Support", "It arrives on Tuesday."),
            )
        ):
            await stores["session_store"].create_event(
                session.id,
                source,
                EventKind.MESSAGE,
                "trace",
                {"message": text, "participant": {"display_name": name}},
                creation_utc=a_year_ago + timedelta(seconds=number),
            )
        variable = await stores["variable_store"].create_variable("plan")
        await stores["variable_store"].update_value(variable.id, ann.id, "premium")


if __name__ == "__main__":
    asyncio.run(store_ann())
