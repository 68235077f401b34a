"""A database that holds what the migrations make, and nothing that other tests made."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from parlant_supabase.local import SupervisedDatabase

from tests.conftest import MakeEmptyDatabase
from tests.database.catalogue import apply_migrations


@pytest.fixture(scope="module")
def deployed(make_empty_database: MakeEmptyDatabase) -> SupervisedDatabase:
    """A new project with the migrations applied; what a test adds stays for the module."""
    database = make_empty_database()
    with psycopg.connect(database.database_url) as connection:
        apply_migrations(connection)
    return database


@pytest.fixture
def deployed_sql(deployed: SupervisedDatabase) -> Iterator[psycopg.Connection]:
    """A direct connection to it as `postgres`, each statement committed at once."""
    with psycopg.connect(deployed.database_url, autocommit=True) as connection:
        yield connection
