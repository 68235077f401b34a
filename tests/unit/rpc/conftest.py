"""An HTTP client whose requests a test answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from parlant_supabase.rpc import transport
from parlant_supabase.settings import ConnectionSettings

SETTINGS = ConnectionSettings("https://project.example", "a-secret-key", "custom")


class FakeHttp:
    """Stands in for the server behind every httpx client that the transport makes.

    Attributes:
        clients: The clients that were made.
        options: What each was made with.
        requests: The requests that arrived.
        answer: Answers a request.
        arrived: Is set when a request arrives.
    """

    def __init__(self) -> None:
        self.clients: list[httpx.AsyncClient] = []
        self.options: list[dict[str, Any]] = []
        self.requests: list[httpx.Request] = []
        self.answer: Callable[[httpx.Request], Awaitable[httpx.Response]] = self.never
        self.arrived = asyncio.Event()

    def client(self, **options: Any) -> httpx.AsyncClient:
        async def handle(request: httpx.Request) -> httpx.Response:
            self.requests.append(request)
            self.arrived.set()
            return await self.answer(request)

        self.options.append(options)
        hooks = options.get("event_hooks")
        client = httpx.AsyncClient(
            transport=httpx.MockTransport(handle), timeout=options.get("timeout"), event_hooks=hooks
        )
        self.clients.append(client)
        return client

    async def never(self, request: httpx.Request) -> httpx.Response:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    def answers(self, status: int, **content: Any) -> None:
        """Answers every further request in the same way."""

        async def answer(request: httpx.Request) -> httpx.Response:
            return httpx.Response(status, **content)

        self.answer = answer

    def fails(self, error: Exception) -> None:
        """Fails every further request in the same way."""

        async def answer(request: httpx.Request) -> httpx.Response:
            raise error

        self.answer = answer


@pytest.fixture
async def http(monkeypatch: pytest.MonkeyPatch) -> FakeHttp:
    http = FakeHttp()

    class Patched:
        AsyncClient = staticmethod(http.client)

        def __getattr__(self, name: str) -> Any:
            return getattr(httpx, name)

    monkeypatch.setattr(transport, "httpx", Patched())
    return http
