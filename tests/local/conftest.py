"""A stack of their own for the tests of the stack, with a tiny project deployed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import parlant_supabase
import psycopg
import pytest
from parlant_supabase.local import LocalStack, StackDatabase, background
from parlant_supabase.local.data_directory import DataDirectory
from parlant_supabase.local.supervision import is_running

_MIGRATION = """
create table public.notes (id int primary key);
alter table public.notes enable row level security;

create function public.session_facts() returns jsonb
language sql stable set search_path = ''
as $$
  select jsonb_build_object(
    'role', current_user,
    'user', auth.uid(),
    'claimed_role', auth.role(),
    'statement_timeout', current_setting('statement_timeout'),
    'lock_timeout', current_setting('lock_timeout'),
    'search_path', current_setting('search_path')
  );
$$;

create function public.numbers(count int) returns setof int
language sql stable set search_path = ''
as $$ select generate_series(1, count); $$;

create function public.nap(seconds float) returns void
language sql volatile set search_path = ''
as $$ select pg_catalog.pg_sleep(seconds); $$;
"""

Project = Callable[..., Path]
Request = Callable[..., httpx.Response]
CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def write_project(tmp_path: Path) -> Project:
    """Makes a Supabase project of the migrations given by name."""

    def write(**migrations: str) -> Path:
        return _write_project(tmp_path / "project", migrations)

    return write


@pytest.fixture(scope="session")
def scratch_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A running stack that the tests of the stack may disturb."""
    with LocalStack.temporary() as stack:
        project = tmp_path_factory.mktemp("scratch")
        stack.deploy(_write_project(project, {"facts": _MIGRATION}))
        yield stack


@pytest.fixture
def admin(scratch_stack: LocalStack) -> Iterator[psycopg.Connection]:
    """The superuser's connection, each statement committed at once."""
    with psycopg.connect(scratch_stack.admin_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(scratch_stack: LocalStack) -> Iterator[psycopg.Connection]:
    """The project owner's connection, each statement committed at once."""
    with psycopg.connect(scratch_stack.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def call(scratch_stack: LocalStack) -> Request:
    """Calls a function over HTTP with just the headers given."""

    def post(
        function: str,
        headers: Mapping[str, str],
        database: StackDatabase = scratch_stack,
        **arguments: Any,
    ) -> httpx.Response:
        url = f"{database.url}/rest/v1/rpc/{function}"
        return httpx.post(url, json=arguments, headers=dict(headers), timeout=30)

    return post


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A directory that every user of the machine may enter, unlike pytest's own."""
    with _open_directory() as directory:
        yield directory


@contextmanager
def _open_directory() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="parlant-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def python_environment() -> dict[str, str]:
    """The environment in which another Python process finds the package under test."""
    package = Path(parlant_supabase.__file__).parents[1]
    return {**os.environ, "PYTHONPATH": str(package)}


@pytest.fixture
def command_line(open_directory: Path, python_environment: dict[str, str]) -> Iterator[CommandLine]:
    """Runs `parlant-supabase local` in the open directory, and stops what it left running."""
    with _command_line_in(open_directory, python_environment) as run:
        yield run


@contextmanager
def _command_line_in(directory: Path, inherited: Mapping[str, str]) -> Iterator[CommandLine]:
    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "parlant_supabase.cli", "local", *arguments],
            cwd=directory,
            env={**inherited, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    yield run
    for lock in directory.glob("*/supervisor.lock"):
        if is_running(lock.parent):
            background.stop(DataDirectory(lock.parent))


@dataclass(frozen=True)
class KeptStack:
    """A stack that several tests start and stop, as making one takes longest.

    Attributes:
        directory: The folder that `parlant-supabase local` is run in.
        command_line: Runs it there.
    """

    directory: Path
    command_line: CommandLine

    @property
    def data(self) -> Path:
        """Where the stack keeps its data."""
        return self.directory / ".parlant-supabase"

    @property
    def database(self) -> StackDatabase:
        """The running stack's database."""
        return background.attach(DataDirectory(self.data))


@pytest.fixture(scope="module")
def _stack_of_the_module() -> Iterator[KeptStack]:
    with _open_directory() as directory:
        package = Path(parlant_supabase.__file__).parents[1]
        inherited = {**os.environ, "PYTHONPATH": str(package)}
        with _command_line_in(directory, inherited) as run:
            yield KeptStack(directory, run)


@pytest.fixture
def running(_stack_of_the_module: KeptStack) -> KeptStack:
    """The module's stack, running, with whatever earlier tests left in it."""
    if not is_running(_stack_of_the_module.data):
        started = _stack_of_the_module.command_line("start")
        assert started.returncode == 0, started.stderr
    return _stack_of_the_module


def _write_project(directory: Path, migrations: Mapping[str, str]) -> Path:
    folder = directory / "supabase" / "migrations"
    folder.mkdir(parents=True, exist_ok=True)
    (directory / "supabase" / "config.toml").write_text('project_id = "scratch"\n')
    for number, (name, sql) in enumerate(migrations.items(), start=1):
        (folder / f"202601010000{number:02}_{name}.sql").write_text(sql)
    return directory
