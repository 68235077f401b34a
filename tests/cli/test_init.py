"""`parlant-supabase init`, and what `supabase db push` makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from parlant_supabase.deployment import user_project
from parlant_supabase.deployment.migrations import Migration, migrations_for
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.deployment.user_project import add_migrations
from parlant_supabase.local import LocalStackError, StackDatabase
from parlant_supabase.store_layout import METADATA, STORES

from tests.cli.conftest import (
    Invoke,
    Run,
    assert_one_sentence,
    execute,
    variables_for,
)
from tests.conftest import MakeEmptyDatabase

_OF_THE_USER = "create table public.orders (id int primary key);\n"


def migrations_in(folder: Path) -> dict[str, str]:
    """The project's migrations: {file name: text}."""
    files = (folder / "supabase" / "migrations").glob("*.sql")
    return {file.name: file.read_text("utf-8") for file in sorted(files)}


def write_migration(folder: Path, name: str, text: str = _OF_THE_USER) -> Path:
    """A migration of the user's own."""
    path = folder / "supabase" / "migrations" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def query(database: StackDatabase, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.database_url) as connection:
        return connection.execute(statement.encode()).fetchall()


def collections_of(database: StackDatabase, prefix: str) -> set[tuple[Any, ...]]:
    """The collections under prefixes that begin so, without it."""
    registered = query(database, "select prefix, collection from parlant_internal.collections")
    return {
        (each.removeprefix(prefix), collection)
        for each, collection in registered
        if each.startswith(prefix)
    }


def test_that_an_empty_folder_becomes_a_project_that_deploys(
    run: Run, invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    result = run("init", "my project")
    project = tmp_path / "my project"
    database = make_empty_database()
    database.deploy(project)

    assert result.returncode == 0
    assert result.stderr == ""
    assert (project / "supabase" / "config.toml").read_text() == 'project_id = "my-project"\n'
    (name,) = migrations_in(project)
    for words in (name, "cd 'my project'", "supabase link", "supabase db push", "doctor"):
        assert words in result.stdout
    assert "Wrote my project/supabase/config.toml, which makes" in result.stdout
    assert invoke("doctor", **variables_for(database)).exit_code == 0


def test_that_a_project_with_newer_migrations_of_its_own_takes_ours_by_a_plain_push(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    (package_migration, *_) = migrations_for()
    own = write_migration(tmp_path, "20261201000000_orders.sql")
    (tmp_path / "supabase" / "config.toml").write_text('project_id = "shop"\n')
    database = make_empty_database()
    database.deploy(tmp_path)
    assert own.name > package_migration.name

    result = invoke("init")
    assert result.exit_code == 0
    assert "Wrote" not in result.stdout
    database.deploy(tmp_path)

    assert own.read_text() == _OF_THE_USER
    assert (tmp_path / "supabase" / "config.toml").read_text() == 'project_id = "shop"\n'
    assert invoke("doctor", **variables_for(database)).exit_code == 0


def test_that_the_package_files_themselves_would_not_be_taken(
    make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    # Why init gives them new versions. Should the CLI change its mind, so can init.
    write_migration(tmp_path, "20991201000000_orders.sql")
    database = make_empty_database()
    database.deploy(tmp_path)
    for migration in migrations_for():
        write_migration(tmp_path, migration.name, migration.text)

    with pytest.raises(LocalStackError, match="--include-all"):
        database.deploy(tmp_path)


@pytest.mark.parametrize("name", ["20991231235959_orders.sql", "9_orders.sql"])
def test_that_even_a_version_of_the_future_is_passed(
    make_empty_database: MakeEmptyDatabase, tmp_path: Path, name: str
) -> None:
    write_migration(tmp_path, name)
    database = make_empty_database()
    database.deploy(tmp_path)

    result = add_migrations(tmp_path, None, ["acme_"])
    database.deploy(tmp_path)

    assert len(result.added) == 2
    assert len(collections_of(database, "acme_")) == 10


def test_that_again_it_adds_nothing(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    database = make_empty_database()
    invoke("init", "--prefix", "acme_")
    before = migrations_in(tmp_path)
    database.deploy(tmp_path)

    result = invoke("init", "--prefix", "acme_")

    assert result.exit_code == 0
    assert "Nothing to add" in result.stdout
    assert migrations_in(tmp_path) == before
    assert "up to date" in database.deploy(tmp_path)


def test_that_after_an_upgrade_it_adds_what_is_new(
    make_empty_database: MakeEmptyDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = make_empty_database()
    add_migrations(tmp_path, None, [])
    write_migration(tmp_path, "20991201000000_orders.sql")
    database.deploy(tmp_path)
    before = migrations_in(tmp_path)

    def upgraded(schema: str) -> list[Migration]:
        new = Migration("20261224000000_add_more.sql", "create table public.parlant_more ();\n")
        return [*migrations_for(schema), new]

    monkeypatch.setattr(user_project, "migrations_for", upgraded)
    (added,) = add_migrations(tmp_path, None, []).added
    database.deploy(tmp_path)

    assert added.name.endswith("_add_more.sql")
    assert {**before, added.name: added.read_text()} == migrations_in(tmp_path)
    assert query(database, "select to_regclass('public.parlant_more')::text") == [("parlant_more",)]


def test_that_an_edited_copy_is_told_and_left_alone(run: Run, tmp_path: Path) -> None:
    run("init")
    (name,) = migrations_in(tmp_path)
    edited = write_migration(tmp_path, name, "select 1; -- mine\n")

    result = run("init")

    assert result.returncode == 0
    assert name in result.stderr
    assert "differs" in result.stderr
    assert edited.read_text() == "select 1; -- mine\n"
    assert len(migrations_in(tmp_path)) == 1


def test_that_several_schemas_live_in_one_project_and_are_remembered(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    database = make_empty_database("public", "sales", "support_2")
    assert "SUPABASE_SCHEMA=sales" in invoke("init", "--schema", "sales").stdout
    assert (
        'schemas = ["public", "graphql_public", "sales"]'
        in (tmp_path / "supabase" / "config.toml").read_text()
    )

    # Not those for public, as the project is one for sales.
    assert "Nothing to add" in invoke("init").stdout
    invoke("init", "--schema", "support_2", "--prefix", "acme_")
    invoke("init", "--schema", "public")
    assert len(migrations_in(tmp_path)) == 4
    assert "Nothing to add" in invoke("init").stdout

    database.deploy(tmp_path)
    for schema in ("public", "sales", "support_2"):
        variables = {**variables_for(database), "SUPABASE_SCHEMA": schema}
        assert invoke("doctor", **variables).exit_code == 0
    assert query(
        database, 'select to_regclass($$"support_2".acme_sessions_events$$) is not null'
    ) == [(True,)]


def test_that_a_schema_that_cannot_be_one_is_refused(run: Run, tmp_path: Path) -> None:
    assert_one_sentence(run("init", "--schema", "pg_mine"), "cannot be the schema")
    assert not (tmp_path / "supabase").exists()


def test_that_prefixes_get_the_tables_that_the_default_ones_have(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    longest = "p234567890123456789"
    database = make_empty_database()
    invoke("init", "--prefix", "acme_", "--prefix", longest)
    database.deploy(tmp_path)

    default = collections_of(database, "parlant_")
    assert len(default) == 10
    assert collections_of(database, "acme_") == default
    assert collections_of(database, longest) == default


def test_that_prefixes_get_the_views_that_the_default_ones_have(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    database = make_empty_database("public", "sales")
    invoke("init", "--prefix", "acme_")
    invoke("init", "--schema", "sales", "--prefix", "acme_")
    database.deploy(tmp_path)

    views = query(database, "select schemaname, viewname from pg_views where viewname like '%\\_%'")
    for schema in ("public", "sales"):
        names = {name for where, name in views if where == schema}
        default = {name for name in names if name.startswith("parlant_")}
        assert len(default) == 4
        assert names - default == {name.replace("parlant_", "acme_") for name in default}


@pytest.mark.parametrize("prefix", ["", "a'b", "ä_", "1_", "p2345678901234567890"])
def test_that_a_prefix_that_cannot_be_one_is_refused(run: Run, tmp_path: Path, prefix: str) -> None:
    assert_one_sentence(run("init", "--prefix", prefix), "cannot be a prefix")
    assert not (tmp_path / "supabase").exists()


def test_that_the_printed_script_works_twice_and_a_push_after_it_does_too(
    invoke: Invoke, make_empty_database: MakeEmptyDatabase, tmp_path: Path
) -> None:
    database = make_empty_database()
    script = invoke("init", "--print", "--prefix", "acme_").stdout
    assert not (tmp_path / "supabase").exists()

    execute(database, script)
    execute(database, """insert into public.parlant_customers_ (data) values ('{"id": "c1"}')""")
    execute(database, script)
    assert len(collections_of(database, "acme_")) == 10

    invoke("init", "--prefix", "acme_")
    database.deploy(tmp_path)
    assert query(database, "select id from public.parlant_customers_") == [("c1",)]
    database.reload_schema()
    assert invoke("doctor", **variables_for(database)).exit_code == 0


def test_that_a_printed_script_is_one_transaction(
    make_empty_database: MakeEmptyDatabase, run: Run
) -> None:
    database = make_empty_database()
    script = run("init", "--print").stdout
    broken = re.sub(r"\ncommit;\s*$", "\nselect 1 / 0;\ncommit;", script)
    assert broken != script

    with pytest.raises(psycopg.errors.DivisionByZero):
        execute(database, broken)

    assert query(database, "select to_regnamespace('parlant_internal') is null") == [(True,)]


def test_that_the_script_is_for_the_schema_asked_for(run: Run) -> None:
    script = run("init", "--print", "--schema", "sales").stdout

    assert 'create schema if not exists "sales";' in script
    assert "public.parlant_find" not in script


def test_that_a_script_and_a_folder_exclude_each_other(run: Run) -> None:
    assert_one_sentence(run("init", "here", "--print"), "leave out the folder")


def test_that_a_linked_project_is_not_told_to_link(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "supabase" / ".temp").mkdir(parents=True)
    (tmp_path / "supabase" / ".temp" / "project-ref").write_text("abcdefghijklmnopqrst")

    result = invoke("init")

    assert "supabase link" not in result.stdout
    assert "supabase db push" in result.stdout


def test_that_the_folder_supabase_itself_is_not_taken_for_its_parent(
    run: Run, tmp_path: Path
) -> None:
    invoked = run("init")
    assert invoked.returncode == 0

    assert_one_sentence(run("init", "supabase"), "name the folder that contains it")
    assert_one_sentence(run("init", cwd=tmp_path / "supabase"), "name the folder that contains it")


def test_that_what_cannot_be_a_folder_is_one_sentence(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    assert_one_sentence(run("init", "file"), "cannot be used")


def test_that_the_stores_named_here_are_those_of_the_package(
    make_empty_database: MakeEmptyDatabase,
) -> None:
    database = make_empty_database()
    database.deploy(find_project())

    assert collections_of(database, "parlant_") == {
        (store.prefix_under(""), collection)
        for store in STORES
        for collection in (METADATA, *store.collections)
    }
