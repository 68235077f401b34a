"""A client from opening to closing, and in the wrong event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import anyio
import httpx
import pytest
from parlant.core.loggers import Logger
from parlant_supabase import SupabaseDocumentDatabase
from parlant_supabase.errors import (
    ConfigurationError,
    NotOpenError,
    OutcomeUnknownError,
    UnavailableError,
    UnreachableError,
    UnstorableValueError,
)
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import FIND, INSERT_ONE, UPDATE_ONE, Function
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.versions import SQL_VERSION

from tests.unit.rpc.conftest import SETTINGS, FakeHttp
from tests.unit.rpc.fakes import page, settle

VERSION = {"sql_version": SQL_VERSION, "compatible_since": SQL_VERSION}


@pytest.fixture
async def rpc(http: FakeHttp) -> AsyncIterator[RpcClient]:
    async with RpcClient(SETTINGS) as rpc:
        yield rpc


def in_another_loop(work: Coroutine[Any, Any, Any]) -> BaseException | None:
    """What the work raises in an event loop of another thread."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    return raised[0] if raised else None


async def test_that_a_call_returns_the_reply(rpc: RpcClient, http: FakeHttp) -> None:
    http.answers(200, json=page(1))

    assert await rpc.call(FIND, {"p_limit": 1}, "finding") == page(1)


async def test_that_a_call_is_retried(rpc: RpcClient, http: FakeHttp) -> None:
    async def fail_once(request: httpx.Request) -> httpx.Response:
        http.answers(200, json=page(1))
        return httpx.Response(503, json={"code": "PGRST002", "message": "wait"})

    http.answer = fail_once

    assert await rpc.call(FIND, {}, "finding") == page(1)
    assert len(http.requests) == 2


async def test_that_more_calls_than_connections_share_a_request(
    rpc: RpcClient, http: FakeHttp
) -> None:
    calls = [asyncio.create_task(rpc.call(FIND, {}, "finding")) for _ in range(20)]
    await settle()
    await settle()

    assert len(http.requests) == 8
    for each in calls:
        each.cancel()


async def test_that_an_argument_that_json_cannot_hold_is_refused_before_anything_is_sent(
    rpc: RpcClient, http: FakeHttp
) -> None:
    with pytest.raises(UnstorableValueError, match="cursor"):
        await rpc.call(FIND, {"p_cursor": {"id": "\ud800"}}, "finding")

    assert http.requests == []


async def test_that_a_call_has_its_timeout_and_each_attempt_half_of_it(http: FakeHttp) -> None:
    async with RpcClient(SETTINGS, timeout=0.4) as rpc:
        assert http.options[0]["timeout"] == httpx.Timeout(0.2, connect=0.1)
        with pytest.raises(UnavailableError, match="no answer came back in time"):
            await rpc.call(FIND, {}, "finding")
        with pytest.raises(OutcomeUnknownError, match=r"in time.* Tried once\.$"):
            await rpc.call(UPDATE_ONE, {}, "updating")


def test_that_a_call_may_take_a_minute() -> None:
    assert RpcClient(SETTINGS).timeout == 60.0


# Opening.


async def test_that_a_client_is_opened_once(http: FakeHttp) -> None:
    async with RpcClient(SETTINGS) as rpc:
        with pytest.raises(ConfigurationError) as caught:
            await rpc.__aenter__()
        http.answers(200, json=page(1))
        assert await rpc.call(FIND, {}, "finding") == page(1)

    assert str(caught.value) == (
        "opening the database: it is already open. Open it once; with_prefix() gives "
        "another store a database that shares its connections."
    )
    assert [client.is_closed for client in http.clients] == [True]


async def test_that_two_cannot_open_it_at_once(http: FakeHttp) -> None:
    rpc = RpcClient(SETTINGS)
    first, second = await asyncio.gather(rpc.__aenter__(), rpc.__aenter__(), return_exceptions=True)

    assert first is rpc
    assert isinstance(second, ConfigurationError)
    await rpc.__aexit__(None, None, None)
    assert [client.is_closed for client in http.clients] == [True]


async def test_that_calls_can_be_made_before_it_closes(http: FakeHttp) -> None:
    http.answers(200, json=page(1))
    rpc = RpcClient(SETTINGS)
    replies = []

    async def call() -> None:
        replies.append(await rpc.call(FIND, {}, "finding"))

    async with rpc:
        rpc.before_closing(call)

    assert replies == [page(1)]


async def test_that_it_closes_if_it_is_cancelled_before(http: FakeHttp) -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    async def open_and_close() -> None:
        async with RpcClient(SETTINGS) as rpc:
            rpc.before_closing(wait)

    task = asyncio.create_task(open_and_close())
    await settle()
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert [client.is_closed for client in http.clients] == [True]


async def test_that_it_can_be_opened_again_after_closing(http: FakeHttp) -> None:
    rpc = RpcClient(SETTINGS)
    for _ in range(2):
        async with rpc:
            http.answers(200, json=page(1))
            assert await rpc.call(FIND, {}, "finding") == page(1)

    assert [client.is_closed for client in http.clients] == [True, True]


async def test_that_it_can_be_opened_after_an_opening_that_failed(
    http: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    rpc = RpcClient(SETTINGS)
    with monkeypatch.context() as patch:

        async def fail() -> None:
            raise asyncio.CancelledError

        patch.setattr(rpc._transport, "open", fail)
        with pytest.raises(asyncio.CancelledError):
            await rpc.__aenter__()
    with pytest.raises(NotOpenError):
        await rpc.call(FIND, {}, "finding")

    async with rpc:
        http.answers(200, json=page(1))
        assert await rpc.call(FIND, {}, "finding") == page(1)


@pytest.mark.parametrize("level", ["task", "scope"])
async def test_that_a_database_whose_opening_is_cancelled_leaves_no_client_open(
    http: FakeHttp, logger: Logger, level: str
) -> None:
    params = {"url": SETTINGS.url, "key": SETTINGS.key}
    database = SupabaseDocumentDatabase(logger, params)
    scope = anyio.CancelScope()

    async def open_it() -> None:
        with scope:
            await database.__aenter__()

    opening = asyncio.create_task(open_it())
    await asyncio.wait_for(http.arrived.wait(), 60)
    (opening.cancel if level == "task" else scope.cancel)()
    await asyncio.wait_for(asyncio.wait([opening]), 60)

    assert opening.cancelled() or scope.cancelled_caught
    assert [client.is_closed for client in http.clients] == [True]


async def test_that_a_database_that_is_open_is_not_opened_again(
    http: FakeHttp, logger: Logger
) -> None:
    http.answers(200, json=VERSION)
    database = SupabaseDocumentDatabase(logger, {"url": SETTINGS.url, "key": SETTINGS.key})
    async with database:
        with pytest.raises(ConfigurationError, match="already open"):
            await database.__aenter__()
        async with database.with_prefix("other_"):
            pass
        assert [client.is_closed for client in http.clients] == [False]

    assert [client.is_closed for client in http.clients] == [True]


# Closing.


async def test_that_a_call_after_closing_says_that_it_is_not_open(http: FakeHttp) -> None:
    rpc = RpcClient(SETTINGS)
    await rpc.__aexit__(None, None, None)
    for _ in range(2):
        with pytest.raises(NotOpenError, match="finding: the database is not open"):
            await rpc.call(FIND, {}, "finding")
        async with rpc:
            pass

    assert http.requests == []


async def test_that_closing_tells_calls_in_flight_what_happened(http: FakeHttp) -> None:
    async with RpcClient(SETTINGS) as rpc:
        functions: list[Function[Any]] = [FIND, INSERT_ONE, UPDATE_ONE, *[FIND] * 6]
        calls = [asyncio.create_task(rpc.call(each, {}, "calling")) for each in functions]
        await http.arrived.wait()
        await settle()
    read, repeatable, write, *_, waiting = await asyncio.wait_for(
        asyncio.gather(*calls, return_exceptions=True), 60
    )

    closed = "calling: the database was closed before the answer came"
    lost = f"{closed}, so it may have been carried out or not. Look before you repeat it."
    assert type(read) is NotOpenError
    assert str(read) == f"{closed}. Close it after the last call has returned."
    for each in (repeatable, write):
        assert type(each) is OutcomeUnknownError
        assert str(each) == f"{lost} Tried once."
    assert type(waiting) is NotOpenError
    assert "closed before the call was sent" in str(waiting)
    assert [client.is_closed for client in http.clients] == [True]


async def test_that_closing_ends_although_the_caller_is_cancelled(http: FakeHttp) -> None:
    rpc = RpcClient(SETTINGS)
    await rpc.__aenter__()
    reading = asyncio.create_task(rpc.call(FIND, {}, "finding"))
    await http.arrived.wait()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await rpc.__aexit__(None, None, None)

    assert [client.is_closed for client in http.clients] == [True]
    with pytest.raises(NotOpenError):
        await reading


# Another event loop.


async def test_that_another_event_loop_is_noticed_before_anything_is_sent(
    rpc: RpcClient, http: FakeHttp
) -> None:
    error = in_another_loop(rpc.call(UPDATE_ONE, {}, "updating"))

    assert type(error) is NotOpenError
    assert str(error) == (
        "updating: the database was opened in another event loop; nothing was sent. "
        "Open it in the event loop that uses it."
    )
    assert http.requests == []


async def test_that_it_is_not_closed_from_another_event_loop(
    rpc: RpcClient, http: FakeHttp
) -> None:
    error = in_another_loop(rpc.__aexit__(None, None, None))

    assert type(error) is NotOpenError
    assert str(error).startswith("closing the database: the database was opened in another")
    http.answers(200, json=page(1))
    assert await rpc.call(FIND, {}, "finding") == page(1)


# Observing.


class Hearing(Observer):
    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any], str, int, str | None]] = []
        self.requests: list[str] = []
        self.failed_attempts = 0

    async def call_ended(self, call: Call, began: float, error: Exception | None) -> None:
        assert began > 0
        name = None if error is None else type(error).__name__
        self.calls.append(
            (call.function.operation, dict(call.arguments), call.subject, call.attempts, name)
        )

    async def request_ended(self, function: Any, arguments: Any, began: float, error: Any) -> None:
        self.requests.append(function.operation)

    async def attempt_failed(self, call: Call, pause: float, error: Exception) -> None:
        self.failed_attempts += 1


async def test_that_an_observer_hears_of_calls_and_requests(http: FakeHttp) -> None:
    observer = Hearing()
    async with RpcClient(SETTINGS, observer=observer) as rpc:
        http.answers(200, json=page(1))
        await rpc.call(FIND, {"p_limit": 1}, "finding")
        http.fails(httpx.ReadError("no"))
        with pytest.raises(OutcomeUnknownError):
            await rpc.call(UPDATE_ONE, {}, "updating")
        http.answers(503, json={"code": "PGRST002"})
        rpc.timeout = 0.15
        with pytest.raises((UnavailableError, UnreachableError)):
            await rpc.call(FIND, {}, "finding again")

    assert rpc.observer is observer
    assert observer.calls[:2] == [
        ("find", {"p_limit": 1}, "finding", 1, None),
        ("update_one", {}, "updating", 1, "OutcomeUnknownError"),
    ]
    assert observer.requests[:2] == ["find", "update_one"]
    assert observer.calls[2][3] == observer.failed_attempts + 1
