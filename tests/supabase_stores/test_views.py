"""What people read of what the stores have written."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from parlant.core.agents import AgentId
from parlant.core.customers import CustomerStore
from parlant.core.sessions import Event, EventKind, EventSource, SessionId
from parlant.core.tags import TagId
from parlant_supabase.stores import SupabaseStores
from pydantic import TypeAdapter
from supabase import AsyncClient

AGENT = AgentId("support")

# Postgres writes as many digits of a second as it needs, which Python 3.10 does not read.
moment = TypeAdapter(datetime).validate_python


@pytest.fixture
async def views(client: AsyncClient, stores: SupabaseStores, prefix: str) -> str:
    """What the names of the views of the test's own stores begin with."""
    arguments = {
        "p_prefix": prefix,
        "p_session_prefix": f"{prefix}s_",
        "p_customer_prefix": f"{prefix}c_",
        "p_variable_prefix": f"{prefix}v_",
    }
    reply: Any = (await client.rpc("parlant_create_views", arguments).execute()).data
    assert set(reply["views"].values()) == {"made"}
    return prefix


async def say(
    stores: SupabaseStores, session: SessionId, source: EventSource, who: str, text: str
) -> Event:
    data: Any = {"message": text, "participant": {"display_name": who}}
    return await stores["session_store"].create_event(
        session, source, EventKind.MESSAGE, "trace", data, {}
    )


async def read(client: AsyncClient, view: str, **where: str) -> list[dict[str, Any]]:
    """Rows of a view, over HTTP, as an application of the user's own may read them."""
    rows: Any = (await client.table(view).select("*").match(where).execute()).data
    return list(rows)


async def test_that_a_conversation_can_be_read(
    client: AsyncClient, stores: SupabaseStores, views: str
) -> None:
    began = datetime.now(timezone.utc)
    customer = await stores["customer_store"].create_customer("Ann", {"plan": "pro"})
    sessions = stores["session_store"]
    session = await sessions.create_session(customer.id, AGENT, title="Parcel", labels={"late"})
    first = await say(stores, session.id, EventSource.CUSTOMER, "Ann", "Where is it? 😀")
    await sessions.create_event(
        session.id,
        EventSource.AI_AGENT,
        EventKind.STATUS,
        "trace",
        {"status": "typing", "data": {}},
        {},
    )
    last = await say(stores, session.id, EventSource.AI_AGENT, "Support", "On its way.")
    slip = await say(stores, session.id, EventSource.AI_AGENT, "Support", "Or lost.")
    await sessions.delete_event(slip.id)

    messages = await read(client, f"{views}messages", session_id=session.id)
    (overview,) = await read(client, f"{views}session_overview", session_id=session.id)

    messages.sort(key=lambda message: message["event_offset"])
    assert [(m["who"], m["text"], m["source"], m["event_offset"]) for m in messages] == [
        ("Ann", "Where is it? 😀", "customer", 0),
        ("Support", "On its way.", "ai_agent", 2),
    ]
    assert [moment(m["sent_at"]) for m in messages] == [
        first.creation_utc,
        last.creation_utc,
    ]
    for row in (*messages, overview):
        assert (row["customer_id"], row["customer_name"]) == (customer.id, "Ann")
        assert row["agent_id"] == AGENT
    assert (overview["title"], overview["mode"], overview["labels"]) == ("Parcel", "auto", ["late"])
    assert overview["messages"] == 2
    assert (overview["last_message_from"], overview["last_message"]) == ("Support", "On its way.")
    assert moment(overview["created_at"]) == session.creation_utc >= began
    assert moment(overview["last_message_at"]) == last.creation_utc


async def test_that_customers_and_values_can_be_read(
    client: AsyncClient, stores: SupabaseStores, views: str
) -> None:
    customer = await stores["customer_store"].create_customer(
        "Ann", {"plan": "pro"}, tags=[TagId("vip"), TagId("member")]
    )
    session = await stores["session_store"].create_session(customer.id, AGENT)
    variable = await stores["variable_store"].create_variable("plan", "What is paid for")
    value = await stores["variable_store"].update_value(variable.id, customer.id, {"seats": 3})

    (overview,) = await read(client, f"{views}customer_overview", customer_id=customer.id)
    (row,) = await read(client, f"{views}variable_overview", variable_name="plan")

    assert overview["name"] == "Ann"
    assert sorted(overview["tags"]) == ["member", "vip"]
    assert overview["metadata"] == {"plan": "pro"}
    assert overview["sessions"] == 1
    assert moment(overview["last_session_at"]) == session.creation_utc
    assert (row["key"], row["customer_name"], row["value"]) == (customer.id, "Ann", {"seats": 3})
    assert moment(row["modified_at"]) == value.last_modified


async def test_that_the_guest_has_the_name_that_parlant_gives(
    client: AsyncClient, stores: SupabaseStores, views: str
) -> None:
    guest = await stores["customer_store"].read_customer(CustomerStore.GUEST_ID)
    session = await stores["session_store"].create_session(guest.id, AGENT)

    (overview,) = await read(client, f"{views}session_overview", session_id=session.id)

    assert overview["customer_name"] == guest.name
