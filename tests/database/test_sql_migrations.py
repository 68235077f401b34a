"""The migrations are what stands in sql/, and can be applied in any circumstance."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import SupervisedDatabase
from psycopg.sql import SQL, Identifier

from sql import generate_migration
from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import (
    apply_migrations,
    apply_sources,
    not_ours,
    ours,
    read_catalogue,
)

MIGRATIONS = sorted(generate_migration.MIGRATIONS.glob("*.sql"))


def connect(database: SupervisedDatabase) -> psycopg.Connection:
    """A connection as `postgres`, each statement committed at once."""
    return psycopg.connect(database.database_url, autocommit=True)


# The files.


def test_that_there_are_migrations() -> None:
    assert MIGRATIONS


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda path: path.name)
def test_that_a_migration_has_a_well_formed_name(migration: Path) -> None:
    match = re.fullmatch(r"(\d{14})_[a-z0-9_]+\.sql", migration.name)

    assert match, f"{migration.name}: name it <yyyymmddhhmmss>_<what_it_does>.sql."
    datetime.strptime(match[1], "%Y%m%d%H%M%S")


def test_that_no_two_migrations_have_one_version() -> None:
    versions = [path.name.partition("_")[0] for path in MIGRATIONS]

    assert len(versions) == len(set(versions))


def test_that_an_unreleased_migration_comes_after_the_released_ones() -> None:
    pending = generate_migration.pending_migration()

    assert pending is None or pending == MIGRATIONS[-1]


def test_that_a_released_migration_was_not_edited() -> None:
    digests = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in MIGRATIONS
        if path.name in generate_migration.released()
    }

    assert digests == generate_migration.released(), (
        "The Supabase CLI ignores edits of a migration that a database has. Restore the file; put "
        "the change into sql/ and run `make migration NAME=what_it_does`."
    )


def test_that_every_change_in_sql_is_in_a_migration() -> None:
    changed = generate_migration.changed_sources()
    pending = generate_migration.pending_migration()

    text = "" if pending is None else pending.read_text("utf-8")
    assert text == generate_migration.render(changed), "Run `make migration NAME=what_it_does`."


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda path: path.name)
def test_that_a_migration_is_one_transaction_and_tells_postgrest(migration: Path) -> None:
    text = migration.read_text("utf-8")
    statements = [line for line in text.splitlines() if line and not line.startswith("--")]

    assert statements[-1] == "notify pgrst, 'reload schema';"
    # What the CLI would run outside the migration's transaction, or could not run at all.
    assert not re.search(
        r"^\s*(begin|start transaction|commit|rollback)\s*;", text, re.IGNORECASE | re.MULTILINE
    )
    # The doctor composes such statements for people, in literals; none is run here.
    run_here = re.sub(r"'[^'\n]*'", "''", re.sub(r"--.*", "", text))
    assert not re.search(r"\bconcurrently\b|\bvacuum\b", run_here, re.IGNORECASE)
    assert not re.search(r"^\\", text, re.MULTILINE)


# What they do.


def test_that_the_migrations_do_what_stands_in_sql(make_empty_database: MakeEmptyDatabase) -> None:
    migrated, built = make_empty_database(), make_empty_database()

    migrated.deploy(find_project())
    with connect(built) as connection:
        apply_sources(connection)

    with connect(migrated) as one, connect(built) as other:
        assert read_catalogue(one) == read_catalogue(other)
        assert registry(one) == registry(other)


def test_that_deploying_again_changes_nothing(make_empty_database: MakeEmptyDatabase) -> None:
    database = make_empty_database()
    database.deploy(find_project())
    with connect(database) as connection:
        before = read_catalogue(connection)

        output = database.deploy(find_project())

        assert "up to date" in output
        assert read_catalogue(connection) == before


def test_that_migrations_may_be_applied_again_by_hand(
    make_empty_database: MakeEmptyDatabase,
) -> None:
    with connect(make_empty_database()) as connection:
        apply_migrations(connection)
        connection.execute('insert into public.parlant_sessions_ (data) values (\'{"id": "s"}\')')
        catalogue, rows = read_catalogue(connection), registry(connection)

        apply_migrations(connection)

        assert read_catalogue(connection) == catalogue
        assert registry(connection) == rows
        assert connection.execute("select id from public.parlant_sessions_").fetchall() == [("s",)]


def test_that_a_half_applied_database_is_completed(make_empty_database: MakeEmptyDatabase) -> None:
    complete, database = make_empty_database(), make_empty_database()
    sources = [text.encode() for text in generate_migration.sources().values()]
    with connect(complete) as connection:
        apply_sources(connection)
        expected = read_catalogue(connection)

    with connect(database) as connection:
        for end in range(1, len(sources), len(sources) // 6):
            with connection.transaction(force_rollback=True):
                for source in sources[:end]:
                    connection.execute(source)
                apply_migrations(connection)

                assert read_catalogue(connection) == expected


def test_that_nothing_but_our_own_objects_is_touched(
    make_empty_database: MakeEmptyDatabase,
) -> None:
    database = make_empty_database()
    with connect(database) as connection:
        connection.execute(
            "create table public.orders (id bigint primary key, note text);"
            "create view public.open_orders as select id from public.orders;"
            "create function public.count_orders() returns bigint language sql as"
            " 'select count(*) from public.orders';"
            "create policy own on public.orders using (true);"
            "alter default privileges in schema public grant select on tables to authenticated;"
        )
        before = read_catalogue(connection)

        database.deploy(find_project())

        after = read_catalogue(connection)
    assert not ours(before)
    assert not_ours(after) == before


def test_that_old_default_privileges_give_nobody_access(
    make_empty_database: MakeEmptyDatabase,
) -> None:
    """Projects from before 2026 grant each new object in public to the roles of the API."""
    with connect(make_empty_database()) as connection:
        apply_migrations(connection)
        plain = ours(read_catalogue(connection))

    with connect(make_empty_database()) as connection:
        for kind in ("tables", "functions", "sequences"):
            connection.execute(
                f"alter default privileges in schema public grant all on {kind}"
                " to anon, authenticated, service_role"
            )

        apply_migrations(connection)

        assert ours(read_catalogue(connection)) == plain


def registry(connection: psycopg.Connection) -> list[tuple[object, ...]]:
    """The rows that the migrations write."""
    rows: list[tuple[object, ...]] = []
    for table, columns in (
        ("view_sets", ("prefix", "session_prefix", "customer_prefix", "variable_prefix")),
        ("collections", ("prefix", "collection", "table_name", "failed_table_name")),
    ):
        query = SQL("select {columns} from parlant_internal.{table} order by {columns}").format(
            columns=SQL(", ").join(map(Identifier, columns)), table=Identifier(table)
        )
        rows += connection.execute(query)
    return rows
