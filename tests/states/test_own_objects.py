"""What users add to our tables, and what they do to their rows: errors blame that, not us."""

from __future__ import annotations

import asyncio

import psycopg
import psycopg.sql
import pytest
from parlant.core.agents import AgentId
from parlant.core.customers import CustomerId
from parlant.core.loggers import Logger
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import (
    BaseDocument,
    CollectionIndex,
    identity_loader,
)
from parlant.core.sessions import EventKind, EventSource
from parlant_supabase import InsertSuppressedError, SupabaseAdapterError
from parlant_supabase.local.database import SupervisedDatabase
from parlant_supabase.stores import supabase_stores

from tests.adapter.notes import ids, note, only, where
from tests.cli.conftest import Invoke, execute, variables_for
from tests.cli.moving import contents
from tests.conftest import MakeEmptyDatabase
from tests.states.conftest import Findings, opened


@pytest.fixture(scope="module")
def project(deployed: SupervisedDatabase) -> SupervisedDatabase:
    """A project with the migrations."""
    return deployed


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


async def test_that_a_foreign_key_is_blamed_and_its_action_helps(
    project: SupervisedDatabase, logger: Logger
) -> None:
    async with opened(project, logger, "keyed_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.insert_one(note("a"))
        execute(
            project,
            "create table public.reviews (note_id text references public.keyed_notes (id))",
            "insert into public.reviews values ('a')",
        )

        with pytest.raises(SupabaseAdapterError, match="a foreign key of your own") as raised:
            await notes.delete_one(only("a"))
        assert "give the key an on delete action" in str(raised.value)
        assert await notes.find_one(only("a")) == note("a")

        execute(
            project,
            "alter table public.reviews drop constraint reviews_note_id_fkey,"
            " add foreign key (note_id) references public.keyed_notes (id) on delete cascade",
        )
        assert (await notes.delete_one(only("a"))).deleted_count == 1


async def test_that_a_trigger_that_returns_null_is_blamed_by_every_insert(
    project: SupervisedDatabase, logger: Logger
) -> None:
    params = {"url": project.url, "key": project.service_role_key}
    trigger = (
        "create trigger keep_out before insert on public.{}"
        " for each row execute function public.keep_out()"
    )
    async with supabase_stores(
        params,
        session_prefix="shut_s_",
        customer_prefix="shut_c_",
        variable_prefix="shut_v_",
        logger=logger,
    ) as stores:
        sessions = stores["session_store"]
        session = await sessions.create_session(CustomerId("c"), AgentId("a"))
        execute(
            project,
            "create function public.keep_out() returns trigger language plpgsql"
            " as $$ begin return null; end $$",
            *(trigger.format(table) for table in ("shut_s_events", "shut_c_customers")),
            trigger.format("shut_c_customers_failed_migrations"),
        )

        with pytest.raises(InsertSuppressedError, match=r"on public\.shut_s_events returned NULL"):
            await sessions.create_event(
                session.id, EventSource.CUSTOMER, EventKind.MESSAGE, "t", {"message": "Hi"}
            )
        with pytest.raises(InsertSuppressedError, match=r"Triggers before insert: keep_out"):
            await stores["customer_store"].create_customer("Ann")
    with psycopg.connect(project.database_url) as sql:
        for call in (
            """parlant_import_documents('shut_c_', 'customers', '[{"id": "a"}]')""",
            """parlant_import_failed_documents('shut_c_', 'customers', '[{"id": "a"}]')""",
        ):
            with pytest.raises(psycopg.Error, match="returned NULL"), sql.transaction():
                sql.execute(f"select public.{call}".encode())


def test_that_a_cell_other_than_data_is_refused_with_what_to_edit_instead(
    project: SupervisedDatabase,
) -> None:
    execute(
        project,
        "insert into public.parlant_sessions_ (data)"
        """ values ('{"id": "edited", "customer_id": "ann", "agent_id": "a"}')""",
    )
    with psycopg.connect(project.database_url) as sql:
        # As the table editor does.
        with pytest.raises(psycopg.Error) as refused, sql.transaction():
            sql.execute(
                "update public.parlant_sessions_ set customer_id = 'bo' where id = 'edited'"
            )
        assert "cannot be set by itself: customer_id" in str(refused.value)
        assert "Change the field of that name in data" in str(refused.value.diag.message_hint)

        sql.execute(
            'update public.parlant_sessions_ set data = data || \'{"customer_id": "b"}\''
            " where id = 'edited'"
        )
        row = sql.execute("select customer_id from public.parlant_sessions_ where id = 'edited'")
        assert row.fetchall() == [("b",)]
        sql.rollback()
    execute(project, "delete from public.parlant_sessions_ where id = 'edited'")


def test_that_rows_with_numbers_of_their_own_are_taken_and_the_sequence_is_put_right(
    findings: Findings, project: SupervisedDatabase
) -> None:
    execute(
        project,
        "insert into public.parlant_customers_ (data, seq)"
        """ values ('{"id": "a"}', 7), ('{"id": "b"}', 9)""",
        "insert into public.parlant_customers__failed_migrations (id, data, seq)"
        """ values ('f', '{"id": "f"}', 1), ('g', '{"id": "g"}', 2)""",
    )

    (found,) = [each for each in findings(project) if each["check"] == "tables"]
    assert "The sequence of seq is behind the rows of parlant_customers_" in found["text"]
    execute(
        project,
        # The role that the adapter has repairs the sequence of failed documents itself.
        "set role service_role; select public.parlant_import_failed_documents('parlant_customers_',"
        """ 'customers', '[{"id": "h", "data": {"id": "h"}}]'); reset role""",
        *[each for each in found["remedies"] if each.startswith("select setval")],
        """insert into public.parlant_customers_ (data) values ('{"id": "c"}')""",
    )

    assert not [each for each in findings(project) if each["check"] == "tables"]
    assert contents(project, "parlant_customers_")["customers"].documents[-1] == '{"id": "c"}'


async def test_that_strings_with_backslashes_mean_the_same_without_standard_conforming_strings(
    make_empty_database: MakeEmptyDatabase, invoke: Invoke, findings: Findings, logger: Logger
) -> None:
    project = make_empty_database()
    with psycopg.connect(project.admin_url, autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL("alter database {} set standard_conforming_strings = off").format(
                psycopg.sql.Identifier(project.name)
            )
        )
    execute(project, invoke("init", "--print").stdout)
    project.reload_schema()

    strange = "a\\b'c\"\\n$1 #"
    async with opened(project, logger, "odd_") as database:
        notes = await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        await notes.ensure_indexes([CollectionIndex(((strange, SortDirection.ASC),), unique=True)])
        for number in range(3):
            await notes.insert_one(note(f"{strange}{number}", **{strange: f"{strange}{number}"}))
        later = {strange: {"$gt": f"{strange}0"}}
        assert await ids(notes, later) == [f"{strange}1", f"{strange}2"]
        assert await notes.find_one(where(later), ((strange, SortDirection.DESC),)) == note(
            f"{strange}2", **{strange: f"{strange}2"}
        )
    expired = await asyncio.to_thread(
        invoke, "expire", "--older-than", "90d", **variables_for(project)
    )
    assert expired.exit_code == 0, expired.output
    assert await asyncio.to_thread(findings, project) == []
