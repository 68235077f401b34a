"""Batches calls that wait for a free connection into one request."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import anyio

from parlant_supabase.errors import (
    AuthenticationError,
    InvalidArgumentError,
    NotOpenError,
    OutcomeUnknownError,
    SupabaseAdapterError,
    UnavailableError,
    UnreachableError,
)
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.error_mapping import (
    RequestFailed,
    answer_lost,
    incomplete_reply,
    not_open,
    translate,
)
from parlant_supabase.rpc.functions import EXECUTE, Batching, Function

# A batch is one transaction, and the database ends a statement after 8 seconds. A call takes a
# fifth of a millisecond in it.
_MAX_CALLS = 200

# Large calls gain nothing from batching, and would delay the others.
_MAX_CHARACTERS = 500_000

# A batch that failed in one of these ways was not carried out because of none of its calls.
_FAILURES_OF_ALL = (
    AuthenticationError,
    NotOpenError,
    OutcomeUnknownError,
    UnavailableError,
    UnreachableError,
)


class Send(Protocol):
    """Makes one request."""

    async def __call__(
        self, function: Function[Any], arguments: Mapping[str, Any], deadline: float
    ) -> Any:
        """The function's reply.

        Raises:
            RequestFailed: The request failed.
        """
        ...


@dataclass(eq=False)
class _Entry:
    """A call and its answer."""

    call: Call
    answer: asyncio.Future[Any]
    alone: bool
    size: int = 0
    queued: bool = False

    def succeed(self, reply: Any) -> None:
        # The caller may have been cancelled meanwhile.
        if not self.answer.done():
            self.answer.set_result(reply)

    def fail(self, error: SupabaseAdapterError) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


class Batcher:
    """Keeps a number of requests in flight; calls beyond it wait and share requests.

    A call that finds a free slot is sent at once, as itself. Calls that wait are sent as soon as a
    request ends, each with a reply or an error of its own: one that fails undoes itself and no
    other. Within a batch, calls of one function run in the order in which they were made. If a
    batch as a whole is rolled back, each of its calls is sent once more, alone. A call that is
    cancelled while it waits is not sent; a request that has been sent goes on without its caller,
    because the database carries it out all the same.

    Args:
        send: Makes one request.
        slots: The most requests in flight.
    """

    def __init__(self, send: Send, slots: int) -> None:
        self._send = send
        self._free_slots = slots
        self._queue: deque[_Entry] = deque()
        self._requests: set[asyncio.Task[None]] = set()
        self._closed = True

    def open(self) -> None:
        """Accepts calls."""
        self._closed = False

    def close(self) -> None:
        """Refuses the calls that wait, and all further ones."""
        self._closed = True
        while self._queue:
            entry = self._queue.popleft()
            entry.queued = False
            entry.fail(
                NotOpenError(
                    f"{entry.call.subject}: the database was closed before the call was sent. "
                    "Close it after the last call has returned."
                )
            )

    async def wait_for_requests(self) -> None:
        """Returns when no request is in flight any more."""
        if self._requests:
            await asyncio.wait(self._requests)

    async def send(self, call: Call) -> Any:
        """The reply to a call.

        Raises:
            InvalidArgumentError: An argument cannot be written as JSON.
            SupabaseAdapterError: The call failed; the class says how.
        """
        if self._closed:
            raise not_open(call.subject)
        answer = asyncio.get_running_loop().create_future()
        entry = _Entry(call, answer, alone=not _may_be_batched(call))
        if self._free_slots and not self._queue:
            self._start([entry])
            return await answer

        entry.size = _size(call)
        self._enqueue(entry)
        try:
            with anyio.fail_after(call.deadline - anyio.current_time()):
                return await answer
        except TimeoutError:
            if not entry.queued:
                raise answer_lost(
                    call.function, call.subject, "no answer came back in time"
                ) from None
            raise UnreachableError(
                f"{call.subject}: every connection was busy until the time was up; nothing was "
                "sent. Make fewer calls at once, or raise the timeout."
            ) from None
        finally:
            if entry.queued:
                self._queue.remove(entry)

    def _enqueue(self, entry: _Entry) -> None:
        entry.queued = True
        self._queue.append(entry)

    def _start(self, entries: Sequence[_Entry]) -> None:
        self._free_slots -= 1
        request = asyncio.create_task(self._request(entries))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)

    async def _request(self, entries: Sequence[_Entry]) -> None:
        try:
            if len(entries) == 1:
                await self._send_one(entries[0])
            else:
                await self._send_batch(entries)
        except Exception as error:
            what = f"the request failed in {type(error).__name__}"
            for entry in entries:
                entry.fail(answer_lost(entry.call.function, entry.call.subject, what))
        finally:
            # Only the end of the event loop leaves a call without an answer.
            for entry in entries:
                if not entry.queued:
                    entry.answer.cancel()
            self._free_slots += 1
            while self._free_slots and self._queue:
                self._start(self._gather())

    def _gather(self) -> list[_Entry]:
        entries = [self._queue.popleft()]
        if not entries[0].alone:
            characters = entries[0].size
            for entry in [waiting for waiting in self._queue if not waiting.alone]:
                characters += entry.size
                if characters > _MAX_CHARACTERS or len(entries) == _MAX_CALLS:
                    break
                entries.append(entry)
                self._queue.remove(entry)
        for entry in entries:
            entry.queued = False
        return entries

    async def _send_one(self, entry: _Entry) -> None:
        call = entry.call
        try:
            reply = await self._send(call.function, call.arguments, _limit([entry]))
        except RequestFailed as failure:
            entry.fail(failure.error(call.function, call.subject))
        else:
            entry.succeed(reply)

    async def _send_batch(self, entries: Sequence[_Entry]) -> None:
        groups: dict[tuple[str, ...], list[_Entry]] = {}
        for entry in entries:
            call = entry.call
            groups.setdefault((call.function.operation, *call.arguments), []).append(entry)
        arguments = {
            "p_calls": [
                {
                    "function": operation,
                    "arguments": [entry.call.arguments for entry in group],
                }
                for (operation, *_), group in groups.items()
            ]
        }
        entries = [entry for group in groups.values() for entry in group]
        try:
            reply = await self._send(EXECUTE, arguments, _limit(entries))
        except RequestFailed as failure:
            if isinstance(failure.error(EXECUTE, "a batch"), _FAILURES_OF_ALL):
                for entry in entries:
                    entry.fail(failure.error(entry.call.function, entry.call.subject))
            else:
                # Rolled back because of one of them, and nobody knows which.
                self._send_alone(entries)
        else:
            self._send_alone(_answer(entries, reply["results"]))

    def _send_alone(self, entries: Iterable[_Entry]) -> None:
        for entry in entries:
            if self._closed:
                entry.fail(not_open(entry.call.subject))
            elif not entry.answer.done():
                entry.alone = True
                self._enqueue(entry)


def _answer(entries: Sequence[_Entry], results: Any) -> list[_Entry]:
    """Gives each entry its result, and returns those that have to be sent alone."""
    refused: list[_Entry] = []
    is_complete = isinstance(results, list) and len(results) == len(entries)
    for number, entry in enumerate(entries):
        call, result = entry.call, results[number] if is_complete else None
        match result:
            case {"reply": reply} if call.function.accepts(reply):
                entry.succeed(reply)
            case {"error": {"code": "55P03"}}:
                # In a batch, a call does not wait for a document that it had to search for.
                refused.append(entry)
            case {"error": {"code": code, "message": message, "detail": detail, "hint": hint}}:
                entry.fail(translate(call.function, call.subject, code, message, detail, hint))
            case _:
                entry.fail(incomplete_reply(call.function, call.subject))
    return refused


def _limit(entries: Sequence[_Entry]) -> float:
    """When to give up a request, in seconds of the event loop's clock."""
    deadline = max(entry.call.deadline for entry in entries)
    timeout = max(entry.call.attempt_timeout for entry in entries)
    return min(deadline, anyio.current_time() + timeout)


def _may_be_batched(call: Call) -> bool:
    if call.function.batching is not Batching.IF_ID_IS_KNOWN:
        return call.function.batching is Batching.ALWAYS
    filters = call.arguments.get("p_filters")
    condition = filters.get("id") if isinstance(filters, Mapping) else None
    if not isinstance(condition, Mapping) or condition.keys() != {"$eq"}:
        return False
    changes = call.arguments.get("p_params", {})
    return isinstance(changes, Mapping) and changes.get("id", condition["$eq"]) == condition["$eq"]


def _size(call: Call) -> int:
    try:
        return len(json.dumps(call.arguments))
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(
            f"{call.subject}: an argument cannot be written as JSON ({error})."
        ) from None
