from __future__ import annotations

from collections.abc import AsyncIterator

import psycopg
import pytest
from parlant.core.loggers import Logger
from parlant.core.persistence.document_database import (
    BaseDocument,
    DocumentCollection,
    identity_loader,
)
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.deployment.package_files import find_project
from parlant_supabase.local import LocalStack, SupervisedDatabase

from tests.adapter.notes import Notes
from tests.conftest import MakeEmptyDatabase
from tests.tables import on


@pytest.fixture
async def notes(database: SupabaseDocumentDatabase) -> Notes:
    """An empty collection; its table is called `<prefix>notes`."""
    return await database.get_or_create_collection("notes", BaseDocument, identity_loader)


@pytest.fixture
async def documents(database: SupabaseDocumentDatabase) -> DocumentCollection[BaseDocument]:
    """An empty collection; its table is called `<prefix>documents`."""
    return await database.get_or_create_collection("documents", BaseDocument, identity_loader)


@pytest.fixture(scope="session")
def reused_table(stack: LocalStack) -> str:
    """A table of notes; making one for each test takes longer than most tests."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        connection.execute("select public.parlant_create_collection('reused_', 'notes')")
    return "reused_notes"


@pytest.fixture
def reused_prefix(reused_table: str, sql: psycopg.Connection) -> str:
    """The prefix of the reused table, which is empty now; for tests that need none of their own."""
    sql.execute(on("truncate {} restart identity", reused_table))
    return reused_table.removesuffix("notes")


@pytest.fixture(scope="session")
def undeployed(stack: LocalStack) -> SupervisedDatabase:
    """A database to which nothing was deployed."""
    return stack.create_database("undeployed")


@pytest.fixture(scope="session")
def impatient(stack: LocalStack) -> SupervisedDatabase:
    """A database that ends a statement after 2 s, and waiting for a lock after 200 ms."""
    database = stack.create_database("impatient")
    database.deploy(find_project())
    with psycopg.connect(stack.admin_url, autocommit=True) as connection:
        for setting, limit in (("statement_timeout", "2s"), ("lock_timeout", "200ms")):
            connection.execute(
                f"alter role authenticator in database impatient set {setting} = '{limit}'"
            )
    database.restart("postgrest")
    return database


@pytest.fixture(scope="session")
def patient(stack: LocalStack) -> SupervisedDatabase:
    """A database that gives a statement all the time that a slow machine needs for it."""
    database = stack.create_database("patient")
    database.deploy(find_project())
    with psycopg.connect(stack.admin_url, autocommit=True) as connection:
        connection.execute("alter role authenticator in database patient set statement_timeout = 0")
    database.restart("postgrest")
    return database


@pytest.fixture
async def documents_without_limit(
    patient: SupervisedDatabase, prefix: str, logger: Logger
) -> AsyncIterator[DocumentCollection[BaseDocument]]:
    """An empty collection on which a call may take as long as it needs."""
    connection = {"url": patient.url, "key": patient.service_role_key}
    async with SupabaseDocumentDatabase(
        logger, connection, table_prefix=prefix, timeout=240
    ) as database:
        yield await database.get_or_create_collection("documents", BaseDocument, identity_loader)


@pytest.fixture
def broken(make_empty_database: MakeEmptyDatabase) -> SupervisedDatabase:
    """A database of the test's own, deployed, to break."""
    database = make_empty_database()
    database.deploy(find_project())
    return database
