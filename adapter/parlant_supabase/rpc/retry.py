"""Repeats a call that failed: only where it can help, and only where it can do no harm."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from parlant_supabase.errors import (
    NotDeployedError,
    OutcomeUnknownError,
    SupabaseAdapterError,
    UnavailableError,
    UnreachableError,
)

_T = TypeVar("_T")

READS = frozenset(
    {
        "parlant_check_events",
        "parlant_count_failed_documents",
        "parlant_diagnose",
        "parlant_export_documents",
        "parlant_find",
        "parlant_find_one",
        "parlant_get_collection",
        "parlant_get_version",
        "parlant_list_customers",
        "parlant_list_events",
        "parlant_list_failed_documents",
        "parlant_list_sessions",
        "parlant_list_variables",
        "parlant_read_customer",
        "parlant_read_event",
        "parlant_read_variable",
    }
)
"""Functions that change nothing: whether a call that failed was carried out makes no difference."""

REPEATABLE_WRITES = frozenset(
    {
        # Find what the first call made.
        "parlant_adopt_collections",
        "parlant_ensure_indexes",
        "parlant_get_or_create_collection",
        "parlant_open_store",
        # Acknowledge what is there under the same id without writing it again.
        "parlant_create_event",
        "parlant_create_variable",
        "parlant_insert_one",
        # Leave alone what the first call inserted; that they count it as there is all that differs.
        "parlant_import_documents",
        "parlant_import_failed_documents",
        # Passes over documents whose digest is no longer the one that was read.
        "parlant_save_loaded_documents",
    }
)
"""Functions that, called twice with the same arguments, leave what one call leaves and tell the
caller what one call tells it.

None of the others is: a second update_one could overwrite another writer's newer value, a second
delete_one take the next document that matches, a second delete_session say that there was none, a
second create_customer that somebody else had created it.
"""

# Pauses of 0.1, 0.2, 0.4 … 2 seconds at most: about five seconds in all, a restart of a server.
_ATTEMPTS = 8
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0

# A write that has certainly not been carried out is not begun again where it may lack the time to
# say so again: that would turn a certain failure into an unknown outcome.
_MARGIN = 2.0

# The API learns of a deployment within a second; that nothing was deployed is to be said soon.
_ATTEMPTS_IF_NOT_DEPLOYED = 5
_STALE_SCHEMA_CODES = {"PGRST202", "42883"}


async def repeat(
    attempt: Callable[[], Awaitable[_T]],
    function: str,
    subject: str,
    deadline: float,
    about_to_repeat: Callable[[SupabaseAdapterError, float], Awaitable[None]],
) -> _T:
    """What an attempt at a call returns, once one succeeds.

    Args:
        attempt: Makes one attempt.
        function: The function that it calls.
        subject: What is being done, for the message of an error.
        deadline: When to start no further attempt, in seconds of the event loop's clock.
        about_to_repeat: Is told how an attempt failed, and of the pause before the next one.

    Raises:
        OutcomeUnknownError: An attempt at a write may have been carried out, whatever became of the
            attempts after it.
        SupabaseAdapterError: Otherwise, what the last attempt raised.
    """
    lost: OutcomeUnknownError | None = None
    number = 0
    while True:
        number += 1
        began = anyio.current_time()
        try:
            return await attempt()
        except SupabaseAdapterError as error:
            if isinstance(error, OutcomeUnknownError):
                lost = error
            pause = _pause_after(number)
            now = anyio.current_time()
            needed = 0.0 if function in READS or lost else _MARGIN * (now - began)
            if number >= _most_attempts(function, error) or now + pause + needed >= deadline:
                raise _conclusion(error, lost, subject, number) from error.__cause__
            await about_to_repeat(error, pause)
        await anyio.sleep(pause)


def _most_attempts(function: str, error: SupabaseAdapterError) -> int:
    if isinstance(error, NotDeployedError) and error.code in _STALE_SCHEMA_CODES:
        return _ATTEMPTS_IF_NOT_DEPLOYED
    if isinstance(error, (UnavailableError, UnreachableError)):
        return _ATTEMPTS
    if isinstance(error, OutcomeUnknownError) and function in REPEATABLE_WRITES:
        return _ATTEMPTS
    return 1


def _pause_after(number: int) -> float:
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** (number - 1))
    # Random, so that the many that failed together do not come back together.
    return random.uniform(longest / 2, longest)


def _conclusion(
    error: SupabaseAdapterError, lost: OutcomeUnknownError | None, subject: str, number: int
) -> SupabaseAdapterError:
    tried = "Tried once" if number == 1 else f"Tried {number} times"
    if lost is not None and not isinstance(error, OutcomeUnknownError):
        # However certain the last failure is, an attempt before it may have been carried out.
        return OutcomeUnknownError(
            f"{subject}: an answer was lost, so it may have been carried out or not. "
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
