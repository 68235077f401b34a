"""What the two opt-ins allow, and that they allow no more."""

from __future__ import annotations

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

from tests.security.conftest import Caller, caller

SESSIONS = {"p_prefix": "parlant_sessions_", "p_collection": "sessions"}
EVENTS = {"p_prefix": "parlant_sessions_", "p_collection": "events"}
CUSTOMERS = {"p_prefix": "parlant_customers_", "p_collection": "customers"}


@pytest.fixture(scope="module")
def two_customers(for_users: SupervisedDatabase) -> tuple[Caller, Caller]:
    """Two signed-in users, each with a session, a message, a deleted one and a tool event."""
    server = caller(for_users, "service_role")
    for name in ("one", "two"):
        session = {"id": f"s-{name}", "customer_id": name, "creation_utc": "2026"}
        assert server.call("parlant_insert_one", **SESSIONS, p_document=session).is_success
        for event in (
            {"id": f"e-{name}", "kind": "message", "deleted": False},
            {"id": f"deleted-{name}", "kind": "message", "deleted": True},
            {"id": f"tool-{name}", "kind": "tool", "deleted": False},
        ):
            document = {**event, "session_id": f"s-{name}", "creation_utc": "2026"}
            assert server.call("parlant_insert_one", **EVENTS, p_document=document).is_success
    return (
        caller(for_users, "authenticated", customer_id="one"),
        caller(for_users, "authenticated", customer_id="two"),
    )


def found(user: Caller, where: dict[str, str], **arguments: object) -> list[str]:
    reply = user.call("parlant_find", **where, **arguments)
    assert reply.is_success, reply.text
    return [item["id"] for item in reply.json()["items"]]


def test_that_each_user_sees_the_own_session_and_its_messages_only(
    two_customers: tuple[Caller, Caller],
) -> None:
    one, two = two_customers

    assert found(one, SESSIONS) == ["s-one"]
    assert found(two, SESSIONS) == ["s-two"]
    assert found(one, EVENTS) == ["e-one"]
    assert found(two, EVENTS) == ["e-two"]


def test_that_a_filter_cannot_reach_past_the_policies(two_customers: tuple[Caller, Caller]) -> None:
    one, _ = two_customers

    assert found(one, SESSIONS, p_filters={"id": {"$eq": "s-two"}}) == []
    reply = one.call("parlant_find_one", **EVENTS, p_filters={"session_id": {"$eq": "s-two"}})
    assert reply.json() == {"document": None}


def test_that_a_batch_cannot_reach_past_the_policies(two_customers: tuple[Caller, Caller]) -> None:
    one, _ = two_customers

    reply = one.call("parlant_execute", p_calls=[{"function": "find", "arguments": [EVENTS]}])

    (result,) = reply.json()["results"]
    assert [item["id"] for item in result["reply"]["items"]] == ["e-one"]


def test_that_counts_tell_nothing_of_the_rows_of_others(
    two_customers: tuple[Caller, Caller],
) -> None:
    one, _ = two_customers

    page = one.call("parlant_find", **EVENTS, p_limit=0).json()
    assert (page["total_count"], page["has_more"]) == (1, True)
    of_others = {"session_id": {"$eq": "s-two"}}
    page = one.call("parlant_find", **EVENTS, p_filters=of_others, p_limit=0).json()
    assert (page["total_count"], page["has_more"]) == (0, False)
    for function in ("parlant_diagnose", "parlant_count_documents", "parlant_list_sessions"):
        assert one.call(function, p_prefix=SESSIONS["p_prefix"]).status_code in (403, 404)


def test_that_a_token_without_a_customer_sees_nothing(for_users: SupervisedDatabase) -> None:
    assert found(caller(for_users, "authenticated"), SESSIONS) == []


def test_that_what_users_write_about_themselves_opens_nothing(
    for_users: SupervisedDatabase, two_customers: tuple[Caller, Caller]
) -> None:
    claims = {"user_metadata": {"customer_id": "two"}}

    assert found(caller(for_users, "authenticated", **claims), SESSIONS) == []


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("parlant_insert_one", {"p_document": {"id": "new", "customer_id": "one"}}),
        ("parlant_update_one", {"p_filters": {}, "p_params": {"title": "mine"}}),
        ("parlant_delete_one", {"p_filters": {}}),
    ],
)
def test_that_what_was_not_granted_is_denied(
    two_customers: tuple[Caller, Caller], function: str, arguments: dict[str, object]
) -> None:
    reply = two_customers[0].call(function, **SESSIONS, **arguments)

    assert reply.json()["code"] == "42501"


def test_that_a_table_without_grant_is_denied(two_customers: tuple[Caller, Caller]) -> None:
    reply = two_customers[0].call("parlant_find", **CUSTOMERS)

    assert reply.json()["code"] == "42501"


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("parlant_create_collection", {"p_prefix": "mine_", "p_collection": "things"}),
        ("parlant_get_or_create_collection", {"p_prefix": "mine_", "p_collection": "things"}),
        ("parlant_delete_collection", SESSIONS),
        ("parlant_ensure_indexes", {**SESSIONS, "p_indexes": [{"fields": [["x", "asc"]]}]}),
    ],
)
def test_that_tables_and_indexes_stay_with_the_service_role(
    two_customers: tuple[Caller, Caller], function: str, arguments: dict[str, object]
) -> None:
    reply = two_customers[0].call(function, **arguments)

    assert reply.json()["code"] == "42501"


def test_that_the_anonymous_key_stays_locked_out(for_users: SupervisedDatabase) -> None:
    reply = caller(for_users, "anon").call("parlant_find", **SESSIONS)

    assert reply.json()["code"] == "42501"


def test_that_a_document_that_policies_hide_is_neither_overwritten_nor_waited_for(
    for_users: SupervisedDatabase, two_customers: tuple[Caller, Caller]
) -> None:
    with psycopg.connect(for_users.database_url, autocommit=True) as connection:
        connection.execute(
            "grant insert, update, delete on public.parlant_sessions_ to authenticated"
        )
        connection.execute(
            'create policy "own rows" on public.parlant_sessions_ for all to authenticated'
            " using (customer_id = auth.jwt() ->> 'customer_id')"
            " with check (customer_id = auth.jwt() ->> 'customer_id')"
        )
        try:
            one, _ = two_customers
            taken = one.call(
                "parlant_insert_one", **SESSIONS, p_document={"id": "s-two", "customer_id": "one"}
            )
            changed = one.call(
                "parlant_update_one",
                **SESSIONS,
                p_filters={"id": {"$eq": "s-two"}},
                p_params={"title": "mine"},
            )
            deleted = one.call("parlant_delete_one", **SESSIONS, p_filters={"id": {"$eq": "s-two"}})
            own = one.call(
                "parlant_update_one", **SESSIONS, p_filters={}, p_params={"title": "mine"}
            )
            foreign = one.call(
                "parlant_update_one", **SESSIONS, p_filters={}, p_params={"customer_id": "two"}
            )
        finally:
            connection.execute('drop policy "own rows" on public.parlant_sessions_')
            connection.execute(
                "revoke insert, update, delete on public.parlant_sessions_ from authenticated"
            )

    assert taken.json()["code"] == "PD003"
    assert changed.json()["matched_count"] == 0
    assert deleted.json()["deleted_count"] == 0
    assert own.json()["updated_document"]["id"] == "s-one"
    assert foreign.json()["code"] == "42501"


def test_that_a_document_that_may_be_seen_and_not_changed_is_not_waited_for(
    for_users: SupervisedDatabase, two_customers: tuple[Caller, Caller]
) -> None:
    with psycopg.connect(for_users.database_url, autocommit=True) as connection:
        connection.execute("grant update, delete on public.parlant_sessions_ to authenticated")
        try:
            one, _ = two_customers
            changed = one.call(
                "parlant_update_one", **SESSIONS, p_filters={}, p_params={"title": "mine"}
            )
            deleted = one.call("parlant_delete_one", **SESSIONS, p_filters={})
        finally:
            connection.execute(
                "revoke update, delete on public.parlant_sessions_ from authenticated"
            )

    assert changed.json()["matched_count"] == 0
    assert deleted.json()["deleted_count"] == 0


def test_that_the_public_key_opt_in_opens_what_there_is_to_the_anonymous_key(
    for_everybody: SupervisedDatabase,
) -> None:
    anybody = caller(for_everybody, "anon")
    session = {"id": "open", "customer_id": "somebody", "creation_utc": "2026"}

    assert anybody.call("parlant_insert_one", **SESSIONS, p_document=session).is_success
    assert found(anybody, SESSIONS) == ["open"]
    deleted = anybody.call("parlant_delete_one", **SESSIONS, p_filters={})
    assert deleted.json()["deleted_count"] == 1


def test_that_the_public_key_opt_in_leaves_making_tables_to_the_service_role(
    for_everybody: SupervisedDatabase,
) -> None:
    reply = caller(for_everybody, "anon").call(
        "parlant_create_collection", p_prefix="mine_", p_collection="things"
    )

    assert reply.json()["code"] == "42501"


@pytest.mark.parametrize("database", ["stack", "for_users", "for_everybody"])
def test_that_no_function_that_runs_as_its_owner_is_open_to_users(
    database: str, request: pytest.FixtureRequest
) -> None:
    target: SupervisedDatabase = request.getfixturevalue(database)
    with psycopg.connect(target.database_url) as connection:
        rows = connection.execute(
            """
            select p.oid::regprocedure::text
            from pg_proc as p
            where p.prosecdef
              and p.pronamespace in ('public'::regnamespace, 'parlant_internal'::regnamespace)
              and (has_function_privilege('anon', p.oid, 'execute')
                or has_function_privilege('authenticated', p.oid, 'execute'))
            """
        ).fetchall()

    assert rows == []
