"""Which calls are repeated after which failures, how often, and what is said in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import psycopg
import pytest
from parlant.core.loggers import TracingLogger
from parlant.core.persistence.document_database import BaseDocument
from parlant_supabase import (
    AuthenticationError,
    DuplicateDocumentError,
    NotDeployedError,
    OutcomeUnknownError,
    PermissionDeniedError,
    SchemaNotExposedError,
    StatementTimeoutError,
    SupabaseAdapterError,
    SupabaseDocumentDatabase,
    UnavailableError,
    UnexpectedReplyError,
    UnreachableError,
)
from parlant_supabase.local import LocalStack
from parlant_supabase.rpc.client import RpcClient
from parlant_supabase.rpc.functions import (
    CREATE_EVENT,
    CREATE_VARIABLE,
    INSERT_ONE,
    OPEN_STORE,
    Function,
    Kind,
    Reply,
)
from parlant_supabase.rpc.replies import VersionReply
from parlant_supabase.settings import ConnectionSettings

from tests.adapter.notes import Notes, ids, note, only
from tests.faults.conftest import Connect, give, given_client, open_notes, stored
from tests.faults.fault_proxy import (
    Exchange,
    Fault,
    FaultProxy,
    drop_answer,
    html_instead_of_forwarding,
    json_instead_of_forwarding,
    pass_on,
)


@pytest.fixture
async def notes(connect: Connect, proxy: FaultProxy) -> AsyncIterator[Notes]:
    """A collection with the document `kept`; the proxy has forgotten how it came to be."""
    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        proxy.seen.clear()
        yield notes


@pytest.fixture
async def rpc(stack: LocalStack, proxy: FaultProxy) -> AsyncIterator[RpcClient]:
    """An open client that reaches the stack through the proxy."""
    async with RpcClient(ConnectionSettings(proxy.url, stack.service_role_key)) as rpc:
        yield rpc


def says(code: str | None, status: int = 400) -> Fault:
    """A failure with a code of Postgres's or PostgREST's."""
    return json_instead_of_forwarding(status, code=code, message="words of the server's")


# Which functions


@pytest.mark.parametrize(
    ("function", "params", "table"),
    [
        (OPEN_STORE, {"p_collections": ["sessions"], "p_version": "1.0.0"}, "sessions"),
        (CREATE_VARIABLE, {"p_variable": note("v", name="plan")}, "variables"),
        (CREATE_EVENT, {"p_event": note("e", session_id="s")}, "events"),
    ],
)
async def test_that_a_store_is_written_to_once_however_often_the_answer_is_lost(
    rpc: RpcClient,
    proxy: FaultProxy,
    prefix: str,
    sql: psycopg.Connection,
    function: Function[Any],
    params: dict[str, Any],
    table: str,
) -> None:
    async def call(function: Function[Reply], **params: Any) -> Reply:
        return await rpc.call(function, {"p_prefix": prefix, **params}, "testing")

    collections = ["sessions", "events", "variables", "variable_tag_associations"]
    if function is not OPEN_STORE:
        await call(OPEN_STORE, p_collections=collections, p_version="1.0.0")
        await call(INSERT_ONE, p_collection="sessions", p_document=note("s"))
        expected = await call(function, **params)
    proxy.faults.extend([drop_answer, drop_answer])

    reply = await call(function, **params)

    rows = stored(sql, f"{prefix}{table}")
    assert len(rows) == (0 if function is OPEN_STORE else 1)
    if function is CREATE_EVENT:
        assert reply == expected == {"offset": 0, "creation_utc": rows[0]["creation_utc"]}


# Which failures


@pytest.mark.parametrize(
    "fault",
    [
        says("PGRST000", 503),
        says("PGRST002", 503),
        says("PGRST003", 504),
        says("PGRST202", 404),
        says("40001", 500),
        says("40P01", 500),
        says("42883", 404),
        says("53300", 503),
        says("55P03", 500),
        says("57P03", 503),
        says("08004", 503),
        html_instead_of_forwarding(402),
        html_instead_of_forwarding(429),
        html_instead_of_forwarding(521),
    ],
    ids=lambda fault: fault.__name__,
)
async def test_that_after_a_failure_that_left_nothing_behind_every_call_is_repeated(
    notes: Notes, proxy: FaultProxy, short_pauses: None, fault: Fault
) -> None:
    proxy.faults.extend([fault, fault])

    result = await notes.update_one(only("kept"), note("kept", color="red"))

    assert result.matched_count == 1
    assert proxy.seen == ["parlant_update_one"] * 3


@pytest.mark.parametrize(
    "fault",
    [
        says("PGRST001", 503),
        says("PGRSTX00", 500),
        says("08006", 503),
        says("40003", 500),
        says("57P01", 503),
        says("57P02", 503),
        says(None, 503),
        html_instead_of_forwarding(408),
        html_instead_of_forwarding(500),
        html_instead_of_forwarding(520),
        html_instead_of_forwarding(524),
    ],
    ids=lambda fault: fault.__name__,
)
async def test_that_after_a_failure_that_may_have_followed_the_commit_only_some_calls_are_repeated(
    notes: Notes, proxy: FaultProxy, short_pauses: None, fault: Fault
) -> None:
    proxy.faults.append(fault)
    with pytest.raises(OutcomeUnknownError, match=r"Look before you repeat it. Tried once\."):
        await notes.update_one(only("kept"), note("kept", color="red"))
    assert proxy.seen == ["parlant_update_one"]

    proxy.faults.append(fault)
    assert await ids(notes) == ["kept"]
    proxy.faults.append(fault)
    assert (await notes.insert_one(note("new"))).acknowledged
    assert len(proxy.seen) == 5


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (says("57014", 500), StatementTimeoutError),
        (says("42501", 403), PermissionDeniedError),
        (says("23505", 409), DuplicateDocumentError),
        (says("PGRST301", 401), AuthenticationError),
        (says("PGRST303", 401), AuthenticationError),
        (says("PGRST106", 406), SchemaNotExposedError),
        (says("3F000", 404), NotDeployedError),
        (says("23514", 400), SupabaseAdapterError),
        (json_instead_of_forwarding(401, message="Invalid API key"), AuthenticationError),
        (html_instead_of_forwarding(413), UnexpectedReplyError),
        (html_instead_of_forwarding(404), UnexpectedReplyError),
        (html_instead_of_forwarding(200), UnexpectedReplyError),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
async def test_that_a_refusal_is_not_asked_for_again(
    notes: Notes, proxy: FaultProxy, fault: Fault, error: type[SupabaseAdapterError]
) -> None:
    proxy.choose = lambda exchange: fault

    with pytest.raises(error) as caught:
        await notes.find_one(only("kept"))

    assert type(caught.value) is error
    assert "Tried" not in str(caught.value)
    assert proxy.seen == ["parlant_find_one"]


@pytest.mark.parametrize("connect", ["given client"], indirect=True)
async def test_that_a_failure_without_a_code_counts_as_a_loss_where_the_status_is_not_known(
    notes: Notes, proxy: FaultProxy
) -> None:
    proxy.faults.append(says(None, 503))
    with pytest.raises(OutcomeUnknownError, match="a failure without a code"):
        await notes.update_one(only("kept"), note("kept"))

    proxy.faults.append(json_instead_of_forwarding(401, message="Invalid API key"))
    with pytest.raises(AuthenticationError):
        await notes.update_one(only("kept"), note("kept"))


async def test_that_a_gateways_own_refusal_is_told_from_its_loss_of_the_server(
    notes: Notes, proxy: FaultProxy
) -> None:
    # Neither has a code. Of a client that is not its own the adapter does not learn the status.
    proxy.choose = lambda exchange: json_instead_of_forwarding(404, message="no Route matched")
    with pytest.raises(UnexpectedReplyError, match="HTTP 404"):
        await notes.find_one(only("kept"))
    assert len(proxy.seen) == 1

    proxy.faults.append(json_instead_of_forwarding(503, message="name resolution failed"))
    with pytest.raises(OutcomeUnknownError, match="HTTP 503"):
        await notes.update_one(only("kept"), note("kept"))


# How often


async def test_that_it_gives_up_after_some_attempts_and_says_how_many(
    notes: Notes, proxy: FaultProxy, short_pauses: None
) -> None:
    proxy.choose = lambda exchange: says("PGRST002", 503)
    with pytest.raises(UnavailableError, match=r"Tried 8 times\.$"):
        await notes.update_one(only("kept"), note("kept"))
    assert len(proxy.seen) == 8

    proxy.choose = lambda exchange: drop_answer
    with pytest.raises(OutcomeUnknownError, match=r"Tried 8 times\.$"):
        await notes.insert_one(note("new"))
    with pytest.raises(UnavailableError, match=r"Tried 8 times\.$"):
        await notes.find_one(only("kept"))


async def test_that_it_gives_up_knocking_too(
    connect: Connect, proxy: FaultProxy, short_pauses: None
) -> None:
    proxy.refuse()

    with pytest.raises(UnreachableError, match=r"nothing was sent.*Tried 8 times\.$"):
        await connect().__aenter__()


async def test_that_what_is_not_deployed_is_not_waited_for_as_long(
    rpc: RpcClient, proxy: FaultProxy, short_pauses: None
) -> None:
    missing = Function("parlant_does_not_exist", Kind.READ, VersionReply)
    with pytest.raises(NotDeployedError, match="&& npx supabase db push --remote`"):
        await rpc.call(missing, {}, "testing")

    assert len(proxy.seen) == 5


async def test_that_the_deadline_is_one_for_all_attempts(
    connect: Connect, proxy: FaultProxy
) -> None:
    async with connect() as database:
        notes = await open_notes(database)
        give(database, 0.6)
        proxy.seen.clear()
        proxy.choose = lambda exchange: says("PGRST002", 503)

        with pytest.raises(UnavailableError) as caught:
            await notes.find_one(only("kept"))

    # The pauses between eight attempts come to several times the timeout. The last attempt may have
    # run out of it before its request arrived.
    sent = len(proxy.seen)
    assert sent < 8
    endings = [
        "Tried once." if number == 1 else f"Tried {number} times." for number in (sent, sent + 1)
    ]
    assert str(caught.value).endswith(tuple(endings))


async def test_that_a_certain_failure_is_not_risked_for_an_attempt_without_time_to_fail(
    connect: Connect, proxy: FaultProxy
) -> None:
    fail = says("55P03", 500)

    async def fail_slowly(exchange: Exchange) -> None:
        await asyncio.sleep(4)
        await fail(exchange)

    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
        give(database, 11)
        proxy.seen.clear()
        proxy.choose = lambda exchange: fail_slowly

        with pytest.raises(UnavailableError):
            await notes.update_one(only("kept"), note("kept", color="red"))

    # A third attempt would have met the deadline before its answer.
    assert len(proxy.seen) < 3


async def test_that_pauses_grow_to_a_limit_and_differ_between_callers(
    notes: Notes, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(anyio, "sleep", sleep)
    proxy.choose = lambda exchange: says("PGRST002", 503)
    for _ in range(2):
        with pytest.raises(UnavailableError):
            await notes.find_one(only("kept"))

    first, second = pauses[:7], pauses[7:]
    for longest, *pair in zip([0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0], first, second, strict=True):
        assert all(longest / 2 <= pause <= longest for pause in pair)
    assert first != second


# What certainly was not sent


async def test_that_a_call_that_finds_the_door_closed_knocks_again(
    connect: Connect, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_the_door(seconds: float) -> None:
        await proxy.listen()

    async with connect() as database:
        notes = await open_notes(database)
        await notes.insert_one(note("kept"))
    monkeypatch.setattr(anyio, "sleep", open_the_door)
    proxy.refuse()

    async with connect() as database:
        result = await (await open_notes(database)).update_one(only("kept"), note("kept"))

    assert result.matched_count == 1


async def test_that_a_call_for_which_no_connection_is_free_says_that_nothing_was_sent(
    connect: Connect, proxy: FaultProxy
) -> None:
    async with connect() as database:
        await open_notes(database)
        give(database, 2)
        proxy.seen.clear()
        proxy.choose = lambda exchange: Exchange.client_gone
        results = await asyncio.gather(
            *(database.create_collection(f"c{number}", BaseDocument) for number in range(40)),
            return_exceptions=True,
        )
        proxy.choose = lambda exchange: pass_on
        give(database, 60)
        await open_notes(database)

    unsent = [str(result) for result in results if isinstance(result, UnreachableError)]
    lost = [str(result) for result in results if isinstance(result, OutcomeUnknownError)]
    assert len(unsent) + len(lost) == 40
    assert proxy.seen.count("parlant_create_collection") <= len(lost)
    assert "nothing was sent" in unsent[0]
    assert unsent[0].endswith("Tried once.")


async def test_that_a_full_pool_of_the_users_client_counts_as_not_sent(
    stack: LocalStack, proxy: FaultProxy, prefix: str, logger: TracingLogger
) -> None:
    answer = asyncio.Event()

    async def wait_for_it(exchange: Exchange) -> None:
        await answer.wait()
        await exchange.answer(await exchange.forward())

    async with (
        given_client(
            proxy.url,
            stack.service_role_key,
            limits=httpx.Limits(max_connections=1),
            timeout=httpx.Timeout(60, pool=0.05),
        ) as client,
        SupabaseDocumentDatabase(logger, table_prefix=prefix, client=client) as database,
    ):
        notes = await open_notes(database)
        proxy.faults.append(wait_for_it)
        proxy.seen.clear()
        long_one = asyncio.create_task(notes.insert_one(note("kept")))
        await proxy.until(lambda: len(proxy.seen) == 1, "the first request")

        async def call_and_answer(seconds: float) -> None:
            answer.set()
            await long_one

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(anyio, "sleep", call_and_answer)
            result = await notes.update_one(only("kept"), note("kept"))

    assert result.matched_count == 1
    assert proxy.seen == ["parlant_insert_one", "parlant_update_one"]


async def test_that_a_refusing_proxy_of_the_users_network_counts_as_not_sent(
    proxy: FaultProxy, logger: TracingLogger, monkeypatch: pytest.MonkeyPatch, short_pauses: None
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", "")
    proxy.choose = lambda exchange: html_instead_of_forwarding(403)
    database = SupabaseDocumentDatabase(
        logger, {"url": "https://your-project.supabase.co", "key": "a-key"}
    )

    with pytest.raises(UnreachableError, match="nothing was sent"):
        async with database:
            pass

    assert set(proxy.seen) == {"your-project.supabase.co:443"}


class LosesAnswers(httpx.AsyncHTTPTransport):
    """A transport that calls a lost answer ConnectTimeout, as httpx-aiohttp does."""

    losing = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if self.losing:
            await response.aread()
            await response.aclose()
            raise httpx.ConnectTimeout("Server disconnected")
        return response


async def test_that_another_transports_word_for_not_sent_is_not_trusted(
    stack: LocalStack, prefix: str, logger: TracingLogger
) -> None:
    transport = LosesAnswers()
    async with (
        given_client(stack.url, stack.service_role_key, transport=transport) as client,
        SupabaseDocumentDatabase(logger, table_prefix=prefix, client=client) as database,
    ):
        notes = await open_notes(database)
        await notes.insert_one(note("first"))
        await notes.insert_one(note("second"))

        transport.losing = True
        with pytest.raises(OutcomeUnknownError, match="Tried once"):
            await notes.delete_one({})
        transport.losing = False

        assert await ids(notes) == ["second"]
