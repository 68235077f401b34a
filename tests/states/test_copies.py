"""Copies of a project, of its schema alone or of its rows alone, and what was dropped from one."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from parlant.core.loggers import Logger
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import NotDeployedError, SupabaseAdapterError, SupabaseDocumentDatabase
from parlant_supabase.local.database import SupervisedDatabase

from tests.adapter.notes import note, only
from tests.checkout import CHECKOUT
from tests.cli.conftest import Invoke, execute, invoke, variables_for
from tests.cli.moving import contents, fill, numbered
from tests.conftest import MakeEmptyDatabase
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
def project(copy: SupervisedDatabase, invoke: Invoke) -> SupervisedDatabase:
    """A project with the migrations, as `init --print` gives them."""
    run_init_print(invoke, copy)
    return copy


def run_init_print(invoke: Invoke, database: SupervisedDatabase) -> None:
    execute(database, invoke("init", "--print").stdout)
    database.reload_schema()


def findings(invoke: Invoke, database: SupervisedDatabase) -> list[dict[str, Any]]:
    """What `doctor` finds that is not ok, apart from how busy this machine is."""
    report = json.loads(invoke("doctor", "--json", **variables_for(database)).stdout)
    return [
        each
        for each in report["findings"]
        if each["status"] not in ("ok", "skipped") and each["check"] != "latency"
    ]


def opened(database: SupervisedDatabase, logger: Logger, prefix: str) -> SupabaseDocumentDatabase:
    params = {"url": database.url, "key": database.service_role_key}
    return SupabaseDocumentDatabase(logger, params, table_prefix=prefix)


async def test_that_a_copy_of_the_schema_alone_is_a_whole_installation(
    invoke: Invoke, source: SupervisedDatabase, copy: SupervisedDatabase, logger: Logger
) -> None:
    run_script(copy.database_url, dump(source, "--schema-only"))
    copy.reload_schema()

    (found,) = await asyncio.to_thread(findings, invoke, copy)
    assert found["check"] == "tables"
    assert "not registered, as after a copy of the schema without its rows" in found["text"]

    async with opened(copy, logger, "acme_sessions_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.insert_one(note("a"))
        assert await notes.find_one(only("a")) == note("a")

    run_init_print(invoke, copy)
    assert await asyncio.to_thread(findings, invoke, copy) == []
    assert set(contents(copy, "")) == set(contents(source, ""))


@pytest.mark.parametrize("replica", [False, True])
def test_that_rows_restored_into_a_project_with_the_migrations_find_their_tables(
    invoke: Invoke, source: SupervisedDatabase, project: SupervisedDatabase, replica: bool
) -> None:
    rows = dump(source, "--data-only")

    if replica:
        # As `supabase db dump --data-only` begins; on a hosted project postgres may set it.
        run_script(project.admin_url, "set session_replication_role = replica;\n" + rows)
    else:
        run_script(project.database_url, rows)

    assert contents(project, "") == contents(source, "")
    assert [each["check"] for each in findings(invoke, project)] == ["failed documents"]


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
    invoke: Invoke, source: SupervisedDatabase, copy: SupervisedDatabase
) -> None:
    for kind in ("tables", "functions", "sequences"):
        execute(
            copy,
            f"alter default privileges in schema public grant all on {kind}"
            " to anon, authenticated, service_role",
        )
    run_script(copy.database_url, dump(source))
    copy.reload_schema()
    assert "privileges" in {each["check"] for each in findings(invoke, copy)}

    run_init_print(invoke, copy)

    assert [each["check"] for each in findings(invoke, copy)] == ["failed documents"]
    assert contents(copy, "") == contents(source, "")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (
            "drop table public.parlant_sessions_events cascade",
            "Restore the table from a backup, or run",
        ),
        ("drop function public.parlant_get_version", "`parlant-supabase init --print`"),
        ("drop schema parlant_internal cascade", "`parlant-supabase init --print`"),
        ("truncate parlant_internal.collections", None),
    ],
    ids=["a table", "a function", "the private schema", "the registry"],
)
async def test_that_what_was_dropped_is_named_and_made_again_without_loss(
    invoke: Invoke,
    project: SupervisedDatabase,
    logger: Logger,
    spoil: str,
    error: str | None,
) -> None:
    fill(project, "parlant_customers_", {"customers": numbered(3)})
    fill(project, "acme_customers_", {"customers": numbered(2)})
    execute(project, spoil)
    project.reload_schema()

    if error is not None:
        with pytest.raises(NotDeployedError) as raised:
            async with opened(project, logger, "parlant_sessions_") as database:
                await database.get_or_create_collection("events", BaseDocument, identity_loader)
        assert error in str(raised.value)

    run_init_print(invoke, project)

    assert await asyncio.to_thread(findings, invoke, project) == []
    assert len(contents(project, "parlant_customers_")["customers"].documents) == 3
    assert len(contents(project, "acme_customers_")["customers"].documents) == 2


async def test_that_a_name_that_is_not_qualified_is_blamed_on_the_trigger(
    project: SupervisedDatabase, logger: Logger
) -> None:
    async with opened(project, logger, "own_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        execute(
            project,
            "create table public.audit_log (id text)",
            "create function public.audit() returns trigger language plpgsql security definer"
            " as $$ begin insert into audit_log values (new.id); return new; end $$",
            "create trigger audit after insert on public.own_notes"
            " for each row execute function public.audit()",
        )

        with pytest.raises(SupabaseAdapterError, match="a trigger, constraint or policy of your"):
            await notes.insert_one(note("a"))

        execute(project, "alter function public.audit() set search_path = public")
        await notes.insert_one(note("a"))


def test_that_rows_with_numbers_of_their_own_are_taken_and_the_sequence_is_put_right(
    invoke: Invoke, project: SupervisedDatabase
) -> None:
    execute(
        project,
        "insert into public.parlant_customers_ (data, seq)"
        """ values ('{"id": "a"}', 7), ('{"id": "b"}', 9)""",
        "insert into public.parlant_customers__failed_migrations (id, data, seq)"
        """ values ('f', '{"id": "f"}', 1), ('g', '{"id": "g"}', 2)""",
    )

    (found,) = [each for each in findings(invoke, project) if each["check"] == "tables"]
    assert "The sequence of seq is behind the rows of parlant_customers_" in found["text"]
    execute(
        project,
        # The role that the adapter has repairs the sequence of failed documents itself.
        "set role service_role; select public.parlant_import_failed_documents('parlant_customers_',"
        """ 'customers', '[{"id": "h", "data": {"id": "h"}}]'); reset role""",
        *[each for each in found["remedies"] if each.startswith("select setval")],
        """insert into public.parlant_customers_ (data) values ('{"id": "c"}')""",
    )

    assert not [each for each in findings(invoke, project) if each["check"] == "tables"]
    assert contents(project, "parlant_customers_")["customers"].documents[-1] == '{"id": "c"}'
