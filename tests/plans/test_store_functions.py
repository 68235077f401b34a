"""What the functions of the stores read, on tables of up to a hundred thousand documents."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.plans.conftest import (
    CUSTOMERS,
    EVENTS_PER_SESSION,
    PREFIX,
    TAGS,
    TAGS_PER_CUSTOMER,
    TAGS_PER_VARIABLE,
    UNTAGGED,
    VALUES_PER_VARIABLE,
    VARIABLES,
    tagged,
)
from tests.plans.plan import Execution
from tests.tables import on

Explain = Callable[[str, dict[str, Any]], Execution]

SESSIONS_PREFIX, CUSTOMERS_PREFIX, VARIABLES_PREFIX = (
    f"{PREFIX}sessions_",
    f"{PREFIX}customers_",
    f"{PREFIX}context_variables_",
)
EVENT = {"id": "new", "session_id": "s7", "data": {}}
CUSTOMER = {"id": "new", "creation_utc": "", "name": "x", "extra": {}}
VARIABLE = {"id": "new", "creation_utc": "", "name": "x"}

# (function, its arguments, how many documents it may read)
POINTS: list[tuple[str, dict[str, Any], int]] = [
    ("create_event", {"p_event": EVENT}, 2),
    # Beside what create_event reads, whether it is a repetition, and the newest event since.
    (
        "create_events",
        {"p_session_id": "s7", "p_events": [{"id": "new"}], "p_params": {"mode": "manual"}},
        5,
    ),
    ("read_event", {"p_session_id": "s7", "p_event_id": "e7"}, 2),
    ("list_events", {"p_session_id": "s7"}, 1 + EVENTS_PER_SESSION),
    # An index on the offset serves it, or the one on the session, whichever is thought cheaper.
    (
        "list_events",
        {"p_session_id": "s7", "p_min_offset": EVENTS_PER_SESSION - 1},
        1 + EVENTS_PER_SESSION,
    ),
    (
        "list_events",
        {"p_session_id": "s7", "p_kinds": ["message"], "p_trace_id": "t1", "p_source": "customer"},
        1 + EVENTS_PER_SESSION,
    ),
    ("delete_session", {"p_session_id": "s7"}, 1 + EVENTS_PER_SESSION),
    ("list_sessions", {"p_customer_id": "c7"}, 2),
    ("update_session_metadata", {"p_session_id": "s7", "p_set": {"k": 1}}, 1),
    ("update_session_labels", {"p_session_id": "s7", "p_added": ["x"]}, 1),
    ("create_customer", {"p_customer": CUSTOMER, "p_associations": []}, 0),
    ("read_customer", {"p_customer_id": "c7"}, 1 + TAGS_PER_CUSTOMER),
    ("update_customer", {"p_customer_id": "c7", "p_params": {"name": "x"}}, 2 + TAGS_PER_CUSTOMER),
    ("delete_customer", {"p_customer_id": "c7"}, 1 + TAGS_PER_CUSTOMER),
    (
        "upsert_customer_tag",
        {"p_association": {"id": "new", "customer_id": "c7", "tag_id": "new"}},
        1 + TAGS_PER_CUSTOMER,
    ),
    (
        "remove_customer_tag",
        {"p_customer_id": "c7", "p_tag_id": "tag7"},
        4 + TAGS_PER_CUSTOMER,
    ),
    ("create_variable", {"p_variable": VARIABLE, "p_associations": []}, 1),
    ("read_variable", {"p_variable_id": "v7"}, 1 + TAGS_PER_VARIABLE),
    ("update_variable", {"p_variable_id": "v7", "p_params": {"name": "x"}}, 2 + TAGS_PER_VARIABLE),
    ("delete_variable", {"p_variable_id": "v7"}, 1 + TAGS_PER_VARIABLE + VALUES_PER_VARIABLE),
    (
        "add_variable_tag",
        {"p_association": {"id": "new", "variable_id": "v7", "tag_id": "new"}},
        2 + 2 * TAGS_PER_VARIABLE + 1,
    ),
    (
        "remove_variable_tag",
        {"p_variable_id": "v7", "p_tag_id": "tag7"},
        4 + TAGS_PER_VARIABLE,
    ),
]

PREFIXES = {
    "event": SESSIONS_PREFIX,
    "session": SESSIONS_PREFIX,
    "customer": CUSTOMERS_PREFIX,
    "variable": VARIABLES_PREFIX,
}


def run(explain: Explain, function: str, arguments: dict[str, Any]) -> Execution:
    prefix = next(prefix for noun, prefix in PREFIXES.items() if noun in function)
    return explain(f"parlant_{function}", {"p_prefix": prefix, **arguments})


def test_that_a_turn_begins_with_no_more_than_it_needs(explain: Explain) -> None:
    tags = ["tag7", "tag8"]
    execution = explain(
        "parlant_read_turn",
        {
            "p_prefix": SESSIONS_PREFIX,
            "p_session_id": "s7",
            "p_customer_prefix": CUSTOMERS_PREFIX,
            "p_variable_prefix": VARIABLES_PREFIX,
            "p_tag_lists": [tags],
            "p_keys": ["DEFAULT"],
        },
    )

    # A few hundred variables are read from end to end sooner than by index; nothing else is.
    assert {scan.table for scan in execution.without_index} <= {VARIABLES_PREFIX}
    variables = tagged(VARIABLES, TAGS_PER_VARIABLE, 7, 8)
    # The session and its events, the customer with tags, and the variables as in their own test.
    most = 1 + 1 + EVENTS_PER_SESSION + 1 + TAGS_PER_CUSTOMER
    most += VARIABLES + (len(variables) + 2) * (1 + TAGS_PER_VARIABLE) + len(variables)
    assert execution.read <= most


@pytest.mark.parametrize(
    ("function", "arguments", "most"), POINTS, ids=lambda value: json.dumps(value)[:60]
)
def test_that_no_more_is_read_than_is_needed(
    explain: Explain, function: str, arguments: dict[str, Any], most: int
) -> None:
    execution = run(explain, function, arguments)

    assert execution.without_index == []
    assert execution.read <= most


def test_that_a_page_of_sessions_is_read_by_index(explain: Explain) -> None:
    for direction in ("asc", "desc"):
        page = run(explain, "list_sessions", {"p_limit": 20, "p_sort_direction": direction}).scans[
            0
        ]

        assert page.index is not None
        assert page.read <= 21


def test_that_a_page_of_customers_is_read_by_index(explain: Explain) -> None:
    execution = run(explain, "list_customers", {"p_limit": 20})

    # What comes after them counts the customers.
    page, tags, _ = execution.scans
    assert page.index is not None
    assert tags.index is not None
    # One more than the limit is read, which tells that there is a next page.
    assert page.read == 21
    assert tags.read == 21 * TAGS_PER_CUSTOMER


@pytest.mark.parametrize(
    ("function", "owners", "tags"),
    [
        ("list_customers", CUSTOMERS, TAGS_PER_CUSTOMER),
        ("list_variables", VARIABLES, TAGS_PER_VARIABLE),
    ],
)
def test_that_what_has_a_tag_is_found_by_index(
    explain: Explain, function: str, owners: int, tags: int
) -> None:
    execution = run(explain, function, {"p_tags": ["tag7"]})

    # A few hundred owners are read from end to end sooner than by index; their tags never are.
    assert not [scan for scan in execution.without_index if "associations" in scan.table]
    # One association for each that has the tag, and then all its tags.
    holders = owners * tags / TAGS + 2
    assert execution.read <= owners + holders * (1 + tags)


@pytest.mark.parametrize(
    ("function", "owners", "tags"),
    [
        ("list_customers", CUSTOMERS, TAGS_PER_CUSTOMER),
        ("list_variables", VARIABLES, TAGS_PER_VARIABLE),
    ],
)
def test_that_what_has_no_tag_is_found_in_one_pass(
    explain: Explain, function: str, owners: int, tags: int
) -> None:
    execution = run(explain, function, {"p_tags": []})

    assert execution.read <= owners + owners * tags + UNTAGGED


@pytest.mark.parametrize(
    ("function", "table", "tags"),
    [
        ("list_customers", "customers_", TAGS_PER_CUSTOMER),
        ("list_variables", "context_variables_", TAGS_PER_VARIABLE),
    ],
)
def test_that_all_are_read_once_with_their_tags(
    explain: Explain, sql: psycopg.Connection, function: str, table: str, tags: int
) -> None:
    execution = run(explain, function, {})

    # Counted, as other tests add some.
    row = sql.execute(on("select count(*) from {}", PREFIX + table)).fetchone()
    assert row is not None
    assert execution.read <= row[0] + row[0] * tags
