"""Requests that a test answers, and calls to send."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from parlant_supabase.errors import SupabaseAdapterError
from parlant_supabase.rpc.call import Call
from parlant_supabase.rpc.error_mapping import RequestFailed, translate
from parlant_supabase.rpc.functions import EXECUTE, FIND, Function


@dataclass(eq=False)
class Request:
    """A request in flight."""

    function: Function[Any]
    arguments: Mapping[str, Any]
    deadline: float
    answer: asyncio.Future[Any]

    @property
    def calls(self) -> list[tuple[str, Any]]:
        """The operation and the arguments of each call that it carries, in their order."""
        if self.function is not EXECUTE:
            return [(self.function.operation, self.arguments)]
        return [
            (group["function"], arguments)
            for group in self.arguments["p_calls"]
            for arguments in group["arguments"]
        ]


class FakeSend:
    """A `send` whose requests wait until a test answers them."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    async def __call__(
        self, function: Function[Any], arguments: Mapping[str, Any], deadline: float
    ) -> Any:
        answer = asyncio.get_running_loop().create_future()
        self.requests.append(Request(function, arguments, deadline, answer))
        return await answer


def call(
    number: int = 0,
    function: Function[Any] = FIND,
    *,
    timeout: float = 60.0,
    attempt_timeout: float = 30.0,
    **arguments: Any,
) -> Call:
    """A call whose subject and first argument are the number."""
    deadline = asyncio.get_running_loop().time() + timeout
    return Call(
        function, {"p_number": number, **arguments}, f"call {number}", deadline, attempt_timeout
    )


def page(number: int) -> dict[str, Any]:
    """A reply of parlant_find that tells which call it belongs to."""
    return {"items": [number], "total_count": 1, "has_more": False, "next_cursor": None}


def failure(code: str | None, message: str | None = None) -> RequestFailed:
    """A request that failed with a code of the server's."""

    def explain(function: Function[Any], subject: str) -> SupabaseAdapterError:
        return translate(function, subject, code, message, None, None)

    return RequestFailed(explain)


async def settle() -> None:
    """Lets every task run until it waits for something that a test does."""
    for _ in range(10):
        await asyncio.sleep(0)
