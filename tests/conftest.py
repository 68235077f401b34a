"""One local stack for the whole run, a table prefix of its own for each test."""

from __future__ import annotations

import itertools
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Protocol

import pytest
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.deployment.package_files import find_project

if TYPE_CHECKING:
    # Imported by the fixtures that need them: tests/unit/ runs without psycopg and the stack.
    import psycopg
    from parlant_supabase.local import LocalStack, SupervisedDatabase

_prefixes = itertools.count(1)
_databases = itertools.count(1)


class MakeEmptyDatabase(Protocol):
    """Makes a database with an API that shows the schemas, `public` unless others are given."""

    def __call__(self, *schemas: str, locale: str | None = None) -> SupervisedDatabase: ...


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """A running stack with the project's migrations deployed, by this run or an earlier one."""
    from parlant_supabase.local import LocalStack

    with LocalStack.temporary_deployed(find_project()) as stack:
        yield stack


@pytest.fixture(scope="module")
def make_empty_database(stack: LocalStack) -> Iterator[MakeEmptyDatabase]:
    """Makes databases like those of a new project, which are gone after the module's tests.

    For what looks at a whole database: in the stack's main one stand the tables of other tests.
    """
    made: list[SupervisedDatabase] = []

    def make(*schemas: str, locale: str | None = None) -> SupervisedDatabase:
        name = f"test_{next(_databases)}"
        made.append(stack.create_database(name, locale=locale, schemas=schemas or ("public",)))
        return made[-1]

    yield make
    for database in made:
        stack.drop_database(database)


@pytest.fixture(scope="module")
def deployed(make_empty_database: MakeEmptyDatabase) -> SupervisedDatabase:
    """A new project with the migrations deployed; what a test adds stays for the module."""
    database = make_empty_database()
    database.deploy(find_project())
    return database


@pytest.fixture
def deployed_sql(deployed: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """A direct connection to it as `postgres`, each statement committed at once."""
    import psycopg

    with psycopg.connect(deployed.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def prefix() -> str:
    """A table prefix that no other test uses."""
    return f"test{next(_prefixes)}_"


@pytest.fixture
def logger() -> TracingLogger:
    """Parlant's logger; what it says can be read through pytest's caplog."""
    return TracingLogger(LocalTracer(), LogLevel.TRACE, logger_id="parlant-supabase-tests")


@pytest.fixture
def make_database(
    stack: LocalStack, prefix: str, logger: TracingLogger
) -> Callable[..., SupabaseDocumentDatabase]:
    """Makes a database, not entered yet, on the stack; keyword arguments override the defaults."""

    def make(table_prefix: str = prefix, **params: str) -> SupabaseDocumentDatabase:
        connection = {"url": stack.url, "key": stack.service_role_key, **params}
        return SupabaseDocumentDatabase(logger, connection, table_prefix=table_prefix)

    return make


@pytest.fixture
async def database(
    make_database: Callable[..., SupabaseDocumentDatabase],
) -> AsyncIterator[SupabaseDocumentDatabase]:
    """An open database under the test's own prefix."""
    async with make_database() as database:
        yield database


@pytest.fixture
def sql(stack: LocalStack) -> Iterator[psycopg.Connection]:
    """A direct connection as `postgres`, each statement committed at once."""
    import psycopg

    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection


logging.getLogger("httpx").setLevel(logging.WARNING)

# A shell without job control has what it runs in the background ignore SIGINT, which is how the
# tests stop a Parlant server.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
