"""Deploying with the real `supabase db push`, and further databases."""

from __future__ import annotations

from pathlib import Path

import httpx
import psycopg
import pytest
from parlant_supabase.local import LocalStack, LocalStackError

from .conftest import Project, Request

_GREETING = """
create function public.greeting() returns text
language sql as $$ select 'hello' $$;
"""


def test_that_a_deployed_function_can_be_called_at_once(
    scratch_stack: LocalStack, call: Request, write_project: Project
) -> None:
    database = scratch_stack.create_database("deployed")
    try:
        output = database.deploy(write_project(greeting=_GREETING))
        response = call("greeting", {"apikey": database.anon_key}, database)
    finally:
        scratch_stack.drop_database(database)

    assert "20260101000001_greeting.sql" in output
    assert response.json() == "hello"


def test_that_the_project_is_left_as_it_was(
    scratch_stack: LocalStack, write_project: Project
) -> None:
    project = write_project(greeting=_GREETING)
    before = sorted(project.rglob("*"))
    database = scratch_stack.create_database("untouched")
    try:
        database.deploy(project)
    finally:
        scratch_stack.drop_database(database)

    assert sorted(project.rglob("*")) == before


def test_that_a_second_deployment_finds_nothing_to_do(
    scratch_stack: LocalStack, write_project: Project
) -> None:
    project = write_project(greeting=_GREETING)
    database = scratch_stack.create_database("again")
    try:
        database.deploy(project)
        assert "up to date" in database.deploy(project)
    finally:
        scratch_stack.drop_database(database)


def test_that_a_failed_deployment_says_why(
    scratch_stack: LocalStack, write_project: Project
) -> None:
    project = write_project(fine="create table t (id int);", broken="select 1 / 0;")
    database = scratch_stack.create_database("failing")
    try:
        with pytest.raises(LocalStackError, match="division by zero") as failure:
            database.deploy(project)
    finally:
        scratch_stack.drop_database(database)

    assert "20260101000002_broken.sql" in str(failure.value)


def test_that_a_folder_without_a_project_is_named(
    scratch_stack: LocalStack, tmp_path: Path
) -> None:
    with pytest.raises(LocalStackError, match=f"no folder `supabase` in {tmp_path}"):
        scratch_stack.deploy(tmp_path)


def test_that_databases_do_not_see_each_other(
    scratch_stack: LocalStack, call: Request, write_project: Project
) -> None:
    database = scratch_stack.create_database("apart")
    try:
        database.deploy(write_project(greeting=_GREETING))
        headers = {"apikey": database.secret_key}
        assert call("greeting", headers, database).status_code == 200
        assert call("greeting", headers, scratch_stack).status_code == 404
        assert call("session_facts", headers, database).status_code == 404
    finally:
        scratch_stack.drop_database(database)


def test_that_a_dropped_database_leaves_nothing(scratch_stack: LocalStack) -> None:
    database = scratch_stack.create_database("gone")
    scratch_stack.drop_database(database)

    with pytest.raises(httpx.ConnectError):
        httpx.get(database.url)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(database.database_url)


def test_that_text_sorts_by_code_point_unless_a_locale_is_given(
    scratch_stack: LocalStack,
) -> None:
    query = "select array_agg(t order by t) from unnest(array['b', 'a', 'B', 'A', 'ä']) as t"
    database = scratch_stack.create_database("german", locale="de-DE")
    try:
        with psycopg.connect(scratch_stack.database_url) as connection:
            assert connection.execute(query).fetchone() == (["A", "B", "a", "b", "ä"],)
        with psycopg.connect(database.database_url) as connection:
            assert connection.execute(query).fetchone() == (["a", "A", "ä", "b", "B"],)
    finally:
        scratch_stack.drop_database(database)


def test_that_other_schemas_can_be_exposed(
    scratch_stack: LocalStack, write_project: Project
) -> None:
    database = scratch_stack.create_database("schemas", schemas=["public", "api"])
    try:
        database.deploy(
            write_project(
                api="create schema api; grant usage on schema api to anon;"
                "create function api.hidden() returns int language sql as 'select 1';"
            )
        )
        response = httpx.post(
            f"{database.url}/rest/v1/rpc/hidden",
            headers={"apikey": database.anon_key, "Content-Profile": "api"},
            json={},
            timeout=60,
        )
    finally:
        scratch_stack.drop_database(database)

    assert response.json() == 1


def test_that_an_odd_database_name_is_refused(scratch_stack: LocalStack) -> None:
    with pytest.raises(ValueError, match="no plain database name"):
        scratch_stack.create_database('x"; drop database postgres; --')
