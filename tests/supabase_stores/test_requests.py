"""Every method of the three interfaces is one request, whatever the number of documents."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any

import pytest
from parlant.core.agents import AgentId
from parlant.core.common import ItemNotFoundError
from parlant.core.context_variables import ContextVariableId, ContextVariableStore
from parlant.core.customers import CustomerId, CustomerStore
from parlant.core.persistence.common import SortDirection
from parlant.core.sessions import (
    EventId,
    EventKind,
    EventSource,
    PollingSessionListener,
    SessionId,
    SessionStore,
)
from parlant.core.tags import TagId
from parlant_supabase.stores import SupabaseStores

from tests.supabase_stores.conftest import OpenStores, RequestLog
from tests.tables import on

LONG_AGO = datetime(2001, 2, 3, tzinfo=timezone.utc)
SESSION, EVENT = SessionId("s"), EventId("e")
CUSTOMER, VARIABLE, TAG = CustomerId("c"), ContextVariableId("v"), TagId("t")

Call = Callable[[Any], Awaitable[object]]

# {method: calls that take every way through it}
SESSION_CALLS: dict[str, list[Call]] = {
    "create_session": [lambda s: s.create_session(CUSTOMER, AgentId("a"), labels={"x"})],
    "read_session": [lambda s: s.read_session(SESSION)],
    "delete_session": [lambda s: s.delete_session(SESSION)],
    "update_session": [
        lambda s: s.update_session(SESSION, {"title": "New"}),
        lambda s: s.update_session(SESSION, {}),
    ],
    "list_sessions": [
        lambda s: s.list_sessions(),
        lambda s: s.list_sessions(AgentId("a"), CUSTOMER, 2, None, SortDirection.DESC, {"x"}),
    ],
    "set_metadata": [lambda s: s.set_metadata(SESSION, "k", 1)],
    "unset_metadata": [lambda s: s.unset_metadata(SESSION, "k")],
    "upsert_labels": [lambda s: s.upsert_labels(SESSION, {"x", "y"})],
    "remove_labels": [lambda s: s.remove_labels(SESSION, {"x", "y"})],
    "create_event": [
        lambda s: s.create_event(SESSION, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {}),
        lambda s: s.create_event(
            SESSION, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {}, {"k": 1}, LONG_AGO
        ),
    ],
    "read_event": [lambda s: s.read_event(SESSION, EVENT)],
    "delete_event": [lambda s: s.delete_event(EVENT)],
    "list_events": [
        lambda s: s.list_events(SESSION),
        lambda s: s.list_events(SESSION, EventSource.SYSTEM, "t", list(EventKind), 1, False),
    ],
    "update_event": [
        lambda s: s.update_event(SESSION, EVENT, {"data": 1, "metadata": {}}),
        lambda s: s.update_event(SESSION, EVENT, {}),
    ],
}
CUSTOMER_CALLS: dict[str, list[Call]] = {
    "create_customer": [
        lambda s: s.create_customer("Ann"),
        lambda s: s.create_customer(
            "Ann", {"k": "v"}, LONG_AGO, [TAG, TagId("u")], CustomerId("d")
        ),
    ],
    "read_customer": [lambda s: s.read_customer(CUSTOMER)],
    "update_customer": [lambda s: s.update_customer(CUSTOMER, {"name": "Bob"})],
    "delete_customer": [lambda s: s.delete_customer(CUSTOMER)],
    "list_customers": [
        lambda s: s.list_customers(),
        lambda s: s.list_customers([]),
        lambda s: s.list_customers([TAG, TagId("u")], 2, None, SortDirection.DESC),
    ],
    "upsert_tag": [lambda s: s.upsert_tag(CUSTOMER, TAG)],
    "remove_tag": [lambda s: s.remove_tag(CUSTOMER, TAG)],
    "upsert_extra": [lambda s: s.upsert_extra(CUSTOMER, {"k": "v"})],
    "remove_extra": [lambda s: s.remove_extra(CUSTOMER, ["k"])],
}
VARIABLE_CALLS: dict[str, list[Call]] = {
    "create_variable": [
        lambda s: s.create_variable("plan"),
        lambda s: s.create_variable("plan", tags=[TAG, TagId("u")]),
    ],
    "update_variable": [lambda s: s.update_variable(VARIABLE, {"name": "x"})],
    "delete_variable": [lambda s: s.delete_variable(VARIABLE)],
    "list_variables": [
        lambda s: s.list_variables(),
        lambda s: s.list_variables([]),
        lambda s: s.list_variables([TAG, TagId("u")]),
    ],
    "read_variable": [lambda s: s.read_variable(VARIABLE)],
    "update_value": [lambda s: s.update_value(VARIABLE, "k", {"a": 1})],
    "read_value": [lambda s: s.read_value(VARIABLE, "k")],
    "delete_value": [lambda s: s.delete_value(VARIABLE, "k")],
    "list_values": [lambda s: s.list_values(VARIABLE)],
    "add_variable_tag": [lambda s: s.add_variable_tag(VARIABLE, TAG)],
    "remove_variable_tag": [lambda s: s.remove_variable_tag(VARIABLE, TAG)],
}
CALLS = {
    "session_store": SESSION_CALLS,
    "customer_store": CUSTOMER_CALLS,
    "variable_store": VARIABLE_CALLS,
}


@pytest.mark.parametrize(
    ("interface", "calls"),
    [
        (SessionStore, SESSION_CALLS),
        (CustomerStore, CUSTOMER_CALLS),
        (ContextVariableStore, VARIABLE_CALLS),
    ],
)
def test_that_the_calls_below_are_the_whole_interface(
    interface: type, calls: dict[str, list[Call]]
) -> None:
    methods = {
        name
        for name, method in inspect.getmembers(interface, inspect.isfunction)
        if not name.startswith("_")
    }
    assert methods == calls.keys()


async def test_that_each_method_is_one_request_where_nothing_is_stored(
    stores: SupabaseStores, requests: RequestLog
) -> None:
    await _assert_one_request_each(stores, requests)


async def test_that_each_method_is_one_request_where_much_is_stored(
    stores: SupabaseStores, requests: RequestLog
) -> None:
    sessions, customers, variables = (
        stores["session_store"],
        stores["customer_store"],
        stores["variable_store"],
    )
    for number in range(5):
        session = await sessions.create_session(CUSTOMER, AgentId("a"), labels={"x"})
        for _ in range(5):
            event = await sessions.create_event(
                session.id, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {}
            )
        await customers.create_customer(f"Customer {number}", tags=[TAG])
        variable = await variables.create_variable(f"Variable {number}", tags=[TAG])
        await variables.update_value(variable.id, "k", number)
        await variables.update_value(variable.id, "l", number)
    await customers.create_customer("Customer", tags=[TAG], id=CUSTOMER)

    stored = {SESSION: session.id, EVENT: event.id, CUSTOMER: CUSTOMER, VARIABLE: variable.id}
    for name, calls in CALLS.items():
        store = _WithStoredIds(stores[name], stored)  # type: ignore[literal-required]
        # What deletes comes last, so that the others find what they are for.
        for method in sorted(calls, key=lambda method: method.startswith(("delete", "remove"))):
            for call in calls[method]:
                await _assert_one_request(store, method, call, requests)


async def test_that_reading_the_guest_is_no_request(
    stores: SupabaseStores, requests: RequestLog
) -> None:
    requests.functions.clear()
    await stores["customer_store"].read_customer(CustomerStore.GUEST_ID)

    assert requests.functions == []


async def test_that_a_session_of_a_thousand_events_is_deleted_in_one_request(
    stores: SupabaseStores, requests: RequestLog, prefix: str, sql: Any
) -> None:
    store = stores["session_store"]
    session = await store.create_session(CUSTOMER, AgentId("a"))
    kept = await store.create_session(CUSTOMER, AgentId("a"))
    for session_id in (session.id, kept.id):
        await store.create_event(session_id, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {})
        sql.execute(
            on(
                "insert into {} (data)"
                " select e.data || jsonb_build_object('id', %s || n, 'offset', n)"
                " from {} as e, generate_series(1, 999) as n where e.session_id = %s",
                f"{prefix}s_events",
                f"{prefix}s_events",
            ),
            (session_id, session_id),
        )
    assert len(await store.list_events(session.id)) == 1_000

    requests.functions.clear()
    await store.delete_session(session.id)

    assert requests.functions == ["parlant_delete_session"]
    assert len(await store.list_events(kept.id)) == 1_000
    [(left,)] = sql.execute(on("select count(*) from {}", f"{prefix}s_events")).fetchall()
    assert left == 1_000


async def test_that_a_store_is_opened_in_few_requests(
    open_stores: OpenStores, requests: RequestLog
) -> None:
    async with open_stores():
        pass
    first = len(requests.functions)
    requests.functions.clear()
    async with open_stores():
        pass

    assert first == len(requests.functions) + 3, "each store writes down its version, once"
    assert sorted(requests.functions) == sorted(
        ["parlant_get_version", *["parlant_open_store"] * 3, *["parlant_ensure_indexes"] * 4]
    )


async def test_that_a_waiting_client_costs_one_request_for_each_look(
    stores: SupabaseStores, requests: RequestLog
) -> None:
    store = stores["session_store"]
    session = await store.create_session(CUSTOMER, AgentId("a"))

    class Looks:
        """Three looks, none of which waits."""

        left = 3

        def expired(self) -> bool:
            self.left -= 1
            return self.left == 0

        async def wait_up_to(self, seconds: float) -> bool:
            return False

    requests.functions.clear()
    arrived = await PollingSessionListener(store).wait_for_more_events(
        session.id,
        min_offset=0,
        timeout=Looks(),  # type: ignore[arg-type]
    )

    assert not arrived
    # The first look of Parlant's listener is preceded by one whether there is such a session.
    assert requests.functions == ["parlant_find_one"] + ["parlant_list_events"] * 3


class _WithStoredIds:
    """A store that is asked for what is stored, where the calls above name it."""

    def __init__(self, store: Any, stored: dict[Any, Any]) -> None:
        self._store = store
        self._stored = stored

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*arguments: Any, **more: Any) -> Any:
            known = [
                self._stored.get(argument, argument) if isinstance(argument, str) else argument
                for argument in arguments
            ]
            return method(*known, **more)

        return call


async def _assert_one_request_each(stores: SupabaseStores, requests: RequestLog) -> None:
    for name, calls in CALLS.items():
        for method in calls:
            for call in calls[method]:
                await _assert_one_request(
                    stores[name],  # type: ignore[literal-required]
                    method,
                    call,
                    requests,
                )


async def _assert_one_request(store: Any, method: str, call: Call, requests: RequestLog) -> None:
    requests.functions.clear()
    with suppress(ItemNotFoundError):
        await call(store)
    assert len(requests.functions) == 1, f"{method}: {requests.functions}"
