"""The migrations for another schema install there what those for `public` install in `public`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import psycopg
import psycopg.sql
import pytest
from parlant.core.loggers import Logger
from parlant.core.persistence.document_database import BaseDocument, identity_loader
from parlant_supabase import ConfigurationError, SupabaseDocumentDatabase
from parlant_supabase.deployment.migrations import migrations_for, private_schema_of
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local.database import SupervisedDatabase
from psycopg.types.json import Jsonb

from tests.conftest import MakeEmptyDatabase
from tests.database.project import write_project

# A reserved word, which has to be quoted.
SCHEMA = "order"
PREFIX = "same_"
NOTE: BaseDocument = {"id": "a", "creation_utc": "2026-01-01", "version": "1.0.0"}  # type: ignore[typeddict-item]

OBJECTS = """
select replace(o.kind || ' ' || o.name, %(private)s, 'parlant_internal')
from (
  select 'table', c.relname, c.relnamespace from pg_class c where c.relkind in ('r', 'i', 'S', 'v')
  union all
  select 'function', p.proname || ' ' || pg_get_function_arguments(p.oid), p.pronamespace
  from pg_proc p
) as o (kind, name, namespace)
where o.namespace::regnamespace::text in (%(schema)s, quote_ident(%(schema)s), %(private)s)
order by 1
"""


@pytest.fixture(scope="module")
def shared(
    make_empty_database: MakeEmptyDatabase, tmp_path_factory: pytest.TempPathFactory
) -> SupervisedDatabase:
    """A database with two installations."""
    database = make_empty_database("public", SCHEMA)
    database.deploy(write_project(tmp_path_factory.mktemp("two"), "public", SCHEMA))
    return database


@pytest.fixture
async def databases(
    shared: SupervisedDatabase, logger: Logger
) -> AsyncIterator[tuple[SupabaseDocumentDatabase, SupabaseDocumentDatabase]]:
    """Parlant's database in `public`, and one of the same prefix in the other schema."""
    params = {"url": shared.url, "key": shared.service_role_key}
    async with (
        SupabaseDocumentDatabase(logger, params, table_prefix=PREFIX) as here,
        SupabaseDocumentDatabase(
            logger, {**params, "schema": SCHEMA}, table_prefix=PREFIX
        ) as there,
    ):
        yield here, there


def test_that_the_migrations_for_public_are_the_packages_files() -> None:
    files = sorted((find_project() / "supabase" / "migrations").glob("*.sql"))

    assert [(m.name, m.text) for m in migrations_for()] == [
        (file.name, file.read_text("utf-8")) for file in files
    ]


def test_that_the_migrations_for_another_schema_name_neither_schema_of_the_package() -> None:
    for migration in migrations_for("elsewhere"):
        rest = migration.text.replace("parlant_internal_elsewhere", "")
        assert "parlant_internal" not in rest
        # What is left of `public` is the role, which stands between blanks and commas, and prose.
        assert not re.findall(r".*(?:[^\s,]public|public[^\s,;]).*", rest)


def test_that_the_files_name_public_in_ways_that_are_rendered() -> None:
    # The counterpart of the test above: of what stands in the files, all but the role is replaced.
    for ours, theirs in zip(migrations_for(), migrations_for("elsewhere"), strict=True):
        mentions = re.findall(r"\bpublic\.|'public'", ours.text)
        assert mentions
        assert len(re.findall(r'"elsewhere"\.|\'elsewhere\'', theirs.text)) == len(mentions)
        assert ours.text.count("parlant_internal") == theirs.text.count(
            "parlant_internal_elsewhere"
        )


@pytest.mark.parametrize(
    "schema",
    ["", " ", "Chats", "chats-2", "2chats", "a.b", "a b", 'a"b', "a'b", "a%b", "größe", "a\n", "$"],
)
def test_that_a_schema_whose_name_needs_quotes_is_refused(schema: str) -> None:
    with pytest.raises(ConfigurationError, match="Take a name of the letters"):
        list(migrations_for(schema))


@pytest.mark.parametrize(
    "schema",
    ["pg_chats", "pg_catalog", "information_schema", "parlant_internal", "parlant_internal_a"],
)
def test_that_a_schema_of_somebody_elses_is_refused(schema: str) -> None:
    with pytest.raises(ConfigurationError, match="Take a name of the letters"):
        list(migrations_for(schema))


def test_that_a_schema_of_too_long_a_name_is_refused() -> None:
    longest = "s" * 46
    assert len(private_schema_of(longest).encode()) == 63

    with pytest.raises(ConfigurationError, match="at most 46 characters"):
        private_schema_of(longest + "s")


def test_that_an_installation_elsewhere_has_the_same_objects(shared: SupervisedDatabase) -> None:
    def objects(schema: str) -> list[str]:
        names = {"schema": schema, "private": private_schema_of(schema)}
        return [name for (name,) in connection.execute(OBJECTS, names).fetchall()]

    with psycopg.connect(shared.database_url) as connection:
        here = objects("public")
        assert len(here) > 50
        assert objects(SCHEMA) == here


def test_that_an_installation_elsewhere_touches_nothing_in_public(
    make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    database = make_empty_database("elsewhere")
    database.deploy(write_project(tmp_path / "project", "elsewhere"))

    with psycopg.connect(database.database_url) as connection:
        schemas = {
            schema
            for (schema,) in connection.execute(
                "select relnamespace::regnamespace::text from pg_class"
                " where relname like 'parlant%'"
                " union select pronamespace::regnamespace::text from pg_proc"
                " where proname like 'parlant%'"
            )
        }
        assert schemas == {"elsewhere"}
        assert connection.execute("select to_regnamespace('parlant_internal')").fetchone() == (
            None,
        )


async def test_that_two_installations_do_not_see_each_other(
    databases: tuple[SupabaseDocumentDatabase, SupabaseDocumentDatabase],
) -> None:
    here, there = [
        await database.get_or_create_collection("notes", BaseDocument, identity_loader)
        for database in databases
    ]
    await here.insert_one(NOTE)
    assert (await there.find({})).items == []

    await there.insert_one({**NOTE, "version": "2.0.0"})  # type: ignore[typeddict-item]
    assert (await here.find({})).items == [NOTE]

    assert (await there.delete_one({})).deleted_count == 1
    assert (await there.delete_one({})).deleted_count == 0
    await databases[1].delete_collection("notes")
    assert (await here.find({})).items == [NOTE]


@pytest.mark.parametrize("schema", ["public", SCHEMA])
def test_that_a_batch_of_calls_stays_in_its_installation(
    shared: SupervisedDatabase, schema: str
) -> None:
    calls = (
        '[{"function": "create_collection", "arguments":'
        ' [{"p_prefix": "batch_", "p_collection": "notes"}]}]'
    )
    with psycopg.connect(shared.database_url, autocommit=True) as connection:
        row = connection.execute(
            psycopg.sql.SQL("select {}.parlant_execute(%s)").format(psycopg.sql.Identifier(schema)),
            (calls,),
        ).fetchone()
        assert row == ({"results": [{"reply": {"created": True}}]},)
        found = connection.execute(
            "select to_regclass(quote_ident(%s) || '.batch_notes') is not null", (schema,)
        ).fetchone()
        assert found == (True,)


def test_that_views_show_the_rows_of_their_installation(shared: SupervisedDatabase) -> None:
    with psycopg.connect(shared.database_url) as connection:
        for schema, text in (("public", "here"), (SCHEMA, "there")):
            event = {"id": "e", "session_id": "s", "kind": "message", "data": {"message": text}}
            table, view = (
                psycopg.sql.Identifier(schema, name)
                for name in ("parlant_sessions_events", "parlant_messages")
            )
            insert = psycopg.sql.SQL("insert into {} (data) values (%s)").format(table)
            connection.execute(insert, [Jsonb(event)])
            select = psycopg.sql.SQL("select text from {}").format(view)
            assert connection.execute(select).fetchall() == [(text,)]
        connection.rollback()
