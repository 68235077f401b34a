"""One local stack for the whole run, a table prefix of its own for each test."""

from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator

import psycopg
import pytest
from parlant.core.loggers import LogLevel, TracingLogger
from parlant.core.tracer import LocalTracer
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack
from parlant_supabase.local.project import find_project

_prefixes = itertools.count(1)


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """A running stack with the project's migrations deployed by `supabase db push`."""
    with LocalStack.temporary() as stack:
        stack.deploy(find_project())
        yield stack


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
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection


logging.getLogger("httpx").setLevel(logging.WARNING)
