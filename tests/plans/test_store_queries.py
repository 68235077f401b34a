"""Every query of Parlant's three stores is one request, answered from an index.

At 100,000 events over 1,000 sessions, from the plans by which the statements were executed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

import pytest
from parlant.core.agents import AgentId
from parlant.core.context_variables import ContextVariableDocumentStore, ContextVariableId
from parlant.core.customers import CustomerDocumentStore, CustomerId
from parlant.core.persistence.common import Cursor, ObjectId, SortDirection
from parlant.core.sessions import (
    EventId,
    EventKind,
    EventSource,
    SessionDocumentStore,
    SessionId,
)
from parlant.core.tags import TagId

from tests.plans.conftest import (
    CUSTOMERS,
    EVENTS_PER_SESSION,
    TAGS_PER_CUSTOMER,
    TAGS_PER_VARIABLE,
    VALUES_PER_VARIABLE,
    VARIABLES,
    Call,
    Stores,
    tagged,
)
from tests.plans.plan import Execution

# The stores are shared by all tests, and with them one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="module")

Explain = Callable[[str, Mapping[str, Any]], Execution]

ANN, AGENT, SESSION = CustomerId("c1"), AgentId("a1"), SessionId("s5")
PLAN = ContextVariableId("v1")
TAGS = [TagId("tag1"), TagId("tag2")]
MIDDLE = Cursor("2026-01-01T00:10:00+00:00", ObjectId("s600"))

READ_SESSION = "sessions find_one id $eq"
READ_EVENT = "events find_one id $eq"
READ_CUSTOMER = "customers find_one id $eq"
READ_CUSTOMER_TAGS = "customer_tag_associations find customer_id $eq"
READ_VARIABLE = "variables find_one id $eq"
READ_VARIABLE_TAGS = "variable_tag_associations find variable_id $eq"
TAGGED_CUSTOMERS = tagged(CUSTOMERS, TAGS_PER_CUSTOMER, 5, 6)
TAGGED_VARIABLES = tagged(VARIABLES, TAGS_PER_VARIABLE, 5, 6)


class Operation(NamedTuple):
    """A store's method, what it asks the database, and the most rows that one answer may read."""

    method: str
    perform: Callable[[Stores], Awaitable[object]]
    queries: list[str]
    reads: int


def op(
    method: str, perform: Callable[[Any], Awaitable[object]], *queries: str, reads: int = 5
) -> Operation:
    return Operation(method, perform, list(queries), reads)


OPERATIONS: dict[str, Operation] = {
    # Sessions
    "create a session": op(
        "sessions.create_session",
        lambda s: s.sessions.create_session(ANN, AGENT),
        "sessions insert_one",
    ),
    "read a session": op(
        "sessions.read_session", lambda s: s.sessions.read_session(SESSION), READ_SESSION
    ),
    "update a session": op(
        "sessions.update_session",
        lambda s: s.sessions.update_session(SESSION, {"title": "Parcel"}),
        READ_SESSION,
        "sessions update_one id $eq",
    ),
    "set metadata": op(
        "sessions.set_metadata",
        lambda s: s.sessions.set_metadata(SESSION, "key", "value"),
        READ_SESSION,
        "sessions update_one id $eq",
    ),
    "unset metadata": op(
        "sessions.unset_metadata",
        lambda s: s.sessions.unset_metadata(SESSION, "key"),
        READ_SESSION,
        "sessions update_one id $eq",
    ),
    "add labels": op(
        "sessions.upsert_labels",
        lambda s: s.sessions.upsert_labels(SESSION, {"vip"}),
        READ_SESSION,
        "sessions update_one id $eq",
    ),
    "remove labels": op(
        "sessions.remove_labels",
        lambda s: s.sessions.remove_labels(SESSION, {"vip"}),
        READ_SESSION,
        "sessions update_one id $eq",
    ),
    "list an agent's sessions": op(
        "sessions.list_sessions",
        lambda s: s.sessions.list_sessions(agent_id=AGENT),
        "sessions find agent_id $eq",
        reads=30,
    ),
    "list a customer's sessions, latest first": op(
        "sessions.list_sessions",
        lambda s: s.sessions.list_sessions(
            customer_id=ANN, limit=20, sort_direction=SortDirection.DESC
        ),
        "sessions find customer_id $eq limit desc",
    ),
    "list a customer's sessions with an agent": op(
        "sessions.list_sessions",
        lambda s: s.sessions.list_sessions(agent_id=AGENT, customer_id=ANN),
        "sessions find agent_id $eq customer_id $eq",
    ),
    "list the next page of an agent's sessions": op(
        "sessions.list_sessions",
        lambda s: s.sessions.list_sessions(agent_id=AGENT, limit=3, cursor=MIDDLE),
        "sessions find agent_id $eq limit cursor",
        # The page, and once more all that come after it, to count them.
        reads=4 + 30,
    ),
    "delete a session": op(
        "sessions.delete_session",
        lambda s: s.sessions.delete_session(SessionId("s9")),
        "events find session_id $eq",
        *["events delete_one id $eq"] * EVENTS_PER_SESSION,
        "sessions delete_one id $eq",
        reads=2 * EVENTS_PER_SESSION,
    ),
    # Events
    "create an event": op(
        "sessions.create_event",
        lambda s: s.sessions.create_event(
            SESSION, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {"message": "Hello"}
        ),
        READ_SESSION,
        "events find_one session_id $eq sort offset desc",
        "events insert_one",
    ),
    "list events": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(SESSION),
        READ_SESSION,
        "events find session_id $eq deleted $eq",
        reads=EVENTS_PER_SESSION + 10,
    ),
    "list events, deleted ones too": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(SESSION, exclude_deleted=False),
        READ_SESSION,
        "events find session_id $eq",
        reads=EVENTS_PER_SESSION + 10,
    ),
    "list events of a source": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(SESSION, source=EventSource.AI_AGENT),
        READ_SESSION,
        "events find session_id $eq source $eq deleted $eq",
        reads=EVENTS_PER_SESSION + 10,
    ),
    "list new events": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(SESSION, min_offset=96),
        READ_SESSION,
        "events find session_id $eq offset $gte deleted $eq",
        reads=10,
    ),
    "list events of a trace": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(SESSION, trace_id="t2501"),
        READ_SESSION,
        "events find session_id $eq trace_id $eq deleted $eq",
        reads=EVENTS_PER_SESSION + 10,
    ),
    "list events of several kinds and everything else": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(
            SESSION,
            source=EventSource.CUSTOMER,
            trace_id="t2501",
            kinds=[EventKind.MESSAGE, EventKind.TOOL],
            min_offset=50,
        ),
        READ_SESSION,
        "events find any: session_id $eq source $eq offset $gte trace_id $eq deleted $eq kind $eq",
        reads=60,
    ),
    "list events of one kind": op(
        "sessions.list_events",
        lambda s: s.sessions.list_events(SESSION, kinds=[EventKind.MESSAGE]),
        READ_SESSION,
        "events find any: session_id $eq deleted $eq kind $eq",
        reads=EVENTS_PER_SESSION + 10,
    ),
    "read an event": op(
        "sessions.read_event",
        lambda s: s.sessions.read_event(SESSION, EventId("e2005")),
        READ_SESSION,
        READ_EVENT,
    ),
    "update an event": op(
        "sessions.update_event",
        lambda s: s.sessions.update_event(SESSION, EventId("e2005"), {"data": {"message": "!"}}),
        "events find_one id $eq session_id $eq deleted $ne",
        "events update_one id $eq session_id $eq",
    ),
    "delete an event": op(
        "sessions.delete_event",
        lambda s: s.sessions.delete_event(EventId("e3005")),
        "events update_one id $eq",
    ),
    # Customers
    "create a customer": op(
        "customers.create_customer",
        lambda s: s.customers.create_customer("Ann", tags=TAGS),
        "customers insert_one",
        *["customer_tag_associations insert_one"] * 2,
    ),
    "create a customer with an id": op(
        "customers.create_customer",
        lambda s: s.customers.create_customer("Bob", id=CustomerId("bob")),
        READ_CUSTOMER,
        "customers insert_one",
    ),
    "read a customer": op(
        "customers.read_customer",
        lambda s: s.customers.read_customer(ANN),
        READ_CUSTOMER,
        READ_CUSTOMER_TAGS,
    ),
    "update a customer": op(
        "customers.update_customer",
        lambda s: s.customers.update_customer(ANN, {"name": "Ann"}),
        READ_CUSTOMER,
        "customers update_one id $eq",
        READ_CUSTOMER_TAGS,
    ),
    "add to a customer's extras": op(
        "customers.upsert_extra",
        lambda s: s.customers.upsert_extra(ANN, {"plan": "pro"}),
        READ_CUSTOMER,
        "customers update_one id $eq",
        READ_CUSTOMER_TAGS,
    ),
    "remove from a customer's extras": op(
        "customers.remove_extra",
        lambda s: s.customers.remove_extra(ANN, ["plan"]),
        READ_CUSTOMER,
        "customers update_one id $eq",
        READ_CUSTOMER_TAGS,
    ),
    "add a customer's tag": op(
        "customers.upsert_tag",
        lambda s: s.customers.upsert_tag(ANN, TagId("new")),
        READ_CUSTOMER,
        READ_CUSTOMER_TAGS,
        "customer_tag_associations insert_one",
        READ_CUSTOMER,
    ),
    "remove a customer's tag": op(
        "customers.remove_tag",
        lambda s: s.customers.remove_tag(CustomerId("c2"), TagId("tag2")),
        "customer_tag_associations delete_one customer_id $eq tag_id $eq",
        READ_CUSTOMER,
    ),
    "list customers by tags": op(
        "customers.list_customers",
        lambda s: s.customers.list_customers(tags=[TagId("tag5"), TagId("tag6")]),
        "customer_tag_associations find any: tag_id $eq",
        "customers find any: id $eq",
        *[READ_CUSTOMER_TAGS] * len(TAGGED_CUSTOMERS),
        reads=len(TAGGED_CUSTOMERS),
    ),
    "delete a customer": op(
        "customers.delete_customer",
        lambda s: s.customers.delete_customer(CustomerId("c4999")),
        "customers delete_one id $eq",
    ),
    # Variables
    "create a variable": op(
        "variables.create_variable",
        lambda s: s.variables.create_variable("plan", tags=[TagId("tag1")]),
        "variables insert_one",
        "variable_tag_associations insert_one",
    ),
    "read a variable": op(
        "variables.read_variable",
        lambda s: s.variables.read_variable(PLAN),
        READ_VARIABLE,
        READ_VARIABLE_TAGS,
        reads=20,
    ),
    "update a variable": op(
        "variables.update_variable",
        lambda s: s.variables.update_variable(PLAN, {"name": "plan"}),
        READ_VARIABLE,
        "variables update_one id $eq",
        READ_VARIABLE_TAGS,
        reads=2 * TAGS_PER_VARIABLE,
    ),
    "add a variable's tag": op(
        "variables.add_variable_tag",
        lambda s: s.variables.add_variable_tag(PLAN, TagId("new")),
        READ_VARIABLE,
        READ_VARIABLE_TAGS,
        "variable_tag_associations insert_one",
        READ_VARIABLE,
        READ_VARIABLE_TAGS,
        reads=2 * TAGS_PER_VARIABLE,
    ),
    "remove a variable's tag": op(
        "variables.remove_variable_tag",
        lambda s: s.variables.remove_variable_tag(ContextVariableId("v2"), TagId("tag2")),
        "variable_tag_associations delete_one variable_id $eq tag_id $eq",
        READ_VARIABLE,
        READ_VARIABLE_TAGS,
        reads=2 * TAGS_PER_VARIABLE,
    ),
    "list variables by tags": op(
        "variables.list_variables",
        lambda s: s.variables.list_variables([TagId("tag5"), TagId("tag6")]),
        "variable_tag_associations find any: tag_id $eq",
        "variables find any: id $eq",
        *[READ_VARIABLE_TAGS] * len(TAGGED_VARIABLES),
        reads=TAGS_PER_VARIABLE * 2,
    ),
    "delete a variable": op(
        "variables.delete_variable",
        lambda s: s.variables.delete_variable(ContextVariableId("v150")),
        "variables delete_one id $eq",
        READ_VARIABLE_TAGS,
        *["variable_tag_associations delete_one id $eq"] * TAGS_PER_VARIABLE,
        "values find variable_id $eq",
        *["values delete_one variable_id $eq key $eq"] * VALUES_PER_VARIABLE,
        reads=VALUES_PER_VARIABLE + 10,
    ),
    # Values
    "read a value": op(
        "variables.read_value",
        lambda s: s.variables.read_value(PLAN, "c5"),
        "values find_one variable_id $eq key $eq",
    ),
    "read a value that is not there": op(
        "variables.read_value",
        lambda s: s.variables.read_value(PLAN, "nobody"),
        "values find_one variable_id $eq key $eq",
    ),
    "update a value": op(
        "variables.update_value",
        lambda s: s.variables.update_value(PLAN, "c5", {"plan": "pro"}),
        "values update_one variable_id $eq key $eq upsert",
    ),
    "write a new value": op(
        "variables.update_value",
        lambda s: s.variables.update_value(PLAN, "new", {"plan": "pro"}),
        "values update_one variable_id $eq key $eq upsert",
    ),
    "list a variable's values": op(
        "variables.list_values",
        lambda s: s.variables.list_values(ContextVariableId("v3")),
        "values find variable_id $eq",
        reads=VALUES_PER_VARIABLE + 10,
    ),
    "delete a value": op(
        "variables.delete_value",
        lambda s: s.variables.delete_value(ContextVariableId("v4"), "c4"),
        "values delete_one variable_id $eq key $eq",
    ),
}

# These ask for every document, or all but some; a page of them is read in an index's order.
PAGES: dict[str, Operation] = {
    "list sessions page by page": op(
        "sessions.list_sessions",
        lambda s: s.sessions.list_sessions(limit=20),
        "sessions find {} limit",
        reads=21,
    ),
    "list the next page of sessions, latest first": op(
        "sessions.list_sessions",
        lambda s: s.sessions.list_sessions(
            limit=20, cursor=MIDDLE, sort_direction=SortDirection.DESC
        ),
        "sessions find {} limit cursor desc",
        reads=21,
    ),
    "list customers page by page": op(
        "customers.list_customers",
        lambda s: s.customers.list_customers(limit=11),
        "customers find {} limit",
        *[READ_CUSTOMER_TAGS] * 10,
        reads=11,
    ),
}
WHOLES: dict[str, Operation] = {
    "list sessions": op(
        "sessions.list_sessions", lambda s: s.sessions.list_sessions(), "sessions find {}"
    ),
    "list customers without tags": op(
        "customers.list_customers",
        lambda s: s.customers.list_customers(tags=[]),
        "customer_tag_associations find {}",
        "customers find all: id $ne",
    ),
    "list variables": op(
        "variables.list_variables", lambda s: s.variables.list_variables(), "variables find {}"
    ),
    "list variables without tags": op(
        "variables.list_variables",
        lambda s: s.variables.list_variables(tags=[]),
        "variable_tag_associations find {}",
        "variables find all: id $ne",
    ),
}


def calls(requests: Iterable[Call]) -> Iterator[Call]:
    """The calls in the requests; calls at the same moment may travel in one."""
    for function, arguments in requests:
        if function == "parlant_execute":
            for alike in arguments["p_calls"]:
                for each in alike["arguments"]:
                    yield f"parlant_{alike['function']}", each
        else:
            yield function, arguments


def describe(call: Call) -> str:
    """A query without its values, such as "events find session_id $eq limit"."""
    function, arguments = call
    operation = function.removeprefix("parlant_")
    words = [arguments["p_collection"], operation]
    if operation != "insert_one":
        words.append(_describe_filters(arguments["p_filters"]))
    for field, direction in arguments.get("p_sort") or ():
        words.append(f"sort {field} {direction}")
    words += [name for name in ("limit", "cursor") if arguments.get(f"p_{name}") is not None]
    if arguments.get("p_sort_direction") == "desc":
        words.append("desc")
    if arguments.get("p_upsert"):
        words.append("upsert")
    return " ".join(words)


def _describe_filters(filters: dict[str, Any]) -> str:
    if not filters:
        return "{}"
    for operator, name in (("$or", "any"), ("$and", "all")):
        if operator in filters:
            (member,) = {_describe_filters(member) for member in filters[operator]}
            return f"{name}: {member}"
    return " ".join(f"{field} {op}" for field, condition in filters.items() for op in condition)


async def performed(stores: Stores, operation: Operation) -> list[Call]:
    await operation.perform(stores)
    return list(calls(stores.requests))


def by_description(made: list[Call]) -> dict[str, Call]:
    """One of the calls for each description."""
    return {describe(call): call for call in made}


@pytest.mark.parametrize("name", OPERATIONS)
async def test_that_an_operation_sends_one_request_per_query_and_each_uses_an_index(
    stores: Stores, explain: Explain, name: str
) -> None:
    operation = OPERATIONS[name]

    made = await performed(stores, operation)

    assert [describe(call) for call in made] == operation.queries
    assert len(stores.requests) <= len(made)
    for description, (function, arguments) in by_description(made).items():
        execution = explain(function, arguments)
        assert execution.without_index == [], description
        assert execution.read <= operation.reads, (description, execution)


@pytest.mark.parametrize("name", PAGES)
async def test_that_a_page_of_everything_is_read_in_the_order_of_an_index(
    stores: Stores, explain: Explain, name: str
) -> None:
    operation = PAGES[name]

    made = await performed(stores, operation)

    assert [describe(call) for call in made] == operation.queries
    assert len(stores.requests) <= len(made)
    for description, (function, arguments) in by_description(made).items():
        execution = explain(function, arguments)
        page, *counts = execution.scans
        assert page.index is not None, description
        assert page.read <= operation.reads, (description, execution)
        # What a page leaves is counted once, in the documents' own order, and not sorted.
        assert len(counts) <= 1
        assert execution.sorted_rows <= operation.reads


@pytest.mark.parametrize("name", WHOLES)
async def test_that_what_asks_for_everything_reads_everything_once(
    stores: Stores, explain: Explain, name: str
) -> None:
    operation = WHOLES[name]

    made = await performed(stores, operation)

    described = by_description(made)
    assert list(described)[: len(operation.queries)] == operation.queries
    assert len(stores.requests) <= len(made)
    for description in operation.queries:
        assert len(explain(*described[description]).scans) == 1, description


async def test_that_every_method_of_the_stores_is_among_the_operations() -> None:
    methods = {
        f"{name}.{method}"
        for name, store in (
            ("sessions", SessionDocumentStore),
            ("customers", CustomerDocumentStore),
            ("variables", ContextVariableDocumentStore),
        )
        for method in dir(store)
        if not method.startswith("_") and callable(getattr(store, method))
    }
    tried = {
        operation.method for group in (OPERATIONS, PAGES, WHOLES) for operation in group.values()
    }

    assert tried == methods


async def test_that_opening_a_store_costs_the_same_whatever_it_holds(
    stores: Stores, explain: Explain
) -> None:
    execution = explain(
        "parlant_get_or_create_collection",
        {"p_prefix": "plans_sessions_", "p_collection": "events", "p_version": "0.9.0"},
    )

    assert execution.without_index == []
    assert execution.read == 0
    # Two ways down an index.
    assert execution.blocks <= 12


async def test_that_an_event_at_the_default_order_needs_no_sort_for_a_page(
    stores: Stores, explain: Explain
) -> None:
    execution = explain(
        "parlant_find",
        {
            "p_prefix": "plans_sessions_",
            "p_collection": "events",
            "p_filters": {"session_id": {"$eq": cast(str, SESSION)}},
            "p_limit": 5,
        },
    )

    page, count = execution.scans
    assert page.read <= 6
    assert count.read <= EVENTS_PER_SESSION + 10
    assert execution.sorted_rows == 0
