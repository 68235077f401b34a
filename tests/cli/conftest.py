"""Runs `parlant-supabase` as its user does: in a process and a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import parlant_supabase
import psycopg
import pytest
from parlant_supabase.cli.app import app
from parlant_supabase.local import LocalStack, StackDatabase
from parlant_supabase.stores import SupabaseStores
from typer.testing import CliRunner, Result

from tests.cli.people import People, make_people, open_people_stores

Invoke = Callable[..., Result]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command line; of the environment variables for Supabase it has those given only."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_")
    }
    package = Path(parlant_supabase.__file__).parents[1]

    def run_command(
        *arguments: str, cwd: Path = tmp_path, stdin: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-W", "error", "-m", "parlant_supabase.cli", *arguments],
            cwd=cwd,
            env={**environment, "PYTHONPATH": str(package), **variables},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = result.stdout + result.stderr
        assert "Traceback" not in output
        if key := variables.get("SUPABASE_KEY"):
            assert key not in output, "the key was printed"
        return result

    return run_command


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Runs the command line as `run` does, but in this process, which takes less time."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SUPABASE_")]:
        monkeypatch.delenv(name)

    def invoke_command(*arguments: str, stdin: str = "", **variables: str) -> Result:
        result = CliRunner().invoke(app, arguments, input=stdin, env=variables)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        if key := variables.get("SUPABASE_KEY"):
            assert key not in result.output, "the key was printed"
        return result

    return invoke_command


@pytest.fixture
def connection(stack: LocalStack) -> dict[str, str]:
    """The environment variables for the tests' shared stack."""
    return variables_for(stack)


def variables_for(database: StackDatabase) -> dict[str, str]:
    """The environment variables for a database."""
    return {"SUPABASE_URL": database.url, "SUPABASE_KEY": database.service_role_key}


def execute(database: StackDatabase, *statements: str) -> None:
    """Runs statements as the project's owner."""
    with psycopg.connect(database.database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def assert_one_sentence(result: subprocess.CompletedProcess[str], words: str) -> None:
    """The command failed with one sentence on standard error, and printed nothing else."""
    assert result.returncode == 1
    assert words in result.stderr
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


@pytest.fixture
async def stores(stack: LocalStack, prefix: str) -> AsyncIterator[SupabaseStores]:
    """The three stores under the test's own prefix, open."""
    async with open_people_stores(stack, prefix) as stores:
        yield stores


@pytest.fixture
async def people(stores: SupabaseStores, sql: psycopg.Connection, prefix: str) -> People:
    """Two customers with everything that can be stored of one."""
    return await make_people(stores, sql, prefix)
