"""Calls SQL functions of a Supabase project."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, cast

import anyio
from typing_extensions import Self

from parlant_supabase.errors import (
    ConfigurationError,
    NotOpenError,
    SupabaseAdapterError,
    UnstorableValueError,
)
from parlant_supabase.rpc.batching import Batcher
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.encoding import encode_arguments, replace_unstorable
from parlant_supabase.rpc.error_mapping import not_open
from parlant_supabase.rpc.functions import Function, Reply
from parlant_supabase.rpc.retry import Retry
from parlant_supabase.rpc.telemetry import Observer
from parlant_supabase.rpc.transport import MAX_CONNECTIONS, SupabaseClient, Transport
from parlant_supabase.settings import ConnectionSettings


class RpcClient:
    """Calls SQL functions of a Supabase project: retries calls, batches them, sends requests.

    Args:
        settings: Where the project is; None if a client is given.
        client: A client of the caller's, which stays open when this one closes.
        timeout: Seconds that one call may take, retries included. One attempt takes half of it at
            most, so that an answer that never comes leaves time for another.
        observer: Hears of calls and requests, except those that are cancelled.
        replace_unstorable: Whether characters and numbers that cannot be stored are replaced, and
            not refused.
    """

    def __init__(
        self,
        settings: ConnectionSettings | None,
        client: SupabaseClient | None = None,
        timeout: float = 60.0,
        observer: Observer | None = None,
        *,
        replace_unstorable: bool = False,
    ) -> None:
        self.timeout = timeout
        self._replace_unstorable = replace_unstorable
        self.observer = observer
        self._transport = Transport(settings, client, timeout / 2, observer)
        # Nothing waits inside httpx, where a call that is cancelled could still be sent.
        self._batcher = Batcher(self._transport.send, MAX_CONNECTIONS)
        self._retry = Retry(self._batcher.send, observer)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before_closing: list[Callable[[], Awaitable[None]]] = []

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise ConfigurationError(
                "opening the database: it is already open. Open it once; with_prefix() gives "
                "another store a database that shares its connections."
            )
        self._loop = asyncio.get_running_loop()
        try:
            await self._transport.open()
        except BaseException:
            self._loop = None
            raise
        self._batcher.open()
        self._retry.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._loop is None:
            return
        self._check_loop("closing the database")
        try:
            while self._before_closing:
                await self._before_closing.pop()()
        finally:
            await self._close()

    async def _close(self) -> None:
        self._retry.close()
        self._batcher.close()
        self._transport.interrupt()
        try:
            with anyio.CancelScope(shield=True):
                await self._batcher.wait_for_requests()
        finally:
            await self._transport.close()
            self._loop = None

    def before_closing(self, callback: Callable[[], Awaitable[None]]) -> None:
        """Has something done while calls can still be made, when the client is closed.

        Args:
            callback: Does it; it is called once and raises nothing.
        """
        self._before_closing.append(callback)

    async def call(
        self, function: Function[Reply], arguments: Mapping[str, Any], subject: str
    ) -> Reply:
        """The reply of a function.

        Args:
            function: The function.
            arguments: Its arguments by name.
            subject: What is being done, for the message of an error.

        Raises:
            UnstorableValueError: An argument holds what JSON cannot.
            OutcomeUnknownError: The call may have been carried out or not. After every other error
                it has not been.
            SupabaseAdapterError: The call failed; the class says how.
        """
        self._check_loop(subject)
        began = time.perf_counter()
        call = Call(
            function,
            self._encode(arguments, subject),
            subject,
            deadline=anyio.current_time() + self.timeout,
            attempt_timeout=self.timeout / 2,
        )
        try:
            reply = await self._retry.send(call)
        except SupabaseAdapterError as error:
            if self.observer is not None:
                await self.observer.call_ended(call, began, error)
            raise
        if self.observer is not None:
            await self.observer.call_ended(call, began, None)
        return cast("Reply", reply)

    def _encode(self, arguments: Mapping[str, Any], subject: str) -> dict[str, Any]:
        try:
            return encode_arguments(arguments)
        except UnstorableValueError:
            if not self._replace_unstorable:
                raise
            replaced, places = replace_unstorable(arguments)
            if not places:
                raise
        encoded = encode_arguments(replaced)
        if self.observer is not None:
            self.observer.values_replaced(subject, places)
        return encoded

    def _check_loop(self, subject: str) -> None:
        if self._loop is None:
            raise not_open(subject)
        if self._loop is not asyncio.get_running_loop():
            raise NotOpenError(
                f"{subject}: the database was opened in another event loop; nothing was sent. "
                "Open it in the event loop that uses it."
            )
