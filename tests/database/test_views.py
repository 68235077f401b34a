"""The views that people read: as their files say, and a guest among the user's own objects."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

from sql.headers import SQL, VIEW_SECTIONS, read_header
from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import (
    Catalogue,
    apply_migrations,
    not_ours,
    ours,
    read_catalogue,
)

VIEWS = {f"parlant_{path.stem}": path for path in sorted((SQL / "views").glob("*.sql"))}


@pytest.fixture(scope="module")
def empty(make_empty_database: MakeEmptyDatabase) -> SupervisedDatabase:
    """A database like that of a new project, left as it is."""
    return make_empty_database()


@pytest.fixture
def connection(empty: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """A transaction as `postgres` before the migrations, rolled back after the test."""
    with (
        psycopg.connect(empty.database_url) as connection,
        connection.transaction(force_rollback=True),
    ):
        yield connection


def views(catalogue: Catalogue) -> Catalogue:
    return {e: text for e, text in catalogue.items() if e.name.split(".")[0] in VIEWS}


def views_in(connection: psycopg.Connection) -> list[str]:
    query = "select viewname::text from pg_views where schemaname = 'public' order by 1"
    return [name for (name,) in connection.execute(query)]


@pytest.mark.parametrize("name", VIEWS)
def test_that_a_file_says_what_its_view_shows(deployed_sql: psycopg.Connection, name: str) -> None:
    header = read_header(VIEWS[name])
    columns = deployed_sql.execute(
        "select attname::text, atttypid::regtype::text from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 order by attnum",
        [f"public.{name}"],
    ).fetchall()
    described = [(column, header.line(column)) for column, _ in columns]

    first, *last = VIEW_SECTIONS
    assert list(header.fields) == [first, *dict(columns), *last]
    for (column, text), (_, kind) in zip(described, columns, strict=True):
        short = kind.replace("timestamp with time zone", "timestamptz")
        assert text.startswith(f"{short}; "), column
    assert f"from public.{name} as " in header.line("example")


def test_that_the_deployed_views_are_those_that_have_a_file(
    deployed_sql: psycopg.Connection,
) -> None:
    query = (
        "select relname::text, relkind::text, reloptions, relowner::regrole::text from pg_class"
        " where relnamespace = 'public'::regnamespace and relname like 'parlant\\_%'"
        " and relkind not in ('r', 'i', 'S') order by relname"
    )
    found = deployed_sql.execute(query.encode()).fetchall()

    assert found == [(name, "v", ["security_invoker=true"], "postgres") for name in VIEWS]


@pytest.mark.parametrize("name", VIEWS)
def test_that_service_role_alone_may_read_a_view(
    deployed_sql: psycopg.Connection, name: str
) -> None:
    query = (
        "select a.grantee::regrole::text, lower(a.privilege_type) from pg_class,"
        " aclexplode(relacl) as a where oid = %s::regclass and a.grantee <> relowner"
    )

    assert deployed_sql.execute(query, [f"public.{name}"]).fetchall() == [
        ("service_role", "select")
    ]


@pytest.mark.parametrize(
    "definition",
    [
        "create table public.parlant_messages (note text)",
        "create view public.parlant_messages as select 'mine' as text",
        "create materialized view public.parlant_messages as select 'mine' as text",
        "create sequence public.parlant_messages",
    ],
)
def test_that_what_the_user_has_by_that_name_is_left_alone(
    connection: psycopg.Connection, definition: str
) -> None:
    connection.execute(definition.encode())
    before = views(read_catalogue(connection))
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))

    apply_migrations(connection)

    after = views(read_catalogue(connection))
    assert before.items() <= after.items()
    assert {e.name.split(".")[0] for e in after} == set(VIEWS)
    assert [text for text in told if "public.parlant_messages is not a view of" in text]


# As a view may have been in an earlier version.
OLDER = """
    create or replace function parlant_internal.messages_definition(
      out name text, out collections text[], out comment text, out query text
    )
    language sql
    as $$
      select
        'messages', '{events,sessions,customers}'::text[], 'Older.', 'select session_id from %2$s'
    $$;
    drop view parlant_messages, again_messages;
    select parlant_internal.make_views(prefix, null) from parlant_internal.view_sets;
"""


def test_that_a_later_migration_brings_every_set_to_its_definitions(
    connection: psycopg.Connection,
) -> None:
    apply_migrations(connection)
    connection.execute(
        "select parlant_create_views('again_', 'parlant_sessions_', 'parlant_customers_')"
    )
    expected = ours(read_catalogue(connection))
    connection.execute(OLDER)
    assert ours(read_catalogue(connection)) != expected
    connection.execute("create view own as select session_id from again_messages")

    apply_migrations(connection)

    assert ours(read_catalogue(connection)) == expected
    connection.execute("select text from again_messages")
    connection.execute("select session_id from own")


def test_that_grants_of_the_users_own_are_kept(connection: psycopg.Connection) -> None:
    apply_migrations(connection)
    connection.execute("grant select on parlant_messages to authenticated")
    before = views(read_catalogue(connection))

    apply_migrations(connection)

    assert views(read_catalogue(connection)) == before


def test_that_tables_under_views_are_adopted_again(connection: psycopg.Connection) -> None:
    """As after restoring a dump of `public` alone into a new project."""
    apply_migrations(connection)
    connection.execute('insert into parlant_sessions_ (data) values (\'{"id": "s1"}\')')
    connection.execute("create view own as select session_id from parlant_session_overview")
    before = read_catalogue(connection)
    connection.execute("delete from parlant_internal.collections")
    connection.execute("delete from parlant_internal.view_sets")

    apply_migrations(connection)

    assert read_catalogue(connection) == before
    assert connection.execute("select session_id from own").fetchall() == [("s1",)]


def test_that_a_view_on_a_table_that_is_to_go_is_not_dropped_along(
    connection: psycopg.Connection,
) -> None:
    apply_migrations(connection)
    connection.execute("create view own as select id from parlant_sessions_events")
    before = views_in(connection)

    with (
        pytest.raises(psycopg.errors.DependentObjectsStillExist, match="own depends on table"),
        connection.transaction(),
    ):
        connection.execute("select parlant_delete_collection('parlant_sessions_', 'events')")

    assert views_in(connection) == before
    connection.execute("drop view own")
    connection.execute("select parlant_delete_collection('parlant_sessions_', 'events')")
    assert views_in(connection) == ["parlant_customer_overview", "parlant_variable_overview"]


def test_that_nothing_of_the_users_is_dropped_with_a_collection(
    connection: psycopg.Connection,
) -> None:
    apply_migrations(connection)
    connection.execute("create table orders (id text primary key)")
    connection.execute("create view open_orders as select id from orders")
    before = not_ours(read_catalogue(connection))

    connection.execute("select parlant_delete_collection('parlant_sessions_', 'events')")

    assert not_ours(read_catalogue(connection)) == before


def test_that_an_analyst_reads_what_policies_allow(connection: psycopg.Connection) -> None:
    apply_migrations(connection)
    connection.execute("""
        insert into parlant_sessions_ (data) values
          ('{"id": "s1", "agent_id": "shop"}'), ('{"id": "s2", "agent_id": "hr"}');
        create role analyst;
        grant analyst to postgres;
        grant select on parlant_session_overview, parlant_sessions_, parlant_sessions_events,
          parlant_customers_ to analyst;
        create policy shop on parlant_sessions_ for select to analyst using (agent_id = 'shop');
        set local role analyst;
    """)

    rows = connection.execute("select session_id from parlant_session_overview").fetchall()

    assert rows == [("s1",)]
