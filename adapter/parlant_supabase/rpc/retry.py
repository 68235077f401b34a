"""Retries failed calls when that is safe and can help."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from parlant_supabase.errors import (
    NotDeployedError,
    OutcomeUnknownError,
    SupabaseAdapterError,
    UnavailableError,
    UnreachableError,
)
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.functions import Kind
from parlant_supabase.rpc.telemetry import Observer

# Pauses of 0.1, 0.2, 0.4 … 2 seconds at most: about five seconds in all, a restart of a server.
_ATTEMPTS = 8
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0

# A write that was certainly not carried out is not retried where the time may not suffice for
# another failure: that would turn a certain failure into an unknown outcome.
_MARGIN = 2.0

# The API learns of a deployment within a second; that nothing was deployed is to be said soon.
_ATTEMPTS_IF_NOT_DEPLOYED = 5
_STALE_SCHEMA_CODES = {"PGRST202", "42883"}


class Retry:
    """Makes attempts at calls until one succeeds or a further one is pointless or unsafe.

    Args:
        send: Makes one attempt.
        observer: Hears of failed attempts that are followed by another.
    """

    def __init__(
        self, send: Callable[[Call], Awaitable[Any]], observer: Observer | None = None
    ) -> None:
        self._send = send
        self._observer = observer
        self._closed = True

    def open(self) -> None:
        """Allows retries."""
        self._closed = False

    def close(self) -> None:
        """Ends calls with their current attempt."""
        self._closed = True

    async def send(self, call: Call) -> Any:
        """The reply to a call.

        Raises:
            OutcomeUnknownError: An attempt at a write may have been carried out, whatever became of
                the attempts after it.
            SupabaseAdapterError: Otherwise, what the last attempt raised.
        """
        lost: OutcomeUnknownError | None = None
        while True:
            call.attempts += 1
            began = anyio.current_time()
            try:
                return await self._send(call)
            except SupabaseAdapterError as error:
                if isinstance(error, OutcomeUnknownError):
                    lost = error
                pause = _pause_after(call.attempts)
                now = anyio.current_time()
                is_safe = call.function.kind is Kind.READ or lost is not None
                needed = 0.0 if is_safe else _MARGIN * (now - began)
                if (
                    self._closed
                    or call.attempts >= _most_attempts(call, error)
                    or now + pause + needed >= call.deadline
                ):
                    raise _conclusion(call, error, lost) from error.__cause__
                if self._observer is not None:
                    await self._observer.attempt_failed(call, pause, error)
            await anyio.sleep(pause)


def _most_attempts(call: Call, error: SupabaseAdapterError) -> int:
    if isinstance(error, NotDeployedError) and error.code in _STALE_SCHEMA_CODES:
        return _ATTEMPTS_IF_NOT_DEPLOYED
    if isinstance(error, (UnavailableError, UnreachableError)):
        return _ATTEMPTS
    if isinstance(error, OutcomeUnknownError) and call.function.kind is Kind.REPEATABLE_WRITE:
        return _ATTEMPTS
    return 1


def _pause_after(number: int) -> float:
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (number - 1))
    # Random, so that the many that failed together do not come back together.
    return random.uniform(longest / 2, longest)


def _conclusion(
    call: Call, error: SupabaseAdapterError, lost: OutcomeUnknownError | None
) -> SupabaseAdapterError:
    tried = "Tried once" if call.attempts == 1 else f"Tried {call.attempts} times"
    if lost is not None and not isinstance(error, OutcomeUnknownError):
        # However certain the last failure is, an attempt before it may have been carried out.
        return OutcomeUnknownError(
            f"{call.subject}: an answer was lost, so it may have been carried out or not. "
            f"Look before you repeat it. {tried}, the last time: {error}",
            code=error.code,
        )
    if not isinstance(error, (OutcomeUnknownError, UnavailableError, UnreachableError)):
        return error
    return type(error)(
        f"{error} {tried}.",
        code=error.code,
        server_message=error.server_message,
        server_detail=error.server_detail,
    )
