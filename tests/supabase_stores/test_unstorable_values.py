"""Whatever characters and numbers arrive, from whomever, a conversation goes on."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from parlant.core.agents import AgentId
from parlant.core.customers import CustomerId
from parlant.core.sessions import EventKind, EventSource
from parlant.core.tags import TagId
from parlant_supabase.stores import SupabaseStores

ANY_TEXT = st.text(
    st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), min_size=1, max_size=8
)

# The stores of one test serve all examples.
EXAMPLES = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def stored(text: str) -> str:
    return "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)


@EXAMPLES
@example("\0").via("a customer's keyboard")
@example("half \ud83d").via("a message that was cut off")
@given(text=ANY_TEXT)
async def test_that_a_session_takes_any_text(stores: SupabaseStores, text: str) -> None:
    sessions = stores["session_store"]
    session = await sessions.create_session(
        CustomerId(text), AgentId(text), title=text, metadata={text: text}, labels={text}
    )
    await sessions.set_metadata(session.id, text, {"value": [text, math.nan]})
    await sessions.upsert_labels(session.id, {text, "more"})
    event = await sessions.create_event(
        session.id,
        EventSource.AI_AGENT,
        EventKind.TOOL,
        text,
        {"tool_calls": [{"result": {"data": text, "weight": math.inf}}]},
        metadata={text: text},
    )
    await sessions.update_event(session.id, event.id, {"metadata": {"again": text}})

    read = await sessions.read_session(session.id)
    assert (read.title, read.agent_id) == (stored(text), stored(text))
    assert read.metadata == {stored(text): {"value": [stored(text), None]}}
    assert read.labels == {stored(text), "more"}
    listed = await sessions.list_sessions(AgentId(text), CustomerId(text), labels={text})
    assert session.id in [each.id for each in listed.items]
    (found,) = await sessions.list_events(session.id, trace_id=text)
    assert found.data == {"tool_calls": [{"result": {"data": stored(text), "weight": None}}]}
    assert found.metadata == {"again": stored(text)}
    await sessions.unset_metadata(session.id, text)
    await sessions.remove_labels(session.id, {text})
    read = await sessions.read_session(session.id)
    assert (read.metadata, read.labels) == ({}, {"more"} - {stored(text)})


@EXAMPLES
@example("\0").via("a form")
@example("\udfff").via("a form")
@given(text=ANY_TEXT)
async def test_that_a_customer_takes_any_text(stores: SupabaseStores, text: str) -> None:
    customers = stores["customer_store"]
    customer = await customers.create_customer(text, extra={text: text}, tags=[TagId(text)])
    await customers.upsert_extra(customer.id, {"more": text})
    await customers.update_customer(customer.id, {"name": text + text})
    await customers.upsert_tag(customer.id, TagId("other" + text))

    read = await customers.read_customer(customer.id)
    assert read.name == stored(text + text)
    assert read.extra == {stored(text): stored(text), "more": stored(text)}
    assert sorted(read.tags) == sorted([stored(text), stored("other" + text)])
    listed = await customers.list_customers(tags=[TagId(text)])
    assert customer.id in [each.id for each in listed]
    await customers.remove_tag(customer.id, TagId(text))
    await customers.remove_extra(customer.id, [text])
    assert stored(text) not in (await customers.read_customer(customer.id)).extra
    await customers.delete_customer(customer.id)


@EXAMPLES
@example("\0").via("a tool")
@example("\ud800").via("a tool")
@given(text=ANY_TEXT)
async def test_that_a_variable_takes_any_text(stores: SupabaseStores, text: str) -> None:
    variables = stores["variable_store"]
    variable = await variables.create_variable(text, description=text, tags=[TagId(text)])
    await variables.update_value(variable.id, text, {text: [text, -math.inf]})
    await variables.update_value(variable.id, text, {text: text})

    value = await variables.read_value(variable.id, text)
    assert value is not None
    assert value.data == {stored(text): stored(text)}
    assert [key for key, _ in await variables.list_values(variable.id)] == [stored(text)]
    assert variable.id in [each.id for each in await variables.list_variables([TagId(text)])]
    await variables.delete_value(variable.id, text)
    assert await variables.read_value(variable.id, text) is None
    await variables.remove_variable_tag(variable.id, TagId(text))
    await variables.delete_variable(variable.id)


async def test_that_one_warning_names_the_field_and_not_what_is_in_it(
    stores: SupabaseStores, caplog: pytest.LogCaptureFixture
) -> None:
    sessions = stores["session_store"]
    session = await sessions.create_session(CustomerId("ann"), AgentId("support"))
    data: Any = {"message": "secret \0", "participant": {"display_name": "Ann"}}

    await sessions.create_event(session.id, EventSource.CUSTOMER, EventKind.MESSAGE, "trace", data)

    (warning,) = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    assert "document['data']['message']" in warning
    assert "secret" not in warning
