"""Copies of a project, of its schema alone, of its rows alone or of a branch."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from parlant.core.loggers import Logger
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    identity_loader,
)
from parlant_supabase.local.database import SupervisedDatabase

from tests.adapter.notes import note, only
from tests.checkout import CHECKOUT
from tests.cli.conftest import execute, invoke
from tests.cli.moving import contents, fill, numbered
from tests.conftest import MakeEmptyDatabase
from tests.database.supabase_cli import run_supabase_diff
from tests.states.conftest import Deploy, Findings, opened
from tests.states.dumps import dump, run_command, run_script

__all__ = ["invoke"]


@pytest.fixture(scope="module")
def source(deployed: SupervisedDatabase) -> SupervisedDatabase:
    """A project with documents under a default prefix and under one of run time."""
    fill(deployed, "parlant_sessions_", {"events": numbered(3)})
    fill(deployed, "acme_sessions_", {"events": numbered(2), "notes": numbered(1)})
    execute(
        deployed,
        "insert into public.acme_sessions_events_failed_migrations (id, data, reason)"
        """ values ('f', '{"id": "f"}', 'rejected')""",
        "select public.parlant_create_views('acme_')",
    )
    return deployed


@pytest.fixture
def copy(make_empty_database: MakeEmptyDatabase) -> SupervisedDatabase:
    """An empty project."""
    return make_empty_database()


@pytest.fixture
def project(copy: SupervisedDatabase, run_init_print: Deploy) -> SupervisedDatabase:
    """A project with the migrations, as `init --print` gives them."""
    run_init_print(copy)
    return copy


async def test_that_a_copy_of_the_schema_alone_is_a_whole_installation(
    findings: Findings,
    run_init_print: Deploy,
    source: SupervisedDatabase,
    copy: SupervisedDatabase,
    logger: Logger,
) -> None:
    run_script(copy.database_url, dump(source, "--schema-only"))
    copy.reload_schema()

    (found,) = await asyncio.to_thread(findings, copy)
    assert found["check"] == "tables"
    assert "not registered, as after a copy of the schema without its rows" in found["text"]

    async with opened(copy, logger, "acme_sessions_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.insert_one(note("a"))
        assert await notes.find_one(only("a")) == note("a")

    run_init_print(copy)
    assert await asyncio.to_thread(findings, copy) == []
    assert set(contents(copy, "")) == set(contents(source, ""))


@pytest.mark.parametrize("replica", [False, True])
def test_that_rows_restored_into_a_project_with_the_migrations_find_their_tables(
    findings: Findings, source: SupervisedDatabase, project: SupervisedDatabase, replica: bool
) -> None:
    rows = dump(source, "--data-only")

    if replica:
        # As `supabase db dump --data-only` begins; on a hosted project postgres may set it.
        run_script(project.admin_url, "set session_replication_role = replica;\n" + rows)
    else:
        run_script(project.database_url, rows)

    assert contents(project, "") == contents(source, "")
    assert [each["check"] for each in findings(project)] == ["failed documents"]


def test_that_an_archive_restores_the_rows_of_every_prefix(
    source: SupervisedDatabase, project: SupervisedDatabase, tmp_path: Path
) -> None:
    page = (CHECKOUT / "docs" / "production.md").read_text("utf-8")
    commands = re.findall(r"^ +(pg_\w+ .+)$", page, re.MULTILINE)

    assert [command.split()[0] for command in commands] == ["pg_dump", "pg_restore"]
    for command in commands:
        run_command(
            command,
            tmp_path,
            SOURCE_DATABASE_URL=source.database_url,
            TARGET_DATABASE_URL=project.database_url,
        )

    assert contents(project, "") == contents(source, "")
    fill(project, "acme_sessions_", {"notes": [{"id": "after"}]})
    assert contents(project, "acme_")["notes"].documents[-1] == '{"id": "after"}'


def test_that_grants_of_old_default_privileges_are_found_and_taken_back(
    findings: Findings,
    run_init_print: Deploy,
    source: SupervisedDatabase,
    copy: SupervisedDatabase,
) -> None:
    for kind in ("tables", "functions", "sequences"):
        execute(
            copy,
            f"alter default privileges in schema public grant all on {kind}"
            " to anon, authenticated, service_role",
        )
    run_script(copy.database_url, dump(source))
    copy.reload_schema()
    assert "privileges" in {each["check"] for each in findings(copy)}

    run_init_print(copy)

    assert [each["check"] for each in findings(copy)] == ["failed documents"]
    assert contents(copy, "") == contents(source, "")


async def test_that_drift_that_was_pulled_into_a_branch_is_registered(
    findings: Findings,
    run_init_print: Deploy,
    source: SupervisedDatabase,
    project: SupervisedDatabase,
    logger: Logger,
    tmp_path: Path,
) -> None:
    async with opened(source, logger, "acme_sessions_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.ensure_indexes([CollectionIndex((("text", SortDirection.ASC),))])
    # What `supabase db diff` prints of a project in use: tables and indexes made at run time.
    drift = run_supabase_diff(project.database_url, source.database_url, tmp_path)
    assert "acme_sessions_notes" in drift
    run_script(project.database_url, drift)
    project.reload_schema()

    (found,) = await asyncio.to_thread(findings, project)
    assert "not registered" in found["text"]
    assert "A store that is opened registers its own." in found["remedies"][0]

    async with opened(project, logger, "acme_sessions_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.insert_one(note("a"))
        assert await notes.find_one(only("a")) == note("a")

    run_init_print(project)
    assert await asyncio.to_thread(findings, project) == []
