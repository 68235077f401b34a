"""Makes one request to PostgREST; the only module that uses supabase, postgrest and httpx."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextvars import ContextVar
from functools import partial
from typing import Any, TypeAlias

import anyio
import httpcore
import httpx
from postgrest.exceptions import APIError
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from parlant_supabase.errors import NotOpenError, SupabaseAdapterError, UnreachableError
from parlant_supabase.rpc.error_mapping import (
    RequestFailed,
    answer_lost,
    closed_in_flight,
    incomplete_reply,
    not_open,
    not_the_api,
    translate,
)
from parlant_supabase.rpc.functions import Function
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.settings import ConnectionSettings

SupabaseClient: TypeAlias = AsyncClient

# More connections make httpx slower, not faster: per request it walks all of them, and it drops
# those above max_keepalive_connections. Measured at 32 concurrent calls: 8/8 1.5 times as fast as
# 32/32.
MAX_CONNECTIONS = 8

# The HTTP status of the last reply in this task, as a gateway's own errors have no other code.
_status: ContextVar[str | None] = ContextVar("_status", default=None)


class Transport:
    """Makes requests to a Supabase project, one for each call of `send`.

    Args:
        settings: Where the project is; None if a client is given.
        client: A client of the caller's, which stays open when the transport closes.
        timeout: Seconds that httpx waits for data; a request may have less.
        observer: Hears of every request.
    """

    def __init__(
        self,
        settings: ConnectionSettings | None,
        client: SupabaseClient | None,
        timeout: float,
        observer: Observer | None = None,
    ) -> None:
        self._settings = settings
        self._given_client = client
        self._timeout = timeout
        self._observer = observer
        self._client: AsyncClient | None = None
        self._http: httpx.AsyncClient | None = None
        self._in_flight: set[anyio.CancelScope] = set()

    async def open(self) -> None:
        """Makes the client, unless one was given. Nothing is sent."""
        if self._given_client is not None:
            self._client = self._given_client
            return
        assert self._settings is not None
        self._http = httpx.AsyncClient(
            # Over HTTP/2 a gateway that ends a connection takes the requests on it along, and half
            # of those that fail so have been carried out.
            http2=False,
            # A connection that cannot be made is known as such before the attempt's time is up.
            timeout=httpx.Timeout(self._timeout, connect=self._timeout / 2),
            limits=httpx.Limits(
                max_connections=MAX_CONNECTIONS,
                max_keepalive_connections=MAX_CONNECTIONS,
                keepalive_expiry=30,
            ),
            event_hooks={"response": [_receive]},
        )
        try:
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
        except BaseException:
            await self.close()
            raise

    def interrupt(self) -> None:
        """Ends the requests that are in flight, and accepts no more."""
        self._client = None
        for scope in self._in_flight:
            scope.cancel()

    async def close(self) -> None:
        """Closes the client, unless it was given, even if the caller is cancelled."""
        self.interrupt()
        http, self._http = self._http, None
        if http is not None:
            with anyio.CancelScope(shield=True):
                await http.aclose()

    async def send(
        self, function: Function[Any], arguments: Mapping[str, Any], deadline: float
    ) -> Any:
        """The reply of a function.

        Args:
            function: The function.
            arguments: Its arguments by name.
            deadline: When to give up, in seconds of the event loop's clock.

        Raises:
            RequestFailed: The request failed.
        """
        began = time.perf_counter()
        try:
            reply = await self._request(function, arguments, deadline)
        except RequestFailed as failure:
            if self._observer is not None:
                error = failure.error(function, "a request")
                await self._observer.request_ended(function, arguments, began, error)
            raise
        if self._observer is not None:
            await self._observer.request_ended(function, arguments, began, None)
        return reply

    async def _request(
        self, function: Function[Any], arguments: Mapping[str, Any], deadline: float
    ) -> Any:
        client = self._client
        if client is None:
            raise RequestFailed(_not_open)
        scope = anyio.CancelScope(deadline=deadline)
        self._in_flight.add(scope)
        try:
            with scope:
                response = await client.rpc(function.name, dict(arguments)).execute()
        except APIError as error:
            # Not chained: what the server says may quote a document.
            raise _refused(error, client.options.schema) from None
        except httpx.RequestError as error:
            if _was_not_sent(error):
                raise RequestFailed(_unreachable) from error
            raise _lost("no answer came back") from error
        except UnicodeDecodeError:
            # Not chained: it holds the answer.
            raise _lost("the answer was cut off") from None
        except Exception as error:
            if client.postgrest.session.is_closed:
                raise RequestFailed(_client_closed) from error
            raise _lost(f"the request failed in {type(error).__name__}") from error
        finally:
            self._in_flight.discard(scope)
        if scope.cancelled_caught:
            if self._client is None:
                raise RequestFailed(closed_in_flight)
            raise _lost("no answer came back in time")
        return _checked(function, response.data)


def _checked(function: Function[Any], data: object) -> Any:
    if isinstance(data, dict):
        if not function.accepts(data):
            raise RequestFailed(incomplete_reply)
        return data
    if not data or (isinstance(data, str) and data.startswith("{")):
        raise _lost("the answer was cut off")
    raise RequestFailed(_not_the_api)


def _refused(error: APIError, schema: str) -> RequestFailed:
    code = error.code or _status.get()
    return RequestFailed(
        partial(
            translate,
            schema=schema,
            code=None if code is None else str(code),
            message=error.message,
            detail=error.details,
            hint=error.hint,
        )
    )


def _lost(what: str) -> RequestFailed:
    return RequestFailed(partial(answer_lost, what=what))


def _not_open(function: Function[Any], subject: str) -> NotOpenError:
    return not_open(subject)


def _client_closed(function: Function[Any], subject: str) -> NotOpenError:
    return NotOpenError(
        f"{subject}: the client that the database was given is closed. Close it after the database."
    )


def _not_the_api(function: Function[Any], subject: str) -> SupabaseAdapterError:
    return not_the_api(subject, "something other than the project's API answered")


def _unreachable(function: Function[Any], subject: str) -> UnreachableError:
    return UnreachableError(
        f"{subject}: the Supabase project cannot be reached; nothing was sent. "
        "Check SUPABASE_URL and the network, and that the project is not paused."
    )


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
