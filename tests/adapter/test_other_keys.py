"""Whoever has not the service role's key can read, write and execute nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from parlant_supabase import PermissionDeniedError, SupabaseDocumentDatabase
from parlant_supabase.local import LocalStack
from postgrest.exceptions import APIError
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from tests.adapter.notes import Notes, fill, note, only

KEYS = ["anonymous", "publishable", "signed in"]


@pytest.fixture(params=KEYS)
async def stranger(request: pytest.FixtureRequest, stack: LocalStack) -> AsyncIterator[AsyncClient]:
    """A client with a key that any visitor of a website has, or of a user who signed in there."""
    key = stack.publishable_key if request.param == "publishable" else stack.anon_key
    user = stack.sign({"role": "authenticated", "sub": "4c9d3a0e-7d0b-4c55-9a51-0a6b1d3a9f10"})
    headers = {"Authorization": f"Bearer {user}"} if request.param == "signed in" else {}
    async with httpx.AsyncClient(timeout=60) as http:
        options = AsyncClientOptions(httpx_client=http, auto_refresh_token=False, headers=headers)
        yield await acreate_client(stack.url, key, options)


def functions(sql: psycopg.Connection) -> dict[str, list[str]]:
    """{function that the API offers: names of its arguments}."""
    rows = sql.execute(
        "select proname, coalesce(proargnames, '{}') from pg_proc"
        " where pronamespace = 'public'::regnamespace and starts_with(proname, 'parlant_')"
    )
    return dict(rows.fetchall())


async def test_that_no_function_can_be_executed(
    stranger: AsyncClient, sql: psycopg.Connection
) -> None:
    offered = functions(sql)
    assert {"parlant_get_version", "parlant_find", "parlant_insert_one"} <= set(offered)

    for function, arguments in offered.items():
        params: dict[str, Any] = dict.fromkeys(arguments)
        with pytest.raises(APIError) as caught:
            await stranger.rpc(function, params).execute()
        assert caught.value.code == "42501", function


async def test_that_no_table_can_be_read_or_written(
    stranger: AsyncClient, notes: Notes, prefix: str, stack: LocalStack
) -> None:
    await fill(notes, [note("a")])
    # Or the API would not know of the table yet.
    stack.reload_schema()
    for table in (f"{prefix}notes", f"{prefix}notes_failed_migrations", "parlant_sessions_"):
        for request in (
            stranger.table(table).select("*"),
            stranger.table(table).insert({"data": {"id": "b"}}),
            stranger.table(table).update({"data": {"id": "c"}}).eq("id", "a"),
            stranger.table(table).delete().eq("id", "a"),
        ):
            with pytest.raises(APIError) as caught:
                await request.execute()
            assert caught.value.code == "42501", table

    assert await notes.find_one(only("a")) == note("a")


async def test_that_the_adapter_says_which_key_it_needs(stranger: AsyncClient, logger: Any) -> None:
    with pytest.raises(PermissionDeniedError, match="secret or service_role key of this project"):
        async with SupabaseDocumentDatabase(logger, client=stranger):
            pass
