"""Databases whose tables were made by hand, from the script of the earlier adapter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStackError, SupervisedDatabase
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import Catalogue, apply_migrations, ours, read_catalogue

SEED_SCHEMA = Path(__file__).with_name("seed_schema.sql").read_bytes()

CUT_FAILED_TABLE = "parlant_context_variables_variable_tag_associations_failed_migr"

DOCUMENTS: dict[tuple[str, str], list[dict[str, Any]]] = {
    ("parlant_sessions_", "metadata"): [{"id": "meta1", "version": "0.1.0"}],
    ("parlant_sessions_", "sessions"): [
        {
            "id": f"session{number}",
            "version": "0.9.0",
            "creation_utc": f"2025-06-0{number}T10:00:00+00:00",
            "customer_id": f"customer{number}",
            "agent_id": "agent1",
            "mode": "auto",
            "title": "Où est mon colis ?",
            "consumption_offsets": {"client": 3},
            "metadata": {"channel": "web"},
        }
        for number in (1, 2)
    ],
    ("parlant_sessions_", "events"): [
        {
            "id": f"event{number}",
            "version": "0.9.0",
            "creation_utc": f"2025-06-01T10:00:0{number}+00:00",
            "session_id": "session1",
            "source": "customer" if number % 2 else "ai_agent",
            "kind": "message",
            "offset": number,
            "trace_id": f"trace{number}",
            "data": {"message": f"message {number}", "participant": {"display_name": "Ann"}},
            "deleted": False,
        }
        for number in range(6)
    ],
    ("parlant_customers_", "customers"): [
        {
            "id": "customer1",
            "version": "0.1.0",
            "creation_utc": "2025-05-01T10:00:00+00:00",
            "name": "Ann",
            "extra": {"vip": "yes"},
        }
    ],
    ("parlant_customers_", "customer_tag_associations"): [
        {
            "id": "association1",
            "version": "0.1.0",
            "creation_utc": "2025-05-01T10:00:00+00:00",
            "customer_id": "customer1",
            "tag_id": "tag1",
        }
    ],
    ("parlant_context_variables_", "variables"): [
        {
            "id": "variable1",
            "version": "0.1.0",
            "creation_utc": "2025-05-01T10:00:00+00:00",
            "name": "plan",
            "tool_id": None,
        }
    ],
    ("parlant_context_variables_", "variable_tag_associations"): [],
    ("parlant_context_variables_", "values"): [
        {
            "id": "value1",
            "version": "0.1.0",
            "last_modified": "2025-05-02T10:00:00+00:00",
            "variable_id": "variable1",
            "key": "customer1",
            "data": {"plan": "basic"},
        }
    ],
}


@pytest.fixture(scope="module")
def hand_made(make_empty_database: MakeEmptyDatabase) -> SupervisedDatabase:
    """A database in use since before there were migrations."""
    database = make_empty_database()
    with psycopg.connect(database.database_url) as connection:
        seed(connection, "parlant_")
    return database


@pytest.fixture
def connection(hand_made: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """A transaction as `postgres` in the hand-made database, rolled back after the test."""
    with (
        psycopg.connect(hand_made.database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


def seed(connection: psycopg.Connection, prefix: str) -> None:
    """Run the script, with its prefixes changed as it says, and write what was written then."""
    connection.execute(SEED_SCHEMA.replace(b"parlant_", prefix.encode()))
    for (default_prefix, collection), documents in DOCUMENTS.items():
        table = Identifier(table_of(default_prefix.replace("parlant_", prefix), collection))
        for document in documents:
            columns = ("id", "version", "creation_utc", "session_id", "customer_id", "agent_id")
            # The whole document, and what it has of the columns.
            connection.execute(
                SQL("insert into public.{} values (%s, %s, %s, %s, %s, %s, %s)").format(table),
                [*(document.get(column) for column in columns), Jsonb(document)],
            )


def table_of(prefix: str, collection: str) -> str:
    return prefix if prefix.rstrip("_").endswith(collection) else prefix + collection


def call(connection: psycopg.Connection, function: str, *arguments: object) -> Any:
    """What an api function replies to service_role."""
    placeholders = SQL(", ").join([SQL("%s")] * len(arguments))
    statement = SQL("select public.{}({})").format(Identifier(function), placeholders)
    connection.execute("set local role service_role")
    row = connection.execute(statement, arguments).fetchone()
    connection.execute("reset role")
    assert row
    return row[0]


def ids(connection: psycopg.Connection, query: str) -> list[str]:
    return [row[0] for row in connection.execute(query.encode())]


def test_that_all_rows_are_kept_and_can_be_found(connection: psycopg.Connection) -> None:
    apply_migrations(connection)

    for (prefix, collection), documents in DOCUMENTS.items():
        page = call(connection, "parlant_find", prefix, collection)
        assert sorted(page["items"], key=lambda item: str(item["id"])) == documents


def test_that_columns_serve_filters_as_in_a_new_installation(
    connection: psycopg.Connection,
) -> None:
    apply_migrations(connection)

    filters = json.dumps({"session_id": {"$eq": "session1"}, "offset": {"$gte": 4}})
    page = call(connection, "parlant_find", "parlant_sessions_", "events", filters)
    assert [item["id"] for item in page["items"]] == ["event4", "event5"]


def test_that_a_push_leaves_nothing_that_a_new_installation_has_not(
    make_empty_database: MakeEmptyDatabase,
) -> None:
    new, old = make_empty_database(), make_empty_database()
    with psycopg.connect(old.database_url) as connection:
        seed(connection, "parlant_")

    old.deploy(find_project())

    new.deploy(find_project())
    with (
        psycopg.connect(old.database_url) as adopted,
        psycopg.connect(new.database_url) as fresh,
    ):
        assert ours(read_catalogue(adopted)) == ours(read_catalogue(fresh))
        assert len(ids(adopted, "select id from public.parlant_sessions_events")) == 6


def test_that_a_large_table_is_adopted_whatever_the_time_limit_is(
    connection: psycopg.Connection,
) -> None:
    connection.execute(
        "create function public.take_time() returns trigger language plpgsql"
        " as $$ begin perform pg_catalog.pg_sleep(0.25); return new; end $$"
    )
    connection.execute(
        "create trigger take_time before update on public.parlant_sessions_events"
        " for each row execute function public.take_time()"
    )
    connection.execute("set local statement_timeout = '1s'")

    # Six events take longer.
    apply_migrations(connection)

    (limit,) = connection.execute("show statement_timeout").fetchone() or ()
    assert limit == "2min", "the session's own limit"


def test_that_failed_documents_are_kept(connection: psycopg.Connection) -> None:
    tables = [Identifier("parlant_sessions_events_failed_migrations"), Identifier(CUT_FAILED_TABLE)]
    for table in tables:
        insert = SQL("""insert into public.{} values ('lost', '{{"id": "lost"}}')""")
        connection.execute(insert.format(table))

    apply_migrations(connection)

    for table in tables:
        rows = connection.execute(SQL("select id, data, reason from public.{}").format(table))
        assert rows.fetchall() == [("lost", {"id": "lost"}, "unknown")]


def test_that_the_public_key_opens_nothing_any_more(connection: psycopg.Connection) -> None:
    connection.execute("set local role anon")
    assert len(ids(connection, "select id from public.parlant_sessions_")) == 2
    connection.execute("reset role")

    apply_migrations(connection)

    connection.execute("set local role anon")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("select id from public.parlant_sessions_")


def test_that_each_policy_that_is_dropped_is_told(connection: psycopg.Connection) -> None:
    dropped = ids(
        connection, "select policyname::text from pg_policies where schemaname = 'public'"
    )
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))

    apply_migrations(connection)

    assert len(dropped) == 17
    for policy in dropped:
        assert [text for text in told if f'dropped policy "{policy}" of table ' in text]


def test_that_policies_of_the_users_own_are_kept(connection: psycopg.Connection) -> None:
    query = "select * from pg_policies where policyname like 'Own%' order by policyname"
    connection.execute("""
        create policy "Own sessions" on parlant_sessions_ for select to authenticated
          using (customer_id = (select auth.jwt() ->> 'sub'));
        comment on policy "Own sessions" on parlant_sessions_ is 'for the app';
        create policy "Own writes" on parlant_sessions_ as restrictive for insert
          to authenticated, anon with check (agent_id is not null);
        create policy "Own failures" on parlant_sessions__failed_migrations for select
          using (id like 'x%');
    """)
    before = connection.execute(query).fetchall()

    apply_migrations(connection)

    assert len(before) == 3
    assert connection.execute(query).fetchall() == before
    assert ids(
        connection,
        "select obj_description(oid, 'pg_policy') from pg_policy where polname = 'Own sessions'",
    ) == ["for the app"]

    # And they decide, as soon as the user lets somebody in.
    connection.execute("""
        grant select on parlant_sessions_ to authenticated;
        set local request.jwt.claims = '{"sub": "customer2"}';
        set local role authenticated;
    """)
    assert ids(connection, "select id from public.parlant_sessions_") == ["session2"]


def test_that_indexes_of_the_users_own_are_kept(connection: psycopg.Connection) -> None:
    connection.execute("create index by_title on parlant_sessions_ ((data ->> 'title'))")

    apply_migrations(connection)

    assert ids(connection, "select indexname::text from pg_indexes where indexname = 'by_title'")


def test_that_what_data_lacks_comes_from_the_columns(connection: psycopg.Connection) -> None:
    connection.execute("""
        insert into parlant_sessions_ (id, version, customer_id, data)
        values ('by hand', '0.9.0', 'customer3', '{"mode": "manual"}'),
          ('number', null, null, '{"id": 5, "mode": "manual"}')
    """)

    apply_migrations(connection)

    filters = json.dumps({"mode": {"$eq": "manual"}})
    page = call(connection, "parlant_find", "parlant_sessions_", "sessions", filters)
    assert page["items"] == [
        {"id": "by hand", "version": "0.9.0", "customer_id": "customer3", "mode": "manual"},
        {"id": "number", "mode": "manual"},
    ]


def test_that_data_decides_where_a_column_differs(connection: psycopg.Connection) -> None:
    connection.execute(
        "update parlant_sessions_ set id = 'stale', customer_id = null where id = 'session2'"
    )

    apply_migrations(connection)

    rows = connection.execute("select id, customer_id from parlant_sessions_ order by id")
    assert rows.fetchall() == [("session1", "customer1"), ("session2", "customer2")]


CANNOT_BECOME = "parlant_sessions_ exists and cannot become a table of parlant-supabase"
IS_NOT = "parlant_sessions_ exists and is not a table of parlant-supabase"
FAILED_SHAPE = (
    "A table of failed documents has the columns id text and data jsonb, and no primary key."
)
FAILED_IS_NOT = "parlant_sessions__failed_migrations exists and is not a table of parlant-supabase"


@pytest.mark.parametrize(
    ("obstacle", "message", "detail"),
    [
        (
            """insert into parlant_sessions_ (id, data) values ('text', '"{}"'), ('list', '[]')""",
            CANNOT_BECOME,
            "In 2 of its rows, data is not a JSON object.",
        ),
        (
            """insert into parlant_sessions_ (id, data) values ('twin', '{"id": "session1"}')""",
            CANNOT_BECOME,
            "Two of its rows have the same id in data.",
        ),
        (
            "create view by_customer as select customer_id from parlant_sessions_",
            CANNOT_BECOME,
            "cannot alter type of a column used by a view or rule: "
            'rule _RETURN on view public.by_customer depends on column "customer_id".',
        ),
        (
            "alter table parlant_sessions_ drop column agent_id",
            IS_NOT,
            "It lacks, with the right type: agent_id.",
        ),
        (
            "alter table parlant_sessions_ alter column session_id type bigint using null",
            IS_NOT,
            "It lacks, with the right type: session_id.",
        ),
        (
            "alter table parlant_sessions_ drop constraint parlant_sessions__pkey",
            IS_NOT,
            "It lacks a primary key on id.",
        ),
        (
            "alter table parlant_sessions__failed_migrations drop column data",
            FAILED_IS_NOT,
            FAILED_SHAPE,
        ),
        (
            "alter table parlant_sessions__failed_migrations add primary key (id)",
            FAILED_IS_NOT,
            FAILED_SHAPE,
        ),
    ],
)
def test_that_a_table_that_cannot_be_adopted_is_named_and_left_alone(
    connection: psycopg.Connection, obstacle: str, message: str, detail: str
) -> None:
    connection.execute(obstacle.encode())
    before = read_catalogue(connection)

    with pytest.raises(psycopg.Error) as refusal:
        apply_migrations(connection)

    assert refusal.value.sqlstate == "PD007"
    assert refusal.value.diag.message_primary == message
    assert refusal.value.diag.message_detail == detail
    assert refusal.value.diag.message_hint
    assert read_catalogue(connection) == before


def test_that_a_refused_push_says_why(make_empty_database: MakeEmptyDatabase) -> None:
    database = make_empty_database()
    with psycopg.connect(database.database_url) as connection:
        seed(connection, "parlant_")
        connection.execute("create view by_customer as select id from parlant_sessions_")

    with pytest.raises(LocalStackError, match=CANNOT_BECOME) as refusal:
        database.deploy(find_project())

    assert "view public.by_customer depends on column" in str(refusal.value)


def test_that_prefixes_of_the_users_own_are_adopted_on_first_use(
    sql: psycopg.Connection, prefix: str
) -> None:
    with sql.transaction():
        seed(sql, prefix)

        for (default_prefix, collection), documents in DOCUMENTS.items():
            own_prefix = default_prefix.replace("parlant_", prefix)
            opened = call(sql, "parlant_get_or_create_collection", own_prefix, collection)
            found = call(sql, "parlant_find", own_prefix, collection)

            assert opened["table"] == f"public.{table_of(own_prefix, collection)}"
            assert sorted(found["items"], key=lambda item: str(item["id"])) == documents


def test_that_tables_whose_registration_was_lost_are_adopted_again(
    sql: psycopg.Connection, prefix: str
) -> None:
    def tables(catalogue: Catalogue) -> Catalogue:
        return {entry: text for entry, text in catalogue.items() if entry.name.startswith(prefix)}

    with sql.transaction():
        call(sql, "parlant_get_or_create_collection", prefix, "events")
        call(sql, "parlant_insert_one", prefix, "events", Jsonb({"id": "event1"}))
        before = tables(read_catalogue(sql))
        sql.execute("delete from parlant_internal.collections where prefix = %s", [prefix])

        opened = call(sql, "parlant_get_or_create_collection", prefix, "events")

        assert opened["created"]
        assert before
        assert tables(read_catalogue(sql)) == before
        assert call(sql, "parlant_find", prefix, "events")["total_count"] == 1
