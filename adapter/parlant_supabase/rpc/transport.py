"""The only module that knows supabase, postgrest and httpx: one rpc, one reply, one error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TypeAlias

import anyio
import httpcore
import httpx
from postgrest.exceptions import APIError
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from typing_extensions import Self

from parlant_supabase.errors import NotOpenError, SupabaseAdapterError, UnreachableError
from parlant_supabase.rpc.batching import Batcher
from parlant_supabase.rpc.error_mapping import answer_lost, not_the_api, translate
from parlant_supabase.rpc.retry import repeat
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.settings import ConnectionSettings

SupabaseClient: TypeAlias = AsyncClient

# More connections make httpx slower, not faster: per request it walks all of them, and it drops
# those above max_keepalive_connections. Measured at 32 concurrent calls: 8/8 1.5 times as fast as
# 32/32.
_MAX_CONNECTIONS = 8

# The HTTP status of the last reply in this task, as a gateway's own errors have no other code.
_status: ContextVar[str | None] = ContextVar("_status", default=None)


class Transport:
    """Calls functions of a Supabase project.

    Args:
        settings: Where the project is; None if a client is given.
        client: A client of the caller's, which stays open when the transport closes.
        timeout: Seconds that one call may take, repetitions included. One attempt takes half of it
            at most, so that an answer that never comes leaves time for another.
        observer: Hears what becomes of calls and requests, but for those that are cancelled.
    """

    def __init__(
        self,
        settings: ConnectionSettings | None,
        client: SupabaseClient | None = None,
        timeout: float = 60.0,
        observer: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._given_client = client
        self._timeout = timeout
        self._observer = observer
        self._client: AsyncClient | None = None
        self._http: httpx.AsyncClient | None = None
        # Nothing waits inside httpx, where a call that is cancelled could still be sent.
        self._batcher = Batcher(self._attempt, _MAX_CONNECTIONS)
        self._requests: dict[asyncio.Task[Any], anyio.CancelScope] = {}

    async def __aenter__(self) -> Self:
        if self._given_client is not None:
            self._client = self._given_client
            return self
        assert self._settings is not None
        self._http = httpx.AsyncClient(
            # Over HTTP/2 a gateway that ends a connection takes the requests on it along, and half
            # of those that fail so have been carried out.
            http2=False,
            # A connection that cannot be made is known as such before the attempt's time is up.
            timeout=httpx.Timeout(self._timeout / 2, connect=self._timeout / 4),
            limits=httpx.Limits(
                max_connections=_MAX_CONNECTIONS,
                max_keepalive_connections=_MAX_CONNECTIONS,
                keepalive_expiry=30,
            ),
            event_hooks={"response": [_receive]},
        )
        self._client = await acreate_client(
            self._settings.url,
            self._settings.key,
            AsyncClientOptions(
                schema=self._settings.schema,
                httpx_client=self._http,
                auto_refresh_token=False,
                persist_session=False,
            ),
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client = None
        for scope in self._requests.values():
            scope.cancel()
        if self._requests:
            await asyncio.wait(self._requests)
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def call(self, function: str, params: Mapping[str, Any], subject: str) -> dict[str, Any]:
        """The object that a function of the project returns.

        Args:
            function: The function's name.
            params: Its arguments by name.
            subject: What is being done, for the message of an error.

        Raises:
            OutcomeUnknownError: It may have been carried out or not. After every other error it
                has not been.
            SupabaseAdapterError: The call failed; the class says how.
        """
        began = time.perf_counter()
        deadline = anyio.current_time() + self._timeout
        observer = self._observer
        attempts = 0

        async def attempt() -> dict[str, Any]:
            nonlocal attempts
            attempts += 1
            return await self._batcher.call(function, params, subject, deadline)

        async def about_to_repeat(error: SupabaseAdapterError, pause: float) -> None:
            if observer is not None:
                await observer.attempt_failed(function, params, subject, attempts, pause, error)

        try:
            reply = await repeat(attempt, function, subject, deadline, about_to_repeat)
        except SupabaseAdapterError as error:
            if observer is not None:
                await observer.call_ended(function, params, subject, began, attempts, error)
            raise
        if observer is not None:
            await observer.call_ended(function, params, subject, began, attempts, None)
        return reply

    async def _attempt(
        self, function: str, params: Mapping[str, Any], subject: str, deadline: float
    ) -> dict[str, Any]:
        client = self._client
        if client is None:
            self._batcher.release()
            raise NotOpenError(
                f"{subject}: the database is not open. "
                "Use it inside `async with SupabaseDocumentDatabase(...)`."
            )
        began = time.perf_counter()
        try:
            reply = await self._request(client, function, params, subject, deadline)
        except SupabaseAdapterError as error:
            if self._observer is not None:
                await self._observer.request_ended(function, params, began, error)
            raise
        if self._observer is not None:
            await self._observer.request_ended(function, params, began, None)
        return reply

    async def _request(
        self,
        client: AsyncClient,
        function: str,
        params: Mapping[str, Any],
        subject: str,
        deadline: float,
    ) -> dict[str, Any]:
        limit = min(deadline, anyio.current_time() + self._timeout / 2)
        try:
            data = await self._send(client, function, params, limit)
        except APIError as error:
            # Not chained: what the server says may quote a document.
            code = None if error.code is None else str(error.code)
            raise translate(
                function, subject, code, error.message, error.details, error.hint
            ) from None
        except httpx.RequestError as error:
            if _was_not_sent(error):
                raise UnreachableError(
                    f"{subject}: the Supabase project cannot be reached; nothing was sent. "
                    "Check SUPABASE_URL and the network, and that the project is not paused."
                ) from error
            raise answer_lost(function, subject, "no answer came back") from error
        except TimeoutError:
            raise answer_lost(function, subject, "no answer came back in time") from None
        except UnicodeDecodeError:
            # Not chained: it holds the answer.
            raise answer_lost(function, subject, "the answer was cut off") from None
        if isinstance(data, dict):
            return data
        if not data or (isinstance(data, str) and data.startswith("{")):
            raise answer_lost(function, subject, "the answer was cut off")
        raise not_the_api(subject, "something other than the project's API answered")

    async def _send(
        self, client: AsyncClient, function: str, params: Mapping[str, Any], limit: float
    ) -> object:
        """Sends one request, in a task of its own, and makes room when it is over.

        If the caller is cancelled, the request goes on: the database would carry it out all the
        same, and httpx loses a connection of its pool whenever a task that uses it is cancelled at
        the wrong moment.

        Raises:
            TimeoutError: The limit, a time of the event loop's clock, was reached.
        """
        scope = anyio.CancelScope(deadline=limit)

        async def request() -> object:
            try:
                with scope:
                    response = await client.rpc(function, dict(params)).execute()
                    return response.data
            except APIError as error:
                error.code = error.code or _status.get()
                raise
            finally:
                self._batcher.release()
            raise TimeoutError

        task = asyncio.create_task(request())
        self._requests[task] = scope
        task.add_done_callback(self._forget)
        await asyncio.wait({task})
        return task.result()

    def _forget(self, request: asyncio.Task[Any]) -> None:
        del self._requests[request]
        if not request.cancelled():
            # Else asyncio would complain that nobody heard what became of a cancelled call.
            request.exception()


async def _receive(response: httpx.Response) -> None:
    _status.set(str(response.status_code))
    await response.aread()
    # A response and its stream refer to each other, so both would stay in memory until Python's
    # collector comes by, which counts objects and not bytes: pages of 5 MB piled up to 140 MB.
    response.stream = httpx.ByteStream(b"")


def _was_not_sent(error: httpx.RequestError) -> bool:
    """Whether a request failed before any of it was sent.

    It is httpcore that knows. Other transports, which a caller's client may have, say
    ConnectTimeout also where a connection broke that had been used.
    """
    return isinstance(
        error.__cause__,
        (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError),
    )
