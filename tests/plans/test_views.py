"""What a person reads who looks at a view over a hundred thousand events."""

from __future__ import annotations

import psycopg
import pytest
from parlant_supabase.local import LocalStack
from psycopg.sql import SQL

from tests.plans.conftest import (
    EVENTS_PER_SESSION,
    PREFIX,
    SESSIONS,
    TAGS_PER_CUSTOMER,
)
from tests.plans.plan import Execution, Explainer
from tests.tables import on

# One in four of them is a message.
EVENTS_FOR_A_PAGE = 20 * 4 + 10


@pytest.fixture(scope="module", autouse=True)
def views(filled: LocalStack) -> None:
    with psycopg.connect(filled.database_url) as connection:
        row = connection.execute("select parlant_create_views(%s)", [PREFIX]).fetchone()
    assert row
    assert set(row[0]["views"].values()) == {"made"}


def read(explainer: Explainer, view: str, rest: str) -> Execution:
    return explainer.run(on("select * from {} ", PREFIX + view) + SQL(rest))


@pytest.mark.parametrize(
    ("view", "rest", "most"),
    [
        # The session and the customer once for each event at most.
        ("messages", "where session_id = 's8'", 3 * EVENTS_PER_SESSION),
        ("messages", "where session_id = 's8' order by event_offset", 3 * EVENTS_PER_SESSION),
        ("messages", "order by creation_utc desc limit 20", EVENTS_FOR_A_PAGE + 2 * 20),
        ("messages", "where event_id = 'e0'", 3),
        ("session_overview", "where session_id = 's8'", 3 + EVENTS_PER_SESSION),
        (
            "session_overview",
            "order by creation_utc desc limit 20",
            20 * (3 + EVENTS_PER_SESSION),
        ),
        (
            "session_overview",
            "where customer_id = 'c8'",
            SESSIONS // 500 * (3 + EVENTS_PER_SESSION),
        ),
        ("customer_overview", "where customer_id = 'c8'", 1 + TAGS_PER_CUSTOMER + 3),
        (
            "customer_overview",
            "order by creation_utc desc limit 20",
            20 * (1 + TAGS_PER_CUSTOMER + 3),
        ),
        ("variable_overview", "where value_id = 'x7'", 3),
    ],
)
def test_that_no_more_is_read_than_is_shown(
    explainer: Explainer, view: str, rest: str, most: int
) -> None:
    execution = read(explainer, view, rest)

    assert execution.scans
    assert execution.without_index == []
    assert execution.read <= most


def test_that_events_are_not_read_for_columns_that_nobody_asks_for(explainer: Explainer) -> None:
    query = on("select customer_id, count(*) from {} group by 1", f"{PREFIX}session_overview")
    execution = explainer.run(query)

    assert {scan.table for scan in execution.scans} == {f"{PREFIX}sessions_"}
