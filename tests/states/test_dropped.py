"""What was dropped is named, and made again without loss of what is left."""

from __future__ import annotations

import asyncio

import pytest
from parlant.core.loggers import Logger
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import NotDeployedError, PermissionDeniedError, SupabaseAdapterError
from parlant_supabase.local.database import SupervisedDatabase

from tests.adapter.notes import note, only
from tests.cli.conftest import execute
from tests.cli.moving import contents, fill, numbered
from tests.states.conftest import Deploy, Findings, opened


@pytest.fixture(scope="module")
def project(deployed: SupervisedDatabase) -> SupervisedDatabase:
    """A project with documents, which each test puts right again."""
    fill(deployed, "parlant_customers_", {"customers": numbered(3)})
    fill(deployed, "acme_customers_", {"customers": numbered(2)})
    return deployed


@pytest.mark.parametrize(
    ("spoil", "error", "check", "words"),
    [
        (
            "drop table public.parlant_sessions_events cascade",
            "Restore the table from a backup, or run",
            "tables",
            "is registered and not there",
        ),
        (
            "drop table public.parlant_sessions_events_failed_migrations",
            None,
            "tables",
            "for failed documents is registered and not there",
        ),
        (
            "drop function public.parlant_get_version",
            "`parlant-supabase init --print`",
            "SQL version",
            "init --print",
        ),
        (
            "drop schema parlant_internal cascade",
            "`parlant-supabase init --print`",
            "privileges",
            "the database lacks a schema. Run `parlant-supabase init",
        ),
        ("truncate parlant_internal.collections", None, "tables", "not registered"),
    ],
    ids=["a table", "a failed table", "a function", "the private schema", "the registry"],
)
async def test_that_what_was_dropped_is_named_and_made_again_without_loss(
    findings: Findings,
    run_init_print: Deploy,
    project: SupervisedDatabase,
    logger: Logger,
    spoil: str,
    error: str | None,
    check: str,
    words: str,
) -> None:
    execute(project, spoil)
    project.reload_schema()

    if error is not None:
        with pytest.raises(NotDeployedError) as raised:
            async with opened(project, logger, "parlant_sessions_") as database:
                await database.get_or_create_collection("events", BaseDocument, identity_loader)
        assert error in str(raised.value)
    found = [each for each in await asyncio.to_thread(findings, project) if each["check"] == check]
    assert words in " ".join(each["text"] + " ".join(each["remedies"]) for each in found)

    run_init_print(project)

    assert await asyncio.to_thread(findings, project) == []
    assert len(contents(project, "parlant_customers_")["customers"].documents) == 3
    assert len(contents(project, "acme_customers_")["customers"].documents) == 2


@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (
            ("drop schema public cascade", "create schema public"),
            NotDeployedError,
            "If it says that the database is up to date, run what `parlant-supabase init --print`",
        ),
        (
            ("revoke usage on schema public from public, service_role",),
            PermissionDeniedError,
            "Run what `parlant-supabase init --print` prints in the dashboard's SQL editor",
        ),
    ],
    ids=["dropped", "grants"],
)
async def test_that_the_schema_public_is_put_right(
    findings: Findings,
    run_init_print: Deploy,
    project: SupervisedDatabase,
    logger: Logger,
    spoil: tuple[str, ...],
    error: type[SupabaseAdapterError],
    words: str,
) -> None:
    execute(project, *spoil)
    project.reload_schema()

    with pytest.raises(error) as raised:
        async with opened(project, logger, "parlant_sessions_"):
            pass
    assert words in str(raised.value)
    (found,) = await asyncio.to_thread(findings, project)
    assert "init --print" in " ".join(found["remedies"])

    run_init_print(project)
    async with opened(project, logger, "parlant_sessions_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.update_one(only("a"), note("a"), upsert=True)
        assert await notes.find_one(only("a")) == note("a")
    assert await asyncio.to_thread(findings, project) == []
