"""One request: what is sent, and what each answer is told as."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpcore
import httpx
import pytest
from parlant_supabase.errors import (
    AuthenticationError,
    NotOpenError,
    OutcomeUnknownError,
    PermissionDeniedError,
    SupabaseAdapterError,
    UnavailableError,
    UnexpectedReplyError,
    UnreachableError,
)
from parlant_supabase.rpc import transport as module
from parlant_supabase.rpc.error_mapping import RequestFailed
from parlant_supabase.rpc.functions import EXECUTE, FIND, FUNCTIONS, UPDATE_ONE, Function
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.rpc.transport import Transport
from supabase import AsyncClientOptions, acreate_client

from tests.unit.rpc.conftest import SETTINGS, FakeHttp
from tests.unit.rpc.fakes import page, settle

LATER = 1e9
SLOW = next(each for each in FUNCTIONS if each.has_time_limit)


@pytest.fixture
async def transport(http: FakeHttp) -> AsyncIterator[Transport]:
    transport = Transport(SETTINGS, None, 30.0)
    await transport.open()
    yield transport
    await transport.close()


async def sent(transport: Transport, function: Function[Any] = FIND, **arguments: Any) -> Any:
    return await transport.send(function, arguments, LATER)


async def failed(transport: Transport, function: Function[Any] = FIND) -> SupabaseAdapterError:
    """What a call of the function is told that the request carried."""
    with pytest.raises(RequestFailed) as caught:
        await sent(transport, function)
    return caught.value.error(function, "calling")


async def test_that_a_request_calls_the_function_in_the_schema_with_the_key(
    transport: Transport, http: FakeHttp
) -> None:
    http.answers(200, json=page(1))

    assert await sent(transport, FIND, p_limit=1) == page(1)
    [request] = http.requests
    assert request.method == "POST"
    assert str(request.url) == "https://project.example/rest/v1/rpc/parlant_find"
    assert json.loads(request.content) == {"p_limit": 1}
    assert request.headers["content-profile"] == "custom"
    assert request.headers["apikey"] == "a-secret-key"


async def test_that_the_client_is_made_as_was_measured(
    transport: Transport, http: FakeHttp
) -> None:
    [options] = http.options

    assert options["http2"] is False
    assert options["timeout"] == httpx.Timeout(30.0, connect=15.0)
    assert options["limits"] == httpx.Limits(
        max_connections=8, max_keepalive_connections=8, keepalive_expiry=30
    )


async def test_that_nothing_runs_besides_the_requests(
    transport: Transport, http: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[AsyncClientOptions] = []

    async def create(url: str, key: str, options: AsyncClientOptions) -> Any:
        made.append(options)
        return await acreate_client(url, key, options)

    monkeypatch.setattr(module, "acreate_client", create)
    other = Transport(SETTINGS, None, 30.0)
    await other.open()
    await other.close()

    assert (made[0].auto_refresh_token, made[0].persist_session) == (False, False)


# Answers.


@pytest.mark.parametrize(
    ("content", "error", "words"),
    [
        (
            {"html": "<p>Hi</p>"},
            UnexpectedReplyError,
            "calling: something other than the project's API answered. Check SUPABASE_URL",
        ),
        ({"json": [1]}, UnexpectedReplyError, "calling: something other than the project's API"),
        ({"text": '{"items": ['}, UnavailableError, "calling: the answer was cut off. Try again"),
        ({"content": b""}, UnavailableError, "calling: the answer was cut off. Try again"),
        ({"json": {}}, UnexpectedReplyError, "calling: the answer is not one of parlant_find."),
        ({"json": {"items": []}}, UnexpectedReplyError, "calling: the answer is not one of"),
    ],
)
async def test_that_another_answer_is_told_as_that(
    transport: Transport,
    http: FakeHttp,
    content: dict[str, Any],
    error: type[SupabaseAdapterError],
    words: str,
) -> None:
    http.answers(200, **content)
    caught = await failed(transport)

    assert isinstance(caught, error)
    assert str(caught).startswith(words)


async def test_that_a_batch_without_results_may_have_been_carried_out(
    transport: Transport, http: FakeHttp
) -> None:
    http.answers(200, json={"message": "welcome"})

    assert isinstance(await failed(transport, EXECUTE), OutcomeUnknownError)


async def test_that_the_servers_error_is_translated_and_not_chained(
    transport: Transport, http: FakeHttp
) -> None:
    http.answers(
        403, json={"code": "42501", "message": "no to x", "details": "about y", "hint": "z"}
    )
    caught = await failed(transport, UPDATE_ONE)

    assert isinstance(caught, PermissionDeniedError)
    assert (caught.code, caught.server_message) == ("42501", "no to x")
    assert caught.server_detail == "about y"
    assert caught.__cause__ is None
    assert caught.__suppress_context__


async def test_that_the_hint_of_an_error_of_our_own_is_told(
    transport: Transport, http: FakeHttp
) -> None:
    http.answers(400, json={"code": "PD001", "message": "bad", "details": "at x", "hint": "Mend."})

    assert str(await failed(transport)) == "calling: bad (at x). Mend."


@pytest.mark.parametrize(
    ("status", "content", "error", "code"),
    [
        (401, {"json": {"message": "Invalid API key"}}, AuthenticationError, "401"),
        (503, {"json": {"message": "no"}}, OutcomeUnknownError, "503"),
        (504, {"html": "<p>"}, OutcomeUnknownError, "504"),
        (521, {"html": "<p>"}, UnavailableError, "521"),
        (404, {"html": "<p>"}, UnexpectedReplyError, "404"),
    ],
)
async def test_that_an_error_without_a_code_has_that_of_its_status(
    transport: Transport,
    http: FakeHttp,
    status: int,
    content: dict[str, Any],
    error: type[SupabaseAdapterError],
    code: str,
) -> None:
    http.answers(status, **content)
    caught = await failed(transport, UPDATE_ONE)

    assert type(caught) is error
    assert caught.code == code


async def test_that_a_remedy_names_the_schema_of_the_client(
    transport: Transport, http: FakeHttp
) -> None:
    http.answers(500, json={"code": "57014", "message": "canceling"})

    assert 'alter function "custom".parlant_' in str(await failed(transport, SLOW))


# Failures on the way.


def raised(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "cause",
    [
        httpcore.ConnectError(),
        httpcore.ConnectTimeout(),
        httpcore.PoolTimeout(),
        httpcore.ProxyError(),
    ],
)
async def test_that_a_request_that_was_not_sent_is_told_as_that(
    transport: Transport, http: FakeHttp, cause: Exception
) -> None:
    http.fails(raised(httpx.ConnectError("no"), cause))
    caught = await failed(transport, UPDATE_ONE)

    assert type(caught) is UnreachableError
    assert str(caught) == (
        "calling: the Supabase project cannot be reached; nothing was sent. "
        "Check SUPABASE_URL and the network, and that the project is not paused."
    )
    assert isinstance(caught.__cause__, httpx.ConnectError)


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (httpx.ReadError("no"), "no answer came back"),
        (raised(httpx.ConnectTimeout("no"), httpcore.ReadError()), "no answer came back"),
        (httpx.ConnectError("no"), "no answer came back"),
        (RuntimeError("no"), "the request failed in RuntimeError"),
        (TypeError("no"), "the request failed in TypeError"),
    ],
)
async def test_that_after_any_other_failure_a_write_may_have_been_carried_out(
    transport: Transport, http: FakeHttp, error: Exception, what: str
) -> None:
    http.fails(error)
    caught = await failed(transport, UPDATE_ONE)

    assert type(caught) is OutcomeUnknownError
    assert str(caught).startswith(f"calling: {what}, so it may have been carried out")
    assert caught.__cause__ is error


async def test_that_a_character_that_was_cut_in_two_is_not_chained(
    transport: Transport, http: FakeHttp
) -> None:
    http.fails(UnicodeDecodeError("utf-8", b"secret", 0, 1, "cut"))
    caught = await failed(transport, UPDATE_ONE)

    assert str(caught).startswith("calling: the answer was cut off, so it may")
    assert caught.__cause__ is None


async def test_that_a_request_ends_at_its_deadline(transport: Transport, http: FakeHttp) -> None:
    with pytest.raises(RequestFailed) as caught:
        await transport.send(UPDATE_ONE, {}, anyio.current_time() + 0.05)

    error = caught.value.error(UPDATE_ONE, "calling")
    assert type(error) is OutcomeUnknownError
    assert str(error).startswith("calling: no answer came back in time, so it may")


async def test_that_interrupting_ends_requests_and_refuses_further_ones(
    transport: Transport, http: FakeHttp
) -> None:
    requests = [asyncio.create_task(failed(transport, each)) for each in (FIND, UPDATE_ONE)]
    await http.arrived.wait()
    await settle()
    transport.interrupt()
    read, write = await asyncio.wait_for(asyncio.gather(*requests), 60)

    assert type(read) is NotOpenError
    assert "the database was closed before the answer came" in str(read)
    assert type(write) is OutcomeUnknownError
    assert str(await failed(transport)).startswith("calling: the database is not open. Use it")
    assert len(http.requests) == 2


# Opening and closing.


async def test_that_closing_closes_its_own_client(http: FakeHttp) -> None:
    transport = Transport(SETTINGS, None, 30.0)
    await transport.open()
    await transport.close()
    await transport.close()

    assert [client.is_closed for client in http.clients] == [True]
    assert isinstance(await failed(transport), NotOpenError)


async def test_that_closing_is_finished_although_the_caller_is_cancelled(http: FakeHttp) -> None:
    transport = Transport(SETTINGS, None, 30.0)
    await transport.open()
    closed = asyncio.Event()
    close = http.clients[0].aclose

    async def close_slowly() -> None:
        await asyncio.sleep(0)
        await close()
        closed.set()

    http.clients[0].aclose = close_slowly  # type: ignore[method-assign]
    with anyio.CancelScope() as scope:
        scope.cancel()
        await transport.close()

    assert closed.is_set()


@pytest.mark.parametrize("error", [asyncio.CancelledError(), ValueError("no")])
async def test_that_a_client_is_closed_if_opening_does_not_get_to_its_end(
    http: FakeHttp, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    async def create(*arguments: Any) -> Any:
        raise error

    monkeypatch.setattr(module, "acreate_client", create)
    with pytest.raises(type(error)):
        await Transport(SETTINGS, None, 30.0).open()

    assert [client.is_closed for client in http.clients] == [True]


async def test_that_a_given_client_stays_open(http: FakeHttp) -> None:
    given = http.client()
    client = await acreate_client("https://x.example", "k", AsyncClientOptions(httpx_client=given))
    transport = Transport(None, client, 30.0)
    await transport.open()
    http.answers(200, json=page(1))
    assert await sent(transport) == page(1)
    await transport.close()

    assert not given.is_closed
    assert len(http.clients) == 1
    await given.aclose()


async def test_that_a_given_client_that_is_closed_is_told_as_that(http: FakeHttp) -> None:
    given = http.client()
    client = await acreate_client("https://x.example", "k", AsyncClientOptions(httpx_client=given))
    transport = Transport(None, client, 30.0)
    await transport.open()
    await given.aclose()
    caught = await failed(transport, UPDATE_ONE)

    assert type(caught) is NotOpenError
    assert str(caught) == (
        "calling: the client that the database was given is closed. Close it after the database."
    )
    assert isinstance(caught.__cause__, RuntimeError)


# Observing.


class Hearing(Observer):
    def __init__(self) -> None:
        self.heard: list[tuple[str, Any, str | None]] = []

    async def request_ended(self, function: Any, arguments: Any, began: float, error: Any) -> None:
        assert began > 0
        self.heard.append((function.operation, arguments, error and type(error).__name__))


async def test_that_an_observer_hears_of_requests(http: FakeHttp) -> None:
    observer = Hearing()
    transport = Transport(SETTINGS, None, 30.0, observer)
    await transport.open()
    http.answers(200, json=page(1))
    await sent(transport, FIND, p_limit=1)
    http.answers(500, html="<p>")
    await failed(transport, UPDATE_ONE)
    await transport.close()

    assert observer.heard == [
        ("find", {"p_limit": 1}, None),
        ("update_one", {}, "OutcomeUnknownError"),
    ]


async def test_that_an_answer_does_not_stay_in_memory() -> None:
    response = httpx.Response(200, stream=httpx.ByteStream(b"text"))
    await module._receive(response)

    assert response.content == b"text"
    assert b"".join([part async for part in response.stream]) == b""  # type: ignore[union-attr]
