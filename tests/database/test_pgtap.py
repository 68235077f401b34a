"""Runs the pgTAP files that `supabase test db` runs, without Docker and without psql."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import StackDatabase
from tap.parser import Parser  # type: ignore[import-untyped]

from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import apply_migrations

FILES = sorted((find_project() / "supabase" / "tests" / "database").glob("*.sql"))


@pytest.fixture(
    scope="module",
    params=[None, "en-US"],
    ids=["sorted by code point", "sorted as in English"],
)
def fresh_database(
    make_empty_database: MakeEmptyDatabase, request: pytest.FixtureRequest
) -> StackDatabase:
    """A database with nothing in it but the migrations and pgTAP."""
    database = make_empty_database(locale=request.param)
    with psycopg.connect(database.database_url) as connection:
        apply_migrations(connection)
    with psycopg.connect(database.admin_url) as connection:
        # On a hosted project `postgres` may do it.
        connection.execute("create extension pgtap with schema extensions")
    return database


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_that_each_assertion_holds(file: Path, fresh_database: StackDatabase) -> None:
    output = run_script(fresh_database.database_url, file.read_text("utf-8"))
    report = list(Parser().parse_text(output))
    plans = [line.expected_tests for line in report if line.category == "plan"]
    results = [line for line in report if line.category == "test"]
    failed = [line for line in output.splitlines() if line.startswith(("not ok", "#"))]

    assert all(line.ok for line in results), "\n".join(failed)
    assert plans == [len(results)], "\n".join(failed)


def test_that_what_each_api_function_does_is_asserted() -> None:
    functions = {path.stem for path in (find_project() / "sql" / "functions" / "api").glob("*.sql")}
    # The file on privileges calls them all, to be refused.
    texts = [file.read_text("utf-8") for file in FILES if file.stem != "02-privileges"]

    assert not {name for name in functions if not any(f"public.{name}(" in text for text in texts)}


def run_script(url: str, script: str) -> str:
    """What psql would print of the rows of a script's statements.

    The script is sent as one message, so that it runs as one transaction unless it says otherwise.
    """
    rows: list[str] = []
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(script.encode())
        while True:
            if cursor.description is not None:
                rows += [str(row[0]) for row in cursor.fetchall()]
            if not cursor.nextset():
                return "\n".join(rows)
