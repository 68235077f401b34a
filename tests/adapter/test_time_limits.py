"""Functions that work on whole tables have a time limit of their own, and say how to raise it."""

from __future__ import annotations

import re

import psycopg
import pytest
from parlant.core.loggers import TracingLogger
from parlant.core.persistence.common import SortDirection
from parlant.core.persistence.document_database import BaseDocument, CollectionIndex
from parlant_supabase import StatementTimeoutError, SupabaseDocumentDatabase
from parlant_supabase.local import SupervisedDatabase

from tests.tables import on

INDEXES = [CollectionIndex(fields=[("rank", SortDirection.ASC)])]


async def test_that_the_remedy_for_a_function_with_its_own_limit_raises_it(
    deployed: SupervisedDatabase,
    deployed_sql: psycopg.Connection,
    prefix: str,
    logger: TracingLogger,
) -> None:
    connection = {"url": deployed.url, "key": deployed.service_role_key}
    # Less than the role's limit, which is not asked for.
    deployed_sql.execute(
        "alter function public.parlant_ensure_indexes set statement_timeout = '200ms'"
    )
    deployed.reload_schema()

    async with SupabaseDocumentDatabase(logger, connection, table_prefix=prefix) as database:
        notes = await database.create_collection("notes", BaseDocument)
        with psycopg.connect(deployed.database_url) as writer:
            writer.execute(on("lock table {} in row exclusive mode", f"{prefix}notes"))
            with pytest.raises(StatementTimeoutError, match="time limit of its own") as failure:
                await notes.ensure_indexes(INDEXES)

        (remedy,) = re.findall("`(.*)`", str(failure.value))
        deployed_sql.execute(remedy)
        deployed.reload_schema()
        await notes.ensure_indexes(INDEXES)

    settings = deployed_sql.execute(
        "select unnest(proconfig) from pg_proc where proname = 'parlant_ensure_indexes'"
    ).fetchall()
    assert ("statement_timeout=10min",) in settings
