"""Calls that are made while the connections are busy travel together."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from parlant_supabase.errors import (
    DuplicateDocumentError,
    InvalidFilterError,
    NotOpenError,
    UnreachableError,
)
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import CREATE_COLLECTION, FIND, INSERT_ONE, UPDATE_ONE
from parlant_supabase.rpc.replies import AcknowledgedReply, UpdateReply
from psycopg import sql as names

from tests.rpc.conftest import Requests

MAX_IN_FLIGHT = 8


class Things:
    """Calls on one collection."""

    def __init__(self, rpc: RpcClient, prefix: str) -> None:
        self._rpc = rpc
        self._where = {"p_prefix": prefix, "p_collection": "things"}

    async def insert(self, document: dict[str, Any]) -> AcknowledgedReply:
        return await self._rpc.call(
            INSERT_ONE, {**self._where, "p_document": document}, "inserting"
        )

    async def update(self, identifier: str, params: dict[str, Any]) -> UpdateReply:
        filters = {"id": {"$eq": identifier}}
        return await self._rpc.call(
            UPDATE_ONE,
            {**self._where, "p_filters": filters, "p_params": params},
            "updating",
        )

    async def find(self, filters: dict[str, Any]) -> list[str]:
        reply = await self._rpc.call(FIND, {**self._where, "p_filters": filters}, "finding")
        return [item["id"] for item in reply["items"]]


@pytest.fixture
def things(rpc: RpcClient, prefix: str, table: str) -> Things:
    return Things(rpc, prefix)


async def test_that_a_lone_call_is_sent_as_itself(things: Things, requests: Requests) -> None:
    await things.insert({"id": "1"})
    await things.find({})

    assert requests.functions == {"parlant_insert_one": 1, "parlant_find": 1}


async def test_that_as_many_calls_as_connections_go_as_themselves(
    things: Things, requests: Requests
) -> None:
    await asyncio.gather(*(things.insert({"id": str(n)}) for n in range(MAX_IN_FLIGHT)))

    assert requests.functions == {"parlant_insert_one": MAX_IN_FLIGHT}


async def test_that_a_thousand_calls_share_a_few_requests(
    things: Things, requests: Requests
) -> None:
    await asyncio.gather(*(things.insert({"id": f"{n:04}"}) for n in range(1000)))

    assert await things.find({}) == [f"{n:04}" for n in range(1000)]
    assert requests.functions["parlant_insert_one"] == MAX_IN_FLIGHT
    assert requests.functions["parlant_execute"] == 5


async def test_that_each_call_gets_its_own_reply(things: Things) -> None:
    await asyncio.gather(*(things.insert({"id": str(n), "n": n}) for n in range(100)))

    found = await asyncio.gather(*(things.find({"n": {"$eq": n}}) for n in range(100)))

    assert found == [[str(n)] for n in range(100)]


async def test_that_each_call_gets_its_own_error_and_harms_no_other(things: Things) -> None:
    await things.insert({"id": "taken", "by": "somebody"})

    async def outcome(n: int) -> object:
        if n % 3 == 0:
            return await things.insert({"id": "taken", "by": n})
        if n % 3 == 1:
            return await things.find({"n": {"$near": n}})
        return await things.insert({"id": str(n)})

    outcomes = await asyncio.gather(*map(outcome, range(150)), return_exceptions=True)

    for n, result in enumerate(outcomes):
        if n % 3 == 0:
            assert isinstance(result, DuplicateDocumentError)
            assert str(result).startswith("inserting: ")
        elif n % 3 == 1:
            assert isinstance(result, InvalidFilterError)
            assert str(result).startswith('finding: invalid filter at filter["n"]["$near"]')
        else:
            assert result == {"acknowledged": True, "inserted": True}
    assert len(await things.find({})) == 51


async def test_that_calls_of_one_batch_run_in_the_order_in_which_they_were_made(
    things: Things,
) -> None:
    await things.insert({"id": "one", "n": -1})

    # The first fill the connections; the rest waits, and goes as one batch.
    filling = [asyncio.create_task(things.find({})) for _ in range(MAX_IN_FLIGHT)]
    await asyncio.sleep(0)
    updates = await asyncio.gather(*(things.update("one", {"n": n}) for n in range(50)))
    await asyncio.gather(*filling)

    assert [(update["updated_document"] or {})["n"] for update in updates] == list(range(50))
    assert await things.find({"n": {"$eq": 49}}) == ["one"]


async def test_that_large_calls_do_not_share_a_request(things: Things, requests: Requests) -> None:
    text = "x" * 300_000

    await asyncio.gather(*(things.insert({"id": str(n), "text": text}) for n in range(20)))

    assert "parlant_execute" not in requests.functions
    assert len(await things.find({})) == 20


async def test_that_functions_that_make_tables_go_alone(
    rpc: RpcClient, prefix: str, requests: Requests
) -> None:
    await asyncio.gather(
        *(
            rpc.call(
                CREATE_COLLECTION,
                {"p_prefix": prefix, "p_collection": f"c{n}"},
                "creating",
            )
            for n in range(MAX_IN_FLIGHT + 4)
        )
    )

    assert requests.functions == {"parlant_create_collection": MAX_IN_FLIGHT + 4}


async def test_that_a_call_cancelled_while_it_waits_is_not_sent(things: Things) -> None:
    filling = [asyncio.create_task(things.find({})) for _ in range(MAX_IN_FLIGHT)]
    await asyncio.sleep(0)
    cancelled = asyncio.create_task(things.insert({"id": "cancelled"}))
    kept = asyncio.create_task(things.insert({"id": "kept"}))
    await asyncio.sleep(0)
    cancelled.cancel()
    await asyncio.gather(*filling, kept)

    assert cancelled.cancelled()
    assert await things.find({}) == ["kept"]


async def test_that_cancelling_one_call_of_a_batch_in_flight_leaves_the_others(
    things: Things, requests: Requests, table: str, sql: psycopg.Connection
) -> None:
    calls = [asyncio.create_task(things.insert({"id": f"{n:03}"})) for n in range(100)]
    await requests.batch_sent.wait()
    calls[50].cancel()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert calls[50].cancelled()
    assert all(
        outcome == {"acknowledged": True, "inserted": True}
        for outcome in outcomes[:50] + outcomes[51:]
    )
    # It was on its way, so it happened.
    query = names.SQL("select count(*) from {}").format(names.Identifier(table))
    assert sql.execute(query).fetchone() == (100,)


async def test_that_a_batch_that_is_rolled_back_is_sent_again_call_by_call(
    things: Things,
    requests: Requests,
    table: str,
    sql: psycopg.Connection,
    stack_statement_timeout: None,
) -> None:
    await things.insert({"id": "held"})
    with psycopg.connect(sql.info.dsn, password=sql.info.password) as holder:
        query = names.SQL("select from {} where id = 'held' for update")
        holder.execute(query.format(names.Identifier(table)))

        calls = [things.insert({"id": f"{n:03}"}) for n in range(30)]
        outcomes: list[object] = await asyncio.gather(
            *calls, things.update("held", {"n": 1}), return_exceptions=True
        )

    assert outcomes[:-1] == [{"acknowledged": True, "inserted": True}] * 30
    assert type(outcomes[-1]).__name__ == "StatementTimeoutError"
    assert requests.functions["parlant_execute"] == 1


async def test_that_a_call_that_cannot_wait_in_a_batch_is_sent_by_itself(
    things: Things, requests: Requests, sql: psycopg.Connection, table: str
) -> None:
    sql.execute(
        names.SQL(
            "create function {0}() returns trigger language plpgsql as $$ begin"
            " if current_setting('parlant.in_batch', true) = 'on' then raise lock_not_available;"
            " end if; return new; end $$;"
            "create trigger refuse before insert on {1}"
            " for each row when (new.data ? 'busy') execute function {0}()"
        ).format(names.Identifier("public", f"{table}_refuse"), names.Identifier("public", table))
    )

    documents: list[dict[str, Any]] = [{"id": str(n)} for n in range(MAX_IN_FLIGHT + 4)]
    documents.append({"id": "busy", "busy": True})
    await asyncio.gather(*map(things.insert, documents))

    assert await things.find({}) == sorted(document["id"] for document in documents)
    assert requests.functions["parlant_execute"] == 1
    assert requests.functions["parlant_insert_one"] == MAX_IN_FLIGHT + 1


async def test_that_calls_waiting_when_the_database_closes_are_told_so(things: Things) -> None:
    rpc = things._rpc
    calls = [asyncio.create_task(things.insert({"id": str(n)})) for n in range(30)]
    await asyncio.sleep(0)
    await rpc.__aexit__(None, None, None)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)

    assert all(isinstance(outcome, Exception) for outcome in outcomes)
    assert any(isinstance(outcome, NotOpenError) for outcome in outcomes)


async def test_that_a_call_that_never_finds_room_says_that_nothing_was_sent(
    things: Things, table: str, sql: psycopg.Connection, prefix: str
) -> None:
    await things.insert({"id": "held"})
    with psycopg.connect(sql.info.dsn, password=sql.info.password) as holder:
        query = names.SQL("select from {} where id = 'held' for update")
        holder.execute(query.format(names.Identifier(table)))
        holding = [
            asyncio.create_task(things.update("held", {"n": n})) for n in range(MAX_IN_FLIGHT)
        ]
        await asyncio.sleep(0)
        things._rpc.timeout = 0.1
        with pytest.raises(UnreachableError, match="every connection was busy"):
            await things.find({})
    await asyncio.gather(*holding)
