"""A deployed database takes the next release, whatever state it is in, and keeps what it holds."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant.core.loggers import Logger
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import SupabaseDocumentDatabase, VersionMismatchError
from parlant_supabase import database as adapter
from parlant_supabase.local import SupervisedDatabase
from parlant_supabase.local.packages import find_programs
from parlant_supabase.versions import SQL_VERSION

from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import Catalogue, read_catalogue
from tests.database.next_release import NEXT_VERSION, NextRelease
from tests.database.test_sql_migrations import MIGRATIONS, connect
from tests.deployed_version import deployed_version
from tests.waiting import LIMIT_SECONDS, wait_until

# CLI's own, which a database has that was not built by it.
CLI_SCHEMA = "supabase_migrations"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> NextRelease:
    """A release that adapters of today can still work with."""
    return NextRelease(tmp_path_factory.mktemp("additive"), compatible_since=SQL_VERSION)


@pytest.fixture(scope="module")
def breaking_release(tmp_path_factory: pytest.TempPathFactory) -> NextRelease:
    """The same release, but that adapters of today cannot work with it."""
    return NextRelease(tmp_path_factory.mktemp("breaking"), compatible_since=NEXT_VERSION)


@pytest.fixture(scope="module")
def expected(make_empty_database: MakeEmptyDatabase, release: NextRelease) -> Catalogue:
    """What a database holds in which the files of the next release ran, and nothing before."""
    with connect(make_empty_database()) as connection:
        for source in release.sources:
            connection.execute(source)
        return read_catalogue(connection)


def test_that_a_release_adds_one_migration_and_edits_none(release: NextRelease) -> None:
    assert [path.name for path in release.released] == [path.name for path in MIGRATIONS]
    assert [path.read_bytes() for path in release.released] == [
        path.read_bytes() for path in MIGRATIONS
    ]
    [added] = release.migrations[len(MIGRATIONS) :]
    sections = [line for line in added.read_text("utf-8").splitlines() if line.startswith("-- >>>")]
    assert sections == [
        "-- >>> sql/without_time_limit.sql",
        "-- >>> sql/tables/collections.sql",
        "-- >>> sql/functions/api/parlant_get_version.sql",
        "-- >>> sql/restore_collections.sql",
        "-- >>> sql/make_views.sql",
        "-- >>> sql/apply_opt_ins.sql",
        "-- >>> sql/with_time_limit.sql",
        "-- >>> sql/reload.sql",
    ]


@pytest.mark.parametrize("deployed", range(1, len(MIGRATIONS) + 1))
def test_that_every_earlier_version_rolls_forward_with_its_data(
    make_empty_database: MakeEmptyDatabase,
    release: NextRelease,
    expected: Catalogue,
    tmp_path: Path,
    deployed: int,
) -> None:
    database = make_empty_database()
    database.deploy(release.project(tmp_path / "before", migrations=deployed))
    with connect(database) as connection:
        connection.execute(
            "insert into public.parlant_sessions_ (data)"
            " select jsonb_build_object('id', 's' || n, 'version', '1', 'creation_utc', n::text)"
            " from generate_series(1, 100) as n"
        )
        before = rows(connection)
        assert without_cli(read_catalogue(connection)) != expected

        pushed = database.deploy(
            release.project(tmp_path / "after", migrations=len(release.migrations))
        )

        assert [path.name for path in release.migrations if path.name in pushed] == [
            path.name for path in release.migrations[deployed:]
        ]
        assert rows(connection) == before
        assert deployed_version(connection) == (NEXT_VERSION, SQL_VERSION)
        assert without_cli(read_catalogue(connection)) == expected


async def test_that_an_adapter_goes_on_while_a_compatible_release_is_deployed(
    make_empty_database: MakeEmptyDatabase, release: NextRelease, tmp_path: Path, logger: Logger
) -> None:
    database = make_empty_database()
    database.deploy(release.project(tmp_path / "before", migrations=len(MIGRATIONS)))

    async with open_adapter(database, logger) as opened_before:
        notes = await opened_before.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.insert_one(note("a"))

        database.deploy(release.project(tmp_path / "after", migrations=len(release.migrations)))

        await notes.insert_one(note("b"))
        async with open_adapter(database, logger) as opened_after:
            same = await opened_after.get_collection("notes", BaseDocument, identity_loader)
            await same.insert_one(note("c"))
            assert (await same.find({})).items == [note("a"), note("b"), note("c")]
        assert (await notes.find({})).items == [note("a"), note("b"), note("c")]


async def test_that_what_does_not_fit_together_is_refused_in_one_sentence_and_nothing_is_lost(
    make_empty_database: MakeEmptyDatabase,
    breaking_release: NextRelease,
    tmp_path: Path,
    logger: Logger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = make_empty_database()
    database.deploy(breaking_release.project(tmp_path / "before", migrations=len(MIGRATIONS)))
    async with open_adapter(database, logger) as opened:
        notes = await opened.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.insert_one(note("a"))

    # The next adapter comes before its SQL.
    with monkeypatch.context() as next_adapter:
        next_adapter.setattr(adapter, "SQL_VERSION", NEXT_VERSION)
        with pytest.raises(
            VersionMismatchError,
            match="&& npx supabase db push --remote`",
        ):
            await open_adapter(database, logger).__aenter__()

    database.deploy(
        breaking_release.project(tmp_path / "after", migrations=len(breaking_release.migrations))
    )

    with pytest.raises(VersionMismatchError, match="pip install --upgrade") as refused:
        await open_adapter(database, logger).__aenter__()
    assert "\n" not in str(refused.value)

    monkeypatch.setattr(adapter, "SQL_VERSION", NEXT_VERSION)
    async with open_adapter(database, logger) as opened:
        notes = await opened.get_collection("notes", BaseDocument, identity_loader)
        assert (await notes.find({})).items == [note("a")]


def test_that_all_migrations_may_be_applied_again(
    make_empty_database: MakeEmptyDatabase,
    release: NextRelease,
    expected: Catalogue,
    tmp_path: Path,
) -> None:
    database = make_empty_database()
    project = release.project(tmp_path / "project", migrations=len(release.migrations))
    database.deploy(project)

    assert "up to date" in database.deploy(project)
    with connect(database) as connection:
        for migration in release.migrations:
            connection.execute(migration.read_bytes())
        assert deployed_version(connection) == (NEXT_VERSION, SQL_VERSION)
        assert without_cli(read_catalogue(connection)) == expected


def test_that_a_push_completes_what_was_half_done_by_hand(
    make_empty_database: MakeEmptyDatabase,
    release: NextRelease,
    expected: Catalogue,
    tmp_path: Path,
) -> None:
    database = make_empty_database()
    with connect(database) as connection:
        for source in release.sources[: len(release.sources) // 2]:
            connection.execute(source)

        database.deploy(release.project(tmp_path / "all", migrations=len(release.migrations)))

        assert deployed_version(connection) == (NEXT_VERSION, SQL_VERSION)
        assert without_cli(read_catalogue(connection)) == expected


def test_that_a_push_completes_one_that_was_killed(
    make_empty_database: MakeEmptyDatabase,
    release: NextRelease,
    expected: Catalogue,
    tmp_path: Path,
) -> None:
    database = make_empty_database()
    database.deploy(release.project(tmp_path / "before", migrations=len(MIGRATIONS)))
    after = release.project(tmp_path / "after", migrations=len(release.migrations))

    with connect(database) as connection, connect(database) as other:
        connection.execute('insert into public.parlant_sessions_ (data) values (\'{"id": "s"}\')')
        before = rows(connection)
        with other.transaction():
            # The migration comes as far as making the views, having changed a table before.
            other.execute("lock table parlant_internal.view_sets in access exclusive mode")
            push = start_push(database, after)
            wait_for_one_that_waits(connection)
            push.kill()
            push.wait(LIMIT_SECONDS)
        wait_until_nobody_else_is_connected(connection)

        database.deploy(after)

        assert rows(connection) == before
        assert deployed_version(connection) == (NEXT_VERSION, SQL_VERSION)
        assert without_cli(read_catalogue(connection)) == expected


def open_adapter(database: SupervisedDatabase, logger: Logger) -> SupabaseDocumentDatabase:
    """Parlant's database there, not entered yet."""
    params = {"url": database.url, "key": database.service_role_key}
    return SupabaseDocumentDatabase(logger, params, table_prefix="upgraded_")


def note(id: str) -> BaseDocument:
    return {"id": id, "creation_utc": "2026-01-01", "version": "1.0.0"}  # type: ignore[typeddict-item]


def rows(connection: psycopg.Connection) -> list[tuple[Any, ...]]:
    """The stored sessions, with the columns that are derived."""
    return connection.execute("select * from public.parlant_sessions_ order by id").fetchall()


def without_cli(catalogue: Catalogue) -> Catalogue:
    """The catalogue less what the Supabase CLI keeps for itself."""
    return {
        entry: text
        for entry, text in catalogue.items()
        if CLI_SCHEMA not in (entry.schema, entry.name)
    }


def start_push(database: SupervisedDatabase, project: Path) -> subprocess.Popen[bytes]:
    """Starts `supabase db push`, without waiting for its end."""
    return subprocess.Popen(
        [
            *find_programs().supabase,
            *("db", "push", f"--db-url={database.database_url}", "--workdir", project, "--yes"),
        ],
        env={**os.environ, "HOME": str(project), "DO_NOT_TRACK": "1", "PGSSLMODE": "disable"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for_one_that_waits(connection: psycopg.Connection) -> None:
    """Returns once a statement in this database waits for a lock."""
    poll(
        connection,
        "select exists (select from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock')",
    )


def wait_until_nobody_else_is_connected(connection: psycopg.Connection) -> None:
    """Returns once what the killed process had sent has come to its end, one way or the other."""
    poll(
        connection,
        "select not exists (select from pg_stat_activity"
        " where datname = current_database() and usename = 'postgres' and state <> 'idle'"
        " and pid <> pg_backend_pid())",
    )


def poll(connection: psycopg.Connection, question: str) -> None:
    wait_until(
        lambda: connection.execute(question.encode()).fetchone() == (True,),
        f"a yes to {question!r}",
    )
