"""Sends calls that are made while the connections are busy together, as one request."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import anyio

from parlant_supabase.errors import (
    AuthenticationError,
    NotOpenError,
    OutcomeUnknownError,
    SupabaseAdapterError,
    UnavailableError,
    UnreachableError,
)
from parlant_supabase.rpc.error_mapping import answer_lost, translate

ALONE = frozenset(
    {
        "parlant_adopt_collections",
        "parlant_create_collection",
        "parlant_delete_collection",
        "parlant_ensure_indexes",
        "parlant_export_documents",
        "parlant_get_collection",
        "parlant_get_or_create_collection",
        "parlant_get_version",
        "parlant_import_documents",
        "parlant_import_failed_documents",
        "parlant_open_store",
        "parlant_save_loaded_documents",
    }
)
"""Functions that are never sent with others: they make tables or indexes, or read whole stores."""

# A batch is one transaction, and the database ends a statement after 8 seconds. A call takes a
# fifth of a millisecond in it.
_MAX_CALLS = 200

# What is large has nothing to gain from company, and would make the others wait for it.
_MAX_CHARACTERS = 500_000

_SUBJECT = "a batch of calls"


class Send(Protocol):
    """Makes one request, and calls `Batcher.release` when the request is over."""

    async def __call__(
        self, function: str, params: Mapping[str, Any], subject: str, deadline: float
    ) -> dict[str, Any]:
        """The reply of a function of the project."""
        ...


@dataclass(eq=False)
class _Call:
    function: str
    params: Mapping[str, Any]
    subject: str
    deadline: float
    answer: asyncio.Future[dict[str, Any]]
    alone: bool
    sent: bool = False


class Batcher:
    """Keeps a number of requests in flight; calls beyond it gather and go as one request.

    A call that finds room goes at once, as itself. Those that wait go as soon as a request is over,
    each with a reply or an error of its own: one that fails undoes itself and no other. Within a
    batch, calls of one function run in the order in which they were made. If the batch as a whole
    is rolled back, each of its calls is sent once more, alone. A call that is cancelled while it
    waits is not sent.

    Args:
        send: Makes one request.
        max_in_flight: The most requests at a time.
    """

    def __init__(self, send: Send, max_in_flight: int) -> None:
        self._send = send
        self._room = max_in_flight
        self._waiting: deque[_Call] = deque()
        self._answering: set[asyncio.Task[None]] = set()

    async def call(
        self, function: str, params: Mapping[str, Any], subject: str, deadline: float
    ) -> dict[str, Any]:
        """The reply of a function of the project.

        Args:
            function: The function's name.
            params: Its arguments by name.
            subject: What is being done, for the message of an error.
            deadline: When to give up, in seconds of the event loop's clock.

        Raises:
            SupabaseAdapterError: The call failed; the class says how.
        """
        if self._room and not self._waiting:
            self._room -= 1
            return await self._send(function, params, subject, deadline)

        call = _Call(
            function,
            params,
            subject,
            deadline,
            asyncio.get_running_loop().create_future(),
            alone=function in ALONE or not _is_of_known_documents(function, params),
        )
        self._waiting.append(call)
        try:
            with anyio.fail_after(deadline - anyio.current_time()):
                return await call.answer
        except TimeoutError:
            if call.sent:
                raise answer_lost(function, subject, "no answer came back in time") from None
            raise UnreachableError(
                f"{subject}: every connection was busy until the time was up; nothing was sent. "
                "Make fewer calls at once, or raise the timeout."
            ) from None
        finally:
            if not call.sent:
                self._waiting.remove(call)

    def release(self) -> None:
        """Says that a request is over."""
        self._room += 1
        self._dispatch()

    def _dispatch(self) -> None:
        while self._room and self._waiting:
            self._room -= 1
            task = asyncio.create_task(self._answer(self._gather()))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    def _gather(self) -> list[_Call]:
        calls = [self._waiting.popleft()]
        if not calls[0].alone:
            room = _MAX_CHARACTERS - _size(calls[0])
            for call in [waiting for waiting in self._waiting if not waiting.alone]:
                room -= _size(call)
                if room < 0 or len(calls) == _MAX_CALLS:
                    break
                calls.append(call)
                self._waiting.remove(call)
        for call in calls:
            call.sent = True
        return calls

    async def _answer(self, calls: list[_Call]) -> None:
        try:
            if len(calls) == 1:
                await self._answer_one(calls[0])
            else:
                await self._answer_batch(calls)
        except BaseException:
            # The loop is being torn down; nobody may be left waiting.
            for call in calls:
                call.answer.cancel()
            raise

    async def _answer_one(self, call: _Call) -> None:
        try:
            reply = await self._send(call.function, call.params, call.subject, call.deadline)
        except SupabaseAdapterError as error:
            _fail(call, error)
        else:
            _succeed(call, reply)

    async def _answer_batch(self, calls: list[_Call]) -> None:
        alike: dict[tuple[str, ...], list[_Call]] = {}
        for call in calls:
            alike.setdefault((call.function, *call.params), []).append(call)
        calls = [call for group in alike.values() for call in group]
        params = {
            "p_calls": [
                {
                    "function": function.removeprefix("parlant_"),
                    "arguments": [call.params for call in group],
                }
                for (function, *_), group in alike.items()
            ]
        }
        deadline = max(call.deadline for call in calls)
        try:
            reply = await self._send("parlant_execute", params, _SUBJECT, deadline)
        except OutcomeUnknownError:
            for call in calls:
                _fail(call, answer_lost(call.function, call.subject, "no answer came back"))
        except (AuthenticationError, NotOpenError, UnavailableError, UnreachableError) as error:
            for call in calls:
                _fail(call, _about(error, call.subject))
        except SupabaseAdapterError:
            # Rolled back for what one of them did, and nobody knows which.
            self._send_alone(calls)
        else:
            for call, result in zip(calls, reply["results"], strict=True):
                if "reply" in result:
                    _succeed(call, result["reply"])
                else:
                    _fail(call, translate(call.function, call.subject, **result["error"]))

    def _send_alone(self, calls: Iterable[_Call]) -> None:
        for call in calls:
            if not call.answer.done():
                call.alone = True
                call.sent = False
                self._waiting.append(call)
        self._dispatch()


def _is_of_known_documents(function: str, params: Mapping[str, Any]) -> bool:
    """Whether a call writes, if anything, what its arguments name.

    Batches take turns at what they are going to write. That keeps them from waiting for each other
    in a circle only if it is known beforehand.
    """
    if function not in ("parlant_update_one", "parlant_delete_one"):
        return True
    filters = params.get("p_filters")
    condition = filters.get("id") if isinstance(filters, Mapping) else None
    if not isinstance(condition, Mapping) or condition.keys() != {"$eq"}:
        return False
    changes = params.get("p_params", {})
    return isinstance(changes, Mapping) and changes.get("id", condition["$eq"]) == condition["$eq"]


def _size(call: _Call) -> int:
    return len(json.dumps(call.params))


def _succeed(call: _Call, reply: dict[str, Any]) -> None:
    # The caller may have been cancelled meanwhile.
    if not call.answer.done():
        call.answer.set_result(reply)


def _fail(call: _Call, error: SupabaseAdapterError) -> None:
    if not call.answer.done():
        call.answer.set_exception(error)


def _about(error: SupabaseAdapterError, subject: str) -> SupabaseAdapterError:
    return type(error)(
        str(error).replace(_SUBJECT, subject, 1),
        code=error.code,
        server_message=error.server_message,
        server_detail=error.server_detail,
    )
